"""Holds every machine to the release and the plans that the office works with; `dondoc serve` says which these are."""

import hashlib
import socket
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.db.engine import refusing_in_words
from models.db.records.releases import ReleaseInUse, in_use, note_in_use
from models.domain.errors import OtherReleaseError
from models.domain.plan import Programme
from models.domain.vocabulary import OFFICE_ZONE

NOT_THE_PLAN: Final = frozenset({"roster.xlsx"})
"""The roster in use is the database's; the folder's is only where it began."""


def refuse_other_release(engine: Engine, programmes: Mapping[str, Programme]) -> None:
    """Refuse to work on the office's database with another release, or another revision of a plan, than the office.

    It is asked before the schema is touched. A database in a file has one machine, which is held to nothing.

    Raises:
        OtherReleaseError: which of the two it is.
        DatabaseRefusedError: the database does not answer or refuses us.
    """
    if engine.dialect.name == "sqlite":
        return
    with refusing_in_words(engine), Session(engine) as session:
        noted = in_use(session)
    if noted is None:
        return
    facts = {"machine": noted.machine, "noted": f"{noted.noted_at.astimezone(OFFICE_ZONE):%H:%M %d/%m/%Y}"}
    if noted.release != release_here():
        raise OtherReleaseError("release", ours=release_here(), theirs=noted.release, **facts)
    for code, digest in plans_here(programmes).items():
        if noted.plans.get(code) != digest:
            raise OtherReleaseError("plan", programme=programmes[code].short_title, **facts)


def take_over(session: Session, programmes: Mapping[str, Programme], *, at: datetime) -> None:
    """Note that from now on the office works with this machine's release and plans."""
    machine = socket.gethostname()
    noted = ReleaseInUse(release=release_here(), plans=plans_here(programmes), machine=machine, noted_at=at)
    note_in_use(session, noted)


def release_here() -> str:
    """Return the release of the program on this machine."""
    return version("dondoc")


def plans_here(programmes: Mapping[str, Programme]) -> dict[str, str]:
    """Return by programme the SHA-256 of its plan, forms and holidays as they lie on this machine."""
    return {code: _revision(programme.sources) for code, programme in programmes.items()}


def _revision(sources: Mapping[str, str]) -> str:
    lines = sorted(f"{name} {digest}" for name, digest in sources.items() if name not in NOT_THE_PLAN)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
