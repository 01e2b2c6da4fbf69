"""Keeps the targets of the annual plans, and reads what units have reported in the fields that have one."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import Session

from models.db.inserting import insert_all
from models.db.sessions import note_rows
from models.db.tables import CycleRow, DutyRow, FigureRow, InspectionRow, SubmissionRow, TargetRow
from models.domain.cycles import Cycle
from models.domain.targets import DatedFigure, Target
from models.domain.vocabulary import RowChange


def targets_of_year(session: Session, programme_code: str, year: int) -> list[Target]:
    """Return what the plan of a year asks, by unit and field."""
    rows = session.scalars(
        select(TargetRow)
        .where(TargetRow.programme_code == programme_code, TargetRow.year == year)
        .order_by(TargetRow.unit_code, TargetRow.field)
    )
    return [Target(unit_code=row.unit_code, year=row.year, field=row.field, amount=row.amount) for row in rows]


def years_with_targets(session: Session, programme_code: str) -> list[int]:
    """Return the years whose plans have set targets, the first one first."""
    query = select(TargetRow.year).where(TargetRow.programme_code == programme_code)
    return list(session.scalars(query.distinct().order_by(TargetRow.year)))


def targets_of_units(
    session: Session, programme_code: str, year: int, unit_codes: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return by unit, of those given, the amount that the plan of a year asks in each field."""
    rows = session.execute(
        select(TargetRow.unit_code, TargetRow.field, TargetRow.amount)
        .where(
            TargetRow.programme_code == programme_code,
            TargetRow.year == year,
            TargetRow.unit_code.in_(list(unit_codes)),
        )
        .order_by(TargetRow.unit_code, TargetRow.field)
    )
    found: dict[str, dict[str, int]] = {}
    for unit_code, field, amount in rows:
        found.setdefault(unit_code, {})[field] = amount
    return found


def replace_targets(
    session: Session, programme_code: str, year: int, targets: Iterable[Target], *, set_at: datetime
) -> None:
    """Put the targets of a year in the place of those that are there."""
    theirs = delete(TargetRow).where(TargetRow.programme_code == programme_code, TargetRow.year == year)
    note_rows(session, TargetRow, RowChange.GONE, session.scalars(theirs.returning(TargetRow.id)).all())
    rows = [
        {
            "programme_code": programme_code,
            "year": year,
            "unit_code": target.unit_code,
            "field": target.field,
            "amount": target.amount,
            "set_at": set_at,
        }
        for target in targets
    ]
    insert_all(session, TargetRow, rows)


def targeted_figures(session: Session, cycle: Cycle, as_of: datetime) -> list[DatedFigure]:
    """Return what a cycle's units have reported, as it counts at the instant, in the fields that have a target.

    Of each unit it is the newest sound submission of a duty that was accepted by then, as in an edition.
    """
    newer = (
        select(SubmissionRow.duty_id, func.max(SubmissionRow.number).label("number"))
        .join(DutyRow, DutyRow.id == SubmissionRow.duty_id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(CycleRow.code == cycle.code, SubmissionRow.has_sound_form, SubmissionRow.judged_at <= as_of)
        .group_by(SubmissionRow.duty_id)
        .subquery()
    )
    asked = and_(
        TargetRow.unit_code == DutyRow.unit_code,
        TargetRow.field == FigureRow.field,
        TargetRow.programme_code == cycle.programme_code,
        TargetRow.year == cycle.year,
    )
    rows = session.execute(
        select(DutyRow.unit_code, FigureRow.field, FigureRow.amount)
        .select_from(DutyRow)
        .join(newer, newer.c.duty_id == DutyRow.id)
        .join(SubmissionRow, and_(SubmissionRow.duty_id == DutyRow.id, SubmissionRow.number == newer.c.number))
        .join(FigureRow, FigureRow.submission_id == SubmissionRow.id)
        .join(TargetRow, asked)
        .where(DutyRow.accepted_at <= as_of, FigureRow.amount.is_not(None))
        .order_by(DutyRow.id, FigureRow.field)
    )
    return [
        DatedFigure(
            unit_code=unit_code,
            field=field,
            amount=amount,
            due_at=cycle.due_at,
            period_start=cycle.period_start,
            period_end=cycle.period_end,
        )
        for unit_code, field, amount in rows
    ]


def expected_units(session: Session, cycle_code: str) -> list[str]:
    """Return the codes of the units that a cycle expects, in the order they were frozen."""
    query = select(DutyRow.unit_code).join(CycleRow).where(CycleRow.code == cycle_code).order_by(DutyRow.id)
    return list(session.scalars(query))


def conclusions_of_year(session: Session, programme_code: str, year: int, as_of: datetime) -> dict[str, int]:
    """Return by obligation how many of its inspections were concluded in a year, by the instant."""
    rows = session.execute(
        select(InspectionRow.obligation_code, func.count())
        .where(
            InspectionRow.programme_code == programme_code,
            InspectionRow.concluded_on.between(date(year, 1, 1), min(date(year, 12, 31), as_of.date())),
        )
        .group_by(InspectionRow.obligation_code)
        .order_by(InspectionRow.obligation_code)
    )
    return {code: n for code, n in rows}  # noqa: C416 - a Row is no pair to dict()
