"""The roll-call before a cycle: on which day it begins, whom it asks, and which words confirm an address."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from models.domain.calendar import WorkingCalendar
from models.domain.cycles import plan_cycle
from models.domain.roll_call import (
    LONGEST_PROPOSAL,
    ToAsk,
    contact_health,
    cycles_in_roll_call,
    read_answer,
    roll_call_day,
    who_is_asked,
)
from models.domain.roster import Unit
from models.domain.vocabulary import ContactHealth
from tasks.adapters.mail_reading import roll_call_phrases
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import Texts
from tests.builders import hanoi
from tests.meta.source_code import ROOT

FIRST, SECOND = "mot@example.invalid", "hai@example.invalid"


@pytest.fixture(scope="module")
def programme():
    return load_programme(ROOT / "deployments" / "de_an_835")


@pytest.fixture(scope="module")
def phrases():
    return roll_call_phrases(Texts.load())


@pytest.fixture(scope="module")
def cycle(programme):
    return plan_cycle(programme, programme.obligation("O-20"), 2025)


def in_roll_call(programme, instant):
    return [cycle.code for cycle in cycles_in_roll_call(programme, hanoi(instant))]


def test_ten_working_days_before_16_may_2025_is_29_april_for_three_days_between_are_off(programme, cycle):
    assert cycle.opens_at == hanoi("2025-05-16 00:00")
    assert roll_call_day(cycle, programme.calendar) == date(2025, 4, 29)


def test_the_roll_is_called_from_its_day_until_the_cycle_opens(programme):
    assert in_roll_call(programme, "2025-04-28 23:59:59") == []
    assert in_roll_call(programme, "2025-04-29 00:00") == ["bc-6t-2025"]
    assert in_roll_call(programme, "2025-05-15 23:59:59") == ["bc-6t-2025"]
    assert in_roll_call(programme, "2025-05-16 00:00") == []


def test_a_cycle_that_opens_in_january_is_called_in_the_year_before(programme):
    obligation = programme.obligation("O-20")
    opening = replace(obligation.rules[0], opens=timedelta(days=160))
    early = replace(programme, obligations=(replace(obligation, rules=(opening,)), programme.obligation("O-21")))
    assert in_roll_call(early, "2025-12-31 08:00") == ["bc-6t-2026"]


def test_an_obligation_whose_plan_names_no_roll_call_has_none(programme):
    conference = plan_cycle(programme, programme.obligation("O-03"), 2024)
    assert roll_call_day(conference, programme.calendar) is None


def test_each_contact_that_was_not_asked_is_asked_once_for_every_unit_it_serves(cycle):
    units = [Unit(code=code, name=code, group="G1", valid_from=date(2024, 1, 1)) for code in ("a", "b", "c")]
    contacts = {"a": [FIRST, SECOND], "b": [FIRST]}
    asks = who_is_asked(cycle, units, contacts, frozenset())
    assert [(ask.unit_code, ask.address) for ask in asks] == [("a", FIRST), ("a", SECOND), ("b", FIRST)]
    left = who_is_asked(cycle, units, contacts, frozenset({FIRST}))
    assert left == [ToAsk(cycle_code="bc-6t-2025", unit_code="a", address=SECOND)]


@pytest.mark.parametrize(
    ("working", "confirmed", "as_of", "health"),
    [
        ((), {}, "2025-04-01 08:00", ContactHealth.UNREACHABLE),
        ((), {FIRST: "2025-04-30 08:00"}, "2025-05-02 08:00", ContactHealth.UNREACHABLE),
        ((FIRST,), {}, "2025-04-28 08:00", ContactHealth.REACHABLE),
        ((FIRST,), {}, "2025-04-29 08:00", ContactHealth.UNCONFIRMED),
        ((FIRST,), {FIRST: "2024-10-10 08:00"}, "2025-04-29 08:00", ContactHealth.UNCONFIRMED),
        ((FIRST, SECOND), {SECOND: "2025-04-29 09:00"}, "2025-05-20 08:00", ContactHealth.CONFIRMED),
        ((FIRST,), {FIRST: "2025-04-29 09:00"}, "2025-04-29 08:00", ContactHealth.UNCONFIRMED),
        ((FIRST,), {SECOND: "2025-04-29 09:00"}, "2025-05-20 08:00", ContactHealth.UNCONFIRMED),
    ],
)
def test_a_unit_is_confirmed_by_a_contact_that_works_and_has_answered_this_roll_call(
    programme, cycle, working, confirmed, as_of, health
):
    said = {address: hanoi(at) for address, at in confirmed.items()}
    assert contact_health(cycle, programme.calendar, working, said, hanoi(as_of)) is health


def test_without_a_roll_call_nobody_is_called_unconfirmed(cycle):
    silent = replace(cycle, terms=replace(cycle.terms, roll_call_working_days=None))
    health = contact_health(silent, WorkingCalendar(), [FIRST], {}, hanoi("2025-06-01 08:00"))
    assert health is ContactHealth.REACHABLE


@pytest.mark.parametrize(
    "text",
    [
        "Xác nhận",
        "xác nhận.",
        "XÁC NHẬN ĐẦU MỐI!",
        "Kính gửi Ban Chỉ đạo,\n\nXác nhận ạ.\nTrân trọng",
        "Xac nhan",
        "Địa chỉ này vẫn đúng",
        "Đầu mối không thay đổi.",
        "Xác nhận\n--\nPhòng Tổng hợp, điện thoại 0204 000 000",
    ],
)
def test_a_plain_word_confirms(text, phrases):
    answer = read_answer(text, phrases)
    assert answer.is_confirmed
    assert answer.proposals == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Xác nhận?",
        "Không xác nhận",
        "Xác nhận nhưng từ tháng sau tôi nghỉ hưu",
        "Xác nhận\nTuy nhiên từ 01/6 tôi chuyển công tác, xin báo sau",
        "Xác nhận\nTôi không còn phụ trách việc này",
        "Đã nhận được thư, xin cảm ơn",
        "Đơn vị sẽ gửi báo cáo đúng hạn",
        "Xác nhận\nĐầu mối mới: Phòng Tổng hợp, moi@example.invalid",
    ],
)
def test_whatever_says_more_or_something_else_confirms_nothing(text, phrases):
    assert not read_answer(text, phrases).is_confirmed


@pytest.mark.parametrize(
    "text",
    [
        "Đầu mối mới: Phòng Tổng hợp, moi@example.invalid, 0204.111.222",
        "Kính gửi đồng chí\nđầu mối mới : Phòng Tổng hợp, moi@example.invalid, 0204.111.222\nTrân trọng",
        "Đầu mối mới:\nPhòng Tổng hợp,\nmoi@example.invalid,\n0204.111.222",
        "Đau mối mới\nĐầu mối mới\nPhòng Tổng hợp, moi@example.invalid, 0204.111.222",
    ],
)
def test_a_new_contact_is_read_as_a_proposal_on_one_line(text, phrases):
    (proposal,) = read_answer(text, phrases).proposals
    for part in ("Phòng Tổng hợp", "moi@example.invalid", "0204.111.222"):
        assert part in proposal


def test_who_stands_in_is_proposed_beside_a_confirmation(phrases):
    answer = read_answer("Xác nhận\nNgười thay: Văn thư, vt@example.invalid, 0204.111.333", phrases)
    assert answer.is_confirmed
    assert answer.proposals == ("Người thay: Văn thư, vt@example.invalid, 0204.111.333",)


def test_a_proposal_carries_no_link_no_markup_and_no_end(phrases):
    text = 'Đầu mối mới: [bấm đây](http://x.invalid) <b>`|A"' + "a" * 500
    (proposal,) = read_answer(text, phrases).proposals
    assert not set('[]<>`|"*') & set(proposal)
    assert len(proposal) <= LONGEST_PROPOSAL
