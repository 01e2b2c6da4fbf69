"""Turns what a database's driver says when it refuses us into an operator's problem; it never repeats the password."""

import socket
from contextlib import closing
from typing import Final

from sqlalchemy import URL, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError

from models.domain.errors import DatabaseRefusedError

SECONDS_TO_CONNECT: Final = 5
PORT: Final = 5432
NO_RIGHT: Final = "42501"
"""PostgreSQL's code for what our user may not do."""


def refusal(url: URL, problem: DBAPIError) -> DatabaseRefusedError | None:
    """Return why the database could not be opened; None where it was not the database that refused.

    A server says in its own language why it lets nobody in. So what is wrong is found out by trying: does anybody
    answer there at all, and does another database of that server let the same user in?
    """
    facts = {
        "host": url.host or url.query.get("host", "localhost"),
        "port": url.port or PORT,
        "database": url.database or "",
        "user": url.username or "",
        "detail": _in_one_line(problem, url),
    }
    if getattr(problem.orig, "sqlstate", None) == NO_RIGHT:
        return DatabaseRefusedError("no_right", **facts)
    if url.get_backend_name() == "sqlite":
        return DatabaseRefusedError("file", **facts)
    if not isinstance(problem, OperationalError) or problem.connection_invalidated:
        return None
    return DatabaseRefusedError(_reason(url), **facts)


def _reason(url: URL) -> str:
    if not _answers(url):
        return "unreachable"
    return "unknown" if _lets_in(url.set(database="postgres")) else "login"


def _answers(url: URL) -> bool:
    if not url.host:
        return True  # a socket of this machine, or a list of hosts: the login's sentence tells the rest
    try:
        with closing(socket.create_connection((url.host, url.port or PORT), timeout=SECONDS_TO_CONNECT)):
            return True
    except OSError:
        return False


def _lets_in(url: URL) -> bool:
    engine = create_engine(url, connect_args={"connect_timeout": SECONDS_TO_CONNECT})
    try:
        with engine.connect():
            return True
    except DBAPIError:
        return False
    finally:
        engine.dispose()


def _in_one_line(problem: DBAPIError, url: URL) -> str:
    said = " ".join(str(problem.orig).split())
    return said.replace(str(url.password), "***") if url.password else said
