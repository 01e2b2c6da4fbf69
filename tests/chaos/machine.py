"""Random days of an office: what may happen, in any order, and what must hold after each of it."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from email import policy
from functools import wraps
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from deployments.simulated_units import Act, Correspondent, Habit, SimulatedUnit
from models.db.records import arrivals, cycles, rosters
from models.db.records.audit_entries import verify
from models.db.tables import ArrivalRow, CycleRow, DutyRow, EditionRow, FigureRow, SubmissionRow
from models.domain.duties import standing_at
from models.domain.errors import ActionRefusedError, DondocError, EditionInThePastError
from models.domain.roster import Contact
from models.domain.vocabulary import Aggregation, EditionKind, LetterKind, Outcome
from tasks import handle_duties
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks.pool import GuardedReader
from tasks.chase import queue_due_reminders, queue_reminders_of_others
from tasks.compile import compile_cycle
from tasks.open_cycles import active_cycles, open_due_cycles, stamp_missing_forms
from tasks.operators import sign
from tasks.post import post_letters
from tasks.receive import file_arrivals_away
from tasks.resolve_quarantine import Resolution, resolve_quarantine
from tasks.settings import LimitSettings
from tasks.take_and_judge import take_and_judge
from tasks.tell_members import queue_member_letters
from tests.builders import hanoi, with_units
from tests.chained import told
from tests.chaos.steps import CYCLE, REPORT
from tests.chaos.world import MailFault, World
from tests.tasks.conftest import ANSWERS, address_of

UNITS = ("so-y-te", "so-tu-phap", "so-noi-vu")
LATER = "so-tai-chinh"
SAYS = (
    "answer",
    "answer",
    "answer_wrongly",
    "correct",
    "answer_without_copy",
    "send_copy",
    "say_nil",
    "promise_the_20th",
    "answer_from_elsewhere",
    "say_out_of_office",
)
FORMS = ("answer", "answer", "answer", "answer_wrongly", "correct", "answer_without_copy")
"""What brings figures, good and bad."""
DAYS_BEFORE = (0, 0, 24, 31, 38)
"""How many days after the opening a course begins: long before the deadline, just before it, in grace, late."""
CAME_ABOUT = ("accepted", "returned", "quarantined", "ignored", "twice", "late", "corrected", "edition")
DONE_BY_HAND = ("extend", "waive", "give_back", "accept", "resolve_quarantine")
BROKEN = ("database lost", "mailbox down", *(str(fault) for fault in MailFault))
STEPS: set[str] = set()
A_MINUTE = timedelta(minutes=1)
units = st.sampled_from(UNITS)
forms = st.lists(st.tuples(units, st.sampled_from(FORMS)), max_size=2)
faults = st.sampled_from((MailFault.NONE, MailFault.NONE, MailFault.NONE, MailFault.NONE, *MailFault))
rarely = st.sampled_from((False, False, False, True))
OF_ONE = {MailFault.GREYLISTS, MailFault.REFUSES, MailFault.LOST_AFTER_TEXT, MailFault.LOST_TEXT}


def step(**given: st.SearchStrategy) -> Callable:
    """Make a method something that may happen, and count how often it does."""

    def made(act: Callable) -> Callable:
        STEPS.add(act.__name__)

        @wraps(act)
        def counted(machine: "OfficeDays", *arguments: object, **named: object) -> object:
            machine.happened[act.__name__] += 1
            return act(machine, *arguments, **named)

        return rule(**given)(counted)

    return made


class Homes:
    """The home that every example starts from, made once, and the readers that all of them share."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dondoc-machine-"))
        self.reader = GuardedReader(LimitSettings(workers=1))
        world = World(
            self.folder / "home", f"sqlite:///{self.folder / 'start.db'}", self.reader, hanoi("2025-05-16 08:00")
        )
        runtime = world.runtime()
        with runtime.sessions.begin() as session:
            (programme,) = runtime.programmes.values()
            rosters.replace_roster(session, programme.code, with_units(programme, {*UNITS}).roster)
            rosters.note_import(session, programme.code, digest="few", operator="", at=runtime.clock.now())
        world.close()

    def new(self, folder: Path) -> World:
        shutil.copy(self.folder / "start.db", folder / "dondoc.db")
        return World(folder / "home", f"sqlite:///{folder / 'dondoc.db'}", self.reader, hanoi("2025-05-16 08:00"))

    def close(self) -> None:
        self.reader.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class OfficeDays(RuleBasedStateMachine):
    """One example: an office from the opening of the six-month report on."""

    homes: Homes
    happened: ClassVar[Counter[str]] = Counter()
    """How often each kind of step was taken, and what came of them, over all examples."""

    def __init__(self) -> None:
        super().__init__()
        self.n_commits_held = -1
        self._folder = tempfile.TemporaryDirectory(prefix="dondoc-days-")
        self.world = self.homes.new(Path(self._folder.name))
        self.texts = vietnamese()
        self.expected: list[str] = []
        self.snapshots: dict[object, dict[str, str]] = {}
        self.is_out = False
        self.sent: list[bytes] = []

    @classmethod
    def never_happened(cls) -> list[str]:
        """Return what a long run should have brought about, and did not: it then has tried less than it says."""
        return sorted({*STEPS, *CAME_ABOUT, *DONE_BY_HAND, *BROKEN} - {each for each, n in cls.happened.items() if n})

    def teardown(self) -> None:
        self.happened.update(self._came_about())
        self.world.close()
        self._folder.cleanup()

    @initialize(days=st.sampled_from(DAYS_BEFORE), acts=forms)
    def it_opens(self, days: int, acts: list[tuple[str, str]]) -> None:
        self.round()
        self.expected = self._units_expected()
        assert self.expected == sorted(UNITS)
        self.world.now += timedelta(days=days)
        self._write(acts)

    # What may happen

    @step(days=st.integers(1, 4), fault=faults, unit=units, acts=forms)
    def days_go_by(self, days: int, fault: MailFault, unit: str, acts: list[tuple[str, str]]) -> None:
        self._write(acts)
        for _ in range(days):
            self.world.now = (self.world.now + timedelta(days=1)).replace(hour=8, minute=30)
            self.poll(is_down=False, fault=MailFault.NONE, unit=unit)
            self.round(fault=fault, unit=unit)

    @step(days=st.integers(2, 12))
    def nobody_runs_it_for_days(self, days: int) -> None:
        self.world.now = (self.world.now + timedelta(days=days)).replace(hour=8, minute=30)

    @step(hours=st.integers(1, 10), acts=forms)
    def hours_pass(self, hours: int, acts: list[tuple[str, str]]) -> None:
        self._write(acts)
        self.world.now += timedelta(hours=hours)

    @step(hours=st.integers(1, 50))
    def the_clock_is_set_back(self, hours: int) -> None:
        self.world.now = max(self.world.now - timedelta(hours=hours), hanoi("2025-05-16 09:00"))
        self.snapshots = {at: found for at, found in self.snapshots.items() if at <= self.world.now}

    @step(fault=faults, unit=units)
    def round(self, fault: MailFault = MailFault.NONE, unit: str = "") -> None:
        self._mail(fault, unit)
        runtime, now = self.world.runtime(), self.world.now

        def steps() -> None:
            open_due_cycles.fn(runtime, REPORT, now)
            codes = active_cycles(runtime, REPORT, now)
            stamp_missing_forms.fn(runtime, codes, now)
            for code in codes:
                queue_due_reminders.fn(runtime, code, now)
            queue_reminders_of_others.fn(runtime, codes, now)
            post_letters.fn(runtime, [LetterKind.CHASE])
            queue_member_letters.fn(runtime, now)
            post_letters.fn(runtime, [LetterKind.MEMBER])

        self._does(steps)

    @step(is_down=rarely, fault=faults, unit=units)
    def poll(self, is_down: bool = False, fault: MailFault = MailFault.NONE, unit: str = "") -> None:
        self._mail(fault, unit)
        self.world.post.is_mailbox_down = is_down
        runtime, waiting = self.world.runtime(), set(self.world.post.waiting_mails)

        def steps() -> None:
            take_and_judge.fn(runtime, self.world.now)
            post_letters.fn(runtime, ANSWERS)
            file_arrivals_away.fn(runtime)

        if self._does(steps):
            with runtime.sessions() as session:
                n_open = session.scalar(
                    select(func.count()).select_from(ArrivalRow).where(ArrivalRow.outcome.is_(None))
                )
            assert n_open == 0, "an arrival has no outcome after a poll"
            assert not waiting & set(self.world.post.waiting_mails), "a mail was not filed away"

    @step(unit=units, says=st.sampled_from(SAYS))
    def a_unit_writes(self, unit: str, says: str) -> None:
        self.world.now += A_MINUTE
        with self.world.runtime().sessions() as session:
            form = cycles.cycle(session, CYCLE).terms.form
        simulated = SimulatedUnit(code=unit, address=address_of(unit), habit=Habit.ON_TIME)
        letters = self.world.post.received.get(address_of(unit), [])
        act = Act(unit_code=unit, day="", name=says)
        mail = Correspondent(form, self.texts).write(act, simulated, letters, self.world.now) if letters else None
        if mail is not None:
            if "Message-ID" in mail:
                del mail["Message-ID"]
            mail["Message-ID"] = f"<{self.world.post.n_put}@units.example.invalid>"
            self.sent.append(mail.as_bytes(policy=policy.SMTP))
            self.world.post.put(self.sent[-1], self.world.now)

    @step(n=st.integers(0, 5), is_polled=st.booleans())
    def a_mail_comes_twice(self, n: int, is_polled: bool) -> None:
        if self.sent:
            self.world.now += A_MINUTE
            self.world.post.put(self.sent[n % len(self.sent)], self.world.now)
            self.happened["twice"] += 1
            if is_polled:
                self.poll()

    @step(commits=st.integers(0, 6), step=st.sampled_from(("round", "poll")))
    def the_database_goes_away_in_a_run(self, commits: int, step: str) -> None:
        self.world.commits_left = commits
        try:
            getattr(self, step)()
        finally:
            self.world.commits_left = None

    @step(unit=units, says=st.sampled_from(SAYS))
    def a_unit_writes_and_is_answered(self, unit: str, says: str) -> None:
        self.a_unit_writes(unit, says)
        self.poll()

    @step(acts=st.lists(st.tuples(units, st.sampled_from(FORMS)), min_size=2, max_size=4))
    def forms_come_in(self, acts: list[tuple[str, str]]) -> None:
        self._write(acts)
        self.poll()

    @step(unit=units, says=st.sampled_from(FORMS))
    def a_form_comes_in_while_letters_fail(self, unit: str, says: str) -> None:
        self.a_unit_writes(unit, says)
        self.poll(fault=MailFault.DOWN, unit=unit)

    @step(unit=units, days=st.integers(1, 20))
    def more_time_is_given(self, unit: str, days: int) -> None:
        last_day = self.world.now.date() + timedelta(days=days)
        self._acts(handle_duties.extend, CYCLE, [unit], last_day=last_day)

    @step(unit=units, really=rarely)
    def a_duty_is_waived(self, unit: str, really: bool) -> None:
        if really:
            self._acts(handle_duties.waive, CYCLE, [unit])

    @step(unit=units, days=st.integers(1, 6))
    def an_answer_is_given_back(self, unit: str, days: int) -> None:
        last_day = max(self.world.now.date(), date(2025, 6, 16)) + timedelta(days=days)
        self._acts(handle_duties.give_back, CYCLE, unit, comment="Bổ sung thuyết minh", last_day=last_day)

    @precondition(lambda self: self._last_returned() is not None)
    @step()
    def a_returned_arrival_is_accepted(self) -> None:
        if self._acts(handle_duties.accept, self._last_returned()):
            self.snapshots.clear()  # it counts from its receipt, which lies in the past

    @step(unit=units)
    def what_is_held_is_dealt_with(self, unit: str) -> None:
        with self.world.runtime().sessions() as session:
            held = arrivals.in_quarantine(session)
        if held:
            resolution = Resolution(arrival_id=held[0].id, cycle_code=CYCLE, unit_code=unit)
            if self._acts(resolve_quarantine, resolution):
                self.snapshots.clear()

    @step(others=st.sets(st.sampled_from((*UNITS, LATER)), min_size=1))
    def the_roster_is_changed(self, others: set[str]) -> None:
        runtime = self.world.runtime()
        with runtime.sessions.begin() as session:
            (programme,) = runtime.programmes.values()
            roster = with_units(programme, others | {UNITS[0]}).roster
            second = Contact(
                unit_code=UNITS[0],
                name="Văn phòng",
                email="vp@example.invalid",
                phone="",
                rank=9,
                valid_from=date(2020, 1, 1),
                valid_to=None,
            )
            rosters.replace_roster(session, programme.code, replace(roster, contacts=(*roster.contacts, second)))
            rosters.note_import(session, programme.code, digest="changed", operator="x", at=runtime.clock.now())

    @step()
    def it_is_compiled(self) -> None:
        runtime = self.world.runtime()
        with runtime.sessions() as session:
            cycle = cycles.cycle(session, CYCLE)
        try:
            edition = compile_cycle(runtime, CYCLE, self.world.now, EditionKind.PROVISIONAL).edition
        except EditionInThePastError:
            return
        summed = [spec.code for spec in cycle.form.fields if spec.aggregation is Aggregation.SUM]
        with runtime.sessions() as session:
            by_field = _sums(session, [source.unit_code for source in edition.edition.sources], edition.as_of)
        for code in summed:
            total = edition.edition.totals.get(code)
            assert total is None or (total.amount or 0) == by_field.get(code, 0), code

    # What must hold after each of it

    @invariant()
    def nobody_gets_two_letters_a_day(self) -> None:
        assert {each: n for each, n in self.world.said_on.items() if n > 1} == {}

    @invariant()
    def no_rung_is_said_twice(self) -> None:
        assert {each: n for each, n in self.world.rungs_told.items() if n > 1} == {}

    @invariant()
    def who_has_answered_is_not_chased(self) -> None:
        assert self.world.told_though_answered == []

    @invariant()
    def the_frozen_set_stays(self) -> None:
        if self.expected:
            assert self._units_expected() == self.expected

    @invariant()
    def every_mail_is_in_one_place(self) -> None:
        post = self.world.post
        assert len(post.waiting_mails) + len(post.filed) == post.n_put

    @invariant()
    def every_arrival_has_one_submission_at_most_and_its_bytes(self) -> None:
        runtime = self.world.runtime()
        with runtime.sessions() as session:
            rows = session.execute(select(ArrivalRow.digest, ArrivalRow.outcome)).all()
            pairs = session.scalars(select(SubmissionRow.arrival_id)).all()
        assert len(pairs) == len(set(pairs))
        assert all((self.world.home / "archive" / digest[:2] / digest[2:]).is_file() for digest, _ in rows if digest)

    @invariant()
    def the_audit_is_sound(self) -> None:
        if self.world.n_commits == self.n_commits_held:
            return  # nothing was written since
        with self.world.runtime().sessions() as session:
            assert told(verify(session.connection())) == []
        self.n_commits_held = self.world.n_commits

    @invariant()
    def a_standing_stays_what_it_was(self) -> None:
        if not self.expected:
            return
        now = self.world.now
        with self.world.runtime().sessions() as session:
            duties = [each.duty for chunk in cycles.duties_in_chunks(session, CYCLE, size=99) for each in chunk]
        for at, before in self.snapshots.items():
            assert {duty.unit_code: standing_at(duty, at).value for duty in duties} == before, at
        if not self.world.post.waits_of_units and not self._unjudged():
            self.snapshots[now] = {duty.unit_code: standing_at(duty, now).value for duty in duties}

    # How it is done

    def _write(self, acts: list[tuple[str, str]]) -> None:
        for unit, says in acts:
            self.a_unit_writes(unit, says)

    def _last_returned(self) -> int | None:
        with self.world.runtime().sessions() as session:
            return session.scalar(select(func.max(ArrivalRow.id)).where(ArrivalRow.outcome == Outcome.RETURNED))

    def _mail(self, fault: MailFault, unit: str) -> None:
        self.happened[str(fault)] += 1
        self.world.post.fault = fault
        self.world.post.faulty_for = address_of(unit) if unit and fault in OF_ONE else ""

    def _does(self, steps) -> bool:
        """Take the steps; only what is broken may break them. Returns whether they came to their end."""
        post = self.world.post
        may_fail = post.is_mailbox_down or self.world.commits_left is not None
        try:
            steps()
        except (DondocError, OperationalError):
            assert may_fail
            self.happened["mailbox down" if post.is_mailbox_down else "database lost"] += 1
            return False
        return True

    def _acts(self, act, *arguments, **named) -> bool:
        self.world.now += A_MINUTE
        runtime = self.world.runtime()
        try:
            done = act.fn(runtime, *arguments, signature=sign(runtime, "Bàn trực", "Công văn số 12"), **named)
        except ActionRefusedError:
            return False
        self.snapshots = {at: found for at, found in self.snapshots.items() if at < self.world.now}
        self.happened[act.name.replace("-", "_")] += bool(done.n_changed)
        return bool(done.n_changed)

    def _came_about(self) -> Counter[str]:
        """Return what has come of the units' mails and of the orders to compile."""
        with self.world.runtime().sessions() as session:
            found = Counter(str(outcome) for outcome in session.scalars(select(ArrivalRow.outcome)))
            versions = session.execute(
                select(SubmissionRow.number, ArrivalRow.received_at, CycleRow.late_at)
                .join(DutyRow, DutyRow.id == SubmissionRow.duty_id)
                .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
                .join(ArrivalRow, ArrivalRow.id == SubmissionRow.arrival_id)
            ).all()
            found["edition"] += session.scalar(select(func.count()).select_from(EditionRow)) or 0
        found["late"] += sum(received >= late for _, received, late in versions)
        found["corrected"] += sum(number > 1 for number, _, _ in versions)
        return found

    def _units_expected(self) -> list[str]:
        with self.world.runtime().sessions() as session:
            return sorted(
                each.duty.unit_code for chunk in cycles.duties_in_chunks(session, CYCLE, size=99) for each in chunk
            )

    def _unjudged(self) -> int:
        with self.world.runtime().sessions() as session:
            return session.scalar(select(func.count()).select_from(ArrivalRow).where(ArrivalRow.outcome.is_(None)))


def _sums(session, unit_codes, as_of) -> dict[str, int]:
    """Return by field the sum over the newest sound version of each unit that counts, by a query of its own."""
    found: dict[str, int] = {}
    for field, amount in session.execute(
        select(FigureRow.field, func.sum(FigureRow.amount))
        .where(FigureRow.submission_id.in_(_counted_ids(session, unit_codes, as_of)))
        .group_by(FigureRow.field)
    ):
        found[field] = int(amount or 0)
    return found


def _counted_ids(session, unit_codes, as_of) -> list[int]:
    records = cycles.duties_of_units(session, CYCLE, list(unit_codes))
    found = []
    for record in records.values():
        ids = session.scalars(
            select(SubmissionRow.id)
            .where(
                SubmissionRow.duty_id == record.duty.id, SubmissionRow.has_sound_form, SubmissionRow.judged_at <= as_of
            )
            .order_by(SubmissionRow.number.desc())
        ).all()
        found += ids[:1]
    return found
