"""Tries every fault and prints the table of the README in Markdown: `python -m tests.chaos [--every 3]`.

The minutes of each part, and how often each kind of crash point and of step was tried, are said beside it (stderr). Two
parts run at once, each in processes of its own: most of their time they wait.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.chaos.crash import Outcome, in_a_process_of_its_own

HEAD = "| fault | times tried | lost | doubled | told to the operator |\n|---|---:|---:|---:|---:|"
CRASHES = "crash_points"
PARTS_AT_ONCE = 2


@dataclass(frozen=True)
class Part:
    """A function of `crash_run`, and what it is asked for."""

    name: str
    asked: Mapping[str, int]

    def try_it(self) -> list[Outcome] | None:
        """Return what came of it; None when it broke off, which is said, and costs no other part what it has found."""
        began = time.perf_counter()
        try:
            outcomes = in_a_process_of_its_own(self.name, **self.asked)
        except AssertionError as broken:
            say(f"{self.name}: {broken}")
            return None
        say(f"{self.name}: {(time.perf_counter() - began) / 60:.1f} minutes")
        return outcomes


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def kinds_of(outcomes: Iterable[Outcome]) -> Counter[str]:
    return sum((Counter(each.kinds) for each in outcomes), Counter())


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument(
        "--every", type=int, default=3, help="try every n-th boundary of each kind at which the program may be killed"
    )
    parser.add_argument("--days", type=int, default=30, help="how many random courses of an office to try")
    parser.add_argument("--times", type=int, default=5, help="how often two of each run at once, in each database")
    parser.add_argument("--only", nargs="*", default=[], help="only these parts, by name")
    given = parser.parse_args()
    longest_first = (
        Part(CRASHES, {"every": given.every}),
        Part("random_days", {"examples": given.days}),
        Part("faulty_databases", {}),
        Part("engine_restarted", {}),
        Part("two_at_once", {"times": given.times}),
        Part("neighbours", {}),
        Part("missed_days", {}),
    )
    parts = [part for part in longest_first if not given.only or part.name in given.only]
    began = time.perf_counter()
    with ThreadPoolExecutor(PARTS_AT_ONCE) as lanes:
        tried_out = dict(zip((part.name for part in parts), lanes.map(Part.try_it, parts), strict=True))
    found = {name: outcomes for name, outcomes in tried_out.items() if outcomes is not None}
    say(f"all: {(time.perf_counter() - began) / 60:.1f} minutes")
    outcomes = [each for several in found.values() for each in several]
    print(HEAD)
    for each in outcomes:
        print(f"| {each.stage} | {each.tried} | {each.lost} | {each.doubled} | {each.told or '–'} |")
    crashes = found.get(CRASHES, [])
    crossed, tried = sum((Counter(each.labels) for each in crashes), Counter()), kinds_of(crashes)
    say(f"crash points: {tried.total()} of {crossed.total()}; not reached: {sum(e.n_not_reached for e in outcomes)}")
    for kind, n in sorted(crossed.items()):
        say(f"  {kind}: {tried[kind]} of {n}")
    say(f"random steps: {dict(kinds_of(found.get('random_days', [])))}")
    wrong = [line for each in outcomes for line in each.wrong]
    wrong += [f"no crash point of this kind was tried: {kind}" for kind in sorted(set(crossed) - set(tried))]
    wrong += [f"broke off: {name}" for name in tried_out if name not in found]
    say("\n".join(wrong))
    return int(bool(wrong) or any(each.lost or each.doubled for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
