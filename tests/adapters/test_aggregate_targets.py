"""The pages of targets and of coverage, and their tables in the report: only where there is something to say."""

from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pytest
from docx import Document
from openpyxl import load_workbook

from models.domain.evidence import EvidenceLine
from models.domain.plan import EvidenceRule
from models.domain.targets import GoalShare, Target, TargetResult, TrendPoint, progress_of
from tasks.adapters.aggregates import write_aggregate
from tasks.adapters.documents import write_report
from tasks.adapters.texts import vietnamese
from tests.adapters.compilations import a_compilation

TREND = (
    TrendPoint(
        cycle_code="bc-6t-2025", cycle_title="Báo cáo 06 tháng năm 2025", goals=GoalShare(n_reached=1, n_goals=3)
    ),
)


def a_result(unit, target, result, field="CT05"):
    return TargetResult(target=Target(unit_code=unit, year=2025, field=field, amount=target), result=result)


def a_content(*results, lines=(), **changes):
    content = a_compilation(narratives=(), questions=(), **changes)
    codes = [unit.code for unit in content.units]
    progress = progress_of(2025, results, content.cycle.form.fields, codes, trend=TREND)
    return replace(content, progress=progress, evidence=lines)


def a_line(n_shown, not_shown, **changes):
    obligation = replace(
        a_compilation().obligation,
        code="O-06",
        clause="II.2-a",
        title="Tuyên truyền",
        evidence=EvidenceRule(reports=("O-20",), indicators=("CT05",), sections=("II.2",)),
    )
    facts = {"n_expected": 40, "n_reported": n_shown + len(not_shown), "n_shown": n_shown, "not_shown": not_shown}
    return EvidenceLine(obligation=obligation, fields=(), sections=(), **(facts | changes))


def workbook_of(content):
    target = BytesIO()
    write_aggregate(target, content, vietnamese())
    return target


def words_of(content):
    target = BytesIO()
    write_report(target, content, vietnamese())
    document = Document(target)
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def rows_of(sheet):
    return {row[0]: row for row in sheet.iter_rows(min_row=6, values_only=True) if row[0]}


@pytest.fixture(scope="module")
def content():
    results = [a_result("dv-00000", 20, 20), a_result("dv-00002", 10, 4), a_result("dv-00010", 30, None)]
    return a_content(*results, a_result("dv-00012", 0, 7), a_result("abolished", 9, None))


@pytest.fixture(scope="module")
def packed(content):
    return workbook_of(content)


@pytest.fixture(scope="module")
def workbook(packed):
    return load_workbook(packed)


def test_without_targets_and_evidence_there_are_no_pages_and_no_tables_for_them():
    content = a_compilation(narratives=(), questions=())
    names = load_workbook(workbook_of(content)).sheetnames
    assert {"Chỉ tiêu", "Chỉ tiêu đơn vị", "Độ phủ nhiệm vụ"} & set(names) == set()
    words = words_of(content)
    assert "Chỉ tiêu năm" not in words
    assert "PHỤ LỤC 3" not in words


def test_an_indicators_share_counts_the_targets_of_silent_units_too(workbook):
    row = rows_of(workbook["Chỉ tiêu"])["CT05"]
    assert row[3:6] == (60, 24, pytest.approx(0.4))
    cells = next(cells for cells in workbook["Chỉ tiêu"].iter_rows(min_row=6) if cells[0].value == "CT05")
    assert [(cell.value, cell.number_format) for cell in cells[6:8]] == [(1, '0"/3"'), (2, '0"/3"')]


def test_the_goals_stand_against_both_marks_with_what_is_lacking(workbook):
    rows = rows_of(workbook["Chỉ tiêu"])
    assert rows["Giai đoạn 1"][4:] == (pytest.approx(1 / 3), 0.5, "chưa đạt", 1)
    assert rows["Tổng kết"][4:] == (pytest.approx(1 / 3), 1, "chưa đạt", 2)
    assert rows["bc-6t-2025"][4] == pytest.approx(1 / 3)
    assert any("Không tính 1 chỉ tiêu" in str(code) for code in rows)


def test_the_trend_is_drawn_as_a_native_chart_with_both_marks(packed):
    with ZipFile(packed) as archive:
        charts = [archive.read(name).decode() for name in archive.namelist() if "charts/chart" in name]
    (drawn,) = [chart for chart in charts if "Tỷ lệ chỉ tiêu được giao" in chart]
    assert "<c:barChart>" in drawn
    assert drawn.count("<c:ser>") == 3


def test_a_unit_without_a_figure_is_said_to_have_none_and_a_target_of_zero_stands_as_it_is(workbook):
    rows = {row[1]: row[5:7] for row in workbook["Chỉ tiêu đơn vị"].iter_rows(min_row=6, values_only=True)}
    assert rows["Đơn vị thứ 1"] == (20, 20)
    assert rows["Đơn vị thứ 11"] == (30, "chưa có số liệu")
    assert rows["Đơn vị thứ 13"] == (0, 7)
    assert len(rows) == 4


def test_the_report_says_the_share_of_goals_and_both_marks(content):
    words = words_of(content)
    assert "đã đạt 1/3 chỉ tiêu được giao (33,3%)" in words
    assert "Mốc sơ kết giai đoạn 1 (trên 50%): chưa đạt; mốc tổng kết (100%): chưa đạt." in words


def test_units_that_show_nothing_are_named_and_nothing_of_them_becomes_a_formula():
    hostile = ('=HYPERLINK("http://example.invalid")', "@SUM(A1)", "Sở\x00 Y tế")
    content = a_content(lines=(a_line(3, hostile),))
    sheet = load_workbook(workbook_of(content))["Độ phủ nhiệm vụ"]
    row = next(sheet.iter_rows(min_row=6))
    assert [cell.value for cell in row[:3]] == ["II.2-a", "Tuyên truyền", "chỉ tiêu CT05; thuyết minh mục II.2"]
    assert (row[3].value, row[3].number_format, row[4].value) == (3, '0"/6"', 40)
    assert row[5].value == "; ".join((*hostile[:2], "Sở Y tế"))
    assert {cell.data_type for cell in (*row, *next(sheet.iter_rows(min_row=7), ()))} <= {"s", "n"}
    assert "PHỤ LỤC 3" in words_of(content)


def test_many_names_go_on_in_further_rows_and_none_is_lost():
    names = tuple(f"Đơn vị có tên khá dài thứ {n}" for n in range(300))
    sheet = load_workbook(workbook_of(a_content(lines=(a_line(1, names),))))["Độ phủ nhiệm vụ"]
    told = " ".join(str(row[5]) for row in sheet.iter_rows(min_row=6, values_only=True))
    assert all(name in told for name in names)
    assert sheet.max_row > 8


def test_the_report_names_some_units_and_counts_the_rest_and_says_so_when_nobody_shows_it():
    names = tuple(f"Đơn vị {n}" for n in range(60))
    assert "Đơn vị 39; … và 20 đơn vị khác" in words_of(a_content(lines=(a_line(1, names),)))
    assert "toàn bộ 60 đơn vị đã có báo cáo" in words_of(a_content(lines=(a_line(0, names),)))


@pytest.mark.parametrize(
    ("n_shown", "n_conclusions", "word"),
    [(0, 0, "Chưa thấy kết luận"), (0, 2, "2 cuộc do chương trình theo dõi"), (3, 0, "3 đơn vị báo cáo")],
)
def test_inspections_are_covered_by_one_conclusion_a_year(n_shown, n_conclusions, word):
    line = a_line(n_shown, (), n_reported=30, n_conclusions=n_conclusions)
    assert word in words_of(a_content(lines=(line,)))
