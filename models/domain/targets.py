"""Holds what units report against what the annual plan asks of them (clause II.5); it knows no files and no clock.

A target of zero asks for nothing: it is shown, but is no goal and has no percentage. A unit that gave no figure has not
reached its goal, and its figure stays blank rather than zero. Shares are sums over sums.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final

from models.domain.cycles import rule_for
from models.domain.forms import FieldSpec
from models.domain.plan import Programme
from models.domain.vocabulary import Accrual, Aggregation, TargetState

PHASE_1_MARK: Final = Fraction(1, 2)
"""Clause II.5: "đến sơ kết giai đoạn 1 các mục tiêu đề ra đạt trên 50%"; more than this, never just this."""
FINAL_MARK: Final = Fraction(1)
"""Clause II.5: "đến tổng kết đạt 100%"; every goal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the plan of a year asks of a unit in one field of the reports' form; money in đồng."""

    unit_code: str
    year: int
    field: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedFigure:
    """A figure of an accepted report, with the days that it covers and the deadline of its cycle."""

    unit_code: str
    field: str
    amount: int
    due_at: datetime
    period_start: date | None = None
    period_end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """One target with the result so far; None where the unit gave no figure."""

    target: Target
    result: int | None

    @property
    def state(self) -> TargetState:
        """Say where the result stands against its target."""
        if self.target.amount == 0:
            return TargetState.NOTHING_ASKED
        if self.result is None:
            return TargetState.NO_RESULT
        return TargetState.REACHED if self.result >= self.target.amount else TargetState.NOT_REACHED

    @property
    def share(self) -> float | None:
        """Result over target, 1.0 being all of it; None where there is nothing to divide, or nothing to divide by."""
        return _ratio(self.result, self.target.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalShare:
    """How many of the goals are reached; a goal is a target above zero of one unit in one field."""

    n_reached: int = 0
    n_goals: int = 0

    @property
    def value(self) -> float | None:
        """The share, 1.0 being all; None when there is no goal."""
        return _ratio(self.n_reached, self.n_goals)

    @property
    def passes_phase_1(self) -> bool:
        """Say whether the mark of the phase-1 review is passed: strictly more than half."""
        return self.n_goals > 0 and Fraction(self.n_reached, self.n_goals) > PHASE_1_MARK

    @property
    def passes_final(self) -> bool:
        """Say whether the mark of the final review is met: every goal."""
        return self.n_goals > 0 and Fraction(self.n_reached, self.n_goals) >= FINAL_MARK

    @property
    def n_short_of_phase_1(self) -> int:
        """How many more goals must be reached before the mark of the phase-1 review is passed."""
        return max(0, int(self.n_goals * PHASE_1_MARK) + 1 - self.n_reached) if self.n_goals else 0

    @property
    def n_short_of_final(self) -> int:
        """How many goals are not reached."""
        return self.n_goals - self.n_reached


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProgress:
    """One field over the units that have a goal in it: what is asked of all, and what those with a figure gave."""

    spec: FieldSpec
    target: int
    result: int | None
    n_units: int
    n_with_result: int
    n_reached: int

    @property
    def share(self) -> float | None:
        """The sum of the results over the sum of all targets: a unit without a figure does not flatter it."""
        return _ratio(self.result, self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitProgress:
    """One unit's targets with their results, in the order of the form, and its share of goals."""

    unit_code: str
    goals: GoalShare
    results: Mapping[str, TargetResult]
    """By field code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """The share of goals reached as one cycle's reports show it, by the targets of that cycle's year."""

    cycle_code: str
    cycle_title: str
    goals: GoalShare


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A year's targets against the results so far: by field, by unit, as a whole, and over the cycles until now."""

    year: int
    fields: tuple[FieldProgress, ...]
    units: tuple[UnitProgress, ...]
    goals: GoalShare
    n_elsewhere: int = 0
    """Targets of units that this cycle does not expect: they are counted nowhere here."""
    trend: tuple[TrendPoint, ...] = ()


def targetable_fields(programme: Programme, year: int) -> tuple[FieldSpec, ...]:
    """Return the fields that a target may be set in: amounts that are summed, of the forms of the periodic reports."""
    codes = dict.fromkeys(
        rule.form_code
        for obligation in programme.obligations
        if obligation.is_scheduled and obligation.first_year <= year <= obligation.last_year
        for rule in (rule_for(obligation, year),)
        if rule.window is not None and rule.form_code is not None
    )
    fields = [spec for code in codes for spec in programme.forms[code].fields]
    return tuple(spec for spec in fields if spec.aggregation is Aggregation.SUM)


def reporting_groups(programme: Programme, year: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the groups, and the single units, whose periodic reports of the year give figures."""
    rules = [
        rule_for(obligation, year)
        for obligation in programme.obligations
        if obligation.is_scheduled and obligation.first_year <= year <= obligation.last_year
    ]
    periodic = [rule for rule in rules if rule.window is not None and rule.form_code is not None]
    groups = dict.fromkeys(code for rule in periodic for code in rule.expected_groups)
    units = dict.fromkeys(code for rule in periodic for code in rule.expected_units)
    return tuple(groups), tuple(units)


def result_so_far(accrual: Accrual, figures: Iterable[DatedFigure]) -> int | None:
    """Return a unit's result of a year in one field, from its figures of that year; None when there are none.

    A stock is the newest figure. A flow is the sum over periods that lie apart, the longest first: the annual report's
    own figure where there is one, else the six months so far.
    """
    known = sorted(figures, key=lambda figure: (figure.period_end or date.min, figure.due_at), reverse=True)
    if not known:
        return None
    if accrual is Accrual.STOCK:
        return known[0].amount
    chosen: list[DatedFigure] = []
    for figure in sorted(known, key=_n_days, reverse=True):
        if all(_lie_apart(figure, each) for each in chosen):
            chosen.append(figure)
    return sum(figure.amount for figure in chosen)


def results_of(
    targets: Iterable[Target], figures: Iterable[DatedFigure], fields: Iterable[FieldSpec]
) -> tuple[TargetResult, ...]:
    """Return each target with its result, in the order of the targets; those in a field that is not given are left out.

    `figures` are those of the targets' year only.
    """
    accruals = {spec.code: spec.accrual for spec in fields}
    by_place: dict[tuple[str, str], list[DatedFigure]] = {}
    for figure in figures:
        by_place.setdefault((figure.unit_code, figure.field), []).append(figure)
    return tuple(
        TargetResult(
            target=target,
            result=result_so_far(accruals[target.field], by_place.get((target.unit_code, target.field), ())),
        )
        for target in targets
        if target.field in accruals
    )


def goals_of(results: Iterable[TargetResult]) -> GoalShare:
    """Return how many of the goals among the targets are reached."""
    states = [each.state for each in results if each.state is not TargetState.NOTHING_ASKED]
    return GoalShare(n_reached=states.count(TargetState.REACHED), n_goals=len(states))


def progress_of(
    year: int,
    results: Sequence[TargetResult],
    fields: Sequence[FieldSpec],
    unit_codes: Sequence[str],
    *,
    left_out: Iterable[str] = (),
    trend: Iterable[TrendPoint] = (),
) -> Progress | None:
    """Return a year's progress, units and fields in the orders given; None when no unit of the cycle has a target.

    `left_out` are units whose figures are within those of their parent: they are shown, and added to no sum.
    """
    expected, apart = set(unit_codes), set(left_out)
    own = [each for each in results if each.target.unit_code in expected]
    if not own:
        return None
    by_unit: dict[str, dict[str, TargetResult]] = {}
    for each in own:
        by_unit.setdefault(each.target.unit_code, {})[each.target.field] = each
    order = [spec.code for spec in fields]
    return Progress(
        year=year,
        fields=tuple(_fields(own, fields, apart)),
        units=tuple(_unit(code, by_unit[code], order) for code in unit_codes if code in by_unit),
        goals=goals_of(own),
        n_elsewhere=len(results) - len(own),
        trend=tuple(trend),
    )


def _fields(results: Sequence[TargetResult], fields: Sequence[FieldSpec], apart: set[str]) -> Iterable[FieldProgress]:
    by_field: dict[str, list[TargetResult]] = {}
    for each in results:
        by_field.setdefault(each.target.field, []).append(each)
    for spec in fields:
        goals = [each for each in by_field.get(spec.code, ()) if each.state is not TargetState.NOTHING_ASKED]
        if spec.code not in by_field:
            continue
        added = [each for each in goals if each.target.unit_code not in apart]
        given = [each.result for each in added if each.result is not None]
        yield FieldProgress(
            spec=spec,
            target=sum(each.target.amount for each in added),
            result=sum(given) if given else None,
            n_units=len(goals),
            n_with_result=sum(each.result is not None for each in goals),
            n_reached=sum(each.state is TargetState.REACHED for each in goals),
        )


def _unit(code: str, by_field: Mapping[str, TargetResult], order: Iterable[str]) -> UnitProgress:
    ordered = {field: by_field[field] for field in order if field in by_field}
    return UnitProgress(unit_code=code, goals=goals_of(ordered.values()), results=ordered)


def _ratio(part: int | None, whole: int) -> float | None:
    return float(Fraction(part, whole)) if part is not None and whole else None


def _n_days(figure: DatedFigure) -> int:
    if figure.period_start is None or figure.period_end is None:
        return 0
    return (figure.period_end - figure.period_start).days


def _lie_apart(one: DatedFigure, other: DatedFigure) -> bool:
    if one.period_start is None or one.period_end is None or other.period_start is None or other.period_end is None:
        return False
    return one.period_end < other.period_start or other.period_end < one.period_start
