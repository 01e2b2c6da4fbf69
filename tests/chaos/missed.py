"""The machine is off from a Friday to the Wednesday after next, across a deadline: what it says when it is on again."""

import tempfile
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import select

from deployments.postoffice import mails_for
from models.db.tables import DutyRow, LetterRow, ReminderRow, SkipRow
from models.domain.vocabulary import LetterKind, LetterState, SkipReason
from tests.builders import hanoi
from tests.chaos.crash import Outcome
from tests.chaos.processes import forked, get_ready, mail_servers, wait_for
from tests.chaos.steps import OPENING, UNITS, whole_poll, whole_round, with_few_units
from tests.tasks.conftest import Office, address_of

LAST_DAY_ON, MEANWHILE, ON_AGAIN = "2025-06-13 08:00", "2025-06-16 15:00", "2025-06-25 08:00"
ANSWERED_MEANWHILE, PROMISED_MEANWHILE = UNITS[:2], UNITS[2:3]


def days_off(office: Office) -> tuple[Counter, Counter, dict[str, str], set[str]]:
    """Return the letters of the morning after by recipient, those of the day, what each said, and rungs left out."""
    with_few_units(office)
    whole_round(office, OPENING)
    whole_poll(office, OPENING, later=timedelta(minutes=20))
    whole_round(office, LAST_DAY_ON)
    whole_poll(office, LAST_DAY_ON, later=timedelta(minutes=20))
    for unit in ANSWERED_MEANWHILE:
        office.send(unit, "answer", MEANWHILE)
    for unit in PROMISED_MEANWHILE:
        office.send(unit, "promise_the_20th", MEANWHILE)
    before = received(office)
    whole_round(office, ON_AGAIN)
    morning = received(office) - before
    whole_poll(office, ON_AGAIN, later=timedelta(minutes=5))
    whole_round(office, ON_AGAIN, later=timedelta(hours=6))
    with office.at(hanoi(ON_AGAIN)) as runtime, runtime.sessions() as session:
        unit = {duty.id: duty.unit_code for duty in session.scalars(select(DutyRow))}
        said = {
            unit[reminder.duty_id]: reminder.rung
            for reminder, letter in session.execute(
                select(ReminderRow, LetterRow).join(LetterRow, LetterRow.id == ReminderRow.letter_id)
            )
            if letter.kind == LetterKind.CHASE
            and letter.state == LetterState.SENT
            and reminder.cancelled_because is None
            and letter.day == hanoi(ON_AGAIN).date()
        }
        left_out = {row.rung for row in session.scalars(select(SkipRow)) if row.reason == SkipReason.SUPERSEDED}
    return morning, received(office) - before, said, left_out


def received(office: Office) -> Counter:
    return Counter({address_of(unit): len(mails_for(office.mail.home, address_of(unit))) for unit in UNITS})


def look_at(office: Office) -> None:
    morning, _, said, left_out = days_off(office)
    late = [unit for unit in UNITS if unit not in ANSWERED_MEANWHILE]
    assert morning == Counter({address_of(unit): 1 for unit in late}), morning
    assert said == dict.fromkeys(late, "urging-2"), said
    assert {"overdue", "urging-1"} <= left_out, left_out


def missed_days() -> list[Outcome]:
    """Try it once; one letter a unit, of the newest rung, and none to who has answered meanwhile."""
    get_ready()
    outcome = Outcome(stage="machine off from Friday to the Wednesday after next")
    with tempfile.TemporaryDirectory(prefix="dondoc-missed-") as made, mail_servers(Path(made)) as office:
        log = Path(made) / "log"
        outcome.tried = 1
        if wait_for(forked(partial(look_at, office), log)):
            outcome.wrong.append(log.read_text()[-1500:])
            outcome.doubled = 1
    return [outcome]
