"""The committee member's one letter a day: which units are named, that each is named once, and what holds it back."""

from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from deployments.postoffice import Fault, FaultKind
from models.db.records import cycles, letters, rosters
from models.db.tables import LetterRow, MemberNoticeRow
from models.domain.duties import Mark
from models.domain.vocabulary import LetterKind, LetterState, MarkKind
from tasks.post import post_letters
from tasks.tell_members import queue_member_letters
from tests.builders import hanoi
from tests.tasks.conftest import address_of, n_queries_to_write

CYCLE = "bc-6t-2025"
FIRST_URGING = "2025-06-19 08:00"
UNIT = "so-y-te"
MEMBER = "uv-van-hoa-xa-hoi@example.invalid"
BUSIEST = "uv-co-quan-trung-uong@example.invalid"


def queue(office, instant):
    with office.at(instant) as runtime:
        return queue_member_letters.fn(runtime, runtime.clock.now())


def send(office, instant):
    with office.at(instant) as runtime:
        return post_letters.fn(runtime, [LetterKind.MEMBER])


def tell(office, instant):
    return queue(office, instant), send(office, instant)["sent"]


def stored(office, query):
    with office.at("2026-01-01 08:00") as runtime, runtime.sessions() as session:
        return list(session.scalars(query))


def mark(office, kind, at, *, unit=UNIT, until=None):
    duty = office.duty(unit).duty
    with office.at(at) as runtime, runtime.sessions.begin() as session:
        until_at = hanoi(until) if until else None
        cycles.add_mark(session, duty.id, Mark(kind=kind, stated_at=hanoi(at), until=until_at))


def plain(letter):
    return letter.get_body(("plain",)).get_content()


def member_of(office, unit):
    return f"{office.duty(unit).member_in_charge}@example.invalid"


def test_a_member_in_charge_of_22_late_units_gets_one_letter_that_names_them_all(opened_office):
    told, sent = tell(opened_office, FIRST_URGING)
    (letter,) = opened_office.letters_to(BUSIEST)
    assert letter["Subject"].startswith("[Đề án 835] Đề nghị đôn đốc 22 đơn vị")
    assert plain(letter).count(": quá hạn 3 ngày (từ ngày 17/6/2025)") == 22
    assert letter["Cc"] is None
    assert (told, sent) == (len({row.duty_id for row in stored(opened_office, select(MemberNoticeRow))}), 8)


def test_the_letters_to_all_members_are_written_from_the_same_few_queries(opened_office):
    queue(opened_office, FIRST_URGING)
    with opened_office.at(FIRST_URGING) as runtime:
        with runtime.sessions.begin() as session:
            claimed = letters.claim(session, kinds=[LetterKind.MEMBER], limit=9, at=hanoi(FIRST_URGING), max_attempts=9)
        assert len(claimed) == 8
        assert n_queries_to_write(runtime, claimed) == n_queries_to_write(runtime, claimed[:1])


def test_run_twice_a_member_has_one_letter_and_hears_of_a_rung_no_second_time(opened_office):
    tell(opened_office, FIRST_URGING)
    assert tell(opened_office, FIRST_URGING) == (0, 0)
    assert tell(opened_office, "2025-06-20 08:00") == (0, 0)
    assert len(opened_office.letters_to(MEMBER)) == 1


def test_two_rounds_at_once_tell_each_rung_once(opened_office):
    barrier, told = Barrier(2), []

    def run():
        with opened_office.at(FIRST_URGING) as runtime:
            barrier.wait()
            told.append(queue_member_letters.fn(runtime, runtime.clock.now()))

    rounds = [Thread(target=run) for _ in range(2)]
    for each in rounds:
        each.start()
    for each in rounds:
        each.join()
    notices = stored(opened_office, select(MemberNoticeRow))
    assert sum(told) == len(notices) == len({row.duty_id for row in notices})
    assert send(opened_office, FIRST_URGING)["sent"] == 8
    assert len(opened_office.letters_to(BUSIEST)) == 1


def test_a_unit_that_has_answered_before_the_letter_leaves_is_not_named(opened_office):
    queue(opened_office, FIRST_URGING)
    duty = opened_office.duty(UNIT).duty
    with opened_office.at(FIRST_URGING) as runtime, runtime.sessions.begin() as session:
        cycles.settle(session, {duty.id: hanoi("2025-06-19 07:50")}, accepted_at=hanoi("2025-06-19 07:55"))
    send(opened_office, "2025-06-19 08:05")
    (letter,) = opened_office.letters_to(member_of(opened_office, UNIT))
    assert "Sở Y tế" not in plain(letter)
    assert duty.id not in {row.duty_id for row in stored(opened_office, select(MemberNoticeRow))}


def test_what_a_promise_held_back_is_told_when_the_promise_is_broken(opened_office):
    queue(opened_office, FIRST_URGING)
    mark(opened_office, MarkKind.PROMISE, "2025-06-19 08:01", until="2025-06-24 00:00")
    send(opened_office, "2025-06-19 08:05")
    member = member_of(opened_office, UNIT)
    assert "Sở Y tế" not in plain(opened_office.letters_to(member)[0])
    assert tell(opened_office, "2025-06-23 08:00") == (0, 0)
    assert tell(opened_office, "2025-06-24 08:00") == (1, 1)
    assert "Sở Y tế" in plain(opened_office.letters_to(member)[1])


def test_a_letter_that_has_nobody_left_to_name_is_not_sent(opened_office):
    queue(opened_office, FIRST_URGING)
    with opened_office.at(FIRST_URGING) as runtime, runtime.sessions.begin() as session:
        chunks = cycles.duties_in_chunks(session, CYCLE, size=500)
        duties = [record.duty.id for chunk in chunks for record in chunk]
        cycles.settle(session, dict.fromkeys(duties, hanoi("2025-06-19 07:50")), accepted_at=hanoi(FIRST_URGING))
    assert send(opened_office, "2025-06-19 08:05")["sent"] == 0
    of_members = select(LetterRow.state).where(LetterRow.kind == LetterKind.MEMBER)
    assert set(stored(opened_office, of_members)) == {LetterState.CANCELLED}
    assert stored(opened_office, select(MemberNoticeRow)) == []


def test_a_unit_that_nobody_can_write_to_is_named_with_a_plea_for_a_contact(opened_office):
    with opened_office.at(FIRST_URGING) as runtime, runtime.sessions.begin() as session:
        (programme,) = runtime.programmes
        desks = rosters.working_contacts(session, programme, hanoi(FIRST_URGING).date(), unit_codes=[UNIT])
        rosters.note_bounces(session, {c.email: "550" for c in desks[UNIT]}, at=hanoi("2025-06-01 08:00"))
    tell(opened_office, FIRST_URGING)
    (letter,) = opened_office.letters_to(member_of(opened_office, UNIT))
    assert "Trong đó 1 đơn vị không có địa chỉ thư điện tử nhận được thư" in plain(letter)
    (line,) = [line for line in plain(letter).splitlines() if "Sở Y tế" in line]
    assert "không có đầu mối nhận được thư" in line


@pytest.mark.parametrize("instant", ["2025-06-21 09:00", "2025-06-19 19:00"])
def test_members_are_written_to_in_office_hours_only(opened_office, instant):
    assert tell(opened_office, instant) == (0, 0)
    queue(opened_office, FIRST_URGING)
    assert send(opened_office, instant)["sent"] == 0
    assert opened_office.letters_to(MEMBER) == []


def test_a_letter_that_the_server_did_not_take_is_joined_by_what_is_new_the_next_day(opened_office):
    mark(opened_office, MarkKind.PROMISE, "2025-06-16 08:01", until="2025-06-20 00:00")
    member = member_of(opened_office, UNIT)
    queue(opened_office, FIRST_URGING)
    assert tell(opened_office, "2025-06-20 08:00") == (1, 8)
    (letter,) = opened_office.letters_to(member)
    assert "Sở Y tế" in plain(letter)
    assert "4 đơn vị" in letter["Subject"]


def test_who_had_a_letter_today_hears_of_the_rest_tomorrow(opened_office):
    mark(opened_office, MarkKind.MUTE, "2025-06-16 08:01", until="2025-06-19 12:00")
    tell(opened_office, FIRST_URGING)
    assert tell(opened_office, "2025-06-19 14:00") == (0, 0)
    assert tell(opened_office, "2025-06-20 08:00") == (1, 1)


def test_a_refused_letter_told_nothing_and_is_written_anew_the_next_day(opened_office):
    opened_office.mail.misbehave(Fault(MEMBER, FaultKind.REFUSE))
    tell(opened_office, FIRST_URGING)
    opened_office.mail.misbehave()
    assert tell(opened_office, "2025-06-20 08:00")[1] == 1
    assert len(opened_office.letters_to(MEMBER)) == 1


def test_the_units_letter_goes_to_nobody_else_and_counts_in_the_members(opened_office):
    counts = opened_office.round(FIRST_URGING)
    assert counts["told_to_members"] == counts["send.urging-1"] > 50
    letter = opened_office.letters_to(address_of(UNIT))[-1]
    assert letter["Cc"] is None
    assert "được báo cho thành viên Ban Chỉ đạo phụ trách" in plain(letter)
    (told,) = opened_office.letters_to(member_of(opened_office, UNIT))
    (line,) = [line for line in plain(told).splitlines() if "Sở Y tế" in line]
    assert "đã gửi 2 thư; đầu mối: " in line
    with opened_office.at(FIRST_URGING) as runtime, runtime.sessions() as session:
        assert MEMBER in letters.recipients_chased_on(session, hanoi(FIRST_URGING).date())
