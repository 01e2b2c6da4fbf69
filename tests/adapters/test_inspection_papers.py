from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from docx import Document

from models.domain.roster import Unit
from tasks.adapters.inspection_papers import (
    ConclusionFacts,
    InspectedUnit,
    InspectionPaper,
    RemedyLine,
    write_conclusion,
    write_decision,
    write_notice,
)
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import Texts
from tasks.settings import PROJECT
from tests.builders import hanoi

TEXTS = Texts.load()
PROGRAMME = load_programme(PROJECT / "deployments" / "de_an_835")
UNIT = Unit(code="so-y-te", name="Sở Y tế", group="G1", valid_from=date(2024, 1, 1))
PAPER = InspectionPaper(
    programme=PROGRAMME,
    obligation=PROGRAMME.obligation("O-14"),
    as_of=hanoi("2026-08-03 09:00"),
    title="Kiểm tra đột xuất",
    scope="Việc phân công nhiệm vụ",
    basis="Chương trình công tác năm 2026",
    leader="Phó Trưởng ban",
    team=["Đại diện Văn phòng"],
    units=[UNIT],
    explain_by=date(2026, 8, 14),
    starts_on=date(2026, 8, 18),
    ends_on=date(2026, 8, 21),
    conclude_by=date(2026, 9, 11),
)
FOUND = ConclusionFacts(
    units=[InspectedUnit(name=UNIT.name, explained="chưa gửi", findings=["Chưa phân công đầu mối."])],
    remedies=[RemedyLine(unit_name=UNIT.name, remedy="Phân công", owner="Văn phòng Sở", last_day=date(2026, 9, 30))],
    n_explained=0,
    n_late=0,
)


def told(write, *arguments) -> str:
    target = BytesIO()
    write(target, *arguments, TEXTS)
    document = Document(target)
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    headers = [p.text for s in document.sections for h in (s.first_page_header, s.header) for p in h.paragraphs]
    return "\n".join([*headers, *(p.text for p in document.paragraphs), *cells])


def every_paper(paper=PAPER) -> list[str]:
    form = PROGRAMME.forms["dc_kt_835"]
    return [told(write_decision, paper), told(write_notice, paper, UNIT, form), told(write_conclusion, paper, FOUND)]


def test_every_paper_is_a_draft_without_number_day_and_signer():
    for text in every_paper():
        assert "DỰ THẢO" in text
        assert "ngày        tháng 8 năm 2026" in text
        assert "Số:        /" in text


def test_the_decision_names_team_scope_units_and_the_last_day_of_the_conclusion():
    decision = told(write_decision, PAPER)
    for words in ("Phó Trưởng ban - Trưởng đoàn", "2. Đại diện Văn phòng - Thành viên", "Sở Y tế", "ngày 11/9/2026"):
        assert words in decision


def test_the_notice_carries_the_outline_as_the_form_asks_it():
    notice = told(write_notice, PAPER, UNIT, PROGRAMME.forms["dc_kt_835"])
    assert "Kính gửi: Sở Y tế" in notice
    assert "chậm nhất 24 giờ ngày 14/8/2026" in notice
    for words in ("Kinh phí đã sử dụng từ đầu Đề án", "III. Hạn chế, nguyên nhân, trách nhiệm"):
        assert words in notice


def test_the_conclusion_lists_what_was_found_and_what_is_to_be_done_until_when():
    conclusion = told(write_conclusion, PAPER, FOUND)
    assert "Chưa phân công đầu mối." in conclusion
    assert "30/9/2026" in conclusion
    assert "0/01 đơn vị đã gửi báo cáo giải trình." in conclusion


def test_a_unit_without_findings_and_an_inspection_without_remedies_are_said_to_be_so():
    clean = ConclusionFacts(units=[InspectedUnit(name="Sở", explained="đã gửi")], remedies=[], n_explained=1, n_late=0)
    conclusion = told(write_conclusion, PAPER, clean)
    assert "Chưa ghi nhận tồn tại." in conclusion
    assert "Không có kiến nghị phải khắc phục." in conclusion


def test_what_nobody_has_set_yet_is_left_open():
    bare = InspectionPaper(programme=PROGRAMME, obligation=PAPER.obligation, as_of=PAPER.as_of, title="Kiểm tra")
    assert "1. ……… - Trưởng đoàn." in told(write_decision, bare)


@pytest.mark.parametrize("text", ["A & B < C", "{{ 7 * 7 }}", "{% for x in y %}", "=cmd|' /C calc'!A0"])
def test_what_an_operator_typed_stands_there_as_text(text):
    for paper in every_paper(replace(PAPER, scope=text, leader=text, title=text)):
        assert text in paper


def test_equal_values_give_equal_bytes():
    first, second = BytesIO(), BytesIO()
    write_decision(first, PAPER, TEXTS)
    write_decision(second, PAPER, TEXTS)
    assert first.getvalue() == second.getvalue()
