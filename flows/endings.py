"""How a run ends when it cannot go on: its page says in Vietnamese what the operator should do, and so does a mail."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State

from models.domain.errors import DondocError
from models.domain.vocabulary import LetterKind
from tasks.adapters.texts import vietnamese
from tasks.names import name_of_run
from tasks.post import post_letters
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tasks.trouble_letters import queue_trouble

logger = logging.getLogger("tasks.endings")
STOPPED: Final = "RunStoppedError: "
"""After this stands the sentence for the operator, in what Prefect says of a failed run."""


class RunStoppedError(RuntimeError):
    """A run ended in a problem that an operator can solve; the message is the sentence that says how."""


@contextmanager
def told_to_the_operator() -> Iterator[None]:
    """Turn what stops a run into a failed run whose first line, as that of its log, says what the operator should do.

    Raises:
        RunStoppedError: in the place of every `DondocError`, and of a fault of ours.
    """
    try:
        yield
    except DondocError as error:
        sentence = vietnamese().error(error)
        logger.error(sentence)  # noqa: TRY400 - the traceback is of no use to whoever reads the page
        raise RunStoppedError(sentence) from error
    except Exception as error:
        detail = f"{type(error).__name__}: {error}".partition("\n")[0]
        sentence = vietnamese().say("trouble.failed", detail=detail)
        logger.exception(sentence)
        raise RunStoppedError(sentence) from error


def mail_the_operator(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tell the operators by mail that a run failed or crashed; a hook of every flow that runs by itself.

    Whatever goes wrong here is logged and nothing more: the run has failed once, and does not fail twice because mail
    is down. The letter waits in the outbox then, and leaves with the next poll.
    """
    try:
        settings = Settings.load()
        if settings.operators:
            with open_runtime(settings) as runtime:
                message, name = _sentence(state), name_of_run(flow_run, flow.name)
                queue_trouble(runtime, run=str(flow_run.id), name=name, flow=flow.name, message=message)
                post_letters.fn(runtime, [LetterKind.OPERATOR])
    except Exception:
        logger.exception(vietnamese().say("log.operator_not_told"))


def _sentence(state: State[Any]) -> str:
    """Return what the operator reads of a run's end: its own sentence, or that it crashed, or that it is our fault."""
    said = state.message or ""
    _, is_ours, sentence = said.partition(STOPPED)
    if is_ours:
        return sentence
    if state.is_crashed():
        return vietnamese().say("trouble.crashed")
    return vietnamese().say("trouble.failed", detail=said.strip().partition("\n")[0] or "–")
