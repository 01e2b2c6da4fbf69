"""Where a duty stands: derived from facts, for any instant, past ones included."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.duties import (
    Mark,
    Reopening,
    accepted_by,
    answered_at,
    late_at,
    promise_broken_at,
    promise_in_force,
    standing_at,
    timeliness,
)
from models.domain.vocabulary import MarkKind, Roll, Standing, Timeliness
from tests.builders import a_duty, a_mark, hanoi


@pytest.mark.parametrize(
    ("received", "rolling", "strict"),
    [
        ("2025-06-14 23:59:59", Timeliness.ON_TIME, Timeliness.ON_TIME),
        ("2025-06-15 00:00:00", Timeliness.IN_GRACE, Timeliness.LATE),  # 14/6/2025 is a Saturday
        ("2025-06-16 23:59:59", Timeliness.IN_GRACE, Timeliness.LATE),
        ("2025-06-17 00:00:00", Timeliness.LATE, Timeliness.LATE),
    ],
)
def test_a_deadline_on_a_saturday_runs_to_the_end_of_monday_unless_the_plan_says_no(received, rolling, strict):
    later = hanoi("2025-07-01 08:00")
    assert timeliness(a_duty(completed=received), later) is rolling
    assert timeliness(a_duty(completed=received, roll=Roll.NONE), later) is strict


@pytest.mark.parametrize(
    ("as_of", "standing"),
    [
        ("2025-05-15 23:59:59", Standing.NOT_OPEN),
        ("2025-05-16 00:00:00", Standing.OPEN),
        ("2025-06-14 23:59:59", Standing.OPEN),
        ("2025-06-15 00:00:00", Standing.IN_GRACE),
        ("2025-06-16 23:59:59", Standing.IN_GRACE),
        ("2025-06-17 00:00:00", Standing.LATE),
    ],
)
def test_a_duty_nobody_answered_goes_from_open_through_grace_to_late(as_of, standing):
    assert standing_at(a_duty(), hanoi(as_of)) is standing


def test_a_past_day_is_judged_without_what_came_later():
    duty = a_duty(completed="2025-06-20 09:00")
    assert standing_at(duty, hanoi("2025-06-19 12:00")) is Standing.LATE
    assert standing_at(duty, hanoi("2025-06-20 09:00")) is Standing.DONE_LATE


def test_an_extension_moves_only_this_units_last_day():
    duty = a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-12 10:00", "2025-06-21 00:00"),))
    assert standing_at(duty, hanoi("2025-06-20 23:59:59")) is Standing.EXTENDED
    assert standing_at(duty, hanoi("2025-06-21 00:00")) is Standing.LATE
    assert late_at(duty, hanoi("2025-06-12 09:59")) == duty.late_at


def test_a_nil_report_settles_a_duty_and_counts_as_answered_when_it_came():
    duty = a_duty(marks=(a_mark(MarkKind.NIL, "2025-06-10 08:30"),))
    assert standing_at(duty, hanoi("2025-06-10 08:30")) is Standing.NIL
    assert timeliness(duty, hanoi("2025-06-30 08:00")) is Timeliness.ON_TIME


def test_what_waits_for_our_own_people_is_submitted_and_not_late():
    duty = a_duty(held="2025-06-16 17:00")
    assert standing_at(duty, hanoi("2025-06-25 08:00")) is Standing.SUBMITTED


def test_a_waived_duty_stays_waived():
    duty = a_duty(marks=(a_mark(MarkKind.WAIVER, "2025-06-18 08:00"),))
    assert standing_at(duty, hanoi("2025-06-17 08:00")) is Standing.LATE
    assert standing_at(duty, hanoi("2026-06-17 08:00")) is Standing.WAIVED


def test_a_promise_holds_to_the_end_of_its_day_and_changes_no_timeliness():
    duty = a_duty(marks=(a_mark(MarkKind.PROMISE, "2025-06-18 09:00", "2025-06-21 00:00"),))
    assert promise_in_force(duty, hanoi("2025-06-20 23:59:59")) is not None
    assert standing_at(duty, hanoi("2025-06-20 12:00")) is Standing.LATE
    assert promise_broken_at(duty, hanoi("2025-06-20 23:59:59")) is None
    assert promise_broken_at(duty, hanoi("2025-06-21 00:00")) == hanoi("2025-06-21 00:00")


def test_a_kept_promise_is_not_broken():
    duty = a_duty(
        completed="2025-06-20 15:00", marks=(a_mark(MarkKind.PROMISE, "2025-06-18 09:00", "2025-06-21 00:00"),)
    )
    assert promise_broken_at(duty, hanoi("2025-06-25 08:00")) is None


minutes = st.integers(min_value=0, max_value=60 * 24 * 90)


@given(completed=st.none() | minutes, looked=minutes)
def test_an_answer_is_known_exactly_from_its_receipt_on(completed, looked):
    start = hanoi("2025-05-01 00:00")
    received = None if completed is None else start.timestamp() + completed * 60
    as_of = start.fromtimestamp(start.timestamp() + looked * 60, start.tzinfo)
    text = None if received is None else start.fromtimestamp(received, start.tzinfo).strftime("%Y-%m-%d %H:%M")
    duty = a_duty(completed=text)
    is_known = completed is not None and completed <= looked
    assert (answered_at(duty, as_of) is not None) is is_known
    assert (standing_at(duty, as_of) in {Standing.DONE, Standing.DONE_LATE}) is is_known


def _given_back(at, completed=None, **facts):
    instant = hanoi(completed) if completed else None
    return Reopening(reopened_at=hanoi(at), completed_at=instant, accepted_at=instant, **facts)


def test_an_answer_given_back_is_owed_again_until_the_new_day():
    duty = replace(
        a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-20 09:00", "2025-06-28 00:00"),)),
        reopenings=(_given_back("2025-06-20 09:00", "2025-06-12 10:00"),),
    )
    assert standing_at(duty, hanoi("2025-06-20 08:59")) is Standing.DONE
    assert standing_at(duty, hanoi("2025-06-20 09:00")) is Standing.EXTENDED
    assert standing_at(duty, hanoi("2025-06-28 00:00")) is Standing.LATE
    assert accepted_by(duty, hanoi("2025-06-19 09:00")) == hanoi("2025-06-12 10:00")
    assert accepted_by(duty, hanoi("2025-06-21 09:00")) is None


def test_the_better_answer_after_a_return_settles_the_duty_in_time():
    duty = replace(
        a_duty(
            completed="2025-06-27 16:00", marks=(a_mark(MarkKind.EXTENSION, "2025-06-20 09:00", "2025-06-28 00:00"),)
        ),
        reopenings=(_given_back("2025-06-20 09:00", "2025-06-12 10:00"),),
    )
    assert standing_at(duty, hanoi("2025-06-26 08:00")) is Standing.EXTENDED
    assert standing_at(duty, hanoi("2025-06-30 08:00")) is Standing.DONE


@pytest.mark.parametrize("kind", [MarkKind.NIL, MarkKind.DONE, MarkKind.WAIVER])
def test_a_word_given_back_settles_nothing_any_more_and_a_new_one_does(kind):
    word = a_mark(kind, "2025-06-10 08:00")
    duty = replace(a_duty(marks=(word,)), reopenings=(_given_back("2025-06-11 08:00"),))
    assert standing_at(duty, hanoi("2025-06-12 08:00")) is Standing.OPEN
    again = replace(duty, marks=(word, a_mark(kind, "2025-06-13 08:00")))
    assert standing_at(again, hanoi("2025-06-13 08:00")) is standing_at(duty, hanoi("2025-06-10 09:00"))


def test_a_promise_that_was_kept_is_not_broken_by_a_return():
    promise = a_mark(MarkKind.PROMISE, "2025-06-18 09:00", "2025-06-21 00:00")
    duty = replace(a_duty(marks=(promise,)), reopenings=(_given_back("2025-06-25 08:00", "2025-06-20 15:00"),))
    assert promise_broken_at(duty, hanoi("2025-06-26 08:00")) is None


def test_what_a_person_dealt_with_was_held_until_then():
    duty = replace(a_duty(), held_before=((hanoi("2025-06-16 17:00"), hanoi("2025-06-18 09:00")),))
    assert standing_at(duty, hanoi("2025-06-18 08:59")) is Standing.SUBMITTED
    assert standing_at(duty, hanoi("2025-06-18 09:00")) is Standing.LATE


@given(
    completed=st.none() | minutes,
    nil=st.none() | minutes,
    given_back=minutes,
    again=st.none() | minutes,
    looked=minutes,
)
def test_a_return_changes_no_day_before_it(completed, nil, given_back, again, looked):
    def at(minute):
        return hanoi("2025-05-01 00:00") + timedelta(minutes=minute)

    stated = Mark(kind=MarkKind.NIL, stated_at=at(nil)) if nil is not None else None
    before = replace(
        a_duty(),
        completed_at=at(completed) if completed is not None else None,
        accepted_at=at(completed) if completed is not None else None,
        marks=(stated,) if stated else (),
    )
    after = replace(
        before,
        completed_at=at(given_back + again) if again is not None else None,
        accepted_at=at(given_back + again) if again is not None else None,
        reopenings=(
            Reopening(reopened_at=at(given_back), completed_at=before.completed_at, accepted_at=before.accepted_at),
        ),
    )
    if looked < given_back:
        assert standing_at(after, at(looked)) is standing_at(before, at(looked))
        assert answered_at(after, at(looked)) == answered_at(before, at(looked))
    elif nil is None or nil <= given_back:
        is_answered = again is not None and given_back + again <= looked
        assert (answered_at(after, at(looked)) is not None) is is_answered
