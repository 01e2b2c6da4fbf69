"""Hands final editions over to the distribution list: by themselves, or when an operator says what was signed."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, editions, handovers, letters
from models.db.records.audit import note_action
from models.db.records.editions import StoredEdition
from models.db.records.handovers import HandedEdition
from models.db.tables import LetterRow
from models.domain.calendar import start_of
from models.domain.cycles import Cycle
from models.domain.distribution import cycles_reporting_upward, recipients_of, result_letters
from models.domain.duties import Mark, answered_at
from models.domain.errors import ActionRefusedError
from models.domain.plan import Recipient
from models.domain.vocabulary import OFFICE_ZONE, Action, EditionKind, LetterKind, LetterState, MarkKind
from tasks.names import run_name
from tasks.open_cycles import open_assigned_cycle, roster_in_use
from tasks.operators import Signature, sign
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
LONGEST_NUMBER = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultOrder:
    """What an operator asks for: of which cycle, with which signed document, and who answers for it."""

    cycle: str
    number: str
    signed_on: date
    operator: str
    reason: str


@task(name="queue-results", task_run_name=run_name("queue_results"), cache_policy=NO_CACHE)
def queue_results(runtime: Runtime, cycle_codes: Sequence[str], as_of: datetime) -> int:
    """Queue the newest final editions to those who get them by themselves, and return how many letters are new.

    Outside office hours nothing is queued. Running again queues nothing twice: an edition goes to an address once.
    """
    n_queued = 0
    for code in cycle_codes:
        with runtime.sessions.begin() as session:
            cycle = cycles.cycle(session, code)
            programme = runtime.programme_of(cycle)
            if not programme.office_hours.contains(as_of, programme.calendar):
                continue
            edition = newest_final(editions.editions_of(session, code))
            if edition is not None:
                automatic = recipients_of(programme, cycle.obligation_code, is_automatic=True)
                handed = HandedEdition(cycle_code=code, edition=edition.number)
                n_queued += _queue(runtime, session, automatic, handed, as_of)
    if n_queued:
        logger.info(runtime.texts.say("log.results_queued", n=n_queued))
    return n_queued


@task(name="send-result", task_run_name=run_name("send_result"), cache_policy=NO_CACHE)
def order_result(runtime: Runtime, order: ResultOrder) -> int:
    """Queue the newest final edition to those who get it with a signed document, and return how many letters are new.

    The duty of whoever reports upward after this cycle is settled as of the day of signing. The same order again
    queues nothing twice and writes no second row of the audit.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        ActionRefusedError: nobody answers for it, there is no final edition, nobody is to be sent it, or number or day
            of the document do not hold; nothing was written.
    """
    signature = sign(runtime, order.operator, order.reason)
    with runtime.sessions.begin() as session:
        cycle = cycles.cycle(session, order.cycle)
        programme = runtime.programme_of(cycle)
        edition = newest_final(editions.editions_of(session, cycle.code))
        recipients = recipients_of(programme, cycle.obligation_code, is_automatic=False)
        if edition is None:
            raise ActionRefusedError("no_final_edition", title=cycle.title)
        if not recipients:
            raise ActionRefusedError("nobody_to_send_to", title=cycle.title)
        handed = _handed(runtime, order, edition, signature)
        n_queued = _queue(runtime, session, recipients, handed, signature.at)
        settled = [
            each
            for following in cycles_reporting_upward(programme, cycle)
            for each in _settle(runtime, session, following, handed, signature)
        ]
        if n_queued or settled:
            entry = signature.entry(
                Action.SEND_RESULT,
                cycle.code,
                edition=edition.number,
                document=handed.document,
                signed_on=order.signed_on.isoformat(),
                n_letters=n_queued,
                settled=settled,
            )
            note_action(session, entry)
    logger.info(runtime.texts.say("log.results_queued", n=n_queued))
    return n_queued


def newest_final(made: Iterable[StoredEdition]) -> StoredEdition | None:
    """Return the newest final edition of a cycle's editions; None when there is none yet."""
    return max((each for each in made if each.kind is EditionKind.FINAL), key=lambda each: each.number, default=None)


def lines_of_handovers(runtime: Runtime, session: Session, cycle_code: str) -> list[str]:
    """Return a line for each recipient of each edition: who got which, when, or what became of the letter."""
    say, texts = runtime.texts.say, runtime.texts
    return [
        say(
            "result.line",
            number=each.edition,
            name=each.name,
            address=each.address,
            role=texts.label(each.role),
            state=texts.label(each.state),
            at=texts.instant(each.at) if each.at else "–",
        )
        for each in handovers.handovers_of(session, cycle_code)
    ]


def _handed(runtime: Runtime, order: ResultOrder, edition: StoredEdition, signature: Signature) -> HandedEdition:
    """Return what is handed over with which document, and refuse a document that cannot be of this edition."""
    number = " ".join(order.number.split())
    texts = runtime.texts
    made_on = edition.as_of.astimezone(OFFICE_ZONE).date()
    today = signature.at.astimezone(OFFICE_ZONE).date()
    if not number or len(number) > LONGEST_NUMBER:
        raise ActionRefusedError("document_number", limit=LONGEST_NUMBER)
    if not made_on <= order.signed_on <= today:
        raise ActionRefusedError(
            "document_day",
            signed_on=texts.day(order.signed_on),
            number=edition.number,
            made_on=texts.day(made_on),
            today=texts.day(today),
        )
    return HandedEdition(cycle_code=order.cycle, edition=edition.number, document=number, signed_on=order.signed_on)


def _queue(
    runtime: Runtime, session: Session, recipients: Sequence[Recipient], handed: HandedEdition, at: datetime
) -> int:
    reached = handovers.reached_by(session, handed.cycle_code, handed.edition)
    n_new = 0
    for planned in result_letters(recipients, reached):
        address = planned.to.email.lower()
        key = f"result|{handed.cycle_code}|{handed.edition}|{address}"
        row = LetterRow(
            key=key,
            message_id=letters.message_id_of(key, runtime.settings.mail_from.rpartition("@")[2]),
            kind=LetterKind.RESULT,
            recipient=address,
            day=at.astimezone(OFFICE_ZONE).date(),
            state=LetterState.QUEUED,
            queued_at=at,
        )
        letter_id = letters.queue_letter(session, row)
        if letter_id is not None:
            handovers.add_handovers(session, letter_id, planned.recipients, handed)
            n_new += 1
    return n_new


def _settle(
    runtime: Runtime, session: Session, following: Cycle, handed: HandedEdition, signature: Signature
) -> list[str]:
    """Settle the duties of a cycle that reports upward; one that has not opened yet is opened for it."""
    roster = roster_in_use(runtime, session, runtime.programme_of(following))
    units = roster.expected(
        following.terms.expected_groups,
        signature.at.astimezone(OFFICE_ZONE).date(),
        units=following.terms.expected_units,
    )
    open_assigned_cycle(session, following, units, opened_at=signature.at)
    settled = []
    for chunk in cycles.duties_in_chunks(session, following.code, size=runtime.settings.units_per_chunk):
        for record in chunk:
            if handed.signed_on is not None and answered_at(record.duty, signature.at) is None:
                said = runtime.texts.say(
                    "result.settled", document=handed.document, day=runtime.texts.day(handed.signed_on)
                )
                mark = Mark(
                    kind=MarkKind.DONE,
                    stated_at=start_of(handed.signed_on),
                    reason=said,
                    operator=signature.operator,
                )
                cycles.add_mark(session, record.duty.id, mark)
                settled.append(f"{following.code}/{record.duty.unit_code}")
    return settled
