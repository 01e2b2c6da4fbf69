"""Neighbours that do not do their part: mail servers, a mailbox, a disk, a database, a clock; and what comes of it.

Each fault is laid on for one step; then it is gone, and the runs that follow are those of the crash points.
"""

import ctypes
import os
import pickle
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from deployments.postoffice import Fault, FaultKind
from models.domain.errors import DondocError
from tests.builders import hanoi
from tests.chaos.crash import MINUTES_TO_DOUBT, STAGES, Outcome, Stage, judge, prepare, recover, run_point
from tests.chaos.processes import forked, get_ready, mail_servers, wait_for
from tests.chaos.steps import whole_round
from tests.chaos.traces import traces_of
from tests.tasks.conftest import Office, address_of

CLONE_NEWNS = 0x20000
ONE = address_of("so-y-te")
SECONDS_OF_PATIENCE = 1.0


@dataclass(frozen=True)
class Trouble:
    """A fault: what it is called in the table, at which step, how it is laid on, and which letters may miss for it."""

    name: str
    stage: str
    lay_on: Callable
    may_miss: frozenset[str] = frozenset()
    """Addresses whose letter may miss, when the operator is told."""
    fails: bool = False
    """The run fails, and so is seen by the operator."""


@contextmanager
def mail_fault(office: Office, kind: FaultKind, *, address: str = "*", times: int = -1):
    office.mail.misbehave(Fault(address, kind, times))
    yield
    office.mail.misbehave()


@contextmanager
def stalled(office: Office, *, which: str):
    """Put a server that takes connections and never says a word in the place of one of the two."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        port, here = f"{which}_port", silent.getsockname()[1]
        real = getattr(office.mail, port)
        setattr(office.mail, port, here)
        with impatient(which):
            yield
        setattr(office.mail, port, real)


@contextmanager
def impatient(which: str):
    """Let nobody wait half a minute for a server that never says a word; the other may be as slow as it is."""
    name = f"DONDOC_{which.upper()}_TIMEOUT_SECONDS"
    os.environ[name] = str(SECONDS_OF_PATIENCE)
    yield
    del os.environ[name]


@contextmanager
def full_disk(office: Office, *, folder: str, room: int):
    """Give a folder of the home a disk of its own on which only so many octets are left."""
    place = office.home / folder
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as aside:
        subprocess.run(["cp", "-a", f"{place}/.", aside], check=True)
        used = sum(4096 + path.stat().st_size // 4096 * 4096 for path in place.rglob("*"))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS):
            raise PermissionError(ctypes.get_errno(), "no mount without root")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={used + room}", "tmpfs", str(place)], check=True)
        subprocess.run(["cp", "-a", f"{aside}/.", str(place)], check=True)
        yield
        subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)


@contextmanager
def clock_set_back(office: Office):
    """Let everything be done once with a clock that is right, then again with one that is a day and an hour behind."""
    whole_round(office, "2025-05-16 08:00")
    real = office.at
    office.at = lambda instant: real((hanoi(instant) if isinstance(instant, str) else instant) - timedelta(hours=25))
    yield
    office.at = real


TROUBLES = (
    Trouble("SMTP answers slowly", "opening", partial(mail_fault, kind=FaultKind.SLOW)),
    Trouble("SMTP greylists everybody (4xx)", "opening", partial(mail_fault, kind=FaultKind.GREYLIST)),
    Trouble(
        "SMTP refuses a recipient (5xx)",
        "opening",
        partial(mail_fault, kind=FaultKind.REFUSE, address=ONE),
        may_miss=frozenset({ONE}),
    ),
    Trouble("SMTP drops the connection at DATA", "opening", partial(mail_fault, kind=FaultKind.DROP_BEFORE_TEXT)),
    Trouble("SMTP drops it within the text", "opening", partial(mail_fault, kind=FaultKind.DROP_IN_TEXT)),
    Trouble("SMTP drops it after the text", "opening", partial(mail_fault, kind=FaultKind.DROP_AFTER_TEXT)),
    Trouble(
        "SMTP says 250 and throws away",
        "opening",
        partial(mail_fault, kind=FaultKind.LIE, address=ONE),
        may_miss=frozenset({ONE}),
    ),
    Trouble("SMTP stalls", "opening", partial(stalled, which="smtp")),
    Trouble("IMAP stalls", "poll", partial(stalled, which="imap"), fails=True),
    Trouble(
        "disk full while storing arrivals", "poll", partial(full_disk, folder="archive", room=16 * 1024), fails=True
    ),
    Trouble(
        "disk full while writing an aggregate", "close", partial(full_disk, folder="results", room=8 * 1024), fails=True
    ),
    Trouble("clock set back by 25 hours", "opening", clock_set_back),
)


def try_trouble(prepared: Path, trouble: Trouble, wanted: dict[str, object]) -> Outcome:
    """Lay the fault on for a step, take it away, go on, and hold what is there against an undisturbed office."""
    stage, outcome = STAGES[trouble.stage], Outcome(stage=trouble.name)
    with (
        tempfile.TemporaryDirectory(prefix="dondoc-trouble-") as made,
        mail_servers(Path(made), prepared / stage.name) as office,
    ):
        traces, log = Path(made) / "traces", Path(made) / "log"
        status = wait_for(forked(partial(in_trouble, office, stage, trouble, traces), log))
        assert status == 0, log.read_text()[-3000:]
        found = pickle.loads(traces.read_bytes())
    judge_trouble(outcome, trouble, found, wanted)
    return outcome


def in_trouble(office: Office, stage: Stage, trouble: Trouble, traces: Path) -> None:
    failed = []
    with trouble.lay_on(office):
        try:
            stage.step(office, stage.instant)
        except (DondocError, OSError) as problem:
            failed.append(problem)
    assert bool(failed) is trouble.fails, failed
    recover(office, stage)
    with traces.open("wb") as file:
        pickle.dump(traces_of(office, hanoi(stage.instant) + timedelta(minutes=MINUTES_TO_DOUBT + 3)), file)


def judge_trouble(outcome: Outcome, trouble: Trouble, found: dict[str, object], wanted: dict[str, object]) -> None:
    told = [*found["told"], *found["failed"]]
    if trouble.may_miss:
        outcome.tried += 1
        missing = Counter(wanted["received"]) - Counter(found["received"])
        outcome.doubled += sum((Counter(found["received"]) - Counter(wanted["received"])).values())
        untold = {address for address, _ in missing} - set(told) - {"baocao@dondoc.example.invalid"}
        outcome.lost += len(untold)
        outcome.told += len(told)
        outcome.wrong += [f"{trouble.name}: nobody was told of {untold}"] if untold else []
        outcome.wrong += [] if set(told) == trouble.may_miss else [f"{trouble.name}: told of {told}"]
        return
    judge(outcome, trouble.name, found, wanted, has_journal=True)
    outcome.told += trouble.fails


def neighbours() -> list[Outcome]:
    """Try every fault."""
    get_ready()
    with tempfile.TemporaryDirectory(prefix="dondoc-prepared-") as made:
        folder = Path(made)
        (folder / "work").mkdir()
        status = wait_for(forked(partial(prepare, folder), folder / "prepare.log"))
        assert status == 0, (folder / "prepare.log").read_text()[-3000:]
        undisturbed = {name: run_point(folder / name, STAGES[name], None)[0] for name in {t.stage for t in TROUBLES}}
        return [try_trouble(folder, trouble, undisturbed[trouble.stage]) for trouble in TROUBLES]
