"""What an office costs as it grows from 1,000 to 100,000 units, and what the program gains over the obvious way.

`python -m bench.scale [--scale 0.1] [NAME …]` runs each measurement in a process of its own, so that its peak memory is
its own, keeps the figures in `bench/figures.json`, draws `bench/scale.svg`, and writes the table into `bench/README.md`
and the repository's README. Ratios compare what ran in the same minutes. What one process does alone is
measured by the seconds that the processor worked for it, what waits for others by the clock.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.papers import write_between  # noqa: E402 - found first
from bench.synthetic import CYCLE, OPENING, a_home, a_prefect_server, load_roster, open_cycle, open_for_all  # noqa: E402 - found first

if TYPE_CHECKING:
    from tasks.ports import Brought, FormReader

FIGURES = ROOT / "bench" / "figures.json"
CHART = ROOT / "bench" / "scale.svg"
BEGIN, END = "<!-- scale table: begin -->", "<!-- scale table: end -->"
SIZES = (1_000, 10_000, 100_000)
QUIET_DAY = OPENING.replace(day=20, hour=9)
REMINDING = tuple(datetime(2025, 6, day, 8, tzinfo=OPENING.tzinfo) for day in (5, 12, 19))
"""Days on which a rung comes that is said to everybody who owes an answer, and nobody has given one."""
SAMPLE = 200
N_TICKS = 5
IDLE_SHARE, IDLE_SECONDS = 0.05, 3
MEGABYTE = 1024
STEPS = ("open", "stamp", "queue", "tick")
GOALS = (
    (
        "against_tasks",
        "ratio",
        "tick over {n} duties, nothing to send, against a task a unit: client",
        "×",
        True,
        60,
    ),
    ("against_tasks", "ratio_idle", "the same, client and server until the server rests", "×", True, 200),
    ("against_tasks", "ratio_queue", "decide and queue one rung for {n}, against a task a unit", "×", True, 50),
    ("letters_to_far", "ratio", "{n} letters to a sink of 20 ms a reply, against a connection each", "×", True, 12),
    ("aggregate_of", "times", "aggregate of {n} units, against a bare write_only workbook", "×", False, 1.3),
    ("intake_with", "ratio", "intake of {n} forms, one worker → two", "×", True, 1.7),
    (
        "intake_with",
        "ratio_opening",
        "only to open {n} forms, which workers do: one worker → two",
        "×",
        True,
        1.7,
    ),
    ("tick_of", "peak_mb", "peak memory of a tick over {n}", " MB", False, 200),
)
"""Measurement, figure, what it is of, unit, whether it is to be at least the goal, the goal."""
Figures = dict[str, Any]


def seconds_of(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def worked_in(work: Callable[[], Any]) -> float:
    """Return the seconds of the processor that this process works: what else the machine does adds nothing to them."""
    started = time.process_time()
    work()
    return time.process_time() - started


def say(line: str) -> None:
    """Show how far a measurement has come; only its figures go to standard output, which another process reads."""
    print(f"   {line}", file=sys.stderr, flush=True)


def peak_megabytes() -> float:
    """Return the most memory that this process has had; `ru_maxrss` would begin with what its parent had."""
    status = Path("/proc/self/status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / MEGABYTE


def round_of(n: int) -> Figures:
    """Open a cycle of that many units, stamp, queue the opening, tick on a quiet day: milliseconds a unit of each."""
    from tasks.chase import queue_due_reminders  # noqa: PLC0415 - Prefect reads its settings once
    from tasks.open_cycles import stamp_missing_forms  # noqa: PLC0415
    from tasks.runtime import open_runtime  # noqa: PLC0415
    from tasks.settings import Settings  # noqa: PLC0415

    seconds = {}
    with a_home(), open_runtime(Settings.load()) as runtime:
        load_roster(runtime, n)
        for step, work in (
            ("open", lambda: open_for_all(runtime)),
            ("stamp", lambda: stamp_missing_forms.fn(runtime, [CYCLE], OPENING)),
            ("queue", lambda: queue_due_reminders.fn(runtime, CYCLE, OPENING)),
            ("first tick", lambda: queue_due_reminders.fn(runtime, CYCLE, QUIET_DAY)),
            ("tick", lambda: queue_due_reminders.fn(runtime, CYCLE, QUIET_DAY)),
        ):
            seconds[step] = worked_in(work)
            say(f"{step} of {n:,}: {seconds[step]:.2f} s of the processor")
    return {step: seconds[step] / n * 1_000 for step in STEPS} | {"peak_mb": peak_megabytes()}


def tick_of(n: int) -> Figures:
    """Tick in a process that has opened nothing itself: its peak is that of a round on a quiet day."""
    from tasks.chase import queue_due_reminders  # noqa: PLC0415
    from tasks.runtime import open_runtime  # noqa: PLC0415
    from tasks.settings import Settings  # noqa: PLC0415

    if os.environ.get("BENCH_HOME"):
        os.environ["DONDOC_HOME"] = os.environ["BENCH_HOME"]
        with open_runtime(Settings.load()) as runtime:
            queue_due_reminders.fn(runtime, CYCLE, QUIET_DAY)
        return {"peak_mb": peak_megabytes()}
    with a_home() as home, open_runtime(Settings.load()) as runtime:
        open_cycle(runtime, n)
        queue_due_reminders.fn(runtime, CYCLE, OPENING)
        return in_own_process("tick_of", n, BENCH_HOME=str(home))


def against_tasks(n: int) -> Figures:
    """Tick, and queue one rung, over that many duties in one flow run, against a Prefect task per unit (a sample)."""
    with a_home() as home, a_prefect_server(home):
        from prefect import flow  # noqa: PLC0415

        from bench.tick import map_over_units, tick  # noqa: PLC0415
        from tasks.chase import queue_due_reminders  # noqa: PLC0415
        from tasks.runtime import open_runtime  # noqa: PLC0415
        from tasks.settings import Settings  # noqa: PLC0415

        chunked = flow(name="tick")(tick)
        with open_runtime(Settings.load()) as runtime:
            open_cycle(runtime, n)
            queue_due_reminders.fn(runtime, CYCLE, OPENING)
            map_over_units(runtime, min(20, n))  # the first run of a process loads what the others find loaded
            sample = min(SAMPLE, n)
            idle()
            client, until_idle = with_the_server(lambda: map_over_units(runtime, sample))
            baseline, baseline_idle = client / sample * n, until_idle / sample * n
        chunked(CYCLE, QUIET_DAY)
        idle()
        _, ours_idle = with_the_server(lambda: chunked(CYCLE, QUIET_DAY))
        # One of them may fall into a moment at which the machine does something else; the baseline takes many moments.
        ours = statistics.median(seconds_of(lambda: chunked(CYCLE, QUIET_DAY)) for _ in range(N_TICKS))
        idle()
        queue = statistics.median(seconds_of(lambda day=day: said_to_all(chunked(CYCLE, day), n)) for day in REMINDING)
    return {
        "tick": ours,
        "tick_idle": ours_idle,
        "queue": queue,
        "baseline": baseline,
        "baseline_idle": baseline_idle,
        "ratio": baseline / ours,
        "ratio_idle": baseline_idle / ours_idle,
        "ratio_queue": baseline / queue,
        "sample": sample,
    }


def said_to_all(answers: dict[str, int], n: int) -> None:
    """Require that one rung was queued for so many duties, and nothing else was decided."""
    assert len(answers) == 1, answers
    assert all(answer.startswith("send.") and queued == n for answer, queued in answers.items()), answers


def with_the_server(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds that the client waited, and those that client and server worked until the server rested.

    The second are the processor's, not the clock's: a machine that does other things would lengthen those.
    """
    before = busy_seconds()
    started = time.perf_counter()
    work()
    client = time.perf_counter() - started
    idle()
    return client, busy_seconds() - before


def busy_seconds() -> float:
    """Return the seconds of the processor that this process and the server below it have used."""
    import psutil  # noqa: PLC0415 - comes with Dask

    own = psutil.Process()
    total = sum(own.cpu_times()[:2])
    for child in own.children(recursive=True):
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def idle() -> None:
    """Wait until the server has hardly worked for some seconds."""
    for _ in range(200):
        before = busy_seconds()
        time.sleep(IDLE_SECONDS)  # noqa: TID251 - the server says nowhere that it has come to rest
        if busy_seconds() - before < IDLE_SHARE * IDLE_SECONDS:
            return


def aggregate_of(n: int) -> Figures:
    """Compile that many units, against writing the same cells with openpyxl's write_only workbook, bare of formats."""
    from openpyxl import Workbook  # noqa: PLC0415
    from python_calamine import CalamineWorkbook  # noqa: PLC0415

    from tasks.adapters.aggregates import write_aggregate  # noqa: PLC0415
    from tasks.adapters.programme import load_programme  # noqa: PLC0415
    from tasks.adapters.texts import Texts  # noqa: PLC0415
    from tests.adapters.compilations import a_compilation  # noqa: PLC0415

    programme = load_programme(ROOT / "deployments" / "de_an_835")
    with TemporaryFile() as made, TemporaryFile() as bare:
        took = worked_in(lambda: write_aggregate(made, a_compilation(n, programme, questions=()), Texts.load()))
        peak = peak_megabytes()
        made.seek(0)
        read = CalamineWorkbook.from_filelike(made)
        sheets = {name: read.get_sheet_by_name(name).to_python() for name in read.sheet_names}

        def write_bare() -> None:
            workbook = Workbook(write_only=True)
            for name, lines in sheets.items():
                sheet = workbook.create_sheet(name)
                for line in lines:
                    sheet.append(line)
            workbook.save(bare)

        baseline = worked_in(write_bare)
    cells = sum(len(line) for lines in sheets.values() for line in lines)
    return {"ours": took, "baseline": baseline, "times": took / baseline, "peak_mb": peak, "cells": cells}


def letters_to_far(n: int) -> Figures:
    """Send letters with a workbook to a sink that takes 20 ms a reply, against a connection for each (a sample)."""
    import asyncio  # noqa: PLC0415

    from bench.letters import Writer, send_one_by_one, sink  # noqa: PLC0415
    from tasks.adapters.smtp import SmtpTransport  # noqa: PLC0415
    from tasks.settings import SmtpSettings  # noqa: PLC0415

    writer = Writer()
    with sink(delay=0.02) as port:
        from bench.letters import CLOCK, OURS  # noqa: PLC0415

        settings = SmtpSettings(host="127.0.0.1", port=port, connections=16)
        transport = SmtpTransport(settings, sender=OURS, sender_name="Tổ thư ký", clock=CLOCK)

        def ours() -> None:
            for first in range(0, n, 200):
                letters = [writer.write(number) for number in range(first, min(first + 200, n))]
                assert all(delivery.is_sent for delivery in transport.deliver(letters))

        sample = min(60, n)
        took = seconds_of(ours)
        baseline = seconds_of(lambda: asyncio.run(send_one_by_one(writer, port, range(sample)))) / sample * n
        transport.close()
    return {"ours": took, "baseline": baseline, "ratio": baseline / took, "connections": 16}


def intake_with(n: int) -> Figures:
    """Take in filled forms with one worker that opens them, then with two, and say how much faster two are.

    Opening them is measured by itself, too: of all of it the run itself has nearly a processor's worth to do, and
    where there are two processors the second worker has only what is left of them.
    """
    from bench.intake import ARRIVED_AT, lay_out  # noqa: PLC0415
    from tasks.ports import Brought  # noqa: PLC0415
    from tasks.runtime import open_runtime  # noqa: PLC0415
    from tasks.settings import Settings  # noqa: PLC0415
    from tasks.take_and_judge import take_and_judge  # noqa: PLC0415

    os.environ |= {"DONDOC_ARRIVALS_PER_POLL": str(n), "DONDOC_UNITS_PER_CHUNK": str(n)}
    os.environ["DONDOC_VIRTUAL_NOW"] = ARRIVED_AT.isoformat()
    took, opened = {}, {}
    for workers in (1, 2):
        os.environ["DONDOC_LIMIT_WORKERS"] = str(workers)
        with a_home() as home, open_runtime(Settings.load()) as runtime:
            open_cycle(runtime, n)
            lay_out(home, runtime, n)
            files = sorted((home / "drop").rglob("*.zip"))
            brought = [Brought(content=path.read_bytes(), is_mail=False, file_name=path.name) for path in files]

            def take_in() -> None:
                assert take_and_judge.fn(runtime, ARRIVED_AT)["accepted"] == n

            opening = partial(all_looked_at, runtime.reader, brought)
            opening()  # the workers start with the first, and load what they need
            opened[workers] = seconds_of(opening)
            took[workers] = seconds_of(take_in)
    return {
        "one": took[1],
        "two": took[2],
        "ratio": took[1] / took[2],
        "opening_one": opened[1],
        "opening_two": opened[2],
        "ratio_opening": opened[1] / opened[2],
    }


def all_looked_at(reader: "FormReader", brought: Sequence["Brought"]) -> None:
    """Have arrivals opened, and require that each was."""
    assert sum(1 for _ in reader.look(brought)) == len(brought)


MEASUREMENTS: dict[str, tuple[Callable[[int], Figures], tuple[int, ...]]] = {
    "round_of": (round_of, SIZES),
    "tick_of": (tick_of, SIZES[-1:]),
    "against_tasks": (against_tasks, (10_000,)),
    "aggregate_of": (aggregate_of, (10_000,)),
    "letters_to_far": (letters_to_far, (5_000,)),
    "intake_with": (intake_with, (1_000,)),
}


def in_own_process(name: str, n: int, **environment: str) -> Figures:
    """Return what a measurement gives in a process of its own."""
    command = [sys.executable, "-m", "bench.scale", "--one", name, str(n)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def table(kept: Figures) -> Iterator[str]:
    """Yield the lines of the table: what, figure, goal, and whether it was met."""
    yield "| what | figure | goal | |"
    yield "|---|---|---|---|"
    for what, figure, goal, is_met in rows(kept):
        yield f"| {what} | {figure} | {goal} | {'met' if is_met else '**missed**'} |"


def rows(kept: Figures) -> Iterator[tuple[str, str, str, bool]]:
    """Yield of each figure what it is of, the figure, its goal, and whether it was met."""
    for name, key, what, unit, is_least, goal in GOALS:
        for size, figures in sorted(kept.get(name, {}).items()):
            figure = figures.get(key)
            if figure is None:
                continue  # kept by a run that did not measure it yet
            shown = f"{figure:.{0 if figure >= 30 else 2}f}{unit}"
            is_met = figure >= goal if is_least else figure <= goal
            yield what.format(n=f"{int(size):,}"), shown, f"{'≥' if is_least else '≤'} {goal}{unit}", is_met
    yield from growth(kept)


def growth(kept: Figures) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what a unit costs as their number grows; growing cheaper is no fault."""
    by_size = {int(size): figures for size, figures in kept.get("round_of", {}).items()}
    sizes = sorted(by_size)
    if len(sizes) < 2:
        return
    for step in STEPS:
        costs = [by_size[size][step] for size in sizes]
        shown, sized = " → ".join(f"{cost:.3f}" for cost in costs), " → ".join(f"{size:,}" for size in sizes)
        yield f"ms a unit to {step}, {sized} units", shown, "+ 20 %", max(costs) <= costs[0] * 1.2
    peak = by_size[sizes[-1]]["peak_mb"]
    yield f"peak memory of a round that opens {sizes[-1]:,} units", f"{peak:.0f} MB", "≤ 600 MB", peak <= 600


def draw(kept: Figures) -> None:
    """Draw what a unit costs in each step, by the number of units."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    by_size = {int(size): f for size, f in kept.get("round_of", {}).items()}
    sizes = sorted(by_size)
    if len(sizes) < 2:
        return
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    for step in STEPS:
        axes.plot(sizes, [by_size[size][step] for size in sizes], marker="o", label=step)
    axes.set(xscale="log", yscale="log", xlabel="units", ylabel="ms a unit")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(CHART, format="svg", metadata={"Date": None})


def write_down(kept: Figures) -> None:
    """Keep the figures, draw the chart, and write the table between its marks."""
    FIGURES.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    draw(kept)
    write_between(BEGIN, END, table(kept))


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="leave larger offices out, which take minutes")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "N"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    options = parser.parse_args()
    if options.one:
        name, n = options.one
        print(json.dumps(MEASUREMENTS[name][0](int(n))))
        return 0
    is_whole = options.scale == 1
    kept: Figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() and is_whole else {}
    for name in options.names or MEASUREMENTS:
        _, sizes = MEASUREMENTS[name]
        kept[name] = {}
        for size in [size for size in sizes if size <= options.largest] or [options.largest]:
            n = max(100, round(size * options.scale))
            started = time.perf_counter()
            kept[name][str(n)] = in_own_process(name, n)
            print(f"{name} {n:,}: {time.perf_counter() - started:.0f} s {kept[name][str(n)]}", flush=True)
            if is_whole:
                write_down(kept)
    print("\n".join(table(kept)))
    return int(not all(is_met for *_, is_met in rows(kept)))


if __name__ == "__main__":
    sys.exit(main())
