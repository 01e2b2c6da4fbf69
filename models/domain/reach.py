"""Says whether a duty was ever told to its unit in time: what no mail reached is held against nobody.

It is given the letters that went out and the bounces that are known, and looks at none that came after the instant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from models.domain.duties import Duty, late_at, standing_at
from models.domain.vocabulary import Standing

BOUNCES_COME_WITHIN: Final = timedelta(days=5)
"""For so long a mail server goes on trying before it says that a letter cannot be delivered (RFC 5321, 4.5.4.1)."""
CALLED_LATE: Final = frozenset({Standing.LATE, Standing.DONE_LATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A letter about a duty that our mail server took: when, and since when its address is known to take no mail."""

    sent_at: datetime
    bounced_at: datetime | None = None


def was_reached(duty: Duty, dispatches: Iterable[Dispatch], as_of: datetime) -> bool:
    """Say whether a letter about the duty reached somebody before the duty was late for this unit.

    An address that bounced before then may never have had a letter, nor one that bounced within days of it; an address
    that bounced only later took what it was sent.
    """
    until = late_at(duty, as_of)
    return any(_took(dispatch, until, as_of) for dispatch in dispatches if dispatch.sent_at < min(until, as_of))


def was_never_reached(duty: Duty, dispatches: Iterable[Dispatch], as_of: datetime) -> bool:
    """Say whether a duty that stands late was never told to its unit before it was late."""
    return standing_at(duty, as_of) in CALLED_LATE and not was_reached(duty, dispatches, as_of)


def _took(dispatch: Dispatch, until: datetime, as_of: datetime) -> bool:
    bounced_at = dispatch.bounced_at
    if bounced_at is None or bounced_at > as_of:
        return True
    return bounced_at >= max(until, dispatch.sent_at + BOUNCES_COME_WITHIN)
