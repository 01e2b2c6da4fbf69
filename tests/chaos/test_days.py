"""Whatever happens in whatever order, what the office relies on holds; `make chaos` tries many more days."""

import logging
import os

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.machine import Homes, OfficeDays
from tests.chaos.random_days import courses

EXAMPLES = int(os.environ.get("DONDOC_CHAOS_EXAMPLES", "4"))


@pytest.fixture
def homes():
    made = Homes()
    yield made
    made.close()


def test_whatever_happens_in_whatever_order_nothing_is_lost_doubled_or_sent_to_who_has_answered(homes):
    logging.disable(logging.ERROR)
    OfficeDays.homes = homes
    try:
        run_state_machine_as_test(OfficeDays, settings=courses(EXAMPLES))
    finally:
        logging.disable(logging.NOTSET)
