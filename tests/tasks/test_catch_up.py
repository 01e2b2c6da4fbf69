"""Who has answered is never chased, though nobody has read the mailbox: it is read first, or nobody is chased."""

import pytest

from tasks.catch_up import catch_up_with_mailbox
from tests.tasks.conftest import address_of

UNIT, OTHER = "so-y-te", "so-tai-chinh"
AFTER_DAYS_OFF = "2025-06-25 08:00"


def caught_up(office, instant):
    with office.at(instant) as runtime:
        return catch_up_with_mailbox.fn(runtime)


def test_after_days_off_the_mailbox_is_read_before_anybody_is_chased(opened_office):
    opened_office.send(UNIT, "answer", "2025-06-16 15:00")
    assert caught_up(opened_office, AFTER_DAYS_OFF)
    opened_office.round(AFTER_DAYS_OFF)
    assert len(opened_office.letters_to(address_of(UNIT))) == 1, "the opening letter, and no other"
    assert len(opened_office.letters_to(address_of(OTHER))) == 2


@pytest.mark.parametrize(("instant", "may_chase"), [("2025-05-16 14:00", True), (AFTER_DAYS_OFF, False)])
def test_a_mailbox_out_of_reach_for_a_day_lets_nobody_be_chased_blind(opened_office, instant, may_chase):
    opened_office.mail.imap_port = 1
    assert caught_up(opened_office, instant) is may_chase
