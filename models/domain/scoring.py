"""Scores a unit's year criterion by criterion, each point with the facts it rests on; it knows no database, no words.

A report that was waived, that lies with us, that is not yet due, or that the unit was never written to about, counts
neither for nor against it. Points are whole: the share of the criterion's points, a half rounded up. Where there is
nothing to score, the criterion is worth nothing and the unit's own maximum is smaller. The same facts give the same
points, whatever their order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from models.domain.duties import Duty, answered_at, late_at, standing_at, timeliness
from models.domain.plan import Criterion
from models.domain.vocabulary import MarkKind, ScoreMeasure, Standing, Timeliness


class Ground(StrEnum):
    """What one line of evidence says; its sentence is `review.ground.<value>`."""

    ON_TIME = "on_time"
    IN_GRACE = "in_grace"
    LATE = "late"
    NEVER_CAME = "never_came"
    OUTAGE = "outage"
    OUTAGE_UNANSWERED = "outage_unanswered"
    HELD_IN_TIME = "held_in_time"
    HELD = "held"
    WAIVED = "waived"
    NO_MAIL = "no_mail"
    NOT_DUE = "not_due"
    CLEAN = "clean"
    RETURNED = "returned"
    GOALS = "goals"
    NO_GOALS = "no_goals"
    PRESENT = "present"
    ABSENT = "absent"
    NO_REPORT = "no_report"
    CLOSED = "closed"
    OPEN = "open"
    NO_TASK = "no_task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact that a score rests on: which cycle or task, which submission, received when, which figure."""

    ground: Ground
    counts: bool | None = None
    """For the unit, against it, or not at all."""
    source: str = ""
    """Code of the cycle or task."""
    title: str = ""
    submission: str = ""
    """Number of the receipt, such as `12-2`."""
    at: datetime | None = None
    """When it was received or done."""
    until: datetime | None = None
    """First instant that was late for this unit."""
    field: str = ""
    label: str = ""
    figure: str = ""
    n: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFact:
    """One report that was asked of the unit."""

    duty: Duty
    title: str
    submission: str = ""
    """Number of the newest receipt."""
    n_returned: int = 0
    """How often it was given back to be mended."""
    was_written_to: bool = True
    """At least one letter about it went out, before it was late, to an address that took it."""
    credit_until: datetime | None = None
    """First instant at which an answer is held against the unit, where our mailbox failed it over the deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFact:
    """One figure of an accepted report."""

    source: str
    title: str
    submission: str
    field: str
    indicator: str
    label: str
    figure: str
    """As it was reported, in plain digits or words."""
    is_present: bool
    """An amount above zero, or an answer other than no."""
    is_whole: bool = False
    """It is only what another field is a share of, and shows nothing of what was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFact:
    """One task, or remedy after an inspection, that was set to the unit."""

    duty: Duty
    title: str
    was_written_to: bool = True
    """At least one letter about it went out, before it was late, to an address that took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalsFact:
    """How many of the goals that the plan sets the unit are reached."""

    n_reached: int
    n_goals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """All that a unit's score rests on, as it is known at the instant of the review."""

    reports: tuple[ReportFact, ...] = ()
    figures: tuple[FigureFact, ...] = ()
    tasks: tuple[TaskFact, ...] = ()
    goals: GoalsFact = GoalsFact(n_reached=0, n_goals=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionScore:
    """The points of one unit under one criterion; `at_most` is 0 where there was nothing to score."""

    criterion: str
    title: str
    points: int
    at_most: int
    evidence: tuple[Evidence, ...]

    @property
    def is_scored(self) -> bool:
        """Say whether it counts."""
        return self.at_most > 0


def score_unit(criteria: Iterable[Criterion], facts: UnitFacts, as_of: datetime) -> tuple[CriterionScore, ...]:
    """Return the points of a unit under each criterion, in the order of the plan."""
    return tuple(_score(criterion, facts, as_of) for criterion in criteria)


def points_for(at_most: int, n: int, of: int) -> int:
    """Return the whole points for `n` of `of`: the share of the points, a half rounded up."""
    return (2 * at_most * n + of) // (2 * of)


def _score(criterion: Criterion, facts: UnitFacts, as_of: datetime) -> CriterionScore:
    match criterion.measure:
        case ScoreMeasure.REPORTED_ON_TIME:
            return _by_share(criterion, [_timely(each, as_of) for each in _ordered(facts.reports)], Ground.NO_REPORT)
        case ScoreMeasure.RETURNED_SELDOM:
            answered = [each for each in _ordered(facts.reports) if _is_answered(each, as_of)]
            return _by_share(criterion, [_returned(each, as_of) for each in answered], Ground.NO_REPORT)
        case ScoreMeasure.TARGETS_REACHED:
            return _by_goals(criterion, facts.goals)
        case ScoreMeasure.INDICATOR_PRESENT:
            return _by_presence(criterion, facts, as_of)
        case ScoreMeasure.TASKS_CLOSED:
            tasks = sorted(facts.tasks, key=lambda each: (each.duty.late_at, each.duty.cycle_code))
            return _by_share(criterion, [_closed(each, as_of) for each in tasks], Ground.NO_TASK)
        case unknown:
            assert_never(unknown)


def _by_share(criterion: Criterion, lines: Sequence[Evidence], nothing: Ground) -> CriterionScore:
    counted = [line.counts for line in lines if line.counts is not None]
    if not counted:
        return _unscored(criterion, lines or (Evidence(ground=nothing),))
    points = points_for(criterion.points, sum(counted), len(counted))
    return _scored(criterion, points, lines)


def _by_goals(criterion: Criterion, goals: GoalsFact) -> CriterionScore:
    if not goals.n_goals:
        return _unscored(criterion, (Evidence(ground=Ground.NO_GOALS),))
    line = Evidence(ground=Ground.GOALS, n=goals.n_reached, of=goals.n_goals)
    return _scored(criterion, points_for(criterion.points, goals.n_reached, goals.n_goals), (line,))


def _by_presence(criterion: Criterion, facts: UnitFacts, as_of: datetime) -> CriterionScore:
    """Give all points for a figure above zero in any report; a unit that was asked for none has nothing to show."""
    reports = [_timely(each, as_of) for each in _ordered(facts.reports)]
    if not any(line.counts is not None for line in reports):
        return _unscored(criterion, reports or (Evidence(ground=Ground.NO_REPORT),))
    wanted = [each for each in facts.figures if each.is_present and _is_wanted(criterion, each)]
    lines = [
        Evidence(
            ground=Ground.PRESENT,
            counts=True,
            source=each.source,
            title=each.title,
            submission=each.submission,
            field=each.field,
            label=each.label,
            figure=each.figure,
        )
        for each in sorted(wanted, key=lambda each: (each.source, each.field))
    ]
    if lines:
        return _scored(criterion, criterion.points, lines)
    absent = Evidence(ground=Ground.ABSENT, counts=False, field=", ".join(criterion.indicators))
    return _scored(criterion, 0, (absent,))


def _is_wanted(criterion: Criterion, figure: FigureFact) -> bool:
    if figure.field in criterion.indicators:
        return True
    return figure.indicator in criterion.indicators and not figure.is_whole


def _timely(report: ReportFact, as_of: datetime) -> Evidence:
    """Return how a report stands; what lies with us, was waived or never asked for is held against nobody."""
    duty = report.duty
    until, received_at = late_at(duty, as_of), answered_at(duty, as_of)
    ground, counts = timeliness_ground(report, as_of)
    return Evidence(
        ground=ground,
        counts=counts,
        source=duty.cycle_code,
        title=report.title,
        submission=report.submission,
        at=received_at or _held_since(duty, as_of),
        until=until,
    )


def timeliness_ground(report: ReportFact, as_of: datetime) -> tuple[Ground, bool | None]:
    """Return how a report stands against its deadline, and whether that counts for the unit, against it, or not."""
    duty, until = report.duty, late_at(report.duty, as_of)
    kept = timeliness(duty, as_of)
    if _is_waived(duty, as_of):
        return Ground.WAIVED, None
    if kept is not None and kept is not Timeliness.LATE:
        return (Ground.ON_TIME if kept is Timeliness.ON_TIME else Ground.IN_GRACE), True
    held_at = _held_since(duty, as_of)
    if standing_at(duty, as_of) is Standing.SUBMITTED and held_at is not None:
        return (Ground.HELD_IN_TIME, True) if held_at < until else (Ground.HELD, None)
    if as_of < until:
        return Ground.NOT_DUE, None
    return _ground_of_late(report, kept, as_of)


def _ground_of_late(report: ReportFact, kept: Timeliness | None, as_of: datetime) -> tuple[Ground, bool | None]:
    """Return what is held against a unit that is late: nothing that our own mail kept from it, or from us."""
    received_at = answered_at(report.duty, as_of)
    if report.credit_until is not None and (received_at or as_of) < report.credit_until:
        return (Ground.OUTAGE_UNANSWERED, None) if received_at is None else (Ground.OUTAGE, True)
    if not report.was_written_to:
        return Ground.NO_MAIL, None
    return (Ground.NEVER_CAME if kept is None else Ground.LATE), False


def _is_waived(duty: Duty, as_of: datetime) -> bool:
    """Say whether it was waived, whatever came of it later: who is let off is not called late for sending after all."""
    return any(mark.kind is MarkKind.WAIVER and mark.stated_at <= as_of for mark in duty.marks)


def _held_since(duty: Duty, as_of: datetime) -> datetime | None:
    """Return the receipt of what waited for a person of ours at the instant."""
    before = [since for since, until in duty.held_before if since <= as_of < until]
    now = [duty.held_since] if duty.held_since is not None and duty.held_since <= as_of else []
    return min([*before, *now], default=None)


def _returned(report: ReportFact, as_of: datetime) -> Evidence:
    return Evidence(
        ground=Ground.RETURNED if report.n_returned else Ground.CLEAN,
        counts=not report.n_returned,
        source=report.duty.cycle_code,
        title=report.title,
        submission=report.submission,
        at=answered_at(report.duty, as_of),
        n=report.n_returned,
    )


def _is_answered(report: ReportFact, as_of: datetime) -> bool:
    return answered_at(report.duty, as_of) is not None and not _is_waived(report.duty, as_of)


def _closed(task: TaskFact, as_of: datetime) -> Evidence:
    """Return whether a task is done, in time or not; one that lies with us counts as done."""
    duty, standing = task.duty, standing_at(task.duty, as_of)
    done_at = answered_at(duty, as_of)
    if _is_waived(duty, as_of):
        ground, counts = Ground.WAIVED, None
    elif standing is Standing.SUBMITTED or done_at is not None:
        ground, counts = (Ground.CLOSED if done_at is not None else Ground.HELD_IN_TIME), True
    elif standing is Standing.LATE:
        ground, counts = (Ground.OPEN, False) if task.was_written_to else (Ground.NO_MAIL, None)
    else:
        ground, counts = Ground.NOT_DUE, None
    return Evidence(
        ground=ground,
        counts=counts,
        source=duty.cycle_code,
        title=task.title,
        at=done_at or _held_since(duty, as_of),
        until=late_at(duty, as_of),
    )


def _ordered(reports: Iterable[ReportFact]) -> list[ReportFact]:
    return sorted(reports, key=lambda each: (each.duty.late_at, each.duty.cycle_code))


def _scored(criterion: Criterion, points: int, lines: Iterable[Evidence]) -> CriterionScore:
    return CriterionScore(
        criterion=criterion.code,
        title=criterion.title,
        points=points,
        at_most=criterion.points,
        evidence=tuple(lines),
    )


def _unscored(criterion: Criterion, lines: Iterable[Evidence]) -> CriterionScore:
    return CriterionScore(criterion=criterion.code, title=criterion.title, points=0, at_most=0, evidence=tuple(lines))
