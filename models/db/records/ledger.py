"""Reads the whole ledger back, in the order of what happened: for a rehearsal, whose database holds one year only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.db.tables import CycleRow, DutyRow, LetterRow, ReminderRow, SkipRow
from models.domain.vocabulary import LetterState, SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRung:
    """One rung of one duty that a letter said."""

    message_id: str
    at: datetime
    recipient: str
    subject: str
    cycle_code: str
    unit_code: str
    unit_name: str
    rung: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldRung:
    """One rung of one duty that had come and was not said, with why."""

    at: datetime
    cycle_code: str
    unit_code: str
    rung: str
    reason: SkipReason


def told_rungs(session: Session) -> list[ToldRung]:
    """Return every rung that went out, letter by letter in the order of leaving."""
    rows = session.execute(
        select(LetterRow, ReminderRow.rung, DutyRow.unit_code, DutyRow.unit_name, CycleRow.code)
        .join(ReminderRow, ReminderRow.letter_id == LetterRow.id)
        .join(DutyRow, DutyRow.id == ReminderRow.duty_id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(LetterRow.state == LetterState.SENT, ReminderRow.cancelled_because.is_(None))
        .order_by(LetterRow.finished_at, LetterRow.id, ReminderRow.id)
    )
    return [
        ToldRung(
            message_id=letter.message_id,
            at=letter.finished_at or letter.queued_at,
            recipient=letter.recipient,
            subject=letter.subject,
            cycle_code=cycle_code,
            unit_code=unit_code,
            unit_name=unit_name,
            rung=rung,
        )
        for letter, rung, unit_code, unit_name, cycle_code in rows
    ]


def untold_rungs(session: Session) -> list[UntoldRung]:
    """Return every rung that was left out, in the order of noting."""
    rows = session.execute(
        select(SkipRow, DutyRow.unit_code, CycleRow.code)
        .join(DutyRow, DutyRow.id == SkipRow.duty_id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .order_by(SkipRow.noted_at, SkipRow.id)
    )
    return [
        UntoldRung(
            at=skip.noted_at,
            cycle_code=cycle_code,
            unit_code=unit_code,
            rung=skip.rung,
            reason=SkipReason(skip.reason),
        )
        for skip, unit_code, cycle_code in rows
    ]
