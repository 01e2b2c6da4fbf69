"""Keeps who was handed which edition, in which letter; it decides nothing and sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.db.tables import CycleRow, EditionRow, HandoverRow, LetterRow
from models.domain.plan import Recipient
from models.domain.vocabulary import LetterState, RecipientRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """One edition on its way to someone on the distribution list, and what became of the letter."""

    letter_id: int
    cycle_code: str
    edition: int
    name: str
    address: str
    role: RecipientRole
    document: str
    """Number of the signed document it goes with, empty when it goes by itself."""
    signed_on: date | None
    state: LetterState
    at: datetime | None
    """When the letter had its last outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedEdition:
    """Which edition is handed over, and the signed document that it goes with, if any."""

    cycle_code: str
    edition: int
    document: str = ""
    signed_on: date | None = None


def handovers_of(session: Session, cycle_code: str) -> list[Handover]:
    """Return everything that was handed over of a cycle, in the order of editions and letters."""
    return _handovers(session, CycleRow.code == cycle_code)


def handovers_in(session: Session, letter_id: int) -> list[Handover]:
    """Return what a letter hands over, a row for each of its recipients."""
    return _handovers(session, HandoverRow.letter_id == letter_id)


def reached_by(session: Session, cycle_code: str, edition: int) -> set[str]:
    """Return the addresses to which an edition goes or has gone, whatever became of the letter."""
    return {handover.address for handover in handovers_of(session, cycle_code) if handover.edition == edition}


def add_handovers(session: Session, letter_id: int, recipients: Sequence[Recipient], handed: HandedEdition) -> None:
    """Record to whom a letter hands an edition: the one it is addressed to, and its copies."""
    query = (
        select(EditionRow.id)
        .join(CycleRow)
        .where(CycleRow.code == handed.cycle_code, EditionRow.number == handed.edition)
    )
    edition_id = session.scalars(query).one()
    session.add_all(
        HandoverRow(
            letter_id=letter_id,
            address=recipient.email.lower(),
            edition_id=edition_id,
            name=recipient.name,
            role=recipient.role,
            document=handed.document,
            signed_on=handed.signed_on,
        )
        for recipient in recipients
    )
    session.flush()


def _handovers(session: Session, condition: ColumnElement[bool]) -> list[Handover]:
    rows = session.execute(
        select(HandoverRow, EditionRow.number, CycleRow.code, LetterRow.state, LetterRow.finished_at)
        .join(EditionRow, EditionRow.id == HandoverRow.edition_id)
        .join(CycleRow, CycleRow.id == EditionRow.cycle_id)
        .join(LetterRow, LetterRow.id == HandoverRow.letter_id)
        .where(condition)
        .order_by(EditionRow.number, HandoverRow.letter_id, HandoverRow.role.desc(), HandoverRow.address)
    )
    return [
        Handover(
            letter_id=row.letter_id,
            cycle_code=code,
            edition=number,
            name=row.name,
            address=row.address,
            role=RecipientRole(row.role),
            document=row.document,
            signed_on=row.signed_on,
            state=LetterState(state),
            at=finished_at,
        )
        for row, number, code, state, finished_at in rows
    ]
