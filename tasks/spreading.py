"""Shares heavy steps out over the processors of a cluster, in pieces, through Prefect's own task runners.

A piece is a few hundred arrivals or units. Whoever does it opens a runtime of its own on the settings of its machine,
reads from the store of files and the database, and hands back little; what comes of it is written by the run alone.
Which runner it is, is a setting; by default a run does everything itself, and its guarded workers read the files.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.util import Finalize
from threading import Lock
from typing import Any, Final

from prefect import Task
from prefect.futures import PrefectFuture
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner

from models.db.engine import head_revision
from models.domain.errors import SpreadingRefusedError
from models.domain.plan import Programme
from tasks.release import plans_here, release_here
from tasks.runners import PACKAGES, kind_of, require_installed
from tasks.runtime import Runtime, open_runtime
from tasks.settings import MEBIBYTE, Settings

logger = logging.getLogger(__name__)
SECONDS_TO_CONNECT: Final = 10
"""Also how long a client waits for a scheduler that has gone to come back."""
SECONDS_FOR_A_PIECE: Final = 600
"""Waiting behind others included; who is slower has died with whoever would have told of it."""
FIRST_OF_ALL: Final = 100
PIECES_UNDER_WAY: Final = 16
"""So many are handed over before the first is waited for: orders and answers are in memory meanwhile."""
OCTETS_UNDER_WAY: Final = 32 * MEBIBYTE
"""Where orders carry files; a larger one travels alone."""


def _few(_order: Any) -> int:
    """Say that an order carries no files."""
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a piece has to be done with, so that no machine of another release or plan does it."""

    release: str
    schema: str | None
    plans: tuple[tuple[str, str], ...]


class Cluster:
    """Has pieces done by a runner, which is started for the first of them; satisfies `ports.Spread`."""

    def __init__(self, name: str, place: Place) -> None:
        """Keep what it is given, and the flow run from whose page the pieces are to be seen."""
        self._name = name
        self._place = place
        self._stack = ExitStack()
        self._runner: TaskRunner[Any] | None = None
        self._lock = Lock()
        # That of the flow run alone: a task's own holds its arguments, and a runtime does not travel.
        self._context = copy_context()

    def each(
        self, work: Task[Any, Any], orders: Iterable[Mapping[str, Any]], *, octets: Callable[[Any], int] = _few
    ) -> Iterator[Any]:
        """Yield what comes of each order, in their order; several are under way at once, as many as memory allows.

        `work` is a task whose first parameter, `place`, is given here. It must be safe to run again: a piece whose
        machine dies is done by another. `octets` says how many bytes an order carries. Threads may share a cluster.

        Raises:
            SpreadingRefusedError: nobody is there, or they are gone; what was yielded counts, the rest was not done.
            DondocError: whatever a piece itself could not do.
        """
        waiting: deque[tuple[PrefectFuture[Any], int]] = deque()
        n_octets = 0
        for order in orders:
            weight = octets(order)
            while waiting and (len(waiting) == PIECES_UNDER_WAY or n_octets + weight > OCTETS_UNDER_WAY):
                future, lighter = waiting.popleft()
                n_octets -= lighter
                yield self._result(future)
            waiting.append((self._handed_over(work, order), weight))
            n_octets += weight
        for future, _ in waiting:
            yield self._result(future)

    def _handed_over(self, work: Task[Any, Any], order: Mapping[str, Any]) -> PrefectFuture[Any]:
        runner, parameters = self._started(), {"place": self._place, **order}
        try:
            future: PrefectFuture[Any] = self._context.copy().run(runner.submit, work, parameters)
        except Exception as problem:  # each kind of cluster has errors of its own
            raise self._lost(problem) from problem
        return future

    def _result(self, future: PrefectFuture[Any]) -> Any:
        try:
            future.wait(timeout=SECONDS_FOR_A_PIECE)
            state = future.state
        except Exception as problem:  # as above
            raise self._lost(problem) from problem
        if not state.is_final():
            raise self._lost(TimeoutError())
        if state.is_crashed():  # some runners tell so that whoever did it has died
            raise self._lost(ConnectionError(state.message or ""))
        return future.result()

    def _started(self) -> TaskRunner[Any]:
        with self._lock:
            if self._runner is None:
                self._runner = self._start()
            return self._runner

    def _start(self) -> TaskRunner[Any]:
        try:
            runner = self._stack.enter_context(_runner(self._name))
            _require_workers(runner)
        except OSError as problem:
            said = " ".join(str(problem).split())
            raise SpreadingRefusedError("silent", runner=self._name, detail=said) from problem
        return runner

    def _lost(self, problem: BaseException) -> SpreadingRefusedError:
        said = " ".join(f"{type(problem).__name__} {problem}".split())
        return SpreadingRefusedError("lost", runner=self._name, detail=said)

    def close(self) -> None:
        """Let go of the runner."""
        self._stack.close()


@contextmanager
def spread_out(runtime: Runtime) -> Iterator[Runtime]:
    """Yield a Runtime whose heavy steps are shared out as the settings say; by default the same one.

    It belongs into a flow, above its tasks. Nobody is asked for before there is a piece to do.

    Raises:
        SpreadingRefusedError: what the runner takes is not installed.
    """
    name = runtime.settings.task_runner
    if name == "threads":
        yield runtime
        return
    require_installed(name)
    cluster = Cluster(name, place_with(runtime.programmes))
    try:
        yield runtime.with_spread(cluster)
    finally:
        cluster.close()


def place_with(programmes: Mapping[str, Programme]) -> Place:
    """Return what this process would have a piece done with."""
    plans = tuple(sorted(plans_here(programmes).items()))
    return Place(release=release_here(), schema=head_revision(), plans=plans)


def _runner(name: str) -> TaskRunner[Any]:
    """Return the runner of that name, not started."""
    if name == "processes":
        return ProcessPoolTaskRunner()
    kind = kind_of(name)
    module = import_module(PACKAGES[kind])  # installed only where a cluster is
    runner: TaskRunner[Any]
    if kind == "dask":
        address = name.replace("dask://", "tcp://")
        runner = module.DaskTaskRunner(address=address, client_kwargs={"timeout": SECONDS_TO_CONNECT})
    else:
        runner = module.RayTaskRunner(address=name, init_kwargs={"log_to_driver": False})
    return runner


def _require_workers(runner: TaskRunner[Any]) -> None:
    """Require that somebody is there who would do a piece; a scheduler without workers lets everybody wait.

    Raises:
        OSError: nobody answers, or nobody is there.
    """
    client = getattr(runner, "client", None)
    if client is not None and hasattr(client, "scheduler_info") and not client.scheduler_info(n_workers=1)["workers"]:
        raise ConnectionError("0 workers")


class _Kept:
    """The runtime of a process that does pieces; it is opened with the first and let go of with the process.

    Opening one takes longer than many a piece. It is the only state of a process that serves whatever run comes.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._stack: ExitStack | None = None
        self._runtime: Runtime | None = None
        self._key: tuple[Settings, Place] | None = None
        # A pool's process runs no `atexit`, and waits at its end for the workers that the runtime has started.
        Finalize(None, self.close, exitpriority=FIRST_OF_ALL)

    def runtime_for(self, place: Place) -> Runtime:
        """Return the open runtime of this process.

        Raises:
            SpreadingRefusedError: this machine has another release or other plans than the run.
        """
        settings = Settings.load()
        with self._lock:
            if self._runtime is None or self._key != (settings, place):
                self.close()
                stack = ExitStack()
                runtime = stack.enter_context(open_runtime(settings))
                self._stack, self._runtime = stack, runtime
                self._require(runtime, place)
                self._key = (settings, place)
            return self._runtime

    def _require(self, runtime: Runtime, place: Place) -> None:
        ours = place_with(runtime.programmes)
        if ours != place:
            self.close()
            raise SpreadingRefusedError("other", ours=ours.release, theirs=place.release)

    def close(self) -> None:
        """Let go of the runtime."""
        stack, self._stack, self._runtime, self._key = self._stack, None, None, None
        if stack is not None:
            stack.close()


_kept: Final = _Kept()


def runtime_here(place: Place) -> Runtime:
    """Return the runtime with which this process does a piece; see `_Kept`."""
    return _kept.runtime_for(place)
