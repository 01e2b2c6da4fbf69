"""Decides who gets which rung today and writes it into the ledger; sending is another step (`post`)."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, letters, rosters
from models.domain.chasing import Decision, Due, LadderDays, RungsDue, Send, Skip, addressed, first_letter_to_heir
from models.domain.duties import Duty
from models.domain.vocabulary import OFFICE_ZONE, SkipReason
from tasks.names import run_name
from tasks.open_cycles import every_active_cycle
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
TO_HEIR = "heir"
"""Occasion of the letter by which whoever inherited a duty learns of it."""
UNREMARKABLE = frozenset({SkipReason.NOT_OPEN, SkipReason.NOT_DUE, SkipReason.ALREADY_SENT})
"""Reasons that hold for every unit on most days: they are counted, not written down."""


@task(name="queue-reminders", task_run_name=run_name("queue_reminders"), cache_policy=NO_CACHE)
def queue_due_reminders(runtime: Runtime, cycle_code: str, as_of: datetime, *, dry_run: bool = False) -> dict[str, int]:
    """Queue what is due for each duty of the cycle, note why the others get nothing, and return how many got what.

    Outside office hours nothing is decided. Running again queues nothing twice: a rung stands in the ledger once.
    """
    return queue_cycle(runtime, cycle_code, as_of, dry_run=dry_run)


@task(name="queue-other-reminders", task_run_name=run_name("queue_other_reminders"), cache_policy=NO_CACHE)
def queue_reminders_of_others(runtime: Runtime, cycle_codes: Collection[str], as_of: datetime) -> int:
    """Queue what is due in every other cycle that is open, so that all of a day goes out in one letter a person.

    Whichever round runs first, the letter is the same. A duty whose form is not stamped yet is left to its own round.
    Returns how many duties are written to.
    """
    others = [code for code in every_active_cycle(runtime, as_of) if code not in cycle_codes]
    answers = [queue_cycle(runtime, code, as_of, is_for_others=True) for code in others]
    return sum(n for counts in answers for answer, n in counts.items() if answer.startswith("send."))


def queue_cycle(
    runtime: Runtime, cycle_code: str, as_of: datetime, *, dry_run: bool = False, is_for_others: bool = False
) -> dict[str, int]:
    """Do it for one cycle; `is_for_others` says that this is not the cycle's own round."""
    with runtime.sessions() as session:
        cycle = cycles.cycle(session, cycle_code)
        programme = runtime.programme_of(cycle)
        if not programme.office_hours.contains(as_of, programme.calendar):
            return {}
        days = LadderDays(cycle.terms.ladder, programme.calendar)
        rungs = RungsDue(days, as_of)
        counts: Counter[str] = Counter()
        ended = rosters.ended_units(session, programme.code, as_of.astimezone(OFFICE_ZONE).date())
        heirs = {code for code, unit in ended.items() if unit.heir_code is not None}
        for chunk in cycles.duties_in_chunks(session, cycle_code, size=runtime.settings.units_per_chunk):
            ready = [each.duty for each in chunk if each.form_digest or not (is_for_others and cycle.has_form)]
            due = _due(session, ready, rungs)
            contacts = _addresses(session, programme.code, ready, due, heirs, as_of)
            decisions = [
                each if isinstance(each, Skip) else addressed(each, contacts.get(duty.unit_code, []))
                for duty, each in zip(ready, due, strict=True)
            ]
            untold = [
                duty
                for duty, decision in zip(ready, decisions, strict=True)
                if duty.unit_code in heirs and not isinstance(decision, Send)
            ]
            inherited = _told_to_heirs(session, untold, days, contacts, as_of)
            counts.update(_answer(decision) for decision in (*decisions, *inherited))
            if not dry_run:
                _write_down(session, decisions, as_of)
                letters.queue_reminders(session, inherited, decided_at=as_of, occasion=TO_HEIR)
                session.commit()
    for answer, n in sorted(counts.items()):
        if answer.startswith("send."):
            rung = runtime.texts.say(f"rung.{answer.removeprefix('send.')}")
            logger.info(runtime.texts.say("log.reminders_queued", title=cycle.title, n=n, rung=rung))
    return dict(counts)


def _told_to_heirs(
    session: Session,
    duties: Sequence[Duty],
    days: LadderDays,
    contacts: Mapping[str, Sequence[str]],
    as_of: datetime,
) -> list[Send]:
    """Return the first letters about these duties to those who inherited them."""
    if not duties:
        return []
    told = letters.recipients_of_duties(session, [duty.id for duty in duties])
    sends = (
        first_letter_to_heir(
            duty,
            days=days,
            contacts=contacts.get(duty.unit_code, ()),
            told=told.get(duty.id, frozenset()),
            as_of=as_of,
        )
        for duty in duties
    )
    return [send for send in sends if send is not None]


def _due(session: Session, duties: Sequence[Duty], rungs: RungsDue) -> list[Due | Skip]:
    decided = letters.decided_rungs(session, [duty.id for duty in duties])
    return [rungs.of(duty, decided.get(duty.id, frozenset())) for duty in duties]


def _addresses(
    session: Session,
    programme_code: str,
    duties: Sequence[Duty],
    due: Sequence[Due | Skip],
    heirs: AbstractSet[str],
    as_of: datetime,
) -> dict[str, list[str]]:
    """Return the addresses of those of whom something may be said: on most days they are few, or none."""
    asked = [
        duty.unit_code
        for duty, each in zip(duties, due, strict=True)
        if isinstance(each, Due) or duty.unit_code in heirs
    ]
    return rosters.working_addresses(session, programme_code, as_of.date(), asked)


def _write_down(session: Session, decisions: list[Decision], as_of: datetime) -> None:
    sends = [decision for decision in decisions if isinstance(decision, Send)]
    letters.queue_reminders(session, sends, decided_at=as_of)
    superseded = [
        Skip(duty_id=send.duty_id, reason=SkipReason.SUPERSEDED, rung_code=rung)
        for send in sends
        for rung in send.superseded
    ]
    remarkable = [
        decision
        for decision in decisions
        if isinstance(decision, Skip) and decision.rung_code and decision.reason not in UNREMARKABLE
    ]
    letters.note_skips(session, [*remarkable, *superseded], at=as_of)


def _answer(decision: Decision) -> str:
    return f"send.{decision.rung.code}" if isinstance(decision, Send) else f"skip.{decision.reason.value}"
