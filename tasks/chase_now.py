"""Chases units at once because an operator wants it: still one letter a day, and none to who has answered."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, letters, rosters
from models.db.records.audit import note_action
from models.domain.chasing import Decision, LadderDays, Send, decide_by_hand
from models.domain.cycles import Cycle
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import OFFICE_ZONE, Action
from tasks.handle_duties import Done, duties_of_units
from tasks.names import run_name
from tasks.operators import Signature
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    record: cycles.DutyRecord
    decision: Decision


@task(name="chase-now", task_run_name=run_name("chase_now"), cache_policy=NO_CACHE)
def chase_now(runtime: Runtime, cycle_code: str, unit_codes: Sequence[str], *, signature: Signature) -> Done:
    """Queue a letter to each of the units that has had none today, and say of each other why not.

    Without units it is every unit of the cycle that owes an answer.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        ActionRefusedError: it is no office hour, or a unit is not expected in the cycle.
    """
    with runtime.sessions.begin() as session:
        cycle = cycles.cycle(session, cycle_code)
        programme = runtime.programme_of(cycle)
        if not programme.office_hours.contains(signature.at, programme.calendar):
            raise ActionRefusedError("outside_office_hours")
        records = _records(runtime, session, cycle, unit_codes)
        answers = _answers(runtime, session, cycle, records, signature)
        sends = [answer.decision for answer in answers if isinstance(answer.decision, Send)]
        today = signature.at.astimezone(OFFICE_ZONE).date().isoformat()
        n_queued = letters.queue_reminders(session, sends, decided_at=signature.at, occasion=today)
        for answer in answers:
            if isinstance(answer.decision, Send):
                rung = answer.decision.rung.code
                entry = signature.entry(Action.CHASE_NOW, cycle_code, unit_code=answer.record.duty.unit_code, rung=rung)
                note_action(session, entry)
    _say(runtime, answers, is_chosen=bool(unit_codes))
    return Done(action=Action.CHASE_NOW, n_changed=n_queued, cycle_codes=(cycle_code,))


def _records(runtime: Runtime, session: Session, cycle: Cycle, unit_codes: Sequence[str]) -> list[cycles.DutyRecord]:
    if any(code.strip() for code in unit_codes):
        return duties_of_units(session, cycle, unit_codes)
    chunks = cycles.duties_in_chunks(session, cycle.code, size=runtime.settings.units_per_chunk)
    return [record for chunk in chunks for record in chunk]


def _answers(
    runtime: Runtime,
    session: Session,
    cycle: Cycle,
    records: Sequence[cycles.DutyRecord],
    signature: Signature,
) -> list[_Answer]:
    today = signature.at.astimezone(OFFICE_ZONE).date()
    days = LadderDays(cycle.terms.ladder, runtime.programme_of(cycle).calendar)
    contacts = rosters.working_contacts(session, cycle.programme_code, today)
    chased_today = letters.recipients_chased_on(session, today)
    return [
        _Answer(
            record,
            decide_by_hand(
                record.duty,
                days=days,
                contacts=[contact.email for contact in contacts.get(record.duty.unit_code, ())],
                chased_today=chased_today,
                as_of=signature.at,
            ),
        )
        for record in records
    ]


def _say(runtime: Runtime, answers: Sequence[_Answer], *, is_chosen: bool) -> None:
    """Say why the others get no letter: of chosen units each, else how many for which reason."""
    others = [
        (answer.record.duty.unit_name, runtime.texts.label(answer.decision.reason))
        for answer in answers
        if not isinstance(answer.decision, Send)
    ]
    if is_chosen:
        for unit, why in others:
            logger.info(runtime.texts.say("action.log.not_chased", unit=unit, why=why))
        return
    for why, n in Counter(why for _, why in others).most_common():
        logger.info(runtime.texts.say("action.log.not_chased_because", n=n, why=why))
