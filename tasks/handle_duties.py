"""What operators decide of single duties: more time, none owed, silence for a while, an answer given back or taken.

Everything is looked at before anything is written; what is written is one transaction with its rows of the audit. The
same act twice does nothing new and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles, letters, rosters
from models.db.records.arrivals import JudgedArrival
from models.db.records.audit import note_action
from models.db.records.cycles import DutyRecord
from models.db.tables import LetterRow
from models.db.turns import Turn, take_turn
from models.domain.calendar import last_day_before, start_of
from models.domain.cycles import Cycle
from models.domain.duties import Duty, Mark, Reopening, late_at, standing_at
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import (
    OFFICE_ZONE,
    Action,
    LetterKind,
    LetterState,
    MarkKind,
    Outcome,
    Standing,
)
from tasks.holding import lost
from tasks.judge import judge_by_ruling, unpacked_again
from tasks.names import run_name
from tasks.opened import Ruling
from tasks.operators import Signature
from tasks.runtime import Runtime

SETTLED: Final = frozenset({Standing.DONE, Standing.DONE_LATE, Standing.NIL, Standing.WAIVED})
ANSWERED: Final = frozenset({Standing.DONE, Standing.DONE_LATE, Standing.NIL, Standing.SUBMITTED})
"""Standings in which there is something that can be given back."""
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of an act: how many units or things it changed, and which cycles show it."""

    action: Action
    n_changed: int
    cycle_codes: tuple[str, ...] = ()
    outcome: Outcome | None = None
    """What an arrival that was judged by it came to."""


@task(name="extend", task_run_name=run_name("handle_duties"), cache_policy=NO_CACHE)
def extend(
    runtime: Runtime, cycle_code: str, unit_codes: Sequence[str], *, last_day: date, signature: Signature
) -> Done:
    """Give units of a cycle until the end of a day; one that has that day already is left as it is.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        ActionRefusedError: the day is past, or before a unit's present last day, or a unit owes nothing (any more).
    """
    _require_day_to_come(runtime, last_day, signature.at)
    until = start_of(last_day + ONE_DAY)

    def mark_for(duty: Duty) -> Mark | None:
        if _newest_until(duty, MarkKind.EXTENSION) == until:
            return None
        if until <= late_at(duty, signature.at):
            present = runtime.texts.day(last_day_before(late_at(duty, signature.at)))
            raise ActionRefusedError("extension_too_short", unit=duty.unit_name, present=present)
        return _mark(MarkKind.EXTENSION, signature, until)

    return _mark_duties(runtime, cycle_code, unit_codes, mark_for, _Act(Action.EXTEND, signature, last_day))


@task(name="waive", task_run_name=run_name("handle_duties"), cache_policy=NO_CACHE)
def waive(runtime: Runtime, cycle_code: str, unit_codes: Sequence[str], *, signature: Signature) -> Done:
    """Let units of a cycle owe nothing; one that is waived already is left as it is.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        ActionRefusedError: a unit is not expected in it, or has answered.
    """

    def mark_for(duty: Duty) -> Mark | None:
        is_waived = standing_at(duty, signature.at) is Standing.WAIVED
        return None if is_waived else _mark(MarkKind.WAIVER, signature, None)

    return _mark_duties(runtime, cycle_code, unit_codes, mark_for, _Act(Action.WAIVE, signature))


@task(name="mute", task_run_name=run_name("handle_duties"), cache_policy=NO_CACHE)
def mute(runtime: Runtime, cycle_code: str, unit_codes: Sequence[str], *, last_day: date, signature: Signature) -> Done:
    """Leave units of a cycle alone until the end of a day; their deadline stays.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        ActionRefusedError: the day is past, or a unit owes nothing (any more).
    """
    _require_day_to_come(runtime, last_day, signature.at)
    until = start_of(last_day + ONE_DAY)

    def mark_for(duty: Duty) -> Mark | None:
        return None if _newest_until(duty, MarkKind.MUTE) == until else _mark(MarkKind.MUTE, signature, until)

    return _mark_duties(runtime, cycle_code, unit_codes, mark_for, _Act(Action.MUTE, signature, last_day))


@task(name="give-back", task_run_name=run_name("handle_duties"), cache_policy=NO_CACHE)
def give_back(
    runtime: Runtime, cycle_code: str, unit_code: str, *, comment: str, last_day: date, signature: Signature
) -> Done:
    """Give a unit's answer back with a comment and a new last day; the duty is owed again, and the unit gets a letter.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        ActionRefusedError: there is nothing to give back, no comment, or the day is past or too early.
    """
    _require_day_to_come(runtime, last_day, signature.at)
    if not comment.strip():
        raise ActionRefusedError("comment_blank")
    until, at = start_of(last_day + ONE_DAY), signature.at
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.JUDGING)
        cycle = cycles.cycle(session, cycle_code)
        (record,) = duties_of_units(session, cycle, [unit_code])
        duty = record.duty
        if standing_at(duty, at) not in ANSWERED:
            if _is_given_back_so(duty, comment.strip(), until):
                return Done(action=Action.RETURN, n_changed=0, cycle_codes=(cycle_code,))
            raise ActionRefusedError("nothing_to_return", unit=duty.unit_name, standing=_standing(runtime, duty, at))
        if until < late_at(duty, at):
            present = runtime.texts.day(last_day_before(late_at(duty, at)))
            raise ActionRefusedError("extension_too_short", unit=duty.unit_name, present=present)
        letter_id = _queue_return(runtime, session, cycle, record, at)
        cycles.reopen(session, duty.id, Reopening(reopened_at=at, comment=comment.strip()), letter_id=letter_id)
        if until > late_at(duty, at):
            cycles.add_mark(session, duty.id, _mark(MarkKind.EXTENSION, signature, until))
        details = {"comment": comment.strip(), "last_day": last_day.isoformat(), "has_letter": letter_id is not None}
        note_action(session, signature.entry(Action.RETURN, cycle_code, unit_code=unit_code, **details))
    return Done(action=Action.RETURN, n_changed=1, cycle_codes=(cycle_code,))


@task(name="accept", task_run_name=run_name("handle_duties"), cache_policy=NO_CACHE)
def accept(runtime: Runtime, arrival_id: int, *, signature: Signature) -> Done:
    """Let an arrival that was returned, or is held, count from its receipt; what the checks found is asked about.

    Raises:
        ActionRefusedError: there is no such arrival, it answers no duty, or its duty is settled.
    """
    unpacked = unpacked_again(runtime, arrival_id)
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.JUDGING)
        judged = _judged_arrival(session, arrival_id)
        duty_id = judged.duty_id
        if judged.outcome not in {Outcome.RETURNED, Outcome.QUARANTINED} or duty_id is None:
            raise ActionRefusedError("arrival_not_acceptable", arrival=arrival_id)
        duty = cycles.duties(session, [duty_id])[duty_id].duty
        key = f"accepted:{arrival_id}:{len(duty.reopenings)}"
        if arrivals.taken_by_key(session, key) is not None:
            return Done(action=Action.ACCEPT, n_changed=0, cycle_codes=(duty.cycle_code,))
        _require_unsettled(runtime, duty, signature.at)
        again = taken_again(runtime, session, arrival_id, key, signature)
        ruling = Ruling(duty_id=duty.id, is_accepted=True)
        verdict = judge_by_ruling(runtime, session, again, ruling, unpacked=unpacked, as_of=signature.at)
        arrivals.resolve(session, arrival_id, at=signature.at)
        entry = signature.entry(Action.ACCEPT, duty.cycle_code, unit_code=duty.unit_code, arrival=arrival_id)
        note_action(session, entry)
    return Done(action=Action.ACCEPT, n_changed=1, cycle_codes=(duty.cycle_code,), outcome=verdict.outcome)


def taken_again(
    runtime: Runtime, session: Session, arrival_id: int, key: str, signature: Signature
) -> arrivals.TakenArrival:
    """Take the bytes of an arrival in once more under a key of its own, received when they were received.

    What the first one came to stays as it is; the operator stands for the sender.

    Raises:
        ActionRefusedError: there is no such arrival, or its bytes have been removed.
    """
    first = arrivals.taken(session, arrival_id)
    if first is None:
        raise ActionRefusedError("arrival_unknown", arrival=arrival_id)
    if lost(runtime, session, [first.digest]):
        raise ActionRefusedError("original_removed", arrival=arrival_id)
    row = {
        "key": key,
        "channel": first.channel,
        "received_at": first.received_at,
        "taken_at": signature.at,
        "digest": first.digest,
        "is_cut": first.is_cut,
        "operator": signature.operator,
        "file_name": first.file_name,
        "filed_at": signature.at,
        "part": first.part,
    }
    arrivals.take(session, [row])
    again = arrivals.taken_by_key(session, key)
    assert again is not None  # noqa: S101 - it was taken in the line above
    return again


def tell_contest(
    runtime: Runtime, session: Session, contest: JudgedArrival, kind: LetterKind, *, at: datetime
) -> int | None:
    """Queue the letter that tells what became of a unit's word that a duty is not its own; once for each contest."""
    if not contest.envelope.sender:
        return None
    key = f"contest|{contest.id}"
    letter = LetterRow(
        key=key,
        message_id=letters.message_id_of(key, runtime.settings.mail_from.rpartition("@")[2]),
        kind=kind,
        recipient=contest.envelope.sender,
        day=at.astimezone(OFFICE_ZONE).date(),
        state=LetterState.QUEUED,
        queued_at=at,
        arrival_id=contest.id,
    )
    return letters.queue_letter(session, letter)


def _uphold_contests(runtime: Runtime, session: Session, duty: Duty, at: datetime) -> None:
    """Let what a unit said of a duty that is waived now be dealt with, and tell it so."""
    for contest in arrivals.contests_of(session, duty.id):
        arrivals.resolve(session, contest.id, at=at)
        tell_contest(runtime, session, contest, LetterKind.RECEIPT, at=at)


@dataclass(frozen=True, slots=True)
class _Act:
    """What is written into the audit for each duty that is marked."""

    action: Action
    signature: Signature
    last_day: date | None = None


def _mark_duties(
    runtime: Runtime,
    cycle_code: str,
    unit_codes: Sequence[str],
    mark_for: Callable[[Duty], Mark | None],
    act: _Act,
) -> Done:
    """Mark the duties of units in one transaction; where the mark is there already nothing is written."""
    details = {"last_day": act.last_day.isoformat()} if act.last_day else {}
    n_changed = 0
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.JUDGING)
        cycle = cycles.cycle(session, cycle_code)
        records = duties_of_units(session, cycle, unit_codes)
        for record in records:
            if act.action is not Action.WAIVE or standing_at(record.duty, act.signature.at) is not Standing.WAIVED:
                _require_unsettled(runtime, record.duty, act.signature.at)
        marks = [(record.duty, mark_for(record.duty)) for record in records]
        for duty, mark in marks:
            if mark is not None:
                cycles.add_mark(session, duty.id, mark)
                entry = act.signature.entry(act.action, cycle_code, unit_code=duty.unit_code, **details)
                note_action(session, entry)
                n_changed += 1
                if act.action is Action.WAIVE:
                    _uphold_contests(runtime, session, duty, act.signature.at)
    return Done(action=act.action, n_changed=n_changed, cycle_codes=(cycle_code,))


def duties_of_units(session: Session, cycle: Cycle, unit_codes: Sequence[str]) -> list[DutyRecord]:
    """Return the duties of units in a cycle, each once, in the order given.

    Raises:
        ActionRefusedError: no unit is named, or some are not expected in the cycle; all of those are named.
    """
    wanted = list(dict.fromkeys(code.strip() for code in unit_codes if code.strip()))
    found = cycles.duties_of_units(session, cycle.code, wanted)
    lacking = [code for code in wanted if code not in found]
    if lacking or not wanted:
        raise ActionRefusedError("units_not_expected", units=", ".join(lacking) or "–", cycle=cycle.title)
    return [found[code] for code in wanted]


def _require_day_to_come(runtime: Runtime, day: date, now: datetime) -> None:
    today = now.astimezone(OFFICE_ZONE).date()
    if day < today:
        raise ActionRefusedError("day_is_past", day=runtime.texts.day(day), today=runtime.texts.day(today))


def _require_unsettled(runtime: Runtime, duty: Duty, now: datetime) -> None:
    if standing_at(duty, now) in SETTLED:
        raise ActionRefusedError("duty_settled", unit=duty.unit_name, standing=_standing(runtime, duty, now))


def _standing(runtime: Runtime, duty: Duty, now: datetime) -> str:
    return runtime.texts.label(standing_at(duty, now))


def _mark(kind: MarkKind, signature: Signature, until: datetime | None) -> Mark:
    return Mark(kind=kind, stated_at=signature.at, until=until, reason=signature.reason, operator=signature.operator)


def _newest_until(duty: Duty, kind: MarkKind) -> datetime | None:
    newest = max((mark for mark in duty.marks if mark.kind is kind), key=lambda mark: mark.stated_at, default=None)
    return newest.until if newest is not None else None


def _is_given_back_so(duty: Duty, comment: str, until: datetime) -> bool:
    newest = max(duty.reopenings, key=lambda each: each.reopened_at, default=None)
    return newest is not None and newest.comment == comment and late_at(duty, newest.reopened_at) == until


def _judged_arrival(session: Session, arrival_id: int) -> JudgedArrival:
    judged = arrivals.judged(session, [arrival_id]).get(arrival_id)
    if judged is None:
        raise ActionRefusedError("arrival_unknown", arrival=arrival_id)
    return judged


def _queue_return(runtime: Runtime, session: Session, cycle: Cycle, record: DutyRecord, at: datetime) -> int | None:
    """Queue the letter to the unit's first desk; None when it has none that works, which the board shows."""
    duty, today = record.duty, at.astimezone(OFFICE_ZONE).date()
    contacts = rosters.working_contacts(session, cycle.programme_code, today, unit_codes=[duty.unit_code])
    if not contacts.get(duty.unit_code):
        return None
    key = f"given-back|{duty.id}|{len(duty.reopenings) + 1}"
    letter = LetterRow(
        key=key,
        message_id=letters.message_id_of(key, runtime.settings.mail_from.rpartition("@")[2]),
        kind=LetterKind.RETURN,
        recipient=contacts[duty.unit_code][0].email,
        day=today,
        state=LetterState.QUEUED,
        queued_at=at,
    )
    return letters.queue_letter(session, letter)
