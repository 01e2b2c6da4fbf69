"""Knows which rows speak of files of the archive, and keeps which of these files are gone or about to go."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, exists, insert, inspect, or_, select, update
from sqlalchemy.orm import Session

from models.db.tables import (
    ArrivalRow,
    CycleRow,
    DutyRow,
    EditionFileRow,
    LetterRow,
    ReminderRow,
    RemovedFileRow,
    ReopeningRow,
    SubmissionRow,
)
from models.domain.retention import KeptFile
from models.domain.vocabulary import KeptKind, LetterState, Outcome

UNSENT: Final = (LetterState.QUEUED, LetterState.SENDING, LetterState.UNKNOWN)
DIGESTS_PER_QUERY: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedFile:
    """A file whose bytes are to go, or are gone."""

    digest: str
    kind: KeptKind
    n_octets: int


def kept_files(session: Session) -> Iterator[KeptFile]:
    """Yield every fact that speaks of a file of the archive, the same file as often as facts speak of it."""
    yield from chain.from_iterable(map(_of_arrival, session.execute(_arrivals()).yield_per(DIGESTS_PER_QUERY)))
    for digest, late_at, code, is_to_go in session.execute(_forms()):
        since = None if is_to_go else late_at
        yield KeptFile(digest=digest, kind=KeptKind.FORM, since=since, cycle_code=code)
    for digest in session.scalars(select(EditionFileRow.digest)):
        yield KeptFile(digest=digest, kind=KeptKind.EDITION, since=None)


def _forms() -> Any:
    """Ask for the stamped forms; of each whether a letter about its duty is to go, which may carry it."""
    is_unsent = LetterRow.state.in_(UNSENT)
    reminding = (
        select(ReminderRow.duty_id)
        .outerjoin(LetterRow, LetterRow.id == ReminderRow.letter_id)
        .where(ReminderRow.cancelled_because.is_(None), ReminderRow.letter_id.is_(None) | is_unsent)
    )
    answering = select(ArrivalRow.duty_id).join(LetterRow, LetterRow.arrival_id == ArrivalRow.id).where(is_unsent)
    reopening = select(ReopeningRow.duty_id).join(LetterRow, LetterRow.id == ReopeningRow.letter_id).where(is_unsent)
    is_to_go = or_(
        DutyRow.id.in_(reminding),
        DutyRow.id.in_(answering.where(ArrivalRow.duty_id.is_not(None))),
        DutyRow.id.in_(reopening),
    )
    return (
        select(DutyRow.form_digest, CycleRow.late_at, CycleRow.code, is_to_go)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(DutyRow.form_digest.is_not(None))
    )


def _arrivals() -> Any:
    is_spoken_of = exists().where(LetterRow.arrival_id == ArrivalRow.id, LetterRow.state.in_(UNSENT))
    return (
        select(
            ArrivalRow.digest,
            ArrivalRow.workbook_digest,
            ArrivalRow.outcome,
            ArrivalRow.judged_at,
            ArrivalRow.resolved_at,
            CycleRow.code.label("cycle_code"),
            SubmissionRow.id.is_not(None).label("is_submission"),
            is_spoken_of.label("is_spoken_of"),
        )
        .outerjoin(DutyRow, DutyRow.id == ArrivalRow.duty_id)
        .outerjoin(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .outerjoin(SubmissionRow, SubmissionRow.arrival_id == ArrivalRow.id)
    )


def _of_arrival(row: Row[Any]) -> Iterator[KeptFile]:
    kind, since = _kept_as(row)
    if row.is_spoken_of:
        since = None
    code = row.cycle_code or ""
    if row.digest:
        yield KeptFile(digest=row.digest, kind=kind, since=since, cycle_code=code)
    if row.workbook_digest and row.outcome == Outcome.RETURNED:  # of the others it was never kept on its own
        judged_at = None if row.is_spoken_of else row.judged_at
        yield KeptFile(digest=row.workbook_digest, kind=KeptKind.WORKBOOK, since=judged_at, cycle_code=code)


def _kept_as(row: Row[Any]) -> tuple[KeptKind, datetime | None]:
    if row.is_submission or row.outcome == Outcome.ACCEPTED:
        return KeptKind.ANSWER, row.judged_at
    if row.outcome == Outcome.IGNORED:
        return KeptKind.IGNORED, row.judged_at
    if row.outcome == Outcome.RETURNED:
        return KeptKind.RETURNED, row.judged_at
    return KeptKind.HELD, row.resolved_at  # of one without an outcome: None


def decide_to_remove(session: Session, files: Sequence[RemovedFile], *, at: datetime) -> int:
    """Record that files are to be removed, and return how many of them were not to be before.

    One that was removed once goes again: its bytes were kept anew, and whoever was to speak of them died.
    """
    digests = [file.digest for file in files]
    known = to_go(session, digests)
    keep_after_all(session, removed(session, digests) - known)
    rows = [
        {"digest": file.digest, "kind": file.kind, "n_octets": file.n_octets, "decided_at": at, "removed_at": None}
        for file in files
        if file.digest not in known
    ]
    if rows:
        session.execute(insert(RemovedFileRow), rows)
    return len(rows)


def to_be_removed(session: Session, *, limit: int | None = None) -> list[RemovedFile]:
    """Return the files that were decided to be removed and are not yet, in the order of their digests."""
    query = select(RemovedFileRow).where(RemovedFileRow.removed_at.is_(None)).order_by(RemovedFileRow.digest)
    return [
        RemovedFile(digest=row.digest, kind=KeptKind(row.kind), n_octets=row.n_octets)
        for row in session.scalars(query.limit(limit))
    ]


def note_removed(session: Session, files: Sequence[RemovedFile], *, at: datetime) -> None:
    """Record that the bytes of files are gone; a duty whose form is among them has none stamped from now on."""
    digests = [file.digest for file in files]
    session.execute(update(RemovedFileRow).where(RemovedFileRow.digest.in_(digests)).values(removed_at=at))
    session.execute(update(DutyRow).where(DutyRow.form_digest.in_(digests)).values(form_digest=None))


def removed(session: Session, digests: Collection[str]) -> set[str]:
    """Return which of these files are gone, or are to go."""
    return {row.digest for row in _rows(session, digests)}


def to_go(session: Session, digests: Collection[str]) -> set[str]:
    """Return which of these files are to go, and are not gone yet."""
    return {row.digest for row in _rows(session, digests) if row.removed_at is None}


def all_removed(connection: Connection) -> set[str]:
    """Return every file that is gone, or is to go; a database of an older version knows of none."""
    if not inspect(connection).has_table(RemovedFileRow.__tablename__):
        return set()
    return set(connection.scalars(select(RemovedFileRow.digest)))


def keep_after_all(session: Session, digests: Collection[str]) -> None:
    """Forget that files were to be removed, or were: the archive has their bytes."""
    if digests:
        session.execute(delete(RemovedFileRow).where(RemovedFileRow.digest.in_(digests)))


def _rows(session: Session, digests: Iterable[str]) -> Iterator[RemovedFileRow]:
    left = iter(dict.fromkeys(digests))
    while some := list(islice(left, DIGESTS_PER_QUERY)):
        yield from session.scalars(select(RemovedFileRow).where(RemovedFileRow.digest.in_(some)))
