"""Keeps files under the SHA-256 of their bytes, in a local folder or at an fsspec address; whole, and never twice."""

import errno
import hashlib
import json
import math
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from models.domain.errors import FileStoreRefusedError
from tasks.ports import Archive

FILES_AT_ONCE: Final = 8
"""Each waits for a disk or a network, hardly for the processor; and one wait for the disk serves several."""
FILES_A_GO: Final = 25
"""At most so many are open at once in each thread that writes to a folder."""
WHOLE_OR_NOT_AT_ALL: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "memory"})
"""Kinds of store where a file appears when all of it has come; on the others it is written beside and renamed."""
DAMAGED: Final = FileStoreRefusedError("damaged").code
"""Of a file that is no longer what it was; all else that a store may refuse with concerns the whole of it."""
PATIENCE: Final[Mapping[str, dict[str, Any]]] = {
    "s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 3}}},
}
"""By kind of store what it is opened with, so that nothing waits without end; the operator's own options win."""


def archive_at(url: str, folder: Path, options: str = "") -> Archive:
    """Return the archive at an fsspec address, such as `s3://bucket/dondoc`; without one, in the folder.

    `options` is what the store is opened with as a JSON object, secrets included; empty: nothing.

    Raises:
        FileStoreRefusedError: the address or the options cannot be read, or what reaches such a store is not installed.
    """
    if not url:
        return FolderArchive(folder)
    kind = url.partition("://")[0]
    try:
        files, root = url_to_fs(url, **(PATIENCE.get(kind, {}) | _read_options(options)))
    except ImportError as problem:
        raise FileStoreRefusedError("not_installed", kind=kind, detail=str(problem)) from problem
    except (ValueError, TypeError) as problem:
        raise FileStoreRefusedError("address", kind=kind) from problem  # its words may repeat the secret
    if isinstance(files, LocalFileSystem):
        return FolderArchive(Path(root))
    return SharedArchive(files, root.rstrip("/"), kind)


class _ByDigest(ABC):
    """What all archives do alike: bytes lie once under their digest, and are held to it when they are read."""

    def keep(self, content: bytes) -> str:
        """Store the bytes unless they are stored already, and return their SHA-256 in hex.

        Raises:
            FileStoreRefusedError: the store cannot be reached or refuses us.
        """
        digest = sha256_of(content)
        if not self._has(digest, len(content)):
            self._put(digest, content)
        return digest

    def keep_all(self, contents: Iterable[bytes]) -> list[str]:
        """Store each of them as `keep` does, several at once, and return their digests in order."""
        all_of_them: Sequence[bytes] = list(contents)
        if len(all_of_them) == 1:
            return [self.keep(all_of_them[0])]
        with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="keeping files") as several:
            return list(several.map(self.keep, all_of_them))

    def read(self, digest: str) -> bytes:
        """Return the bytes kept under the digest.

        Raises:
            FileNotFoundError: none are kept.
            FileStoreRefusedError: they are no longer what they were, or the store cannot be reached.
        """
        content = self._get(digest)
        if sha256_of(content) != digest:
            raise FileStoreRefusedError("damaged", digest=digest, root=self._where)
        return content

    @abstractmethod
    def remove(self, digest: str) -> None:
        """Take the bytes away; where none are kept this does nothing. Raises as `keep` does."""

    @abstractmethod
    def size(self, digest: str) -> int:
        """Return how many bytes are kept under the digest; raises as `read` does where it cannot."""

    @property
    @abstractmethod
    def _where(self) -> str:
        """Where it is, in an operator's words."""

    @abstractmethod
    def _has(self, digest: str, n_octets: int) -> bool:
        """Say whether so many bytes are there; fewer or more are damaged, and are put anew."""

    @abstractmethod
    def _get(self, digest: str) -> bytes: ...

    @abstractmethod
    def _put(self, digest: str, content: bytes) -> None: ...


@dataclass(frozen=True)
class FolderArchive(_ByDigest):
    """An archive below one folder: `ab/cdef…` for the digest `abcdef…`."""

    folder: Path

    def size(self, digest: str) -> int:
        """Return how many bytes are kept under the digest; raises as `read` does."""
        with self._told_from_no_folder():
            return self._path(digest).stat().st_size

    def remove(self, digest: str) -> None:
        """Take the bytes away; where none are kept this does nothing. Raises as `keep` does."""
        with suppress(FileNotFoundError), self._told_from_no_folder():
            self._path(digest).unlink()

    @property
    def _where(self) -> str:
        return str(self.folder)

    def _has(self, digest: str, n_octets: int) -> bool:
        with suppress(FileNotFoundError):
            return self._path(digest).stat().st_size == n_octets
        return False

    def _get(self, digest: str) -> bytes:
        with self._told_from_no_folder():
            return self._path(digest).read_bytes()

    def _put(self, digest: str, content: bytes) -> None:
        write_whole(self._path(digest), content)

    def keep_all(self, contents: Iterable[bytes]) -> list[str]:
        """Store each of them as `keep` does, and return their digests in order; the disk is waited for once for many.

        Raises:
            FileStoreRefusedError: the folder cannot be reached.
        """
        all_of_them = list(contents)
        digests = [sha256_of(content) for content in all_of_them]
        by_digest = dict(zip(digests, all_of_them, strict=True))
        in_order = sorted(by_digest.items())  # neighbours share a folder, which the disk is told of once
        new = [(self._path(key), content) for key, content in in_order if not self._has(key, len(content))]
        n_a_go = min(FILES_A_GO, math.ceil(len(new) / FILES_AT_ONCE)) or 1
        shares = [dict(new[start : start + n_a_go]) for start in range(0, len(new), n_a_go)]
        with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="keeping files") as several:
            for written in [several.submit(write_all_whole, share) for share in shares]:
                written.result()
        return digests

    @contextmanager
    def _told_from_no_folder(self) -> Iterator[None]:
        """A share that is not mounted is no file that was lost."""
        try:
            yield
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise FileStoreRefusedError(
                    "unreachable", kind="file", root=str(self.folder), detail="ENOENT"
                ) from None
            raise

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]


@dataclass(frozen=True)
class SharedArchive(_ByDigest):
    """An archive that several machines share, on any file system that fsspec knows; laid out as in a folder."""

    files: AbstractFileSystem
    root: str
    kind: str

    def size(self, digest: str) -> int:
        """Return how many bytes are kept under the digest; raises as `read` does."""
        with self._reached():
            return int(self.files.info(self._path(digest))["size"])

    def remove(self, digest: str) -> None:
        """Take the bytes away; where none are kept this does nothing. Raises as `keep` does."""
        with suppress(FileNotFoundError), self._reached():
            self.files.rm_file(self._path(digest))

    @property
    def _where(self) -> str:
        return f"{self.kind}://"

    def _has(self, digest: str, n_octets: int) -> bool:
        with suppress(FileNotFoundError):
            return self.size(digest) == n_octets
        return False

    def _get(self, digest: str) -> bytes:
        with self._reached():
            content: bytes = self.files.cat_file(self._path(digest))
        return content

    def _put(self, digest: str, content: bytes) -> None:
        with self._reached():
            self._write(self._path(digest), content)

    def _write(self, path: str, content: bytes) -> None:
        if self.kind in WHOLE_OR_NOT_AT_ALL:
            self.files.pipe_file(path, content)
            return
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        beside = f"{path}.{os.uname().nodename}-{os.getpid()}-{threading.get_ident()}.part"
        self.files.pipe_file(beside, content)
        try:
            self.files.mv(beside, path)
        except OSError:
            if not self.files.exists(path):
                raise
            self.files.rm_file(beside)  # another machine was quicker with the same bytes

    def _path(self, digest: str) -> str:
        return f"{self.root}/{digest[:2]}/{digest[2:]}"

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Say in an operator's sentence why the store failed; that a file is not there is no failure of the store."""
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as problem:  # each kind of store has errors of its own, many of them no OSError
            if isinstance(problem, OSError) and problem.errno == errno.ENOENT:  # that of SMB is no FileNotFoundError
                raise FileNotFoundError(errno.ENOENT, str(problem)) from problem
            said = " ".join(str(problem).split())
            raise FileStoreRefusedError("unreachable", kind=self.kind, root=self.root, detail=said) from problem


def _read_options(written: str) -> dict[str, Any]:
    try:
        options = json.loads(written or "{}")
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise FileStoreRefusedError("options") from None  # what was written may be a secret
    return options


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of the bytes in hex: the name under which an archive has or would have them."""
    return hashlib.sha256(content).hexdigest()


def write_whole(path: Path, content: bytes, *, is_durable: bool = True) -> None:
    """Write a file so that a crash leaves either the old one, the new one, or none, but never a part.

    It is on the disk when this returns, power cut or not. What can be made again at any time need not wait for that.
    """
    write_all_whole({path: content}, is_durable=is_durable)


def write_all_whole(contents: Mapping[Path, bytes], *, is_durable: bool = True) -> None:
    """Write files as `write_whole` does, and wait for the disk only when all are written: it then has fewer goes."""
    whose = f"{os.getpid()}-{threading.get_ident()}"
    beside = {path: path.with_name(f".{path.name}.{whose}.part") for path in contents}
    try:
        with ExitStack() as open_files:
            files = [open_files.enter_context(_opened(part)) for part in beside.values()]
            for file, content in zip(files, contents.values(), strict=True):
                _write(file, content)
            for file in files if is_durable else ():
                os.fsync(file.fileno())
    except OSError:
        for part in beside.values():
            part.unlink(missing_ok=True)  # half a file would take what is left of a full disk
        raise
    for path, part in beside.items():
        part.replace(path)
    for folder in {path.parent for path in contents} if is_durable else ():
        _sync_folder(folder)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")


def _sync_folder(folder: Path) -> None:
    """Have the disk know the file's name, too: without it the bytes are there, and nobody finds them."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # the share of another machine may know no such order, and keeps names its own way
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
