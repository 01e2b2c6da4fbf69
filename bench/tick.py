"""A tick over many duties with nothing to send, beside a flow that maps one Prefect task per unit.

Both run on the same server and ask the same question of the same duties; the baseline is measured on a sample and
scaled. Time of ours is of the whole flow run, its runtime's opening included; of the baseline it is of the mapping
alone. Memory is the peak of what a tick allocates, for a tenth of the units and for all.
"""

import statistics
import sys
import time
import tracemalloc
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.synthetic import CYCLE, OPENING, a_home, a_prefect_server, open_cycle
from models.domain.vocabulary import OFFICE_ZONE

if TYPE_CHECKING:
    from tasks.runtime import Runtime

N_UNITS = 10_000
N_TICKS = 5
SAMPLE = 300
TIMES_FASTER = 50
MOST_GROWTH_MB = 1
"""What ten times the units may need more: caches that fill, never the units."""
MEBIBYTE = 2**20
QUIET_DAY = datetime(2025, 5, 20, 9, tzinfo=OFFICE_ZONE)


def tick(cycle_code: str, as_of: datetime) -> dict[str, int]:
    """Decide in chunks who is written to: what the report's round does."""
    from tasks.chase import queue_due_reminders  # noqa: PLC0415 - Prefect reads its settings once
    from tasks.runtime import open_runtime  # noqa: PLC0415
    from tasks.settings import Settings  # noqa: PLC0415

    with open_runtime(Settings.load()) as runtime:
        return queue_due_reminders(runtime, cycle_code, as_of)


def map_over_units(runtime: "Runtime", n_sample: int) -> float:
    """Run the baseline, and return the seconds that its mapping took."""
    from prefect import flow, task, unmapped  # noqa: PLC0415
    from prefect.cache_policies import NO_CACHE  # noqa: PLC0415

    from models.db.records import cycles, letters  # noqa: PLC0415
    from models.domain.chasing import LadderDays, decide  # noqa: PLC0415

    @task(cache_policy=NO_CACHE)
    def decide_one(runtime: "Runtime", record: cycles.DutyRecord, days: LadderDays) -> str:
        with runtime.sessions() as session:
            sent = letters.decided_rungs(session, [record.duty.id])
        decision = decide(
            record.duty,
            days=days,
            already_sent=sent.get(record.duty.id, frozenset()),
            contacts=[f"{record.duty.unit_code}@example.invalid"],
            as_of=QUIET_DAY,
        )
        return type(decision).__name__

    @flow(name="one-task-per-unit")
    def one_task_per_unit() -> float:
        with runtime.sessions() as session:
            cycle = cycles.cycle(session, CYCLE)
            records = next(cycles.duties_in_chunks(session, CYCLE, size=n_sample))
        days = LadderDays(cycle.terms.ladder, runtime.programme_of(cycle).calendar)
        started = time.perf_counter()
        answers = decide_one.map(unmapped(runtime), records, unmapped(days)).result()
        assert answers == ["Skip"] * len(records)
        return time.perf_counter() - started

    return one_task_per_unit()


def peak_of_tick(n: int) -> float:
    """Return the most megabytes that deciding over that many units allocates."""
    from tasks.chase import queue_due_reminders  # noqa: PLC0415
    from tasks.runtime import open_runtime  # noqa: PLC0415
    from tasks.settings import Settings  # noqa: PLC0415

    with a_home(), open_runtime(Settings.load()) as runtime:
        open_cycle(runtime, n)
        queue_due_reminders.fn(runtime, CYCLE, OPENING)
        queue_due_reminders.fn(runtime, CYCLE, QUIET_DAY)
        tracemalloc.start()
        queue_due_reminders.fn(runtime, CYCLE, QUIET_DAY)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak / MEBIBYTE


def times(home: Path, n: int) -> tuple[float, float]:
    """Return the seconds of our tick (the median of several) and of the baseline, scaled to as many units."""
    with a_prefect_server(home):
        from prefect import flow  # noqa: PLC0415

        from tasks.chase import queue_due_reminders  # noqa: PLC0415
        from tasks.runtime import open_runtime  # noqa: PLC0415
        from tasks.settings import Settings  # noqa: PLC0415

        decide_in_chunks = flow(name="tick")(tick)
        with open_runtime(Settings.load()) as runtime:
            open_cycle(runtime, n)
            assert sum(queue_due_reminders.fn(runtime, CYCLE, OPENING).values()) == n
            sample = min(SAMPLE, n)
            map_over_units(runtime, min(20, n))  # the first run of a process loads what the others find loaded
            baseline = map_over_units(runtime, sample) / sample * n
        decide_in_chunks(CYCLE, QUIET_DAY)
        ours = []
        for _ in range(N_TICKS):
            started = time.perf_counter()
            assert decide_in_chunks(CYCLE, QUIET_DAY) == {"skip.already_sent": n}
            ours.append(time.perf_counter() - started)
    return statistics.median(ours), baseline


def main(n: int = N_UNITS) -> int:
    with a_home() as home:
        ours, baseline = times(home, n)
    ratio = baseline / ours
    print(
        f"tick over {n:,} duties with nothing to send: ours {ours:.2f} s baseline {baseline:.0f} s ratio {ratio:.0f} "
        f"(baseline scaled from {min(SAMPLE, n)} units)",
        flush=True,
    )
    few = max(500, n // 10)
    small, large = peak_of_tick(few), peak_of_tick(n)
    print(f"memory of a tick: ours {large:.1f} MB for {n:,} duties baseline {small:.1f} MB for {few:,} (the same tick)")
    return int(ratio < TIMES_FASTER or large - small > MOST_GROWTH_MB)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
