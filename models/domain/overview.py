"""Counts a cycle for those who look at the whole: how many answered in time, who is missing, how it went day by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from models.domain.calendar import ONE_DAY, last_day_before, start_of
from models.domain.cycles import Cycle
from models.domain.duties import Duty, answered_at, standing_at, timeliness
from models.domain.vocabulary import OFFICE_ZONE, Standing, Timeliness


class Slot(StrEnum):
    """In which pile a duty lies at an instant; the piles add up to all that were expected."""

    IN_TIME = "in_time"
    """Answered, and not late: nil reports and the days that a holiday gives are among them."""
    ANSWERED_LATE = "answered_late"
    HELD = "held"
    """Something waits for a person of ours."""
    AWAITED = "awaited"
    """Not answered, and not late yet."""
    MISSING = "missing"
    """Not answered, and late."""
    WAIVED = "waived"


_SLOT_OF_UNANSWERED = {
    Standing.SUBMITTED: Slot.HELD,
    Standing.LATE: Slot.MISSING,
    Standing.WAIVED: Slot.WAIVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many duties lie in which pile."""

    by_slot: tuple[tuple[Slot, int], ...]

    @property
    def n(self) -> int:
        """How many were expected."""
        return sum(n for _, n in self.by_slot)

    @property
    def n_answered(self) -> int:
        """How many have answered in full."""
        return self[Slot.IN_TIME] + self[Slot.ANSWERED_LATE]

    @property
    def percent(self) -> int:
        """How many of a hundred have answered of those that were not waived; a half is rounded up."""
        asked = self.n - self[Slot.WAIVED]
        return (200 * self.n_answered + asked) // (2 * asked) if asked else 100

    def __getitem__(self, slot: Slot) -> int:
        return dict(self.by_slot)[slot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How many of a hundred had answered at the end of each day.

    Day 0 is the last day on which an answer is not late; days before it are negative. `points` are in the order of
    the days, without a gap.
    """

    cycle_code: str
    title: str
    points: tuple[tuple[int, float], ...]


def slot_of(duty: Duty, as_of: datetime) -> Slot:
    """Return the pile in which a duty lies at the instant."""
    if answered_at(duty, as_of) is not None:
        return Slot.ANSWERED_LATE if timeliness(duty, as_of) is Timeliness.LATE else Slot.IN_TIME
    return _SLOT_OF_UNANSWERED.get(standing_at(duty, as_of), Slot.AWAITED)


def tally(duties: Iterable[Duty], as_of: datetime) -> Tally:
    """Return how many duties lie in which pile."""
    counts = dict.fromkeys(Slot, 0)
    for duty in duties:
        counts[slot_of(duty, as_of)] += 1
    return Tally(by_slot=tuple(counts.items()))


def curve_of(cycle: Cycle, duties: Sequence[Duty], as_of: datetime, *, days_after: int) -> Curve:
    """Return the curve of a cycle from the day it opened until the instant, at most so many days after the last one.

    The last point is that of the instant itself: the day is not over. Waived duties are not asked for.
    """
    zero = last_day_before(cycle.late_at)
    asked = [duty for duty in duties if slot_of(duty, as_of) is not Slot.WAIVED]
    answers = sorted(at for at in (answered_at(duty, as_of) for duty in asked) if at is not None)
    today = as_of.astimezone(OFFICE_ZONE).date()
    end = min(today, zero + timedelta(days=days_after))
    points, n = [], 0
    for day in _days(cycle.opens_at.astimezone(OFFICE_ZONE).date(), end):
        while n < len(answers) and answers[n] < start_of(day + ONE_DAY):
            n += 1
        points.append(((day - zero).days, 100 * n / max(1, len(asked))))
    return Curve(cycle_code=cycle.code, title=cycle.title, points=tuple(points))


def compared_with(cycle: Cycle, others: Iterable[Cycle]) -> tuple[Cycle, ...]:
    """Return the cycles that a cycle is held against: the last one of the same form, and the same one of last year.

    One where both are the same, none where there was none before.
    """
    before = [each for each in others if each.due_at < cycle.due_at and each.programme_code == cycle.programme_code]
    before.sort(key=lambda each: (each.due_at, each.code))
    alike = [each for each in before if cycle.has_form and each.form_code == cycle.form_code]
    same = [each for each in before if each.obligation_code == cycle.obligation_code]
    of_last_year = [each for each in same if each.year == cycle.year - 1]
    chosen = [*(alike or same)[-1:], *of_last_year[-1:]]
    return tuple({each.code: each for each in chosen}.values())


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
