"""The points at which a process can die so that it matters: after each effect on the world, and in the middle of one.

They are found by listening, not by hand: commits, commands to the two mail servers, files half written, waited for on
their way to the disk, renamed. A boundary is a kind and a number: the third "after a commit". So each is found again in
another run, in whatever order the threads of a step come.
"""

import asyncio.selector_events
import imaplib
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from sqlalchemy.engine.default import DefaultDialect

from tasks.adapters import archive

FILE_EVENTS = {"os.rename": "rename", "os.remove": "remove", "os.link": "link"}
SMTP_TEXT_FROM = 200
"""A longer write to the mail server is a letter's text."""

Boundary = tuple[str, int]
"""Its kind, and which of the kind it is in its run, the first being 1."""


def of_each_kind(labels: Sequence[str], every: int) -> list[Boundary]:
    """Return of each kind that a run has crossed the first boundary and every n-th after it."""
    counts = Counter(labels)
    return [(label, number) for label in sorted(counts) for number in range(1, counts[label] + 1, every)]


def every_nth(labels: Sequence[str], every: int, *, offset: int = 0) -> list[Boundary]:
    """Return every n-th of all boundaries that a run has crossed, evenly over their kinds, however few they are."""
    return of_each_kind(labels, 1)[offset % every :: every]


class Boundaries:
    """Counts the boundaries that this process crosses; at the one it is given the process kills itself."""

    def __init__(self, home: Path, *, kill_at: Boundary | None = None) -> None:
        self.labels: list[str] = []
        self._kill_at = kill_at
        self._home = str(home)
        self._lock = Lock()

    def listen(self) -> None:
        """Listen from now on, until the process ends."""
        self._listen_to_commits()
        self._listen_to_files()
        self._listen_to_smtp()
        self._listen_to_imap()

    def cross(self, label: str) -> None:
        with self._lock:
            self.labels.append(label)
            if (label, self.labels.count(label)) == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def _listen_to_commits(self) -> None:
        commit = DefaultDialect.do_commit

        def do_commit(dialect, connection):
            self.cross("before a commit")
            commit(dialect, connection)
            self.cross("after a commit")

        DefaultDialect.do_commit = do_commit

    def _listen_to_files(self) -> None:
        whole = archive._write  # noqa: SLF001 - by which every file of the home is written

        def write(file, content):
            whole(file, content[: len(content) // 2])
            self.cross("a file half written")
            whole(file, content[len(content) // 2 :])

        def heard(event, arguments):
            if event in FILE_EVENTS and str(arguments[0]).startswith(self._home):
                self.cross(f"before a file's {FILE_EVENTS[event]}")

        sync = os.fsync

        def fsync(descriptor):
            self.cross("before the disk is waited for")
            sync(descriptor)

        archive._write = write  # noqa: SLF001 - as above
        os.fsync = fsync
        sys.addaudithook(heard)

    def _listen_to_smtp(self) -> None:
        transport = asyncio.selector_events._SelectorSocketTransport  # noqa: SLF001 - where every write goes by
        write = transport.write

        def write_and_cross(connection, content):
            word = (
                "the text" if len(content) > SMTP_TEXT_FROM else bytes(content[:4]).decode("ascii", "replace").strip()
            )
            if word == "the text":
                write(connection, content[: len(content) // 2])
                self.cross("half of the text handed to the mail server")
                content = content[len(content) // 2 :]
            write(connection, content)
            self.cross(f"{word} said to the mail server")

        transport.write = write_and_cross

    def _listen_to_imap(self) -> None:
        send = imaplib.IMAP4.send

        def send_and_cross(connection, content):
            send(connection, content)
            words = content.split()
            said = words[1:3] if words[1:2] == [b"UID"] else words[1:2]
            self.cross(f"{b' '.join(said).decode('ascii', 'replace')} said to the mailbox")

        imaplib.IMAP4.send = send_and_cross
