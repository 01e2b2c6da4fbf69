"""Deadlines and working days, in the words of the plan."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.calendar import (
    BeforeDay,
    ByDay,
    OfficeHours,
    WithinMonth,
    WithinQuarter,
    WorkingCalendar,
    last_day_before,
    start_of,
)
from models.domain.vocabulary import OFFICE_ZONE, Roll

DAYS = st.dates(min_value=date(2024, 1, 1), max_value=date(2031, 12, 31))
CALENDARS = st.builds(
    WorkingCalendar,
    days_off=st.frozensets(DAYS, max_size=40),
    days_on=st.frozensets(DAYS, max_size=40),
)
WEEKENDS_ONLY = WorkingCalendar()


def hanoi(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OFFICE_ZONE)


def test_before_the_15th_of_june_excludes_the_15th():
    assert BeforeDay(15, 6).due_at(2025) == hanoi("2025-06-15")


def test_by_the_15th_of_june_includes_the_15th():
    assert ByDay(15, 6).due_at(2025) == hanoi("2025-06-16")


def test_within_october_ends_where_november_begins():
    assert WithinMonth(10).due_at(2024) == hanoi("2024-11-01")


def test_within_december_ends_where_the_next_year_begins():
    assert WithinMonth(12).due_at(2024) == hanoi("2025-01-01")


def test_within_the_third_quarter_ends_where_october_begins():
    assert WithinQuarter(3).due_at(2028) == hanoi("2028-10-01")


def test_within_the_fourth_quarter_ends_where_the_next_year_begins():
    assert WithinQuarter(4).due_at(2028) == hanoi("2029-01-01")


@pytest.mark.parametrize(
    ("due", "late"),
    [
        ("2025-06-15", "2025-06-17"),  # 14/6/2025 is a Saturday: to the end of Monday
        ("2026-06-15", "2026-06-16"),  # a Sunday
        ("2027-06-15", "2027-06-15"),  # a Monday
        ("2028-10-01", "2028-10-03"),  # 30/9/2028 is a Saturday
        ("2029-10-01", "2029-10-02"),  # 30/9/2029 is a Sunday
    ],
)
def test_a_last_day_that_is_not_worked_runs_to_the_end_of_the_next_one_that_is(due, late):
    assert WEEKENDS_ONLY.late_at(hanoi(due), Roll.NEXT_WORKING_DAY) == hanoi(late)


def test_without_roll_a_deadline_on_a_saturday_stays_there():
    assert WEEKENDS_ONLY.late_at(hanoi("2025-06-15"), Roll.NONE) == hanoi("2025-06-15")


def test_a_worked_saturday_is_a_last_day_like_any_other():
    calendar = WorkingCalendar(days_on=frozenset({date(2025, 6, 14)}))
    assert calendar.late_at(hanoi("2025-06-15"), Roll.NEXT_WORKING_DAY) == hanoi("2025-06-15")


def test_a_deadline_before_a_long_holiday_runs_to_its_end():
    tet = WorkingCalendar(days_off=frozenset(date(2026, 2, day) for day in range(16, 21)))
    assert tet.late_at(hanoi("2026-02-15"), Roll.NEXT_WORKING_DAY) == hanoi("2026-02-24")


def test_a_day_that_is_both_off_and_on_is_off():
    day = date(2026, 1, 10)
    assert not WorkingCalendar(frozenset({day}), frozenset({day})).is_working_day(day)


def test_the_instant_before_midnight_still_belongs_to_the_last_day():
    assert last_day_before(hanoi("2025-06-15")) == date(2025, 6, 14)


@given(day=DAYS, calendar=CALENDARS, roll=st.sampled_from(Roll))
def test_late_is_never_before_due_and_ends_a_working_day_when_rolled(day, calendar, roll):
    due_at = start_of(day)

    late_at = calendar.late_at(due_at, roll)

    assert late_at >= due_at
    assert roll is Roll.NONE or calendar.is_working_day(last_day_before(late_at))
    skipped = (last_day_before(late_at) - last_day_before(due_at)).days
    assert not any(calendar.is_working_day(last_day_before(due_at) + timedelta(n)) for n in range(skipped))


@given(day=DAYS, calendar=CALENDARS, n_days=st.integers(min_value=-60, max_value=60).filter(bool))
def test_counting_working_days_lands_on_the_nth(day, calendar, n_days):
    landed = calendar.add_working_days(day, n_days)

    low, high = (day + timedelta(1), landed) if n_days > 0 else (landed, day - timedelta(1))
    counted = [low + timedelta(n) for n in range((high - low).days + 1) if calendar.is_working_day(low + timedelta(n))]
    assert calendar.is_working_day(landed)
    assert len(counted) == abs(n_days)


@given(day=DAYS, calendar=CALENDARS, n_days=st.integers(min_value=1, max_value=60))
def test_counting_back_undoes_counting_forward_from_a_working_day(day, calendar, n_days):
    start = calendar.next_working_day(day)
    assert calendar.add_working_days(calendar.add_working_days(start, n_days), -n_days) == start


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-11-23T07:29:59", False),
        ("2026-11-23T07:30:00", True),
        ("2026-11-23T12:00:00", False),
        ("2026-11-23T13:00:00", True),
        ("2026-11-23T16:30:00", False),
        ("2026-11-22T09:00:00", False),  # a Sunday
    ],
)
def test_letters_leave_in_office_hours_of_working_days(instant, is_open):
    assert OfficeHours().contains(hanoi(instant), WEEKENDS_ONLY) is is_open


@pytest.mark.parametrize(
    ("instant", "opening"),
    [
        ("2026-11-20T10:00:00", "2026-11-20T10:00:00"),
        ("2026-11-20T12:10:00", "2026-11-20T13:00:00"),
        ("2026-11-20T17:00:00", "2026-11-23T07:30:00"),  # Friday evening: Monday morning
    ],
)
def test_the_next_opening_is_the_first_instant_in_which_letters_may_leave(instant, opening):
    assert OfficeHours().next_opening(hanoi(instant), WEEKENDS_ONLY) == hanoi(opening)


@given(hours=st.integers(min_value=0, max_value=24 * 400), calendar=CALENDARS)
def test_the_next_opening_is_open(hours, calendar):
    office = OfficeHours(((time(7), time(11, 30)), (time(13, 30), time(17))))
    instant = hanoi("2025-01-01") + timedelta(hours=hours)

    opening = office.next_opening(instant, calendar)

    assert opening >= instant
    assert office.contains(opening, calendar)
