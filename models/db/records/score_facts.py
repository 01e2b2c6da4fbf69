"""Reads what a score rests on beside the duties themselves: receipts, returns, and letters that went out."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.db.tables import (
    ArrivalRow,
    BouncedAddressRow,
    CycleRow,
    DutyRow,
    InspectionRow,
    LetterRow,
    ReminderRow,
    SubmissionRow,
)
from models.domain.vocabulary import LetterState, Outcome


def receipts(session: Session, duty_ids: Sequence[int], as_of: datetime) -> dict[int, str]:
    """Return by duty the number of its newest receipt at the instant, such as `12-2`."""
    rows = session.execute(
        select(SubmissionRow.duty_id, func.max(SubmissionRow.number))
        .where(SubmissionRow.duty_id.in_(duty_ids), SubmissionRow.judged_at <= as_of)
        .group_by(SubmissionRow.duty_id)
    )
    return {duty_id: f"{duty_id}-{number}" for duty_id, number in rows}


def n_returned(session: Session, duty_ids: Sequence[int], as_of: datetime) -> dict[int, int]:
    """Return by duty how many of its arrivals were given back to be mended by the instant."""
    rows = session.execute(
        select(ArrivalRow.duty_id, func.count())
        .where(ArrivalRow.duty_id.in_(duty_ids), ArrivalRow.outcome == Outcome.RETURNED, ArrivalRow.judged_at <= as_of)
        .group_by(ArrivalRow.duty_id)
    )
    return {duty_id: n for duty_id, n in rows if duty_id is not None}


def written_to(session: Session, duty_ids: Sequence[int], as_of: datetime) -> set[int]:
    """Return the duties that a letter was sent about before they were late, to an address that had not bounced by then.

    An address that bounced only later took the letter; one that bounced before the deadline may never have had it.
    """
    rows = session.scalars(
        select(DutyRow.id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .join(ReminderRow, ReminderRow.duty_id == DutyRow.id)
        .join(LetterRow, LetterRow.id == ReminderRow.letter_id)
        .outerjoin(BouncedAddressRow, BouncedAddressRow.address == LetterRow.recipient)
        .where(DutyRow.id.in_(duty_ids), LetterRow.state == LetterState.SENT, LetterRow.finished_at <= as_of)
        .where(LetterRow.finished_at < CycleRow.late_at)
        .where(or_(BouncedAddressRow.since.is_(None), BouncedAddressRow.since >= CycleRow.late_at))
        .distinct()
    )
    return set(rows)


def inspection_cycles(session: Session) -> set[str]:
    """Return the cycles whose duties are explanations to an inspection, and no tasks."""
    query = select(CycleRow.code).join(InspectionRow, InspectionRow.cycle_id == CycleRow.id)
    return set(session.scalars(query))
