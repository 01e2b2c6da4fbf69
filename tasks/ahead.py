"""Makes the next item while the last is being used: for work that mostly waits for other processes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
_END: Final = object()


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items in their order, each being made in a thread while the one before is being used.

    What making an item raises is raised in its turn. Who stops early waits for the item that was begun.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="one ahead") as thread:
        following = thread.submit(next, items, _END)
        while (item := following.result()) is not _END:
            following = thread.submit(next, items, _END)
            yield item  # type: ignore[misc]  # whatever is not the end came from the items
