"""Tries shared-out work over a real Ray on this machine, and says step by step what was seen.

`python -m tests.ray_cluster` takes what `.[ray]` installs. Everything runs in a network namespace that has loopback and
nothing else, for Ray listens on every address of a machine: root on Linux, with iproute2.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.waiting import waited_for

ALONE = "alone"
PORT = 10001
N_UNITS = 60
SECONDS_A_RUN = 600
SECONDS_TO_START = 180
RAY = Path(sys.executable).with_name("ray")


def say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


@contextmanager
def ray_at_work(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Let a head run whose two workers know the home, as each machine of a cluster knows the office's settings."""
    start = ["start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--ray-client-server-port={PORT}"]
    little = ["--num-cpus=2", "--object-store-memory=100000000", "--include-dashboard=false", "--disable-usage-stats"]
    command = [RAY, *start, *little, f"--temp-dir={folder}/ray"]
    with (folder / "ray.log").open("wb") as told:
        head = subprocess.Popen(command, env=environment, stdout=told, stderr=subprocess.STDOUT)
    try:
        is_there = waited_for(lambda: head.poll() is not None or answers(), seconds=SECONDS_TO_START)
        log = (folder / "ray.log").read_text("utf-8", "replace")
        assert is_there, log
        assert head.poll() is None, log
        yield
    finally:
        head.terminate()
        head.wait()


def answers() -> bool:
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=5).close()
    except OSError:
        return False
    return True


def told_by_a_run(environment: dict[str, str]) -> dict[str, object]:
    """Return what the day's run says; a home's own server is started for it."""
    command = [sys.executable, "-m", "tests.spread_office", str(N_UNITS)]
    done = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=SECONDS_A_RUN
    )
    told: dict[str, object] = json.loads(done.stdout)
    return told


def in_a_space_of_its_own() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with TemporaryDirectory(prefix="dondoc-ray-") as place:
        folder = Path(place)
        environment = os.environ | {
            "DONDOC_HOME": str(folder / "home"),
            "DONDOC_TASK_RUNNER": f"ray://127.0.0.1:{PORT}",
            "DONDOC_UNITS_PER_CHUNK": "20",
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "RAY_USAGE_STATS_ENABLED": "0",
            # On a busy machine the process that serves a client takes longer than the thirty seconds of the default.
            "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "300",
        }
        told = told_by_a_run(environment)
        say(f"without a cluster: {told}")
        assert "Cụm máy ở ray://" in str(told["stopped"])
        with ray_at_work(folder, environment):
            told = told_by_a_run(environment)
            say(f"with one: {told}")
        assert (told["stamped"], told["taken"], told["accepted"]) == (N_UNITS, N_UNITS, N_UNITS)


if __name__ == "__main__":
    if sys.argv[1:] == [ALONE]:
        in_a_space_of_its_own()
    else:
        sys.exit(
            subprocess.run(
                ["unshare", "--net", sys.executable, "-m", "tests.ray_cluster", ALONE], check=False
            ).returncode
        )
