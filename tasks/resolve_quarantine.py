"""Deals with what waits for a person: puts it to the duty that it answers, or leaves it aside."""

from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles, rosters
from models.db.records.arrivals import JudgedArrival
from models.db.records.audit import note_action
from models.db.turns import Turn, take_turn
from models.domain.cycles import Cycle
from models.domain.errors import ActionRefusedError
from models.domain.judgement import NOT_OUR_DUTY
from models.domain.roster import Contact
from models.domain.vocabulary import OFFICE_ZONE, Action, LetterKind, Outcome
from tasks.handle_duties import Done, duties_of_units, taken_again, tell_contest
from tasks.judge import judge_by_ruling, unpacked_again
from tasks.names import run_name
from tasks.opened import Ruling
from tasks.operators import Signature
from tasks.ports import Unpacked
from tasks.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What an operator decides of an arrival in quarantine: unit and cycle together, or neither to leave it aside."""

    arrival_id: int
    cycle_code: str = ""
    unit_code: str = ""
    remember_sender: bool = False
    """The sender's address becomes a contact of the unit."""

    @property
    def is_aside(self) -> bool:
        """Say whether it answers nothing."""
        return not self.cycle_code and not self.unit_code


@task(name="resolve-quarantine", task_run_name=run_name("resolve_quarantine"), cache_policy=NO_CACHE)
def resolve_quarantine(runtime: Runtime, resolution: Resolution, *, signature: Signature) -> Done:
    """Judge the arrival again as if it were certain whose it is, or leave it aside; done once.

    Raises:
        ActionRefusedError: it does not wait in quarantine, only one of unit and cycle is given, the unit is not
            expected in the cycle, or there is no sender to remember.
        UnknownCycleError: the cycle has not been opened.
    """
    unpacked = None if resolution.is_aside else unpacked_again(runtime, resolution.arrival_id)
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.JUDGING)
        held = _held(session, resolution)
        if arrivals.is_resolved(session, held.id):
            return Done(action=Action.RESOLVE_QUARANTINE, n_changed=0)
        done = (
            Done(action=Action.RESOLVE_QUARANTINE, n_changed=1, outcome=Outcome.IGNORED)
            if unpacked is None
            else _put_to_duty(runtime, session, _Held(held, unpacked), resolution, signature)
        )
        if resolution.is_aside and any(reason.code == NOT_OUR_DUTY for reason in held.reasons):
            tell_contest(runtime, session, held, LetterKind.RETURN, at=signature.at)
        arrivals.resolve(session, held.id, at=signature.at)
        note_action(
            session,
            signature.entry(
                Action.RESOLVE_QUARANTINE,
                str(held.id),
                unit_code=resolution.unit_code,
                cycle=resolution.cycle_code,
                sender=held.envelope.sender,
                is_remembered=resolution.remember_sender,
                outcome=done.outcome.value if done.outcome else "",
            ),
        )
    return done


@dataclass(frozen=True, slots=True)
class _Held:
    arrival: JudgedArrival
    unpacked: Unpacked


def _held(session: Session, resolution: Resolution) -> JudgedArrival:
    held = arrivals.judged(session, [resolution.arrival_id]).get(resolution.arrival_id)
    if held is None:
        raise ActionRefusedError("arrival_unknown", arrival=resolution.arrival_id)
    if held.outcome is not Outcome.QUARANTINED:
        raise ActionRefusedError("arrival_not_held", arrival=held.id)
    if bool(resolution.cycle_code) is not bool(resolution.unit_code):
        raise ActionRefusedError("unit_and_cycle")
    if resolution.remember_sender and (resolution.is_aside or not held.envelope.sender):
        raise ActionRefusedError("no_sender_to_remember", arrival=held.id)
    return held


def _put_to_duty(runtime: Runtime, session: Session, held: _Held, resolution: Resolution, signature: Signature) -> Done:
    cycle = cycles.cycle(session, resolution.cycle_code)
    (record,) = duties_of_units(session, cycle, [resolution.unit_code])
    if resolution.remember_sender:
        _remember(runtime, session, cycle, held.arrival, resolution, signature)
    again = taken_again(runtime, session, held.arrival.id, f"resolved:{held.arrival.id}", signature)
    ruling = Ruling(duty_id=record.duty.id)
    verdict = judge_by_ruling(runtime, session, again, ruling, unpacked=held.unpacked, as_of=signature.at)
    return Done(action=Action.RESOLVE_QUARANTINE, n_changed=1, cycle_codes=(cycle.code,), outcome=verdict.outcome)


def _remember(
    runtime: Runtime,
    session: Session,
    cycle: Cycle,
    held: JudgedArrival,
    resolution: Resolution,
    signature: Signature,
) -> None:
    """Make the sender a contact of the unit, behind those it has; one that is known stays as it is."""
    today = signature.at.astimezone(OFFICE_ZONE).date()
    contact = Contact(
        unit_code=resolution.unit_code,
        name=runtime.texts.say("action.remembered_contact"),
        email=held.envelope.sender.lower(),
        phone="",
        rank=0,
        valid_from=today,
        valid_to=None,
    )
    rosters.add_contact(session, cycle.programme_code, contact)
