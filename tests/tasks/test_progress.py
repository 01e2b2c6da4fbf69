"""What reports show of targets and of continuous obligations, in the editions that are made of them."""

import pytest
from openpyxl import load_workbook

from models.domain.errors import NoFormError
from models.domain.vocabulary import EditionKind
from tasks.compile import compile_cycle, compile_due_editions
from tasks.open_cycles import open_due_cycles
from tests.tasks.test_targets import set_targets

CYCLE = "bc-6t-2025"
UNIT, OTHER = "so-y-te", "so-tu-phap"


def compiled(office, instant):
    with office.at(instant) as runtime:
        return compile_cycle(runtime, CYCLE, runtime.clock.now(), EditionKind.PROVISIONAL)


def sheet_of(office, edition, name):
    return load_workbook(office.home / edition.workbook)[name]


@pytest.fixture
def answered_office(office):
    """Two units have targets, and one of them has reported."""
    set_targets(office, (UNIT, None, 1, None, 10**9), (OTHER, None, 5, None, None))
    office.round("2025-05-16 08:00")
    office.send(UNIT, "answer", "2025-06-03 09:00")
    office.poll("2025-06-03 09:05")
    return office


def test_an_edition_holds_results_against_the_targets_of_its_year(answered_office):
    edition = compiled(answered_office, "2025-06-04 08:00").edition
    rows = {row[0]: row for row in sheet_of(answered_office, edition, "Chỉ tiêu").iter_rows(values_only=True)}
    assert rows["CT05"][3] == 6
    assert rows["CT05"][4] >= 1
    assert rows["CT05"][6:] == (1, 1)
    assert rows["CT13"][6:] == (0, 1)
    assert rows[CYCLE][3:5] == (1, pytest.approx(1 / 3))
    units = sheet_of(answered_office, edition, "Chỉ tiêu đơn vị")
    assert [row[1] for row in units.iter_rows(min_row=6, values_only=True)] == ["Sở Tư pháp", "Sở Y tế"]


def test_other_targets_make_another_edition_and_the_same_ones_do_not(answered_office):
    compiled(answered_office, "2025-06-04 08:00")
    assert not compiled(answered_office, "2025-06-05 08:00").is_new
    set_targets(answered_office, (UNIT, None, 2, None, None), at="2025-06-05 09:00")
    assert compiled(answered_office, "2025-06-05 10:00").is_new


def test_every_continuous_clause_of_the_plan_has_its_line_with_the_units_that_show_it(answered_office):
    edition = compiled(answered_office, "2025-06-04 08:00").edition
    sheet = sheet_of(answered_office, edition, "Độ phủ nhiệm vụ")
    clauses = [row[0] for row in sheet.iter_rows(min_row=6, values_only=True)]
    assert clauses == ["I.1", "I.2", "II.1-c", "II.2-a", "II.2-b", "II.6-b", "II.8-b", "II.8-c", "III.2-a", "III.2-b"]
    shown = {row[0].value: (row[3].value, row[3].number_format, row[4].value) for row in sheet.iter_rows(min_row=6)}
    assert shown["II.2-a"] == (1, '0"/1"', 76)


def test_the_annual_edition_takes_the_six_months_where_a_unit_has_not_reported_the_year(answered_office):
    answered_office.round("2025-10-16 08:00", "O-21")
    with answered_office.at("2025-11-03 08:00") as runtime:
        edition = compile_cycle(runtime, "bc-nam-2025", runtime.clock.now(), EditionKind.PROVISIONAL).edition
    rows = {row[0]: row for row in sheet_of(answered_office, edition, "Chỉ tiêu").iter_rows(values_only=True)}
    assert rows["CT05"][4] >= 1
    assert [rows[code][3] for code in (CYCLE, "bc-nam-2025")] == [1, 1]
    coverage = sheet_of(answered_office, edition, "Độ phủ nhiệm vụ")
    inspections = {row[0]: row[5] for row in coverage.iter_rows(min_row=6, values_only=True)}
    assert inspections["II.7"].startswith("Chưa thấy kết luận")


def test_a_cycle_without_a_form_has_no_edition_and_says_so(office):
    with office.at("2025-07-01 08:00") as runtime:
        now = runtime.clock.now()
        (code,) = open_due_cycles.fn(runtime, "O-12", now)
        assert compile_due_editions.fn(runtime, [code], now.replace(month=11)) == 0
        with pytest.raises(NoFormError) as caught:
            compile_cycle(runtime, code, now, EditionKind.FINAL)
        assert "không có biểu mẫu" in runtime.texts.error(caught.value)
