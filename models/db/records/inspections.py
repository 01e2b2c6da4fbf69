"""Keeps inspections: the order as given, what was found at each unit, which remedies are owed, the conclusion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.db.tables import ArrivalRow, CycleRow, DutyRow, InspectionFindingRow, InspectionRow
from models.domain.inspections import InspectionFinding, InspectionOrder, Proposal, UnknownInspectionError
from models.domain.vocabulary import Outcome

_PROPOSALS: Final = TypeAdapter(tuple[Proposal, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInspection:
    """An inspection that was started; its explanations are the duties of the cycle of the same code."""

    code: str
    programme_code: str
    obligation_code: str
    title: str
    scope: str
    basis: str
    leader: str
    team: tuple[str, ...]
    starts_on: date
    ends_on: date
    conclude_by: date
    seed: str
    proposal: tuple[Proposal, ...]
    """Why each unit was proposed; empty where units were chosen."""
    started_at: datetime
    concluded_on: date | None
    conclusion_number: str
    conclusion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """A fault that was found; `remedy_cycle` is the code of the cycle in which its remedy is owed, if one is."""

    number: int
    unit_code: str
    text: str
    remedy: str
    owner: str
    remedy_cycle: str | None
    remedy_due_at: datetime | None


def add_inspection(
    session: Session,
    order: InspectionOrder,
    *,
    cycle_id: int,
    started_at: datetime,
    seed: str = "",
    proposal: Sequence[Proposal] = (),
) -> None:
    """Record an inspection with the cycle of its explanations; the cycle says under which obligation it is held."""
    cycle = session.get_one(CycleRow, cycle_id)
    session.add(
        InspectionRow(
            code=order.code,
            programme_code=cycle.programme_code,
            obligation_code=cycle.obligation_code,
            cycle_id=cycle_id,
            title=order.title,
            scope=order.scope,
            basis=order.basis,
            leader=order.leader,
            team=list(order.team),
            starts_on=order.starts_on,
            ends_on=order.ends_on,
            conclude_by=order.conclude_by,
            seed=seed,
            proposal=_PROPOSALS.dump_python(tuple(proposal), mode="json"),
            started_at=started_at,
        )
    )
    session.flush()


def inspection(session: Session, code: str) -> StoredInspection:
    """Return an inspection.

    Raises:
        UnknownInspectionError: none of that code has been started.
    """
    return _stored(_row(session, code))


def inspections_of(session: Session, programme_code: str, *, started_by: datetime) -> list[StoredInspection]:
    """Return the programme's inspections that were started by the instant, the oldest first."""
    rows = session.scalars(
        select(InspectionRow)
        .where(InspectionRow.programme_code == programme_code, InspectionRow.started_at <= started_by)
        .order_by(InspectionRow.started_at, InspectionRow.id)
    )
    return [_stored(row) for row in rows]


def like_order(session: Session, obligation_code: str, order: InspectionOrder) -> StoredInspection | None:
    """Return the obligation's inspection that has the order's title and first day; None when there is none."""
    row = session.scalars(
        select(InspectionRow).where(
            InspectionRow.obligation_code == obligation_code,
            InspectionRow.title == order.title,
            InspectionRow.starts_on == order.starts_on,
        )
    ).first()
    return _stored(row) if row is not None else None


def n_with_code_like(session: Session, prefix: str) -> int:
    """Return how many inspections have a code that begins so."""
    query = (
        select(func.count()).select_from(InspectionRow).where(InspectionRow.code.startswith(prefix, autoescape=True))
    )
    return session.scalar(query) or 0


def add_finding(
    session: Session, code: str, finding: InspectionFinding, *, number: int, remedy_cycle_id: int | None, at: datetime
) -> None:
    """Record what was found at a unit, with the cycle of its remedy where one is asked for."""
    remedy = finding.remedy
    session.add(
        InspectionFindingRow(
            inspection_id=_row(session, code).id,
            number=number,
            unit_code=finding.unit_code,
            text=finding.text,
            remedy=remedy.action if remedy else "",
            owner=remedy.owner if remedy else "",
            remedy_cycle_id=remedy_cycle_id,
            recorded_at=at,
        )
    )
    session.flush()


def findings_of(session: Session, code: str) -> list[StoredFinding]:
    """Return what an inspection has found, in the order in which it was recorded."""
    rows = session.execute(
        select(InspectionFindingRow, CycleRow.code, CycleRow.due_at)
        .join(InspectionRow, InspectionRow.id == InspectionFindingRow.inspection_id)
        .outerjoin(CycleRow, CycleRow.id == InspectionFindingRow.remedy_cycle_id)
        .where(InspectionRow.code == code)
        .order_by(InspectionFindingRow.number)
    )
    return [
        StoredFinding(
            number=row.number,
            unit_code=row.unit_code,
            text=row.text,
            remedy=row.remedy,
            owner=row.owner,
            remedy_cycle=cycle_code,
            remedy_due_at=due_at,
        )
        for row, cycle_code, due_at in rows
    ]


def remedy_cycles(session: Session, programme_code: str) -> list[str]:
    """Return the codes of the cycles in which remedies are owed, the oldest first."""
    query = (
        select(CycleRow.code)
        .join(InspectionFindingRow, InspectionFindingRow.remedy_cycle_id == CycleRow.id)
        .where(CycleRow.programme_code == programme_code)
        .order_by(CycleRow.opens_at, CycleRow.code)
    )
    return list(session.scalars(query))


def inspection_of_remedy(session: Session, cycle_code: str) -> StoredInspection | None:
    """Return the inspection whose remedy is owed in a cycle; None when the cycle is none of a remedy."""
    row = session.scalars(
        select(InspectionRow)
        .join(InspectionFindingRow, InspectionFindingRow.inspection_id == InspectionRow.id)
        .join(CycleRow, CycleRow.id == InspectionFindingRow.remedy_cycle_id)
        .where(CycleRow.code == cycle_code)
    ).first()
    return _stored(row) if row is not None else None


def conclude(session: Session, code: str, *, number: str, concluded_on: date, summary: str) -> None:
    """Record the conclusion that was issued."""
    row = _row(session, code)
    row.conclusion_number, row.concluded_on, row.conclusion = number, concluded_on, summary
    session.flush()


def last_inspected_on(session: Session, programme_code: str, by: date) -> dict[str, date]:
    """Return by unit the first day of its newest inspection that has begun by the day."""
    rows = session.execute(
        select(DutyRow.unit_code, func.max(InspectionRow.starts_on))
        .join(InspectionRow, InspectionRow.cycle_id == DutyRow.cycle_id)
        .where(InspectionRow.programme_code == programme_code, InspectionRow.starts_on <= by)
        .group_by(DutyRow.unit_code)
    )
    return {unit_code: day for unit_code, day in rows}  # noqa: C416 - a Row is no pair to dict()


def n_returned(session: Session, programme_code: str, *, since: datetime, by: datetime) -> dict[str, int]:
    """Return by unit how many arrivals were returned to it between the instants."""
    rows = session.execute(
        select(DutyRow.unit_code, func.count())
        .join(ArrivalRow, ArrivalRow.duty_id == DutyRow.id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(CycleRow.programme_code == programme_code, ArrivalRow.outcome == Outcome.RETURNED)
        .where(ArrivalRow.received_at >= since, ArrivalRow.received_at <= by)
        .group_by(DutyRow.unit_code)
    )
    return {unit_code: n for unit_code, n in rows}  # noqa: C416 - a Row is no pair to dict()


def _row(session: Session, code: str) -> InspectionRow:
    row = session.scalars(select(InspectionRow).where(InspectionRow.code == code)).first()
    if row is None:
        known = session.scalars(select(InspectionRow.code).order_by(InspectionRow.started_at)).all()
        raise UnknownInspectionError(inspection=code, known=", ".join(known) or "–")
    return row


def _stored(row: InspectionRow) -> StoredInspection:
    return StoredInspection(
        code=row.code,
        programme_code=row.programme_code,
        obligation_code=row.obligation_code,
        title=row.title,
        scope=row.scope,
        basis=row.basis,
        leader=row.leader,
        team=tuple(row.team),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        conclude_by=row.conclude_by,
        seed=row.seed,
        proposal=_PROPOSALS.validate_python(row.proposal),
        started_at=row.started_at,
        concluded_on=row.concluded_on,
        conclusion_number=row.conclusion_number,
        conclusion=row.conclusion,
    )
