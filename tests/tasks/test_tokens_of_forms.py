"""A token is of one duty: in the hands of another unit, or on an answer to another cycle, it opens nothing."""

import pytest

from models.db.records import arrivals
from models.domain.tokens import reply_address
from models.domain.vocabulary import Outcome
from tasks.open_cycles import new_token
from tests.tasks import test_several_forms as several_forms
from tests.tasks.test_several_forms import AT, HALF, OTHER, PDF, POLL, UNIT, YEAR, a_mail, sent

FORM = "bieu.xlsx"
both_open, laid_out = several_forms.both_open, several_forms.laid_out


def held_because(office):
    with office.at(POLL) as runtime, runtime.sessions() as session:
        (held,) = arrivals.in_quarantine(session)
    assert held.outcome is Outcome.QUARANTINED
    return {reason.code for reason in held.reasons}


def settled(office):
    duties = [(UNIT, HALF), (UNIT, YEAR), (OTHER, HALF), (OTHER, YEAR)]
    return [each for each in duties if office.duty(*each).duty.completed_at is not None]


def to_token(office, token):
    return reply_address(office.mail.account.address, token)


def test_a_unit_cannot_answer_with_the_token_of_another(both_open):
    office, half, _ = both_open
    theirs = office.duty(OTHER, HALF).token
    counts = sent(office, a_mail(office, (FORM, half), ("da ky.pdf", PDF), to=to_token(office, theirs)))
    assert (counts["accepted"], counts["quarantined"]) == (0, 1)
    assert "tokens_disagree" in held_because(office)
    assert settled(office) == []


def test_a_unit_cannot_answer_in_words_for_another_whose_token_it_has(both_open):
    office, *_ = both_open
    mail = a_mail(office, to=to_token(office, office.duty(OTHER, HALF).token))
    mail.set_content("Không phát sinh")
    counts = sent(office, mail)
    assert (counts["accepted"], counts["quarantined"]) == (0, 1)
    assert "sender_of_another_unit" in held_because(office)
    assert settled(office) == []


def test_a_form_of_one_cycle_is_not_credited_to_the_other_by_its_token(both_open):
    office, half, _ = both_open
    of_the_year = office.duty(UNIT, YEAR).token
    counts = sent(office, a_mail(office, (FORM, half), ("da ky.pdf", PDF), to=to_token(office, of_the_year)))
    assert (counts["accepted"], counts["returned"]) == (0, 1), "it is told that this is the form of the other cycle"
    assert settled(office) == []


def test_a_word_with_the_token_of_one_cycle_settles_that_cycle_alone(both_open):
    office, *_ = both_open
    mail = a_mail(office, to=to_token(office, office.duty(UNIT, YEAR).token))
    mail.set_content("Không phát sinh")
    sent(office, mail)
    marks = {cycle: [mark.kind.value for mark in office.duty(UNIT, cycle).duty.marks] for cycle in (HALF, YEAR)}
    assert marks == {HALF: [], YEAR: ["nil"]}


@pytest.mark.parametrize("token", [new_token(), "a" * 16], ids=["new", "alike"])
def test_a_token_that_was_never_given_out_is_as_good_as_none(both_open, token):
    office, *_ = both_open
    mail = a_mail(office, to=to_token(office, token))
    mail.set_content("Không phát sinh")
    counts = sent(office, mail, at=AT)
    assert (counts["accepted"], counts["quarantined"]) == (0, 1)
    assert "token_unknown" in held_because(office)
    assert settled(office) == []


def test_tokens_of_a_thousand_duties_are_all_different_and_have_80_bits():
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) * 5 for token in tokens} == {80}
