"""Takes in what waits and gives it its outcome at once: while one chunk is judged, the next is looked at and kept."""

import logging
from collections import Counter
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.domain.vocabulary import Outcome
from tasks.ahead import short_turns
from tasks.judge import Waiting, garbage_left_lying, judged_in_chunks
from tasks.names import run_name
from tasks.receive import taken_in_chunks
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)


@task(name="take-and-judge", task_run_name=run_name("take_and_judge"), cache_policy=NO_CACHE)
def take_and_judge(runtime: Runtime, as_of: datetime, *, dry_run: bool = False) -> dict[str, int]:
    """Take in what has arrived and judge it with what an earlier run left; return how many had which outcome.

    A chunk is one transaction: outcome, submission, figures and the queued answer are written together or not at all.

    Raises:
        MailboxUnavailableError: the mailbox cannot be reached; what lay in the drop folder has its outcome by then.
    """
    counts: Counter[str] = Counter({"taken": 0} | {outcome.value: 0 for outcome in Outcome})
    waiting = Waiting(runtime, as_of)
    with garbage_left_lying(), short_turns():
        for n_taken in taken_in_chunks(runtime):
            counts["taken"] += n_taken
            counts.update(_judge(runtime, waiting, dry_run=dry_run))
        counts.update(_judge(runtime, waiting, dry_run=dry_run))
    if any(counts[outcome.value] for outcome in Outcome):
        logger.info(runtime.texts.say("log.arrivals_judged", **counts))
    return dict(counts)


def _judge(runtime: Runtime, waiting: Waiting, *, dry_run: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    for judged in judged_in_chunks(runtime, waiting, dry_run=dry_run):
        counts.update(item.verdict.outcome.value for item in judged if not item.is_own)
    return counts
