"""Why one unit stands where it stands in one cycle: every fact that the judgement of its timeliness rests on.

A verdict is derived, never stored: the same facts at the same instant give the same verdict, for any past day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from models.domain.calendar import WorkingCalendar
from models.domain.cycles import Cycle
from models.domain.duties import (
    Duty,
    Mark,
    Reopening,
    accepted_by,
    answered_at,
    completed_by,
    late_at,
    standing_at,
    timeliness,
)
from models.domain.forms import Finding
from models.domain.outages import Outage, credit_until, outage_over
from models.domain.scoring import Ground, ReportFact, timeliness_ground
from models.domain.succession import EndedUnit
from models.domain.vocabulary import Channel, LetterKind, LetterState, Outcome, SkipReason, Standing, Timeliness


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalFact:
    """Something that came in and was put to the duty, with its outcome and the reasons for it."""

    id: int
    received_at: datetime
    judged_at: datetime
    channel: Channel
    outcome: Outcome
    reasons: tuple[Finding, ...] = ()
    sender: str = ""
    file_name: str = ""
    operator: str = ""
    number: int | None = None
    """Number of the submission within the duty; None where it brought none."""
    resolved_at: datetime | None = None
    """When a person dealt with it, where it waited for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFact:
    """A letter about the duty, or one that was decided and not sent."""

    kind: LetterKind
    recipient: str
    decided_at: datetime
    rung: str = ""
    """Code of the rung that it said; empty for an answer to something that came in."""
    state: LetterState = LetterState.QUEUED
    finished_at: datetime | None = None
    detail: str = ""
    is_by_hand: bool = False
    cancelled_because: SkipReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipFact:
    """Why a rung that had come was not said to the unit; `rung` is empty where none had come."""

    noted_at: datetime
    reason: SkipReason
    rung: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceFact:
    """An address of the unit that mail does not reach."""

    address: str
    since: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSpan:
    """A span in which something of the unit's lay with us; `until` is None while it goes on."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFacts:
    """What is stored of one duty, whenever it happened; the verdict looks only at what had happened by its instant."""

    cycle: Cycle
    duty: Duty
    arrivals: tuple[ArrivalFact, ...] = ()
    letters: tuple[LetterFact, ...] = ()
    skips: tuple[SkipFact, ...] = ()
    bounces: tuple[BounceFact, ...] = ()
    outages: tuple[Outage, ...] = ()
    was_written_to: bool = True
    """A letter about it left before the deadline, to an address that had not bounced by then."""
    ended: EndedUnit | None = None
    """Set when the unit has ended: who answers for it."""
    stands_for: tuple[str, ...] = ()
    """Names of the ended units of the same cycle for which this unit answers, too."""
    settled_with: str = ""
    """Title of the obligation whose answer settles this one, too; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where a duty stands at an instant and everything it rests on, each list in the order of time."""

    cycle: Cycle
    duty: Duty
    as_of: datetime
    standing: Standing
    timeliness: Timeliness | None
    late_at: datetime
    """First instant that is late for this unit, its extensions included."""
    received_at: datetime | None
    """When the duty was answered in full."""
    accepted_at: datetime | None
    first_complete: ArrivalFact | None
    """What completed the answer; None where nothing has, a word was enough, or another answer settled it along."""
    arrivals: tuple[ArrivalFact, ...]
    marks: tuple[Mark, ...]
    reopenings: tuple[Reopening, ...]
    held: tuple[HeldSpan, ...]
    outage: Outage | None
    """The outage of the mailbox into which the deadline fell."""
    credit_until: datetime
    """First instant at which an answer is held against the unit: `late_at`, or later after an outage."""
    letters: tuple[LetterFact, ...]
    skips: tuple[SkipFact, ...]
    bounces: tuple[BounceFact, ...]
    ground: Ground
    counts: bool | None
    """Whether the yearly score counts it for the unit, against it, or not at all."""
    ended: EndedUnit | None
    stands_for: tuple[str, ...]
    settled_with: str

    @property
    def is_extended(self) -> bool:
        """Say whether this unit has longer than the others."""
        return self.late_at > self.duty.late_at

    @property
    def time_held(self) -> timedelta:
        """How long something of the unit's lay with us, spans that are over only; overlaps count once."""
        total, reached = timedelta(0), None
        for span in self.held:
            if span.until is None:
                continue
            since = span.since if reached is None else max(span.since, reached)
            total += max(span.until - since, timedelta(0))
            reached = span.until if reached is None else max(reached, span.until)
        return total


def verdict_of(facts: VerdictFacts, calendar: WorkingCalendar, as_of: datetime) -> Verdict:
    """Return the verdict on a duty at an instant; what happened later is not looked at."""
    duty = facts.duty
    arrivals = tuple(
        _as_known(each, as_of) for each in sorted(facts.arrivals, key=_by_receipt) if each.judged_at <= as_of
    )
    late = late_at(duty, as_of)
    credit = credit_until(late, facts.outages, calendar, as_of)
    report = ReportFact(duty=duty, title="", was_written_to=facts.was_written_to, credit_until=credit)
    ground, counts = timeliness_ground(report, as_of)
    return Verdict(
        cycle=facts.cycle,
        duty=duty,
        as_of=as_of,
        standing=standing_at(duty, as_of),
        timeliness=timeliness(duty, as_of),
        late_at=late,
        received_at=answered_at(duty, as_of),
        accepted_at=accepted_by(duty, as_of),
        first_complete=_first_complete(duty, arrivals, as_of),
        arrivals=arrivals,
        marks=tuple(mark for mark in duty.marks if mark.stated_at <= as_of),
        reopenings=tuple(each for each in duty.reopenings if each.reopened_at <= as_of),
        held=_held(duty, arrivals, as_of),
        outage=outage_over(late, facts.outages, as_of),
        credit_until=credit,
        letters=tuple(_letters(facts.letters, as_of)),
        skips=tuple(each for each in sorted(facts.skips, key=lambda each: each.noted_at) if each.noted_at <= as_of),
        bounces=tuple(each for each in facts.bounces if each.since <= as_of),
        ground=ground,
        counts=counts,
        ended=facts.ended,
        stands_for=facts.stands_for,
        settled_with=facts.settled_with,
    )


def _by_receipt(arrival: ArrivalFact) -> tuple[datetime, int]:
    return arrival.received_at, arrival.id


def _as_known(arrival: ArrivalFact, as_of: datetime) -> ArrivalFact:
    """Return an arrival as it was known at the instant: what a person did of it later is left out."""
    if arrival.resolved_at is None or arrival.resolved_at <= as_of:
        return arrival
    return replace(arrival, resolved_at=None)


def _first_complete(duty: Duty, arrivals: Sequence[ArrivalFact], as_of: datetime) -> ArrivalFact | None:
    """Return the arrival that completed the answer: the one that brought something at the instant of completion."""
    at = completed_by(duty, as_of)
    found = [each for each in arrivals if each.received_at == at and each.number is not None]
    return found[-1] if found else None


def _held(duty: Duty, arrivals: Iterable[ArrivalFact], as_of: datetime) -> tuple[HeldSpan, ...]:
    """Return when something of the unit's lay with us: what waited for a person, and what was complete but not read."""
    spans = [
        HeldSpan(since=each.received_at, until=each.resolved_at)
        for each in arrivals
        if each.outcome is Outcome.QUARANTINED
    ]
    completed, accepted = completed_by(duty, as_of), accepted_by(duty, as_of)
    if completed is not None and accepted is not None and accepted > completed:
        spans.append(HeldSpan(since=completed, until=accepted))
    return tuple(sorted(spans, key=lambda span: span.since))


def _letters(letters: Iterable[LetterFact], as_of: datetime) -> list[LetterFact]:
    """Return the letters that had been decided by the instant; one that left later was still waiting."""
    known = [each for each in letters if each.decided_at <= as_of]
    seen = [
        each
        if each.finished_at is None or each.finished_at <= as_of
        else replace(each, state=LetterState.QUEUED, finished_at=None, detail="", cancelled_because=None)
        for each in known
    ]
    return sorted(seen, key=lambda each: (each.decided_at, each.rung, each.recipient))
