"""Counts who has answered a cycle at an instant, by group and as a whole; it knows no figures and asks no clock.

Every expected unit is in exactly one of four: reported (its figures count, or it has nothing to report), held (it has
sent something that waits for us), waived, missing. Waived units stay in the number of expected units.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.domain.calendar import last_day_before
from models.domain.duties import Duty, accepted_by, answered_at, late_at, standing_at, timeliness, word_given_at
from models.domain.errors import AggregateMismatchError, NothingToCompileError
from models.domain.vocabulary import OFFICE_ZONE, MarkKind, Standing, Timeliness


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many units of a set stand where. `n_expected` = reported + held + waived + missing."""

    n_expected: int = 0
    n_reported: int = 0
    """Accepted or nil: what the aggregate is made of."""
    n_nil: int = 0
    """Of the reported: those that had nothing to report."""
    n_held: int = 0
    """Sent, but not accepted yet: the delay is ours."""
    n_waived: int = 0
    n_missing: int = 0
    n_overdue: int = 0
    """Of the missing: those whose time has run out, extensions included."""
    n_on_time: int = 0
    n_in_grace: int = 0
    n_late: int = 0
    """On time, in grace and late together are all that answered in full, accepted or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The counts of one cycle at an instant, as a whole and by group in the order of the plan."""

    as_of: datetime
    whole: Counts
    by_group: Mapping[str, Counts]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinessRow:
    """How one unit stands against its deadline at an instant, with the facts the verdict rests on."""

    unit_code: str
    unit_name: str
    group: str
    standing: Standing
    timeliness: Timeliness | None
    due_at: datetime
    late_at: datetime
    """First instant that counts as late for this unit, its extension included."""
    answered_at: datetime | None
    accepted_at: datetime | None
    days_late: int
    """Calendar days after the last admissible day, up to the answer or else to `as_of`; 0 while not late."""
    is_reported: bool
    """It counts in the aggregate: accepted, or nil."""
    is_held: bool
    extended_until: datetime | None = None
    promised_until: datetime | None = None
    reason: str = ""
    """Why it was waived, extended or promised, as the person put it."""

    @property
    def is_missing(self) -> bool:
        """Nothing of it counts, nothing of it waits for us, and it was not excused."""
        return not (self.is_reported or self.is_held or self.standing is Standing.WAIVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastChase:
    """Whom we write to about a duty, and what was sent last. Blank text and None mean: nobody, nothing."""

    contact: str = ""
    email: str = ""
    phone: str = ""
    last_rung: str = ""
    """The rung as people call it."""
    last_sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingUnit:
    """A unit that owes its report, with whom to ask."""

    row: TimelinessRow
    chase: LastChase


def timeliness_row(duty: Duty, as_of: datetime) -> TimelinessRow:
    """Return how a duty stood at the instant."""
    standing = standing_at(duty, as_of)
    answer = answered_at(duty, as_of)
    accepted = accepted_by(duty, as_of)
    is_reported = accepted is not None or standing is Standing.NIL or word_given_at(duty, as_of) is not None
    is_complete = standing in {Standing.DONE, Standing.DONE_LATE}
    late = late_at(duty, as_of)
    return TimelinessRow(
        unit_code=duty.unit_code,
        unit_name=duty.unit_name,
        group=duty.group,
        standing=standing,
        timeliness=timeliness(duty, as_of),
        due_at=duty.due_at,
        late_at=late,
        answered_at=answer,
        accepted_at=accepted,
        days_late=0 if standing is Standing.WAIVED else _days_late(late, answer or as_of),
        is_reported=is_reported,
        is_held=not is_reported and (is_complete or standing is Standing.SUBMITTED),
        extended_until=late if late > duty.late_at else None,
        promised_until=_newest_until(duty, MarkKind.PROMISE, as_of),
        reason=_newest_reason(duty, as_of),
    )


def timeliness_rows(duties: Iterable[Duty], as_of: datetime) -> tuple[TimelinessRow, ...]:
    """Return one row a duty, in the order given."""
    return tuple(timeliness_row(duty, as_of) for duty in duties)


def coverage_of(rows: Sequence[TimelinessRow], groups: Iterable[str], as_of: datetime) -> Coverage:
    """Return the counts of a cycle's duties; groups come in the order given, those without a unit are left out.

    Raises:
        NothingToCompileError: there are no duties.
        AggregateMismatchError: a unit is of a group that is not among the groups, or stands twice.
    """
    if not rows:
        raise NothingToCompileError(cycle="")
    order = tuple(groups)
    _refuse_lost_units(rows, order)
    by_group: dict[str, list[TimelinessRow]] = {code: [] for code in order}
    for row in rows:
        by_group[row.group].append(row)
    return Coverage(
        as_of=as_of,
        whole=_count(rows),
        by_group={code: _count(members) for code, members in by_group.items() if members},
    )


def missing_units(rows: Iterable[TimelinessRow], chases: Mapping[str, LastChase]) -> tuple[MissingUnit, ...]:
    """Return the units that owe their report, in the order given; `chases` is keyed by the unit's code."""
    nobody = LastChase()
    return tuple(MissingUnit(row=row, chase=chases.get(row.unit_code, nobody)) for row in rows if row.is_missing)


def _refuse_lost_units(rows: Sequence[TimelinessRow], groups: Sequence[str]) -> None:
    known = set(groups)
    seen: set[str] = set()
    lost = {row.unit_code for row in rows if row.group not in known}
    for row in rows:
        if row.unit_code in seen:
            lost.add(row.unit_code)
        seen.add(row.unit_code)
    if lost:
        raise AggregateMismatchError(units=", ".join(sorted(lost)), fields="")


def _count(rows: Iterable[TimelinessRow]) -> Counts:
    members = tuple(rows)
    return Counts(
        n_expected=len(members),
        n_reported=sum(row.is_reported for row in members),
        n_nil=sum(row.standing is Standing.NIL for row in members),
        n_held=sum(row.is_held for row in members),
        n_waived=sum(_is_waived(row) for row in members),
        n_missing=sum(row.is_missing for row in members),
        n_overdue=sum(row.is_missing and row.standing is Standing.LATE for row in members),
        n_on_time=sum(row.timeliness is Timeliness.ON_TIME for row in members),
        n_in_grace=sum(row.timeliness is Timeliness.IN_GRACE for row in members),
        n_late=sum(row.timeliness is Timeliness.LATE for row in members),
    )


def _is_waived(row: TimelinessRow) -> bool:
    return row.standing is Standing.WAIVED and not row.is_reported


def _days_late(late: datetime, until: datetime) -> int:
    if until < late:
        return 0
    return (until.astimezone(OFFICE_ZONE).date() - last_day_before(late)).days


def _newest_until(duty: Duty, kind: MarkKind, as_of: datetime) -> datetime | None:
    marks = [mark for mark in duty.marks if mark.kind is kind and mark.stated_at <= as_of]
    newest = max(marks, key=lambda mark: mark.stated_at, default=None)
    return newest.until if newest else None


def _newest_reason(duty: Duty, as_of: datetime) -> str:
    telling = {MarkKind.WAIVER, MarkKind.EXTENSION, MarkKind.PROMISE}
    marks = [mark for mark in duty.marks if mark.kind in telling and mark.stated_at <= as_of and mark.reason]
    return max(marks, key=lambda mark: mark.stated_at).reason if marks else ""
