"""Reads what a score rests on beside the duties themselves: receipts and returns."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.db.tables import ArrivalRow, CycleRow, InspectionRow, SubmissionRow
from models.domain.vocabulary import Outcome


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


def inspection_cycles(session: Session) -> set[str]:
    """Return the cycles whose duties are explanations to an inspection, and no tasks."""
    query = select(CycleRow.code).join(InspectionRow, InspectionRow.cycle_id == CycleRow.id)
    return set(session.scalars(query))
