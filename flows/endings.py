"""How a run ends when it cannot go on: the first line of its page says in Vietnamese what the operator should do."""

from collections.abc import Iterator
from contextlib import contextmanager

from models.domain.errors import DondocError
from tasks.adapters.texts import vietnamese


class RunStoppedError(RuntimeError):
    """A run ended in a problem that an operator can solve; the message is the sentence that says how."""


@contextmanager
def told_to_the_operator() -> Iterator[None]:
    """Turn an operator's problem into a failed run whose first line is its sentence.

    Raises:
        RunStoppedError: in the place of every `DondocError`.
    """
    try:
        yield
    except DondocError as error:
        raise RunStoppedError(vietnamese().error(error)) from error
