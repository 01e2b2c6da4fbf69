"""Work is shared out over a real Dask cluster of two workers; what dies of it in the middle loses nothing."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributed import Client

from bench.intake import ARRIVED_AT
from bench.synthetic import CYCLE
from deployments.engine import free_port
from tasks.open_cycles import stamp_missing_forms
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tasks.take_and_judge import take_and_judge
from tests.served import waited_for

N_UNITS = 60


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
    """A scheduler and two workers, each a process; the workers know the home, as they would know database and store."""

    def __init__(self, folder, stack):
        self.address = f"127.0.0.1:{free_port()}"
        self.home, self._folder = folder / "home", folder
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
        return {
            "DONDOC_HOME": str(self.home),
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
    """Yield the run of the day, which has begun; what it prints is in its answer."""
    arguments = ["tests.spread_office", str(N_UNITS)]
    with process(arguments, folder / "answer.json", errors=folder / "run.log", **cluster.environment()) as run:
        yield run


def told_by(run, folder):
    assert run.wait(timeout=120) == 0, (folder / "run.log").read_text()[-2_000:]
    return json.loads((folder / "answer.json").read_text("utf-8"))


@pytest.fixture
def cluster(tmp_path):
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


def both_at_work(client):
    return all(client.processing().values())


def n_stamped(cluster):
    return sum(path.is_file() for path in (cluster.home / "archive").rglob("*"))


def test_a_piece_whose_worker_dies_is_done_by_the_other_and_a_day_whose_cluster_is_gone_is_finished_by_the_next_run(
    cluster, tmp_path
):
    with cluster.seen() as client, run_of(cluster, tmp_path) as run:
        assert waited_for(lambda: both_at_work(client), seconds=60)
        cluster.workers[0].send_signal(signal.SIGKILL)
        assert waited_for(lambda: n_stamped(cluster) >= N_UNITS, seconds=60), "the other worker stamps what is left"
        for gone in (cluster.workers[1], cluster.scheduler):
            gone.send_signal(signal.SIGKILL)
        assert "Cụm máy ở dask://" in told_by(run, tmp_path)["stopped"]
    with open_runtime(Settings(home=cluster.home)) as runtime:
        assert stamp_missing_forms.fn(runtime, [CYCLE]) <= N_UNITS
        assert take_and_judge.fn(runtime, ARRIVED_AT)["accepted"] == N_UNITS
