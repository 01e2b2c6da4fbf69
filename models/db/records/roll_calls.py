"""Keeps which contacts were asked before which cycle, in which letter, and who has confirmed the address when."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models.db.among import is_among
from models.db.inserting import insert_new
from models.db.tables import ContactConfirmationRow, LetterRow, RollCallRow, RollCallTokenRow
from models.domain.roll_call import ToAsk
from models.domain.vocabulary import LetterState


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedContact:
    """What a roll-call letter asked: which address, of which units, before which cycles."""

    programme_code: str
    address: str
    unit_codes: tuple[str, ...]
    cycle_codes: tuple[str, ...]
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A contact's word that the address is right, and the arrival that brought it."""

    arrival_id: int
    address: str
    confirmed_at: datetime


def asked_addresses(session: Session, cycle_code: str) -> frozenset[str]:
    """Return who was asked before the cycle, whatever became of the letter."""
    return frozenset(
        session.scalars(select(RollCallRow.recipient).where(RollCallRow.cycle_code == cycle_code).distinct())
    )


def programmes_of_waiting(session: Session) -> dict[int, str]:
    """Return by roll-call letter that has not left the programme that it speaks for: that of its first row."""
    rows = session.execute(
        select(RollCallRow.letter_id, RollCallRow.programme_code)
        .join(LetterRow, LetterRow.id == RollCallRow.letter_id)
        .where(LetterRow.state == LetterState.QUEUED)
        .order_by(RollCallRow.id.desc())
    )
    return {letter_id: code for letter_id, code in rows}  # noqa: C416 - a Row is no pair to dict()


def note_asked(session: Session, programme_code: str, asks: Iterable[ToAsk], *, letter_id: int, token: str) -> int:
    """Put contacts into the letter that asks them, and return how many are new.

    A letter has one token, the first that it was given, whatever joins it later.
    """
    insert_new(session, RollCallTokenRow, [{"letter_id": letter_id, "token": token}])
    rows = [
        {
            "programme_code": programme_code,
            "cycle_code": ask.cycle_code,
            "unit_code": ask.unit_code,
            "recipient": ask.address,
            "letter_id": letter_id,
        }
        for ask in asks
    ]
    return insert_new(session, RollCallRow, rows)


def withdraw_all_in(session: Session, letter_id: int) -> None:
    """Forget whom a letter that was not sent was to ask, so that another one may as long as there is time."""
    session.execute(delete(RollCallRow).where(RollCallRow.letter_id == letter_id))


def asked_in(session: Session, letter_ids: Sequence[int]) -> dict[int, AskedContact]:
    """Return by letter whom it asks about what, units and cycles in the order in which they were put in."""
    rows = session.execute(
        select(RollCallRow, RollCallTokenRow.token)
        .join(RollCallTokenRow, RollCallTokenRow.letter_id == RollCallRow.letter_id)
        .where(RollCallRow.letter_id.in_(letter_ids))
        .order_by(RollCallRow.letter_id, RollCallRow.id)
    ).all()
    found: dict[int, list[tuple[RollCallRow, str]]] = {}
    for row, token in rows:
        found.setdefault(row.letter_id, []).append((row, token))
    return {letter_id: _asked(group) for letter_id, group in found.items()}


def asked_by_token(session: Session, tokens: Collection[str]) -> dict[str, AskedContact]:
    """Return by token what the letter that carries it asked."""
    query = select(RollCallTokenRow.letter_id).where(is_among(RollCallTokenRow.token, tokens))
    return {asked.token: asked for asked in asked_in(session, session.scalars(query).all()).values()}


def asked_by_message(session: Session, message_ids: Collection[str]) -> dict[str, AskedContact]:
    """Return by Message-ID of ours what the letter asked, for answers that have lost the token."""
    rows = session.execute(
        select(LetterRow.id, LetterRow.message_id)
        .join(RollCallTokenRow, RollCallTokenRow.letter_id == LetterRow.id)
        .where(LetterRow.message_id.in_(list(message_ids)))
    )
    by_letter = {row.id: row.message_id for row in rows}
    return {by_letter[letter_id]: asked for letter_id, asked in asked_in(session, list(by_letter)).items()}


def note_confirmations(session: Session, confirmations: Iterable[Confirmation]) -> int:
    """Record who has confirmed, and return how many are new: an arrival confirms once."""
    rows = [
        {"arrival_id": each.arrival_id, "address": each.address, "confirmed_at": each.confirmed_at}
        for each in confirmations
    ]
    return insert_new(session, ContactConfirmationRow, rows)


def confirmed_by(session: Session, as_of: datetime) -> dict[str, datetime]:
    """Return by address when it was confirmed last, by the instant."""
    rows = session.execute(
        select(ContactConfirmationRow.address, func.max(ContactConfirmationRow.confirmed_at))
        .where(ContactConfirmationRow.confirmed_at <= as_of)
        .group_by(ContactConfirmationRow.address)
    )
    return {address: at for address, at in rows}  # noqa: C416 - a Row is no pair to dict()


def _asked(group: Sequence[tuple[RollCallRow, str]]) -> AskedContact:
    first, token = group[0]
    return AskedContact(
        programme_code=first.programme_code,
        address=first.recipient,
        unit_codes=tuple(dict.fromkeys(row.unit_code for row, _ in group)),
        cycle_codes=tuple(dict.fromkeys(row.cycle_code for row, _ in group)),
        token=token,
    )
