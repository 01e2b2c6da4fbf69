"""Rehearses a year: the program's own rounds run under a virtual clock over a home that is thrown away after.

What is decided, recorded, bundled and written is what the real rounds do, by the same tasks; only the mail goes
nowhere, forms are not stamped, and units answer as the scenario says, by facts in the ledger instead of mails.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from sqlalchemy.orm import sessionmaker

from models.db.engine import migrate, open_engine
from models.db.records import cycles, ledger, letters, rosters
from models.domain.closing import close_at
from models.domain.cycles import cycles_to_open
from models.domain.plan import Programme
from models.domain.rehearsal import (
    ROLL_CALL,
    RehearsedDuty,
    RehearsedLetter,
    RehearsedYear,
    Round,
    Scenario,
    SkippedRung,
    SpokenRung,
    answer_at,
    rounds_of_year,
)
from models.domain.vocabulary import OFFICE_ZONE, LetterKind
from tasks.adapters.archive import FolderArchive
from tasks.adapters.inbox import DropFolder
from tasks.adapters.rendering import Renderer
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks.pool import GuardedReader
from tasks.call_roll import queue_roll_calls
from tasks.chase import queue_cycle
from tasks.open_cycles import active_cycles, open_due_cycles
from tasks.ports import Delivery, Letter
from tasks.post import post_letters
from tasks.runtime import Runtime
from tasks.settings import Settings
from tasks.tell_members import queue_member_letters
from tasks.tell_parents import queue_parent_letters


def rehearse(
    programme: Programme,
    scenario: Scenario,
    year: int,
    *,
    hours: Sequence[int],
    heard: Callable[[date, float], None] = lambda _day, _share: None,
) -> RehearsedYear:
    """Return every letter of a year under a scenario, with what was left out and why.

    `hours` are those at which rounds run; `heard` is told the day that begins and the share of the rounds done.
    Nothing real is touched: database and home lie in a folder that is gone when this returns, and no mail leaves.

    Raises:
        NothingToRehearseError: no cycle comes by the calendar in that year.
    """
    rounds = rounds_of_year(programme, scenario, year, hours=hours)
    with _stage(programme, rounds[0].at) as (runtime, clock, mail):
        units = _Units(runtime, scenario)
        for n_done, each in enumerate(rounds):
            heard(each.at.date(), n_done / len(rounds))
            clock.set_to(each.at)
            units.answer(each.at)
            _run(runtime, each, units)
        return _told(runtime, mail, units, year)


class _VirtualClock:
    """A clock that stands where it was set last."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the instant of the round."""
        return self._at

    def set_to(self, at: datetime) -> None:
        """Let a round begin."""
        self._at = at


class _NoMail:
    """Keeps the letters that would leave; satisfies `ports.MailTransport`, and every letter is taken at once."""

    def __init__(self) -> None:
        self.letters: dict[str, Letter] = {}

    def deliver(self, letters: Sequence[Letter]) -> Iterator[Delivery]:
        """Keep them, and say that they were sent."""
        for letter in letters:
            self.letters[letter.message_id] = letter
            yield Delivery(message_id=letter.message_id, is_sent=True)

    def close(self) -> None:
        """There is nothing to say goodbye to."""


class _Units:
    """The units of the scenario: each answers its duty at the instant that was set when its cycle opened."""

    def __init__(self, runtime: Runtime, scenario: Scenario) -> None:
        self._runtime = runtime
        self.scenario = scenario
        self._waiting: dict[int, datetime] = {}
        self.duties: dict[int, RehearsedDuty] = {}
        self.expected: set[str] = set()

    def expect(self, cycle_code: str) -> None:
        """Set when the units of a cycle that has just opened will answer."""
        self.expected.add(cycle_code)
        with self._runtime.sessions() as session:
            cycle = cycles.cycle(session, cycle_code)
            chunks = cycles.duties_in_chunks(session, cycle_code, size=self._runtime.settings.units_per_chunk)
            records = [record for chunk in chunks for record in chunk]
        calendar = self._runtime.programme_of(cycle).calendar
        for place, record in enumerate(records):
            at = answer_at(self.scenario, cycle, calendar, place=place, n_units=len(records))
            if at is not None:
                self._waiting[record.duty.id] = at
            self.duties[record.duty.id] = RehearsedDuty(
                cycle_code=cycle_code,
                unit_code=record.duty.unit_code,
                opens_at=cycle.opens_at,
                closes_at=close_at(cycle, calendar),
                answered_at=at,
            )

    def answer(self, now: datetime) -> None:
        """Record what has been answered by now, with the duties that are settled along, as the intake does."""
        come = {key: at for key, at in self._waiting.items() if at <= now}
        if not come:
            return
        with self._runtime.sessions.begin() as session:
            cycles.settle(session, come, accepted_at=now)
            cycles.settle_sisters(session, come, self._runtime.settled_along, accepted_at=now)
        for key in come:
            del self._waiting[key]


@contextmanager
def _stage(programme: Programme, begins_at: datetime) -> Iterator[tuple[Runtime, _VirtualClock, _NoMail]]:
    """Yield a Runtime over a home of its own that is removed after, whatever this process's settings say."""
    texts, clock, mail = vietnamese(), _VirtualClock(begins_at), _NoMail()
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="dondoc-rehearsal-")))
        settings = Settings(
            home=home, database_url=SecretStr(""), mail_from=programme.desk.address, operator_address=""
        )
        engine = open_engine(f"sqlite:///{home / 'rehearsal.db'}")
        stack.callback(engine.dispose)
        migrate(engine)
        yield (
            Runtime(
                settings=settings,
                programmes={programme.code: programme},
                sessions=sessionmaker(engine, expire_on_commit=False),
                clock=clock,
                texts=texts,
                archive=FolderArchive(home / "archive"),
                renderer=Renderer(texts),
                mail=mail,
                mailbox=None,
                drop_folder=DropFolder(home / "drop", settings.limits, clock=clock),
                reader=GuardedReader(settings.limits),
            ),
            clock,
            mail,
        )


def _run(runtime: Runtime, each: Round, units: _Units) -> None:
    """Do what the rounds of these obligations do at that instant, one after the other.

    Steps that would find nothing to do are left out: they cost most of the time of a year.
    """
    codes = [active for code in each.obligations for active in active_cycles(runtime, code, each.at)]
    for code in each.obligations:
        programme, obligation = runtime.programme_with(code)
        if any(cycle.code not in units.expected for cycle in cycles_to_open(programme, obligation, each.at)):
            opened = open_due_cycles.fn(runtime, code, each.at)
            for new in opened:
                units.expect(new)
            codes += opened
        for active in codes:
            queue_cycle(runtime, active, each.at)
        codes.clear()  # what was open before is decided by whichever round runs first
        with runtime.sessions() as session:
            has_post = bool(letters.queued_reminders(session))
        if has_post:
            post_letters.fn(runtime, [LetterKind.CHASE])
    _tell_the_others(runtime, each.at)


def _tell_the_others(runtime: Runtime, as_of: datetime) -> None:
    """Write to members, contacts whose roll is called and parents, as every round does after its units."""
    if queue_member_letters.fn(runtime, as_of):
        post_letters.fn(runtime, [LetterKind.MEMBER])
    if queue_roll_calls.fn(runtime, as_of):
        post_letters.fn(runtime, [LetterKind.ROLL_CALL])
    if queue_parent_letters.fn(runtime, as_of, is_rehearsed=True):
        post_letters.fn(runtime, [LetterKind.PARENT])


def _told(runtime: Runtime, mail: _NoMail, units: _Units, year: int) -> RehearsedYear:
    with runtime.sessions() as session:
        told, untold = ledger.told_rungs(session), ledger.untold_rungs(session)
        asked = ledger.told_roll_calls(session)
        (programme,) = runtime.programmes
        names = rosters.unit_names(session, programme, {each.unit_code for each in asked})
    sent = [_letter(list(group), mail) for _, group in groupby(told, key=lambda rung: rung.message_id)]
    sent += [_roll_call(list(group), names) for _, group in groupby(asked, key=lambda each: each.message_id)]
    sent.sort(key=lambda letter: letter.at)
    skipped = [
        SkippedRung(at=s.at, cycle_code=s.cycle_code, unit_code=s.unit_code, rung=s.rung, reason=s.reason)
        for s in untold
    ]
    return RehearsedYear(
        year=year,
        scenario=units.scenario,
        letters=tuple(letter for letter in sent if letter.day.year == year),
        skipped=tuple(skip for skip in skipped if skip.at.astimezone(OFFICE_ZONE).year == year),
        duties=tuple(units.duties.values()),
    )


def _roll_call(asked: Sequence[ledger.ToldRollCall], names: Mapping[str, str]) -> RehearsedLetter:
    first = asked[0]
    return RehearsedLetter(
        at=first.at,
        recipient=first.recipient,
        subject=first.subject,
        spoken=tuple(
            SpokenRung(cycle_code=a.cycle_code, unit_code=a.unit_code, unit_name=names[a.unit_code], rung=ROLL_CALL)
            for a in asked
        ),
        kind=LetterKind.ROLL_CALL,
    )


def _letter(rungs: Sequence[ledger.ToldRung], mail: _NoMail) -> RehearsedLetter:
    first = rungs[0]
    return RehearsedLetter(
        at=first.at,
        recipient=first.recipient,
        subject=first.subject,
        spoken=tuple(
            SpokenRung(cycle_code=r.cycle_code, unit_code=r.unit_code, unit_name=r.unit_name, rung=r.rung)
            for r in rungs
        ),
        copies=mail.letters[first.message_id].copies,
        kind=first.kind,
    )
