"""The form that a unit receives: stamped, prefilled, validated, and the same after LibreOffice has saved it."""

import shutil
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from models.domain.checks import check_form
from models.domain.cycles import plan_cycle
from models.domain.vocabulary import FieldKind
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks import STAMP_KEYS, STAMP_SHEET, form_words
from tasks.adapters.workbooks.reading import read_workbook
from tasks.adapters.workbooks.stamping import FormTemplate
from tasks.adapters.workbooks.template import FormParts
from tasks.ports import GatheredFigures, PreviousFigure, StampOrder
from tasks.settings import LimitSettings

PROGRAMME = Path(__file__).resolve().parents[2] / "deployments" / "de_an_835"
UNIT = "Sở Y tế & “Văn” <phòng>"
ORDER = StampOrder(
    unit_code="so-y-te",
    unit_name=UNIT,
    token="0123456789abcdef",
    previous={
        "CT01": PreviousFigure(amount=0),
        "CT19": PreviousFigure(amount=1_250_000_000),
        "CT21": PreviousFigure(text="=1+1"),
        "CT99": PreviousFigure(amount=7),
    },
)


@pytest.fixture(scope="module")
def cycle():
    programme = load_programme(PROGRAMME)
    return plan_cycle(programme, programme.obligation("O-20"), 2026)


@pytest.fixture(scope="module")
def template(cycle):
    return FormTemplate.build(cycle, load_programme(PROGRAMME), vietnamese())


@pytest.fixture(scope="module")
def form(template):
    return template.stamp(ORDER)


@pytest.fixture(scope="module")
def figures(form):
    return load_workbook(BytesIO(form))["Biểu 1"]


def previous_at(sheet, cycle, code):
    spec = cycle.terms.form
    return sheet[f"{spec.previous_column}{spec.field(code).row}"]


def text_of(sheet) -> str:
    return "\n".join(str(value) for row in sheet.iter_rows(values_only=True) for value in row if value is not None)


def test_the_form_is_a_whole_zip_without_two_members_of_one_name(form):
    with ZipFile(BytesIO(form)) as archive:
        assert archive.testzip() is None
        assert len(set(archive.namelist())) == len(archive.namelist())


def test_equal_orders_are_equal_bytes_and_another_unit_is_not(template, form, cycle):
    again = FormTemplate.build(cycle, load_programme(PROGRAMME), vietnamese())
    assert template.stamp(ORDER) == form
    assert again.stamp(ORDER) == form
    assert template.stamp(StampOrder(unit_code="b", unit_name="B", token="b")) != form


def test_our_own_reader_finds_the_stamp_and_every_code(form, cycle):
    raw = read_workbook(form, LimitSettings()).form
    assert raw is not None
    assert [getattr(raw.stamp, key) for key in STAMP_KEYS] == [
        "so-y-te", cycle.code, "bm_835", cycle.terms.form.version, ORDER.token,
    ]  # fmt: skip
    for item in cycle.terms.form.fields:
        assert raw.cells["Biểu 1", f"A{item.row}"] == item.code


def test_the_stamp_is_on_a_sheet_that_no_menu_shows(form):
    assert load_workbook(BytesIO(form))[STAMP_SHEET].sheet_state == "veryHidden"


def test_a_unit_name_with_signs_of_xml_stands_as_it_is(form):
    workbook = load_workbook(BytesIO(form))
    assert UNIT in text_of(workbook["Biểu 1"])
    assert UNIT in text_of(workbook["Biểu 2"])


def test_control_characters_of_a_name_do_not_break_the_file(template):
    content = template.stamp(StampOrder(unit_code="a", unit_name="Sở\x00 A\x1f\ufffe", token="t"))
    assert "Sở A" in text_of(load_workbook(BytesIO(content))["Biểu 1"])


def test_last_figures_stand_beside_the_cells_and_zero_is_not_blank(figures, cycle):
    assert previous_at(figures, cycle, "CT01").value == 0
    assert previous_at(figures, cycle, "CT19").value == 1_250_000_000
    assert previous_at(figures, cycle, "CT02.giao").value is None


def test_a_text_of_last_time_never_becomes_a_formula(figures, cycle):
    cell = previous_at(figures, cycle, "CT21")
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_only_the_cells_to_fill_are_unlocked(figures, cycle):
    spec = cycle.terms.form
    unlocked = {cell.coordinate for row in figures.iter_rows() for cell in row if not cell.protection.locked}
    columns = (spec.value_column, spec.estimate_column, spec.note_column)
    assert unlocked == {f"{column}{item.row}" for column in columns for item in spec.fields}
    assert figures.protection.sheet
    assert figures.protection.password is None


def test_every_cell_with_fixed_answers_or_an_amount_is_validated(figures, cycle):
    covered = {
        str(cell): rule.type
        for rule in figures.data_validations.dataValidation
        for cells in rule.sqref.ranges
        for row in cells.rows
        for cell in (f"{figures.cell(*at).coordinate}" for at in row)
    }
    spec = cycle.terms.form
    for item in spec.fields:
        wanted = "whole" if item.kind in {FieldKind.COUNT, FieldKind.MONEY} else "list"
        assert covered[spec.value_cell(item)] == wanted
        assert covered[f"{spec.estimate_column}{item.row}"] == "list"


def test_each_validation_says_beforehand_what_may_be_written(figures):
    for rule in figures.data_validations.dataValidation:
        assert rule.showInputMessage
        assert 0 < len(rule.promptTitle) <= 32
        assert 0 < len(rule.prompt) <= 255


@pytest.mark.office
def test_a_form_that_libreoffice_has_saved_keeps_stamp_values_and_validations(form, cycle, tmp_path):
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice is not installed")
    (tmp_path / "form.xlsx").write_bytes(form)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [soffice, profile, "--headless", "--convert-to", "xlsx", "--outdir", "saved", "form.xlsx"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    saved = (tmp_path / "saved" / "form.xlsx").read_bytes()

    raw = read_workbook(saved, LimitSettings()).form
    assert raw is not None
    assert raw.stamp == read_workbook(form, LimitSettings()).form.stamp
    sheet = load_workbook(BytesIO(saved))["Biểu 1"]
    assert previous_at(sheet, cycle, "CT19").value == 1_250_000_000
    assert previous_at(sheet, cycle, "CT21").value == "=1+1"
    assert {rule.type for rule in sheet.data_validations.dataValidation} == {"whole", "list"}
    assert sheet.protection.sheet


@pytest.fixture(scope="module")
def with_targets(cycle):
    return FormTemplate.build(cycle, load_programme(PROGRAMME), vietnamese(), parts=FormParts(has_targets=True))


def test_the_years_targets_stand_in_a_column_of_their_own_and_a_target_of_zero_is_shown(with_targets, cycle):
    order = replace(ORDER, targets={"CT05": 24, "CT12": 0, "CT99": 7})
    sheet = load_workbook(BytesIO(with_targets.stamp(order)))["Biểu 1"]
    spec = cycle.form
    shown = {item.code: sheet[f"{spec.target_column}{item.row}"].value for item in spec.fields}
    assert {code: amount for code, amount in shown.items() if amount is not None} == {"CT05": 24, "CT12": 0}
    assert sheet[f"{spec.target_column}{spec.first_row - 1}"].value == "Chỉ tiêu năm 2026"
    assert sheet[f"{spec.target_column}{spec.first_row}"].protection.locked
    assert previous_at(sheet, cycle, "CT19").value == 1_250_000_000


def test_a_form_without_targets_has_no_column_for_them(template, cycle):
    sheet = load_workbook(BytesIO(template.stamp(replace(ORDER, targets={"CT05": 24}))))["Biểu 1"]
    assert template.stamp(replace(ORDER, targets={"CT05": 24})) == template.stamp(ORDER)
    assert sheet.max_column == 7


def test_whatever_comes_back_in_the_column_of_targets_is_not_read(with_targets, cycle):
    workbook = load_workbook(BytesIO(with_targets.stamp(replace(ORDER, targets={"CT05": 24}))))
    spec = cycle.form
    workbook["Biểu 1"][f"{spec.target_column}{spec.field('CT05').row}"] = "abc"
    workbook["Biểu 1"][spec.value_cell(spec.field("CT05"))] = 11
    packed = BytesIO()
    workbook.save(packed)
    raw = read_workbook(packed.getvalue(), LimitSettings()).form
    checked = check_form(spec, raw, words=form_words(vietnamese()))
    assert {figure.field: figure.amount for figure in checked.figures}["CT05"] == 11
    assert [found for found in checked.findings if found.cell.startswith(spec.target_column)] == []


def test_targets_and_what_children_reported_have_a_column_each(cycle):
    parts = FormParts(has_targets=True, has_gathered=True)
    template = FormTemplate.build(cycle, load_programme(PROGRAMME), vietnamese(), parts=parts)
    gathered = GatheredFigures(
        amounts={"CT01": 0, "CT19": 5_000_000, "CT99": 1},
        estimates=frozenset({"CT19"}),
        coverage="8/10",
        as_of="hôm nay",
    )
    content = template.stamp(replace(ORDER, targets={"CT01": 12}, gathered=gathered))
    sheet, spec = load_workbook(BytesIO(content))["Biểu 1"], cycle.form
    first, money = spec.field("CT01").row, spec.field("CT19").row
    assert [sheet[f"{column}{first}"].value for column in "DEFGHI"] == [0, 0, None, None, 12, 0]
    assert [sheet[f"{column}{money}"].value for column in "DEFHI"] == [
        1_250_000_000, 5_000_000, "Ước", None, 5_000_000,
    ]  # fmt: skip
    assert "số tổng hợp từ 8/10 đơn vị cấp dưới, tính đến hôm nay" in text_of(sheet)
    others = [spec.value_cell(item) for item in spec.fields if item.code not in gathered.amounts]
    assert {sheet[at].value for at in others} == {None}


def test_a_form_that_nothing_fills_has_no_column_and_no_word_of_children(form):
    workbook = load_workbook(BytesIO(form))
    assert "cấp dưới đã" not in text_of(workbook["Biểu 1"]).lower()
    assert not workbook["Biểu 1"].conditional_formatting
