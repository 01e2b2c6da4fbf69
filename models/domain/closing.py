"""Says when a cycle's aggregate is due, as what, and what it is held against; it adds nothing up."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from models.domain.calendar import WorkingCalendar, start_of
from models.domain.chasing import rung_day
from models.domain.cycles import Cycle
from models.domain.vocabulary import EditionKind, RungAction


def close_at(cycle: Cycle, calendar: WorkingCalendar) -> datetime | None:
    """Return the first instant of the day on which the ladder closes the cycle; None when it has no such rung."""
    days = [
        rung_day(rung, cycle.opens_at, cycle.late_at, calendar)
        for rung in cycle.terms.ladder
        if rung.action is RungAction.CLOSE
    ]
    return start_of(min(days)) if days else None


def is_never_closed(cycle: Cycle) -> bool:
    """Say whether no rung closes the cycle: what it asks for is owed until it is done."""
    return bool(cycle.terms.ladder) and all(rung.action is not RungAction.CLOSE for rung in cycle.terms.ladder)


def edition_due(
    *, as_of: datetime, late_at: datetime, closes_at: datetime | None, n_unanswered: int, made: Sequence[EditionKind]
) -> EditionKind | None:
    """Return which edition is to be made without being asked for, if its inputs are new; None when none is.

    Final when all have answered or the cycle closes, and again whenever a late answer changes a final one. A first
    provisional one when the deadline is over.
    """
    is_closed = closes_at is not None and as_of >= closes_at
    if n_unanswered == 0 or is_closed or EditionKind.FINAL in made:
        return EditionKind.FINAL
    return EditionKind.PROVISIONAL if as_of >= late_at and not made else None


def is_alike(one: Cycle, other: Cycle) -> bool:
    """Say whether two cycles have the same form and tier: what communes told their district is no district's figure."""
    return one.form_code == other.form_code and one.terms.reports_to is other.terms.reports_to


def cycles_before(cycle: Cycle, others: Iterable[Cycle]) -> tuple[Cycle, ...]:
    """Return earlier cycles with the same form and tier whose periods lie apart from this one's and from each other.

    The longest first: an annual report rather than the six months within it. Their flows and this one's add up to
    what was done since the beginning, each day counted once.
    """
    start = cycle.period_start
    if start is None:
        return ()
    candidates = [
        other
        for other in others
        if is_alike(other, cycle) and other.period_end is not None and other.period_end < start
    ]
    chosen: list[Cycle] = []
    for other in sorted(candidates, key=_n_days, reverse=True):
        if all(_lie_apart(other, each) for each in chosen):
            chosen.append(other)
    return tuple(sorted(chosen, key=lambda each: each.due_at))


def _n_days(cycle: Cycle) -> int:
    if cycle.period_start is None or cycle.period_end is None:
        return 0
    return (cycle.period_end - cycle.period_start).days


def _lie_apart(one: Cycle, other: Cycle) -> bool:
    if one.period_start is None or one.period_end is None or other.period_start is None or other.period_end is None:
        return False
    return one.period_end < other.period_start or other.period_end < one.period_start
