"""Three signals must agree before a unit is credited; a guess is for a person, with the reasons why."""

from models.domain.attribution import DutyIdentity, attribute
from models.domain.submissions import Signals

HEALTH = DutyIdentity(id=1, unit_code="so-y-te", cycle_code="bc-6t-2025")
POST = DutyIdentity(id=2, unit_code="buu-dien-tinh", cycle_code="bc-6t-2025")
DUTIES = {1: HEALTH, 2: POST}
OPEN = {"so-y-te": (1,), "buu-dien-tinh": (2,)}


def attributed(*, needs_workbook=True, **signals):
    return attribute(Signals(**signals), duties=DUTIES, open_duties=OPEN, needs_workbook=needs_workbook)


def codes(attribution):
    return [reason.code for reason in attribution.reasons]


def test_token_sender_and_workbook_that_agree_credit_the_unit():
    result = attributed(token_duty=1, sender_units=frozenset({"so-y-te"}), workbook_unit="so-y-te")
    assert (result.duty_id, result.is_certain, result.reasons) == (1, True, ())


def test_a_known_sender_of_two_units_is_told_apart_by_the_token():
    both = frozenset({"so-y-te", "buu-dien-tinh"})
    assert attributed(token_duty=2, sender_units=both, workbook_unit="buu-dien-tinh").duty_id == 2


def test_an_unknown_sender_with_our_form_is_held_with_the_unit_as_a_guess():
    result = attributed(token_duty=1, workbook_unit="so-y-te")
    assert not result.is_certain
    assert result.duty_id == 1
    assert codes(result) == ["sender_unknown"]


def test_a_contact_that_our_server_does_not_vouch_for_is_held_and_no_contact_is_answered():
    forged = {"token_duty": 1, "sender_units": frozenset({"so-y-te"}), "failed_check": "dmarc"}
    assert codes(attributed(**forged, workbook_unit="so-y-te")) == ["sender_not_authentic"]
    assert not Signals(**forged).is_from_a_contact
    assert attributed(**forged, operator="Lan", workbook_unit="so-y-te").is_certain


def test_a_form_of_another_unit_is_never_credited():
    result = attributed(token_duty=1, sender_units=frozenset({"so-y-te"}), workbook_unit="buu-dien-tinh")
    assert not result.is_certain
    assert codes(result) == ["workbook_of_another_unit"]


def test_a_sender_of_another_unit_is_held():
    result = attributed(token_duty=1, sender_units=frozenset({"buu-dien-tinh"}), workbook_unit="so-y-te")
    assert codes(result) == ["sender_of_another_unit"]
    assert result.unit_code == "so-y-te"


def test_a_token_that_is_not_ours_is_said_so():
    result = attributed(token_is_bad=True, sender_units=frozenset({"so-y-te"}), workbook_unit="so-y-te")
    assert codes(result) == ["token_unknown"]
    assert result.duty_id == 1


def test_a_file_carried_by_an_operator_needs_no_sender():
    assert attributed(token_duty=1, operator="Văn thư PA05", workbook_unit="so-y-te").is_certain


def test_a_one_line_reply_needs_no_workbook():
    signals = {"token_duty": 1, "sender_units": frozenset({"so-y-te"})}
    assert attributed(needs_workbook=False, **signals).is_certain
    assert codes(attributed(**signals)) == ["workbook_without_unit"]


def test_two_tokens_of_two_units_are_held():
    result = attributed(
        token_duty=1, tokens_disagree=True, sender_units=frozenset({"so-y-te"}), workbook_unit="so-y-te"
    )
    assert codes(result) == ["tokens_disagree"]


def test_a_stranger_who_says_nothing_is_no_guess():
    result = attributed(needs_workbook=False)
    assert (result.duty_id, result.unit_code) == (None, None)
