"""The drafts and the workbook of a review say only what was frozen or signed, and are the same on every day."""

from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from docx import Document
from openpyxl import load_workbook

from models.domain.reviews import Classification, LoweringProposal, Ranked, Review, UnitScore
from models.domain.scoring import CriterionScore, Evidence, Ground
from models.domain.vocabulary import Grade, Proposed, ReviewKind
from tasks.adapters.programme import load_programme
from tasks.adapters.review_papers import Commended, Lowered, ReviewPaper, write_commendations, write_lowering
from tasks.adapters.score_workbook import ScoreBook, write_score_workbook
from tasks.adapters.texts import vietnamese
from tasks.settings import PROJECT
from tests.builders import hanoi

PROGRAMME = load_programme(PROJECT / "deployments" / "de_an_835")
REVIEW = Review(
    code="danh-gia-2025",
    programme_code="de_an_835",
    kind=ReviewKind.YEARLY,
    year=2025,
    title="Đánh giá năm 2025",
    as_of=hanoi("2025-12-01 08:00"),
    opened_at=hanoi("2025-12-01 08:00"),
    contest_until=hanoi("2025-12-09 00:00"),
    frozen_at=hanoi("2025-12-10 08:00"),
    digest="ab" * 32,
)
SCORE = CriterionScore(
    criterion="TC1",
    title="Nộp báo cáo đúng hạn",
    points=30,
    at_most=30,
    evidence=(Evidence(ground=Ground.ON_TIME, counts=True, source="bc-6t-2025", title="Báo cáo", submission="7-1"),),
)
UNIT = UnitScore(unit_code="so-y-te", unit_name="=Sở Y tế\x00", group="G1", scores=(SCORE,))
WEAK = Classification(
    unit_code="so-y-te", year=2025, grade=Grade.WEAK, decision_number="12/QĐ", signed_on=date(2025, 12, 10)
)


def written(write, *arguments):
    target = BytesIO()
    write(target, *arguments, vietnamese())
    return target.getvalue()


def told(content):
    document = Document(BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    headers = [p.text for each in document.sections for p in each.first_page_header.paragraphs]
    return "\n".join([*headers, *(p.text for p in document.paragraphs), *cells])


def paper(what):
    return ReviewPaper(programme=PROGRAMME, obligation=PROGRAMME.proposing(what), review=REVIEW)


def commendations(**changes):
    facts = {"ranked": [Ranked(unit=UNIT, place=1)], "top_per_group": 3, "at_least_percent": 80}
    facts |= {"classifications": {}, "n_contests": 0, "scores_file": "bang-diem.xlsx"} | changes
    return written(write_commendations, paper(Proposed.COMMENDATION), Commended(**facts))


def lowering(**changes):
    proposal = LoweringProposal(unit_code="so-y-te", unit_name="Sở Y tế", classification=WEAK)
    lowered = Lowered(proposals=[replace(proposal, **changes)], classifications=[WEAK])
    return written(write_lowering, paper(Proposed.LOWERING), lowered)


@pytest.mark.parametrize("write", [commendations, lowering])
def test_a_draft_is_marked_so_and_the_same_facts_give_the_same_bytes(write):
    assert write() == write()
    assert "DỰ THẢO" in told(write())
    assert "{{" not in told(write())


def test_a_commended_unit_that_was_classed_weak_bears_a_note_of_it():
    assert "Phong trào: Yếu (số 12/QĐ ngày 10/12/2025)" in told(commendations(classifications={"so-y-te": WEAK}))
    assert "Phong trào:" not in told(commendations())


def test_where_nobody_reaches_the_limits_the_draft_says_so():
    assert "Không có đơn vị nào đạt điều kiện" in told(commendations(ranked=[]))


def test_a_unit_without_a_member_in_charge_leaves_the_name_to_a_person():
    assert "chưa ghi người phụ trách" in told(lowering())
    assert "Ủy viên 01 (phụ trách Văn xã)" in told(lowering(member_name="Ủy viên 01", member_field="Văn xã"))


def test_the_draft_for_lowering_says_that_lateness_is_no_ground():
    assert "Việc báo cáo muộn và điểm đánh giá không phải là căn cứ" in told(lowering())


def test_a_name_that_looks_like_a_formula_stays_a_name_in_the_workbook():
    book = ScoreBook(programme=PROGRAMME, review=REVIEW, units=[UNIT], contests=[])
    content = written(write_score_workbook, book)
    assert content == written(write_score_workbook, book)
    cell = load_workbook(BytesIO(content))["Điểm"]["C6"]
    assert (cell.value, cell.data_type) == ("=Sở Y tế", "s")
