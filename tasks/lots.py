"""Divides what comes into lots that go together: as many as may be, and no more bytes than may be in memory at once."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def in_lots(items: Iterable[T], octets_of: Callable[[T], int], *, most: int, most_octets: int) -> Iterator[list[T]]:
    """Yield the items in their order by lots of at most so many, and of at most so many bytes; a larger one alone."""
    lot: list[T] = []
    n_octets = 0
    for item in items:
        weight = octets_of(item)
        if lot and (len(lot) == most or n_octets + weight > most_octets):
            yield lot
            lot, n_octets = [], 0
        lot.append(item)
        n_octets += weight
    if lot:
        yield lot
