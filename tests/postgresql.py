"""A real PostgreSQL for the tests: one server for a session of tests, one database for a test.

It comes from Debian, for the servers in Python packages are built without ICU, whose Vietnamese order is what is to be
tested. The server refuses to run as root: then it runs as the user `postgres`, or as `nobody`.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import URL

from deployments.engine import free_port
from deployments.processes import Child
from models.db.engine import migrate, open_engine
from tests.waiting import waited_for

PASSWORD = "mật khẩu/%:@?#'x"  # everything that has to be escaped in an address
USER = "dondoc"
TEMPLATE = "dondoc_template"
NO_SERVER = "no PostgreSQL server on this machine (Debian: postgresql)"


def server_programs() -> Path | None:
    """Return the folder of the newest server's programs; None when there is none."""
    candidates = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found = shutil.which("initdb")
    candidates += [Path(found).resolve().parent] if found else []
    return max(candidates, key=_version, default=None)


@dataclass
class Server:
    """A running server with a user of its own for the program, who owns the databases."""

    port: int
    host: str = "127.0.0.1"
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    stop: Callable[[], None] = field(default=lambda: None, repr=False)
    """Ends the server as a crash does: every connection is lost, nothing is put in order (`-m immediate`)."""
    start: Callable[[], None] = field(default=lambda: None, repr=False)
    """Starts it again on the same data and port, and returns when it answers."""

    def url(self, database: str, *, user: str = USER, password: str = PASSWORD) -> str:
        """Return the address of a database as an operator writes it."""
        address = URL.create(
            "postgresql+psycopg", username=user, password=password, host=self.host, port=self.port, database=database
        )
        return address.render_as_string(hide_password=False)

    def new_database(self, *, empty: bool = False) -> str:
        """Make a database with the newest schema, or an empty one, and return its address."""
        name = f"test_{next(self._numbers)}"
        self.order(f"CREATE DATABASE {name} OWNER {USER}" + ("" if empty else f" TEMPLATE {TEMPLATE}"))
        return self.url(name)

    def copy(self, url: str) -> str:
        """Return the address of a copy of a database to which nobody is connected."""
        name = f"test_{next(self._numbers)}"
        self.order(f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {url.rpartition('/')[2]}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Throw a database away, whoever is connected: what is not kept need not reach the disk."""
        self.order(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def order(self, statement: str) -> None:
        """Have the server's administrator do something."""
        with psycopg.connect(host=self.host, port=self.port, user="admin", password=PASSWORD, dbname="postgres") as c:
            c.autocommit = True
            c.execute(statement)


DURABILITY = ("fsync", "full_page_writes", "synchronous_commit")
"""What lets a commit wait for the disk."""


@contextmanager
def running_server(
    programs: Path, *, host: str = "127.0.0.1", network: str = "", is_durable: bool = False
) -> Iterator[Server]:
    """Yield a server, and end it and all its data after; on loopback, or at a host's address for a network.

    One that is durable waits for the disk, as an office's does; what a test keeps may be lost with the machine.
    """
    folder = Path(tempfile.mkdtemp(prefix="dondoc-postgresql-"))  # not below pytest's, which only root may enter
    as_user = _as_another_user(folder)
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD, "utf-8")
        secret.chmod(0o644)
        data = folder / "data"
        making = ["-D", data, "-U", "admin", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--auth=scram-sha-256"]
        _run([*as_user, programs / "initdb", *making, f"--pwfile={secret}"], folder)
        if network:
            with (data / "pg_hba.conf").open("a") as allowed:
                allowed.write(f"host all all {network} scram-sha-256\n")
        server = Server(port=free_port(), host=host)
        settings = dict.fromkeys(DURABILITY, "on" if is_durable else "off")
        with _started(programs, folder, server, as_user, settings):
            _furnish(server)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _furnish(server: Server) -> None:
    """Make the program's user, and the database with the newest schema that others are copies of."""
    literal = PASSWORD.replace("'", "''")
    server.order(f"CREATE ROLE {USER} LOGIN PASSWORD '{literal}'")
    server.order(f"CREATE DATABASE {TEMPLATE} OWNER {USER}")
    engine = open_engine(server.url(TEMPLATE))
    migrate(engine)
    engine.dispose()


@contextmanager
def _started(
    programs: Path, folder: Path, server: Server, as_user: list[str], more: Mapping[str, str]
) -> Iterator[None]:
    settings = {
        "listen_addresses": server.host,
        "port": server.port,
        "unix_socket_directories": "",
        "timezone": "UTC",
        **more,
    }
    options = [f"-c{name}={value}" for name, value in settings.items()]
    log, running = folder.with_suffix(".log"), []

    def start() -> None:
        child = Child(
            [*as_user, str(programs / "postgres"), "-D", str(folder / "data"), *options], environment={}, log=log
        )
        running.append(child)
        answered = waited_for(lambda: child.has_ended or _is_ready(programs, server), seconds=60)
        assert answered, log.read_text("utf-8", "replace")
        assert not child.has_ended, log.read_text("utf-8", "replace")

    def stop() -> None:
        _run([*as_user, programs / "pg_ctl", "stop", "-D", folder / "data", "-m", "immediate"], folder)
        running.pop().end()

    server.stop, server.start = stop, start
    try:
        start()
        yield
        stop()
    finally:
        for child in running:
            child.end()
    log.unlink()


def _is_ready(programs: Path, server: Server) -> bool:
    asked = [programs / "pg_isready", "-q", "-h", server.host, "-p", str(server.port)]
    return subprocess.run(asked, check=False).returncode == 0


def _run(command: list[object], folder: Path) -> None:
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _as_another_user(folder: Path) -> list[str]:
    """Return what comes before a command that root may not run, with the folder made that user's."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _version(programs: Path) -> tuple[int, ...]:
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in said.split()[2].split(".") if number.isdigit())
