"""Gathers what waits for a person, the longest first: for the page of the day, and the daily digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import arrivals, heartbeats, letters
from models.db.records.arrivals import JudgedArrival
from models.db.records.letters import StuckLetter
from models.domain.calendar import WorkingCalendar
from models.domain.vocabulary import OFFICE_ZONE, Channel, LetterState
from tasks.receive import MAILBOX_POLLED
from tasks.runtime import Runtime

SHOWN_FOR: Final = timedelta(days=14)
"""What nobody can end by an act of his own is shown so long; `dondoc letters` and the status board know the rest."""
DAYS_COPIES_ARE_MISSED: Final = timedelta(days=3)
COPIES_MISSED_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMail:
    """A mail that a person must assign, and what is said of it."""

    arrival: JudgedArrival
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingWork:
    """What waits for a person, in sentences; letters as they stand in the outbox."""

    overdue: tuple[HeldMail, ...]
    """What has waited longer than it may."""
    held: tuple[HeldMail, ...]
    refused: tuple[str, ...]
    """What bore a marking of secrecy: who sent it and when, and no more."""
    deferred: tuple[str, ...]
    doubtful: Sequence[StuckLetter]
    failed: Sequence[StuckLetter]
    n_older_letters: int
    """How many more failed or are in doubt for longer than is shown."""


def waiting_work(runtime: Runtime, session: Session, as_of: datetime) -> WaitingWork:
    """Return what waits for a person at the instant."""
    calendar = next(iter(runtime.programmes.values())).calendar
    today, limit = as_of.astimezone(OFFICE_ZONE).date(), runtime.settings.quarantine_working_days
    held = [(item, _days_waited(item, today, calendar)) for item in arrivals.in_quarantine(session)]
    stuck = letters.stuck_letters(session, since=as_of - SHOWN_FOR)
    return WaitingWork(
        overdue=tuple(_mail(runtime, item, days) for item, days in held if days > limit),
        held=tuple(_mail(runtime, item, days) for item, days in held if days <= limit),
        refused=tuple(
            runtime.texts.say(
                "people.refused",
                sender=item.envelope.sender or "–",
                received=runtime.texts.instant(item.received_at),
            )
            for item in arrivals.secret_since(session, as_of - SHOWN_FOR)
        ),
        deferred=tuple(
            runtime.texts.say("people.deferred", sender=sender, n=n, limit=runtime.settings.arrivals_per_sender_hour)
            for sender, n in arrivals.unjudged_by_sender(session)
        ),
        doubtful=(
            *(each for each in stuck if each.state is LetterState.UNKNOWN),
            *_never_copied(runtime, session),
        ),
        failed=tuple(each for each in stuck if each.state is LetterState.FAILED),
        n_older_letters=len(letters.stuck_letters(session)) - len(stuck),
    )


def _never_copied(runtime: Runtime, session: Session) -> list[StuckLetter]:
    """Return letters that the mail server says it took, and of which our own mailbox never got the blind copy."""
    polled_at = heartbeats.last_beat(session, MAILBOX_POLLED)
    has_journal = runtime.settings.journal and runtime.mailbox is not None
    if not has_journal or polled_at is None or arrivals.unjudged_keys(session, Channel.MAIL):
        return []
    return letters.sent_without_copy(
        session,
        sent_after=polled_at - DAYS_COPIES_ARE_MISSED,
        sent_before=polled_at - timedelta(minutes=runtime.settings.journal_wait_minutes),
        limit=COPIES_MISSED_SHOWN,
    )


def _mail(runtime: Runtime, item: JudgedArrival, days: int) -> HeldMail:
    return HeldMail(arrival=item, sentence=_line(runtime, item, days))


def _line(runtime: Runtime, item: JudgedArrival, days: int) -> str:
    texts = runtime.texts
    said = texts.say(
        "people.held",
        sender=item.whence or "–",
        received=received(runtime, item),
        days=days,
        reasons="; ".join(texts.finding(reason) for reason in item.reasons),
    )
    is_overdue = days > runtime.settings.quarantine_working_days
    return texts.say("people.overdue", line=said) if is_overdue else said


def received(runtime: Runtime, item: JudgedArrival) -> str:
    """Return when something was received, beside the number and the day of the signed document where it has one."""
    texts, envelope = runtime.texts, item.envelope
    at = texts.instant(item.received_at)
    if envelope.signed_on is None and not envelope.document_number:
        return at
    signed = texts.day(envelope.signed_on) if envelope.signed_on is not None else "–"
    return texts.say("people.signed", received=at, number=envelope.document_number or "–", signed=signed)


def _days_waited(item: JudgedArrival, today: date, calendar: WorkingCalendar) -> int:
    return calendar.n_working_days(item.received_at.astimezone(OFFICE_ZONE).date(), today)
