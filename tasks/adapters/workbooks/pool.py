"""Runs everything that parses a stranger's mail or workbook in worker processes with limits on memory and time.

A file that kills its worker, or never ends, costs its own result only: the files that shared its turn are read again,
each alone.
"""

import gc
import hashlib
import resource
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock, Thread
from typing import Final, Generic, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from models.domain.forms import Finding, finding
from tasks.adapters.mail_reading import MailReader, head_of, secrecy_words
from tasks.adapters.secrecy import Scrutiny, SecrecyScreen
from tasks.adapters.texts import Texts, vietnamese
from tasks.adapters.unpacking import Effort, look_and_unpack, look_at, unpack
from tasks.adapters.workbooks import processes
from tasks.adapters.workbooks.guard import guard
from tasks.adapters.workbooks.marks import Marking, WorkbookNotMarkableError, marking_of
from tasks.adapters.workbooks.reading import read_workbook
from tasks.lots import in_lots
from tasks.ports import Brought, FirstLook, ParsedMail, ReadForm, Stored, Unpacked
from tasks.settings import MEBIBYTE, LimitSettings

FILES_A_TURN: Final = 25
BYTES_A_TURN: Final = 8 * MEBIBYTE
MARKING_TIMES_READING: Final = 4
"""Marking loads and saves with openpyxl, which takes some thirty times as long as reading the values."""
TURNS_IN_FLIGHT: Final = 24
"""So many turns are looked at ahead, so that the workers have enough to do while what they found is judged."""
OCTETS_IN_FLIGHT: Final = 32 * MEBIBYTE
OCTETS_KEPT_OPEN: Final = 32 * MEBIBYTE
"""So much of what the first look has opened is kept until it is asked for; what it holds takes a few times that."""
OBJECTS_PER_COLLECTION: Final = 50_000
"""Reading makes no cycles, and the cells of one turn would be gone through a hundred times for nothing."""
F = TypeVar("F", Brought, bytes)
"""An arrival, or the bytes of one workbook."""
R = TypeVar("R")


class FileBrokeError(Exception):
    """A file made a worker raise; in words, for an exception of another kind may not survive the way out of it."""


DEATHS: Final = (ProcessExpired, BrokenProcessPool, TimeoutError, MemoryError, FileBrokeError)
"""How a worker may end that was given something hostile, or was ended by the machine."""
TOO_COMPLEX: Final = ReadForm(findings=(finding("workbook_too_complex"),))
LESS_EFFORT: Final = (Effort.FILES_ONLY, Effort.ENVELOPE_ONLY)
SECONDS_TO_TELL: Final = 1.0
"""How long a pool that has ended may take to say so of what it had in hand."""
SECONDS_OF_SILENCE: Final = 20.0
"""Workers that all do nothing for so long while work waits will never do it: one died with a message half read, and the
others wait for its rest. A busy machine lets them work a little in that time, too."""
TIMES_ON_A_BUSY_MACHINE: Final = 10
"""So much longer than it may work a worker may take by the clock."""
OCTETS_A_SECOND: Final = 10 * MEBIBYTE
"""A large file is given longer: a second for so much."""
WORKER_MODULE: Final = "tasks.adapters.workbooks.preloading"


class GuardedReader:
    """Opens and marks strangers' files in worker processes; satisfies `ports.FormReader`. Threads may share one."""

    def __init__(self, limits: LimitSettings, *, seconds_of_silence: float = SECONDS_OF_SILENCE) -> None:
        """Keep the limits; the workers start with the first file."""
        self._limits = limits
        self._seconds_of_silence = seconds_of_silence
        self._mail_reader = MailReader(vietnamese(), limits)
        self._screen = SecrecyScreen(secrecy_words(vietnamese()), limits)
        self._guide = vietnamese().say("form.sheet.guide")
        """The sheet that explains the form: a fifth of all there is to read, and nobody answers there."""
        self._opened = _OpenedAtFirstLook()
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

    def look(self, arrivals: Iterable[Brought]) -> Iterator[FirstLook]:
        """Yield what must be known of each arrival before it is kept, in order; of a hostile one, nothing.

        A few turns are being looked at ahead of what is asked for. To look at an arrival is to open it: what it holds
        is remembered, and `unpack` need not open it again.
        """
        for turn, work in _in_flight(_turns(arrivals), self._looking_and_unpacking):
            try:
                seen = work.result()
            except DEATHS:
                yield from map(self._look_alone, turn)
                continue
            yield from map(self._remembered, turn, seen)

    def recall(self, stored: Stored) -> Unpacked | None:
        """Return what an arrival holds that was looked at a while ago; None when it must be opened again."""
        return self._opened.take(stored)

    def remember(self, brought: Brought, unpacked: Unpacked) -> None:
        """Remember what an arrival holds that somebody else has looked at."""
        self._opened.keep(_as_stored(brought), unpacked, len(brought.content))

    def unpack(self, arrivals: Iterable[Brought]) -> list[Unpacked]:
        """Return what each arrival holds, in order; a hostile one costs its own result only.

        The first are being opened while the next are still being given.
        """
        known: list[Unpacked | None] = []

        def closed() -> Iterator[Brought]:
            for brought in arrivals:
                known.append(self.recall(_as_stored(brought)))
                if known[-1] is None:
                    yield brought

        opened = iter(self._unpack(closed()))
        return [unpacked if unpacked is not None else next(opened) for unpacked in known]

    def _unpack(self, arrivals: Iterable[Brought]) -> list[Unpacked]:
        results: list[Unpacked] = []
        turns = [(turn, self._unpacking(turn)) for turn in _turns(arrivals)]
        for turn, future in turns:
            try:
                results += future.result()
            except DEATHS as death:
                was_slow = len(turn) == 1 and _is_slowness(death)
                results += [self._unpack_alone(brought, was_slow=was_slow) for brought in turn]
        return results

    def read(self, contents: Iterable[bytes]) -> list[ReadForm]:
        """Return one result a workbook, in order; a hostile one costs its own result only.

        The first are being read while the next are still being given.
        """
        turns = [(turn, self._reading(turn)) for turn in _turns(contents)]
        results: list[ReadForm] = []
        for turn, future in turns:
            try:
                results += future.result()
            except DEATHS:
                results += [self._read_alone(content) for content in turn]
        return results

    def mark(self, content: bytes, findings: Sequence[Finding], texts: Texts) -> bytes:
        """Return the unit's own workbook with its wrong cells coloured, commented and listed.

        Raises:
            WorkbookNotMarkableError: openpyxl cannot hold the workbook; the letter goes without it.
        """
        seconds = self._limits.worker_seconds * MARKING_TIMES_READING * TIMES_ON_A_BUSY_MACHINE
        args = (content, marking_of(findings, texts), self._limits)
        try:
            marked: bytes | _Failure = self.in_a_worker(_mark, args, seconds).result()
        except DEATHS as problem:
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

    def _remembered(self, brought: Brought, seen: tuple[FirstLook, Unpacked | None]) -> FirstLook:
        look, unpacked = seen
        if unpacked is not None:
            self._opened.keep(_as_stored(brought), unpacked, len(brought.content))
        return look

    def _look_alone(self, brought: Brought) -> FirstLook:
        """Look at one arrival by itself: opening it, for a neighbour may have done the harm; then less closely.

        What kills a worker must not hide a marking that stands beside it.
        """
        with suppress(*DEATHS):
            (seen,) = self._looking_and_unpacking([brought]).result()
            return self._remembered(brought, seen)
        for scrutiny in Scrutiny:
            with suppress(*DEATHS):
                (look,) = self._looking([brought], scrutiny).result()
                return look
        if not brought.is_mail or brought.is_cut:
            return FirstLook()
        return self._look_alone(replace(brought, content=head_of(brought.content), is_cut=True))

    def _unpack_alone(self, brought: Brought, *, was_slow: bool) -> Unpacked:
        """Open one arrival by itself, with less and less effort; its workbooks then are read each by itself.

        `was_slow`: it was by itself before, and took too long. Then no file is given as much time again.
        """
        is_worth_all = brought.is_mail and not was_slow
        for effort in Effort if is_worth_all else LESS_EFFORT:
            try:
                (result,) = self._unpacking([brought], effort).result()
            except DEATHS:
                continue
            unread = result.enclosures.workbooks[len(result.forms) :]
            is_hopeless = was_slow and not brought.is_mail
            read = [TOO_COMPLEX if is_hopeless else self._read_alone(file.content) for file in unread]
            return replace(result, forms=(*result.forms, *read))
        return Unpacked(mail=ParsedMail(findings=(finding("mail_unreadable"),)))

    def _read_alone(self, content: bytes) -> ReadForm:
        try:
            (result,) = self._reading([content]).result()
        except DEATHS as death:
            return TOO_COMPLEX if _is_slowness(death) else ReadForm(findings=(finding("workbook_unreadable"),))
        return result

    def _looking_and_unpacking(self, turn: Sequence[Brought]) -> "Work[list[tuple[FirstLook, Unpacked | None]]]":
        work = partial(
            look_and_unpack, reader=self._mail_reader, screen=self._screen, limits=self._limits, guide_sheet=self._guide
        )
        return self._doing(work, turn)

    def _looking(self, turn: Sequence[Brought], scrutiny: Scrutiny) -> "Work[list[FirstLook]]":
        look = partial(look_at, reader=self._mail_reader, screen=self._screen, limits=self._limits, scrutiny=scrutiny)
        return self._doing(look, turn)

    def _unpacking(self, turn: Sequence[Brought], effort: Effort = Effort.ALL) -> "Work[list[Unpacked]]":
        work = partial(unpack, reader=self._mail_reader, limits=self._limits, effort=effort, guide_sheet=self._guide)
        return self._doing(work, turn)

    def _reading(self, turn: Sequence[bytes]) -> "Work[list[ReadForm]]":
        return self._doing(partial(read_workbook, limits=self._limits), turn)

    def _doing(self, work: Callable[[F], R], turn: Sequence[F]) -> "Work[list[R]]":
        """Hand a turn over, to be done one file after the other."""
        return self.in_a_worker(_do_to_each, (list(turn), work, self._limits), self._patience(map(_octets_of, turn)))

    def _patience(self, octets: Iterable[int]) -> float:
        """Return how long to wait for a turn, whose files each end by themselves when they have cost too much."""
        return TIMES_ON_A_BUSY_MACHINE * sum(_seconds_for(each, self._limits) for each in octets)

    def in_a_worker(self, work: Callable[..., R], args: tuple[object, ...], seconds: float) -> "Work[R]":
        """Hand work to a worker, for so long by the clock; workers that were all lost are replaced."""
        for _ in range(2):
            pool = self._workers()
            try:
                return self._given(pool, work, args, seconds)
            except RuntimeError:
                self._let_go(pool)
        return self._given(self._workers(), work, args, seconds)

    def _given(self, pool: ProcessPool, work: Callable[..., R], args: tuple[object, ...], seconds: float) -> "Work[R]":
        future = pool.schedule(work, args=args, timeout=seconds)
        return Work(future, pool, silence=self._seconds_of_silence, give_up=self._give_up)

    def _let_go(self, broken: ProcessPool) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = None
        broken.stop()  # type: ignore[no-untyped-call]  # pebble annotates all but these
        broken.join()

    def _give_up(self, deaf: ProcessPool) -> None:
        """Let go of a pool whose workers do nothing, and not wait for its threads: they may hang on the same pipe."""
        with self._lock:
            if self._pool is deaf:
                self._pool = None
        for worker in _workers_of(deaf):
            worker.kill()
        Thread(target=_end, args=(deaf,), name="ending the readers of workbooks", daemon=True).start()

    def _workers(self) -> ProcessPool:
        with self._lock:
            if self._pool is None:
                # A server process forks the workers: they start in milliseconds and inherit no thread, lock or
                # connection of ours, and the limit on memory counts only what they use themselves.
                context = processes.ReaderContext()
                context.set_forkserver_preload([WORKER_MODULE])
                self._pool = ProcessPool(
                    max_workers=self._limits.workers,
                    initializer=_start_worker,
                    initargs=(self._limits.worker_memory_bytes,),
                    context=context,
                )
            return self._pool


class _OpenedAtFirstLook:
    """What was opened before it was kept, until it is judged; past a limit the oldest is let go of, and opened again.

    Threads may share one.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self._lock = Lock()
        self._held: dict[Stored, tuple[Unpacked, int]] = {}
        self._n_octets = 0

    def keep(self, stored: Stored, unpacked: Unpacked, n_octets: int) -> None:
        """Hold what an arrival of so many octets holds."""
        with self._lock:
            self._let_go(stored)
            self._held[stored] = unpacked, n_octets
            self._n_octets += n_octets
            while self._n_octets > OCTETS_KEPT_OPEN:
                self._let_go(next(iter(self._held)))

    def take(self, stored: Stored) -> Unpacked | None:
        """Return what the arrival holds, if it is known, and let go of it."""
        with self._lock:
            return self._let_go(stored)

    def _let_go(self, stored: Stored) -> Unpacked | None:
        unpacked, n_octets = self._held.pop(stored, (None, 0))
        self._n_octets -= n_octets
        return unpacked


@dataclass(frozen=True, slots=True)
class Work(Generic[R]):
    """What was handed to a pool. A pool that breaks forgets what it had not begun: that is told, not waited for."""

    future: ProcessFuture[R]
    pool: ProcessPool
    silence: float
    """So many seconds in which no worker works are taken for the end of the pool."""
    give_up: Callable[[ProcessPool], None]

    def result(self) -> R:
        """Return what came of it.

        Raises:
            BrokenProcessPool: the pool has ended without it, or will never do it; and whatever the worker ended by,
                see `DEATHS`.
        """
        n_silent, worked = 0, _work_done(self.pool)
        while not self.future.done():
            has_ended = not self.pool.active
            wait([self.future], timeout=SECONDS_TO_TELL)
            before, worked = worked, _work_done(self.pool)
            n_silent = n_silent + 1 if worked and worked == before else 0
            is_deaf = n_silent * SECONDS_TO_TELL >= self.silence
            if (has_ended or is_deaf) and not self.future.done():
                self.give_up(self.pool)
                raise BrokenProcessPool
        return self.future.result()


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a workbook could not be marked; an exception of ours would not survive the way out of the worker."""

    reason: str


def _workers_of(pool: ProcessPool) -> list[BaseProcess]:
    """Return the processes of a pool, dead ones that it has not noticed included; pebble shows them nowhere else."""
    return list(pool._pool_manager.worker_manager.workers.values())  # noqa: SLF001 - see above


def _work_done(pool: ProcessPool) -> dict[int, int]:
    """Return by worker how long it has worked, in the system's ticks; empty until the first has started."""
    return {worker.pid: _ticks_of(worker.pid) for worker in _workers_of(pool) if worker.pid is not None}


def _ticks_of(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])  # in user mode, and in the system's


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble annotates all but these
    pool.join()


def _do_nothing() -> None:
    """Be the first task of a pool, for workers start with one."""


def _start_worker(n_bytes: int) -> None:
    """Limit the worker's memory, and keep the collector of cycles from all that the worker inherited.

    Only address space can be limited, which is larger than memory: what was mapped at the start comes on top.
    """
    mapped, in_memory = (
        int(pages) * resource.getpagesize() for pages in Path("/proc/self/statm").read_text().split()[:2]
    )
    most = mapped + max(0, n_bytes - in_memory)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION)


def _do_to_each(files: Sequence[F], work: Callable[[F], R], limits: LimitSettings) -> list[R]:
    """Do the work to one file after the other, each within its own time."""
    results = []
    for file in files:
        with _one_file(_octets_of(file), limits):
            results.append(work(file))
    return results


@contextmanager
def _one_file(n_octets: int, limits: LimitSettings) -> Iterator[None]:
    """Give one file its time, and say in plain words what it makes this worker raise.

    Raises:
        FileBrokeError: whatever was raised, but for want of memory.
    """
    try:
        with _ended_after(_seconds_for(n_octets, limits)):
            yield
    except MemoryError:
        raise
    except Exception as problem:  # noqa: BLE001 - a stranger's file may make any library raise anything
        raise FileBrokeError(repr(problem)) from None


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """Have the system end this worker when it has worked longer; waiting for a busy machine does not count."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _seconds_for(n_octets: int, limits: LimitSettings) -> float:
    return limits.worker_seconds + n_octets / OCTETS_A_SECOND


def _is_slowness(death: BaseException) -> bool:
    if isinstance(death, ProcessExpired):
        return death.exitcode in {-signal.SIGPROF, int(signal.SIGPROF)}
    return isinstance(death, TimeoutError | MemoryError)


def _mark(content: bytes, marking: Marking, limits: LimitSettings) -> bytes | _Failure:
    from tasks.adapters.workbooks.marking import draw_marks  # noqa: PLC0415 - openpyxl: most polls return nothing

    refusal = guard(content, limits)
    if refusal is not None:
        return _Failure(refusal.code)
    try:
        with _ended_after(_seconds_for(len(content), limits) * MARKING_TIMES_READING):
            return draw_marks(content, marking)
    except Exception as problem:  # noqa: BLE001 - openpyxl may raise anything over a stranger's workbook
        return _Failure(type(problem).__name__)


def _as_stored(brought: Brought) -> Stored:
    """Return an arrival as it will be known when it is kept."""
    digest = hashlib.sha256(brought.content).hexdigest()
    return Stored(digest=digest, is_mail=brought.is_mail, file_name=brought.file_name, is_cut=brought.is_cut)


def _octets_of(file: Brought | bytes) -> int:
    return len(file.content if isinstance(file, Brought) else file)


def _in_flight(
    turns: Iterable[list[Brought]], hand_over: "Callable[[list[Brought]], Work[R]]"
) -> "Iterator[tuple[list[Brought], Work[R]]]":
    """Hand turns over and yield them in order, each when those after it that may be in hand are handed over, too."""
    flying: deque[tuple[list[Brought], Work[R]]] = deque()
    n_octets = 0
    for turn in turns:
        flying.append((turn, hand_over(turn)))
        n_octets += sum(map(_octets_of, turn))
        while len(flying) > TURNS_IN_FLIGHT or (len(flying) > 1 and n_octets > OCTETS_IN_FLIGHT):
            n_octets -= sum(map(_octets_of, flying[0][0]))
            yield flying.popleft()
    yield from flying


def _turns(given: Iterable[F]) -> Iterator[list[F]]:
    """Share the files out: many small ones a turn, so that the way to the worker costs little; a large one alone."""
    return in_lots(given, _octets_of, most=FILES_A_TURN, most_octets=BYTES_A_TURN)
