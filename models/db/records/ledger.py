"""Reads the whole ledger back, in the order of what happened: for a rehearsal, whose database holds one year only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from models.db.tables import CycleRow, DutyRow, LetterRow, MemberNoticeRow, ReminderRow, RollCallRow, SkipRow
from models.domain.vocabulary import LetterKind, LetterState, SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRung:
    """One rung of one duty that a letter said."""

    message_id: str
    kind: LetterKind
    at: datetime
    recipient: str
    subject: str
    cycle_code: str
    unit_code: str
    unit_name: str
    rung: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRollCall:
    """One contact of a unit whom a letter asked before a cycle."""

    message_id: str
    at: datetime
    recipient: str
    subject: str
    cycle_code: str
    unit_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldRung:
    """One rung of one duty that had come and was not said, with why."""

    at: datetime
    cycle_code: str
    unit_code: str
    rung: str
    reason: SkipReason


def told_rungs(session: Session) -> list[ToldRung]:
    """Return every rung that went out, to units and to members in charge, letter by letter in the order of leaving."""
    said = select(ReminderRow.id, ReminderRow.duty_id, ReminderRow.rung, ReminderRow.letter_id)
    passed_on = select(MemberNoticeRow.id, MemberNoticeRow.duty_id, MemberNoticeRow.rung, MemberNoticeRow.letter_id)
    told = union_all(said.where(ReminderRow.cancelled_because.is_(None)), passed_on).subquery()
    rows = session.execute(
        select(LetterRow, told.c.rung, DutyRow.unit_code, DutyRow.unit_name, CycleRow.code)
        .join(told, told.c.letter_id == LetterRow.id)
        .join(DutyRow, DutyRow.id == told.c.duty_id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(LetterRow.state == LetterState.SENT)
        .order_by(LetterRow.finished_at, LetterRow.id, told.c.id)
    )
    return [
        ToldRung(
            message_id=letter.message_id,
            kind=LetterKind(letter.kind),
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


def told_roll_calls(session: Session) -> list[ToldRollCall]:
    """Return every contact who was asked before a cycle, letter by letter in the order of leaving."""
    rows = session.execute(
        select(LetterRow, RollCallRow)
        .join(RollCallRow, RollCallRow.letter_id == LetterRow.id)
        .where(LetterRow.state == LetterState.SENT)
        .order_by(LetterRow.finished_at, LetterRow.id, RollCallRow.id)
    )
    return [
        ToldRollCall(
            message_id=letter.message_id,
            at=letter.finished_at or letter.queued_at,
            recipient=letter.recipient,
            subject=letter.subject,
            cycle_code=asked.cycle_code,
            unit_code=asked.unit_code,
        )
        for letter, asked in rows
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
