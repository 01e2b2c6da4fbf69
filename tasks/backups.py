"""Makes one archive of a home while it is in use, and brings it back on this or another machine, each file by its hash.

In it are the database as of one instant and every file that it speaks of, wherever these lie: in the home, in a share,
in the store of several machines. What is secret stays out: settings with
passwords, the password of the pages, logs, Prefect's own history.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any, Final
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.db.engine import open_engine
from models.db.records.files import all_removed
from models.db.snapshots import Snapshot, files_spoken_of, load_snapshot, refuse_target, write_snapshot
from models.domain.errors import BackupRefusedError, FileStoreRefusedError
from tasks.adapters.archive import DAMAGED, FILES_AT_ONCE, archive_at
from tasks.adapters.clock import SystemClock
from tasks.ports import Archive
from tasks.settings import Settings

KEPT: Final = "archive"
FOLDERS: Final = (KEPT, "results", "drop")
"""What of a home is kept; the status board is made anew, the rest is Prefect's or secret."""
MANIFEST: Final = "manifest.json"
DATABASE: Final = "database"
FORMAT: Final = 1
FASTEST: Final = 1
PIECE: Final = 1024 * 1024
PARTS_OF_A_PLACE: Final = 3
DIGITS_OF_A_DIGEST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What an archive holds."""

    made_at: str
    """ISO 8601 with offset."""
    revision: str
    n_files: int
    n_octets: int
    n_lacking: int
    """Files that the store has no longer whole, or has lost though the database speaks of them; what was purged is
    not lost."""


def make_backup(settings: Settings, path: Path) -> Backup:
    """Write the archive of a home that may be in use; one that is there already is not overwritten.

    The database is read first: whatever it speaks of was kept before, and files are never changed.

    Raises:
        BackupRefusedError: the archive is there already, or there is no home.
        DatabaseRefusedError: the database does not answer.
        FileStoreRefusedError: the store of several machines cannot be reached.
    """
    if path.exists():
        raise BackupRefusedError("in_the_way", path=path)
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
    """Bring an archive back into a home and a database that hold nothing yet.

    Nothing stays when it is refused, but for files that the store of several machines has taken in: no row speaks of
    them, and they are taken as they are when it is tried again.

    Raises:
        BackupRefusedError: it is no archive of ours, a file is not what it was, or home or database are in use.
        DatabaseRefusedError: it is of a newer program, or the database does not answer.
        FileStoreRefusedError: the store of several machines cannot be reached or refuses us.
    """
    taken = [name for name in FOLDERS if (settings.shared / name).exists()]
    if taken:
        raise BackupRefusedError("home_in_use", home=settings.shared, found=", ".join(taken))
    for folder in (settings.home, settings.shared):
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".restore-", dir=settings.shared) as made:
        folder = Path(made)
        manifest = _extracted(path, folder)
        snapshot = Snapshot(**manifest["database"])
        engine = open_engine(settings.url)
        try:
            refuse_target(engine, snapshot)
            if settings.files_url:
                _keep_in_store(_store(settings), folder / KEPT)
            load_snapshot(engine, snapshot, folder / DATABASE)
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


def _store(settings: Settings) -> Archive:
    return archive_at(settings.files_url, settings.shared / KEPT, settings.files_options.get_secret_value())


def _keep_in_store(store: Archive, folder: Path) -> None:
    """Bring files into the store, before any row speaks of them; what it has already stays, and then they lie there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            store.keep(path.read_bytes())  # a damaged one under its own digest: no row speaks of that
    shutil.rmtree(folder, ignore_errors=True)


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
            spoken_of = files_spoken_of(snapshot, Path(made))
            for file in sorted(Path(made).iterdir()):
                hashes[f"{DATABASE}/{file.name}"] = _add(archive, file, f"{DATABASE}/{file.name}")
            for name, file in _files_of(settings):
                with suppress(FileNotFoundError):  # it was filed away or purged since
                    hashes[name] = _add(archive, file, name)
            if settings.files_url:
                for digest, content in _read_whole(_store(settings), spoken_of):
                    archive.writestr(_place(digest), content)
                    hashes[_place(digest)] = [digest, len(content)]
            lacking = {digest for digest in spoken_of if _place(digest) not in hashes} - _removed(engine)
            lacking |= _damaged(hashes)
        finally:
            engine.dispose()
        manifest = {
            "format": FORMAT,
            "made_at": SystemClock().now().isoformat(),
            "database": asdict(snapshot),
            "files": hashes,
            "lacking": sorted(lacking),
        }
        archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
    return _as_backup(manifest)


def _files_of(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield what lies in the folders, by its place below them; a store's own files are asked of the store."""
    home = settings.shared
    for folder in (folder for folder in FOLDERS if folder != KEPT or not settings.files_url):
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix != ".part":
                yield path.relative_to(home).as_posix(), path


def _read_whole(store: Archive, digests: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield what the store still has as it was; one damaged file keeps no other back."""

    def read(digest: str) -> tuple[str, bytes] | None:
        try:
            return digest, store.read(digest)
        except FileNotFoundError:
            return None
        except FileStoreRefusedError as refused:
            if refused.code != DAMAGED:
                raise
            return None

    left = iter(sorted(digests))
    with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="reading files") as several:
        while some := list(islice(left, FILES_AT_ONCE)):  # no more than these are in memory
            yield from filter(None, several.map(read, some))


def _removed(engine: Engine) -> set[str]:
    """Return the files that a purge has removed, up to now."""
    with Session(engine) as session:
        return all_removed(session)


def _damaged(hashes: Mapping[str, Sequence[object]]) -> set[str]:
    """Return the files of the archive that are not what their names say; they come along, for who looks for them."""
    return {digest for name, (found, _) in hashes.items() if (digest := _digest_at(name)) not in {None, found}}


def _digest_at(name: str) -> str | None:
    """Return the digest that a file of the store has by its place; None of what lies elsewhere."""
    place = PurePosixPath(name).parts
    is_kept = len(place) == PARTS_OF_A_PLACE and place[0] == KEPT
    digest = "".join(place[1:]) if is_kept else ""
    return digest if len(digest) == DIGITS_OF_A_DIGEST else None


def _place(digest: str) -> str:
    """Return where a file of the store lies in an archive, as it would in a folder."""
    return f"{KEPT}/{digest[:2]}/{digest[2:]}"


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
            if not _damaged(manifest["files"]) <= set(manifest.get("lacking", ())):
                raise BackupRefusedError("changed", path=path, file=MANIFEST)
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
        n_lacking=len(manifest.get("lacking", ())),
    )
