"""The unit's own workbook coming back: its wrong cells marked and listed, and clean again the next time."""

import pickle
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from models.domain.cycles import plan_cycle
from models.domain.forms import finding
from models.domain.vocabulary import FindingLevel
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks import STAMP_SHEET
from tasks.adapters.workbooks.marking import COLOURS, mark
from tasks.adapters.workbooks.marks import WorkbookNotMarkableError, marking_of
from tasks.adapters.workbooks.reading import read_workbook
from tasks.adapters.workbooks.stamping import FormTemplate
from tasks.adapters.workbooks.template import INPUT_COLOUR, FormParts
from tasks.ports import GatheredFigures, StampOrder
from tasks.settings import LimitSettings

PROGRAMME = Path(__file__).resolve().parents[2] / "deployments" / "de_an_835"
LIST = "Lỗi cần sửa"
SHEET = "Biểu 1"


def negative(cell="E7", value="-3", **more):
    return finding("negative", sheet=SHEET, cell=cell, label="Văn bản", value=value, **more)


def a_jump(cell="E7"):
    facts = {"label": "Văn bản", "value": "90", "previous": "3", "n_times": 3}
    return finding("jump", level=FindingLevel.QUESTION, sheet=SHEET, cell=cell, **facts)


WHOLE_FILE = finding("stamp_missing", level=FindingLevel.NOTE)


@pytest.fixture(scope="module")
def filled():
    programme = load_programme(PROGRAMME)
    cycle = plan_cycle(programme, programme.obligation("O-20"), 2026)
    order = StampOrder(unit_code="so-y-te", unit_name="Sở Y tế", token="abc")
    workbook = load_workbook(BytesIO(FormTemplate.build(cycle, programme, vietnamese()).stamp(order)))
    workbook[SHEET]["E7"], workbook[SHEET]["E8"] = -3, 12
    saved = BytesIO()
    workbook.save(saved)
    return saved.getvalue()


def marked(content, *findings):
    return mark(content, findings, vietnamese())


def opened(content):
    return load_workbook(BytesIO(content))


def colour(cell):
    return cell.fill.fgColor.rgb[-6:]


def in_libreoffice(content, folder):
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice is not installed")
    (folder / "form.xlsx").write_bytes(content)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [soffice, profile, "--headless", "--convert-to", "xlsx", "--outdir", "saved", "form.xlsx"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return (folder / "saved" / "form.xlsx").read_bytes()


def test_a_wrong_cell_is_coloured_and_commented_and_the_rest_stays(filled):
    sheet = opened(marked(filled, negative()))[SHEET]
    assert colour(sheet["E7"]) == COLOURS[FindingLevel.BLOCKING]
    assert "là số âm" in sheet["E7"].comment.text
    assert (sheet["E7"].value, sheet["E8"].value) == (-3, 12)
    assert (colour(sheet["E8"]), sheet["E8"].comment) == (INPUT_COLOUR, None)


def test_the_first_sheet_lists_every_finding_with_a_way_to_its_cell(filled):
    workbook = opened(marked(filled, WHOLE_FILE, negative()))
    assert workbook.sheetnames[0] == workbook.active.title == LIST
    (first, second) = [[cell.value for cell in row] for row in workbook[LIST]["B4:D5"]]
    assert first == ["Cả tệp", None, "Lưu ý"]
    assert second == [SHEET, "E7", "Phải sửa"]
    assert workbook[LIST]["C5"].hyperlink.location == "'Biểu 1'!E7"


def test_only_the_list_is_selected_so_that_nothing_is_typed_into_two_sheets(filled):
    selected = [sheet.title for sheet in opened(marked(filled, negative())) if sheet.sheet_view.tabSelected]
    assert selected == [LIST]


def test_two_findings_of_one_cell_share_a_comment_and_the_graver_colour(filled):
    cell = opened(marked(filled, a_jump(), negative()))[SHEET]["E7"]
    assert colour(cell) == COLOURS[FindingLevel.BLOCKING]
    assert "số âm" in cell.comment.text
    assert "giải" in cell.comment.text or "Ghi chú" in cell.comment.text


def test_what_a_stranger_wrote_never_becomes_a_formula(filled):
    workbook = opened(marked(filled, finding("sheet_missing", sheet="=1+1", name="=2+2"), negative(value="=3")))
    assert {cell.data_type for row in workbook[LIST].iter_rows() for cell in row if cell.value} == {"s"}


def test_a_second_time_the_old_marks_comments_and_list_are_gone(filled):
    workbook = opened(marked(marked(filled, negative(), a_jump("E9")), negative("E8")))
    assert workbook.sheetnames.count(LIST) == 1
    sheet = workbook[SHEET]
    assert (colour(sheet["E7"]), sheet["E7"].comment) == (INPUT_COLOUR, None)
    assert (colour(sheet["E9"]), sheet["E9"].comment) == (INPUT_COLOUR, None)
    assert colour(sheet["E8"]) == COLOURS[FindingLevel.BLOCKING]
    assert len(list(workbook[LIST].iter_rows(min_row=4))) == 1


@pytest.mark.office
def test_old_marks_are_gone_even_when_libreoffice_saved_the_file_between(filled, tmp_path):
    between = in_libreoffice(marked(filled, negative()), tmp_path)
    workbook = opened(marked(between, negative("E8")))
    assert workbook.sheetnames.count(LIST) == 1
    cell = workbook[SHEET]["E7"]
    assert (colour(cell), cell.comment, cell.value) == (INPUT_COLOUR, None, -3)


def test_the_stamp_and_validations_go_back_with_the_file(filled):
    content = marked(filled, negative())
    raw = read_workbook(content, LimitSettings()).form
    assert raw.stamp == read_workbook(filled, LimitSettings()).form.stamp
    workbook = opened(content)
    assert workbook[STAMP_SHEET].sheet_state == "veryHidden"
    assert workbook[SHEET].data_validations.dataValidation


def test_a_finding_of_a_sheet_that_is_not_there_is_listed_only(filled):
    workbook = opened(marked(filled, finding("sheet_missing", sheet="Biểu 9", cell="A1", name="Biểu 9")))
    assert workbook[LIST]["B4"].value == "Biểu 9"
    assert workbook[LIST]["C4"].hyperlink is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"%PDF-1.7"])
def test_a_file_that_cannot_be_opened_is_refused_with_a_reason_for_the_operator(content):
    with pytest.raises(WorkbookNotMarkableError) as refusal:
        marked(content, negative())
    assert vietnamese().error(refusal.value)


def test_what_a_worker_is_given_can_travel(filled):
    marking = marking_of([negative()], vietnamese())
    assert pickle.loads(pickle.dumps(marking)) == marking


def test_a_cell_that_came_filled_shows_its_fault_and_not_that_it_came_filled():
    programme = load_programme(PROGRAMME)
    cycle = plan_cycle(programme, programme.obligation("O-20"), 2026)
    template = FormTemplate.build(cycle, programme, vietnamese(), parts=FormParts(has_gathered=True))
    gathered = GatheredFigures(amounts={"CT01": 7}, estimates=frozenset(), coverage="1/2", as_of="hôm nay")
    content = template.stamp(StampOrder(unit_code="a", unit_name="A", token="t", gathered=gathered))
    assert opened(content)[SHEET].conditional_formatting
    sheet = opened(marked(content, a_jump()))[SHEET]
    assert sheet["E7"].value == 7
    assert sheet["E7"].fill.fgColor.rgb.endswith(COLOURS[FindingLevel.QUESTION])
    assert not sheet.conditional_formatting
