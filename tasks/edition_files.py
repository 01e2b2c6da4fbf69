"""Keeps the files of editions: in the store, where every machine finds them, and in the folder where people do.

What goes out with a letter is what was compiled, whatever somebody has written over it in the folder since.
"""

from models.db.records.editions import StoredEdition
from tasks.adapters.archive import write_whole
from tasks.runtime import Runtime


def keep_edition_file(runtime: Runtime, path: str, content: bytes) -> str:
    """Keep a file of an edition, lay it at its path below the shared folder, and return its digest."""
    digest = runtime.archive.keep(content)
    write_whole(runtime.settings.shared / path, content)
    return digest


def edition_file(runtime: Runtime, edition: StoredEdition, path: str) -> bytes:
    """Return the bytes of a file of an edition; one that was made before the store kept them lies in the folder.

    Raises:
        FileNotFoundError: it is gone.
    """
    digest = edition.files.get(path)
    return runtime.archive.read(digest) if digest else (runtime.settings.shared / path).read_bytes()
