"""Spans in which units could not be heard, and what they are worth to a unit whose deadline fell into one.

Only a mailbox that could not be reached is an obstacle to a unit. When nobody looked into a mailbox that worked, the
mail server kept the instant of receipt, and nothing is to be made good.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from models.domain.calendar import ONE_DAY, WorkingCalendar, start_of
from models.domain.vocabulary import OFFICE_ZONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A span in which the mailbox could not be reached; `until` is None while it goes on. Instants are aware."""

    since: datetime
    until: datetime | None = None
    detail: str = ""

    def covers(self, instant: datetime, as_of: datetime) -> bool:
        """Say whether, as far as is known, the mailbox could not be reached at the last moment before the instant.

        `as_of` is when we are asked: what began later is not known yet.
        """
        if self.since >= instant or self.since > as_of:
            return False
        return self.until is None or self.until >= instant


def outage_over(late: datetime, outages: Iterable[Outage], as_of: datetime) -> Outage | None:
    """Return the outage into which the last admissible instant of a duty fell, as far as it is known; None if none."""
    if as_of < late:
        return None
    return next((outage for outage in outages if outage.covers(late, as_of)), None)


def credit_until(late: datetime, outages: Iterable[Outage], calendar: WorkingCalendar, as_of: datetime) -> datetime:
    """Return the first instant at which an answer is held against its unit: the end of the working day after an outage.

    Without an outage over the deadline it is `late` itself. While the outage goes on, nobody can know its end: the day
    after `as_of` is then the nearest that it can be. What is late stays late; it is not counted against the unit.
    """
    over = outage_over(late, outages, as_of)
    if over is None:
        return late
    is_known = over.until is not None and over.until <= as_of
    end = over.until if is_known and over.until is not None else as_of
    day = calendar.next_working_day(end.astimezone(OFFICE_ZONE).date() + ONE_DAY)
    return start_of(day + ONE_DAY)
