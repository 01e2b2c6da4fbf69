"""One small office for the tests of tasks: a real database, a real post office, real workbooks, and a clock we set."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import event

from deployments.postoffice import PostOffice, mails_for, write_now
from deployments.simulated_units import Act, Correspondent, Habit, SimulatedUnit, post
from models.db.records import arrivals, cycles
from models.db.records.letters import ClaimedLetter
from models.domain.vocabulary import LetterKind
from tasks.adapters.texts import vietnamese
from tasks.chase import queue_due_reminders, queue_reminders_of_others
from tasks.draft import draft_official_letters
from tasks.letters import write_letters
from tasks.open_cycles import active_cycles, open_due_cycles, stamp_missing_forms
from tasks.post import post_letters, together
from tasks.receive import file_arrivals_away
from tasks.runtime import Runtime, open_runtime
from tasks.settings import ImapSettings, LimitSettings, Settings, SmtpSettings
from tasks.take_and_judge import take_and_judge
from tasks.tell_members import queue_member_letters
from tests.builders import hanoi
from tests.chained import hold_the_chain
from tests.mail_servers import RealPostOffice
from tests.postgresql import Server

TESTED_ON = os.environ.get("DONDOC_TEST_DATABASE", "sqlite")
"""`postgresql`: every office of these tests keeps its data there; slower, and asked for by hand."""
ANSWERS = (LetterKind.RECEIPT, LetterKind.RETURN, LetterKind.HELD, LetterKind.SEVERAL, LetterKind.OPERATOR)


@dataclass
class Office:
    """A home with its post office. Each step opens a Runtime of its own, as each flow run does."""

    home: Path
    mail: PostOffice | RealPostOffice
    settings: dict[str, object] = field(default_factory=dict)
    authserv_id: str = ""
    is_chained: bool = True
    """A test that writes past the program on purpose says no, and its audit is not held to its rows."""

    @contextmanager
    def at(self, instant: str | datetime) -> Iterator[Runtime]:
        """Yield a Runtime whose clock stands at the instant."""
        now = hanoi(instant) if isinstance(instant, str) else instant
        write_now(self.mail.home, now)
        account = self.mail.account
        settings = Settings(
            home=self.home,
            virtual_now=now,
            mail_from=account.address,
            smtp=SmtpSettings(host="127.0.0.1", port=self.mail.smtp_port),
            imap=ImapSettings(
                host="127.0.0.1",
                port=self.mail.imap_port,
                username=account.username,
                password=account.password,
                security="none",
                authserv_id=self.authserv_id,
            ),
            limits=LimitSettings(workers=1),
            **self.settings,
        )
        with open_runtime(settings) as runtime:
            yield runtime

    @contextmanager
    def delivered(self, instant: str) -> Iterator[Runtime]:
        """Yield a Runtime of the instant; what was sent before it, and by it, reaches its mailbox."""
        with self.at(instant) as runtime:
            self.mail.settle()
            yield runtime
        self.mail.settle()

    def round(self, instant: str, obligation: str = "O-20") -> dict[str, int]:
        """Do what the report's round does: open, stamp, decide, send."""
        with self.delivered(instant) as runtime:
            now = runtime.clock.now()
            counts = {"opened": len(open_due_cycles.fn(runtime, obligation, now))}
            codes = active_cycles(runtime, obligation, now)
            stamp_missing_forms.fn(runtime, codes)
            for code in codes:
                counts |= queue_due_reminders.fn(runtime, code, now)
            queue_reminders_of_others.fn(runtime, codes, now)
            counts |= post_letters.fn(runtime, [LetterKind.CHASE])
            counts["told_to_members"] = queue_member_letters.fn(runtime, now)
            return together(counts, post_letters.fn(runtime, [LetterKind.MEMBER]))

    def late_with_a_draft(self) -> None:
        """Let all be late until 27 June 2025, with an official letter drafted that morning."""
        for instant in ("2025-06-17 08:00", "2025-06-27 08:00"):
            self.round(instant)
        with self.at("2025-06-27 08:00") as runtime:
            assert draft_official_letters.fn(runtime, ["bc-6t-2025"], runtime.clock.now()) >= 1

    def poll(self, instant: str) -> dict[str, int]:
        """Do what the mailbox's round does: take, judge, answer, file away."""
        with self.delivered(instant) as runtime:
            counts = take_and_judge.fn(runtime, runtime.clock.now())
            counts |= post_letters.fn(runtime, ANSWERS)
            return counts | {"filed": file_arrivals_away.fn(runtime)}

    def letters_to(self, address: str) -> list[EmailMessage]:
        """Return the letters that an address has received."""
        received = mails_for(self.mail.home, address)
        return [message_from_bytes(content, policy=policy.default) for content in received]

    def send(self, unit: str, act: str, instant: str) -> None:
        """Let a unit answer its newest letter that has a form."""
        simulated = SimulatedUnit(code=unit, address=address_of(unit), habit=Habit.ON_TIME)
        with self.at(instant) as runtime:
            with runtime.sessions() as session:
                form = cycles.cycle(session, "bc-6t-2025").terms.form
            answer = Correspondent(form, vietnamese()).write(
                Act(unit_code=unit, day="", name=act),
                simulated,
                mails_for(self.mail.home, simulated.address),
                hanoi(instant),
            )
        assert answer is not None, f"{unit} has no letter to answer"
        post([answer], port=self.mail.smtp_port)
        self.mail.settle()

    def duty(self, unit: str, cycle: str = "bc-6t-2025") -> cycles.DutyRecord:
        """Return what is recorded of a unit's duty."""
        with self.at("2026-01-01 08:00") as runtime, runtime.sessions() as session:
            chunks = cycles.duties_in_chunks(session, cycle, size=500)
            return next(record for chunk in chunks for record in chunk if record.duty.unit_code == unit)

    def quarantine(self) -> list[arrivals.JudgedArrival]:
        """Return what waits for a person."""
        with self.at("2026-01-01 08:00") as runtime, runtime.sessions() as session:
            return arrivals.in_quarantine(session)

    def hold_the_chain(self) -> None:
        """Fail where a test has let something that is covered be written without an entry of the audit."""
        file = self.home / "dondoc.db"
        if self.is_chained and ("database_url" in self.settings or file.exists()):
            hold_the_chain(str(self.settings.get("database_url", f"sqlite:///{file}")))


def address_of(unit: str) -> str:
    """Return the address of a unit's desk in the shipped roster."""
    return f"baocao.{unit}@example.invalid"


def n_queries_to_write(runtime: Runtime, claimed: Sequence[ClaimedLetter]) -> int:
    """Write claimed letters, and return how many queries that took."""
    asked: list[str] = []
    with runtime.sessions() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *said: asked.append(said[2]))
        written = write_letters(runtime, session, claimed, runtime.clock.now())
    assert all(item.letter is not None for item in written)
    return len(asked)


class HomesOwnFile:
    """SQLite: the database is a file of the home, and is copied with it."""

    def new(self) -> dict[str, object]:
        """Return the settings of a home whose database is new."""
        return {}

    def copy(self, settings: dict[str, object]) -> dict[str, object]:
        """Return the settings of a home that is a copy of one with these settings."""
        return dict(settings)


@dataclass(frozen=True)
class OnServer:
    """PostgreSQL: each home has a database of its own on the server of the tests."""

    server: Server

    def new(self) -> dict[str, object]:
        """Return the settings of a home whose database is new."""
        return {"database_url": self.server.new_database()}

    def copy(self, settings: dict[str, object]) -> dict[str, object]:
        """Return the settings of a home that is a copy of one with these settings."""
        return settings | {"database_url": self.server.copy(str(settings["database_url"]))}


@pytest.fixture(scope="session")
def databases(request):
    """Where the offices of these tests keep their data."""
    return HomesOwnFile() if TESTED_ON == "sqlite" else OnServer(request.getfixturevalue("postgresql"))


@pytest.fixture
def office(tmp_path, post_office, databases):
    """An office on the day before the six-month report of 2025 opens."""
    office = Office(home=tmp_path / "home", mail=post_office, settings=databases.new())
    yield office
    office.hold_the_chain()


@pytest.fixture(scope="session")
def opened_home(tmp_path_factory, databases):
    """An office whose six-month report of 2025 has just opened; to be copied, not used.

    The blind copies of the opening letters are taken in and gone from the mailbox, or each test would read all of them.
    """
    folder = tmp_path_factory.mktemp("opened")
    with PostOffice(folder / "office") as mail:
        opened = Office(home=folder / "home", mail=mail, settings=databases.new())
        opened.round("2025-05-16 08:00")
        opened.poll("2025-05-16 08:05")
    for copy in (folder / "office" / "mailbox").rglob("*.eml"):
        copy.unlink()
    return opened


@contextmanager
def copied(opened: Office, databases: HomesOwnFile | OnServer, folder: Path) -> Iterator[Office]:
    """Yield an office that goes on in a folder of its own from where another one stands."""
    shutil.copytree(opened.home, folder / "home")
    shutil.copytree(opened.mail.home, folder / "office")
    with PostOffice(folder / "office") as mail:
        yield Office(home=folder / "home", mail=mail, settings=databases.copy(opened.settings))


@pytest.fixture(scope="module")
def replay_office(tmp_path_factory, opened_home, databases):
    """An office of its own for the tests of one file that look at the same replay."""
    with copied(opened_home, databases, tmp_path_factory.mktemp("replay")) as office:
        yield office
        office.hold_the_chain()


@pytest.fixture
def opened_office(tmp_path, opened_home, databases):
    """An office whose six-month report of 2025 has just opened."""
    with copied(opened_home, databases, tmp_path) as office:
        yield office
        office.hold_the_chain()
