"""Child processes that never outlive their parent, even when it is killed: each hangs on a pipe that breaks then.

Run as a module it is the keeper of one command: `python -m deployments.processes COMMAND …` starts the command in
a process group of its own and ends the group when its standard input does.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SECONDS_TO_END: Final = 15


class Child:
    """A command that runs until it is told to end, or until this process dies."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
        """Start the command; what it prints is added to the log."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._keeper = subprocess.Popen(  # noqa: S603 - the command is this program's own
                [sys.executable, "-m", "deployments.processes", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        """Say whether the command is over."""
        return self._keeper.poll() is not None

    def wait(self) -> int:
        """Wait until the command is over and return its exit status."""
        return self._keeper.wait()

    def end(self) -> None:
        """End the command and wait until it is over."""
        if self._keeper.stdin is not None and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
        self._keeper.wait(timeout=2 * SECONDS_TO_END)

    def __enter__(self) -> Self:
        """Return the running command."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the command."""
        self.end()


def keep(command: Sequence[str]) -> int:
    """Run the command until it ends or standard input does, and return its exit status."""
    child = subprocess.Popen(  # noqa: S603 - the command is this program's own
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    threading.Thread(target=_end_with_standard_input, args=(child,), daemon=True).start()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: _end(child))
    return child.wait()


def _end_with_standard_input(child: "subprocess.Popen[bytes]") -> None:
    # Not through sys.stdin: Python aborts when it ends while a thread holds the lock of a buffered reader.
    while os.read(0, 1024):
        continue
    _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, signal_number)
            child.wait(timeout=SECONDS_TO_END)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
