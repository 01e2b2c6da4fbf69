"""The calendar of the year, for those who look ahead."""

from datetime import datetime

from prefect import flow

from flows.endings import mail_the_operator, told_to_the_operator
from flows.instants import instant_of_run
from tasks.descriptions import refresh_descriptions
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tasks.year_calendar import name_calendar_run, publish_year


@flow(name="publish-calendar", on_failure=[mail_the_operator], on_crashed=[mail_the_operator])
def publish_calendar(as_of: datetime | None = None) -> list[str]:
    """Show the calendars of this year and the next, and return the names of the calendar files below the home.

    The deployments' descriptions name the deadlines that come next, too.
    """
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        instant = instant_of_run(as_of, runtime.clock)
        years = (instant.year, instant.year + 1)
        name_calendar_run(runtime, years, instant)
        refresh_descriptions(runtime, instant)
        return [publish_year(runtime, year, instant) for year in years]
