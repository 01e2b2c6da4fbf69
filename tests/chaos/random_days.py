"""Many random courses of an office, and whether each kind of step really came about in them."""

import logging

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.crash import Outcome
from tests.chaos.machine import Homes, OfficeDays

STEPS_A_COURSE = 40


def courses(examples: int) -> settings:
    """Return how many courses are tried, the same ones each time, and how long they are."""
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS_A_COURSE,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )


def random_days(*, examples: int) -> list[Outcome]:
    """Try so many random courses, and return whether what must hold has held after each step of them."""
    logging.disable(logging.ERROR)
    OfficeDays.homes = Homes()
    outcome = Outcome(stage=f"random days, acts, outages and clocks, each of {STEPS_A_COURSE} steps", tried=examples)
    try:
        run_state_machine_as_test(OfficeDays, settings=courses(examples))
    except AssertionError as broken:
        outcome.wrong.append(str(broken)[-3000:])
        outcome.lost = 1
    finally:
        OfficeDays.homes.close()
    outcome.kinds = dict(OfficeDays.happened.most_common())
    outcome.wrong += [f"random days: never came about: {each}" for each in OfficeDays.never_happened()]
    return [outcome]
