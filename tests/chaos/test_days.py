"""Whatever happens in whatever order, what the office relies on holds; `make chaos` tries many more days."""

import logging
import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.machine import Homes, OfficeDays

EXAMPLES = int(os.environ.get("DONDOC_CHAOS_EXAMPLES", "4"))


@pytest.fixture
def homes():
    made = Homes()
    yield made
    made.close()


def test_whatever_happens_in_whatever_order_nothing_is_lost_doubled_or_sent_to_who_has_answered(homes):
    logging.disable(logging.ERROR)
    OfficeDays.homes = homes
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    try:
        run_state_machine_as_test(OfficeDays, settings=chosen)
    finally:
        logging.disable(logging.NOTSET)
