"""Gathers how far the year's targets are reached: as one cycle's reports show it, and over the cycles until then."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import cycles, targets
from models.domain.closing import is_alike
from models.domain.cycles import Cycle
from models.domain.targets import Progress, TargetResult, TrendPoint, goals_of, progress_of, results_of


def progress_in(
    session: Session, cycle: Cycle, as_of: datetime, *, unit_codes: Sequence[str], left_out: Iterable[str] = ()
) -> Progress | None:
    """Return how far the targets of a cycle's year are reached by what counts at the instant.

    None where no unit of the cycle has a target, or the cycle covers no span of time. `unit_codes` are those that the
    cycle expects, in the order in which they are shown.
    """
    if cycle.period_end is None or not targets.targets_of_year(session, cycle.programme_code, cycle.year):
        return None
    return progress_of(
        cycle.year,
        _results(session, cycle, as_of),
        cycle.form.fields,
        unit_codes,
        left_out=left_out,
        trend=_trend(session, cycle, as_of),
    )


def _results(session: Session, cycle: Cycle, as_of: datetime) -> tuple[TargetResult, ...]:
    """Return the targets of a cycle's year with the results known from it and the cycles of that year before it."""
    figures = [
        figure
        for each in _alike(session, cycle, as_of)
        if each.year == cycle.year
        for figure in targets.targeted_figures(session, each, as_of)
    ]
    asked = targets.targets_of_year(session, cycle.programme_code, cycle.year)
    return results_of(asked, figures, cycle.form.fields)


def _trend(session: Session, cycle: Cycle, as_of: datetime) -> list[TrendPoint]:
    """Return the share of goals at each cycle until this one, of the units that each of them expected."""
    points = []
    for each in _alike(session, cycle, as_of):
        expected = set(targets.expected_units(session, each.code))
        results = [r for r in _results(session, each, as_of) if r.target.unit_code in expected]
        goals = goals_of(results)
        if goals.n_goals:
            points.append(TrendPoint(cycle_code=each.code, cycle_title=each.title, goals=goals))
    return points


def _alike(session: Session, cycle: Cycle, as_of: datetime) -> list[Cycle]:
    """Return the cycles of the programme with this one's form until it, itself included, the oldest first."""
    alike = [
        other
        for other in cycles.all_cycles(session)
        if other.programme_code == cycle.programme_code
        and is_alike(other, cycle)
        and other.period_end is not None
        and other.opens_at <= as_of
        and other.due_at <= cycle.due_at
    ]
    return sorted(alike, key=lambda each: (each.due_at, each.code))
