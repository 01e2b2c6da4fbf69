"""One item is made while the last is being used: in order, and nothing is lost when something goes wrong."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from threading import Event

import pytest

from tasks.ahead import SECONDS_A_TURN, one_ahead, short_turns


def test_the_next_item_is_being_made_while_the_last_is_used():
    is_begun = Event()

    def items() -> Iterator[int]:
        yield 1
        is_begun.set()
        yield 2

    made = one_ahead(items())
    assert next(made) == 1
    assert is_begun.wait(10)
    assert list(made) == [2]


def test_what_making_an_item_raises_is_raised_in_its_turn():
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the mailbox went away")

    made = one_ahead(items())
    assert next(made) == 1
    with pytest.raises(ValueError, match="the mailbox went away"):
        next(made)


def test_no_more_than_one_item_is_made_ahead():
    begun: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            begun.append(number)
            yield number

    made = one_ahead(items())
    next(made)
    made.close()
    assert begun == [0, 1]


def test_none_and_false_are_items_like_any_other():
    assert list(one_ahead(iter([None, False, 0]))) == [None, False, 0]


def test_threads_take_short_turns_only_as_long_as_they_are_asked_to():
    usual = sys.getswitchinterval()
    with suppress(ValueError), short_turns():
        during = sys.getswitchinterval()
        raise ValueError("broke off")
    assert during == pytest.approx(SECONDS_A_TURN)
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_short_turns_that_overlap_give_back_the_usual_ones_in_the_end():
    usual = sys.getswitchinterval()
    first, second = short_turns(), short_turns()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(SECONDS_A_TURN)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(usual)
