"""Reads the mailbox before anybody is chased, where it was not read for a while: who has answered is left alone."""

import logging
from datetime import timedelta
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.db.records import heartbeats
from models.domain.errors import MailboxUnavailableError
from tasks.names import run_name
from tasks.receive import MAILBOX_POLLED
from tasks.runtime import Runtime
from tasks.take_and_judge import take_and_judge

logger = logging.getLogger(__name__)
STILL_FRESH: Final = timedelta(hours=1)
"""The mailbox is polled every few minutes: one that was not read for so long was out of reach, or we were."""
TOO_OLD_TO_CHASE: Final = timedelta(days=1)


@task(name="catch-up", task_run_name=run_name("catch_up"), cache_policy=NO_CACHE)
def catch_up_with_mailbox(runtime: Runtime) -> bool:
    """Take in and judge what has arrived while nobody read the mailbox; say whether units may be chased now.

    They may not when the mailbox is out of reach and has not been read for a day: an answer may lie in it. What is
    taken in here is answered and filed away by the next poll. Safe to run again.
    """
    with runtime.sessions() as session:
        read_at = heartbeats.last_beat(session, MAILBOX_POLLED)
    if runtime.mailbox is None or read_at is None or runtime.clock.now() - read_at < STILL_FRESH:
        return True
    try:
        take_and_judge.fn(runtime, runtime.clock.now())
    except MailboxUnavailableError as error:
        may_chase = runtime.clock.now() - read_at < TOO_OLD_TO_CHASE
        logger.warning(runtime.texts.error(error))
        if not may_chase:
            logger.warning(runtime.texts.say("log.not_chasing_blind", read=runtime.texts.instant(read_at)))
        return may_chase
    return True
