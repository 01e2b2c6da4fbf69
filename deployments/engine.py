"""Runs Prefect for one office: its settings, its server, its worker, and the deployments registered with it.

The first interface of Prefect (V1) is the default one: the second calls an analytics host from the operator's browser.
"""

import ipaddress
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
from tasks.settings import PrefectSettings

TELL_NOBODY: Final = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
"""Without it Prefect reports each program that imports it from a terminal, and says so in its output."""
DEFAULT_PORT: Final = 4200
SECONDS_TO_START: Final = 120
LOOPBACK: Final = "127.0.0.1"
EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - what an operator may set, with a password
ALONE: Final = PrefectSettings.model_construct()
"""One machine with a server of its own; nothing of the environment is read for it."""


class EngineNotStartedError(DondocError):
    """Prefect's server did not answer in time; its log says why."""

    code = "error.engine_not_started"


class EngineMisplacedError(DondocError):
    """Prefect's server of several machines cannot be used as it is set; `reason` says why and what to set."""

    def __init__(self, reason: str, **facts: object) -> None:
        """Keep the code of the sentence with its facts."""
        super().__init__(**facts)
        self.code = f"error.engine_{reason}"


def prefect_settings(home: Path, port: int, shared: PrefectSettings = ALONE) -> dict[str, str]:
    """Return the environment in which server, worker and flows of a home find each other, and nobody else.

    Whoever asks the server, a browser or a program, has to give a password: the one that is set for several machines,
    else the home's own. With `shared` those of other machines find them, too, by its address.
    """
    folder, auth = home.resolve() / "prefect", shared.auth.get_secret_value() or credentials_of(home)
    return _of_several(shared) | {
        "DONDOC_HOME": str(home.resolve()),
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": shared.api_url or f"http://{_here(shared)}:{port}/api",
        "PREFECT_SERVER_API_HOST": shared.host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_API_AUTH_STRING": auth,
        # Without a server a forgotten address would start a temporary one, and its runs would be seen by nobody.
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        **TELL_NOBODY,
        # A yearly schedule shows nothing under "upcoming" within the default horizon of 100 days.
        "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_SCHEDULED_TIME": "P400D",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        # The browser asks the address at which it found the pages: this machine's, the office's, or a proxy's with TLS.
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # Whoever presses a button waits for the worker's next look, which is ten seconds away by default.
        "PREFECT_WORKER_QUERY_SECONDS": "3",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "tasks,flows",
        # Of a run's log the operator reads our own sentences, and whatever went wrong; not Prefect's English comings
        # and goings of every flow and task.
        "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "WARNING",
        "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
        # In memory they would be lost with the server, and a run that died with it would hold its turn for ever.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }


def _of_several(shared: PrefectSettings) -> dict[str, str]:
    """Return what is set only where server and workers are on several machines."""
    settings: dict[str, str] = {}
    if url := shared.database_url.get_secret_value():
        settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = _for_asyncpg(url)
    return settings


def _for_asyncpg(url: str) -> str:
    """Return the address as Prefect takes it, however an operator names the driver.

    Raises:
        EngineMisplacedError: it is none of PostgreSQL.
    """
    kind, _, rest = url.partition("://")
    if not rest or kind.partition("+")[0] != "postgresql":
        raise EngineMisplacedError("database")
    return f"postgresql+asyncpg://{rest}"


def _here(shared: PrefectSettings) -> str:
    """Return the address at which this machine reaches its own server."""
    return LOOPBACK if shared.host == EVERY_ADDRESS else shared.host


def refuse_an_open_door(shared: PrefectSettings) -> None:
    """Refuse to let a server be reached from outside without a password: whoever reaches it may start and stop runs.

    Raises:
        EngineMisplacedError: there is none, or one of which Prefect's server would fail at every request; or what it
            is to listen on is no address.
    """
    auth = shared.auth.get_secret_value()
    if auth and (":" not in auth or not auth.isascii()):
        raise EngineMisplacedError("auth")
    if not _is_inside(shared.host) and not auth:
        raise EngineMisplacedError("open", host=shared.host)


def _is_inside(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise EngineMisplacedError("host", host=host) from None


def use(settings: Mapping[str, str]) -> None:
    """Put Prefect's settings into this process; it must happen before Prefect is imported."""
    os.environ.update(settings)


def start_server(home: Path, port: int, shared: PrefectSettings = ALONE) -> Child:
    """Start Prefect's server for a home and return when it answers.

    Raises:
        EngineNotStartedError: it did not answer in time.
    """
    (home / "prefect").mkdir(parents=True, exist_ok=True, mode=0o700)
    log = home / "logs" / "prefect-server.log"
    server = Child(
        [sys.executable, "-m", "prefect", "server", "start"], environment=prefect_settings(home, port, shared), log=log
    )
    patience = Event()
    for _ in range(SECONDS_TO_START * 4):
        if is_healthy(port, host=_here(shared)):
            _note_port(home, port)
            return server
        if server.has_ended:
            break
        patience.wait(0.25)
    server.end()
    raise EngineNotStartedError(log=log)


def start_worker(
    home: Path, port: int, shared: PrefectSettings = ALONE, *, pool: str, name: str = "", limit: int = 0
) -> Child:
    """Start a worker that runs the flows of the pool as processes of this machine, at most `limit` at once (0: any)."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    command += ["--name", name] if name else []
    command += ["--limit", str(limit)] if limit else []
    return Child(command, environment=prefect_settings(home, port, shared), log=home / "logs" / "prefect-worker.log")


def is_healthy(port: int, *, host: str = LOOPBACK) -> bool:
    """Say whether a Prefect server answers on the port of this machine."""
    return answers(f"http://{host}:{port}/api")


def answers(api_url: str) -> bool:
    """Say whether a Prefect server answers at the address of its API; it tells nobody else's secrets there."""
    try:
        with urllib.request.urlopen(f"{api_url.rstrip('/')}/health", timeout=2) as answer:  # noqa: S310 - the operator's
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's own number
    except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError):
        return False


def running_port(home: Path, shared: PrefectSettings = ALONE) -> int | None:
    """Return the port on which the home's server answers, or None when it does not run."""
    try:
        port = int(json.loads((home / "prefect" / "port.json").read_text("utf-8"))["port"])
    except (OSError, ValueError, KeyError):
        return None
    return port if is_healthy(port, host=_here(shared)) else None


@contextmanager
def prefect_for(home: Path, shared: PrefectSettings = ALONE, *, port: int = 0) -> Iterator[int]:
    """Let this process's flows run on the home's Prefect server, started for the while when it does not run.

    Yield the server's port; 0 where the server is that of several machines. Prefect must be imported inside, for it
    reads its settings once.

    Raises:
        EngineMisplacedError: the server of several machines does not answer; none is started in its place.
    """
    if shared.api_url:
        require_answer(shared)
        use(prefect_settings(home, port, shared))
        yield 0
        return
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


def require_answer(shared: PrefectSettings) -> None:
    """Require that this machine knows the server of several machines, and that it answers.

    Raises:
        EngineMisplacedError: one of the two fails.
    """
    if not shared.api_url:
        raise EngineMisplacedError("unset")
    if not answers(shared.api_url):
        raise EngineMisplacedError("silent", url=shared.api_url)


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
