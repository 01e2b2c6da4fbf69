"""Runs everything that parses a stranger's workbook in worker processes with limits on memory and time.

A file that kills its worker, or never ends, costs its own result only: the files that shared its turn are read again,
each alone.
"""

import gc
import multiprocessing
import resource
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Final

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from models.domain.forms import Finding, finding
from tasks.adapters.texts import Texts
from tasks.adapters.workbooks.guard import guard
from tasks.adapters.workbooks.marking import Marking, WorkbookNotMarkableError, draw_marks, marking_of
from tasks.adapters.workbooks.reading import read_workbook
from tasks.ports import ReadForm
from tasks.settings import MEBIBYTE, LimitSettings

FILES_A_TURN: Final = 25
BYTES_A_TURN: Final = 8 * MEBIBYTE
MARKING_TIMES_READING: Final = 4
"""Marking loads and saves with openpyxl, which takes some thirty times as long as reading the values."""
OBJECTS_PER_COLLECTION: Final = 50_000
"""Reading makes no cycles, and the cells of one turn would be gone through a hundred times for nothing."""
WORKER_MODULE: Final = "tasks.adapters.workbooks.pool"


class GuardedReader:
    """Reads and marks workbooks in worker processes; satisfies `ports.FormReader`. Several threads may share one."""

    def __init__(self, limits: LimitSettings) -> None:
        """Keep the limits; the workers start with the first file."""
        self._limits = limits
        self._lock = Lock()
        self._pool: ProcessPool | None = None
        self._starting: Thread | None = None

    def prepare(self) -> None:
        """Let the workers start while there is other work to do; return at once, and do nothing when they run."""
        with self._lock:
            if self._pool is not None or self._starting is not None:
                return
            # A thread waits for the server process that forks the workers, for it must load what they need first.
            self._starting = Thread(target=self._start, name="starting the readers of workbooks", daemon=True)
            self._starting.start()

    def read(self, contents: Iterable[bytes]) -> list[ReadForm]:
        """Return one result a workbook, in order; a hostile one costs its own result only.

        The first are being read while the next are still being given.
        """
        turns = [(turn, self._read_turn(turn)) for turn in _turns(contents)]
        results: list[ReadForm] = []
        for turn, future in turns:
            try:
                results += future.result()
            except (ProcessExpired, TimeoutError, MemoryError):
                results += [self._read_alone(content) for content in turn]
        return results

    def mark(self, content: bytes, findings: Sequence[Finding], texts: Texts) -> bytes:
        """Return the unit's own workbook with its wrong cells coloured, commented and listed.

        Raises:
            WorkbookNotMarkableError: openpyxl cannot hold the workbook; the letter goes without it.
        """
        seconds = self._limits.worker_seconds * MARKING_TIMES_READING
        args = (content, marking_of(findings, texts), self._limits)
        try:
            marked: bytes | _Failure = self._workers().schedule(_mark, args=args, timeout=seconds).result()
        except (ProcessExpired, TimeoutError, MemoryError) as problem:
            raise WorkbookNotMarkableError(reason=type(problem).__name__) from problem
        if isinstance(marked, _Failure):
            raise WorkbookNotMarkableError(reason=marked.reason)
        return marked

    def close(self) -> None:
        """End the worker processes."""
        with self._lock:
            starting, self._starting = self._starting, None
        if starting is not None:
            starting.join()
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]  # pebble annotates all but these
            pool.join()

    def _start(self) -> None:
        self._workers().schedule(_do_nothing)

    def _read_turn(self, turn: Sequence[bytes]) -> ProcessFuture[list[ReadForm]]:
        seconds = self._limits.worker_seconds
        return self._workers().schedule(_read_all, args=(list(turn), self._limits), timeout=seconds)

    def _read_alone(self, content: bytes) -> ReadForm:
        try:
            (result,) = self._read_turn([content]).result()
        except (TimeoutError, MemoryError):
            return ReadForm(findings=(finding("workbook_too_complex"),))
        except ProcessExpired:
            return ReadForm(findings=(finding("workbook_unreadable"),))
        return result

    def _workers(self) -> ProcessPool:
        with self._lock:
            if self._pool is None:
                # A server process forks the workers: they start in milliseconds and inherit no thread, lock or
                # connection of ours, and the limit on memory counts only what they use themselves.
                context = multiprocessing.get_context("forkserver")
                context.set_forkserver_preload([WORKER_MODULE])
                self._pool = ProcessPool(
                    max_workers=self._limits.workers,
                    initializer=_start_worker,
                    initargs=(self._limits.worker_memory_bytes,),
                    context=context,
                )
            return self._pool


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a workbook could not be marked; an exception of ours would not survive the way out of the worker."""

    reason: str


def _do_nothing() -> None:
    """Be the first task of a pool, for workers start with one."""


def _start_worker(n_bytes: int) -> None:
    """Limit the worker's memory, and keep the collector of cycles from all that the worker inherited."""
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION)


def _read_all(contents: Sequence[bytes], limits: LimitSettings) -> list[ReadForm]:
    return [read_workbook(content, limits) for content in contents]


def _mark(content: bytes, marking: Marking, limits: LimitSettings) -> bytes | _Failure:
    refusal = guard(content, limits)
    if refusal is not None:
        return _Failure(refusal.code)
    try:
        return draw_marks(content, marking)
    except Exception as problem:  # noqa: BLE001 - openpyxl may raise anything over a stranger's workbook
        return _Failure(type(problem).__name__)


def _turns(contents: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Share the files out: many small ones a turn, so that the way to the worker costs little; a large one alone."""
    turn: list[bytes] = []
    for content in contents:
        if turn and (len(turn) == FILES_A_TURN or sum(map(len, turn)) + len(content) > BYTES_A_TURN):
            yield turn
            turn = []
        turn.append(content)
    if turn:
        yield turn
