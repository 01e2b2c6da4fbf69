"""Sees to it that a row never speaks of a file that a purge is taking away at the same moment.

Bytes are kept before the row that speaks of them. In between a purge may remove them, for nothing spoke of them yet. So
whoever records a file asks here, in the transaction of the row: a purge waits until that ends, and what it decided
before is seen.
"""

from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from models.db.records import files
from models.db.turns import Turn, share_turn
from tasks.runtime import Runtime


def hold(runtime: Runtime, session: Session, contents: Mapping[str, bytes]) -> None:
    """Hold files that were kept before, by digest: bytes that a purge has removed since are kept again."""
    missing = lost(runtime, session, contents.keys())
    for digest in missing:
        runtime.archive.keep(contents[digest])
    files.keep_after_all(session, missing)


def lost(runtime: Runtime, session: Session, digests: Collection[str]) -> set[str]:
    """Hold files whose bytes are not at hand, and return those that a purge has removed.

    No purge takes one of the others away until the transaction ends, nor after, when its row speaks of it.
    """
    if not digests:
        return set()
    share_turn(session.connection(), Turn.PURGING)
    doubtful = files.removed(session, digests)
    missing = {digest for digest in doubtful if not _is_there(runtime, digest)}
    files.keep_after_all(session, doubtful - missing)
    return missing


def _is_there(runtime: Runtime, digest: str) -> bool:
    try:
        runtime.archive.size(digest)
    except FileNotFoundError:
        return False
    return True
