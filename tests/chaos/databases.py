"""A PostgreSQL that cuts its connections, or is stopped and started again, while a round or an intake writes.

The server runs in a process of its own, for it has to outlive the process that is disturbed.
"""

import json
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from models.domain.errors import DondocError
from tests.builders import hanoi
from tests.chaos.boundaries import Boundaries, Boundary, every_nth
from tests.chaos.crash import MINUTES_TO_DOUBT, STAGES, Outcome, Stage, judge, recover
from tests.chaos.processes import forked, get_ready, mail_servers, wait_for
from tests.chaos.steps import OPENING, office_in, send_answers, whole_poll, whole_round, with_few_units
from tests.chaos.traces import traces_of
from tests.postgresql import Server, running_server, server_programs
from tests.tasks.conftest import Office

DONE, STOP, START = b"!", b"-", b"+"
CUT = "every connection to PostgreSQL cut in the middle of a round"
RESTARTED = "PostgreSQL killed (stop -m immediate) and started again in the middle of {step}"


@dataclass(frozen=True)
class Prepared:
    """An office before a step: its home and mail, and the database that each try has a copy of."""

    server: Server
    folder: Path
    url: str
    stage: Stage


@dataclass(frozen=True)
class Tried:
    """What is left after a try, how the step went, and the boundaries it crossed."""

    traces: dict[str, object]
    has_failed: bool
    labels: list[str]
    was_disturbed: bool


@contextmanager
def attended(programs: Path, log: Path) -> Iterator[Server]:
    """Yield a server that another process stops and starts when it is told to, until the end."""
    told, say = os.pipe()
    listen, tell = os.pipe()

    def attend() -> None:
        os.close(tell)
        with running_server(programs, is_durable=True) as server:
            os.write(say, json.dumps(server.port).encode())
            while order := os.read(listen, 1):
                (server.stop if order == STOP else server.start)()
                os.write(say, DONE)

    process = forked(attend, log)
    os.close(listen)
    os.close(say)

    def order(what: bytes) -> None:
        os.write(tell, what)
        assert os.read(told, 1) == DONE, log.read_text("utf-8", "replace")[-3000:]

    said = os.read(told, 100)
    assert said, log.read_text("utf-8", "replace")[-3000:]
    try:
        yield Server(port=json.loads(said), stop=partial(order, STOP), start=partial(order, START))
    finally:
        os.close(tell)
        os.close(told)
        assert wait_for(process) == 0, log.read_text("utf-8", "replace")[-3000:]


def faulty_databases(*, cut_every: int = 10, restart_every: int = 12) -> list[Outcome]:
    """Try every n-th boundary of a round, and of an intake, with each fault; nothing where there is no PostgreSQL."""
    programs = server_programs()
    if programs is None:
        return []
    get_ready()
    with tempfile.TemporaryDirectory(prefix="dondoc-databases-") as made:
        folder = Path(made)
        with attended(programs, folder / "server.log") as server:
            opening, intake = (prepared(server, folder, name) for name in ("opening", "poll"))
            return [
                disturbed(Outcome(stage=CUT), opening, (cut,), every=cut_every),
                disturbed(Outcome(stage=RESTARTED.format(step="a round")), opening, RESTARTS, every=restart_every),
                disturbed(Outcome(stage=RESTARTED.format(step="an intake")), intake, RESTARTS, every=restart_every),
            ]


def prepared(server: Server, folder: Path, name: str) -> Prepared:
    """Make the office from which a step starts, with a database of its own."""
    url, place, log = server.new_database(), folder / name, folder / f"{name}.log"

    def make() -> None:
        with office_in(place, database_url=url) as office:
            with_few_units(office)
            if name == "poll":
                whole_round(office, OPENING)
                whole_poll(office, OPENING, later=timedelta(minutes=20))
                send_answers(office)

    place.mkdir()
    assert wait_for(forked(make, log)) == 0, log.read_text()[-3000:]
    step = whole_poll if name == "poll" else whole_round
    return Prepared(server, place, url, replace(STAGES[name], step=step))


def cut(server: Server, url: str) -> None:
    server.order(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.rpartition('/')[2]}'")


def restart(server: Server, _url: str) -> None:
    server.stop()
    server.start()


def stop(server: Server, _url: str) -> None:
    """It comes back when the step has ended, however it ended."""
    server.stop()


Disturb = Callable[[Server, str], None]
RESTARTS: tuple[Disturb, ...] = (restart, stop)


def disturbed(outcome: Outcome, office: Prepared, faults: tuple[Disturb, ...], *, every: int) -> Outcome:
    """Try the faults in turn, and hold what is left against a step that nobody disturbed."""
    wanted = tried(office, None, None)
    for n, point in enumerate(every_nth(wanted.labels, every)):
        fault = faults[n % len(faults)]
        found = tried(office, point, fault)
        if not found.was_disturbed:
            outcome.n_not_reached += 1
            continue
        judge(outcome, f"{fault.__name__} at {point}", found.traces, wanted.traces, has_journal=True)
        outcome.told += found.has_failed
    return outcome


def tried(prepared: Prepared, point: Boundary | None, fault: Disturb | None) -> Tried:
    url = prepared.server.copy(prepared.url)
    with tempfile.TemporaryDirectory(prefix="dondoc-lost-") as made, mail_servers(Path(made), prepared.folder) as mail:
        mail.settings = {"database_url": url}
        log, answer = Path(made) / "log", Path(made) / "answer"
        status = wait_for(forked(partial(disturb, prepared, mail, url, point, fault, answer), log))
        assert status == 0, f"{point}: {log.read_text()[-3000:]}"
        prepared.server.drop(url)
        return pickle.loads(answer.read_bytes())


def disturb(
    prepared: Prepared, office: Office, url: str, point: Boundary | None, fault: Disturb | None, answer: Path
) -> None:
    stage, server = prepared.stage, prepared.server
    listening = _Disturbing(office.home, point, lambda: fault and fault(server, url))
    listening.listen()
    has_failed = False
    try:
        stage.step(office, stage.instant)
    except (DBAPIError, DondocError):
        has_failed = True
    labels, was_disturbed, listening.point = list(listening.labels), listening.was_reached, None
    if fault is stop and was_disturbed:
        server.start()
    recover(office, stage)
    found = traces_of(office, hanoi(stage.instant) + timedelta(minutes=MINUTES_TO_DOUBT + 3))
    with answer.open("wb") as file:
        pickle.dump(Tried(found, has_failed, labels, was_disturbed), file)


class _Disturbing(Boundaries):
    """Disturbs the database at a boundary, in the place of killing the process."""

    def __init__(self, home: Path, point: Boundary | None, disturb: Callable[[], object]) -> None:
        super().__init__(home)
        self.point = point
        self.was_reached = False
        self._disturb = disturb

    def cross(self, label: str) -> None:
        with self._lock:
            self.labels.append(label)
            is_here = (label, self.labels.count(label)) == self.point
        if is_here:
            self.was_reached = True
            self._disturb()
