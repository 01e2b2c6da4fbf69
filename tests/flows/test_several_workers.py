"""One office on several machines, as processes of this one: a server with a password, two workers, own homes.

And work that is shared out over a real Dask cluster of two: what dies of it in the middle loses nothing.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from distributed import Client
from pydantic import SecretStr
from sqlalchemy import text

from bench.intake import ARRIVED_AT
from bench.synthetic import CYCLE
from deployments.engine import EngineMisplacedError, free_port, prefect_settings, refuse_an_open_door
from models.db.engine import open_engine
from tasks.adapters.texts import vietnamese
from tasks.open_cycles import stamp_missing_forms
from tasks.runtime import open_runtime
from tasks.settings import PrefectSettings, Settings
from tasks.take_and_judge import take_and_judge
from tests.machines import Loopback, several_machines
from tests.postgresql import NO_SERVER, server_programs
from tests.waiting import waited_for

REPORT = "20 · BC 6T · mục III.1-c"
YEARLY = "21 · BC năm · mục III.1-d"
OPENING = {"as_of": "2025-05-16T08:00:00", "dry_run": False}
N_UNITS = 60
SECONDS_AT_MOST = 240
"""On a machine that other programs keep busy; at rest each wait is over in seconds."""
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"host": "0.0.0.0"}, "error.engine_open"),
        ({"host": "10.83.5.2"}, "error.engine_open"),
        ({"host": "10.83.5.2", "auth": "một-chữ"}, "error.engine_auth"),
        ({"host": "127.0.0.1", "auth": "tên:mật-khẩu"}, "error.engine_auth"),
        ({"host": "may-1.tinh.example.invalid", "auth": "van-phong:mat-khau"}, "error.engine_host"),
    ],
)
def test_a_server_that_others_could_reach_without_a_password_that_works_is_not_started(setting, code):
    with pytest.raises(EngineMisplacedError) as refused:
        refuse_an_open_door(PrefectSettings(**setting))
    assert refused.value.code == code
    assert vietnamese().error(refused.value)


@pytest.mark.parametrize("setting", [{}, {"host": "localhost"}, {"host": "0.0.0.0", "auth": "van-phong:mat-khau"}])
def test_a_server_of_one_machine_needs_no_password_and_one_of_several_has_it(setting):
    refuse_an_open_door(PrefectSettings(**setting))


@pytest.mark.parametrize("written", ["postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_the_servers_own_database_may_be_written_as_the_programs(tmp_path, written):
    shared = PrefectSettings(database_url=SecretStr(f"{written}://prefect:x@may:5432/prefect"))
    made = prefect_settings(tmp_path, 4200, shared)
    assert made["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "postgresql+asyncpg://prefect:x@may:5432/prefect"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "chưa biết máy chủ Prefect ở đâu"),
        ({"DONDOC_PREFECT_API_URL": "http://127.0.0.1:9/api"}, "không trả lời"),
    ],
)
def test_a_worker_without_a_server_says_what_to_set_and_takes_no_work(tmp_path, environment, said):
    answer = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "worker"],
        env={"DONDOC_HOME": str(tmp_path), "PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert said in answer.stderr


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """One office for all tests here: starting its server and workers takes longer than a test does."""
    folder = tmp_path_factory.mktemp("machines")
    morning = {"DONDOC_VIRTUAL_NOW": "2025-05-16T08:30:00+07:00", "DONDOC_SMTP_PORT": "1"}
    # A share; with S3 machines are tried by `make machines`, for each process takes a second to load what speaks it.
    with several_machines(folder, Loopback(), DONDOC_FILES_URL=f"file://{folder}/kho", **morning) as (office, _):
        yield office


@contextmanager
def held(run, database_url):
    """Hold the process of a run where it holds nothing that another would wait for, and let it go on after."""
    engine, pids = open_engine(database_url), []

    def has_stopped():
        pids[:] = processes_of(run)
        send(signal.SIGSTOP, pids)
        if pids and holds_nothing(engine):
            return True
        send(signal.SIGCONT, pids)
        return False

    try:
        assert waited_for(has_stopped, seconds=120), "no worker has begun the run"
        yield
    finally:
        send(signal.SIGCONT, pids)
        engine.dispose()


def send(sign, pids):
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)


def holds_nothing(engine):
    """Say whether nobody is at work in the database, has written in a transaction that goes on, or has a turn."""
    query = """
        SELECT count(*) FROM pg_stat_activity AS program LEFT JOIN pg_locks AS held
            ON held.pid = program.pid AND held.granted AND held.locktype IN ('transactionid', 'advisory')
        WHERE program.datname = current_database() AND program.pid <> pg_backend_pid()
            AND (program.state = 'active' OR held.pid IS NOT NULL)
    """
    with engine.connect() as database:
        return database.scalar(text(query)) == 0


def processes_of(run):
    told = f"FLOW_RUN_ID={run}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if told in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


@pytest.mark.skipif(server_programs() is None, reason=NO_SERVER)
def test_two_workers_share_the_work_and_one_cycle_is_never_ticked_twice(office):
    first = office.begin(REPORT, obligation="O-20", **OPENING)
    with held(first, office.shared["DONDOC_DATABASE_URL"]):
        assert (
            office.ended(office.begin(REPORT, obligation="O-20", **OPENING), seconds=SECONDS_AT_MOST)["state_type"]
            == "CANCELLED"
        )
        other = office.begin(YEARLY, obligation="O-21", **OPENING | {"dry_run": True})
        ended = office.ended(other, seconds=SECONDS_AT_MOST)
        assert ended["state_type"] == "COMPLETED", ended["state"]

    # The mail server is down, so the round that opened the cycle is seen to be incomplete.
    assert "Còn 82 thư chưa gửi được" in office.ended(first, seconds=SECONDS_AT_MOST)["state"]["message"]
    assert {office.worker_of(first), office.worker_of(other)} == {"may-2", "may-3"}
    engine = open_engine(office.shared["DONDOC_DATABASE_URL"])
    with engine.connect() as database:
        assert database.scalar(text("SELECT count(*) FROM cycle")) == 1
        assert tuple(database.execute(text("SELECT count(*), count(form_digest) FROM duty")).one()) == (76, 76)
    engine.dispose()
    lying = [path for name in ("may-2", "may-3") for path in (office.folder / name / "archive").rglob("*")]
    assert not lying, "forms lie in the store that all machines see"


@contextmanager
def process(arguments, log, *, errors=None, **environment):
    with log.open("wb") as output, (errors or Path(os.devnull)).open("wb") as said:
        running = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, **environment},
            stdout=output,
            stderr=said if errors else subprocess.STDOUT,
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


class Cluster:
    """A scheduler and two workers, each a process; the workers know database and home, and the office's server."""

    def __init__(self, folder, stack, office):
        self.address = f"127.0.0.1:{free_port()}"
        self.home, self._folder = folder / "home", folder
        self.database_url = office.database.new_database()
        server = ("DONDOC_PREFECT_API_URL", "DONDOC_PREFECT_AUTH")
        self._server = {name: office.shared[name] for name in server}
        scheduling = [
            "distributed.cli.dask_scheduler",
            "--no-dashboard",
            "--host",
            *self.address.replace(":", " --port ").split(),
        ]
        self.scheduler = stack.enter_context(process(scheduling, folder / "scheduler.log"))
        working = [
            "distributed.cli.dask_worker",
            f"tcp://{self.address}",
            "--no-nanny",
            "--nthreads",
            "1",
            "--no-dashboard",
        ]
        self.workers = [
            stack.enter_context(
                process(
                    [*working, "--name", name, "--local-directory", folder / name],
                    folder / f"{name}.log",
                    **self.environment(),
                )
            )
            for name in ("first", "second")
        ]

    def environment(self):
        return self._server | {
            "DONDOC_HOME": str(self.home),
            "DONDOC_DATABASE_URL": self.database_url,
            "DONDOC_UNITS_PER_CHUNK": "5",
            "DONDOC_TASK_RUNNER": f"dask://{self.address}",
            "PREFECT_LOGGING_LEVEL": "ERROR",
        }

    @contextmanager
    def seen(self):
        """Yield a client, and see both workers at work."""
        with Client(f"tcp://{self.address}", set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            yield client


@contextmanager
def run_of(cluster, folder):
    """Yield the run of the day, which has begun; what it prints is in its answer. Each step waits to be let begin."""
    arguments = ["tests.spread_office", str(N_UNITS), str(folder)]
    with process(arguments, folder / "answer.json", errors=folder / "run.log", **cluster.environment()) as run:
        yield run


def reached(step, run, folder):
    """Wait until a run stands before a step."""
    assert waited_for(lambda: (folder / f"{step}.reached").exists() or run.poll() is not None, seconds=SECONDS_AT_MOST)
    assert run.poll() is None, (folder / "run.log").read_text()[-2_000:]


def begin(step, folder):
    (folder / f"{step}.begun").touch()


@contextmanager
def no_targets_read(cluster):
    """Let whoever stamps a form wait meanwhile, for the targets of the year stand in it."""
    engine = open_engine(cluster.database_url)
    with engine.begin() as database:
        database.execute(text("LOCK TABLE target IN ACCESS EXCLUSIVE MODE"))
        yield
    engine.dispose()


def told_by(run, folder):
    assert run.wait(timeout=SECONDS_AT_MOST) == 0, (folder / "run.log").read_text()[-2_000:]
    return json.loads((folder / "answer.json").read_text("utf-8"))


@pytest.fixture
def cluster(tmp_path, office):
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack, office)


def both_at_work(client):
    return all(client.processing().values())


@pytest.mark.skipif(server_programs() is None, reason=NO_SERVER)
def test_a_piece_whose_worker_dies_is_done_by_the_other_and_a_day_whose_cluster_is_gone_is_finished_by_the_next_run(
    cluster, tmp_path
):
    with cluster.seen() as client, run_of(cluster, tmp_path) as run:
        reached("stamping", run, tmp_path)
        with no_targets_read(cluster):
            begin("stamping", tmp_path)
            assert waited_for(lambda: both_at_work(client), seconds=60)
            cluster.workers[0].send_signal(signal.SIGKILL)
        reached("taking", run, tmp_path)  # the other worker has stamped what was left
        for gone in (cluster.workers[1], cluster.scheduler):
            gone.send_signal(signal.SIGKILL)
            gone.wait()
        begin("taking", tmp_path)
        assert "Cụm máy ở dask://" in told_by(run, tmp_path)["stopped"]
    with open_runtime(Settings(home=cluster.home, database_url=SecretStr(cluster.database_url))) as runtime:
        assert stamp_missing_forms.fn(runtime, [CYCLE]) == 0
        assert take_and_judge.fn(runtime, ARRIVED_AT)["accepted"] == N_UNITS
