"""Killed at any boundary and started again, the program ends where it would have ended; `make chaos` tries them all."""

import pytest

from tests.chaos.crash import in_a_process_of_its_own


@pytest.fixture(scope="module")
def outcomes():
    names = ["opening", "poll", "opening without blind copies"]
    return in_a_process_of_its_own("crash_points", every=58, offset=57, names=names)


def test_a_killed_run_loses_nothing_and_sends_nothing_twice(outcomes):
    assert [wrong for each in outcomes for wrong in each.wrong] == []
    assert sum(each.tried for each in outcomes) >= 5
    assert sum(each.lost + each.doubled for each in outcomes) == 0


def test_without_blind_copies_the_operator_is_told_of_each_letter_in_doubt(outcomes):
    assert [each.told > 0 for each in outcomes] == [False, False, True]
