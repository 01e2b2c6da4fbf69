"""Handing a result over by hand, with the document that was signed."""

from datetime import date

from prefect import flow

from flows.endings import told_to_the_operator
from models.domain.vocabulary import LetterKind
from tasks.choices import chosen, refresh_choices
from tasks.hand_over import ResultOrder, order_result
from tasks.post import post_letters, say_what_is_left
from tasks.publish import publish_cycles
from tasks.run_names import rename_run
from tasks.runtime import open_runtime
from tasks.settings import Settings


@flow(name="send-result")
def send_result(cycle: str, document_number: str, signed_on: date, operator: str, reason: str) -> dict[str, int]:
    """Send the newest final edition to those who get it with a signed document; the same again sends nothing twice."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        order = ResultOrder(
            cycle=chosen(cycle), number=document_number, signed_on=signed_on, operator=operator, reason=reason
        )
        counts = {"queued": order_result(runtime, order)}
        counts |= post_letters(runtime, [LetterKind.RESULT])
        publish_cycles(runtime, [order.cycle], runtime.clock.now(), counts)
        rename_run(runtime.texts.say("run.send_result", cycle=order.cycle, n=counts["queued"]))
        refresh_choices(runtime, runtime.clock.now())
        say_what_is_left(counts)
        return counts
