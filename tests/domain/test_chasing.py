"""Who gets which rung on which day, and why the others get none."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.chasing import (
    LadderDays,
    RungsDue,
    Send,
    Skip,
    decide,
    next_rung,
    reason_to_keep_back,
    rung_day,
    rung_due,
    rung_for_member,
)
from models.domain.duties import Mark, promise_until
from models.domain.vocabulary import MarkKind, SkipReason
from tests.builders import CALENDAR, a_duty, a_ladder, a_mark, hanoi

CONTACTS = ["baocao.so-y-te@example.invalid", "van-thu.so-y-te@example.invalid"]


def decided(duty, as_of, *, sent=(), contacts=CONTACTS):
    days = LadderDays(a_ladder(), CALENDAR)
    return decide(duty, days=days, already_sent=frozenset(sent), contacts=contacts, as_of=hanoi(as_of))


@pytest.mark.parametrize(
    ("rung", "day"),
    [
        ("opening", date(2025, 5, 16)),
        ("reminder-1", date(2025, 6, 5)),
        ("reminder-2", date(2025, 6, 12)),
        ("overdue", date(2025, 6, 17)),
        ("urging-1", date(2025, 6, 19)),
        ("urging-2", date(2025, 6, 25)),
        ("criticism", date(2025, 7, 2)),
        ("close", date(2025, 7, 7)),
    ],
)
def test_the_ladder_of_the_six_month_report_of_2025_counts_working_days_from_monday_the_16th(rung, day):
    duty = a_duty()
    step = next(each for each in a_ladder() if each.code == rung)
    assert rung_day(step, duty.opens_at, duty.late_at, CALENDAR) == day


@pytest.mark.parametrize(
    ("rung", "day"),
    [("overdue", 17), ("urging-1", 19), ("urging-2", 26)],  # 24/11/2026 is a holiday
)
def test_a_holiday_pushes_the_second_urging_of_november_2026_to_the_26th(rung, day):
    duty = a_duty(day=15, month=11, year=2026)
    step = next(each for each in a_ladder() if each.code == rung)
    assert rung_day(step, duty.opens_at, duty.late_at, CALENDAR) == date(2026, 11, day)


def test_the_opening_letter_goes_to_every_contact_and_a_reminder_to_the_first():
    opening = decided(a_duty(), "2025-05-16 08:00")
    reminder = decided(a_duty(), "2025-06-05 08:00", sent=["opening"])
    assert opening.to == tuple(CONTACTS)
    assert reminder.to == (CONTACTS[0],)


def test_after_an_outage_only_the_newest_due_rung_is_sent():
    decision = decided(a_duty(), "2025-06-20 08:00", sent=["opening"])
    assert isinstance(decision, Send)
    assert decision.rung.code == "urging-1"
    assert decision.superseded == ("reminder-1", "reminder-2", "overdue")


def test_a_rung_comes_on_the_day_after_its_own_when_that_day_was_missed():
    assert decided(a_duty(), "2025-06-06 08:00", sent=["opening"]).rung.code == "reminder-1"


@pytest.mark.parametrize(
    ("as_of", "sent", "reason"),
    [
        ("2025-05-10 08:00", [], SkipReason.NOT_OPEN),
        ("2025-05-20 08:00", ["opening"], SkipReason.ALREADY_SENT),
        ("2025-06-16 08:00", ["opening", "reminder-1"], SkipReason.IN_GRACE),
    ],
)
def test_a_unit_is_left_alone_for_a_reason(as_of, sent, reason):
    assert decided(a_duty(), as_of, sent=sent).reason is reason


@pytest.mark.parametrize(
    ("duty", "reason"),
    [
        (a_duty(completed="2025-06-10 10:00"), SkipReason.SUBMITTED),
        (a_duty(held="2025-06-16 10:00"), SkipReason.HELD_BY_US),
        (a_duty(marks=(a_mark(MarkKind.NIL, "2025-06-10 10:00"),)), SkipReason.NIL),
        (a_duty(marks=(a_mark(MarkKind.WAIVER, "2025-06-10 10:00"),)), SkipReason.WAIVED),
        (a_duty(marks=(a_mark(MarkKind.MUTE, "2025-06-10 10:00", "2025-06-30 00:00"),)), SkipReason.MUTED),
        (a_duty(marks=(a_mark(MarkKind.PROMISE, "2025-06-17 10:00", "2025-06-24 00:00"),)), SkipReason.PROMISED),
    ],
)
def test_no_letter_goes_to_a_unit_that_has_answered_or_been_heard(duty, reason):
    decision = decided(duty, "2025-06-19 08:00", sent=["opening", "reminder-1", "reminder-2", "overdue"])
    assert decision == Skip(duty_id=1, reason=reason, rung_code="urging-1")


def test_a_unit_without_a_working_contact_is_named_and_gets_its_letter_once_one_is_found():
    assert decided(a_duty(), "2025-06-05 08:00", contacts=[]).reason is SkipReason.NO_CONTACT
    assert isinstance(decided(a_duty(), "2025-06-06 08:00"), Send)


def test_once_the_cycle_is_closed_nothing_is_sent_whatever_was_missed():
    assert decided(a_duty(), "2025-07-04 08:00", sent=["opening"]).rung.code == "urging-2"
    assert decided(a_duty(), "2025-07-07 08:00", sent=["opening"]).reason is SkipReason.CLOSED
    assert (
        next_rung(a_duty(), LadderDays(a_ladder(), CALENDAR), frozenset({"opening"}), hanoi("2025-07-07 08:00")) is None
    )


def test_a_unit_with_longer_time_is_chased_by_its_own_closing_day():
    duty = a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-12 10:00", "2025-07-01 00:00"),))
    assert decided(duty, "2025-07-07 08:00", sent=["opening"]).rung.code == "urging-1"


def test_a_broken_promise_brings_the_next_rung_at_once():
    duty = a_duty(marks=(a_mark(MarkKind.PROMISE, "2025-06-17 10:00", "2025-06-19 00:00"),))
    decision = decided(duty, "2025-06-19 08:00", sent=["opening", "reminder-1", "reminder-2", "overdue", "urging-1"])
    assert decision.rung.code == "urging-2"


def test_a_promise_broken_long_ago_does_not_bring_all_rungs_in_one_week():
    duty = a_duty(marks=(a_mark(MarkKind.PROMISE, "2025-06-13 10:00", "2025-06-18 00:00"),))
    sent = ["opening", "reminder-1", "reminder-2", "overdue", "urging-1"]
    assert decided(duty, "2025-06-18 14:00", sent=sent).reason is SkipReason.ALREADY_SENT
    assert decided(duty, "2025-06-20 08:00", sent=sent).reason is SkipReason.ALREADY_SENT


def test_an_extended_unit_is_chased_by_its_own_last_day():
    duty = a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-12 10:00", "2025-06-21 00:00"),))
    assert decided(duty, "2025-06-19 08:00", sent=["opening", "reminder-1", "reminder-2"]).reason in {
        SkipReason.EXTENDED,
        SkipReason.ALREADY_SENT,
    }
    assert decided(duty, "2025-06-23 08:00", sent=["opening", "reminder-1", "reminder-2"]).rung.code == "overdue"


def test_the_board_shows_the_next_letter_a_unit_would_get():
    days = LadderDays(a_ladder(), CALENDAR)
    coming = next_rung(a_duty(), days, frozenset({"opening"}), hanoi("2025-05-20 08:00"))
    assert (coming.rung.code, coming.day) == ("reminder-1", date(2025, 6, 5))
    assert next_rung(a_duty(completed="2025-05-19 10:00"), days, frozenset(), hanoi("2025-05-20 08:00")) is None


@given(stops=st.lists(st.integers(min_value=0, max_value=75), min_size=1, max_size=40, unique=True))
def test_whatever_days_the_program_runs_no_rung_is_sent_twice_and_none_after_it_was_superseded(stops):
    duty, start = a_duty(), hanoi("2025-05-12 08:00")
    sent: list[str] = []
    for offset in sorted(stops):
        as_of = start + timedelta(days=offset)
        decision = decide(
            duty,
            days=LadderDays(a_ladder(), CALENDAR),
            already_sent=frozenset(sent),
            contacts=CONTACTS,
            as_of=as_of,
        )
        if isinstance(decision, Send):
            sent.append(decision.rung.code)
    order = [rung.code for rung in a_ladder()]
    assert len(sent) == len(set(sent))
    assert sent == sorted(sent, key=order.index)


SINCE = hanoi("2025-05-01 00:00")
INSTANTS = st.integers(min_value=0, max_value=24 * 80).map(lambda hours: SINCE + timedelta(hours=hours))
DUTIES = st.builds(
    lambda number, day, completed, held, marks: replace(
        a_duty(day=day, duty_id=number), completed_at=completed, held_since=held, marks=marks
    ),
    st.integers(min_value=1, max_value=5),
    st.sampled_from([15, 20]),
    st.none() | INSTANTS,
    st.none() | INSTANTS,
    st.lists(
        st.builds(
            lambda kind, stated, until: Mark(kind=kind, stated_at=stated, until=until),
            st.sampled_from(MarkKind),
            INSTANTS,
            st.none() | INSTANTS,
        ),
        max_size=2,
    ).map(tuple),
)
PLAIN = st.builds(lambda number, day: a_duty(day=day, duty_id=number), st.integers(1, 5), st.sampled_from([15, 20]))
RUNGS = st.frozensets(st.sampled_from([rung.code for rung in a_ladder()]), max_size=4)


@given(asked=st.lists(st.tuples(PLAIN | DUTIES, RUNGS), max_size=12), as_of=INSTANTS)
def test_what_is_due_for_many_is_what_is_due_for_each_of_them_alone(asked, as_of):
    days = LadderDays(a_ladder(), CALENDAR)
    shared = RungsDue(days, as_of)
    for duty, sent in asked:
        assert shared.of(duty, sent) == rung_due(duty, days=days, already_sent=sent, as_of=as_of)


def test_a_promise_by_a_day_holds_through_that_day():
    assert promise_until(date(2025, 6, 20)) == hanoi("2025-06-21 00:00")


def kept_back(duty, rung, as_of, *, is_by_hand=False):
    days = LadderDays(a_ladder(), CALENDAR)
    step = next(each for each in a_ladder() if each.code == rung)
    return reason_to_keep_back(duty, step, days=days, is_by_hand=is_by_hand, as_of=hanoi(as_of))


@pytest.mark.parametrize(
    ("duty", "as_of", "reason"),
    [
        (a_duty(), "2025-06-18 08:00", None),
        (a_duty(completed="2025-06-17 20:00"), "2025-06-18 08:00", SkipReason.SUBMITTED),
        (a_duty(held="2025-06-17 20:00"), "2025-06-18 08:00", SkipReason.HELD_BY_US),
        (a_duty(marks=(a_mark(MarkKind.WAIVER, "2025-06-17 10:00"),)), "2025-06-18 08:00", SkipReason.WAIVED),
        (
            a_duty(marks=(a_mark(MarkKind.PROMISE, "2025-06-17 10:00", "2025-06-20 00:00"),)),
            "2025-06-18 08:00",
            SkipReason.PROMISED,
        ),
        (
            a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-17 10:00", "2025-06-20 00:00"),)),
            "2025-06-18 08:00",
            SkipReason.EXTENDED,
        ),
        (a_duty(), "2025-07-07 08:00", SkipReason.CLOSED),
    ],
)
def test_an_overdue_letter_decided_on_the_17th_leaves_later_only_if_it_still_holds(duty, as_of, reason):
    assert kept_back(duty, "overdue", as_of) is reason


def test_a_letter_that_an_operator_wants_leaves_in_an_extension_but_not_to_who_has_answered():
    extended = a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-17 10:00", "2025-06-20 00:00"),))
    assert kept_back(extended, "overdue", "2025-06-18 08:00", is_by_hand=True) is None
    answered = a_duty(completed="2025-06-17 20:00")
    assert kept_back(answered, "overdue", "2025-06-18 08:00", is_by_hand=True) is SkipReason.SUBMITTED


def for_member(duty, as_of, *, told=()):
    days = LadderDays(a_ladder(), CALENDAR)
    dated = rung_for_member(duty, days=days, already_told=frozenset(told), as_of=hanoi(as_of))
    return dated.rung.code if dated else None


def test_a_member_hears_of_a_unit_from_the_first_urging_on_once():
    assert for_member(a_duty(), "2025-06-18 08:00") is None
    assert for_member(a_duty(), "2025-06-19 08:00") == "urging-1"
    assert for_member(a_duty(), "2025-06-20 08:00") == "urging-1"  # had nothing run on the 19th
    assert for_member(a_duty(), "2025-06-20 08:00", told=["urging-1"]) is None


@pytest.mark.parametrize(
    "duty",
    [
        a_duty(completed="2025-06-19 07:00"),
        a_duty(held="2025-06-19 07:00"),
        a_duty(marks=(a_mark(MarkKind.WAIVER, "2025-06-17 10:00"),)),
        a_duty(marks=(a_mark(MarkKind.NIL, "2025-06-17 10:00"),)),
        a_duty(marks=(a_mark(MarkKind.PROMISE, "2025-06-17 10:00", "2025-06-25 00:00"),)),
        a_duty(marks=(a_mark(MarkKind.MUTE, "2025-06-17 10:00", "2025-06-25 00:00"),)),
        a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-17 10:00", "2025-06-25 00:00"),)),
    ],
)
def test_no_member_hears_of_a_unit_that_is_left_alone(duty):
    assert for_member(duty, "2025-06-19 08:00") is None


def test_no_member_hears_of_a_unit_after_the_ladder_has_closed():
    assert for_member(a_duty(), "2025-07-04 08:00") == "urging-1"
    assert for_member(a_duty(), "2025-07-07 08:00") is None
