"""Runs Prefect for one office: its settings, its server, its worker, and the deployments registered with it.

The first interface of Prefect (V1) is the default one: the second calls an analytics host from the operator's browser.
"""

import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final

from deployments.credentials import credentials_of
from deployments.processes import Child
from models.domain.errors import DondocError

DEFAULT_PORT: Final = 4200
SECONDS_TO_START: Final = 120


class EngineNotStartedError(DondocError):
    """Prefect's server did not answer in time; its log says why."""

    code = "error.engine_not_started"


def prefect_settings(home: Path, port: int) -> dict[str, str]:
    """Return the environment in which server, worker and flows of a home find each other, and nobody else.

    Whoever asks the server, a browser or a program, has to give the home's password.
    """
    folder, credentials = home.resolve() / "prefect", credentials_of(home)
    return {
        "DONDOC_HOME": str(home.resolve()),
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_API_AUTH_STRING": credentials,
        "PREFECT_API_AUTH_STRING": credentials,
        # Without a server a forgotten address would start a temporary one, and its runs would be seen by nobody.
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # A yearly schedule shows nothing under "upcoming" within the default horizon of 100 days.
        "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_SCHEDULED_TIME": "P400D",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "tasks,flows",
    }


def use(settings: Mapping[str, str]) -> None:
    """Put Prefect's settings into this process; it must happen before Prefect is imported."""
    os.environ.update(settings)


def start_server(home: Path, port: int) -> Child:
    """Start Prefect's server for a home and return when it answers.

    Raises:
        EngineNotStartedError: it did not answer in time.
    """
    (home / "prefect").mkdir(parents=True, exist_ok=True, mode=0o700)
    log = home / "logs" / "prefect-server.log"
    server = Child(
        [sys.executable, "-m", "prefect", "server", "start"], environment=prefect_settings(home, port), log=log
    )
    patience = Event()
    for _ in range(SECONDS_TO_START * 4):
        if is_healthy(port):
            _note_port(home, port)
            return server
        if server.has_ended:
            break
        patience.wait(0.25)
    server.end()
    raise EngineNotStartedError(log=log)


def start_worker(home: Path, port: int, *, pool: str) -> Child:
    """Start a worker that runs the flows of the pool as processes of this machine."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    return Child(command, environment=prefect_settings(home, port), log=home / "logs" / "prefect-worker.log")


def is_healthy(port: int) -> bool:
    """Say whether a Prefect server answers on the port of this machine."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's own number
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def running_port(home: Path) -> int | None:
    """Return the port on which the home's server answers, or None when it does not run."""
    try:
        port = int(json.loads((home / "prefect" / "port.json").read_text("utf-8"))["port"])
    except (OSError, ValueError, KeyError):
        return None
    return port if is_healthy(port) else None


@contextmanager
def prefect_for(home: Path, *, port: int = 0) -> Iterator[int]:
    """Let this process's flows run on the home's Prefect server, started for the while when it does not run.

    Yield the server's port. Prefect must be imported inside, for it reads its settings once.
    """
    running = running_port(home)
    if running is not None:
        use(prefect_settings(home, running))
        yield running
        return
    chosen = port or free_port()
    use(prefect_settings(home, chosen))
    with start_server(home, chosen):
        yield chosen
        _send_last_logs()


def _send_last_logs() -> None:
    """Hand the last lines of the runs over before the server ends; without a run there are none."""
    handlers = sys.modules.get("prefect.logging.handlers")
    if handlers is not None:
        handlers.APILogHandler().flush()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _note_port(home: Path, port: int) -> None:
    (home / "prefect" / "port.json").write_text(json.dumps({"port": port}), "utf-8")
