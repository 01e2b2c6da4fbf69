"""Processes that are forked from one that has everything loaded and no thread, and mail servers in one of their own."""

import json
import logging
import multiprocessing.forkserver
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deployments.postoffice import PostOffice
from tasks.adapters.programme import load_programme
from tasks.adapters.workbooks.pool import WORKER_MODULE
from tasks.settings import Settings
from tests.tasks.conftest import Office


def get_ready() -> None:
    """Load once, in the process that all others are forked from, what each of them would load."""
    logging.disable(logging.WARNING)
    share_the_readers()
    for programme in Settings().programmes:
        load_programme(programme)


def share_the_readers() -> None:
    """Start the server that forks the readers of strangers' files once, for all processes that are forked from here."""
    forkserver = multiprocessing.forkserver._forkserver  # noqa: SLF001 - a child may not look after its parent's child
    multiprocessing.get_context("forkserver").set_forkserver_preload([WORKER_MODULE])
    forkserver.ensure_running()
    forkserver.ensure_running = lambda: None


@contextmanager
def mail_servers(folder: Path, prepared: Path | None = None) -> Iterator[Office]:
    """Yield an office whose mail servers run in another process until the end."""
    if prepared is not None:
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
    told, say = os.pipe()
    listen, end = os.pipe()

    def serve() -> None:
        os.close(end)
        with PostOffice(folder / "office") as mail:
            os.write(say, json.dumps([mail.smtp_port, mail.imap_port]).encode())
            os.read(listen, 1)

    process = forked(serve, folder / "office.log")
    os.close(listen)
    os.close(say)
    smtp_port, imap_port = json.loads(os.read(told, 100))
    mail = PostOffice(folder / "office", smtp_port=smtp_port, imap_port=imap_port)
    try:
        yield Office(home=folder / "home", mail=mail)
    finally:
        os.close(end)
        os.close(told)
        assert wait_for(process) == 0


def at_once(works: Sequence[Callable[[], None]], log: Path) -> list[int]:
    """Let each work begin in a process of its own at the same moment, and return their exit statuses."""
    listen, start = os.pipe()

    def after_the_start(work: Callable[[], None]) -> Callable[[], None]:
        def begin() -> None:
            os.close(start)
            os.read(listen, 1)
            work()

        return begin

    processes = [forked(after_the_start(work), log) for work in works]
    os.close(listen)
    os.close(start)
    return [wait_for(process) for process in processes]


def forked(work: Callable[[], None], log: Path) -> int:
    """Do the work in a child of this process, whose output goes to the log, and return its number."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent may go on in the child
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait_for(process: int) -> int:
    """Return the exit status of a child, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
