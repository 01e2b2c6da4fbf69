"""Removes the bytes of files that have been kept long enough; that they were there, and what came of them, stays.

First it is decided and signed, in one transaction; then the bytes go, some hundred at a time, each lot marked in the
transaction in which it went. Killed anywhere, the next purge goes on with what was decided. Beside a round or an intake
nothing is lost: see `tasks.holding`.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import files
from models.db.records.audit import note_action
from models.db.records.files import RemovedFile
from models.db.turns import Turn, take_turn
from models.domain.errors import ActionRefusedError
from models.domain.retention import Removable, removable
from models.domain.vocabulary import Action, KeptKind
from tasks.operators import Signature
from tasks.runtime import Runtime

FILES_AT_ONCE: Final = 8
FILES_PER_TRANSACTION: Final = 100
SUBJECT: Final = "archive"

Heard = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgedKind:
    """What goes of one kind; `months` is how long it is kept, 0 for ever."""

    kind: KeptKind
    months: int
    n_files: int
    n_octets: int
    cycles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """What goes at an instant (aware), or went, kind by kind; every kind is named."""

    as_of: datetime
    is_done: bool
    kinds: tuple[PurgedKind, ...]
    n_left_over: int
    """Files that an earlier purge, which was cut off, had decided to remove; they are not among the kinds."""

    @property
    def n_files(self) -> int:
        """How many files that are."""
        return sum(each.n_files for each in self.kinds)

    @property
    def n_octets(self) -> int:
        """How large they are together."""
        return sum(each.n_octets for each in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sized:
    removable: Removable
    n_octets: int


def plan_purge(runtime: Runtime, as_of: datetime) -> Purge:
    """Say what a purge at the instant would remove; nothing is changed."""
    with runtime.sessions() as session:
        found = _removable(runtime, session, as_of)
        n_left_over = len(files.to_be_removed(session))
    return _told(runtime, _sized(runtime, found), as_of, n_left_over=n_left_over)


def purge(runtime: Runtime, as_of: datetime, *, signature: Signature, heard: Heard = lambda _done, _all: None) -> Purge:
    """Remove what is no longer kept at the instant, and return what went; run again it removes nothing twice.

    Raises:
        ActionRefusedError: the instant lies in the future.
        FileStoreRefusedError: the archive cannot be reached; the lots that had gone by then are marked. The broken one
            goes next time, with the rest: what of it is gone already is no fault.
    """
    if as_of > signature.at:
        raise ActionRefusedError("purge_ahead", as_of=runtime.texts.instant(as_of))
    with runtime.sessions() as session:
        sized = {each.removable.digest: each for each in _sized(runtime, _removable(runtime, session, as_of))}
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.PURGING)
        n_left_over = len(files.to_be_removed(session))
        # Asked again: meanwhile a file may have come to be needed.
        decided = [sized[each.digest] for each in _removable(runtime, session, as_of) if each.digest in sized]
        told = _told(runtime, decided, as_of, n_left_over=n_left_over, is_done=True)
        if decided:
            files.decide_to_remove(session, [_as_removed(each) for each in decided], at=signature.at)
            note_action(session, signature.entry(Action.PURGE, SUBJECT, as_of=as_of.isoformat(), removed=_counts(told)))
    _remove_decided(runtime, len(decided) + n_left_over, heard)
    return told


def _removable(runtime: Runtime, session: Session, as_of: datetime) -> list[Removable]:
    """Return what may go, without what is about to; what has gone already the archive has not."""
    found = removable(files.kept_files(session), runtime.settings.keep.terms, as_of=as_of)
    decided = files.to_go(session, [each.digest for each in found])
    return [each for each in found if each.digest not in decided]


def _sized(runtime: Runtime, found: Sequence[Removable]) -> list[_Sized]:
    """Return the files that the archive really has, with their sizes."""

    def size(each: Removable) -> _Sized | None:
        try:
            return _Sized(removable=each, n_octets=runtime.archive.size(each.digest))
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="sizing files") as several:
        return [each for each in several.map(size, found) if each is not None]


def _remove_decided(runtime: Runtime, n_expected: int, heard: Heard) -> None:
    n_gone = 0
    heard(n_gone, n_expected)
    while n_removed := _remove_some(runtime):
        n_gone += n_removed
        heard(n_gone, n_expected)


def _remove_some(runtime: Runtime) -> int:
    """Remove some of what was decided, while nobody records a file, and return how many; 0: nothing is left."""
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.PURGING)
        some = files.to_be_removed(session, limit=FILES_PER_TRANSACTION)
        with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="removing files") as several:
            list(several.map(runtime.archive.remove, [file.digest for file in some]))
        files.note_removed(session, some, at=runtime.clock.now())
    return len(some)


def _as_removed(each: _Sized) -> RemovedFile:
    return RemovedFile(digest=each.removable.digest, kind=each.removable.kind, n_octets=each.n_octets)


def _told(
    runtime: Runtime, decided: Iterable[_Sized], as_of: datetime, *, n_left_over: int, is_done: bool = False
) -> Purge:
    by_kind: dict[KeptKind, list[_Sized]] = {kind: [] for kind in KeptKind}
    for each in decided:
        by_kind[each.removable.kind].append(each)
    terms = runtime.settings.keep.terms
    kinds = tuple(
        PurgedKind(
            kind=kind,
            months=terms.get(kind, 0),
            n_files=len(theirs),
            n_octets=sum(each.n_octets for each in theirs),
            cycles=tuple(sorted({code for each in theirs for code in each.removable.cycle_codes})),
        )
        for kind, theirs in by_kind.items()
    )
    return Purge(as_of=as_of, is_done=is_done, kinds=kinds, n_left_over=n_left_over)


def _counts(told: Purge) -> dict[str, list[int]]:
    """Return files and octets by kind, as the audit keeps them."""
    return {each.kind.value: [each.n_files, each.n_octets] for each in told.kinds if each.n_files}
