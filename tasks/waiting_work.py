"""Gathers what waits for a person, the longest first: for the page of the day, the digests and the status board."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import arrivals, editions, heartbeats, letters
from models.db.records.arrivals import JudgedArrival
from models.db.records.letters import StuckLetter
from models.domain.calendar import WorkingCalendar
from models.domain.cycles import Cycle
from models.domain.vocabulary import OFFICE_ZONE, Channel, ContactHealth, LetterState, Standing
from tasks.adapters.texts import Texts
from tasks.board import Board, DutyLine
from tasks.contact_board import ContactBoard, contact_boards
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
class WaitingDraft:
    """The newest official letter of a cycle that lies ready to be signed, while anybody is late there."""

    cycle: Cycle
    rung: str
    drafted_at: datetime
    n_units: int
    """So many it names."""
    n_late: int
    """So many are late at the instant that is spoken of."""
    path: str
    """Below the shared folder."""

    @property
    def names_too_many(self) -> bool:
        """Say whether units have answered since, so that their names are to be struck out before it is signed."""
        return self.n_late < self.n_units


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
    drafts: tuple[WaitingDraft, ...]
    unreached: tuple[tuple[Cycle, DutyLine], ...]
    """Units of open cycles that owe an answer and that nothing we write would reach."""
    coming: tuple[ContactBoard, ...]
    """The cycles whose roll-call goes on."""

    @property
    def n(self) -> int:
        """How many things need a person: the one count of every page and letter that gives one."""
        mails = len(self.overdue) + len(self.held) + len(self.refused) + len(self.deferred)
        n_contacts = sum(
            len(board.with_health(ContactHealth.UNREACHABLE)) + bool(board.with_health(ContactHealth.UNCONFIRMED))
            for board in self.coming
        )
        return mails + self.n_letters + len(self.drafts) + len(self.unreached) + n_contacts

    @property
    def n_letters(self) -> int:
        """How many letters failed or are in doubt."""
        return len(self.doubtful) + len(self.failed)


def waiting_work(runtime: Runtime, session: Session, as_of: datetime, boards: Sequence[Board]) -> WaitingWork:
    """Return what waits for a person at the instant, whose `boards` are those of the open cycles."""
    calendar = next(iter(runtime.programmes.values())).calendar
    today, limit = as_of.astimezone(OFFICE_ZONE).date(), runtime.settings.quarantine_working_days
    held = [(item, _days_waited(item, today, calendar)) for item in arrivals.in_quarantine(session)]
    every_stuck = letters.stuck_letters(session)
    stuck = [each for each in every_stuck if each.at >= as_of - SHOWN_FOR]
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
        n_older_letters=len(every_stuck) - len(stuck),
        drafts=tuple(draft for board in boards if (draft := waiting_draft(session, board)) is not None),
        unreached=tuple((board.cycle, line) for board in boards for line in board.lines if line.cannot_be_reached),
        coming=tuple(contact_boards(runtime, as_of)),
    )


def waiting_draft(session: Session, board: Board) -> WaitingDraft | None:
    """Return the draft that waits for a signature at the board's instant; None when there is none, or nobody is late.

    An older one is no work any more: whoever is late still stands in the newest.
    """
    drafts = [each for each in editions.drafts_of(session, board.cycle.code) if each.as_of <= board.as_of]
    n_late = sum(line.standing is Standing.LATE for line in board.lines)
    if not drafts or not n_late:
        return None
    newest = drafts[-1]
    return WaitingDraft(
        cycle=board.cycle,
        rung=newest.rung,
        drafted_at=newest.as_of,
        n_units=newest.n_units,
        n_late=n_late,
        path=newest.path,
    )


def draft_sentence(texts: Texts, draft: WaitingDraft) -> str:
    """Return what is said of a draft: whom it was of, and that some have answered since."""
    return texts.say(
        "people.draft_of_more" if draft.names_too_many else "people.draft",
        title=draft.cycle.title,
        rung=texts.say(f"rung.{draft.rung}"),
        day=texts.day(draft.drafted_at.astimezone(OFFICE_ZONE).date()),
        n=draft.n_units,
        n_late=draft.n_late,
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
