"""Tells the operator by mail of runs that ended badly: each sort of trouble once a day, however often it comes."""

import hashlib
import re
from datetime import date, datetime

from sqlalchemy.orm import Session

from models.db.records import letters, troubles
from models.db.records.letters import ClaimedLetter
from models.db.records.troubles import Trouble
from models.db.tables import LetterRow
from models.domain.vocabulary import OFFICE_ZONE, LetterKind, LetterState
from tasks.adapters.rendering import Envelope, OperatorContext
from tasks.ports import Letter
from tasks.runtime import Runtime


def queue_trouble(runtime: Runtime, *, run: str, name: str, flow: str, message: str) -> int:
    """Record a run that ended badly and put a letter to each operator into the outbox; return how many are new.

    A run is told of once, whoever notices it.

    `message` is what the run ended with; its first line and the flow say of which sort the trouble is.
    """
    now = runtime.clock.now()
    today = now.astimezone(OFFICE_ZONE).date()
    first_line = message.strip().partition("\n")[0]
    alike = re.sub(r"\d+", "#", first_line)  # counts and instants make no other sort of trouble
    sort = hashlib.sha256(f"{flow}|{alike}".encode()).hexdigest()[:16]
    domain = runtime.settings.mail_from.rpartition("@")[2]
    with runtime.sessions.begin() as session:
        if not troubles.note(session, Trouble(run=run, name=name, at=now, day=today, sort=sort, message=first_line)):
            return 0
        queued = [
            letters.queue_letter(session, _letter_row(address, today, sort, domain=domain, now=now))
            for address in runtime.settings.operators
        ]
    return sum(letter is not None for letter in queued)


def trouble_letter(runtime: Runtime, session: Session, item: ClaimedLetter) -> Letter | None:
    """Return the letter about the troubles of its sort and day; None when there are none."""
    _, _, day, sort = item.key.rsplit("|", 3)
    found = troubles.of_sort(session, date.fromisoformat(day), sort)
    if not found:
        return None
    texts = runtime.texts
    newest = found[-1]
    line = texts.say("letter.operator.trouble", name=newest.name, at=texts.instant(newest.at), message=newest.message)
    context = OperatorContext(
        programme=next(iter(runtime.programmes.values())),
        as_of=runtime.clock.now(),
        troubles=(line,),
    )
    return runtime.renderer.operator(context, Envelope(to=item.recipient, message_id=item.message_id))


def _letter_row(address: str, day: date, sort: str, *, domain: str, now: datetime) -> LetterRow:
    key = f"{LetterKind.OPERATOR.value}|{address}|{day.isoformat()}|{sort}"
    return LetterRow(
        key=key,
        message_id=letters.message_id_of(key, domain),
        kind=LetterKind.OPERATOR,
        recipient=address,
        day=day,
        state=LetterState.QUEUED,
        queued_at=now,
    )
