"""The digests and the word of troubles: who is told what, once, and never when there is nothing to tell."""

import re

import pytest
from sqlalchemy import select

from models.db.records import letters
from models.db.tables import LetterRow
from models.domain.vocabulary import LetterKind, LetterState
from tasks.audits import verify_audit
from tasks.desk import desk_page
from tasks.digests import DIGESTS, queue_digests
from tasks.post import post_letters
from tasks.trouble_letters import queue_trouble
from tasks.waiting_work import waiting_work

OPERATOR, HEAD = "van.hanh@vp.example.invalid", "chanh.vp@vp.example.invalid"


@pytest.fixture
def read_by_people(opened_office):
    """An opened office whose operator and head of office have addresses."""
    opened_office.settings = {"operator_address": OPERATOR, "head_address": HEAD}
    return opened_office


def morning(office, instant):
    with office.at(instant) as runtime:
        n_new = queue_digests.fn(runtime, runtime.clock.now())
        return n_new, post_letters.fn(runtime, DIGESTS)["sent"]


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


def test_a_digest_says_what_came_what_went_what_is_due_and_whom_it_needs(read_by_people):
    read_by_people.send("so-y-te", "answer_from_elsewhere", "2025-06-10 09:00")
    read_by_people.send("so-tai-chinh", "answer", "2025-06-10 09:30")
    read_by_people.poll("2025-06-10 10:00")
    assert morning(read_by_people, "2025-06-11 07:40") == (2, 2)
    (mail,) = read_by_people.letters_to(OPERATOR)
    said = text_of(mail)
    assert "chờ xác minh" in said
    assert "xác nhận tiếp nhận: 1" in said
    assert "Báo cáo 06 tháng năm 2025: tiếp nhận 1" in said
    assert "đã báo cáo 1/76 đơn vị" in said
    assert "1 việc cần người xử lý, 2 văn bản đến" in mail["Subject"]


def test_a_digest_carries_the_newest_hash_of_the_audit_out_of_the_database(read_by_people):
    read_by_people.send("so-tai-chinh", "answer", "2025-06-10 09:30")
    read_by_people.poll("2025-06-10 10:00")
    assert morning(read_by_people, "2025-06-11 07:40") == (2, 2)
    (mail,) = read_by_people.letters_to(HEAD)
    (head,) = re.findall(r"Nhật ký kiểm toán đến mục \d+, mã ([0-9a-f]{64})", text_of(mail))
    with read_by_people.at("2025-06-11 08:00") as runtime:
        known = verify_audit(runtime.settings.url, from_head=head)
        unknown = verify_audit(runtime.settings.url, from_head=head[::-1])
    assert (known.n_breaks, unknown.n_breaks) == (0, 1)


def test_there_is_one_digest_a_day_and_one_a_week_whoever_runs_again(read_by_people):
    assert morning(read_by_people, "2025-06-11 07:40") == (2, 2)
    assert morning(read_by_people, "2025-06-11 09:00") == (0, 0)
    assert morning(read_by_people, "2025-06-12 07:40") == (1, 1)
    assert morning(read_by_people, "2025-06-16 07:40") == (2, 2)
    assert len(read_by_people.letters_to(OPERATOR)) == 3
    assert len(read_by_people.letters_to(HEAD)) == 2


def test_no_digest_leaves_on_a_day_off_or_without_an_address(read_by_people):
    assert morning(read_by_people, "2025-06-14 07:40") == (0, 0)
    assert morning(read_by_people, "2025-06-13 05:00") == (0, 0)
    read_by_people.settings = {}
    assert morning(read_by_people, "2025-06-13 07:40") == (0, 0)


def test_where_there_is_nothing_to_tell_no_digest_is_written(office):
    office.settings = {"operator_address": OPERATOR, "head_address": HEAD}
    assert morning(office, "2025-01-13 07:40") == (0, 0)


def test_who_is_late_and_a_draft_told_of_before_are_no_reason_for_another_digest(read_by_people):
    read_by_people.late_with_a_draft()
    assert morning(read_by_people, "2025-06-27 09:00") == (2, 2)
    said = text_of(read_by_people.letters_to(OPERATOR)[-1])
    assert "QUÁ HẠN CHƯA NỘP" in said
    assert said.count("chờ ký") == 1
    assert morning(read_by_people, "2025-06-30 07:40") == (0, 0)
    read_by_people.send("so-y-te", "answer_from_elsewhere", "2025-06-30 09:00")
    read_by_people.poll("2025-06-30 09:05")
    assert morning(read_by_people, "2025-07-01 07:40") == (2, 2)


def test_each_sort_of_trouble_is_told_once_a_day_however_often_it_comes(read_by_people):
    with read_by_people.at("2025-06-11 22:00") as runtime:
        for run in ("r1", "r2"):
            queue_trouble(runtime, run=run, name="Hộp thư", flow="poll-mailbox", message="Không vào được hộp thư.\nx")
        queue_trouble(runtime, run="r3", name="BC 6T", flow="report-cycle", message="Máy chủ thư không trả lời.")
        assert post_letters.fn(runtime, [LetterKind.OPERATOR])["sent"] == 2
    told = read_by_people.letters_to(OPERATOR)
    assert len(told) == 2
    assert "Hộp thư (lúc 22 giờ 00 ngày 11/6/2025): Không vào được hộp thư." in text_of(told[0])


def test_word_of_a_trouble_waits_while_mail_is_down_and_leaves_when_it_is_back(read_by_people):
    port, read_by_people.mail.smtp_port = read_by_people.mail.smtp_port, 1
    with read_by_people.at("2025-06-11 08:00") as runtime:
        queue_trouble(runtime, run="r1", name="BC 6T", flow="report-cycle", message="Máy chủ thư không trả lời.")
        assert post_letters.fn(runtime, [LetterKind.OPERATOR])["waiting"] == 1
    read_by_people.mail.smtp_port = port
    with read_by_people.at("2025-06-11 09:00") as runtime:
        assert post_letters.fn(runtime, [LetterKind.OPERATOR])["sent"] == 1
        with runtime.sessions() as session:
            assert letters.count_by_state(session, [LetterKind.OPERATOR]) == {LetterState.SENT: 1}


def test_a_letter_that_failed_is_in_the_digest_for_two_weeks_and_in_the_list_for_ever(read_by_people):
    with read_by_people.at("2025-06-10 08:00") as runtime, runtime.sessions.begin() as session:
        row = session.scalars(select(LetterRow).order_by(LetterRow.id)).first()
        row.state, row.detail, row.finished_at = LetterState.FAILED, "550 no such user", runtime.clock.now()
    for day, n_failed, n_older in (("2025-06-24 07:40", 1, 0), ("2025-06-25 07:40", 0, 1)):
        with read_by_people.at(day) as runtime, runtime.sessions() as session:
            work = waiting_work(runtime, session, runtime.clock.now(), [])
            assert (len(work.failed), work.n_older_letters) == (n_failed, n_older)
            assert [each.detail for each in letters.stuck_letters(session)] == ["550 no such user"]
            assert ("dondoc letters" in desk_page(runtime, runtime.clock.now(), {})) is bool(n_older)
