"""Every arrival has exactly one outcome, and its reasons."""

from datetime import date

import pytest

from models.domain.forms import CheckedForm, finding
from models.domain.judgement import Evidence, judge
from models.domain.plan import AttachmentRule
from models.domain.submissions import Attribution, Contribution, Reply, completed_at
from models.domain.vocabulary import FindingLevel, Outcome
from tests.builders import hanoi

SIGNED = AttachmentRule(code="bao_cao_ky", title="Báo cáo đã ký")
CERTAIN = Attribution(duty_id=1, unit_code="so-y-te", is_certain=True)
GUESS = Attribution(duty_id=1, unit_code="so-y-te", is_certain=False, reasons=(finding("sender_unknown"),))
NOBODY = Attribution(duty_id=None, unit_code=None, is_certain=False, reasons=(finding("token_missing"),))
SOUND = CheckedForm(figures=(), narratives={}, findings=())
WRONG = CheckedForm(figures=(), narratives={}, findings=(finding("negative", sheet="Biểu 1", cell="E12"),))
ASKED = CheckedForm(figures=(), narratives={}, findings=(finding("jump", level=FindingLevel.QUESTION),))


def judged(*, earlier=(), attribution=CERTAIN, at="2025-06-10 09:00", **evidence):
    facts = Evidence(received_at=hanoi(at), attribution=attribution, **evidence)
    return judge(facts, required=[SIGNED], earlier=earlier)


def codes(verdict):
    return [reason.code for reason in verdict.reasons]


def test_a_sound_form_with_the_signed_copy_is_accepted():
    verdict = judged(checked=SOUND, n_forms=1, attachments=frozenset({"bao_cao_ky"}))
    assert (verdict.outcome, verdict.duty_id) == (Outcome.ACCEPTED, 1)


def test_a_sound_form_without_the_signed_copy_comes_back_and_says_what_is_missing():
    verdict = judged(checked=SOUND, n_forms=1)
    assert (verdict.outcome, codes(verdict)) == (Outcome.RETURNED, ["attachment_missing"])


def test_the_signed_copy_may_follow_in_a_mail_of_its_own():
    form_first = Contribution(received_at=hanoi("2025-06-09 10:00"), has_sound_form=True)
    verdict = judged(earlier=[form_first], attachments=frozenset({"bao_cao_ky"}))
    assert verdict.outcome is Outcome.ACCEPTED


def test_the_signed_copy_alone_asks_for_the_form():
    verdict = judged(attachments=frozenset({"bao_cao_ky"}))
    assert (verdict.outcome, codes(verdict)) == (Outcome.RETURNED, ["form_missing"])


def test_all_faults_come_in_one_round_the_missing_copy_included():
    verdict = judged(checked=WRONG, n_forms=1)
    assert (verdict.outcome, codes(verdict)) == (Outcome.RETURNED, ["negative", "attachment_missing"])


def test_a_question_does_not_stop_a_report():
    verdict = judged(checked=ASKED, n_forms=1, attachments=frozenset({"bao_cao_ky"}))
    assert (verdict.outcome, codes(verdict)) == (Outcome.ACCEPTED, ["jump"])


def test_a_guess_is_for_a_person():
    verdict = judged(attribution=GUESS, n_forms=1, attachments=frozenset({"bao_cao_ky"}))
    assert (verdict.outcome, codes(verdict)) == (Outcome.QUARANTINED, ["sender_unknown"])


def test_a_damaged_file_from_a_contact_is_answered_and_one_from_a_stranger_is_held():
    damaged = [finding("truncated")]
    known = judged(attribution=GUESS, file_findings=damaged, is_from_a_contact=True)
    stranger = judged(attribution=NOBODY, file_findings=damaged)
    assert known.outcome is Outcome.RETURNED
    assert stranger.outcome is Outcome.QUARANTINED


def test_an_automatic_reply_is_ignored_with_its_reason_whatever_hangs_on_it():
    verdict = judged(ignorable=finding("auto_reply"), checked=SOUND, n_forms=1)
    assert (verdict.outcome, codes(verdict)) == (Outcome.IGNORED, ["auto_reply"])


def test_a_mail_with_two_forms_is_for_a_person():
    assert judged(n_forms=2).outcome is Outcome.QUARANTINED


@pytest.mark.parametrize(
    ("reply", "code"),
    [(Reply(is_nil=True), "nil_reported"), (Reply(promised_on=date(2025, 6, 20)), "promise_noted")],
)
def test_one_line_of_reply_is_an_answer(reply, code):
    verdict = judged(reply=reply)
    assert (verdict.outcome, codes(verdict)) == (Outcome.ACCEPTED, [code])


def test_a_strangers_empty_mail_is_ignored_and_a_contacts_letter_is_read_by_a_person():
    assert judged(attribution=NOBODY).outcome is Outcome.IGNORED
    assert judged(attribution=NOBODY, is_from_a_contact=True).outcome is Outcome.QUARANTINED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_duty_is_complete_when_form_and_copy_are_both_there_whatever_came_first(order):
    times = [hanoi("2025-06-13 10:00"), hanoi("2025-06-18 08:00")]
    brought = [
        Contribution(received_at=times[order[0]], has_sound_form=True),
        Contribution(received_at=times[order[1]], has_sound_form=False, attachments=frozenset({"bao_cao_ky"})),
    ]
    assert completed_at(brought, frozenset({"bao_cao_ky"})) == times[1]


def test_a_later_correction_does_not_make_a_unit_late():
    both = frozenset({"bao_cao_ky"})
    brought = [
        Contribution(received_at=hanoi("2025-06-13 10:00"), has_sound_form=True, attachments=both),
        Contribution(received_at=hanoi("2025-06-25 10:00"), has_sound_form=True, attachments=both),
    ]
    assert completed_at(brought, both) == hanoi("2025-06-13 10:00")


def test_a_form_that_came_back_wrong_completes_nothing():
    wrong = Contribution(
        received_at=hanoi("2025-06-13 10:00"), has_sound_form=False, attachments=frozenset({"bao_cao_ky"})
    )
    assert completed_at([wrong], frozenset({"bao_cao_ky"})) is None
