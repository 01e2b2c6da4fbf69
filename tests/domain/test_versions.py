import pytest

from models.domain.forms import CheckedForm, Figure, finding
from models.domain.judgement import judge_version
from models.domain.submissions import Verdict
from models.domain.versions import CountedVersion, VersionChange, change_of, is_locked
from models.domain.vocabulary import Outcome
from tests.builders import hanoi

ACCEPTED_AT = hanoi("2025-06-13 09:05")


def a_form(amount=5, *, is_estimate=False, text="Đã triển khai.", other=1, findings=()):
    figures = (Figure(field="CT01", amount=amount, is_estimate=is_estimate), Figure(field="CT02", amount=other))
    return CheckedForm(figures=figures, narratives={"I": text}, findings=findings)


def counted(form):
    return CountedVersion(received_at=hanoi("2025-06-13 09:00"), form=form)


@pytest.mark.parametrize(
    ("finals", "closes", "as_of", "expected"),
    [
        ([], None, "2025-06-20 08:00", False),
        (["2025-06-12 08:00"], None, "2025-06-20 08:00", False),  # the edition was made without this answer
        (["2025-06-16 08:00"], None, "2025-06-20 08:00", True),
        (["2025-06-16 08:00"], None, "2025-06-15 08:00", False),
        ([], "2025-07-08 00:00", "2025-07-07 23:59", False),
        ([], "2025-07-08 00:00", "2025-07-08 00:00", True),
        ([], "2025-06-10 00:00", "2025-06-20 08:00", False),  # answered after the close: no edition has it yet
    ],
)
def test_an_accepted_answer_is_locked_by_the_final_edition_that_contains_it_or_by_the_close(
    finals, closes, as_of, expected
):
    closes_at = hanoi(closes) if closes else None
    locked = is_locked(ACCEPTED_AT, finals=map(hanoi, finals), closes_at=closes_at, as_of=hanoi(as_of))
    assert locked is expected


def test_what_was_never_accepted_is_never_locked():
    assert not is_locked(None, finals=[ACCEPTED_AT], closes_at=ACCEPTED_AT, as_of=ACCEPTED_AT)


@pytest.mark.parametrize(
    ("before", "after", "locked", "expected"),
    [
        (a_form(), a_form(), False, VersionChange.UNCHANGED),
        (a_form(), a_form(), True, VersionChange.UNCHANGED),
        (a_form(), a_form(6), False, VersionChange.REPLACES),
        (a_form(), a_form(6), True, VersionChange.LOCKED),
        (a_form(), a_form(text="Khác."), True, VersionChange.LOCKED),
        (a_form(is_estimate=True), a_form(6), True, VersionChange.ACTUALS),
        (a_form(is_estimate=True), a_form(), True, VersionChange.ACTUALS),  # as estimated, and now it is certain
        (a_form(is_estimate=True), a_form(6, other=2), True, VersionChange.LOCKED),
        (a_form(is_estimate=True), a_form(6, text="Khác."), True, VersionChange.LOCKED),
        (a_form(is_estimate=True), a_form(6, is_estimate=True), True, VersionChange.LOCKED),
        (a_form(), a_form(is_estimate=True), True, VersionChange.LOCKED),
    ],
)
def test_after_the_lock_only_actual_figures_take_the_place_of_estimates(before, after, locked, expected):
    assert change_of(after, counted(before), locked=locked) is expected


def test_a_form_after_a_nil_report_replaces_it_until_the_report_is_closed():
    assert change_of(a_form(), None, locked=False) is VersionChange.REPLACES
    assert change_of(a_form(), None, locked=True) is VersionChange.LOCKED


def test_a_locked_version_waits_for_a_person_and_another_one_says_what_it_replaces():
    accepted = Verdict(outcome=Outcome.ACCEPTED, duty_id=1)
    held = judge_version(accepted, a_form(6), counted(a_form()), locked=True)
    assert (held.outcome, [reason.code for reason in held.reasons]) == (Outcome.QUARANTINED, ["version_locked"])
    taken = judge_version(accepted, a_form(6), counted(a_form()), locked=False)
    assert [reason.code for reason in taken.reasons] == ["replaces_version"]
    assert dict(taken.reasons[0].facts)["received"] == "09:00 13/6/2025"


def test_a_faulty_version_leaves_the_earlier_one_in_its_place_and_says_so():
    fault = finding("negative", label="A", value="-3")
    returned = Verdict(outcome=Outcome.RETURNED, reasons=(fault,), duty_id=1)
    verdict = judge_version(returned, a_form(findings=(fault,)), counted(a_form()), locked=True)
    assert verdict.outcome is Outcome.RETURNED
    assert [reason.code for reason in verdict.reasons] == ["negative", "earlier_version_counts"]


def test_the_first_answer_of_a_unit_is_no_further_version_however_late():
    accepted = Verdict(outcome=Outcome.ACCEPTED, duty_id=1)
    assert judge_version(accepted, a_form(), None, locked=False) == accepted
