"""Writes the deadlines of programmes as a calendar file (RFC 5545); it sends nothing and asks no clock.

Each deadline is a whole-day entry on its last day. There is no alarm in it: this calendar is for overview and may be
subscribed to by many, and who owes something has an alarm of its own in the invitation that came with its letter.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from models.domain.cycles import Cycle
from models.domain.plan import Programme
from tasks.adapters.invitations import PRODUCT
from tasks.adapters.texts import Texts


def calendar_file(plans: Sequence[tuple[Programme, Iterable[Cycle]]], texts: Texts, *, as_of: datetime) -> bytes:
    """Return an .ics file with one entry a cycle.

    The UID of a cycle's entry is always the same, so that a file that is read again moves entries and adds none.
    `as_of` is when the entries were last known to be right (DTSTAMP).
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    name = texts.say("calendar.name", programmes=", ".join(programme.short_title for programme, _ in plans))
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    for programme, cycles in plans:
        for cycle in cycles:
            calendar.add_component(_entry(programme, cycle, texts, as_of))
    return bytes(calendar.to_ical())


def _entry(programme: Programme, cycle: Cycle, texts: Texts, as_of: datetime) -> Event:
    obligation = programme.obligation(cycle.obligation_code)
    event = Event()
    event.add("uid", f"{cycle.code}.{programme.code}@{programme.desk.address.rpartition('@')[2]}")
    event.add("dtstamp", as_of)
    event.add("summary", texts.say("calendar.summary", title=cycle.title))
    event.add(
        "description",
        texts.say(
            "calendar.description",
            deadline=texts.deadline(cycle.due_at, programme.calendar),
            opens=texts.day(cycle.opens_at.date()),
            late=texts.day(cycle.late_at.date()),
            clause=cycle.clause,
            obligation=obligation.title,
            lead=obligation.lead,
        ),
    )
    event.add("dtstart", cycle.last_day)
    event.add("dtend", cycle.last_day + timedelta(days=1))
    event.add("categories", [programme.short_title, obligation.code])
    event.add("transp", "TRANSPARENT")
    return event
