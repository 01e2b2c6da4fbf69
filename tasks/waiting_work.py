"""Gathers what waits for a person, the longest first: for the page of the day, and a daily letter to the operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import arrivals, letters
from models.db.records.arrivals import JudgedArrival
from models.db.records.letters import ClaimedLetter
from models.db.tables import LetterRow
from models.domain.calendar import WorkingCalendar
from models.domain.vocabulary import OFFICE_ZONE, LetterKind, LetterState
from tasks.adapters.rendering import Envelope, OperatorContext
from tasks.names import run_name
from tasks.ports import Letter
from tasks.runtime import Runtime

DAYS_SECRET_IS_SHOWN = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingWork:
    """What waits for a person, in sentences; letters as recipient, subject and what the mail server said."""

    overdue: tuple[str, ...]
    """What has waited longer than it may."""
    held: tuple[str, ...]
    refused: tuple[str, ...]
    """What bore a marking of secrecy: who sent it and when, and no more."""
    deferred: tuple[str, ...]
    doubtful: Sequence[tuple[str, str, str]]
    failed: Sequence[tuple[str, str, str]]

    @property
    def is_nothing(self) -> bool:
        """Say whether nobody has anything to do."""
        return not (self.overdue or self.held or self.refused or self.deferred or self.doubtful or self.failed)


def waiting_work(runtime: Runtime, session: Session, as_of: datetime) -> WaitingWork:
    """Return what waits for a person at the instant."""
    calendar = next(iter(runtime.programmes.values())).calendar
    today, limit = as_of.astimezone(OFFICE_ZONE).date(), runtime.settings.quarantine_working_days
    held = [(item, _days_waited(item, today, calendar)) for item in arrivals.in_quarantine(session)]
    return WaitingWork(
        overdue=tuple(_line(runtime, item, days) for item, days in held if days > limit),
        held=tuple(_line(runtime, item, days) for item, days in held if days <= limit),
        refused=tuple(
            runtime.texts.say(
                "people.refused",
                sender=item.envelope.sender or "–",
                received=runtime.texts.instant(item.received_at),
            )
            for item in arrivals.secret_since(session, as_of - timedelta(days=DAYS_SECRET_IS_SHOWN))
        ),
        deferred=tuple(
            runtime.texts.say("people.deferred", sender=sender, n=n, limit=runtime.settings.arrivals_per_sender_hour)
            for sender, n in arrivals.unjudged_by_sender(session)
        ),
        doubtful=letters.letters_in_state(session, LetterState.UNKNOWN),
        failed=letters.letters_in_state(session, LetterState.FAILED),
    )


@task(name="tell-operator", task_run_name=run_name("tell_operator"), cache_policy=NO_CACHE)
def queue_operator_letter(runtime: Runtime, as_of: datetime) -> int:
    """Queue today's letter to the operator when something waits, in office hours; return how many are new (0 or 1)."""
    programme = next(iter(runtime.programmes.values()))
    recipient = runtime.settings.operator_address
    if not recipient or not programme.office_hours.contains(as_of, programme.calendar):
        return 0
    day = as_of.astimezone(OFFICE_ZONE).date()
    key = f"{LetterKind.OPERATOR.value}|{recipient}|{day.isoformat()}"
    letter = LetterRow(
        key=key,
        message_id=letters.message_id_of(key, runtime.settings.mail_from.rpartition("@")[2]),
        kind=LetterKind.OPERATOR,
        recipient=recipient,
        day=day,
        state=LetterState.QUEUED,
        queued_at=as_of,
    )
    with runtime.sessions.begin() as session:
        if waiting_work(runtime, session, as_of).is_nothing:
            return 0
        return int(letters.queue_letter(session, letter) is not None)


def operator_letter(runtime: Runtime, session: Session, item: ClaimedLetter, now: datetime) -> Letter | None:
    """Return the letter to the operator as things stand now; None when nothing waits any more."""
    work = waiting_work(runtime, session, now)
    if work.is_nothing:
        return None
    context = OperatorContext(
        programme=next(iter(runtime.programmes.values())),
        as_of=now,
        doubtful=tuple((recipient, subject) for recipient, subject, _ in work.doubtful),
        failed=tuple(work.failed),
        held=(*work.overdue, *work.held),
        notes=(*work.refused, *work.deferred),
        n_overdue=len(work.overdue),
    )
    return runtime.renderer.operator(context, Envelope(to=item.recipient, message_id=item.message_id))


def _line(runtime: Runtime, item: JudgedArrival, days: int) -> str:
    texts = runtime.texts
    said = texts.say(
        "people.held",
        sender=item.envelope.sender or "–",
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
