"""Tries an office on several machines for longer than a test may take, and says step by step what was seen.

`python -m tests.three_machines` puts PostgreSQL and the store of files, the server and two workers into network
namespaces of their own (root on Linux, with iproute2). `python -m tests.three_machines demo [short]` replays the report
of June 2025 once in a home with SQLite, as the demo does, and once with PostgreSQL, two workers and a Dask cluster of
two. It compares the aggregates byte for byte, and what both databases hold of arrivals, submissions and the ledger;
times of writing, and the digests of the forms, which carry random tokens, are left out of the comparison.
"""

import io
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from deployments.demo import Stage
from deployments.engine import free_port
from deployments.postoffice import Account, PostOffice
from models.db.engine import open_engine
from models.db.records import editions
from models.db.tables import (
    ArrivalRow,
    DutyRow,
    FigureRow,
    LetterRow,
    NarrativeRow,
    ReminderRow,
    SkipRow,
    SubmissionRow,
)
from tasks.adapters.archive import archive_at
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.settings import Settings
from tests.machines import Loopback, Machine, Office, Wire, let_work, several_machines
from tests.replay_alone import play, reached_through, say
from tests.served import registered_names

CYCLE = "bc-6t-2025"
REPORT = "20 · BC 6T · mục III.1-c"
DIGEST = re.compile(rb"[0-9a-f]{12,64}")
TOKEN = re.compile(r"\b[a-z2-7]{16}\b")
MOST_SHOWN = 40
PARTS_WITH_TIMES = frozenset({"docProps/core.xml"})
RECORDS: dict[str, Select[Any]] = {
    "duties": select(DutyRow.unit_code, DutyRow.completed_at, DutyRow.accepted_at),
    "arrivals": select(
        ArrivalRow.received_at, ArrivalRow.sender, ArrivalRow.outcome, ArrivalRow.judged_at, ArrivalRow.reasons
    )
    .add_columns(DutyRow.unit_code)
    .outerjoin(DutyRow, DutyRow.id == ArrivalRow.duty_id),
    "submissions": select(
        DutyRow.unit_code,
        SubmissionRow.number,
        SubmissionRow.received_at,
        SubmissionRow.judged_at,
        SubmissionRow.has_sound_form,
        SubmissionRow.attachments,
        SubmissionRow.form_version,
    ).join(SubmissionRow, SubmissionRow.duty_id == DutyRow.id),
    "figures": select(
        DutyRow.unit_code,
        SubmissionRow.number,
        FigureRow.field,
        FigureRow.amount,
        FigureRow.text,
        FigureRow.is_estimate,
        FigureRow.note,
    )
    .join(SubmissionRow, SubmissionRow.duty_id == DutyRow.id)
    .join(FigureRow, FigureRow.submission_id == SubmissionRow.id),
    "narratives": select(DutyRow.unit_code, SubmissionRow.number, NarrativeRow.section, NarrativeRow.text)
    .join(SubmissionRow, SubmissionRow.duty_id == DutyRow.id)
    .join(NarrativeRow, NarrativeRow.submission_id == SubmissionRow.id),
    "letters": select(
        LetterRow.kind,
        LetterRow.recipient,
        LetterRow.day,
        LetterRow.state,
        LetterRow.n_attempts,
        LetterRow.queued_at,
        LetterRow.subject,
    ),
    "reminders": select(
        DutyRow.unit_code,
        ReminderRow.rung,
        ReminderRow.recipient,
        ReminderRow.decided_at,
        ReminderRow.cancelled_because,
        LetterRow.day,
    )
    .join(ReminderRow, ReminderRow.duty_id == DutyRow.id)
    .outerjoin(LetterRow, LetterRow.id == ReminderRow.letter_id),
    "skips": select(DutyRow.unit_code, SkipRow.rung, SkipRow.reason).join(SkipRow, SkipRow.duty_id == DutyRow.id),
}
"""What both databases must hold alike, whatever keys they gave their rows."""


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


def replayed_by_several(folder: Path, *, is_short: bool) -> "Left":
    """Replay on several machines, and return what is left."""
    address, texts = f"127.0.0.1:{free_port()}", vietnamese()
    home = folder / "stage"
    with PostOffice(home / "office", account=Account()) as post_office:
        more = reached_through(post_office) | {
            "DONDOC_TASK_RUNNER": f"dask://{address}",
            "DONDOC_UNITS_PER_CHUNK": "20",
        }
        with several_machines(folder, Loopback(), workers=(), **more) as (office, _), dask_cluster(office, address):
            programme = load_programme(Settings().programmes[0])
            stage = StageOfSeveral(office, home, programme, texts, post_office)
            let_work(office, {name: Machine(name) for name in ("may-2", "may-3")})
            play(stage, is_short=is_short)
            say(f"rounds and polls by worker: {stage.workers}")
            assert len(stage.workers) > 1, "one of the two has done nothing"
            files = archive_at(office.shared["DONDOC_FILES_URL"], folder, office.shared["DONDOC_FILES_OPTIONS"])
            return left_in(office.shared["DONDOC_DATABASE_URL"], CYCLE, files.read)


def replayed_by_one(folder: Path, *, is_short: bool) -> "Left":
    """Replay in one home with SQLite, in a process whose Prefect knows that home alone, and return what is left."""
    told = ["short"] if is_short else []
    subprocess.run([sys.executable, "-m", "tests.replay_alone", str(folder), *told], check=True)
    home = folder / "home"
    return left_in(f"sqlite:///{home / 'dondoc.db'}", CYCLE, archive_at("", home / "archive").read)


@dataclass(frozen=True)
class Left:
    """What a replay leaves: the files of the last edition by path, and the records of each sort in order."""

    files: dict[str, bytes]
    records: dict[str, list[str]]


def left_in(url: str, cycle_code: str, read: Callable[[str], bytes]) -> Left:
    engine = open_engine(url)
    with Session(engine) as session:
        made = editions.editions_of(session, cycle_code)
        records = {sort: sorted(map(as_told, session.execute(query))) for sort, query in RECORDS.items()}
    engine.dispose()
    say(f"{len(made)} editions; the last: {made[-1].kind}, {made[-1].n_reported} of {made[-1].n_expected} reported")
    say(", ".join(f"{len(rows)} {sort}" for sort, rows in records.items()))
    return Left(files={path: read(digest) for path, digest in made[-1].files.items()}, records=records)


def as_told(row: Sequence[Any]) -> str:
    """Return a row in words, without the random tokens and what hangs on them."""
    told = " | ".join(each.isoformat() if isinstance(each, date) else str(each) for each in row)
    return TOKEN.sub("#", DIGEST.sub(b"#", told.encode()).decode())


def differences(one: Left, several: Left) -> list[str]:
    """Return the parts of the files and the records that are not the same, times of writing and digests left out."""
    assert one.files.keys() == several.files.keys(), (sorted(one.files), sorted(several.files))
    found = []
    for path, content in one.files.items():
        left, right = parts_of(content), parts_of(several.files[path])
        found += [f"{path}: {name}" for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]
    for sort, rows in one.records.items():
        ours, theirs = Counter(rows), Counter(several.records[sort])
        found += [f"{sort}: one home: {row}" for row in ours - theirs]
        found += [f"{sort}: several machines: {row}" for row in theirs - ours]
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
    sizes = {Path(path).name: len(content) for path, content in one.files.items()}
    say(f"{sizes}, records: " + ("the same, times and digests left out" if not found else "DIFFERENT:"))
    for each in found[:MOST_SHOWN]:
        say(each)
    return int(bool(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["demo"]:
        sys.exit(demo(is_short="short" in sys.argv))
    else:
        on_a_wire()
