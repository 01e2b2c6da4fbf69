"""Builds the values tests are about: each sets sensible defaults, and a test names only what it means."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date, datetime, timedelta

from models.domain.calendar import BeforeDay, WorkingCalendar
from models.domain.duties import Duty, Mark
from models.domain.plan import Obligation, Programme, Rung
from models.domain.vocabulary import OFFICE_ZONE, Anchor, Audience, MarkKind, Roll, RungAction

CALENDAR = WorkingCalendar(
    days_off=frozenset({date(2025, 5, 1), date(2025, 5, 2), date(2025, 9, 1), date(2025, 9, 2), date(2026, 11, 24)}),
    days_on=frozenset({date(2025, 4, 26)}),
)


def hanoi(text: str) -> datetime:
    """Return an instant in the office's zone from text such as `2025-06-14 23:59:59`."""
    return datetime.fromisoformat(text).replace(tzinfo=OFFICE_ZONE)


def a_ladder() -> tuple[Rung, ...]:
    """Return the ladder of product.md §7."""
    return (
        Rung(code="opening", anchor=Anchor.OPENS_AT, working_days=0, audience=Audience.ALL, attach_form=True),
        Rung(code="reminder-1", anchor=Anchor.LATE_AT, working_days=-7, audience=Audience.UNSUBMITTED),
        Rung(code="reminder-2", anchor=Anchor.LATE_AT, working_days=-2, audience=Audience.UNSUBMITTED),
        Rung(code="overdue", anchor=Anchor.LATE_AT, working_days=1, audience=Audience.LATE),
        Rung(
            code="urging-1",
            anchor=Anchor.LATE_AT,
            working_days=3,
            audience=Audience.LATE,
            official_letter="cong_van_don_doc_1",
            tell_member_in_charge=True,
        ),
        Rung(code="urging-2", anchor=Anchor.LATE_AT, working_days=7, audience=Audience.LATE),
        Rung(
            code="criticism",
            anchor=Anchor.LATE_AT,
            working_days=12,
            audience=Audience.LATE,
            action=RungAction.DRAFT,
            official_letter="van_ban_phe_binh",
        ),
        Rung(
            code="close",
            anchor=Anchor.LATE_AT,
            working_days=15,
            audience=Audience.ALL,
            action=RungAction.CLOSE,
        ),
    )


def a_duty(
    *,
    day: int = 15,
    month: int = 6,
    year: int = 2025,
    completed: str | None = None,
    held: str | None = None,
    marks: tuple[Mark, ...] = (),
    roll: Roll = Roll.NEXT_WORKING_DAY,
    duty_id: int = 1,
) -> Duty:
    """Return a duty that is due "trước ngày" the day, by default that of the six-month report of 2025."""
    due_at = BeforeDay(day, month).due_at(year)
    return Duty(
        id=duty_id,
        cycle_code=f"bc-6t-{year}",
        unit_code="so-y-te",
        unit_name="Sở Y tế",
        group="G1",
        opens_at=due_at - timedelta(days=30),
        due_at=due_at,
        late_at=CALENDAR.late_at(due_at, roll),
        completed_at=hanoi(completed) if completed else None,
        accepted_at=hanoi(completed) if completed else None,
        held_since=hanoi(held) if held else None,
        marks=marks,
    )


def a_mark(kind: MarkKind, stated: str, until: str | None = None) -> Mark:
    """Return what was stated of a duty at an instant."""
    return Mark(kind=kind, stated_at=hanoi(stated), until=hanoi(until) if until else None)


def with_units(
    programme: Programme, codes: AbstractSet[str], obligations: Iterable[Obligation] | None = None
) -> Programme:
    """Return the programme with these units only, and with these obligations where they are given."""
    units = tuple(unit for unit in programme.roster.units if unit.code in codes)
    kept = tuple(programme.obligations if obligations is None else obligations)
    return replace(programme, roster=replace(programme.roster, units=units), obligations=kept)
