"""The digests, and with them the status board as the office finds it in the morning."""

from datetime import datetime

from prefect import flow

from flows.endings import mail_the_operator, told_to_the_operator
from flows.instants import instant_of_run
from tasks.digests import DIGESTS, name_digest_run, queue_digests
from tasks.post import post_letters, say_what_is_left
from tasks.publish import publish_desk
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tasks.status_board import make_status_board


@flow(name="send-digests", on_failure=[mail_the_operator], on_crashed=[mail_the_operator])
def send_digests(as_of: datetime | None = None) -> dict[str, int]:
    """Bring the status board up to date and send the digests of the day and of the week; return how many of each.

    Safe to run again: there is one digest a day or week and address. On days off the board is made, and no mail leaves.
    """
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        instant = instant_of_run(as_of, runtime.clock)
        make_status_board(runtime, instant)
        counts = {"queued": queue_digests(runtime, instant)}
        counts |= post_letters(runtime, DIGESTS)
        publish_desk(runtime, instant, counts)
        name_digest_run(runtime, instant, counts)
        say_what_is_left(counts)
        return counts
