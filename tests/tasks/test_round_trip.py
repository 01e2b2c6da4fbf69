"""From opening to the answer: what a unit gets, sends, and is told, over real mail."""

import pytest

from models.domain.duties import standing_at
from models.domain.vocabulary import MarkKind, Standing
from tests.builders import hanoi
from tests.tasks.conftest import address_of

UNIT = "so-y-te"


def subjects(office, unit=UNIT):
    return [letter["Subject"] for letter in office.letters_to(address_of(unit))]


def attachments(letter):
    return [part.get_filename() for part in letter.iter_attachments()]


def test_opening_writes_one_letter_with_form_and_invitation_to_every_contact(office):
    counts = office.round("2025-05-16 08:00")
    letters = office.letters_to(address_of(UNIT))
    assert counts["opened"] == 1
    assert counts["failed"] == counts["waiting"] == 0
    assert len(letters) == 1
    assert [name.rsplit(".")[-1] for name in attachments(letters[0])] == ["xlsx", "ics"]


def test_opening_again_the_same_day_and_the_next_writes_nothing_more(opened_office):
    opened_office.round("2025-05-16 14:00")
    opened_office.round("2025-05-19 08:00")
    assert len(subjects(opened_office)) == 1


def test_nothing_is_sent_outside_office_hours(office):
    counts = office.round("2025-05-16 20:00")
    assert counts["sent"] == 0
    assert subjects(office) == []
    assert office.round("2025-05-19 08:00")["sent"] > 0


def test_a_good_answer_is_receipted_in_the_same_poll_and_chased_no_more(opened_office):
    opened_office.send(UNIT, "answer", "2025-06-03 09:00")
    counts = opened_office.poll("2025-06-03 09:05")
    assert counts["accepted"] == 1
    assert opened_office.duty(UNIT).duty.completed_at == hanoi("2025-06-03 09:00")
    opened_office.round("2025-06-05 08:00")
    assert len(subjects(opened_office)) == 2  # the opening and the receipt


def test_wrong_cells_come_back_marked_and_the_corrected_workbook_is_accepted(opened_office):
    opened_office.send(UNIT, "answer_wrongly", "2025-06-10 08:50")
    assert opened_office.poll("2025-06-10 09:00")["returned"] == 1
    returned = opened_office.letters_to(address_of(UNIT))[-1]
    assert any(name.endswith(".xlsx") for name in attachments(returned))
    assert "E" in returned.get_body(("plain",)).get_content()
    assert opened_office.duty(UNIT).duty.completed_at is None
    opened_office.send(UNIT, "correct", "2025-06-12 10:30")
    assert opened_office.poll("2025-06-12 10:35")["accepted"] == 1


def test_the_signed_copy_may_follow_alone(opened_office):
    opened_office.send(UNIT, "answer_without_copy", "2025-06-11 10:15")
    assert opened_office.poll("2025-06-11 10:20")["returned"] == 1
    opened_office.send(UNIT, "send_copy", "2025-06-13 09:45")
    assert opened_office.poll("2025-06-13 09:50")["accepted"] == 1
    assert opened_office.duty(UNIT).duty.completed_at == hanoi("2025-06-13 09:45")


def test_a_workbook_of_ones_own_making_is_answered_with_the_right_form(opened_office):
    opened_office.send(UNIT, "answer_in_own_form", "2025-06-10 09:25")
    assert opened_office.poll("2025-06-10 09:30")["returned"] == 1
    assert attachments(opened_office.letters_to(address_of(UNIT))[-1]) == [f"bieu-mau-bc-6t-2025-{UNIT}.xlsx"]


def test_a_report_from_an_unknown_address_is_held_with_its_unit_as_the_guess(opened_office):
    opened_office.send(UNIT, "answer_from_elsewhere", "2025-06-11 16:05")
    assert opened_office.poll("2025-06-11 16:10")["quarantined"] == 1
    held = opened_office.quarantine()
    assert [reason.code for reason in held[0].reasons] == ["sender_unknown"]
    assert standing_at(opened_office.duty(UNIT).duty, hanoi("2025-06-20 08:00")) is Standing.SUBMITTED


def test_an_automatic_reply_is_ignored_and_never_answered(opened_office):
    opened_office.send(UNIT, "say_out_of_office", "2025-05-16 08:31")
    opened_office.poll("2025-05-16 09:00")
    assert len(subjects(opened_office)) == 1


@pytest.mark.parametrize(("act", "kind"), [("say_nil", MarkKind.NIL), ("promise_the_20th", MarkKind.PROMISE)])
def test_one_line_of_reply_is_taken_and_receipted(opened_office, act, kind):
    opened_office.send(UNIT, act, "2025-06-13 10:00")
    assert opened_office.poll("2025-06-13 10:05")["accepted"] == 1
    assert [mark.kind for mark in opened_office.duty(UNIT).duty.marks] == [kind]
    assert len(subjects(opened_office)) == 2


def test_polling_again_takes_nothing_twice(opened_office):
    opened_office.send(UNIT, "answer", "2025-06-03 09:00")
    opened_office.poll("2025-06-03 09:05")
    again = opened_office.poll("2025-06-03 09:10")
    assert (again["accepted"], again["ignored"]) == (0, 0)
    assert len(subjects(opened_office)) == 2


def test_the_same_mail_delivered_twice_is_taken_once(opened_office):
    opened_office.poll("2025-05-16 09:00")
    opened_office.send(UNIT, "answer", "2025-06-03 09:00")
    sent = max((opened_office.mail.home / "mailbox" / "INBOX").glob("*.eml"), key=lambda path: int(path.stem))
    opened_office.mail.put_in_mailbox(sent.read_bytes())
    counts = opened_office.poll("2025-06-03 09:05")
    assert counts["accepted"] == 1
    assert len(subjects(opened_office)) == 2
