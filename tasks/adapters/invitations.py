"""Writes the calendar entry of a deadline (RFC 5545, published by RFC 5546); it sends nothing and asks no clock."""

from datetime import datetime, timedelta
from typing import Final

from icalendar import Alarm, Calendar, Event, vCalAddress, vText

from models.domain.calendar import last_day_before
from models.domain.plan import Programme
from tasks.adapters.asking import DONE_RATHER_THAN_SENT
from tasks.adapters.rendering import ChaseDuty
from tasks.adapters.texts import vietnamese

PRODUCT: Final = "-//dondoc//deadlines//VI"
ALARM_BEFORE: Final = timedelta(hours=-16)
"""From the first instant of the last day: at 8 in the morning of the day before."""
SECONDS_PER_STEP: Final = 60


def invitation(duty: ChaseDuty, programme: Programme, *, as_of: datetime, organizer: str) -> bytes:
    """Return an .ics file with one whole-day entry on the last day on which the unit is on time.

    Its UID is the same for the same duty, and its SEQUENCE grows with `as_of`, so that a later one (an extension)
    moves the entry instead of adding another. `organizer` is the address that answers go to.
    """
    texts = vietnamese()
    until = duty.until(programme.calendar)
    last_day = last_day_before(until)
    suffix = "_done" if duty.asked in DONE_RATHER_THAN_SENT else ""
    summary = texts.say(f"letter.invitation.summary{suffix}", unit=duty.unit_name, title=duty.cycle_title)
    event = Event()
    event.add("uid", f"{duty.cycle_code}-{duty.duty_id}@{organizer.rpartition('@')[2]}")
    event.add("dtstamp", as_of)
    event.add("sequence", int(as_of.timestamp()) // SECONDS_PER_STEP)
    event.add("summary", summary)
    event.add(
        "description",
        texts.say(
            f"letter.invitation.description{suffix}",
            title=duty.cycle_title,
            unit=duty.unit_name,
            deadline=texts.deadline(until, programme.calendar),
            clause=duty.clause,
            decision=duty.decision,
            address=organizer,
        ),
    )
    event.add("dtstart", last_day)
    event.add("dtend", last_day + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    event.add("organizer", _organizer(programme, organizer))
    event.add_component(_alarm(summary))
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _organizer(programme: Programme, organizer: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{organizer}")
    address.params["cn"] = vText(programme.desk.sender_name)
    return address


def _alarm(summary: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", ALARM_BEFORE)
    return alarm
