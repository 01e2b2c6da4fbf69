"""When a digest is due, and which deadlines it looks ahead to; it knows no words and no mail."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from models.domain.calendar import WorkingCalendar
from models.domain.cycles import Cycle
from models.domain.vocabulary import OFFICE_ZONE, LetterKind

LOOKS_AHEAD: Final = 10
"""Working days."""
REACHES_BACK: Final = {LetterKind.DAILY: timedelta(days=1), LetterKind.WEEKLY: timedelta(days=7)}
"""How far the first digest of all looks back; each later one begins where the one before ended."""


def occasion_of(kind: LetterKind, day: date) -> str:
    """Return the day or the week that a digest is of: there is one of each at most, such as `2025-06-18`, `2025-W25`.

    The week's comes with the first run on a working day of it, whichever that is.
    """
    if kind is LetterKind.WEEKLY:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return day.isoformat()


def due_soon(cycles: Iterable[Cycle], calendar: WorkingCalendar, as_of: datetime) -> list[Cycle]:
    """Return the cycles that fall due within the next working days, the nearest first."""
    end = calendar.add_working_days(as_of.astimezone(OFFICE_ZONE).date(), LOOKS_AHEAD)
    near = [cycle for cycle in cycles if as_of < cycle.due_at and cycle.last_day <= end]
    return sorted(near, key=lambda cycle: (cycle.due_at, cycle.code))
