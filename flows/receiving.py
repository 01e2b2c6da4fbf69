"""The round of the mailbox: take in, judge, answer, file away."""

from datetime import datetime

from prefect import flow

from flows.endings import mail_the_operator, told_to_the_operator
from flows.instants import instant_of_run
from models.domain.errors import MailboxUnavailableError
from models.domain.vocabulary import ANSWERS, LetterKind
from tasks.late_runs import queue_bad_runs
from tasks.post import post_letters, say_what_is_left
from tasks.publish import publish_arrivals
from tasks.receive import file_arrivals_away
from tasks.run_names import name_poll
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tasks.spreading import spread_out
from tasks.take_and_judge import take_and_judge

SENT_BY_A_POLL = (*ANSWERS, LetterKind.OPERATOR, LetterKind.SCORE)
"""What waits in the outbox beside them are letters of scores that were queued outside office hours."""


@flow(name="poll-mailbox", on_failure=[mail_the_operator], on_crashed=[mail_the_operator])
def poll_mailbox(as_of: datetime | None = None, dry_run: bool = False) -> dict[str, int]:
    """Take in what has arrived, give each its outcome, answer it within the same run, and file it away.

    Safe to run again: an arrival is taken once, judged once and answered at most once. With `dry_run` arrivals are
    judged, and nothing is written, answered or moved.
    """
    with told_to_the_operator(), open_runtime(Settings.load()) as alone, spread_out(alone) as runtime:
        instant = instant_of_run(as_of, runtime.clock)
        try:
            counts = take_and_judge(runtime, instant, dry_run=dry_run)
        except MailboxUnavailableError:
            if not dry_run:
                queue_bad_runs(runtime)
                post_letters(runtime, SENT_BY_A_POLL)  # what lay in the drop folder is answered all the same
            raise
        if not dry_run:
            queue_bad_runs(runtime)
            counts |= post_letters(runtime, SENT_BY_A_POLL)
            counts["filed"] = file_arrivals_away(runtime)
            publish_arrivals(runtime, instant, counts)
        name_poll(runtime, instant, counts, dry_run=dry_run)
        say_what_is_left(counts)
        return counts
