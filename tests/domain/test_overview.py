"""What a cycle adds up to, and how it went day by day."""

from dataclasses import replace

from models.domain.cycles import Cycle
from models.domain.overview import Slot, compared_with, curve_of, slot_of, tally
from models.domain.vocabulary import MarkKind
from tests.builders import a_duty, a_mark, hanoi

# Due before 15 June 2025; 16 June, a Monday, is the last day that is not late.
AFTER = hanoi("2025-07-01 08:00")


def a_cycle(code="bc-6t-2025", *, year=2025, obligation="O-20", due="2025-06-15", terms=None):
    return Cycle(
        code=code,
        programme_code="p",
        obligation_code=obligation,
        clause="III.1-c",
        title=code,
        year=year,
        opens_at=hanoi("2025-05-16"),
        due_at=hanoi(due),
        late_at=hanoi("2025-06-17"),
        period_start=None,
        period_end=None,
        terms=terms,
    )


def test_the_piles_add_up_and_each_duty_lies_in_one():
    duties = [
        a_duty(completed="2025-06-16 23:59"),
        a_duty(completed="2025-06-17 00:00"),
        a_duty(held="2025-06-10 08:00"),
        a_duty(marks=(a_mark(MarkKind.WAIVER, "2025-06-01 08:00"),)),
        a_duty(marks=(a_mark(MarkKind.NIL, "2025-06-01 08:00"),)),
        a_duty(),
    ]
    found = tally(duties, AFTER)
    assert dict(found.by_slot) == {
        Slot.IN_TIME: 2,
        Slot.ANSWERED_LATE: 1,
        Slot.HELD: 1,
        Slot.AWAITED: 0,
        Slot.MISSING: 1,
        Slot.WAIVED: 1,
    }
    assert (found.n, found.n_answered, found.percent) == (6, 3, 60)


def test_before_the_deadline_a_unit_is_awaited_and_not_missing():
    assert slot_of(a_duty(), hanoi("2025-06-16 23:59")) is Slot.AWAITED
    assert slot_of(a_duty(), hanoi("2025-06-17 00:00")) is Slot.MISSING


def test_a_unit_with_more_time_is_awaited_while_it_lasts():
    duty = a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-13 08:00", "2025-06-24"),))
    assert slot_of(duty, hanoi("2025-06-23 12:00")) is Slot.AWAITED


def test_the_curve_counts_at_the_end_of_each_day_and_day_0_is_the_last_that_is_not_late():
    duties = [a_duty(completed="2025-06-15 23:59"), a_duty(completed="2025-06-16 00:00"), a_duty(), a_duty()]
    points = dict(curve_of(a_cycle(), duties, AFTER, days_after=3).points)
    assert min(points) == -31
    assert max(points) == 3
    assert [points[day] for day in (-2, -1, 0, 3)] == [0, 25, 50, 50]


def test_the_curve_ends_today_and_does_not_know_tomorrow():
    duties = [a_duty(completed="2025-06-12 09:00"), a_duty(completed="2025-06-14 09:00")]
    points = dict(curve_of(a_cycle(), duties, hanoi("2025-06-12 17:00"), days_after=30).points)
    assert (max(points), points[-4]) == (-4, 50)


def test_a_waived_unit_is_not_asked_for_in_the_curve():
    duties = [a_duty(completed="2025-06-12 09:00"), a_duty(marks=(a_mark(MarkKind.WAIVER, "2025-06-01 08:00"),))]
    assert curve_of(a_cycle(), duties, AFTER, days_after=0).points[-1] == (0, 100)


def with_form(cycle, code):
    class Form:
        form = type("Form", (), {"code": code})()

    return replace(cycle, terms=Form())


def test_a_cycle_is_held_against_the_last_one_of_its_form_and_that_of_last_year():
    this = with_form(a_cycle(), "bm")
    annual = with_form(a_cycle("bc-nam-2024", year=2024, obligation="O-21", due="2024-11-15"), "bm")
    last_year = with_form(a_cycle("bc-6t-2024", year=2024, due="2024-06-15"), "bm")
    other = with_form(a_cycle("du-toan-2025", obligation="O-09", due="2025-06-01"), "khac")
    assert compared_with(this, [this, last_year, other, annual]) == (annual, last_year)


def test_where_the_last_one_is_that_of_last_year_it_is_shown_once():
    this, last_year = (with_form(a_cycle(f"bc-{y}", year=y, due=f"{y}-06-15"), "bm") for y in (2025, 2024))
    assert compared_with(this, [last_year, this]) == (last_year,)


def test_the_first_cycle_of_all_is_held_against_nothing():
    assert compared_with(with_form(a_cycle(), "bm"), []) == ()
