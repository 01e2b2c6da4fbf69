"""Keeps of which rungs of which duties the members in charge and the parents were told, and in which letter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.db.inserting import insert_new
from models.db.tables import MemberNoticeRow
from models.domain.vocabulary import LetterKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberNotice:
    """A rung of a duty of which a letter tells the member in charge, or the unit's parent."""

    id: int
    duty_id: int
    rung: str


def told_rungs(
    session: Session, duty_ids: Sequence[int], kind: LetterKind = LetterKind.MEMBER
) -> dict[int, frozenset[str]]:
    """Return by duty the rungs of which its member (or parent, by the kind of letter) was told, or is being told."""
    rows = session.execute(
        select(MemberNoticeRow.duty_id, MemberNoticeRow.rung).where(
            MemberNoticeRow.duty_id.in_(duty_ids), MemberNoticeRow.kind == kind
        )
    )
    found: dict[int, frozenset[str]] = {}
    for duty_id, rung in rows:
        found[duty_id] = found.get(duty_id, frozenset()) | {rung}
    return found


def note(
    session: Session, letter_id: int, rungs: Iterable[tuple[int, str]], kind: LetterKind = LetterKind.MEMBER
) -> int:
    """Put duties with their rungs into a letter, and return how many are new: each is told once, by one letter."""
    rows = [{"duty_id": duty_id, "rung": rung, "letter_id": letter_id, "kind": kind} for duty_id, rung in rungs]
    return insert_new(session, MemberNoticeRow, rows)


def notices_in(session: Session, letter_ids: Sequence[int]) -> dict[int, list[MemberNotice]]:
    """Return by letter of what it tells."""
    rows = session.scalars(
        select(MemberNoticeRow).where(MemberNoticeRow.letter_id.in_(letter_ids)).order_by(MemberNoticeRow.id)
    )
    found: dict[int, list[MemberNotice]] = {}
    for row in rows:
        found.setdefault(row.letter_id, []).append(MemberNotice(id=row.id, duty_id=row.duty_id, rung=row.rung))
    return found


def withdraw(session: Session, notice_ids: Sequence[int]) -> None:
    """Forget that a member was to be told: the duty had lost its reason by the time of writing."""
    session.execute(delete(MemberNoticeRow).where(MemberNoticeRow.id.in_(notice_ids)))


def withdraw_all_in(session: Session, letter_id: int) -> None:
    """Forget what a letter that never left was to tell, so that another one may."""
    session.execute(delete(MemberNoticeRow).where(MemberNoticeRow.letter_id == letter_id))
