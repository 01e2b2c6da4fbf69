"""Keeps files in a local folder under the SHA-256 of their bytes; whole or not at all, and never twice."""

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FolderArchive:
    """An archive below one folder: `ab/cdef…` for the digest `abcdef…`."""

    folder: Path

    def keep(self, content: bytes) -> str:
        """Store the bytes unless they are stored already, and return their SHA-256 in hex."""
        digest = sha256_of(content)
        path = self._path(digest)
        if not path.exists():
            write_whole(path, content)
        return digest

    def read(self, digest: str) -> bytes:
        """Return the bytes kept under the digest."""
        return self._path(digest).read_bytes()

    def size(self, digest: str) -> int:
        """Return how many bytes are kept under the digest."""
        return self._path(digest).stat().st_size

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of the bytes in hex: the name under which an archive has or would have them."""
    return hashlib.sha256(content).hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves either the old one, the new one, or none, but never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        beside.write_bytes(content)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
    except OSError:
        beside.unlink(missing_ok=True)  # half a file would take what is left of a full disk
        raise
    beside.replace(path)
