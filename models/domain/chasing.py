"""Who gets which rung of the ladder today, and for everyone else the reason why not.

A rung is due when its day has come and the ledger does not have it: never "today equals day N". After an outage only
the newest due rung is sent, and the older ones are superseded.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never

from models.domain.calendar import WorkingCalendar, last_day_before
from models.domain.duties import (
    Duty,
    has_facts_of_its_own,
    is_muted,
    late_at,
    promise_broken_at,
    promise_in_force,
    standing_at,
)
from models.domain.plan import Rung
from models.domain.vocabulary import OFFICE_ZONE, Anchor, Audience, RungAction, SkipReason, Standing

SILENT_STANDINGS: Mapping[Standing, SkipReason] = {
    Standing.NOT_OPEN: SkipReason.NOT_OPEN,
    Standing.SUBMITTED: SkipReason.HELD_BY_US,
    Standing.DONE: SkipReason.SUBMITTED,
    Standing.DONE_LATE: SkipReason.SUBMITTED,
    Standing.NIL: SkipReason.NIL,
    Standing.WAIVED: SkipReason.WAIVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A rung is to be said of the duty now, and those it supersedes; whether anybody can be written to is not known."""

    duty_id: int
    rung: Rung
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Write to the unit: the rung, the addresses, and the rungs it supersedes."""

    duty_id: int
    rung: Rung
    to: tuple[str, ...]
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Leave the unit alone; `rung_code` is the rung it would have been, empty when none has come yet."""

    duty_id: int
    reason: SkipReason
    rung_code: str = ""


Decision = Send | Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedRung:
    """A rung with the day on which it comes."""

    rung: Rung
    day: date


class LadderDays:
    """The letters of one ladder dated for each pair of opening and last day, so that 10,000 duties share a few."""

    def __init__(self, ladder: Sequence[Rung], calendar: WorkingCalendar) -> None:
        """Keep the ladder and the calendar it is dated by."""
        self._ladder = tuple(ladder)
        self._calendar = calendar
        self._dated: dict[tuple[datetime, datetime], tuple[DatedRung, ...]] = {}

    def dated(self, opens_at: datetime, late: datetime) -> tuple[DatedRung, ...]:
        """Return the rungs with their days, in the order of their days."""
        key = (opens_at, late)
        if key not in self._dated:
            days = [DatedRung(rung=rung, day=rung_day(rung, *key, self._calendar)) for rung in self._ladder]
            self._dated[key] = tuple(sorted(days, key=lambda dated: dated.day))
        return self._dated[key]


def rung_day(rung: Rung, opens_at: datetime, late: datetime, calendar: WorkingCalendar) -> date:
    """Return the day of a rung: working days from the opening, or from the last admissible day."""
    match rung.anchor:
        case Anchor.OPENS_AT:
            return calendar.add_working_days(opens_at.astimezone(OFFICE_ZONE).date(), rung.working_days)
        case Anchor.LATE_AT:
            return calendar.add_working_days(last_day_before(late), rung.working_days)
        case unknown:
            assert_never(unknown)


def decide(
    duty: Duty,
    *,
    days: LadderDays,
    already_sent: AbstractSet[str],
    contacts: Sequence[str],
    as_of: datetime,
) -> Decision:
    """Return the letter this duty gets at the instant, or why it gets none.

    `already_sent` holds the rungs the ledger has for this duty, whatever became of the letter; `contacts` the
    addresses that work, the first to be written to first. A rung for all goes to each of them, any other to the
    first. The caller asks only within office hours. A broken promise brings the next rung at once. From the day on
    which the ladder closes, nothing more is sent, whatever was missed before.
    """
    due = rung_due(duty, days=days, already_sent=already_sent, as_of=as_of)
    return due if isinstance(due, Skip) else addressed(due, contacts)


def rung_due(duty: Duty, *, days: LadderDays, already_sent: AbstractSet[str], as_of: datetime) -> Due | Skip:
    """Return what is to be said of the duty at the instant, or why nothing is: as `decide`, before any address."""
    standing = standing_at(duty, as_of)
    reason = SILENT_STANDINGS.get(standing)
    due = _due_rungs(duty, days, standing, as_of)
    if reason is not None:
        return Skip(duty_id=duty.id, reason=reason, rung_code=_newest_code(due, already_sent))
    if not due:
        return Skip(duty_id=duty.id, reason=_reason_for_nothing_due(standing))
    newest = due[-1].rung
    if newest.code in already_sent:
        return Skip(duty_id=duty.id, reason=SkipReason.ALREADY_SENT, rung_code=newest.code)
    quiet = SkipReason.CLOSED if _is_closed(duty, days, as_of) else _reason_to_wait(duty, as_of)
    if quiet is not None:
        return Skip(duty_id=duty.id, reason=quiet, rung_code=newest.code)
    superseded = tuple(dated.rung.code for dated in due[:-1] if dated.rung.code not in already_sent)
    return Due(duty_id=duty.id, rung=newest, superseded=superseded)


def addressed(due: Due, contacts: Sequence[str]) -> Decision:
    """Return the letter that says what is due to whoever can be written to, or that nobody can."""
    rung = due.rung
    if not contacts:
        return Skip(duty_id=due.duty_id, reason=SkipReason.NO_CONTACT, rung_code=rung.code)
    to = tuple(contacts) if rung.audience is Audience.ALL else (contacts[0],)
    return Send(duty_id=due.duty_id, rung=rung, to=to, superseded=due.superseded)


class RungsDue:
    """Says of each duty of a ladder what is due at one instant (`rung_due`).

    Most duties differ in nothing but their number: nothing has come of them and nobody has stated anything. What is due
    for one of them is due for all that have had the same rungs, and is worked out once.
    """

    def __init__(self, days: LadderDays, as_of: datetime) -> None:
        """Keep the ladder's days and the instant."""
        self._days = days
        self._as_of = as_of
        self._shared: dict[Hashable, Due | Skip] = {}

    def of(self, duty: Duty, already_sent: frozenset[str]) -> Due | Skip:
        """Return what is to be said of the duty, or why nothing is."""
        if has_facts_of_its_own(duty):
            return self._due(duty, already_sent)
        key = (duty.opens_at, duty.due_at, duty.late_at, already_sent)
        known = self._shared.get(key)
        if known is None:
            known = self._shared[key] = self._due(duty, already_sent)
        return _of_duty(known, duty.id)

    def _due(self, duty: Duty, already_sent: frozenset[str]) -> Due | Skip:
        return rung_due(duty, days=self._days, already_sent=already_sent, as_of=self._as_of)


def _of_duty(due: Due | Skip, duty_id: int) -> Due | Skip:
    """Return the same for another duty; `replace` would look at each field by its name."""
    if isinstance(due, Skip):
        return Skip(duty_id=duty_id, reason=due.reason, rung_code=due.rung_code)
    return Due(duty_id=duty_id, rung=due.rung, superseded=due.superseded)


def first_letter_to_heir(
    duty: Duty,
    *,
    days: LadderDays,
    contacts: Sequence[str],
    told: AbstractSet[str],
    as_of: datetime,
) -> Send | None:
    """Return the letter by which whoever inherited a duty learns of it: the newest that has come, said once more.

    None when one of the heir's `contacts` is among those who were written to about it (`told`), when nothing is owed or
    to be said now, and from the day on which the ladder closes.
    """
    standing = standing_at(duty, as_of)
    due = _due_rungs(duty, days, standing, as_of)
    if standing in SILENT_STANDINGS or not due or not contacts or told & set(contacts):
        return None
    if _is_closed(duty, days, as_of) or _reason_to_wait(duty, as_of) is not None:
        return None
    return Send(duty_id=duty.id, rung=due[-1].rung, to=(contacts[0],))


def decide_by_hand(
    duty: Duty, *, days: LadderDays, contacts: Sequence[str], chased_today: AbstractSet[str], as_of: datetime
) -> Decision:
    """Return the letter this duty gets because an operator wants it chased now, or why it gets none.

    It says the newest rung that has come, or the first one where none has. `chased_today` holds the addresses that
    have a chasing letter of today already: one person gets one a day.
    """
    standing = standing_at(duty, as_of)
    reason = SILENT_STANDINGS.get(standing) or _reason_to_wait(duty, as_of)
    if reason is None and not contacts:
        reason = SkipReason.NO_CONTACT
    if reason is None and contacts[0] in chased_today:
        reason = SkipReason.ONE_LETTER_A_DAY
    due = _due_rungs(duty, days, standing, as_of)
    coming = [d for d in days.dated(duty.opens_at, late_at(duty, as_of)) if d.rung.action is RungAction.LETTER]
    rung = next((dated.rung for dated in [*reversed(due), *coming]), None)
    if reason is None and rung is not None:
        return Send(duty_id=duty.id, rung=rung, to=(contacts[0],))
    return Skip(duty_id=duty.id, reason=reason or SkipReason.NOT_DUE)


def reason_to_keep_back(
    duty: Duty, rung: Rung, *, days: LadderDays, is_by_hand: bool, as_of: datetime
) -> SkipReason | None:
    """Return why a letter that was decided earlier is not to leave at the instant; None when it still holds.

    Answers, waivers, promises and silence hold back every letter; more time and the end of the ladder only those that
    the ladder brought, for an operator who wants a unit chased (`is_by_hand`) knows of both.
    """
    standing = standing_at(duty, as_of)
    reason = SILENT_STANDINGS.get(standing)
    if reason is not None or is_by_hand:
        return reason or _reason_to_wait(duty, as_of)
    if not _speaks_to(rung.audience, standing):
        return _reason_for_nothing_due(standing)
    return SkipReason.CLOSED if _is_closed(duty, days, as_of) else _reason_to_wait(duty, as_of)


def rung_for_member(
    duty: Duty, *, days: LadderDays, already_told: AbstractSet[str], as_of: datetime
) -> DatedRung | None:
    """Return the rung at which the member in charge is to be told of this duty now; None when there is nothing new.

    It is the newest that brings the member in, has come, and of which the member was not told (`already_told`), as it
    is for the unit's own letter. A unit that nobody can write to counts, too: that is when a member's word helps most.
    """
    return _rung_to_tell(duty, _tells_member, days=days, already_told=already_told, as_of=as_of)


def rung_for_parent(
    duty: Duty, *, days: LadderDays, already_told: AbstractSet[str], as_of: datetime
) -> DatedRung | None:
    """Return the rung at which the unit's parent is to be told of this duty now, as `rung_for_member` does."""
    return _rung_to_tell(duty, _tells_parent, days=days, already_told=already_told, as_of=as_of)


def next_rung(duty: Duty, days: LadderDays, already_sent: AbstractSet[str], as_of: datetime) -> DatedRung | None:
    """Return the next letter this duty would get if nothing came in, for the board."""
    if standing_at(duty, as_of) in SILENT_STANDINGS and standing_at(duty, as_of) is not Standing.NOT_OPEN:
        return None
    if _is_closed(duty, days, as_of):
        return None
    rungs = [d for d in days.dated(duty.opens_at, late_at(duty, as_of)) if d.rung.action is RungAction.LETTER]
    newest_sent = max((n for n, dated in enumerate(rungs) if dated.rung.code in already_sent), default=-1)
    return next(iter(rungs[newest_sent + 1 :]), None)


def rungs_to_draft(ladder: Iterable[DatedRung], as_of: datetime) -> tuple[DatedRung, ...]:
    """Return the rungs whose official letter is to lie ready for signature by the instant."""
    today = as_of.astimezone(OFFICE_ZONE).date()
    return tuple(dated for dated in ladder if dated.rung.official_letter is not None and dated.day <= today)


def _tells_member(rung: Rung) -> bool:
    return rung.tell_member_in_charge


def _tells_parent(rung: Rung) -> bool:
    return rung.tell_parent


def _rung_to_tell(
    duty: Duty,
    is_told_at: Callable[[Rung], bool],
    *,
    days: LadderDays,
    already_told: AbstractSet[str],
    as_of: datetime,
) -> DatedRung | None:
    standing = standing_at(duty, as_of)
    if standing in SILENT_STANDINGS or _is_closed(duty, days, as_of) or _reason_to_wait(duty, as_of) is not None:
        return None
    due = [dated for dated in _due_rungs(duty, days, standing, as_of) if is_told_at(dated.rung)]
    return due[-1] if due and due[-1].rung.code not in already_told else None


def _due_rungs(duty: Duty, days: LadderDays, standing: Standing, as_of: datetime) -> list[DatedRung]:
    today = as_of.astimezone(OFFICE_ZONE).date()
    rungs = [
        dated
        for dated in days.dated(duty.opens_at, late_at(duty, as_of))
        if dated.rung.action is RungAction.LETTER and _speaks_to(dated.rung.audience, standing)
    ]
    due = [dated for dated in rungs if dated.day <= today]
    broken_at = promise_broken_at(duty, as_of)
    if broken_at is not None:
        brought = [dated for dated in rungs if dated.day > broken_at.astimezone(OFFICE_ZONE).date()][:1]
        due += [dated for dated in brought if dated not in due]
    return due


def _is_closed(duty: Duty, days: LadderDays, as_of: datetime) -> bool:
    """Say whether the day has come on which the ladder closes for this unit, its extension included."""
    today = as_of.astimezone(OFFICE_ZONE).date()
    dated = days.dated(duty.opens_at, late_at(duty, as_of))
    return any(each.rung.action is RungAction.CLOSE and each.day <= today for each in dated)


def _speaks_to(audience: Audience, standing: Standing) -> bool:
    match audience:
        case Audience.ALL | Audience.UNSUBMITTED:
            return True
        case Audience.LATE:
            return standing not in {Standing.NOT_OPEN, Standing.OPEN, Standing.IN_GRACE, Standing.EXTENDED}
        case unknown:
            assert_never(unknown)


def _reason_for_nothing_due(standing: Standing) -> SkipReason:
    return SkipReason.EXTENDED if standing is Standing.EXTENDED else SkipReason.NOT_DUE


def _reason_to_wait(duty: Duty, as_of: datetime) -> SkipReason | None:
    if standing_at(duty, as_of) is Standing.IN_GRACE:
        return SkipReason.IN_GRACE
    if promise_in_force(duty, as_of) is not None:
        return SkipReason.PROMISED
    return SkipReason.MUTED if is_muted(duty, as_of) else None


def _newest_code(due: Sequence[DatedRung], already_sent: AbstractSet[str]) -> str:
    pending = [dated.rung.code for dated in due if dated.rung.code not in already_sent]
    return pending[-1] if pending else ""
