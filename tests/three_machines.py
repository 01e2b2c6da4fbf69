"""Tries an office on several machines for longer than a test may take, and says step by step what was seen.

`python -m tests.three_machines` puts PostgreSQL and the store of files, the server and two workers into network
namespaces of their own (root on Linux, with iproute2). `python -m tests.three_machines demo [short]` replays the report
of June 2025 once in a home with SQLite and once with PostgreSQL, two workers and a Dask cluster of two, and compares
the aggregates byte for byte; the digests of the forms, which carry random tokens, are left out of the comparison.
"""

import io
import os
import re
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy.orm import Session

from deployments.demo import LAST_DAY, OBLIGATION, Moment, Stage, _is_eventful, moments_of
from deployments.engine import free_port
from deployments.postoffice import Account, PostOffice
from models.db.engine import open_engine
from models.db.records import editions
from models.domain.vocabulary import LetterKind
from tasks.adapters.archive import archive_at
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.chase import queue_due_reminders, queue_reminders_of_others
from tasks.compile import compile_due_editions
from tasks.open_cycles import active_cycles, open_due_cycles, stamp_missing_forms
from tasks.post import post_letters
from tasks.receive import file_arrivals_away
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tasks.take_and_judge import take_and_judge
from tests.machines import Loopback, Machine, Office, Wire, several_machines
from tests.served import registered_names

REPORT = "20 · BC 6T · mục III.1-c"
DIGEST = re.compile(rb"[0-9a-f]{12,64}")
EVENING = 16
PARTS_WITH_TIMES = frozenset({"docProps/core.xml"})


def say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def on_a_wire() -> None:
    """Try what only machines with addresses of their own can show."""
    morning = {"DONDOC_VIRTUAL_NOW": "2025-05-16T08:30:00+07:00", "DONDOC_SMTP_PORT": "1"}
    with TemporaryDirectory(prefix="dondoc-machines-") as folder:
        place = Wire()
        with several_machines(Path(folder), place, **morning) as (office, machines):
            say("server 10.83.5.2 is served to " + ", ".join(sorted(office.workers())))
            rounds = sorted(name for name in registered_names() if name[:2] in {"03", "09", "11", "12", "19", "21"})
            tries = {"as_of": "2025-05-16T08:00:00", "dry_run": True}
            runs = [office.begin(name, obligation=f"O-{name[:2]}", **tries) for name in rounds]
            states = [office.ended(run)["state_type"] for run in runs]
            by = sorted(office.worker_of(run) for run in runs)
            say(f"{len(runs)} rounds {states} done by {by}")
            assert set(states) == {"COMPLETED"}
            assert set(by) == {"may-2", "may-3"}

            twice = [office.begin(REPORT, obligation="O-20", **tries) for _ in range(2)]
            ends = sorted(office.ended(run)["state_type"] for run in twice)
            say(f"the same round twice at once: {ends}")
            assert ends == ["CANCELLED", "COMPLETED"]

            place.cut(machines["may-3"])
            say("the cable of may-3 is pulled")
            alone = [office.begin(name, obligation=f"O-{name[:2]}", **tries) for name in rounds[:3]]
            did = {
                office.worker_of(run) for run in alone if office.ended(run, seconds=300)["state_type"] == "COMPLETED"
            }
            say(f"three more rounds done by {sorted(did)}")
            assert did == {"may-2"}


class StageOfSeveral(Stage):
    """The replay, whose rounds and polls are done by the workers of an office on several machines."""

    def __init__(self, office: Office, *given: Any) -> None:
        super().__init__(*given)
        self._office = office
        self._names = {found["name"]: found["id"] for found in office.deployments().values()}
        for identity in self._names.values():  # no run by the real clock
            office.ask(f"/deployments/{identity}/pause_deployment", {})
        self.workers: dict[str, int] = {}

    def _run(self, code: str, parameters: dict[str, Any], at: datetime) -> None:
        name = self.texts.say("deployment.poll.name") if code == "poll" else REPORT
        body = {
            "parameters": parameters,
            "job_variables": {"env": {"DONDOC_VIRTUAL_NOW": os.environ["DONDOC_VIRTUAL_NOW"]}},
        }
        run = self._office.ask(f"/deployments/{self._names[name]}/create_flow_run", body)["id"]
        told = self._office.ended(run, seconds=300)
        worker = self._office.worker_of(run)
        self.workers[worker] = self.workers.get(worker, 0) + 1
        if told["state_type"] != "COMPLETED":
            self.failures.append(f"{at}: {told['state']['message']}")


class StageOfOne(Stage):
    """The replay in this process, without Prefect's server."""

    def _run(self, code: str, parameters: dict[str, Any], at: datetime) -> None:
        step(code, at)


def step(code: str, at: datetime) -> None:
    """Do the steps of one round or poll on the home of the environment, without Prefect's server."""
    with open_runtime(Settings.load()) as runtime:
        if code == "poll":
            take_and_judge.fn(runtime, at)
            post_letters.fn(runtime, (LetterKind.RECEIPT, LetterKind.RETURN, LetterKind.HELD, LetterKind.OPERATOR))
            file_arrivals_away.fn(runtime)
            return
        open_due_cycles.fn(runtime, OBLIGATION, at)
        codes = active_cycles(runtime, OBLIGATION, at)
        stamp_missing_forms.fn(runtime, codes, at)
        for cycle_code in codes:
            queue_due_reminders.fn(runtime, cycle_code, at)
        queue_reminders_of_others.fn(runtime, codes, at)
        post_letters.fn(runtime, [LetterKind.CHASE])
        compile_due_editions.fn(runtime, codes, at)


def first_act(stage: Stage, *, is_short: bool) -> list[Moment]:
    """Return the moments of the six-month report on which something happens.

    A short one keeps what units do, the evening's polls, and the rounds that open, urge first and compile last: whoever
    is asked is asked less often, and what is compiled in the end is all there.
    """
    moments = [m for m in moments_of(stage) if m.step is None and m.at.date() <= LAST_DAY and _is_eventful(stage, m)]
    if not is_short:
        return moments
    rounds = [m for m in moments if m.what == "round"]
    kept = {rounds[0].at, *(m.at for m in rounds[-2:]), next(m.at for m in rounds if m.at >= stage.cycle.late_at)}
    return [m for m in moments if m.what == "units" or m.at in kept or (m.what == "poll" and m.at.hour >= EVENING)]


def reached_through(post_office: PostOffice) -> dict[str, str]:
    account = post_office.account
    return {
        "DONDOC_MAIL_FROM": account.address,
        "DONDOC_SMTP_PORT": str(post_office.smtp_port),
        "DONDOC_IMAP_HOST": "127.0.0.1",
        "DONDOC_IMAP_PORT": str(post_office.imap_port),
        "DONDOC_IMAP_SECURITY": "none",
        "DONDOC_IMAP_USERNAME": account.username,
        "DONDOC_IMAP_PASSWORD": account.password,
    }


@contextmanager
def dask_cluster(office: Office, address: str) -> Iterator[None]:
    """Let a scheduler and two workers run, each with a home of its own and what the machines share."""
    host, port = address.split(":")
    scheduling = ["distributed.cli.dask_scheduler", "--no-dashboard", "--host", host, "--port", port]
    office.start(Machine("dask"), *scheduling)
    for name in ("dask-1", "dask-2"):
        working = ["distributed.cli.dask_worker", f"tcp://{address}", "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        office.start(Machine(name), *working, "--local-directory", str(office.folder / f"{name}-space"))
    yield


def replayed_by_several(folder: Path, *, is_short: bool) -> dict[str, bytes]:
    """Replay on several machines, and return the files of the last edition."""
    address, texts = f"127.0.0.1:{free_port()}", vietnamese()
    home = folder / "stage"
    with PostOffice(home / "office", account=Account()) as post_office:
        more = reached_through(post_office) | {
            "DONDOC_TASK_RUNNER": f"dask://{address}",
            "DONDOC_UNITS_PER_CHUNK": "20",
        }
        with several_machines(folder, Loopback(), **more) as (office, _), dask_cluster(office, address):
            programme = load_programme(Settings().programmes[0])
            stage = StageOfSeveral(office, home, programme, texts, post_office)
            play(stage, is_short=is_short)
            say(f"rounds and polls by worker: {stage.workers}")
            files = archive_at(office.shared["DONDOC_FILES_URL"], folder, office.shared["DONDOC_FILES_OPTIONS"])
            return last_edition(office.shared["DONDOC_DATABASE_URL"], stage.cycle.code, files.read)


def replayed_by_one(folder: Path, *, is_short: bool) -> dict[str, bytes]:
    """Replay in one home with SQLite, and return the files of the last edition."""
    texts, home = vietnamese(), folder / "home"
    with PostOffice(home / "office", account=Account()) as post_office:
        os.environ.update(reached_through(post_office) | {"DONDOC_HOME": str(home)})
        stage = StageOfOne(home, load_programme(Settings().programmes[0]), texts, post_office)
        play(stage, is_short=is_short)
        files = archive_at("", home / "archive")
        return last_edition(f"sqlite:///{home / 'dondoc.db'}", stage.cycle.code, files.read)


def play(stage: Stage, *, is_short: bool) -> None:
    moments = first_act(stage, is_short=is_short)
    started = time.perf_counter()
    for number, moment in enumerate(moments, start=1):
        stage.play(moment)
        if number % 10 == 0 or number == len(moments):
            say(f"{number}/{len(moments)} {moment.at:%d/%m/%Y %H:%M} ({time.perf_counter() - started:.0f} s)")
    assert not stage.failures, stage.failures[0]


def last_edition(url: str, cycle_code: str, read: Any) -> dict[str, bytes]:
    engine = open_engine(url)
    with Session(engine) as session:
        made = editions.editions_of(session, cycle_code)
    engine.dispose()
    say(f"{len(made)} editions; the last: {made[-1].kind}, {made[-1].n_reported} of {made[-1].n_expected} reported")
    return {path: read(digest) for path, digest in made[-1].files.items()}


def differences(one: dict[str, bytes], several: dict[str, bytes]) -> list[str]:
    """Return the parts of the files that are not the same, times and digests left out."""
    assert one.keys() == several.keys(), (sorted(one), sorted(several))
    found = []
    for path, content in one.items():
        left, right = parts_of(content), parts_of(several[path])
        found += [f"{path}: {name}" for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]
    return found


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {
            name: DIGEST.sub(b"#", package.read(name)) for name in package.namelist() if name not in PARTS_WITH_TIMES
        }


def demo(*, is_short: bool) -> int:
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(TemporaryDirectory(prefix="dondoc-demo-"))) for _ in range(2)]
        say("one home, SQLite")
        one = replayed_by_one(folders[0], is_short=is_short)
        say("PostgreSQL, two workers, Dask")
        several = replayed_by_several(folders[1], is_short=is_short)
    found = differences(one, several)
    sizes = {Path(path).name: len(content) for path, content in one.items()}
    say(f"{sizes}: " + ("the same, times and digests left out" if not found else f"DIFFERENT: {found}"))
    return int(bool(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["demo"]:
        sys.exit(demo(is_short="short" in sys.argv))
    else:
        on_a_wire()
