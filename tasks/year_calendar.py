"""Shows the calendar of a year: a page of Prefect, and a calendar file below the home."""

import logging
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.domain.calendar import WorkingCalendar
from models.domain.plan import Programme
from models.domain.year_calendar import CalendarDay, Happening, cycles_by_calendar, days_of_year
from tasks.adapters.archive import write_whole
from tasks.adapters.calendar_file import calendar_file
from tasks.adapters.texts import Texts
from tasks.artifacts import show_page
from tasks.names import run_name
from tasks.run_names import rename_run
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)


@task(name="publish-calendar", task_run_name=run_name("publish_calendar"), cache_policy=NO_CACHE)
def publish_year(runtime: Runtime, year: int, as_of: datetime) -> str:
    """Show a year's calendar and write its deadlines to a file; return the file's name below the home."""
    programmes = list(runtime.programmes.values())
    name = f"results/lich/lich-{year}.ics"
    due = [
        (programme, [cycle for cycle in cycles_by_calendar(programme) if cycle.last_day.year == year])
        for programme in programmes
    ]
    write_whole(runtime.settings.shared / name, calendar_file(due, runtime.texts, as_of=as_of))
    path = runtime.settings.shared.resolve() / name
    show_page(f"lich-nam-{year}", year_as_markdown(programmes, year, runtime.texts, path))
    n_cycles = sum(len(cycles) for _, cycles in due)
    logger.info(runtime.texts.say("log.calendar_published", year=year, n=n_cycles))
    return name


def name_calendar_run(runtime: Runtime, years: Sequence[int], as_of: datetime) -> None:
    """Give the run its name: the years, and the day."""
    day = runtime.texts.day(as_of.date())
    rename_run(runtime.texts.say("run.calendar", first=years[0], last=years[-1], day=day))


def year_as_markdown(programmes: Sequence[Programme], year: int, texts: Texts, path: Path) -> str:
    """Return a year month by month, one line for each thing that happens."""
    titles = ", ".join(programme.short_title for programme in programmes)
    lines = [texts.say("calendar.heading", year=year, programmes=titles)]
    days = sorted(
        ((each, programme.calendar) for programme in programmes for each in days_of_year(programme, year)),
        key=lambda pair: pair[0].day,
    )
    if not days:
        return "\n\n".join([*lines, texts.say("calendar.no_event", year=year)])
    lines += [texts.say("calendar.legend"), texts.say("calendar.ics", path=path)]
    for month, group in groupby(days, key=lambda pair: pair[0].day.month):
        rows = [_row(each, calendar, texts) for each, calendar in group]
        lines.append(texts.say("calendar.month", month=month, year=year))
        lines.append("\n".join([texts.say("calendar.table"), *rows]))
    return "\n\n".join(lines)


def _row(each: CalendarDay, calendar: WorkingCalendar, texts: Texts) -> str:
    return texts.say(
        "calendar.row",
        day=texts.day_with_weekday(each.day),
        what=_what(each, calendar, texts),
        cycle=each.cycle.title,
        clause=each.cycle.clause,
    )


def _what(each: CalendarDay, calendar: WorkingCalendar, texts: Texts) -> str:
    if each.happening is Happening.DEADLINE:
        working = calendar.last_working_day(each.day)
        code = "calendar.deadline" if working == each.day else "calendar.deadline_on_day_off"
        return texts.say(code, working=texts.day(working))
    if each.happening in {Happening.LATE, Happening.ROLL_CALL}:
        return texts.say(f"calendar.{each.happening.value}")
    without = "_without_form" if each.happening is Happening.CLOSE and not each.cycle.has_form else ""
    return texts.say(f"calendar.{each.happening.value}{without}", rung=texts.say(f"rung.{each.rung}"))
