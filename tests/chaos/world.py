"""An office whose mail servers are in memory, so that a year of days, faults and acts takes seconds.

Database, decisions, letters, workbooks and the guarded reader are the real ones.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from models.db.engine import migrate, open_engine
from models.db.records.letters import ONE_A_DAY
from models.db.sessions import chaining_sessions
from models.db.tables import DutyMarkRow, DutyRow, LetterRow, ReminderRow, ReopeningRow
from models.domain.errors import MailboxUnavailableError, MailServerUnavailableError
from models.domain.vocabulary import OFFICE_ZONE, LetterKind, MarkKind, Outcome
from tasks.adapters.archive import FolderArchive
from tasks.adapters.clock import FixedClock
from tasks.adapters.inbox import DropFolder
from tasks.adapters.mime import build_message
from tasks.adapters.programme import load_programme
from tasks.adapters.rendering import vietnamese_renderer
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks.pool import GuardedReader
from tasks.ports import Delivery, InboxItem, Letter
from tasks.runtime import Runtime
from tasks.settings import ImapSettings, LimitSettings, Settings

US = "baocao@dondoc.example.invalid"


class MailFault(StrEnum):
    """What the outgoing mail server does."""

    NONE = "none"
    DOWN = "down"
    DOWN_AFTER_ONE = "down after one letter"
    GREYLISTS = "greylists"
    REFUSES = "refuses one recipient"
    LOST_AFTER_TEXT = "takes the text and drops the connection"
    LOST_TEXT = "drops the connection and forgets the text"


@dataclass
class Post:
    """Both mail servers: what each address has received, what waits for us, and what they do wrong."""

    received: dict[str, list[bytes]] = field(default_factory=dict)
    waiting_mails: dict[str, InboxItem] = field(default_factory=dict)
    filed: dict[str, Outcome] = field(default_factory=dict)
    fault: MailFault = MailFault.NONE
    faulty_for: str = ""
    is_mailbox_down: bool = False
    n_put: int = 0

    @property
    def waits_of_units(self) -> bool:
        """Say whether anything waits in our mailbox but blind copies of our own letters."""
        return any(US.encode() not in _sender(item) for item in self.waiting_mails.values())

    def put(self, content: bytes, at: datetime) -> None:
        """Lay a mail into our mailbox."""
        self.n_put += 1
        key = f"imap:{self.n_put}"
        self.waiting_mails[key] = InboxItem(key=key, received_at=at, content=content)


def _sender(item: InboxItem) -> bytes:
    return next(line for line in item.content.splitlines() if line.lower().startswith(b"from:"))


class World:
    """The office: its database, its post, its clock, and what every letter that left has said."""

    def __init__(self, home: Path, url: str, reader: GuardedReader, now: datetime) -> None:
        self.now = now
        self.post = Post()
        self.home = home
        self.said_on: Counter[tuple[str, object]] = Counter()
        self.rungs_told: Counter[tuple[int, str, str, str]] = Counter()
        self.told_though_answered: list[str] = []
        self.commits_left: int | None = None
        self.n_commits = 0
        self._engine = open_engine(url)
        migrate(self._engine)
        event.listen(self._engine, "commit", self._note_commit)
        self._reader = reader
        self._sessions = chaining_sessions(self._engine, lambda: self.now)
        event.listen(self._sessions, "before_commit", self._perhaps_lost)
        self._settings = Settings(
            home=home, mail_from=US, imap=ImapSettings(host="in memory"), limits=LimitSettings(workers=1)
        )
        self._programmes = {p.code: p for p in map(load_programme, self._settings.programmes)}

    def runtime(self) -> Runtime:
        """Return what a run of this moment works with."""
        clock = FixedClock(self.now)
        return Runtime(
            settings=self._settings,
            programmes=self._programmes,
            sessions=self._sessions,
            clock=clock,
            texts=vietnamese(),
            archive=FolderArchive(self.home / "archive"),
            renderer=vietnamese_renderer(),
            mail=_Outgoing(self),
            mailbox=_Mailbox(self.post),
            drop_folder=DropFolder(self.home / "drop", self._settings.limits, clock=clock),
            reader=_Shared(self._reader),
        )

    def close(self) -> None:
        self._engine.dispose()

    def note_delivery(self, letter: Letter) -> None:
        """Keep what a letter that really went out has said, and to whom."""
        content = build_message(letter, sender=US, sender_name="Ban Chỉ đạo", sent_at=self.now)
        for address in (letter.to, *letter.copies):
            self.post.received.setdefault(address, []).append(content)
        self.post.put(content, self.now)  # the blind copy
        with self._sessions() as session:
            row = session.scalars(select(LetterRow).where(LetterRow.message_id == letter.message_id)).one()
            if row.kind in ONE_A_DAY:
                self.said_on[letter.to, self.now.astimezone(OFFICE_ZONE).date()] += 1
            if row.kind != LetterKind.CHASE:
                return
            told = session.scalars(
                select(ReminderRow).where(ReminderRow.letter_id == row.id, ReminderRow.cancelled_because.is_(None))
            ).all()
            settled = {
                duty_id for duty_id in {each.duty_id for each in told} if _is_settled(session, duty_id, self.now)
            }
        for each in told:
            duty = f"{each.duty_id} {each.rung}"
            if each.duty_id not in settled:
                self.rungs_told[each.duty_id, each.rung, each.recipient, each.occasion] += 1
            elif f"duty-{each.duty_id}" in self._spoken_of(letter):
                self.told_though_answered.append(f"{letter.to} {duty} {self.now}")

    def _spoken_of(self, letter: Letter) -> set[str]:
        with self._sessions() as session:
            tokens = session.execute(select(DutyRow.id, DutyRow.token)).all()
        return {
            f"duty-{duty_id}" for duty_id, token in tokens if token in letter.text + letter.reply_to + letter.subject
        }

    def _note_commit(self, _connection: object) -> None:
        self.n_commits += 1

    def _perhaps_lost(self, _session: object) -> None:
        if self.commits_left is None:
            return
        self.commits_left -= 1
        if self.commits_left < 0:
            raise OperationalError("COMMIT", {}, Exception("the database has gone away"))


def _is_settled(session, duty_id: int, now: datetime) -> bool:
    """Say from the bare facts whether a duty was answered or waived, and not given back since."""
    duty = session.get(DutyRow, duty_id)
    since = max(session.scalars(select(ReopeningRow.reopened_at).where(ReopeningRow.duty_id == duty_id)), default=None)
    marks = session.scalars(select(DutyMarkRow).where(DutyMarkRow.duty_id == duty_id)).all()
    lapsing = {MarkKind.NIL, MarkKind.WAIVER, MarkKind.DONE}
    is_marked = any(m.kind in lapsing and m.stated_at <= now and (since is None or m.stated_at > since) for m in marks)
    return is_marked or (duty.completed_at is not None and duty.completed_at <= now)


class _Outgoing:
    """The outgoing mail server, with its faults."""

    def __init__(self, world: World) -> None:
        self._world = world

    def deliver(self, letters: Sequence[Letter]) -> Iterator[Delivery]:
        for n, letter in enumerate(letters):
            yield self._one(n, letter)

    def _one(self, n: int, letter: Letter) -> Delivery:
        post = self._world.post
        is_meant = letter.to == post.faulty_for or not post.faulty_for
        match post.fault:
            case MailFault.DOWN | MailFault.DOWN_AFTER_ONE if post.fault is MailFault.DOWN or n:
                raise MailServerUnavailableError(host="in memory", port=25, detail="down")
            case MailFault.GREYLISTS if is_meant:
                return Delivery(message_id=letter.message_id, is_sent=False, detail="451 later")
            case MailFault.REFUSES if is_meant:
                return Delivery(
                    message_id=letter.message_id, is_sent=False, is_permanent=True, detail="550 no such user"
                )
            case MailFault.LOST_AFTER_TEXT if is_meant:
                self._world.note_delivery(letter)
                return Delivery(message_id=letter.message_id, is_sent=False, is_unknown=True)
            case MailFault.LOST_TEXT if is_meant:
                return Delivery(message_id=letter.message_id, is_sent=False, is_unknown=True)
        self._world.note_delivery(letter)
        return Delivery(message_id=letter.message_id, is_sent=True, detail="250 kept")

    def close(self) -> None:
        """Nothing is open."""


class _Mailbox:
    """Our mailbox; it can be out of reach."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def waiting(self, *, limit: int, taken: AbstractSet[str] = frozenset()) -> Iterator[InboxItem]:
        self._reached()
        new = [item for key, item in self._post.waiting_mails.items() if key not in taken]
        yield from new[:limit]

    def file_away(self, keys: Sequence[str], outcome: Outcome, *, is_secret: bool = False) -> None:
        self._reached()
        for key in keys:
            if self._post.waiting_mails.pop(key, None) is not None:
                assert key not in self._post.filed
                self._post.filed[key] = outcome

    def close(self) -> None:
        """Nothing is open."""

    def _reached(self) -> None:
        if self._post.is_mailbox_down:
            raise MailboxUnavailableError(host="in memory", port=993, folder="INBOX", detail="down")


class _Shared:
    """The guarded reader that goes on when a run ends: its workers would take a second to start each time."""

    def __init__(self, reader: GuardedReader) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)

    def close(self) -> None:
        """Its owner does."""
