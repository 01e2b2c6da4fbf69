"""Whether a duty was told to its unit in time: what no mail reached is held against nobody."""

import pytest

from models.domain.reach import Dispatch, was_never_reached, was_reached
from models.domain.vocabulary import MarkKind
from tests.builders import a_duty, a_mark, hanoi

OPENING, REMINDER, OVERDUE = "2025-05-16 08:00", "2025-06-12 08:00", "2025-06-17 08:00"
LATER = hanoi("2025-07-01 08:00")


def sent(at, bounced=None):
    return Dispatch(sent_at=hanoi(at), bounced_at=hanoi(bounced) if bounced else None)


@pytest.mark.parametrize(
    ("dispatches", "is_reached"),
    [
        ((), False),
        ((sent(OPENING),), True),
        ((sent(OPENING, "2025-05-16 09:00"),), False),
        ((sent(OPENING, "2025-06-12 09:00"),), False),  # the reminder came back: who knows what became of the opening
        ((sent(OPENING, "2025-06-18 09:00"),), True),  # the address took the opening, and died a month later
        ((sent(REMINDER, "2025-06-17 07:59"),), False),  # the first letter, and its server gave up after five days
        ((sent(OPENING, "2025-05-16 09:00"), sent(REMINDER)), True),  # the next contact had the reminder
        ((sent(OVERDUE),), False),  # late since 00:00 of 17/6/2025: told only when it was late
        ((sent(OPENING, "2025-07-02 09:00"),), True),  # not known yet at the instant
    ],
)
def test_a_letter_reaches_a_unit_when_its_address_took_it_before_the_duty_was_late(dispatches, is_reached):
    assert was_reached(a_duty(), dispatches, LATER) is is_reached
    assert was_never_reached(a_duty(), dispatches, LATER) is not is_reached


def test_a_letter_within_an_extension_is_in_time():
    extended = a_duty(marks=(a_mark(MarkKind.EXTENSION, "2025-06-10 08:00", "2025-06-25 00:00"),))
    assert was_reached(extended, [sent(OVERDUE)], LATER)
    assert not was_reached(extended, [sent("2025-06-25 08:00")], LATER)


@pytest.mark.parametrize(
    ("duty", "as_of"),
    [
        (a_duty(), "2025-06-16 23:59:59"),
        (a_duty(completed="2025-06-10 09:00"), "2025-07-01 08:00"),
        (a_duty(marks=(a_mark(MarkKind.WAIVER, "2025-06-20 08:00"),)), "2025-07-01 08:00"),
    ],
)
def test_only_what_stands_late_is_called_never_reached(duty, as_of):
    assert not was_never_reached(duty, (), hanoi(as_of))


def test_a_unit_that_answered_late_without_a_letter_was_never_reached():
    assert was_never_reached(a_duty(completed="2025-06-20 09:00"), (), LATER)
