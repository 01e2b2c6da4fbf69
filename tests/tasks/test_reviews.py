"""A review from scores to dossier: facts of a day, objections in their window, signed decisions, and proposals."""

from io import BytesIO
from zipfile import ZipFile

import pytest
from docx import Document
from openpyxl import Workbook, load_workbook

from models.db.records import audit, reviews
from models.domain.errors import DondocError
from models.domain.scoring import Ground
from models.domain.vocabulary import Action, ContestDecision, Grade, LetterKind, ReviewKind
from tasks.adapters.texts import vietnamese
from tasks.classifications import ClassificationOrder, enter_classes
from tasks.contests import ContestNote, ContestVerdict, decide_objection, freeze_scores, record_objection
from tasks.post import post_letters
from tasks.review import ReviewOrder, start_review
from tasks.review_board import review_page
from tasks.review_papers import MANIFEST, DossierOrder, draw_scores, make_dossier
from tests.builders import hanoi
from tests.tasks.conftest import address_of, copied

REVIEW = "danh-gia-2025"
OPENED = "2025-08-04 09:00"
IN_WINDOW = "2025-08-06 09:00"
AFTER_WINDOW = "2025-08-20 09:00"
WHO = {"operator": "Bàn trực", "reason": "Kế hoạch đánh giá năm 2025"}


def opened(office, at=OPENED, **changes):
    order = {"kind": ReviewKind.YEARLY, "year": 2025, "title": "", "contest_days": 5} | WHO | changes
    with office.at(at) as runtime:
        return start_review.fn(runtime, ReviewOrder(**order))


def sent_scores(runtime):
    return post_letters.fn(runtime, [LetterKind.SCORE])


def objected(office, at=IN_WINDOW, **changes):
    note = {"review": REVIEW, "unit": "so-y-te", "criterion": "TC1", "words": "Đã gửi đúng hạn.", "received_at": None}
    with office.at(at) as runtime:
        return record_objection.fn(runtime, ContestNote(**(note | WHO | changes)))


def decided(office, number, at=IN_WINDOW, **changes):
    verdict = {"number": number, "decision": ContestDecision.UPHELD, "points": 30} | WHO | changes
    with office.at(at) as runtime:
        return decide_objection.fn(runtime, ContestVerdict(**verdict))


def frozen(office, at=AFTER_WINDOW):
    with office.at(at) as runtime:
        return freeze_scores.fn(runtime, REVIEW, *WHO.values())


def classed(office, at=AFTER_WINDOW, **changes):
    order = {"year": 2025, "unit": "so-y-te", "grade": Grade.WEAK, "decision_number": "15/QĐ-UBND"}
    order |= {"signed_on": hanoi("2025-08-15 00:00").date()} | WHO | changes
    with office.at(at) as runtime:
        return enter_classes.fn(runtime, ClassificationOrder(**order))


def dossier(office, at=AFTER_WINDOW, **changes):
    order = {"review": REVIEW, "top_per_group": None, "at_least_percent": 50} | WHO | changes
    with office.at(at) as runtime:
        return make_dossier.fn(runtime, DossierOrder(**order))


def refused(office, act, *arguments, **changes):
    with pytest.raises(DondocError) as caught:
        act(office, *arguments, **changes)
    return vietnamese().error(caught.value)


def kept(office):
    with office.at(AFTER_WINDOW) as runtime, runtime.sessions() as session:
        acts = [entry.action for entry in reversed(audit.newest_actions(session, limit=99))]
        classifications = reviews.classifications(session, "de_an_835", 2025)
        return acts, classifications


def score_of(office, unit, criterion, review=REVIEW):
    with office.at(AFTER_WINDOW) as runtime, runtime.sessions() as session:
        units = {each.unit_code: each for each in reviews.scores(session, review)}
    return next(each for each in units[unit].scores if each.criterion == criterion)


def text_of(path):
    document = Document(path)
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


@pytest.fixture(scope="module")
def reviewed_home(tmp_path_factory, opened_home, databases):
    """An office with the review of 2025 just opened; one unit has reported in time. To be copied, not used."""
    with copied(opened_home, databases, tmp_path_factory.mktemp("reviewed")) as office:
        office.send("so-y-te", "answer", "2025-06-02 08:30")
        office.poll("2025-06-02 09:00")
        opened(office)
    return office


@pytest.fixture(scope="module")
def untouched(tmp_path_factory, reviewed_home, databases):
    """The same for acts that are all refused, and so leave it as it is."""
    with copied(reviewed_home, databases, tmp_path_factory.mktemp("untouched")) as office:
        yield office


@pytest.fixture
def reviewed(tmp_path, reviewed_home, databases):
    """An office whose review of 2025 is open; one unit has reported in time."""
    with copied(reviewed_home, databases, tmp_path) as office:
        yield office


def test_a_point_names_the_report_it_rests_on_with_its_receipt(reviewed):
    in_time, never = score_of(reviewed, "so-y-te", "TC1"), score_of(reviewed, "so-tu-phap", "TC1")
    assert (in_time.points, never.points) == (30, 0)
    [fact] = in_time.evidence
    assert (fact.ground, fact.source, fact.at) == (Ground.ON_TIME, "bc-6t-2025", hanoi("2025-06-02 08:30"))
    assert fact.submission
    assert [each.ground for each in never.evidence] == [Ground.NEVER_CAME]


def test_the_lead_of_a_phases_review_owes_its_report_and_is_written_to_by_its_round(reviewed):
    opened(reviewed, kind=ReviewKind.FINAL, report_by=hanoi("2025-09-30 00:00").date())
    assert reviewed.duty("cong-an-tinh", "bc-tong-ket-2025").duty.due_at == hanoi("2025-10-01 00:00")
    assert reviewed.round(OPENED, "O-25")["sent"] == 1


def test_opening_again_scores_nobody_again_and_queues_no_second_letter(reviewed):
    again = opened(reviewed)
    assert again.counts == {"units": 0, "queued": 0, "unreached": 0}
    assert kept(reviewed)[0] == [Action.OPEN_REVIEW]


def test_a_review_of_a_past_day_knows_only_what_was_known_then(reviewed):
    opened(reviewed, kind=ReviewKind.PHASE_1, as_of=hanoi("2025-06-01 08:00"))
    score = score_of(reviewed, "so-y-te", "TC1", review="so-ket-gd1-2025")
    assert (score.is_scored, [each.ground for each in score.evidence]) == (False, [Ground.NOT_DUE])


def test_each_unit_is_told_its_score_once_with_the_ground_and_the_last_day_to_object(reviewed):
    with reviewed.at(OPENED) as runtime:
        first, again = sent_scores(runtime), sent_scores(runtime)
    assert first["sent"] > 70
    assert (again["sent"], again["waiting"]) == (0, 0)
    [letter] = [m for m in reviewed.letters_to(address_of("so-y-te")) if "Đánh giá năm 2025" in m["Subject"]]
    body = letter.get_body(("plain",)).get_content()
    assert "TC1. Nộp báo cáo đúng hạn: 30/30 điểm" in body
    assert "đã nhận lúc" in body
    assert "11/8/2025" in body


def test_outside_office_hours_the_letters_wait_and_the_next_poll_within_sends_them(reviewed):
    with reviewed.at("2025-08-04 22:00") as runtime:
        assert sent_scores(runtime)["sent"] == 0
    with reviewed.at("2025-08-05 08:00") as runtime:
        assert post_letters.fn(runtime, [LetterKind.RECEIPT, LetterKind.SCORE])["sent"] > 70


def test_an_objection_is_decided_once_and_its_points_stand_in_the_frozen_scores(reviewed):
    number = objected(reviewed, unit="so-tu-phap")
    assert objected(reviewed, unit="so-tu-phap") == number
    first, again = decided(reviewed, number), decided(reviewed, number)
    assert first == again
    assert first.points == 30
    digest = frozen(reviewed)
    assert frozen(reviewed) == digest
    assert kept(reviewed)[0] == [
        Action.OPEN_REVIEW,
        Action.RECORD_CONTEST,
        Action.DECIDE_CONTEST,
        Action.FREEZE_REVIEW,
    ]
    assert "đã chốt" in refused(reviewed, decided, number, points=20)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"at": AFTER_WINDOW}, "sau khi hết thời gian"),
        ({"received_at": hanoi("2025-08-04 08:00")}, "trước khi mở"),
        ({"received_at": hanoi("2025-08-07 08:00")}, "sau hiện tại"),
        ({"words": "  "}, "Chưa ghi nội dung"),
        ({"unit": "xa-khong-co"}, "xa-khong-co"),
        ({"criterion": "TC9"}, "TC9"),
        ({"criterion": "TC6"}, "TC6"),
        ({"review": "danh-gia-2031"}, "danh-gia-2025"),
        ({"operator": " "}, "người thực hiện"),
        ({"reason": ""}, "lý do"),
    ],
)
def test_an_objection_that_cannot_be_is_refused_and_nothing_is_written(untouched, changes, word):
    assert word in refused(untouched, objected, **changes)
    assert kept(untouched)[0] == [Action.OPEN_REVIEW]


def test_nothing_is_frozen_before_the_window_is_over_and_every_objection_decided(reviewed):
    number = objected(reviewed)
    assert "Chưa hết thời gian" in refused(reviewed, frozen, at=IN_WINDOW)
    assert f"(số {number})" in refused(reviewed, frozen)
    assert "chưa chốt" in refused(reviewed, dossier)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"year": 2031}, "2031"),
        ({"contest_days": 0}, "01 ngày làm việc"),
        ({"as_of": hanoi("2025-08-05 08:00")}, "thời điểm phải"),
        ({"operator": ""}, "người thực hiện"),
        ({"report_by": hanoi("2025-08-01 00:00").date()}, "01/08/2025"),
    ],
)
def test_a_review_that_cannot_be_is_refused_and_is_not_there(untouched, changes, word):
    assert word in refused(untouched, opened, **({"kind": ReviewKind.PHASE_1} | changes))
    assert kept(untouched)[0] == [Action.OPEN_REVIEW]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"unit": "xa-khong-co"}, "Không có đơn vị “xa-khong-co”"),
        ({"decision_number": " "}, "chưa ghi số quyết định"),
        ({"signed_on": hanoi("2025-08-21 00:00").date()}, "tương lai"),
        ({"signed_on": hanoi("2024-08-21 00:00").date()}, "trước năm 2025"),
        ({"signed_on": None}, "ngày ký"),
        ({"file": "phan-loai.xlsx"}, "không ghi cả hai"),
        ({"unit": ""}, "không để trống cả hai"),
        ({"operator": "  "}, "người thực hiện"),
    ],
)
def test_a_classification_that_no_signed_decision_made_is_refused(untouched, changes, word):
    assert word in refused(untouched, classed, **changes)
    assert kept(untouched) == ([Action.OPEN_REVIEW], {})


def test_a_yearly_review_asks_its_lead_for_no_report_of_a_phase(opened_office):
    assert "cơ quan chủ trì" in refused(opened_office, opened, report_by=hanoi("2025-09-30 00:00").date())
    assert kept(opened_office)[0] == []


def a_decision(*rows):
    workbook = Workbook()
    workbook.active.append(["Phụ lục kèm theo quyết định"])
    workbook.active.append(["TT", "Đơn vị", "Phân loại", "Số quyết định", "Ngày ký"])
    for n, row in enumerate(rows, start=1):
        workbook.active.append([n, *row])
    packed = BytesIO()
    workbook.save(packed)
    return packed.getvalue()


def test_a_workbook_is_entered_whole_or_every_fault_of_it_is_named(opened_office):
    by_file = {"unit": "", "grade": None, "decision_number": "", "signed_on": None, "file": "phan-loai.xlsx"}
    path = opened_office.home / "phan-loai.xlsx"
    path.write_bytes(
        a_decision(
            ("Sở Y tế", "Yếu", "15/QĐ-UBND", "15/8/2025"),
            ("Sở Không Có", "Khá", "15/QĐ-UBND", "15/8/2025"),
            ("so-tu-phap", "Kém", "", "31/2/2025"),
        )
    )
    said = refused(opened_office, classed, **by_file)
    assert [line.split(":")[0] for line in said.split("\n")[1:]] == ["- Dòng 4", *["- Dòng 5"] * 3]
    assert kept(opened_office) == ([], {})
    path.write_bytes(
        a_decision(("Sở Y tế", "Yếu", "15/QĐ-UBND", "15/8/2025"), ("so-tu-phap", "Khá", "16", "16/8/2025"))
    )
    assert classed(opened_office, **by_file) == {"classified": 2, "changed": 2}
    assert classed(opened_office, **by_file) == {"classified": 2, "changed": 0}
    acts, entered = kept(opened_office)
    assert acts == [Action.ENTER_CLASSIFICATION] * 2
    assert {code: each.grade for code, each in entered.items()} == {"so-y-te": Grade.WEAK, "so-tu-phap": Grade.GOOD}


def test_lateness_alone_lowers_nobody_and_without_a_signed_decision_there_is_no_list(reviewed):
    frozen(reviewed)
    made = dossier(reviewed)
    assert (made.n_lowered, made.n_classified) == (0, 0)
    assert not list(made.folder.glob("*ha-phan-loai*"))
    classed(reviewed, unit="so-tu-phap", grade=Grade.GOOD)
    assert not list(dossier(reviewed).folder.glob("*ha-phan-loai*"))


@pytest.mark.parametrize("grade", [Grade.AVERAGE, Grade.WEAK])
def test_a_unit_that_was_classed_so_is_proposed_with_its_head_and_member_even_with_full_points(reviewed, grade):
    frozen(reviewed)
    classed(reviewed, grade=grade)
    made = dossier(reviewed)
    assert made.n_lowered == 1
    [paper] = made.folder.glob("*ha-phan-loai*")
    told = text_of(paper)
    assert "Người đứng đầu Sở Y tế" in told
    assert "số 15/QĐ-UBND ngày 15/8/2025" in told
    assert "Sở Tư pháp" not in told


def test_the_dossier_is_frozen_under_the_sums_of_its_files_and_the_same_order_makes_no_second_one(reviewed):
    frozen(reviewed)
    made, again = dossier(reviewed), dossier(reviewed, at="2025-09-15 09:00")
    assert (made.is_new, again.is_new, made.folder) == (True, False, again.folder)
    assert kept(reviewed)[0].count(Action.MAKE_DOSSIER) == 1
    named = [line.split("  ")[1] for line in (made.folder / MANIFEST).read_text("utf-8").splitlines()[1:]]
    assert sorted(named) == sorted(path.name for path in made.folder.iterdir() if path.name != MANIFEST)
    classed(reviewed)
    assert dossier(reviewed).folder != made.folder


def test_a_dossier_that_was_cut_off_is_finished_and_what_a_person_changed_stays(reviewed):
    frozen(reviewed)
    made = dossier(reviewed)
    (made.folder / MANIFEST).unlink()
    [paper] = made.folder.glob("*khen-thuong*")
    paper.write_bytes(b"changed by a person")
    assert dossier(reviewed).folder == made.folder
    assert (made.folder / MANIFEST).is_file()
    assert paper.read_bytes() == b"changed by a person"


def test_a_dossier_needs_a_limit(reviewed):
    frozen(reviewed)
    assert "Chưa ghi mức" in refused(reviewed, dossier, at_least_percent=None)
    assert Action.MAKE_DOSSIER not in kept(reviewed)[0]


def test_every_point_of_the_workbook_opens_the_row_of_its_first_ground(reviewed):
    number = objected(reviewed, unit="so-tu-phap")
    decided(reviewed, number)
    with reviewed.at(IN_WINDOW) as runtime:
        path = draw_scores.fn(runtime, REVIEW)
        before = path.read_bytes()
        assert draw_scores.fn(runtime, REVIEW).read_bytes() == before
    book = load_workbook(path)
    scores, grounds = book["Điểm"], book["Căn cứ"]
    units = {scores.cell(row, 3).value: row for row in range(6, scores.max_row + 1)}
    for name, row in units.items():
        for column in range(4, 10):
            cell = scores.cell(row, column)
            sheet, address = cell.hyperlink.location.split("!")
            assert sheet.strip("'") == "Căn cứ"
            line = grounds[address].row
            assert grounds.cell(line, 1).value == name
            assert grounds.cell(line, 2).value.startswith(scores.cell(5, column).value.split(".")[0])
    assert scores.cell(units["Sở Tư pháp"], 4).value == 30
    told = [grounds.cell(row, 5).value for row in range(6, grounds.max_row + 1)]
    assert any(text.startswith(f"Kiến nghị số {number}: chấp nhận, điểm từ lúc") for text in told)
    with ZipFile(path) as members:
        assert not any(b"<f>" in members.read(name) for name in members.namelist())


def test_the_page_says_what_is_still_to_do(reviewed):
    number = objected(reviewed)

    def page(at):
        with reviewed.at(at) as runtime, runtime.sessions() as session:
            return review_page(runtime, session, reviews.review(session, REVIEW), hanoi(at))

    assert f"Số {number}: Sở Y tế, TC1" in page(IN_WINDOW)
    assert "chưa quyết định" in page(IN_WINDOW)
    assert "đề nghị quyết định hết kiến nghị rồi chốt" in page(AFTER_WINDOW)
