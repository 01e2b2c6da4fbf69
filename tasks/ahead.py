"""Makes the next item while the last is being used: for work that mostly waits for other processes."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Final, TypeVar

T = TypeVar("T")
_END: Final = object()
SECONDS_A_TURN: Final = 0.0005
"""How long a thread of Python may go on before another that waits has its turn; usually it is ten times as long."""


class _ShortTurns:
    """The length of a thread's turn, which is the whole process's: the first shortens it, the last gives it back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._n = 0
        self._usual = sys.getswitchinterval()

    def begin(self) -> None:
        with self._lock:
            if self._n == 0:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(SECONDS_A_TURN)
            self._n += 1

    def end(self) -> None:
        with self._lock:
            self._n -= 1
            if self._n == 0:
                sys.setswitchinterval(self._usual)


_SHORT_TURNS: Final = _ShortTurns()


@contextmanager
def short_turns() -> Iterator[None]:
    """Let threads take shorter turns meanwhile, where one computes and others read from workers or write files.

    Those need many turns, each for a moment only: with long ones, what came from a worker in ten reads arrives when
    the thread that computes has been waited for ten times, and the worker waits, too.
    """
    _SHORT_TURNS.begin()
    try:
        yield
    finally:
        _SHORT_TURNS.end()


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items in their order, each being made in a thread while the one before is being used.

    What making an item raises is raised in its turn. Who stops early waits for the item that was begun.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="one ahead") as thread:
        following = thread.submit(next, items, _END)
        while (item := following.result()) is not _END:
            following = thread.submit(next, items, _END)
            yield item  # type: ignore[misc]  # whatever is not the end came from the items
