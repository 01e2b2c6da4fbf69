"""Reads what a verdict rests on beside the duty itself: arrivals, letters sent and not sent, addresses that bounced."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from models.db.records.arrivals import finding_from_json
from models.db.tables import (
    ArrivalRow,
    BouncedAddressRow,
    ContactRow,
    DutyRow,
    LetterRow,
    ReminderRow,
    SkipRow,
    SubmissionRow,
)
from models.domain.verdicts import ArrivalFact, BounceFact, LetterFact, SkipFact
from models.domain.vocabulary import Channel, LetterKind, LetterState, Outcome, SkipReason


def arrivals_of(session: Session, duty_ids: Sequence[int]) -> dict[int, list[ArrivalFact]]:
    """Return by duty what came in and was put to it, in the order of receipt."""
    rows = session.execute(
        select(ArrivalRow, SubmissionRow.number)
        .outerjoin(SubmissionRow, SubmissionRow.arrival_id == ArrivalRow.id)
        .where(ArrivalRow.duty_id.in_(duty_ids), ArrivalRow.outcome.is_not(None))
        .order_by(ArrivalRow.received_at, ArrivalRow.id)
    )
    found: dict[int, list[ArrivalFact]] = {}
    for row, number in rows:
        fact = ArrivalFact(
            id=row.id,
            received_at=row.received_at,
            judged_at=row.judged_at or row.taken_at,
            channel=Channel(row.channel),
            outcome=Outcome(row.outcome),
            reasons=tuple(finding_from_json(reason) for reason in row.reasons),
            sender=row.sender,
            file_name=row.workbook_name or row.file_name,
            operator=row.operator,
            number=number,
            resolved_at=row.resolved_at,
        )
        found.setdefault(row.duty_id, []).append(fact)
    return found


def letters_of(session: Session, duty_ids: Sequence[int]) -> dict[int, list[LetterFact]]:
    """Return by duty the rungs that were decided for it, with what became of their letters, and the answers it got."""
    found: dict[int, list[LetterFact]] = {}
    reminders = session.execute(
        select(ReminderRow, LetterRow)
        .outerjoin(LetterRow, LetterRow.id == ReminderRow.letter_id)
        .where(ReminderRow.duty_id.in_(duty_ids))
        .order_by(ReminderRow.id)
    )
    for reminder, letter in reminders:
        fact = LetterFact(
            kind=LetterKind.CHASE,
            recipient=reminder.recipient,
            decided_at=reminder.decided_at,
            rung=reminder.rung,
            state=LetterState.QUEUED if letter is None else LetterState(letter.state),
            finished_at=None if letter is None else letter.finished_at,
            detail="" if letter is None else letter.detail,
            is_by_hand=bool(reminder.occasion),
            cancelled_because=reminder.cancelled_because,
        )
        found.setdefault(reminder.duty_id, []).append(fact)
    is_told_with_the_others = and_(LetterRow.arrival_id == ArrivalRow.whole_id, LetterRow.kind == LetterKind.SEVERAL)
    answers = session.execute(
        select(ArrivalRow.duty_id, LetterRow)
        .join(LetterRow, or_(LetterRow.arrival_id == ArrivalRow.id, is_told_with_the_others))
        .where(ArrivalRow.duty_id.in_(duty_ids))
        .order_by(LetterRow.id)
    )
    for duty_id, letter in answers:
        fact = LetterFact(
            kind=LetterKind(letter.kind),
            recipient=letter.recipient,
            decided_at=letter.queued_at,
            state=LetterState(letter.state),
            finished_at=letter.finished_at,
            detail=letter.detail,
        )
        found.setdefault(duty_id, []).append(fact)
    return found


def skips_of(session: Session, duty_ids: Sequence[int]) -> dict[int, list[SkipFact]]:
    """Return by duty why rungs that had come were not said to the unit, in the order of noting."""
    rows = session.scalars(select(SkipRow).where(SkipRow.duty_id.in_(duty_ids)).order_by(SkipRow.noted_at, SkipRow.id))
    found: dict[int, list[SkipFact]] = {}
    for row in rows:
        fact = SkipFact(noted_at=row.noted_at, reason=SkipReason(row.reason), rung=row.rung)
        found.setdefault(row.duty_id, []).append(fact)
    return found


def bounces_of(session: Session, programme_code: str, duty_ids: Sequence[int]) -> dict[int, list[BounceFact]]:
    """Return by duty the addresses of its unit, or written to about it, that mail does not reach."""
    bounced = {row.address: row for row in session.scalars(select(BouncedAddressRow))}
    if not bounced:
        return {}
    theirs: dict[int, set[str]] = {}
    contacts = session.execute(
        select(DutyRow.id, ContactRow.email)
        .join(ContactRow, ContactRow.unit_code == DutyRow.unit_code)
        .where(DutyRow.id.in_(duty_ids), ContactRow.programme_code == programme_code, ContactRow.email.in_(bounced))
    )
    told = session.execute(
        select(ReminderRow.duty_id, ReminderRow.recipient).where(
            ReminderRow.duty_id.in_(duty_ids), ReminderRow.recipient.in_(bounced)
        )
    )
    for duty_id, address in [*contacts, *told]:
        theirs.setdefault(duty_id, set()).add(address)
    return {
        duty_id: [
            BounceFact(address=address, since=bounced[address].since, detail=bounced[address].detail)
            for address in sorted(addresses)
        ]
        for duty_id, addresses in theirs.items()
    }
