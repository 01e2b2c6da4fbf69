"""When a poll shows the boards of an office anew."""

from datetime import datetime, timedelta

import pytest

from models.domain.showing import DUTIES_SHOWN_AT_ONCE, is_to_be_shown
from models.domain.vocabulary import OFFICE_ZONE

NOW = datetime(2025, 6, 14, 21, tzinfo=OFFICE_ZONE)
MANY = DUTIES_SHOWN_AT_ONCE + 1
MINUTE = timedelta(minutes=1)


def shown(n_duties=MANY, *, has_come=True, shown_at=None, owed_since=None):
    return is_to_be_shown(NOW, n_duties=n_duties, has_come=has_come, shown_at=shown_at, owed_since=owed_since)


def test_a_small_office_sees_at_once_what_came():
    assert shown(DUTIES_SHOWN_AT_ONCE, shown_at=NOW - 5 * MINUTE)


def test_nothing_is_shown_anew_when_nothing_came():
    assert not shown(has_come=False)
    assert not shown(has_come=False, owed_since=NOW - 40 * MINUTE, shown_at=NOW - 35 * MINUTE)


@pytest.mark.parametrize(("minutes", "is_shown"), [(0, False), (29, False), (30, True), (-5, True)])
def test_a_large_office_sees_it_every_half_hour_and_a_past_day_always(minutes, is_shown):
    assert shown(shown_at=NOW - minutes * MINUTE) is is_shown


def test_what_came_while_nothing_was_shown_is_shown_by_a_later_poll_that_finds_nothing():
    assert shown(has_come=False, shown_at=NOW - 35 * MINUTE, owed_since=NOW - 20 * MINUTE)
    assert not shown(has_come=False, shown_at=NOW - 25 * MINUTE, owed_since=NOW - 20 * MINUTE)
    assert shown(has_come=False, owed_since=NOW - 5 * MINUTE)


def test_a_large_office_that_was_never_shown_is_shown():
    assert shown()
