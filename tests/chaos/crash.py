"""Kills the program at every boundary of its steps, starts it again, and compares with a run that nobody disturbed.

Run as a program it forks a process for each point from one that has everything loaded and no thread. The mail servers
run in a process of their own: they live on when the program is killed.
"""

import json
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from models.db.records.audit_entries import verify
from tests.builders import hanoi
from tests.chained import told
from tests.chaos.boundaries import Boundaries, Boundary, every_nth, of_each_kind
from tests.chaos.processes import forked, get_ready, mail_servers, wait_for
from tests.chaos.steps import (
    ANSWERING,
    CLOSING,
    OPENING,
    URGING,
    office_in,
    send_answers,
    whole_poll,
    whole_round,
    with_few_units,
)
from tests.chaos.traces import traces_of
from tests.tasks.conftest import Office

MINUTES_TO_RESTART, MINUTES_TO_DOUBT = 11, 30
TOLD = ("letters", "received", "filed", "told")


@dataclass(frozen=True)
class Stage:
    """A step that is killed: where it starts from, when it is, and whether our mailbox gets blind copies."""

    name: str
    instant: str
    step: Callable[..., None]
    has_journal: bool = True

    def settings(self) -> dict[str, object]:
        return {"journal": self.has_journal}


STAGES = {
    stage.name: stage
    for stage in (
        Stage("opening", OPENING, whole_round),
        Stage("poll", ANSWERING, whole_poll),
        Stage("urging", URGING, whole_round),
        Stage("close", CLOSING, whole_round),
        Stage("opening without blind copies", OPENING, whole_round, has_journal=False),
    )
}


@dataclass
class Outcome:
    """What came of the points of a stage; `wrong` tells of each point that was not as it should be."""

    stage: str
    tried: int = 0
    lost: int = 0
    doubled: int = 0
    told: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    """How many boundaries of each kind an undisturbed run crosses."""
    kinds: dict[str, int] = field(default_factory=dict)
    """How many of each kind were tried; of random days, how often each step came about."""
    n_not_reached: int = 0
    """Points that the run came to its end without crossing; they are not counted as tried."""
    wrong: list[str] = field(default_factory=list)


def prepare(folder: Path) -> None:
    """Make the homes that the stages start from, each a copy of the office as it stood then."""
    with office_in(folder / "work") as office:
        with_few_units(office)
    keep(folder, "opening")
    shutil.copytree(folder / "opening", folder / "opening without blind copies")
    with office_in(folder / "work") as office:
        whole_round(office, OPENING)
        whole_poll(office, OPENING, later=timedelta(minutes=20))
        send_answers(office)
    keep(folder, "poll")
    with office_in(folder / "work") as office:
        for later in (0, 20):
            whole_poll(office, ANSWERING, later=timedelta(minutes=later))
        for day in ("2025-06-05 08:00", "2025-06-12 08:00", "2025-06-18 08:00"):
            whole_round(office, day)
            whole_poll(office, day, later=timedelta(minutes=20))
    keep(folder, "urging")
    with office_in(folder / "work") as office:
        for day in (URGING, "2025-06-25 08:00", "2025-07-02 08:00"):
            whole_round(office, day)
            whole_poll(office, day, later=timedelta(minutes=20))
    keep(folder, "close")


def keep(folder: Path, name: str) -> None:
    shutil.copytree(folder / "work", folder / name)


def recover(office: Office, stage: Stage) -> None:
    """Do what goes on by itself after a restart: the same run again, polls, and what they find out."""
    minutes = timedelta(minutes=1)
    stage.step(office, stage.instant, later=MINUTES_TO_RESTART * minutes)
    whole_poll(office, stage.instant, later=(MINUTES_TO_RESTART + 1) * minutes)
    whole_poll(office, stage.instant, later=MINUTES_TO_DOUBT * minutes)
    stage.step(office, stage.instant, later=(MINUTES_TO_DOUBT + 1) * minutes)
    whole_poll(office, stage.instant, later=(MINUTES_TO_DOUBT + 2) * minutes)


def run_point(prepared: Path, stage: Stage, kill_at: Boundary | None) -> tuple[dict[str, object], list[str]]:
    """Kill the stage at a boundary, restart, and return the traces with the boundaries that were crossed."""
    with tempfile.TemporaryDirectory(prefix="dondoc-crash-") as made, mail_servers(Path(made), prepared) as office:
        office.settings = stage.settings()
        said = Path(made) / "labels"
        status = wait_for(forked(partial(victim, office, stage, said, kill_at), Path(made) / "victim.log"))
        assert status in ({0} if kill_at is None else {0, -signal.SIGKILL}), (Path(made) / "victim.log").read_text()
        labels = json.loads(said.read_text()) if said.exists() else []
        traces = Path(made) / "traces"
        status = wait_for(forked(partial(restart, office, stage, traces), Path(made) / "restart.log"))
        assert status == 0, (Path(made) / "restart.log").read_text()[-3000:]
        return pickle.loads(traces.read_bytes()), labels


def victim(office: Office, stage: Stage, said: Path, kill_at: Boundary | None) -> None:
    boundaries = Boundaries(office.home, kill_at=kill_at)
    boundaries.listen()
    stage.step(office, stage.instant)
    said.write_text(json.dumps(boundaries.labels))


def restart(office: Office, stage: Stage, traces: Path) -> None:
    with office.at(hanoi(stage.instant)) as runtime, runtime.sessions() as session:
        broken = told(verify(session.connection()))
    recover(office, stage)
    at = hanoi(stage.instant) + timedelta(minutes=MINUTES_TO_DOUBT + 3)
    found = traces_of(office, at)
    found["audit"] = [*broken, *found["audit"]]
    with traces.open("wb") as file:
        pickle.dump(found, file)


def judge(
    outcome: Outcome, point: str, found: dict[str, object], wanted: dict[str, object], *, has_journal: bool
) -> None:
    """Hold the traces of a point against those of the undisturbed run."""
    outcome.tried += 1
    unknown = Counter(found["told"])
    received, due = Counter(found["received"]), Counter(wanted["received"])
    doubled = received - due
    lost = due - received
    open_to_doubt = {(address, key) for address, key in lost if unknown[address]} if not has_journal else set()
    outcome.doubled += sum(doubled.values())
    outcome.lost += sum(n for each, n in lost.items() if each not in open_to_doubt)
    outcome.told += sum(unknown.values())
    skipped = {"received", "outages", *(() if has_journal else TOLD)}
    differing = [name for name in wanted if name not in skipped and found[name] != wanted[name]]
    outcome.wrong += [f"{point}: the audit is broken: {found['audit']}"] if found["audit"] else []
    if doubled or set(lost) - open_to_doubt or differing:
        details = {name: _difference(found[name], wanted[name]) for name in differing}
        outcome.wrong.append(f"{point}: lost {dict(lost)}, doubled {dict(doubled)}, other {details}"[:1500])


def _difference(found: object, wanted: object) -> str:
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = [key for key in {*found, *wanted} if found.get(key) != wanted.get(key)]
        return str({key: (str(found.get(key))[:300], str(wanted.get(key))[:300]) for key in keys[:3]})
    if isinstance(found, list) and isinstance(wanted, list):
        more, less = [each for each in found if each not in wanted], [each for each in wanted if each not in found]
        return f"+{more[:4]} -{less[:4]}"
    return f"{found} for {wanted}"


def run_stage(prepared: Path, stage: Stage, *, every: int, offset: int | None, jobs: int) -> Outcome:
    """Try every n-th boundary of a stage, several at a time."""
    wanted, labels = run_point(prepared / stage.name, stage, None)
    outcome = Outcome(stage=stage.name, labels=dict(Counter(labels)))
    points = of_each_kind(labels, every) if offset is None else every_nth(labels, every, offset=offset)
    shares = [points[n::jobs] for n in range(jobs)]
    with tempfile.TemporaryDirectory(prefix="dondoc-points-") as folder:
        files = [Path(folder) / str(n) for n in range(jobs)]
        children = [
            forked(partial(try_points, prepared / stage.name, stage, share, file), file.with_suffix(".log"))
            for share, file in zip(shares, files, strict=True)
        ]
        for child, file in zip(children, files, strict=True):
            assert wait_for(child) == 0, file.with_suffix(".log").read_text()[-3000:]
            for (label, number), found, was_killed in pickle.loads(file.read_bytes()):
                if not was_killed:
                    outcome.n_not_reached += 1
                    continue
                outcome.kinds[label] = outcome.kinds.get(label, 0) + 1
                judge(outcome, f"{stage.name} at {label} {number}", found, wanted, has_journal=stage.has_journal)
    return outcome


def try_points(prepared: Path, stage: Stage, points: Sequence[Boundary], file: Path) -> None:
    found = []
    for point in points:
        traces, labels_to_the_end = run_point(prepared, stage, point)
        found.append((point, traces, not labels_to_the_end))
    with file.open("wb") as target:
        pickle.dump(found, target)


def crash_points(
    *, every: int, offset: int | None = None, jobs: int = 2, names: Sequence[str] = tuple(STAGES)
) -> list[Outcome]:
    """Try every n-th boundary of each kind in the stages, and return what came of each stage.

    With an offset, which is for few points: every n-th of all boundaries, whatever their kind.
    """
    get_ready()
    with tempfile.TemporaryDirectory(prefix="dondoc-prepared-") as made:
        folder = Path(made)
        (folder / "work").mkdir()
        status = wait_for(forked(partial(prepare, folder), folder / "prepare.log"))
        assert status == 0, (folder / "prepare.log").read_text()[-3000:]
        outcomes = [run_stage(folder, STAGES[name], every=every, offset=offset, jobs=jobs) for name in names]
    for each in outcomes:
        each.stage = f"killed (SIGKILL) in the middle: {each.stage}"
    return outcomes


def in_a_process_of_its_own(what: str, **asked: object) -> list[Outcome]:
    """Do the same from a process that has threads, which cannot be forked: in a new one, which has none."""
    command = [sys.executable, "-m", "tests.chaos.crash_run", what, json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [Outcome(**each) for each in json.loads(done.stdout.splitlines()[-1])]


def said(outcomes: Sequence[Outcome]) -> str:
    return json.dumps([asdict(each) for each in outcomes])
