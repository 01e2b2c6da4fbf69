"""What is typed into a roster or comes from a unit stays text in every workbook that this program writes."""

from dataclasses import replace
from io import BytesIO

import pytest
from openpyxl import load_workbook

from tasks.adapters.programme import load_programme, write_roster
from tasks.adapters.target_sheet import draw_target_sheet
from tasks.adapters.texts import vietnamese
from tests.meta.source_code import ROOT

FORMULAS = ('=HYPERLINK("http://evil.example.invalid")', "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0")
WRITERS = {
    "aggregates.py": "tests/adapters/test_aggregates.py",
    "programme/roster_writing.py": "tests/adapters/test_doors.py",
    "rehearsal_sheet.py": "tests/adapters/test_rehearsal_sheet.py",
    "score_workbook.py": "tests/adapters/test_review_papers.py",
    "target_sheet.py": "tests/adapters/test_doors.py",
    "workbooks/template.py": "tests/adapters/test_stamping.py",
}
"""By module that makes workbooks the tests that give it a formula to write; marking is in `test_marking.py`."""


def test_every_module_that_makes_a_workbook_is_given_a_formula_by_some_test():
    adapters = ROOT / "tasks" / "adapters"
    made = {
        path.relative_to(adapters).as_posix()
        for path in adapters.rglob("*.py")
        if "Workbook(" in path.read_text("utf-8").replace("load_workbook(", "")
    }
    assert made == WRITERS.keys()
    assert all("formula" in (ROOT / path).read_text("utf-8") for path in WRITERS.values())
    elsewhere = [path for folder in ("models", "flows", "deployments") for path in (ROOT / folder).rglob("*.py")]
    makers = [path.name for path in elsewhere if "Workbook(" in path.read_text("utf-8").replace("load_workbook(", "")]
    assert makers == ["simulated_units.py"], "units that open and fill a form of ours, in the demo alone"


@pytest.fixture(scope="module")
def programme():
    return load_programme(ROOT / "deployments" / "de_an_835")


def hostile(programme, text):
    """Return the roster with the text wherever a clerk may write words."""
    roster = programme.roster
    unit = replace(roster.units[0], name=text, address=text, head=text, aliases=(text,), source=text)
    contact = replace(roster.contacts[0], name=text, phone=text)
    member = replace(roster.members[0], name=text, field=text)
    return replace(
        roster,
        units=(unit, *roster.units[1:]),
        contacts=(contact, *roster.contacts[1:]),
        members=(member, *roster.members[1:]),
    )


@pytest.mark.parametrize("text", FORMULAS)
def test_no_word_of_an_exported_roster_becomes_a_formula(programme, text, tmp_path):
    path = tmp_path / "roster.xlsx"
    write_roster(hostile(programme, text), {"G1": "Khối"}, vietnamese(), path)
    cells = [cell for sheet in load_workbook(path) for row in sheet.iter_rows() for cell in row if cell.value]
    assert "f" not in {cell.data_type for cell in cells}
    assert sum(cell.value == text for cell in cells) >= 8


@pytest.mark.parametrize("text", FORMULAS)
def test_no_name_on_the_sheet_of_targets_becomes_a_formula(programme, text):
    units = hostile(programme, text).units[:3]
    content = draw_target_sheet(programme, 2025, units, {}, vietnamese())
    (cell,) = (
        cell
        for sheet in load_workbook(BytesIO(content))
        for row in sheet.iter_rows()
        for cell in row
        if cell.value == text
    )
    assert (cell.data_type, cell.hyperlink) == ("s", None)
