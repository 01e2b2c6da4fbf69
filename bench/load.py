"""The hours before a deadline on one machine: how long units wait for their answers, and whether any is lost.

`python -m bench.load [--units N --answers M --hours H]` (`make bench-load`) opens a cycle for a made-up country in a
PostgreSQL of its own, stamps every form, and lets units send theirs by SMTP into a real mailbox. Every five minutes, as
the shipped schedule has it, a process of its own polls that mailbox and hands the answers to a real mail server, with
Prefect's server beside it: all on this machine.

Hours are played in minutes by a clock of their own. A poll finds what has arrived when it begins; what it takes is
measured by the real clock, and passes on the other as well, so that a poll that takes longer than five minutes puts the
next off to the next mark of the schedule. An answer's time is when its poll began, and the real seconds until the mail
server had it; the making of the mails stands outside.

Figures go to `bench/load.json`, the table to `bench/README.md` and the repository's README.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import aiosmtplib  # noqa: E402 - the programme's folder is found first

from bench.papers import write_between  # noqa: E402 - found first
from bench.rush import Clerks, Sender, Sent, dealt_out, in_turns  # noqa: E402
from bench.synthetic import CYCLE, OPENING, a_home, a_prefect_server, load_roster, open_for_all  # noqa: E402
from deployments.postoffice import LOOPBACK, Account, write_now  # noqa: E402
from models.domain.vocabulary import OFFICE_ZONE  # noqa: E402
from tests.postgresql import NO_SERVER, running_server, server_programs  # noqa: E402

FIGURES = ROOT / "bench" / "load.json"
BEGIN, END = "<!-- load table: begin -->", "<!-- load table: end -->"
N_UNITS, N_ANSWERS, HOURS = 100_000, 20_000, 6.0
POLL_EVERY = timedelta(minutes=5)
MOST_POLLS_AFTER: Final = 24
"""After the deadline polls go on until nothing waits, at most for two hours."""
REMINDED: Final = (OPENING, datetime(2025, 6, 5, 8, tzinfo=OFFICE_ZONE), datetime(2025, 6, 12, 8, tzinfo=OFFICE_ZONE))
"""Days whose rungs are in the ledger by then; their letters are left out, a hundred thousand each time."""
SECONDS_A_LOOK: Final = 0.2
MEGABYTE = 1024
OWN_ADDRESS: Final = Account().address


@dataclass(frozen=True, kw_only=True)
class Poll:
    """A poll: when it began on the clock of the play, what it took, and what it did."""

    at: datetime
    n_found: int
    seconds: float
    peak_mb: float
    workers_mb: float
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def ended_at(self) -> datetime:
        """When it was over, on the same clock."""
        return self.at + timedelta(seconds=self.seconds)


@dataclass(frozen=True, kw_only=True)
class Play:
    """What was played, and what came of it."""

    n_units: int
    hours: float
    mails: Sequence[Sent]
    polls: Sequence[Poll]
    waited: Mapping[str, float]
    """By unit the seconds from its mail's arrival to its first answer."""
    n_answers: Mapping[str, int]
    """By unit how many answers it got."""
    outcomes: Mapping[str, str]
    """By unit what became of its mail."""
    letters: Mapping[str, int]
    """By unit how many letters the ledger has for it as sent, beyond those of the rungs."""


def say(line: str) -> None:
    """Show how far the play has come."""
    print(f"   {line}", file=sys.stderr, flush=True)


@contextmanager
def an_office(stack: ExitStack) -> Iterator[Path]:
    """Yield the home of an office with a database, mail servers and Prefect's server of its own."""
    programs = server_programs()
    if programs is None:
        sys.exit(f"load: {NO_SERVER}")
    home = stack.enter_context(a_home())
    server = stack.enter_context(running_server(programs, is_durable=True))
    ports = stack.enter_context(a_post_office(home / "office"))
    account = Account()
    os.environ |= {
        "DONDOC_DATABASE_URL": server.new_database(),
        "DONDOC_MAIL_FROM": account.address,
        "DONDOC_SMTP_HOST": LOOPBACK,
        "DONDOC_SMTP_PORT": str(ports["smtp"]),
        "DONDOC_IMAP_HOST": LOOPBACK,
        "DONDOC_IMAP_PORT": str(ports["imap"]),
        "DONDOC_IMAP_SECURITY": "none",
        "DONDOC_IMAP_USERNAME": account.username,
        "DONDOC_IMAP_PASSWORD": account.password,
        "DONDOC_VIRTUAL_NOW": OPENING.isoformat(),
    }
    stack.enter_context(a_prefect_server(home))
    yield home


@contextmanager
def a_post_office(folder: Path) -> Iterator[dict[str, int]]:
    """Run the mail servers as a process of their own, and yield their ports."""
    command = [sys.executable, "-m", "deployments.postoffice", "--home", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        yield json.loads((folder / "ports.json").read_text("utf-8"))
        process.stdin.close()


def open_up(n_units: int) -> tuple[list[Sender], datetime, Callable[[Sent], bytes]]:
    """Open the cycle, stamp every form and queue the rungs; return who may answer, the deadline, and who writes."""
    from deployments.serve import register_all  # noqa: PLC0415 - Prefect reads its settings once
    from models.db.records import cycles  # noqa: PLC0415
    from tasks.chase import queue_due_reminders  # noqa: PLC0415
    from tasks.open_cycles import stamp_missing_forms  # noqa: PLC0415
    from tasks.runtime import open_runtime  # noqa: PLC0415
    from tasks.settings import Settings  # noqa: PLC0415

    with open_runtime(Settings.load()) as runtime:
        with timed("roster"):
            load_roster(runtime, n_units)
        with timed("opened"):
            open_for_all(runtime)
        with timed("stamped"):
            stamp_missing_forms.fn(runtime, [CYCLE], OPENING)
        for day in REMINDED:
            with timed(f"rung of {day:%d/%m} queued"):
                queue_due_reminders.fn(runtime, CYCLE, day)
        with timed("deployments registered"):
            register_all(Settings.load())
        with runtime.sessions() as session:
            cycle = cycles.cycle(session, CYCLE)
            records = [record for chunk in cycles.duties_in_chunks(session, CYCLE, size=5_000) for record in chunk]
        last = records[-1]
        form = runtime.archive.read(last.form_digest)
    senders = [Sender(code=record.duty.unit_code, token=record.token) for record in records]
    clerks = Clerks(cycle.form, senders[-1], form, to=OWN_ADDRESS)
    return senders, cycle.due_at, clerks.mail


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long a step took."""
    started = time.perf_counter()
    yield
    say(f"{what}: {time.perf_counter() - started:.1f} s")


def play(home: Path, n_units: int, n_answers: int, hours: float) -> Play:
    """Play the hours before the deadline."""
    senders, due_at, written = open_up(n_units)
    mails = dealt_out(senders, n_answers, due_at=due_at, hours=hours)
    n_polls = round(timedelta(hours=hours) / POLL_EVERY)
    marks = [due_at + (number - n_polls) * POLL_EVERY for number in range(1, n_polls + MOST_POLLS_AFTER + 1)]
    turns = in_turns(mails, marks)
    office = Watcher(home / "office", mails)
    polls: list[Poll] = []
    for mark in marks:
        deliver(home / "office", turns[mark], written)
        if polls and polls[-1].ended_at > mark:
            continue  # the schedule starts no second poll while one runs
        if mark > due_at and not office.unanswered(mails):
            break
        found = sum(sent.at <= mark for sent in mails) - sum(poll.n_found for poll in polls)
        polls.append(one_poll(home / "office", mark, found))
        office.look(polls[-1])
        say_how_far(polls[-1], office)
    outcomes, letters = what_is_recorded()
    return Play(
        n_units=n_units,
        hours=hours,
        mails=mails,
        polls=polls,
        waited=office.waited,
        n_answers=office.count(),
        outcomes=outcomes,
        letters=letters,
    )


def say_how_far(poll: Poll, office: "Watcher") -> None:
    """Say what a poll has done."""
    told = ", ".join(f"{name} {n}" for name, n in poll.counts.items() if n)
    say(
        f"poll of {poll.at:%H:%M}: {poll.n_found} new, {poll.seconds:.1f} s, {poll.peak_mb:.0f} MB; "
        f"{len(office.waited):,} answered in all ({told})"
    )


def deliver(office: Path, mails: Sequence[Sent], written: Callable[[Sent], bytes]) -> None:
    """Let units hand their mails to the mail server, each at its own instant."""

    async def hand_over() -> None:
        async with aiosmtplib.SMTP(
            hostname=LOOPBACK, port=int(os.environ["DONDOC_SMTP_PORT"]), start_tls=False
        ) as smtp:
            for sent in mails:
                write_now(office, sent.at)
                await smtp.sendmail(sent.sender.address, [OWN_ADDRESS], written(sent))

    if mails:
        asyncio.run(hand_over())


def one_poll(office: Path, at: datetime, n_found: int) -> Poll:
    """Poll the mailbox in a process of its own, as a worker does; its start and end are in the seconds it takes."""
    write_now(office, at)
    command = [sys.executable, "-m", "bench.load", "--poll"]
    environment = os.environ | {"DONDOC_VIRTUAL_NOW": at.isoformat()}
    (office.parent / "began").touch()  # by the clock that the files of the answers have
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        memory = Memory(process.pid)
        said, _ = process.communicate()
        seconds = time.perf_counter() - started
        memory.stop()
    if process.returncode != 0:
        sys.exit(f"the poll of {at:%H:%M} ended with status {process.returncode}")
    return Poll(
        at=at,
        n_found=n_found,
        seconds=seconds,
        peak_mb=memory.of_parent,
        workers_mb=memory.of_workers,
        counts=json.loads(said.splitlines()[-1]),
    )


def poll_here() -> int:
    """Run the flow as the schedule does, and say what it counted."""
    from flows.receiving import poll_mailbox  # noqa: PLC0415 - Prefect reads its settings once

    print(json.dumps(poll_mailbox(datetime.fromisoformat(os.environ["DONDOC_VIRTUAL_NOW"]))))
    return 0


class Memory:
    """Watches the most memory that a process has had, and that of the processes below it added up."""

    def __init__(self, pid: int) -> None:
        """Begin to watch."""
        self._peaks: dict[int, float] = {}
        self._pid = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._is_over.set()
        self._thread.join()

    @property
    def of_parent(self) -> float:
        """Return the peak of the process itself in megabytes."""
        return self._peaks.get(self._pid, 0.0)

    @property
    def of_workers(self) -> float:
        """Return the peaks of all processes below it in megabytes, added up."""
        return sum(peak for pid, peak in self._peaks.items() if pid != self._pid)

    def _watch(self) -> None:
        import psutil  # noqa: PLC0415 - comes with Dask

        while not self._is_over.wait(SECONDS_A_LOOK):
            try:
                below = [child.pid for child in psutil.Process(self._pid).children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            for pid in (self._pid, *below):
                self._note(pid)

    def _note(self, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text("utf-8")
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM"):
                self._peaks[pid] = int(line.split()[1]) / MEGABYTE


class Watcher:
    """Sees what units get: when the mail server had the first answer to each, and how many each got."""

    def __init__(self, office: Path, mails: Sequence[Sent]) -> None:
        """Keep where the mail server lays what it takes."""
        self._office = office
        self._mails = mails
        self.waited: dict[str, float] = {}

    def look(self, poll: Poll) -> None:
        """Note what was answered in a poll: the file of an answer has the real time at which it was taken."""
        began = (self._office.parent / "began").stat().st_mtime
        for sent in self.unanswered([sent for sent in self._mails if sent.at <= poll.at]):
            got = self._got(sent)
            if got:
                answered_at = poll.at + timedelta(seconds=min(path.stat().st_mtime for path in got) - began)
                self.waited[sent.sender.code] = (answered_at - sent.at).total_seconds()

    def unanswered(self, mails: Sequence[Sent]) -> list[Sent]:
        """Return the mails that no answer was seen to."""
        return [sent for sent in mails if sent.sender.code not in self.waited]

    def count(self) -> dict[str, int]:
        """Return by unit how many answers it got; of every unit that got anything."""
        return {
            folder.name.partition("@")[0]: sum(1 for _ in folder.glob("*.eml"))
            for folder in (self._office / "mail").iterdir()
            if folder.name != OWN_ADDRESS
        }

    def _got(self, sent: Sent) -> list[Path]:
        folder = self._office / "mail" / sent.sender.address
        return list(folder.glob("*.eml")) if folder.is_dir() else []


def what_is_recorded() -> tuple[dict[str, str], dict[str, int]]:
    """Return by unit what the database says became of its mails, and how many letters went to it."""
    from sqlalchemy import func, select  # noqa: PLC0415 - nothing is measured without a database

    from models.db.tables import ArrivalRow, LetterRow  # noqa: PLC0415
    from models.domain.vocabulary import LetterState  # noqa: PLC0415
    from tasks.runtime import open_runtime  # noqa: PLC0415
    from tasks.settings import Settings  # noqa: PLC0415

    with open_runtime(Settings.load()) as runtime, runtime.sessions() as session:
        arrived = session.execute(select(ArrivalRow.sender, ArrivalRow.outcome)).all()
        sent = session.execute(
            select(LetterRow.recipient, func.count())
            .where(LetterRow.state == LetterState.SENT)
            .group_by(LetterRow.recipient)
        ).all()
    came: dict[str, list[str]] = {}
    for sender, outcome in arrived:
        if sender.endswith("@example.invalid"):
            came.setdefault(sender.partition("@")[0], []).append(outcome.value if outcome else "none")
    return {code: "+".join(words) for code, words in came.items()}, {
        recipient.partition("@")[0]: n for recipient, n in sent
    }


def figures_of(played: Play) -> dict[str, Any]:
    """Return the figures of a play, those of each poll among them."""
    waits = sorted(played.waited.values())
    polls = played.polls
    fullest = max(polls, key=lambda poll: poll.n_found)
    n = len(played.mails)
    wanted = {sent.sender.code: "returned" if sent.is_wrong else "accepted" for sent in played.mails}
    answers = Counter(played.n_answers.get(code, 0) for code in wanted)
    return {
        "units": played.n_units,
        "answers": n,
        "hours": played.hours,
        "wrong": sum(sent.is_wrong for sent in played.mails),
        "median_s": median(waits),
        "p99_s": waits[min(len(waits) - 1, int(0.99 * len(waits)))],
        "worst_s": waits[-1],
        "polls": len(polls),
        "longest_poll_s": max(poll.seconds for poll in polls),
        "shortest_poll_s": min(poll.seconds for poll in polls),
        "load": sum(poll.seconds for poll in polls) / (len(polls) * POLL_EVERY.total_seconds()),
        "peak_mb": max(poll.peak_mb for poll in polls),
        "workers_mb": max(poll.workers_mb for poll in polls),
        "fullest_n": fullest.n_found,
        "fullest_s": fullest.seconds,
        "an_hour": fullest.n_found / fullest.seconds * 3600,
        "answered_once": answers[1],
        "unanswered": answers[0],
        "answered_twice": n - answers[0] - answers[1],
        "strangers": len(set(played.n_answers) - set(wanted)),
        "as_wanted": sum(played.outcomes.get(code) == outcome for code, outcome in wanted.items()),
        "letters_once": sum(played.letters.get(code) == 1 for code in wanted),
        "by_outcome": dict(sorted(Counter(played.outcomes.values()).items())),
        "each_poll": [asdict(poll) | {"at": f"{poll.at:%H:%M}"} for poll in polls],
    }


def is_whole(figures: Mapping[str, Any]) -> bool:
    """Say whether each mail has the one outcome that it should have, and one answer, and nobody else got any."""
    n = figures["answers"]
    return figures["as_wanted"] == figures["answered_once"] == figures["letters_once"] == n and not figures["strangers"]


def table(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the table."""
    n = figures["answers"]
    lost = (
        f"none: each has one outcome and one answer, {figures['wrong']:,} of them with what is wrong"
        if is_whole(figures)
        else f"**{figures['unanswered']} unanswered, {figures['answered_twice']} answered twice, "
        f"{n - figures['as_wanted']} with another outcome**"
    )
    yield f"| {n:,} answers of {figures['units']:,} units in the last {figures['hours']:g} hours | |"
    yield "|---|---|"
    yield (
        f"| from arrival to answer: median, 99th percentile, worst | {minutes(figures['median_s'])}, "
        f"{minutes(figures['p99_s'])}, {minutes(figures['worst_s'])} min |"
    )
    yield f"| lost or doubled | {lost} |"
    yield (
        f"| a poll, of which there is one every five minutes: emptiest, longest | "
        f"{figures['shortest_poll_s']:.0f} s, {figures['longest_poll_s']:.0f} s |"
    )
    yield f"| share of the hours in which a poll ran | {figures['load']:.0%} |"
    yield (
        f"| the fullest poll, and how many an hour that would be without a break | {figures['fullest_n']:,} in "
        f"{figures['fullest_s']:.0f} s: {round(figures['an_hour'], -2):,.0f} |"
    )
    yield (
        f"| peak memory of a poll, and of its workers together | {figures['peak_mb']:.0f} MB, "
        f"{figures['workers_mb']:.0f} MB |"
    )


def minutes(seconds: float) -> str:
    """Return a time as minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def write_down(figures: Mapping[str, Any]) -> None:
    """Keep the figures, and write the table between its marks."""
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", "utf-8")
    write_between(BEGIN, END, table(figures))


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument("--units", type=int, default=N_UNITS)
    parser.add_argument("--answers", type=int, default=N_ANSWERS)
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--keep", action="store_true", help="write the figures down, whatever the size")
    parser.add_argument("--poll", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.poll:
        return poll_here()
    started = time.perf_counter()
    with ExitStack() as stack, an_office(stack) as home:
        figures = figures_of(play(home, options.units, options.answers, options.hours))
    say(f"all of it: {time.perf_counter() - started:.0f} s")
    if options.keep or (options.units, options.answers, options.hours) == (N_UNITS, N_ANSWERS, HOURS):
        write_down(figures)
    print("\n".join(table(figures)))
    print({name: value for name, value in figures.items() if name != "each_poll"})
    return int(not is_whole(figures))


if __name__ == "__main__":
    sys.exit(main())
