"""Makes the next item while the last is being used: for work that mostly waits for other processes."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")
_END: Final = object()
SECONDS_A_TURN: Final = 0.0005
"""How long a thread of Python may go on before another that waits has its turn; usually it is ten times as long."""


@contextmanager
def short_turns() -> Iterator[None]:
    """Let threads take shorter turns meanwhile, where one computes and others read from workers or write files.

    Those need many turns, each for a moment only: with long ones, what came from a worker in ten reads arrives when
    the thread that computes has been waited for ten times, and the worker waits, too.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SECONDS_A_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items in their order, each being made in a thread while the one before is being used.

    What making an item raises is raised in its turn. Who stops early waits for the item that was begun.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="one ahead") as thread:
        following = thread.submit(next, items, _END)
        while (item := following.result()) is not _END:
            following = thread.submit(next, items, _END)
            yield item  # type: ignore[misc]  # whatever is not the end came from the items
