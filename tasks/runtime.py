"""The composition root: one Runtime with everything a task may need, handed to every task as an argument."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from typing import Final, Self

from sqlalchemy.orm import Session, sessionmaker

from models.db.engine import migrate, open_engine
from models.db.sessions import chaining_sessions
from models.domain.cycles import Cycle
from models.domain.errors import UnknownObligationError
from models.domain.plan import Obligation, Programme
from tasks.adapters.archive import archive_at
from tasks.adapters.clock import FixedClock, SystemClock
from tasks.adapters.inbox import DropFolder, ImapInbox
from tasks.adapters.mail_reading import reply_phrases, roll_call_phrases
from tasks.adapters.programme import load_programme
from tasks.adapters.rendering import Renderer, vietnamese_renderer
from tasks.adapters.smtp import SmtpTransport
from tasks.adapters.texts import Texts, vietnamese
from tasks.adapters.workbooks import form_words
from tasks.adapters.workbooks.pool import GuardedReader
from tasks.ports import (
    Archive,
    Clock,
    FormReader,
    Inbox,
    MailTransport,
    Spread,
)
from tasks.release import refuse_database_of_one_machine, refuse_other_place, release_in_use, take_over
from tasks.settings import Settings


class Runtime:
    """Everything a task may need. An ordinary class: Prefect would walk through every field of a dataclass."""

    def __init__(  # noqa: PLR0913 - the one place where all ports meet
        self,
        *,
        settings: Settings,
        programmes: Mapping[str, Programme],
        sessions: sessionmaker[Session],
        clock: Clock,
        texts: Texts,
        archive: Archive,
        renderer: Renderer,
        mail: MailTransport,
        mailbox: Inbox | None,
        drop_folder: Inbox,
        reader: FormReader,
    ) -> None:
        """Keep what it is given."""
        self.settings: Final = settings
        self.programmes: Final = programmes
        self.sessions: Final = sessions
        self.clock: Final = clock
        self.texts: Final = texts
        self.archive = archive
        self.spread: Spread | None = None
        """Who does heavy steps in pieces; None: whoever holds this Runtime."""
        self.renderer: Final = renderer
        self.mail: Final = mail
        self.mailbox: Final = mailbox
        self.drop_folder: Final = drop_folder
        self.reader: Final = reader
        self.form_words: Final = form_words(texts)
        self.reply_phrases: Final = reply_phrases(texts)
        self.roll_call_phrases: Final = roll_call_phrases(texts)

    def with_archive(self, archive: Archive) -> Self:
        """Return a Runtime that shares all but the archive, for a trial that leaves nothing behind."""
        other = copy(self)
        other.archive = archive
        return other

    def with_spread(self, spread: Spread) -> Self:
        """Return a Runtime that shares all, and has its heavy steps done by others."""
        other = copy(self)
        other.spread = spread
        return other

    def programme_with(self, obligation_code: str) -> tuple[Programme, Obligation]:
        """Return the programme that lays down an obligation, and the obligation, by its code or slug.

        Raises:
            UnknownObligationError: no programme has it.
        """
        for programme in self.programmes.values():
            for obligation in programme.obligations:
                if obligation_code in {obligation.code, obligation.slug}:
                    return programme, obligation
        known = ", ".join(o.code for programme in self.programmes.values() for o in programme.obligations)
        raise UnknownObligationError(obligation=obligation_code, known=known)

    @property
    def settled_along(self) -> dict[str, list[str]]:
        """By obligation the codes of those that its complete answer settles, too."""
        found: dict[str, list[str]] = {}
        for programme in self.programmes.values():
            for obligation in programme.obligations:
                if obligation.also_settled_by is not None:
                    found.setdefault(obligation.also_settled_by, []).append(obligation.code)
        return found

    def programme_of(self, cycle: Cycle) -> Programme:
        """Return the programme of an opened cycle."""
        return self.programmes[cycle.programme_code]


@contextmanager
def open_runtime(settings: Settings, *, takes_over: bool = False) -> Iterator[Runtime]:
    """Yield a Runtime over the real adapters, with the database's schema up to date, and let go of all of it after.

    With `takes_over` the office works with this machine's release, plans, store and folder from now on, and the others
    are held to them.

    Raises:
        OtherReleaseError: the office works with another release or plan than this machine.
        DatabaseRefusedError, FileStoreRefusedError: database, store or shared folder cannot be worked with, or are not
            the office's.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    # Prefect hands the lines of these loggers to its pages, and leaves their level to us.
    logging.getLogger("tasks").setLevel(logging.INFO)
    texts = vietnamese()
    engine = open_engine(settings.url)
    clock = FixedClock(settings.virtual_now) if settings.virtual_now else SystemClock()
    programmes = {p.code: p for p in map(load_programme, settings.programmes)}
    desk = next(iter(programmes.values())).desk
    mail = SmtpTransport(
        settings.smtp,
        sender=settings.mail_from,
        sender_name=desk.sender_name,
        journal_to=settings.mail_from if settings.journal and settings.imap.host else "",
        clock=clock,
    )
    reader = GuardedReader(settings.limits)
    drop_folder = DropFolder(settings.drop_folder, settings.limits, clock=clock)
    mailbox = ImapInbox(settings.imap, settings.limits) if settings.imap.host else None
    with ExitStack() as stack:
        for let_go in _endings(engine.dispose, mail.close, reader.close, mailbox.close if mailbox else None):
            stack.callback(let_go)
        refuse_database_of_one_machine(engine, settings.prefect)
        archive = archive_at(settings.files_url, settings.shared / "archive", settings.files_options.get_secret_value())
        noted = None if takes_over else release_in_use(engine, programmes)
        if noted is None:
            migrate(engine)
        else:
            refuse_other_place(noted, archive, settings.shared)
        if takes_over:
            take_over(engine, programmes, archive, settings.shared, at=clock.now())
        yield Runtime(
            settings=settings,
            programmes=programmes,
            sessions=chaining_sessions(engine, clock.now),
            clock=clock,
            texts=texts,
            archive=archive,
            renderer=vietnamese_renderer(),
            mail=mail,
            mailbox=mailbox,
            drop_folder=drop_folder,
            reader=reader,
        )


def _endings(*endings: Callable[[], None] | None) -> list[Callable[[], None]]:
    return [ending for ending in endings if ending is not None]
