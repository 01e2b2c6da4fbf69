"""How the reading processes start: forked from a server process, and without our own main module.

`multiprocessing` lets every child run its parent's main module again. In a scheduled run that is Prefect's engine: it
takes longer to load than a hundred forms take to be read, and a process that opens strangers' files has no use for it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.popen_forkserver import Popen
from multiprocessing.process import BaseProcess
from threading import Lock
from types import ModuleType
from typing import Final

MAIN: Final = "__main__"
_SWAPPING = Lock()


class ReaderProcess(ForkServerProcess):
    """A process forked from the server, which finds an empty main module."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Popen:  # noqa: N802 - the name by which the library asks for it
        with _an_empty_main_module():
            return Popen(process_obj)


class ReaderContext(ForkServerContext):
    """The context of a pool of such processes."""

    Process = ReaderProcess


@contextmanager
def _an_empty_main_module() -> Iterator[None]:
    """Let the library find a main module without name or file meanwhile, so that it has nothing to run again."""
    with _SWAPPING:
        ours = sys.modules[MAIN]
        sys.modules[MAIN] = ModuleType(MAIN)
        try:
            yield
        finally:
            sys.modules[MAIN] = ours
