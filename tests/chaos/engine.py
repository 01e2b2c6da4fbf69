"""Prefect's server is killed in the middle of a run and started again, while the worker on another machine lives on.

Once it is back before the run goes on, once only after the run has sent all its letters without a server. Whatever
Prefect then makes of the run, the next ones finish its day.
"""

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from deployments.engine import answers
from deployments.postoffice import Fault, FaultKind, PostOffice, mails_for
from models.db.engine import open_engine
from models.db.tables import DutyRow, LetterRow, ReminderRow
from models.domain.vocabulary import LetterKind, LetterState
from tasks.adapters.texts import vietnamese
from tests.builders import hanoi
from tests.chained import told, verified
from tests.chaos.crash import Outcome
from tests.machines import ENDED, Loopback, Machine, Office, several_machines
from tests.postgresql import server_programs
from tests.replay_alone import reached_through
from tests.served import registered_names
from tests.waiting import waited_for

REPORT = "20 · BC 6T · mục III.1-c"
OPERATOR = "ban-truc@dondoc.example.invalid"
WORKER = "may-2"
SECONDS_AT_MOST = 600
"""On a machine that other programs keep busy; at rest each wait is over in seconds."""
DAYS = ("2025-05-16", "2025-06-05")
"""The opening and the first reminder: on each every unit gets a letter."""
N_UNITS = 76


def engine_restarted() -> list[Outcome]:
    """Try both, each on a day of its own in one office; nothing where PostgreSQL is not installed."""
    outcome = Outcome(stage="Prefect's server killed and started again in the middle of a run")
    if server_programs() is None:
        return []
    with tempfile.TemporaryDirectory(prefix="dondoc-engine-") as made:
        folder = Path(made)
        with PostOffice(folder / "post") as mail:
            shared = reached_through(mail) | {
                "DONDOC_FILES_URL": f"file://{folder}/kho",
                "DONDOC_OPERATOR_ADDRESS": OPERATOR,
                "DONDOC_VIRTUAL_NOW": hanoi(f"{DAYS[0]} 08:00").isoformat(),
            }
            with several_machines(folder, Loopback(), workers=(WORKER,), **shared) as (office, machines):
                for day, is_back_at_once in zip(DAYS, (True, False), strict=True):
                    _try_day(outcome, office, machines["may-1"], mail, day, is_back_at_once=is_back_at_once)
    return [outcome]


def _try_day(
    outcome: Outcome, office: Office, server: Machine, mail: PostOffice, day: str, *, is_back_at_once: bool
) -> None:
    _let_nothing_run_by_itself(office)
    n_before = _n_mails(mail)
    mail.misbehave(Fault("*", FaultKind.SLOW))
    run = _begin(office, REPORT, f"{day} 08:00", obligation="O-20", as_of=f"{day}T08:00:00", dry_run=False)
    assert waited_for(lambda: _n_mails(mail) > n_before or _has_ended(office, run), seconds=SECONDS_AT_MOST)
    with _held(run) as processes:
        assert processes, office.ask(f"/flow_runs/{run}")["state"]
        _kill_server(office, server)
        mail.misbehave()
        if is_back_at_once:
            _start_server(office, server)
    if not is_back_at_once:
        assert waited_for(lambda: _has_sent_all(office, day) or not _processes_of(run), seconds=SECONDS_AT_MOST)
        _start_server(office, server)
    assert waited_for(lambda: not _processes_of(run), seconds=SECONDS_AT_MOST), "the run waits without end"
    state = office.ask(f"/flow_runs/{run}")["state"]
    _finish(office, day)
    _judge(outcome, office, mail, day, state)


def _finish(office: Office, day: str) -> None:
    """Do what goes on by itself later that day: a poll that settles doubts, the round again, a poll."""
    poll = vietnamese().say("deployment.poll.name")
    _let_nothing_run_by_itself(office)
    for name, at, parameters in (
        (poll, "08:15", {}),
        (poll, "08:50", {}),
        (REPORT, "14:00", {"obligation": "O-20", "as_of": f"{day}T14:00:00", "dry_run": False}),
        (poll, "14:30", {}),
    ):
        ended = office.ended(_begin(office, name, f"{day} {at}", **parameters), seconds=SECONDS_AT_MOST)
        assert ended["state_type"] == "COMPLETED", ended["state"]


def _judge(outcome: Outcome, office: Office, mail: PostOffice, day: str, state: dict) -> None:
    outcome.tried += 1
    url = office.shared["DONDOC_DATABASE_URL"]
    engine = open_engine(url)
    with Session(engine) as session:
        letters = _letters_of(session, day)
        chased = select(ReminderRow.duty_id).join(LetterRow, LetterRow.id == ReminderRow.letter_id)
        n_chased = len(set(session.scalars(chased.where(LetterRow.id.in_([letter.id for letter in letters])))))
        n_stamped = len(session.scalars(select(DutyRow.id).where(DutyRow.form_digest.is_not(None))).all())
    engine.dispose()
    received = Counter({letter.message_id: _times_received(mail, letter) for letter in letters})
    outcome.doubled += sum(n - 1 for n in received.values() if n > 1)
    outcome.lost += sum(n == 0 for n in received.values()) + N_UNITS - n_chased
    unsent = [letter.key for letter in letters if letter.state != LetterState.SENT]
    broken = told(verified(url))
    if unsent or broken or n_stamped != N_UNITS or n_chased != N_UNITS:
        outcome.wrong.append(f"{day}: {n_stamped} stamped, {n_chased} chased, unsent {unsent}, audit {broken}"[:1500])
    if state["type"] != "COMPLETED":
        outcome.told += 1
        words = [str(state["message"] or ""), *(_text(each) for each in mails_for(mail.home, OPERATOR))]
        if state["type"] not in {"RUNNING", "PENDING"} and not any(words):
            outcome.wrong.append(f"{day}: the run is {state['type']}, and nobody is told why")


def _letters_of(session: Session, day: str) -> list[LetterRow]:
    of_day = select(LetterRow).where(LetterRow.day == hanoi(f"{day} 08:00").date(), LetterRow.kind == LetterKind.CHASE)
    return list(session.scalars(of_day))


def _has_sent_all(office: Office, day: str) -> bool:
    engine = open_engine(office.shared["DONDOC_DATABASE_URL"])
    with Session(engine) as session:
        states = {letter.state for letter in _letters_of(session, day)}
    engine.dispose()
    return states == {LetterState.SENT}


def _times_received(mail: PostOffice, letter: LetterRow) -> int:
    received = mails_for(mail.home, letter.recipient)
    return sum(str(message_from_bytes(each)["Message-ID"]).strip() == letter.message_id for each in received)


def _text(content: bytes) -> str:
    return str(message_from_bytes(content)["Subject"])


def _n_mails(mail: PostOffice) -> int:
    return sum(1 for _ in (mail.home / "mail").rglob("*.eml"))


def _begin(office: Office, name: str, at: str, **parameters: object) -> str:
    """Start a run whose clock stands at the instant."""
    identity = office.deployments()[name]["id"]
    environment = {"DONDOC_VIRTUAL_NOW": hanoi(at).isoformat()}
    body = {"parameters": parameters, "job_variables": {"env": environment}}
    return office.ask(f"/deployments/{identity}/create_flow_run", body)["id"]


def _has_ended(office: Office, run: str) -> bool:
    return office.ask(f"/flow_runs/{run}")["state_type"] in ENDED


def _let_nothing_run_by_itself(office: Office) -> None:
    for found in office.deployments().values():
        office.ask(f"/deployments/{found['id']}/pause_deployment", {})


def _kill_server(office: Office, server: Machine) -> None:
    process = office.processes[server.name]
    process.kill()
    process.wait()
    assert waited_for(lambda: not answers(office.api), seconds=SECONDS_AT_MOST), "the server outlived its parent"


def _start_server(office: Office, server: Machine) -> None:
    port = office.api.rpartition(":")[2].partition("/")[0]
    process = office.start(server, "deployments.cli", "serve", "--port", port, "--no-worker")

    def is_served() -> bool:
        assert process.poll() is None, office.log_of(server)[-2_000:]
        return answers(office.api) and registered_names() <= set(office.deployments())

    assert waited_for(is_served, seconds=SECONDS_AT_MOST), office.log_of(server)[-2_000:]


@contextmanager
def _held(run: str) -> Iterator[list[int]]:
    """Hold the processes of a run where they stand, and let them go on after."""
    processes = _processes_of(run)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def _processes_of(run: str) -> list[int]:
    said = f"FLOW_RUN_ID={run}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if said in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found
