"""Makes one archive of a home while it is in use, and brings it back on this or another machine, each file by its hash.

In it are the database as of one instant and every file that it speaks of. What is secret stays out: settings with
passwords, the password of the pages, logs, Prefect's own history.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any, Final
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from models.db.engine import open_engine
from models.db.snapshots import Snapshot, load_snapshot, write_snapshot
from models.domain.errors import BackupRefusedError
from tasks.adapters.clock import SystemClock
from tasks.settings import Settings

FOLDERS: Final = ("archive", "results", "drop")
"""What of a home is kept; the status board is made anew, the rest is Prefect's or secret."""
MANIFEST: Final = "manifest.json"
DATABASE: Final = "database"
FORMAT: Final = 1
FASTEST: Final = 1
PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What an archive holds."""

    made_at: str
    """ISO 8601 with offset."""
    revision: str
    n_files: int
    n_octets: int


def make_backup(settings: Settings, path: Path) -> Backup:
    """Write the archive of a home that may be in use; one that is there already is not overwritten.

    The database is read first: whatever it speaks of was kept before, and files are never changed.

    Raises:
        BackupRefusedError: the archive is there already, or there is no home.
        DatabaseRefusedError: the database does not answer.
    """
    if path.exists():
        raise BackupRefusedError("in_the_way", path=path)
    _require_own_store(settings)
    if not settings.home.is_dir():
        raise BackupRefusedError("no_home", home=settings.home)
    part = path.with_name(f".{path.name}.part")
    try:
        made = _written(settings, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return made


def restore_backup(settings: Settings, path: Path) -> Backup:
    """Bring an archive back into a home and a database that hold nothing yet; nothing stays when it is refused.

    Raises:
        BackupRefusedError: it is no archive of ours, a file is not what it was, or home or database are in use.
        DatabaseRefusedError: it is of a newer program, or the database does not answer.
    """
    _require_own_store(settings)
    taken = [name for name in FOLDERS if (settings.shared / name).exists()]
    if taken:
        raise BackupRefusedError("home_in_use", home=settings.shared, found=", ".join(taken))
    for folder in (settings.home, settings.shared):
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".restore-", dir=settings.shared) as made:
        folder = Path(made)
        manifest = _extracted(path, folder)
        engine = open_engine(settings.url)
        try:
            load_snapshot(engine, Snapshot(**manifest["database"]), folder / DATABASE)
        finally:
            engine.dispose()
        for name in FOLDERS:
            if (folder / name).is_dir():
                (folder / name).rename(settings.shared / name)
    return _as_backup(manifest)


def check_backup(path: Path) -> Backup:
    """Read an archive to its end, and say what it holds; nothing is written but into a temporary folder.

    Raises:
        BackupRefusedError: it is no archive of ours, or a file is not what it was.
    """
    with TemporaryDirectory(prefix="dondoc-") as made:
        return _as_backup(_extracted(path, Path(made)))


def _require_own_store(settings: Settings) -> None:
    """Refuse where files lie in a store of several machines: an archive without them would be taken for whole."""
    if settings.files_url:
        raise BackupRefusedError("store_elsewhere")


def _written(settings: Settings, part: Path) -> Backup:
    hashes: dict[str, list[object]] = {}
    with (
        TemporaryDirectory(prefix="dondoc-") as made,
        ZipFile(part, "w", compression=ZIP_DEFLATED, compresslevel=FASTEST) as archive,
    ):
        part.chmod(0o600)
        engine = open_engine(settings.url)
        try:
            snapshot = write_snapshot(engine, Path(made))
        finally:
            engine.dispose()
        for file in sorted(Path(made).iterdir()):
            hashes[f"{DATABASE}/{file.name}"] = _add(archive, file, f"{DATABASE}/{file.name}")
        for name, file in _files_of(settings.shared):
            hashes[name] = _add(archive, file, name)
        manifest = {
            "format": FORMAT,
            "made_at": SystemClock().now().isoformat(),
            "database": asdict(snapshot),
            "files": hashes,
        }
        archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
    return _as_backup(manifest)


def _files_of(home: Path) -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix != ".part":
                yield path.relative_to(home).as_posix(), path


def _add(archive: ZipFile, file: Path, name: str) -> list[object]:
    with file.open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
        return _copied(source, target)


def _extracted(path: Path, folder: Path) -> dict[str, Any]:
    """Write every file of an archive into a folder; each must be the one that went in, and none may lie elsewhere."""
    try:
        with ZipFile(path) as archive:
            manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise BackupRefusedError("newer", path=path)
            for name, wanted in manifest["files"].items():
                target = folder / _inside(name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as source, target.open("wb") as file:
                    if _copied(source, file) != wanted:
                        raise BackupRefusedError("changed", path=path, file=name)
    except (BadZipFile, KeyError, ValueError, EOFError, OSError) as problem:
        raise BackupRefusedError("unreadable", path=path, detail=str(problem)) from problem
    return manifest


def _inside(name: str) -> PurePosixPath:
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name or place.parts[0] not in {*FOLDERS, DATABASE}:
        raise BackupRefusedError("strange_name", file=name)
    return place


def _copied(source: IO[bytes], target: IO[bytes]) -> list[object]:
    """Copy piece by piece, and return SHA-256 and size of what went by."""
    digest, n_octets = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        digest.update(piece)
        n_octets += target.write(piece)
    return [digest.hexdigest(), n_octets]


def _as_backup(manifest: dict[str, Any]) -> Backup:
    return Backup(
        made_at=manifest["made_at"],
        revision=manifest["database"]["revision"],
        n_files=len(manifest["files"]),
        n_octets=sum(n_octets for _, n_octets in manifest["files"].values()),
    )
