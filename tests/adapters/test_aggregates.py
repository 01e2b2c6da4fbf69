from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from models.domain.editions import Narrative
from models.domain.errors import AggregateMismatchError
from models.domain.tabulation import figures_of
from tasks.adapters.aggregate_charts import N_MISSING_NAMED
from tasks.adapters.aggregates import narrative_pieces, write_aggregate
from tasks.adapters.texts import Texts
from tests.adapters.compilations import a_compilation

HOSTILE = ("=cmd|' /C calc'!A0", "@SUM(A1)", "+1+1", "-1", "A & B < C > D", "http://example.invalid", "{=1}", "00123")
TEXTS = Texts({**Texts.load().by_code, "finding.jump": "Số liệu gấp {times} lần kỳ trước."})


def written(content) -> bytes:
    target = BytesIO()
    write_aggregate(target, content, TEXTS)
    return target.getvalue()


def opened(content):
    return load_workbook(BytesIO(written(content)))


def table(sheet) -> list[tuple]:
    return list(sheet.iter_rows(min_row=6, values_only=True))


@pytest.fixture(scope="module")
def workbook():
    return opened(a_compilation())


def test_the_sheets_are_those_an_office_asks_for(workbook):
    assert workbook.sheetnames == [
        "Tóm tắt",
        "Tổng hợp",
        "Theo khối",
        "Theo đơn vị",
        "Đúng hạn",
        "Chưa nộp",
        "Thuyết minh",
        "Câu hỏi",
        "Khác bản trước",
        "Danh mục nguồn",
    ]


def test_beside_every_total_stands_how_many_of_all_units_it_comes_from(workbook):
    row = workbook["Tổng hợp"][6]
    assert row[4].value == a_compilation().tabulation.fields[0].whole.amount
    assert (row[5].value, row[5].number_format) == (33, '0"/40"')


def test_the_heading_says_edition_instant_and_who_is_missing(workbook):
    heading = workbook["Tổng hợp"]["A3"].value
    assert "TẠM TÍNH, bản số 2, tính đến 16 giờ 05 ngày 25/6/2025" in heading
    assert "33/40 đơn vị" in heading
    assert "chưa nộp: 5" in heading


def test_the_rows_of_the_units_add_up_to_the_total(workbook):
    column = [row[3] for row in table(workbook["Theo đơn vị"])]
    assert sum(value for value in column if value) == workbook["Tổng hợp"]["E6"].value


def test_the_groups_add_up_to_the_total(workbook):
    row = table(workbook["Theo khối"])[0]
    assert sum(row[3:11:2]) == row[11] == workbook["Tổng hợp"]["E6"].value


def test_charts_are_native(workbook):
    with ZipFile(BytesIO(written(a_compilation()))) as archive:
        charts = [name for name in archive.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 3


def test_the_cover_is_one_page_that_names_who_is_missing(workbook):
    cover = workbook.worksheets[0]
    assert (cover.page_setup.fitToWidth or 1, cover.page_setup.fitToHeight or 1) == (1, 1)
    assert cover.sheet_properties.pageSetUpPr.fitToPage
    named = {cell.value for cell in cover["A"]}
    missing = {row[1] for row in table(workbook["Chưa nộp"])}
    assert missing <= named
    many = a_compilation().missing * (N_MISSING_NAMED // 5) + a_compilation().missing[:2]
    cover = opened(a_compilation(missing=many)).worksheets[0]
    assert "và 2 đơn vị khác: xem trang “Chưa nộp”." in {cell.value for cell in cover["A"]}


def test_every_sheet_prints_on_a4_with_its_header_repeated(workbook):
    for sheet in workbook:
        assert sheet.page_setup.paperSize == 9
        assert sheet.print_title_rows == "$5:$5"
        assert sheet.print_area
        assert sheet.freeze_panes


def test_missing_units_are_listed_with_whom_to_ask(workbook):
    rows = table(workbook["Chưa nộp"])
    assert len(rows) == 5
    assert {row[5] for row in rows} <= {"Văn phòng", None, ""}


def test_the_manifest_names_every_input_with_its_digest(workbook):
    rows = table(workbook["Danh mục nguồn"])
    assert len(rows) == 32
    assert all(len(row[7]) == 64 for row in rows)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_a_unit_stays_text(text):
    narrative = Narrative(section="I", unit_code="dv-00000", unit_name=text, text=text)
    sheet = opened(a_compilation(narratives=[narrative]))["Thuyết minh"]
    for cell in (sheet["C6"], sheet["D6"]):
        assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_a_choice_that_looks_like_a_formula_stays_text():
    content = a_compilation()
    rows = [("dv-00000", "CT21", None, "=1+1", False)]
    sheet = opened(replace(content, figures=figures_of(rows)))["Theo đơn vị"]
    assert (sheet["M6"].value, sheet["M6"].data_type) == ("=1+1", "s")


def test_control_characters_do_not_stop_the_workbook():
    narrative = Narrative(section="I", unit_code="u", unit_name="A\x00B", text="một\x0bhai\ud800 ba\ufffe")
    sheet = opened(a_compilation(narratives=[narrative]))["Thuyết minh"]
    assert (sheet["C6"].value, sheet["D6"].value) == ("AB", "mộthai ba")


def test_a_long_narrative_goes_on_in_the_next_row_and_loses_nothing():
    text = "\n".join(f"Đoạn {n}: " + "nội dung " * 60 for n in range(120))
    pieces = list(narrative_pieces(text))
    assert max(map(len, pieces)) <= 1500
    assert "\n".join(pieces).split() == text.split()


def test_one_endless_word_is_cut_and_loses_nothing():
    assert "".join(narrative_pieces("ă" * 40_000)) == "ă" * 40_000


def test_equal_contents_give_equal_bytes():
    assert written(a_compilation()) == written(a_compilation())


def test_nothing_is_written_when_the_units_do_not_add_up_to_what_came_in():
    content = a_compilation()
    tampered = replace(content.figures, entered={**content.figures.entered, "CT05": 1})
    target = BytesIO()
    with pytest.raises(AggregateMismatchError, match="CT05"):
        write_aggregate(target, replace(content, figures=tampered), TEXTS)
    assert target.getvalue() == b""


def test_a_first_edition_without_past_or_answers_still_has_every_sheet():
    content = a_compilation(differences=None, narratives=(), questions=(), missing=())
    book = opened(content)
    assert "Đây là bản đầu tiên" in book["Khác bản trước"]["A7"].value
    assert book["Chưa nộp"]["A6"].value == "Không có đơn vị nào chưa nộp."
