"""When a poll shows the boards of an office anew: at once in a small one, every half hour in a large one.

A board is put together from every duty, whoever has answered: 0.2 ms a duty. Of a hundred thousand that is more than
the answers of five minutes cost, and nobody reads a board twelve times an hour.
"""

from datetime import datetime, timedelta
from typing import Final

DUTIES_SHOWN_AT_ONCE: Final = 10_000
"""So many take two seconds."""
SHOWN_EVERY: Final = timedelta(minutes=30)


def is_to_be_shown(
    as_of: datetime, *, n_duties: int, has_come: bool, shown_at: datetime | None, owed_since: datetime | None
) -> bool:
    """Say whether boards are shown at the instant, because something has come now or was not shown when it came.

    `shown_at` is when a poll showed them last, and `owed_since` when one last had something to show, which it may have
    left to a later one, or not come to. A poll of a past day shows what it found.
    """
    is_owed = owed_since is not None and (shown_at is None or owed_since > shown_at)
    if not (has_come or is_owed):
        return False
    if n_duties <= DUTIES_SHOWN_AT_ONCE or shown_at is None:
        return True
    return not timedelta(0) <= as_of - shown_at < SHOWN_EVERY
