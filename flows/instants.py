"""The instant a run speaks about: computed once, at its top, and handed down."""

from datetime import datetime, timedelta

from prefect.runtime import flow_run

from models.domain.vocabulary import OFFICE_ZONE
from tasks.ports import Clock

LATE_RUN = timedelta(hours=12)
"""A run that starts later than this after its time speaks about the present: after an outage, not about last Friday."""


def instant_of_run(as_of: datetime | None, clock: Clock) -> datetime:
    """Return the instant in the office's zone: the parameter, else when the run was meant to start, else now.

    A run delayed past midnight still speaks about its own day; one that was missed speaks about the day it runs on.
    A parameter without an offset is read in the office's zone.
    """
    now = clock.now()
    if as_of is not None:
        return as_of.astimezone(OFFICE_ZONE) if as_of.tzinfo else as_of.replace(tzinfo=OFFICE_ZONE)
    scheduled = flow_run.scheduled_start_time
    if scheduled is None or now - scheduled > LATE_RUN:
        return now
    return datetime.fromtimestamp(scheduled.timestamp(), OFFICE_ZONE)
