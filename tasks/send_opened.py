"""Sends what an operator's act has just opened within the same run; outside office hours the next round does."""

import logging
from datetime import datetime

from models.db.records import cycles
from models.domain.vocabulary import LetterKind
from tasks.chase import queue_due_reminders
from tasks.open_cycles import stamp_missing_forms
from tasks.post import post_letters
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)


def send_opened(runtime: Runtime, cycle_code: str, as_of: datetime) -> dict[str, int]:
    """Stamp the forms of a cycle, decide and send its letters, and return how many got what.

    Nothing is lost when it is no office hour or the mail server is down: the obligation's next round goes on from here.
    """
    counts = {"stamped": stamp_missing_forms(runtime, [cycle_code])}
    counts |= queue_due_reminders(runtime, cycle_code, as_of)
    counts |= post_letters(runtime, [LetterKind.CHASE])
    if _is_office_hour(runtime, cycle_code, as_of):
        logger.info(runtime.texts.say("inspection.log.notices_sent", n=counts["sent"]))
    else:
        logger.info(runtime.texts.say("inspection.log.next_round"))
    return counts


def _is_office_hour(runtime: Runtime, cycle_code: str, as_of: datetime) -> bool:
    with runtime.sessions() as session:
        programme = runtime.programme_of(cycles.cycle(session, cycle_code))
    return programme.office_hours.contains(as_of, programme.calendar)
