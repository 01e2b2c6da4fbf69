"""Tries every fault and prints the table of the README: `python -m tests.chaos [--every 2]`; the minutes are said."""

import argparse
import logging
import sys
import time

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.crash import Outcome, in_a_process_of_its_own
from tests.chaos.machine import Homes, OfficeDays

HEAD = "| fault | times tried | lost | doubled | told to the operator |\n|---|---:|---:|---:|---:|"


def random_days(examples: int) -> list[Outcome]:
    """Try so many random courses of an office, and return whether what must hold has held."""
    logging.disable(logging.ERROR)
    OfficeDays.homes = Homes()
    chosen = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    outcome = Outcome(stage="random days, acts and outages", tried=examples)
    try:
        run_state_machine_as_test(OfficeDays, settings=chosen)
    except AssertionError as broken:
        outcome.wrong.append(str(broken)[-3000:])
        outcome.lost = 1
    finally:
        OfficeDays.homes.close()
    return [outcome]


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument(
        "--every", type=int, default=2, help="try every n-th boundary at which the program may be killed"
    )
    parser.add_argument("--days", type=int, default=80, help="how many random courses of an office to try")
    parser.add_argument("--times", type=int, default=5, help="how often two of each run at once, in each database")
    given = parser.parse_args()
    parts = (
        ("two at once", lambda: in_a_process_of_its_own("two_at_once", times=given.times)),
        ("faulty neighbours", lambda: in_a_process_of_its_own("neighbours")),
        ("missed days", lambda: in_a_process_of_its_own("missed_days")),
        ("random days", lambda: random_days(given.days)),
        ("crash points", lambda: named(in_a_process_of_its_own("crash_points", every=given.every))),
    )
    outcomes: list[Outcome] = []
    for name, tried in parts:
        began = time.perf_counter()
        outcomes += tried()
        print(f"{name}: {(time.perf_counter() - began) / 60:.1f} minutes", file=sys.stderr, flush=True)
    print(HEAD)
    for each in outcomes:
        print(f"| {each.stage} | {each.tried} | {each.lost} | {each.doubled} | {each.told} |")
    wrong = [line for each in outcomes for line in each.wrong]
    print(*wrong, sep="\n", file=sys.stderr)
    return int(bool(wrong) or any(each.lost or each.doubled for each in outcomes))


def named(outcomes: list[Outcome]) -> list[Outcome]:
    for each in outcomes:
        each.stage = f"killed (SIGKILL) in the middle: {each.stage}"
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
