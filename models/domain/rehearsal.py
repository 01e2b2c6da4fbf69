"""How a year is rehearsed: who answers when in each scenario, when the rounds run, and what is kept of a letter.

It knows no ledger and sends nothing: what is written to whom is decided by the program itself (`tasks.rehearse`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, assert_never

from models.domain.calendar import ONE_DAY, WorkingCalendar, YearDay, last_day_before, start_of
from models.domain.chasing import rung_day
from models.domain.cycles import Cycle, cycles_of_years
from models.domain.errors import DondocError
from models.domain.plan import Programme
from models.domain.roll_call import roll_call_day
from models.domain.vocabulary import OFFICE_ZONE, LetterKind, SkipReason

HOUR_OF_ANSWERS: Final = time(10)
"""Between the two rounds of a day."""
FIRST_LATE_DAY: Final = 2
"""Working days after the last admissible day on which the first of those who are late answers."""
ROLL_CALL: Final = "roll-call"
"""Stands for a rung where a letter belongs to a roll-call: no ladder has it."""
DAYS_AFTER_THE_LAST_RUNG: Final = timedelta(days=8)
"""How long after its last rung a cycle is still looked at: that nothing more goes out is a thing to see."""
SPAN_OF_LATE_DAYS: Final = 12
"""Over so many working days the late answers are spread: to the day before a ladder of 15 days closes."""


class Answering(StrEnum):
    """When units answer in a scenario."""

    ON_TIME = "on_time"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way in which a year may go; its words are `rehearsal.scenario.<code>`."""

    code: str
    answering: Answering
    outage: tuple[YearDay, YearDay] | None = None
    """First and last day on which nothing runs."""

    def runs_on(self, day: date) -> bool:
        """Say whether the program runs on that day."""
        return self.outage is None or not self.outage[0].on(day.year) <= day <= self.outage[1].on(day.year)


SCENARIOS: Final = (
    Scenario(code="all-on-time", answering=Answering.ON_TIME),
    Scenario(code="all-late", answering=Answering.LATE),
    Scenario(code="nobody", answering=Answering.NEVER),
    Scenario(code="outage", answering=Answering.NEVER, outage=(YearDay(15, 6), YearDay(21, 6))),
)


class UnknownScenarioError(DondocError):
    """There is no scenario of that code."""

    code = "error.unknown_scenario"


class NothingToRehearseError(DondocError):
    """No cycle comes by the calendar in that year."""

    code = "error.nothing_to_rehearse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One instant at which rounds run, and the obligations whose rounds those are, in the order of the plan."""

    at: datetime
    obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenRung:
    """One duty that a letter speaks of."""

    cycle_code: str
    unit_code: str
    unit_name: str
    rung: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedLetter:
    """One letter that would go out: when, to whom, and of which duties it speaks; several make a digest."""

    at: datetime
    recipient: str
    subject: str
    spoken: tuple[SpokenRung, ...]
    copies: tuple[str, ...] = ()
    kind: LetterKind = LetterKind.CHASE
    """A unit's own letter, one that tells a committee member of the units in charge, or one of a roll-call."""

    @property
    def day(self) -> date:
        """The day on which it would leave."""
        return self.at.astimezone(OFFICE_ZONE).date()

    @property
    def rungs(self) -> tuple[str, ...]:
        """The rungs that it speaks of, each once."""
        return tuple(dict.fromkeys(each.rung for each in self.spoken))

    @property
    def units(self) -> tuple[str, ...]:
        """The units that it speaks to, each once."""
        return tuple(dict.fromkeys(each.unit_code for each in self.spoken))


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedRung:
    """A rung that had come and was not written, with the reason that was noted."""

    at: datetime
    cycle_code: str
    unit_code: str
    rung: str
    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedDuty:
    """One unit's duty in a cycle that opened, with when the scenario let it answer."""

    cycle_code: str
    unit_code: str
    opens_at: datetime
    closes_at: datetime | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedYear:
    """What a year would bring: every letter in the order of leaving, every rung left out, every duty."""

    year: int
    scenario: Scenario
    letters: tuple[RehearsedLetter, ...]
    skipped: tuple[SkippedRung, ...]
    duties: tuple[RehearsedDuty, ...]


def scenario_of(code: str) -> Scenario:
    """Return the scenario of that code.

    Raises:
        UnknownScenarioError: there is none.
    """
    for scenario in SCENARIOS:
        if scenario.code == code:
            return scenario
    raise UnknownScenarioError(scenario=code, known=", ".join(each.code for each in SCENARIOS))


def rounds_of_year(programme: Programme, scenario: Scenario, year: int, *, hours: Sequence[int]) -> tuple[Round, ...]:
    """Return the rounds of a year, those before it included that a cycle still chased in it has had.

    Every day counts, days off too: that nothing leaves on them is the program's to see to. Left out are the days on
    which no cycle of an obligation is open or in roll-call, and those more than a week after its last rung.

    Raises:
        NothingToRehearseError: no cycle comes by the calendar in that year.
    """
    by_obligation = {
        obligation.code: cycles_of_years(
            programme, obligation, first_year=obligation.first_year, last_year=obligation.last_year
        )
        for obligation in programme.obligations
        if obligation.is_scheduled
    }
    spans = {
        code: tuple(
            (_begins_at(programme, c), _looked_at_until(programme, c))
            for c in cycles
            if _is_chased_in(programme, c, year)
        )
        for code, cycles in by_obligation.items()
    }
    openings = [start for each in spans.values() for start, _ in each]
    if not openings:
        raise NothingToRehearseError(year=year, **_known_years(programme, by_obligation))
    first, last = min(*openings, start_of(date(year, 1, 1))).date(), date(year, 12, 31)
    instants = (
        datetime.combine(day, time(hour), tzinfo=OFFICE_ZONE)
        for day in _days(first, last)
        if scenario.runs_on(day)
        for hour in hours
    )
    found = (Round(at=at, obligations=_running(spans, at)) for at in instants)
    return tuple(each for each in found if each.obligations)


def answer_at(
    scenario: Scenario, cycle: Cycle, calendar: WorkingCalendar, *, place: int, n_units: int
) -> datetime | None:
    """Return when the unit at a place (0-based) of a cycle's expected units answers; None when it never does.

    The answers are spread evenly over the working days there are, so that each rung finds some who have answered.
    """
    match scenario.answering:
        case Answering.NEVER:
            return None
        case Answering.ON_TIME:
            days = [
                day for day in _days(cycle.opens_at.date() + ONE_DAY, cycle.last_day) if calendar.is_working_day(day)
            ]
            if not days:
                return cycle.due_at - timedelta(hours=1)
            return _at_work(days[_spread(place, n_units, len(days))])
        case Answering.LATE:
            n_days = FIRST_LATE_DAY + _spread(place, n_units, SPAN_OF_LATE_DAYS)
            return _at_work(calendar.add_working_days(cycle.last_day_of_grace, n_days))
        case unknown:
            assert_never(unknown)


def _is_chased_in(programme: Programme, cycle: Cycle, year: int) -> bool:
    return _begins_at(programme, cycle).year <= year <= _last_rung_on(programme, cycle).year


def _begins_at(programme: Programme, cycle: Cycle) -> datetime:
    """Return when a cycle is first looked at: at its roll-call, or its opening where it has none."""
    day = roll_call_day(cycle, programme.calendar)
    return cycle.opens_at if day is None else start_of(day)


def _looked_at_until(programme: Programme, cycle: Cycle) -> datetime:
    return start_of(_last_rung_on(programme, cycle)) + DAYS_AFTER_THE_LAST_RUNG


def _last_rung_on(programme: Programme, cycle: Cycle) -> date:
    days = [rung_day(rung, cycle.opens_at, cycle.late_at, programme.calendar) for rung in cycle.terms.ladder]
    return max([*days, last_day_before(cycle.late_at)])


def _known_years(programme: Programme, by_obligation: Mapping[str, Sequence[Cycle]]) -> dict[str, object]:
    every = [cycle for cycles in by_obligation.values() for cycle in cycles]
    return {
        "first": min((cycle.opens_at.year for cycle in every), default="–"),
        "last": max((_last_rung_on(programme, cycle).year for cycle in every), default="–"),
    }


def _running(spans: Mapping[str, Sequence[tuple[datetime, datetime]]], at: datetime) -> tuple[str, ...]:
    return tuple(code for code, each in spans.items() if any(start <= at < end for start, end in each))


def _spread(place: int, n_units: int, n_days: int) -> int:
    """Return the 0-based day of a place when so many units are spread over so many days; one alone is in the middle."""
    return (2 * place + 1) * n_days // (2 * n_units)


def _at_work(day: date) -> datetime:
    return datetime.combine(day, HOUR_OF_ANSWERS, tzinfo=OFFICE_ZONE)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
