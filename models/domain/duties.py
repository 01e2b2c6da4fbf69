"""One unit's obligation in one cycle: the facts known of it, and where it stands at an instant."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from models.domain.calendar import start_of
from models.domain.vocabulary import MarkKind, Standing, Timeliness

LAPSING: Final = frozenset({MarkKind.NIL, MarkKind.DONE, MarkKind.WAIVER, MarkKind.PROMISE})
"""What was stated of a duty before its answer was given back, and holds no more after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a person stated of a duty: the kind, when it was stated, until when it reaches, and why."""

    kind: MarkKind
    stated_at: datetime
    until: datetime | None = None
    """First instant at which it no longer holds; None where the kind has no end (waiver, nil)."""
    reason: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """An answer that a person of ours gave back. It stood until `reopened_at`; from then on it settles nothing."""

    reopened_at: datetime
    completed_at: datetime | None = None
    """When the answer given back was complete; None where the duty was settled by word, or not at all."""
    accepted_at: datetime | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """The facts of one duty. `completed_at` is when the first complete submission reached us, whenever it was read."""

    id: int
    cycle_code: str
    unit_code: str
    unit_name: str
    group: str
    parent_code: str | None = None
    """The unit above it on the day on which the cycle froze, with its name of that day."""
    parent_name: str = ""
    opens_at: datetime
    due_at: datetime
    late_at: datetime
    completed_at: datetime | None = None
    accepted_at: datetime | None = None
    """When that submission was accepted; between the two the delay is ours, not the unit's."""
    held_since: datetime | None = None
    """Receipt of the oldest arrival that seems to answer this duty and waits for a person of ours."""
    held_before: tuple[tuple[datetime, datetime], ...] = field(default=())
    """Receipt of earlier such arrivals, each with when a person of ours dealt with it."""
    marks: tuple[Mark, ...] = field(default=())
    reopenings: tuple[Reopening, ...] = field(default=())


def has_facts_of_its_own(duty: Duty) -> bool:
    """Say whether anything is known of the duty beside its cycle: an answer, something held, a mark, a reopening.

    Where a duty without any stands, and what is due for it, follows from the times of its cycle alone.
    """
    facts = (duty.completed_at, duty.accepted_at, duty.held_since, duty.held_before, duty.marks, duty.reopenings)
    return any(facts)


def standing_at(duty: Duty, as_of: datetime) -> Standing:
    """Return where the duty stood at the instant; facts that came later are not looked at, so any day can be re-run."""
    settled = _settled_standing(duty, as_of)
    if settled is not None:
        return settled
    if as_of < duty.opens_at:
        return Standing.NOT_OPEN
    if is_held(duty, as_of):
        return Standing.SUBMITTED
    if as_of < duty.due_at:
        return Standing.OPEN
    if as_of < duty.late_at:
        return Standing.IN_GRACE
    return Standing.EXTENDED if as_of < late_at(duty, as_of) else Standing.LATE


def is_held(duty: Duty, as_of: datetime) -> bool:
    """Say whether something that seems to answer the duty waited for a person of ours at the instant."""
    if duty.held_since is not None and duty.held_since <= as_of:
        return True
    return any(since <= as_of < until for since, until in duty.held_before)


def completed_by(duty: Duty, as_of: datetime) -> datetime | None:
    """Return when the submission that settled the duty at the instant was complete; None when none did."""
    given_back = [r.completed_at for r in duty.reopenings if as_of < r.reopened_at]
    return min([at for at in (*given_back, duty.completed_at) if at is not None and at <= as_of], default=None)


def accepted_by(duty: Duty, as_of: datetime) -> datetime | None:
    """Return when the submission that counted at the instant had been accepted; None when none counted."""
    given_back = [r.accepted_at for r in duty.reopenings if as_of < r.reopened_at]
    return min([at for at in (*given_back, duty.accepted_at) if at is not None and at <= as_of], default=None)


def late_at(duty: Duty, as_of: datetime) -> datetime:
    """Return the first instant that counts as late for this unit, extensions granted by the instant included."""
    until = [m.until for m in _marks(duty, MarkKind.EXTENSION, as_of) if m.until is not None]
    return max([duty.late_at, *until])


def timeliness(duty: Duty, as_of: datetime) -> Timeliness | None:
    """Return how the first complete answer stands against the deadline; None when there is none."""
    received_at = answered_at(duty, as_of)
    if received_at is None:
        return None
    if received_at < duty.due_at:
        return Timeliness.ON_TIME
    return Timeliness.IN_GRACE if received_at < late_at(duty, as_of) else Timeliness.LATE


def answered_at(duty: Duty, as_of: datetime) -> datetime | None:
    """Return when the duty was answered in full: by a complete submission, a nil report, or word that it is done."""
    nil = [mark.stated_at for kind in (MarkKind.NIL, MarkKind.DONE) for mark in _marks(duty, kind, as_of)]
    complete = completed_by(duty, as_of)
    return min([*nil, *([complete] if complete is not None else [])], default=None)


def word_given_at(duty: Duty, as_of: datetime) -> datetime | None:
    """Return when the unit, or an operator for it, said that the act is done; None when nobody has."""
    return min((mark.stated_at for mark in _marks(duty, MarkKind.DONE, as_of)), default=None)


def promise_in_force(duty: Duty, as_of: datetime) -> Mark | None:
    """Return the promise that still pauses chasing at the instant, if any."""
    promises = _marks(duty, MarkKind.PROMISE, as_of)
    newest = max(promises, key=lambda mark: mark.stated_at, default=None)
    if newest is None or newest.until is None or as_of >= newest.until:
        return None
    return newest


def promise_broken_at(duty: Duty, as_of: datetime) -> datetime | None:
    """Return when the newest promise ran out without an answer; None when there is none, or it holds, or was kept."""
    promises = [mark for mark in _marks(duty, MarkKind.PROMISE, as_of) if mark.until is not None]
    newest = max(promises, key=lambda mark: mark.stated_at, default=None)
    if newest is None or promise_in_force(duty, as_of) is not None or answered_at(duty, as_of) is not None:
        return None
    return newest.until


def is_muted(duty: Duty, as_of: datetime) -> bool:
    """Say whether an operator has asked that this unit be left alone for now."""
    return any(mark.until is None or as_of < mark.until for mark in _marks(duty, MarkKind.MUTE, as_of))


def promise_until(day: date) -> datetime:
    """Return the first instant at which a promise to send by that day is broken."""
    return start_of(day + timedelta(days=1))


def _settled_standing(duty: Duty, as_of: datetime) -> Standing | None:
    done_at = completed_by(duty, as_of)
    if done_at is not None:
        return Standing.DONE if done_at < late_at(duty, as_of) else Standing.DONE_LATE
    said_at = word_given_at(duty, as_of)
    if said_at is not None:
        return Standing.DONE if said_at < late_at(duty, as_of) else Standing.DONE_LATE
    if _marks(duty, MarkKind.NIL, as_of):
        return Standing.NIL
    if _marks(duty, MarkKind.WAIVER, as_of):
        return Standing.WAIVED
    return None


def _marks(duty: Duty, kind: MarkKind, as_of: datetime) -> list[Mark]:
    """Return the marks of a kind that held at the instant; an answer given back takes those of `LAPSING` with it."""
    if not duty.marks:
        return []  # as of most duties; of each it is asked dozens of times a round
    given_back = [r.reopened_at for r in duty.reopenings if r.reopened_at <= as_of]
    since = max(given_back, default=None) if kind in LAPSING else None
    return [
        mark
        for mark in duty.marks
        if mark.kind is kind and mark.stated_at <= as_of and (since is None or mark.stated_at > since)
    ]
