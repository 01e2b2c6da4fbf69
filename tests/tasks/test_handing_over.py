"""Who gets which result: once an edition, by itself or with a signed document, and a newer one in place of it."""

from datetime import date

import pytest

from models.db.records import audit, cycles, handovers, letters
from models.domain.distribution import result_letters
from models.domain.duties import Mark, standing_at
from models.domain.errors import ActionRefusedError
from models.domain.plan import Recipient
from models.domain.vocabulary import (
    Action,
    EditionKind,
    LetterKind,
    LetterState,
    MarkKind,
    RecipientRole,
    Standing,
)
from tasks.compile import compile_cycle
from tasks.hand_over import ResultOrder, lines_of_handovers, order_result, queue_results
from tasks.open_cycles import open_due_cycles
from tasks.post import post_letters
from tests.builders import hanoi
from tests.tasks.conftest import address_of

CYCLE = "bc-6t-2025"
COMMITTEE = "ban-chi-dao@example.invalid"
MINISTRY = "cuc-xdptbvantq@example.invalid"
SENT_AT = "2025-07-08 08:00"


def plain(letter):
    return letter.get_body(("plain",)).get_content()


def names(letter):
    return [part.get_filename() for part in letter.iter_attachments()]


def compiled(office, instant, cycle=CYCLE, kind=EditionKind.FINAL):
    with office.at(instant) as runtime:
        return compile_cycle(runtime, cycle, runtime.clock.now(), kind).edition


def hand_over(office, instant, cycle=CYCLE):
    with office.at(instant) as runtime:
        n = queue_results.fn(runtime, [cycle], runtime.clock.now())
        post_letters.fn(runtime, [LetterKind.RESULT])
        return n


def order(office, instant, **said):
    usual = {
        "cycle": CYCLE,
        "number": "12/BC-BCĐ",
        "signed_on": date(2025, 7, 9),
        "operator": "Nguyễn Văn Thư",
        "reason": "Đã ký",
    }
    with office.at(instant) as runtime:
        n = order_result.fn(runtime, ResultOrder(**(usual | said)))
        post_letters.fn(runtime, [LetterKind.RESULT])
        return n


def opened(office, instant, obligation):
    """Open a cycle without stamping a form or writing to anyone."""
    with office.at(instant) as runtime:
        open_due_cycles.fn(runtime, obligation, runtime.clock.now())


def report_nothing(office, unit, instant, cycle=CYCLE):
    """Let a unit have answered that it has nothing to report."""
    duty_id = office.duty(unit, cycle).duty.id
    with office.at(instant) as runtime, runtime.sessions.begin() as session:
        cycles.add_mark(session, duty_id, Mark(kind=MarkKind.NIL, stated_at=hanoi(instant)))


@pytest.fixture
def open_office(office):
    """The six-month report of 2025 has opened, and one unit has answered."""
    opened(office, "2025-05-16 08:00", "O-20")
    report_nothing(office, "so-y-te", "2025-06-03 09:00")
    return office


@pytest.fixture
def closed_office(open_office):
    """The final edition of the day of closing lies ready."""
    compiled(open_office, "2025-07-07 14:00")
    return open_office


def test_a_final_edition_goes_by_itself_to_those_who_get_it_so_and_to_nobody_else(closed_office):
    assert hand_over(closed_office, SENT_AT) == 1
    (letter,) = closed_office.letters_to(COMMITTEE)
    assert letter["Subject"] == "[BC 6T 2025] Kết quả tổng hợp, bản 1"
    assert names(letter) == ["tong-hop-bc-6t-2025-ban-1.xlsx", "bao-cao-bc-6t-2025-ban-1.docx"]
    assert "- Số đơn vị đã báo cáo: 1/76 đơn vị (chưa báo cáo: 75)" in plain(letter)
    assert closed_office.letters_to(MINISTRY) == []


def test_the_same_edition_goes_out_once_however_often_the_round_runs(closed_office):
    hand_over(closed_office, SENT_AT)
    assert hand_over(closed_office, "2025-07-08 14:00") == 0
    assert hand_over(closed_office, "2025-07-09 08:00") == 0
    assert len(closed_office.letters_to(COMMITTEE)) == 1


def test_a_provisional_edition_and_one_outside_office_hours_go_to_nobody(open_office):
    compiled(open_office, "2025-06-18 08:00", kind=EditionKind.PROVISIONAL)
    assert hand_over(open_office, "2025-06-18 08:30") == 0
    compiled(open_office, "2025-07-08 08:00")
    assert hand_over(open_office, "2025-07-08 20:00") == 0
    assert hand_over(open_office, "2025-07-09 08:00") == 1


def test_a_newer_edition_is_sent_in_place_of_the_one_that_went_out(closed_office):
    hand_over(closed_office, SENT_AT)
    report_nothing(closed_office, "so-tu-phap", "2025-07-10 09:00")
    compiled(closed_office, "2025-07-10 14:00")
    assert hand_over(closed_office, "2025-07-10 14:05") == 1
    _, second = closed_office.letters_to(COMMITTEE)
    assert second["Subject"] == "[BC 6T 2025] Kết quả tổng hợp, bản 2 (thay bản 1)"
    assert "bản số 2, thay bản số 1 đã gửi" in plain(second)
    assert "Bản số 1 đã gửi lúc 08 giờ 00 ngày 08/7/2025 không dùng nữa" in plain(second)


def test_an_edition_that_waited_is_not_sent_once_a_newer_one_is_there(closed_office):
    with closed_office.at(SENT_AT) as runtime:
        queue_results.fn(runtime, [CYCLE], runtime.clock.now())
    report_nothing(closed_office, "so-tu-phap", "2025-07-10 09:00")
    compiled(closed_office, "2025-07-10 14:00")
    hand_over(closed_office, "2025-07-10 14:05")
    (only,) = closed_office.letters_to(COMMITTEE)
    assert only["Subject"] == "[BC 6T 2025] Kết quả tổng hợp, bản 2"


def test_a_run_that_dies_between_queueing_and_sending_is_finished_by_the_next(closed_office):
    with closed_office.at(SENT_AT) as runtime:
        queue_results.fn(runtime, [CYCLE], runtime.clock.now())
    assert hand_over(closed_office, "2025-07-08 14:00") == 0
    assert len(closed_office.letters_to(COMMITTEE)) == 1


def test_a_run_that_dies_while_sending_leaves_a_doubt_and_no_second_letter(closed_office):
    hand_over(closed_office, SENT_AT)
    with closed_office.at(SENT_AT) as runtime, runtime.sessions.begin() as session:
        (sent,) = handovers.handovers_of(session, CYCLE)
        session.execute(letters.update(letters.LetterRow).values(state=LetterState.SENDING))
    hand_over(closed_office, "2025-07-08 14:00")
    assert len(closed_office.letters_to(COMMITTEE)) == 1
    closed_office.poll("2025-07-08 14:05")
    with closed_office.at("2025-07-08 14:10") as runtime, runtime.sessions() as session:
        (now,) = handovers.handovers_of(session, CYCLE)
    assert (sent.letter_id, now.state) == (now.letter_id, LetterState.SENT)


def test_the_budget_goes_to_the_finance_department_with_a_copy_to_the_police(office):
    opened(office, "2024-09-23 08:00", "O-09")
    compiled(office, "2024-11-25 08:00", cycle="du-toan-2024")
    assert hand_over(office, "2024-11-25 08:05", cycle="du-toan-2024") == 1
    letter = office.letters_to(address_of("so-tai-chinh"))[-1]
    assert letter["Cc"] == address_of("cong-an-tinh")
    assert "- Đồng gửi: Công an tỉnh" in plain(letter)
    with office.at("2024-11-25 09:00") as runtime, runtime.sessions() as session:
        rows = handovers.handovers_of(session, "du-toan-2024")
        lines = lines_of_handovers(runtime, session, "du-toan-2024")
    assert [(row.name, row.role) for row in rows] == [
        ("Sở Tài chính", RecipientRole.TO),
        ("Công an tỉnh", RecipientRole.COPY),
    ]
    assert "Công an tỉnh" in lines[1]


def test_a_signed_document_takes_the_result_upward_and_settles_the_leads_duty(closed_office):
    assert order(closed_office, "2025-07-09 09:00") == 3
    (letter,) = closed_office.letters_to(MINISTRY)
    assert letter["Subject"] == "[BC 6T 2025] Kết quả tổng hợp, bản 1, kèm văn bản số 12/BC-BCĐ"
    assert "kèm văn bản số 12/BC-BCĐ ngày 09/7/2025" in plain(letter)
    assert closed_office.letters_to(COMMITTEE) == []
    duty = closed_office.duty("cong-an-tinh", f"th-{CYCLE}").duty
    assert standing_at(duty, hanoi("2025-07-09 10:00")) is Standing.DONE_LATE
    assert order(closed_office, "2025-07-09 10:00") == 0
    with closed_office.at("2025-07-09 11:00") as runtime, runtime.sessions() as session:
        acts = [act for act in audit.actions_on(session, CYCLE) if act.action is Action.SEND_RESULT]
    assert [act.details["document"] for act in acts] == ["12/BC-BCĐ"]
    assert len(closed_office.letters_to(MINISTRY)) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"number": "  "},
        {"operator": ""},
        {"reason": " "},
        {"signed_on": date(2025, 7, 10)},
        {"signed_on": date(2025, 7, 6)},
    ],
)
def test_an_order_that_does_not_hold_sends_and_settles_nothing(closed_office, said):
    with pytest.raises(ActionRefusedError) as refused:
        order(closed_office, "2025-07-09 09:00", **said)
    with closed_office.at("2025-07-09 09:30") as runtime:
        assert runtime.texts.error(refused.value)
        with runtime.sessions() as session:
            assert handovers.handovers_of(session, CYCLE) == []
            assert audit.newest_actions(session, limit=5) == []


def test_without_a_final_edition_nothing_is_sent(open_office):
    with pytest.raises(ActionRefusedError):
        order(open_office, "2025-07-09 09:00")


def test_a_result_too_large_for_a_mail_says_where_it_lies(closed_office):
    closed_office.settings["result_bytes"] = 10
    hand_over(closed_office, SENT_AT)
    (letter,) = closed_office.letters_to(COMMITTEE)
    assert names(letter) == []
    assert "thư mục results/bc-6t-2025/ban-1" in plain(letter)


def test_an_address_is_written_to_once_however_often_the_list_names_it():
    one = Recipient(name="A", email="a@example.invalid", obligations=("O-20",))
    twice = Recipient(name="A, lần nữa", email="A@example.invalid", obligations=("O-20",), role=RecipientRole.COPY)
    copied = Recipient(name="B", email="b@example.invalid", obligations=("O-20",), role=RecipientRole.COPY)
    (letter,) = result_letters([copied, twice, one], frozenset())
    assert letter.recipients == (one, copied)
    assert [each.to for each in result_letters([copied, one], {"a@example.invalid"})] == [copied]
