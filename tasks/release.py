"""Holds every machine to the release, plans, store and folder of the office; `dondoc serve` says which these are."""

import hashlib
import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.db.engine import is_newest, refusing_in_words
from models.db.records.releases import ReleaseInUse, in_use, note_in_use
from models.domain.errors import DatabaseRefusedError, FileStoreRefusedError, OtherReleaseError
from models.domain.plan import Programme
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.archive import write_whole
from tasks.ports import Archive
from tasks.settings import PrefectSettings

NOT_THE_PLAN: Final = frozenset({"roster.xlsx"})
"""The roster in use is the database's; the folder's is only where it began."""
NOTE_IN_FOLDER: Final = ".dondoc-van-phong"
RELEASE: Final = version("dondoc")
"""That of the code in memory: the one on the disk may be replaced while a process runs."""


def refuse_database_of_one_machine(engine: Engine, prefect: PrefectSettings) -> None:
    """Refuse a database in a file where there are several machines: each would have an empty office of its own.

    Raises:
        DatabaseRefusedError: it is one.
    """
    if prefect.api_url and engine.dialect.name == "sqlite":
        raise DatabaseRefusedError("of_one_machine", url=prefect.api_url)


def release_in_use(engine: Engine, programmes: Mapping[str, Programme]) -> ReleaseInUse | None:
    """Return the office's note when this machine may work by it; None where nobody has noted anything.

    It changes nothing, the schema neither. A database in a file has one machine, which is held to nothing.

    Raises:
        OtherReleaseError: this machine has another release, other plans or newer migrations than the office.
        DatabaseRefusedError: the database does not answer or refuses us.
    """
    if engine.dialect.name == "sqlite":
        return None
    with refusing_in_words(engine), Session(engine) as session:
        noted = in_use(session)
    if noted is None:
        return None
    facts = _told(noted)
    if noted.release != release_here():
        raise OtherReleaseError("release", ours=release_here(), theirs=noted.release, **facts)
    plans = plans_here(programmes)
    for code, digest in plans.items():
        if noted.plans.get(code) != digest:
            raise OtherReleaseError("plan", programme=programmes[code].short_title, **facts)
    if missing := sorted(noted.plans.keys() - plans.keys()):
        raise OtherReleaseError("programmes", missing=", ".join(missing), **facts)
    if not is_newest(engine):
        raise OtherReleaseError("schema", **facts)
    return noted


def refuse_other_place(noted: ReleaseInUse, archive: Archive, folder: Path) -> None:
    """Refuse a store and a shared folder that do not have the office's note: a share may not be mounted here.

    Raises:
        FileStoreRefusedError: which of the two it is.
    """
    written = _written(noted)
    try:
        archive.read(hashlib.sha256(written).hexdigest())
    except FileNotFoundError:
        raise FileStoreRefusedError("elsewhere", **_told(noted)) from None
    try:
        is_there = (folder / NOTE_IN_FOLDER).read_bytes() == written
    except OSError:
        is_there = False
    if not is_there:
        raise FileStoreRefusedError("folder_elsewhere", folder=folder, **_told(noted))


def take_over(
    engine: Engine, programmes: Mapping[str, Programme], archive: Archive, folder: Path, *, at: datetime
) -> None:
    """Note that from now on the office works with this machine's release and plans, and on what store and folder.

    Raises:
        FileStoreRefusedError: store or folder cannot be written; nothing is noted then.
    """
    noted = ReleaseInUse(
        release=release_here(), plans=plans_here(programmes), machine=socket.gethostname(), noted_at=at
    )
    if engine.dialect.name != "sqlite":
        written = _written(noted)
        archive.keep(written)
        try:
            write_whole(folder / NOTE_IN_FOLDER, written)
        except OSError as problem:
            raise FileStoreRefusedError("folder_unwritable", folder=folder, detail=problem.strerror) from problem
    with Session(engine) as session, session.begin():
        note_in_use(session, noted)


def _written(noted: ReleaseInUse) -> bytes:
    """Return the note as store and folder have it; its instant, to the microsecond, tells it from any other."""
    facts = {"release": noted.release, "plans": noted.plans, "machine": noted.machine}
    return json.dumps(facts | {"noted_at": noted.noted_at.astimezone(UTC).isoformat()}, sort_keys=True).encode()


def _told(noted: ReleaseInUse) -> dict[str, str]:
    return {"machine": noted.machine, "noted": f"{noted.noted_at.astimezone(OFFICE_ZONE):%H:%M %d/%m/%Y}"}


def release_here() -> str:
    """Return the release of the program that runs here."""
    return RELEASE


def plans_here(programmes: Mapping[str, Programme]) -> dict[str, str]:
    """Return by programme the SHA-256 of its plan, forms and holidays as they lie on this machine."""
    return {code: _revision(programme.sources) for code, programme in programmes.items()}


def _revision(sources: Mapping[str, str]) -> str:
    lines = sorted(f"{name} {digest}" for name, digest in sources.items() if name not in NOT_THE_PLAN)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
