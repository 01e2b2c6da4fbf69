"""The days of a year on which something of a cycle happens: its rungs, its deadline, and the day it falls late."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from models.domain.calendar import WorkingCalendar
from models.domain.chasing import rung_day
from models.domain.cycles import Cycle, cycles_of_years
from models.domain.plan import Programme, Rung
from models.domain.roll_call import roll_call_day
from models.domain.vocabulary import OFFICE_ZONE, Anchor, RungAction


class Happening(StrEnum):
    """What a day of the calendar brings."""

    ROLL_CALL = "roll_call"
    LETTER = "letter"
    DRAFT = "draft"
    CLOSE = "close"
    DEADLINE = "deadline"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """One thing on one day; `rung` is the code of the rung, empty where it is none."""

    day: date
    happening: Happening
    cycle: Cycle
    rung: str = ""


_BY_ACTION = {
    RungAction.LETTER: Happening.LETTER,
    RungAction.DRAFT: Happening.DRAFT,
    RungAction.CLOSE: Happening.CLOSE,
}
_ORDER = tuple(Happening)


def days_of_year(programme: Programme, year: int) -> tuple[CalendarDay, ...]:
    """Return what a year brings by the calendar, whatever year a cycle belongs to, in the order of the days."""
    found = [
        each
        for cycle in cycles_by_calendar(programme)
        for each in days_of_cycle(cycle, programme.calendar)
        if each.day.year == year
    ]
    return tuple(sorted(found, key=lambda each: (each.day, _ORDER.index(each.happening), each.cycle.code)))


def cycles_by_calendar(programme: Programme) -> tuple[Cycle, ...]:
    """Return every cycle that opens by the calendar and is asked for by itself, in the order of the plan."""
    return tuple(
        cycle
        for obligation in programme.obligations
        if obligation.is_scheduled
        for cycle in cycles_of_years(
            programme, obligation, first_year=obligation.first_year, last_year=obligation.last_year
        )
    )


def days_of_cycle(cycle: Cycle, calendar: WorkingCalendar) -> Iterator[CalendarDay]:
    """Yield the days of one cycle.

    A rung is put on the working day on which it is done. One that would come before the opening is left out: the
    opening takes its place.
    """
    opens_on = cycle.opens_at.astimezone(OFFICE_ZONE).date()
    called_on = roll_call_day(cycle, calendar)
    if called_on is not None:
        yield CalendarDay(day=called_on, happening=Happening.ROLL_CALL, cycle=cycle)
    for rung in cycle.terms.ladder:
        day = calendar.next_working_day(_day_of(rung, cycle, calendar))
        if rung.anchor is Anchor.OPENS_AT or day > calendar.next_working_day(opens_on):
            yield CalendarDay(day=day, happening=_BY_ACTION[rung.action], cycle=cycle, rung=rung.code)
    yield CalendarDay(day=cycle.last_day, happening=Happening.DEADLINE, cycle=cycle)
    yield CalendarDay(day=cycle.late_at.astimezone(OFFICE_ZONE).date(), happening=Happening.LATE, cycle=cycle)


def _day_of(rung: Rung, cycle: Cycle, calendar: WorkingCalendar) -> date:
    return rung_day(rung, cycle.opens_at, cycle.late_at, calendar)
