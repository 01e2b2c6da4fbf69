"""Sends the outbox: bundles reminders into one letter a person and day, claims, sends, and marks."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import heartbeats, letters, member_notices, roll_calls
from models.db.records.letters import ClaimedLetter
from models.db.turns import Turn, take_turn
from models.domain.chasing import Skip
from models.domain.errors import LettersWaitingError, MailServerUnavailableError
from models.domain.vocabulary import LetterKind, LetterState, SkipReason
from tasks.letters import Written, write_letters
from tasks.names import run_name
from tasks.outbox import MAX_ATTEMPTS, DaysPost
from tasks.ports import Delivery
from tasks.receive import MAILBOX_POLLED
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
IN_OFFICE_HOURS: Final = frozenset(
    {
        LetterKind.CHASE,
        LetterKind.SCORE,
        LetterKind.MEMBER,
        LetterKind.PARENT,
        LetterKind.ROLL_CALL,
        LetterKind.DAILY,
        LetterKind.WEEKLY,
    }
)
"""Letters that nobody waits for leave in office hours only; answers leave at any hour."""
CLAIM_LASTS: Final = timedelta(minutes=10)
"""A letter that was claimed longer ago and never marked was being sent by a run that has died."""


@task(name="post-letters", task_run_name=run_name("post_letters"), cache_policy=NO_CACHE)
def post_letters(runtime: Runtime, kinds: Sequence[LetterKind]) -> dict[str, int]:
    """Send what waits in the outbox, and return how many letters were sent, failed, wait, or are in doubt.

    Letters that nobody waits for leave in office hours only, answers at any hour. Each letter is claimed in a committed
    transaction before it is handed over, so that nothing is sent twice; a letter whose sending was cut off by a crash
    is `unknown` until its blind copy is found in our own mailbox, or is known never to have come.
    """
    counts: Counter[str] = Counter({"sent": 0, "failed": 0, "waiting": 0, "doubtful": 0})
    _settle_doubts(runtime)
    wanted = list(kinds)
    if not _is_office_hour(runtime, runtime.clock.now()):
        wanted = [kind for kind in kinds if kind not in IN_OFFICE_HOURS]
        if LetterKind.CHASE in kinds:
            logger.info(runtime.texts.say("log.outside_office_hours"))
    elif LetterKind.CHASE in wanted:
        _bundle_reminders(runtime)
    try:
        for state in _send_all(runtime, wanted):
            counts[state] += 1
    except MailServerUnavailableError as error:
        logger.warning(runtime.texts.error(error))
    _count_what_is_left(runtime, counts, wanted)
    if counts["sent"] or counts["failed"] or counts["waiting"]:
        sent, failed, waiting = counts["sent"], counts["failed"], counts["waiting"]
        logger.info(runtime.texts.say("log.letters_sent", n_sent=sent, n_failed=failed, n_waiting=waiting))
    return dict(counts)


def together(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of two steps added up."""
    return {name: counts.get(name, 0) + more.get(name, 0) for name in (*counts, *more)}


def say_what_is_left(counts: Mapping[str, int]) -> None:
    """Fail a run that leaves letters unsent, so that it is seen; all else was done, and the next run goes on from here.

    Raises:
        LettersWaitingError: letters wait because the mail server did not take them.
    """
    if counts.get("waiting"):
        raise LettersWaitingError(n=counts["waiting"])


def _settle_doubts(runtime: Runtime) -> None:
    """Turn dead claims into doubts, and resolve doubts by the blind copies in our own mailbox."""
    now = runtime.clock.now()
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.POSTING)
        letters.give_up_claims(session, claimed_before=now - CLAIM_LASTS)
        polled_at = heartbeats.last_beat(session, MAILBOX_POLLED)
        if not runtime.settings.journal or runtime.mailbox is None or polled_at is None:
            return
        patience = timedelta(minutes=runtime.settings.journal_wait_minutes)
        n_requeued = letters.requeue_unsent(session, claimed_before=polled_at - patience)
    if n_requeued:
        logger.warning(runtime.texts.say("log.letters_requeued", n=n_requeued))


def _bundle_reminders(runtime: Runtime) -> None:
    """Make one letter of all the reminders a person is to get today; who has had one today waits for tomorrow."""
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.POSTING)
        post = DaysPost(runtime, session, LetterKind.CHASE)
        for recipient, group in groupby(letters.queued_reminders(session), key=lambda queued: queued.recipient):
            reminders = list(group)
            letter_id = post.letter_to(recipient)
            if letter_id is not None:
                letters.put_into_letter(session, [queued.id for queued in reminders], letter_id)
                continue
            waiting = [
                Skip(duty_id=queued.duty_id, reason=SkipReason.ONE_LETTER_A_DAY, rung_code=queued.rung)
                for queued in reminders
            ]
            letters.note_skips(session, waiting, at=runtime.clock.now())


def _send_all(runtime: Runtime, kinds: Sequence[LetterKind]) -> Iterator[str]:
    """Yield what became of each letter, batch by batch; each letter is tried once in a run."""
    last_id = 0
    while claimed := _claim(runtime, kinds, after_id=last_id):
        last_id = claimed[-1].id
        yield from _send_batch(runtime, claimed)


def _claim(runtime: Runtime, kinds: Sequence[LetterKind], *, after_id: int) -> list[ClaimedLetter]:
    with runtime.sessions.begin() as session:
        return letters.claim(
            session,
            kinds=kinds,
            limit=runtime.settings.letters_per_batch,
            at=runtime.clock.now(),
            max_attempts=MAX_ATTEMPTS,
            after_id=after_id,
        )


def _send_batch(runtime: Runtime, claimed: Sequence[ClaimedLetter]) -> Iterator[str]:
    with runtime.sessions() as session:
        written = write_letters(runtime, session, claimed, runtime.clock.now())
    ready = {item.letter.message_id: item for item in written if item.letter is not None}
    delivered: dict[str, Delivery] = {}
    try:
        for delivery in runtime.mail.deliver([item.letter for item in written if item.letter is not None]):
            delivered[delivery.message_id] = delivery
    finally:
        with runtime.sessions.begin() as session:
            states = [_mark(runtime, session, item, delivered, ready) for item in written]
    yield from states


def _mark(
    runtime: Runtime,
    session: Session,
    item: Written,
    delivered: dict[str, Delivery],
    ready: dict[str, Written],
) -> str:
    _take_back(runtime, session, item)
    message_id = item.claimed.message_id
    if item.problem:
        letters.mark(session, message_id, LetterState.QUEUED, at=runtime.clock.now(), detail=item.problem)
        return "again"
    if message_id not in ready:
        letters.mark(session, message_id, LetterState.CANCELLED, at=runtime.clock.now())
        member_notices.withdraw_all_in(session, item.claimed.id)
        roll_calls.withdraw_all_in(session, item.claimed.id)
        return "cancelled"
    state, name = _state_after(delivered.get(message_id))
    delivery = delivered.get(message_id)
    if state is LetterState.FAILED:
        member_notices.withdraw_all_in(session, item.claimed.id)
    letters.mark(
        session,
        message_id,
        state,
        at=runtime.clock.now(),
        subject=item.letter.subject if item.letter else "",
        detail=delivery.detail if delivery else "",
    )
    return name


def _take_back(runtime: Runtime, session: Session, item: Written) -> None:
    """Take back what had lost its reason when the letter was written, and note why the unit was not written to."""
    letters.cancel_reminders(session, {reminder.id: reason for reminder, reason in item.lapsed})
    skips = [Skip(duty_id=reminder.duty_id, reason=reason, rung_code=reminder.rung) for reminder, reason in item.lapsed]
    letters.note_skips(session, skips, at=runtime.clock.now())
    member_notices.withdraw(session, item.lapsed_notices)


def _state_after(delivery: Delivery | None) -> tuple[LetterState, str]:
    """Return the ledger's state after a try; one that was not handed over waits for the next run."""
    if delivery is None:
        return LetterState.QUEUED, "again"
    if delivery.is_sent:
        return LetterState.SENT, "sent"
    if delivery.is_permanent:
        return LetterState.FAILED, "failed"
    return (LetterState.UNKNOWN, "unknown") if delivery.is_unknown else (LetterState.QUEUED, "again")


def _count_what_is_left(runtime: Runtime, counts: Counter[str], kinds: Sequence[LetterKind]) -> None:
    with runtime.sessions() as session:
        by_state = letters.count_by_state(session, kinds)
    counts["waiting"] = by_state.get(LetterState.QUEUED, 0)
    counts["doubtful"] = by_state.get(LetterState.UNKNOWN, 0)
    if counts["doubtful"]:
        logger.warning(runtime.texts.say("log.letters_in_doubt", n=counts["doubtful"]))


def _is_office_hour(runtime: Runtime, now: datetime) -> bool:
    return all(programme.office_hours.contains(now, programme.calendar) for programme in runtime.programmes.values())
