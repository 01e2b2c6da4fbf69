"""Turns the deadlines of a plan into instants and counts working days; it is given the holidays and asks no clock.

A deadline is a half-open instant: `due_at` is the first instant that is too late. All instants are aware and
in `OFFICE_ZONE`. Sources: the plan's own words (clauses II.1, II.5, II.6, III.1), Civil Code 2015 art. 147-148.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from models.domain.vocabulary import OFFICE_ZONE, Roll

ONE_DAY = timedelta(days=1)
SATURDAY = 5


def start_of(day: date) -> datetime:
    """Return the first instant of a day in the office's zone."""
    return datetime.combine(day, time.min, tzinfo=OFFICE_ZONE)


def last_day_before(instant: datetime) -> date:
    """Return the last calendar day on which something is still before the instant."""
    return (instant.astimezone(OFFICE_ZONE) - timedelta(microseconds=1)).date()


@dataclass(frozen=True, slots=True)
class BeforeDay:
    """What the plan calls “trước ngày D/M”: the day itself is already too late."""

    day: int
    month: int

    def due_at(self, year: int) -> datetime:
        """Return 00:00 of that day of the year."""
        return start_of(date(year, self.month, self.day))


@dataclass(frozen=True, slots=True)
class ByDay:
    """What the plan calls “chậm nhất ngày D/M”: the day itself is still in time, to its 24th hour."""

    day: int
    month: int

    def due_at(self, year: int) -> datetime:
        """Return 00:00 of the day after."""
        return start_of(date(year, self.month, self.day) + ONE_DAY)


@dataclass(frozen=True, slots=True)
class WithinMonth:
    """What the plan calls “xong trong tháng M”: the first instant of the next month is too late."""

    month: int

    def due_at(self, year: int) -> datetime:
        """Return 00:00 of the first day of the month that follows."""
        return start_of(_first_of_month(year, self.month + 1))


@dataclass(frozen=True, slots=True)
class WithinQuarter:
    """What the plan calls “xong trong Quý Q”: the first instant of the next quarter is too late."""

    quarter: int

    def due_at(self, year: int) -> datetime:
        """Return 00:00 of the first day of the quarter that follows."""
        return start_of(_first_of_month(year, self.quarter * 3 + 1))


@dataclass(frozen=True, slots=True)
class AfterCycle:
    """What follows each cycle of other obligations: so many working days after its last admissible day, to 24:00.

    Clause III.3 lays down no date ("theo quy định"); the number of days is the programme's own.
    """

    obligations: tuple[str, ...]
    working_days: int


CalendarRule = BeforeDay | ByDay | WithinMonth | WithinQuarter
"""What falls due once a year by the calendar alone."""
DueRule = CalendarRule | AfterCycle


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are working days: weekends and holidays are not, unless an override says so.

    `days_off` holds weekdays that are no working days (holidays, and the weekday side of a swap);
    `days_on` holds weekend days that are worked (the other side). A day in both is off.
    """

    days_off: frozenset[date] = field(default_factory=frozenset)
    days_on: frozenset[date] = field(default_factory=frozenset)

    def is_working_day(self, day: date) -> bool:
        """Say whether the office works on that day."""
        if day in self.days_off:
            return False
        return day.weekday() < SATURDAY or day in self.days_on

    def next_working_day(self, day: date) -> date:
        """Return the day itself when it is worked, else the next one that is."""
        return next(candidate for candidate in _days(day, ONE_DAY) if self.is_working_day(candidate))

    def last_working_day(self, day: date) -> date:
        """Return the day itself when it is worked, else the last one before it that is."""
        return next(candidate for candidate in _days(day, -ONE_DAY) if self.is_working_day(candidate))

    def add_working_days(self, day: date, n_days: int) -> date:
        """Return the n-th working day after the day (before it, when n is negative); 0 gives the day itself."""
        step = ONE_DAY if n_days > 0 else -ONE_DAY
        remaining = abs(n_days)
        while remaining:
            day += step
            remaining -= self.is_working_day(day)
        return day

    def n_working_days(self, since: date, until: date) -> int:
        """Return how many working days lie after the first day, up to the last one; 0 when it is not later."""
        days = (since + timedelta(days=n) for n in range(1, (until - since).days + 1))
        return sum(map(self.is_working_day, days))

    def late_at(self, due_at: datetime, roll: Roll) -> datetime:
        """Return the first instant that counts as late: `due_at`, or 24:00 of the next working day after a day off.

        Civil Code 2015 art. 148(5)-(6), used by analogy and switched off by `Roll.NONE`.
        """
        last_day = last_day_before(due_at)
        if roll is Roll.NONE or self.is_working_day(last_day):
            return due_at
        return start_of(self.next_working_day(last_day) + ONE_DAY)


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """The hours of a working day in which letters may leave, as half-open spans of local time."""

    spans: tuple[tuple[time, time], ...] = ((time(7, 30), time(12)), (time(13), time(16, 30)))

    def contains(self, instant: datetime, calendar: WorkingCalendar) -> bool:
        """Say whether letters may leave at that instant."""
        local = instant.astimezone(OFFICE_ZONE)
        if not calendar.is_working_day(local.date()):
            return False
        return any(start <= local.time() < end for start, end in self.spans)

    def next_opening(self, instant: datetime, calendar: WorkingCalendar) -> datetime:
        """Return the instant itself within office hours, else the next at which they begin."""
        if self.contains(instant, calendar):
            return instant
        local = instant.astimezone(OFFICE_ZONE)
        for day in _days(local.date(), ONE_DAY):
            if not calendar.is_working_day(day):
                continue
            for start, _ in self.spans:
                opening = datetime.combine(day, start, tzinfo=OFFICE_ZONE)
                if opening > local:
                    return opening
        raise AssertionError  # pragma: no cover - the days never end


@dataclass(frozen=True, slots=True)
class YearDay:
    """A day and month, in the cycle's year or some years off (`year_offset=-1`: the year before)."""

    day: int
    month: int
    year_offset: int = 0

    def on(self, year: int) -> date:
        """Return the date in a cycle's year."""
        return date(year + self.year_offset, self.month, self.day)


@dataclass(frozen=True, slots=True)
class DataWindow:
    """What the figures of a cycle cover, both days included (Decree 09/2019 art. 12 is the model, not the rule).

    `continues` names the obligation after whose last cut-off the window starts, so that no day is lost or counted
    twice when a cut-off is moved; `starts` is used for the first cycle only.
    """

    starts: YearDay
    ends: YearDay
    continues: str | None = None


def _first_of_month(year: int, month: int) -> date:
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _days(day: date, step: timedelta) -> Iterator[date]:
    while True:
        yield day
        day += step
