"""Makes the links of a letter that open a ready answer in the reader's mail program: one click, a look, and send."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import quote

from models.domain.calendar import WorkingCalendar, last_day_before
from models.domain.replies import DAYS_A_PROMISE_MAY_REACH
from models.domain.tokens import subject_tag
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.texts import Texts

WORKING_DAYS_PROMISED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """A link with the words that stand on it."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredDuty:
    """As much of a duty as a ready answer needs; `address` carries its token."""

    address: str
    token: str
    title: str
    is_report: bool
    """It asks for figures, and may be answered with a nil report."""
    until: datetime


def quick_replies(
    duty: AnsweredDuty, texts: Texts, *, as_of: datetime, calendar: WorkingCalendar
) -> tuple[QuickReply, ...]:
    """Return the ready answers that a duty may be given; none where no token would tell whose they are."""
    if not duty.address or not duty.token:
        return ()
    return tuple(
        QuickReply(label=texts.say(f"letter.quick.{code}.label", **facts), url=_link(duty, body))
        for code, facts in _answers(duty, texts, as_of, calendar)
        for body in [texts.say(f"letter.quick.{code}.body", **facts)]
    )


def _answers(
    duty: AnsweredDuty, texts: Texts, as_of: datetime, calendar: WorkingCalendar
) -> Iterator[tuple[str, dict[str, str]]]:
    if duty.is_report:
        yield "nil", {}
    day = promised_day(duty.until, as_of, calendar)
    if day is not None:
        yield "promise", {"day": texts.day(day)}
    yield "contest", {}


def promised_day(until: datetime, as_of: datetime, calendar: WorkingCalendar) -> date | None:
    """Return the day that a ready promise names: some working days after the last one, or after today when it is over.

    None when it lies further away than a promise may reach; the writer may put another one in its place.
    """
    today = as_of.astimezone(OFFICE_ZONE).date()
    day = calendar.add_working_days(max(today, last_day_before(until)), WORKING_DAYS_PROMISED)
    return day if day <= today + timedelta(days=DAYS_A_PROMISE_MAY_REACH) else None


def _link(duty: AnsweredDuty, body: str) -> str:
    subject = f"Re: {duty.title} {subject_tag(duty.token)}"
    written = body.replace("\n", "\r\n")
    return f"mailto:{quote(duty.address, safe='@')}?subject={quote(subject, safe='')}&body={quote(written, safe='')}"
