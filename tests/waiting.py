"""Waits for what another process does; it knows no Prefect, whose settings are read when it is first loaded."""

from collections.abc import Callable
from threading import Event


def waited_for(what: Callable[[], object], *, seconds: float) -> object:
    """Return what the call gives as soon as it gives something, else what it gives at the end."""
    patience = Event()
    for _ in range(int(seconds * 2)):
        if found := what():
            return found
        patience.wait(0.5)
    return what()
