"""A mail server that refuses, loses or is down: the rest goes on, nothing goes out twice, the next run finishes it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from deployments.postoffice import Fault, FaultKind
from models.db.records import cycles, letters
from models.db.tables import ReminderRow, SkipRow
from models.domain.duties import Mark
from models.domain.vocabulary import LetterKind, LetterState, MarkKind, SkipReason
from tasks.post import post_letters
from tests.builders import hanoi
from tests.tasks.conftest import address_of

UNIT = "so-y-te"


def states(office):
    with office.at("2026-01-01 08:00") as runtime, runtime.sessions() as session:
        return letters.count_by_state(session)


def n_letters(office, unit=UNIT):
    return len(office.letters_to(address_of(unit)))


def test_one_refused_recipient_does_not_stop_the_rest(office):
    office.mail.misbehave(Fault(address_of(UNIT), FaultKind.REFUSE))
    counts = office.round("2025-05-16 08:00")
    assert counts["failed"] == 1
    assert counts["sent"] > 50
    assert counts["waiting"] == 0


def test_a_greylisted_letter_waits_and_the_next_run_sends_it(office):
    office.mail.misbehave(Fault(address_of(UNIT), FaultKind.GREYLIST, times=1))
    assert office.round("2025-05-16 08:00")["waiting"] == 1
    assert office.round("2025-05-16 14:00")["sent"] == 1
    assert n_letters(office) == 1


def test_with_the_server_down_everything_waits_and_nothing_is_lost(office):
    port, office.mail.smtp_port = office.mail.smtp_port, 1
    down = office.round("2025-05-16 08:00")
    assert down["sent"] == 0
    assert down["waiting"] > 50
    office.mail.smtp_port = port
    assert office.round("2025-05-16 14:00")["sent"] == down["waiting"]
    assert n_letters(office) == 1


def test_a_letter_that_cannot_be_written_waits_and_the_others_leave(opened_office):
    digest = opened_office.duty(UNIT).form_digest
    kept = opened_office.home / "archive" / digest[:2] / digest[2:]
    kept.rename(kept.with_name("mislaid"))
    counts = opened_office.round("2025-06-05 08:00")
    assert counts["sent"] > 50
    assert counts["waiting"] == 1
    kept.with_name("mislaid").rename(kept)
    assert opened_office.round("2025-06-05 14:00")["sent"] == 1
    assert n_letters(opened_office) == 2


def test_a_letter_lost_after_its_text_is_known_sent_by_its_blind_copy(office):
    office.mail.misbehave(Fault(address_of(UNIT), FaultKind.DROP_AFTER_TEXT, times=1))
    assert office.round("2025-05-16 08:00")["doubtful"] == 1
    office.poll("2025-05-16 08:40")
    assert LetterState.UNKNOWN not in states(office)
    office.round("2025-05-19 08:00")
    assert n_letters(office) == 1


def test_a_letter_lost_in_its_text_is_sent_again_once_its_blind_copy_is_overdue(office):
    office.mail.misbehave(Fault(address_of(UNIT), FaultKind.DROP_IN_TEXT, times=2))
    office.round("2025-05-16 08:00")
    office.poll("2025-05-16 08:40")
    office.round("2025-05-16 14:00")
    office.poll("2025-05-16 14:40")
    office.round("2025-05-19 08:00")
    assert n_letters(office) == 1


def test_without_a_journal_a_letter_in_doubt_is_never_sent_again(office):
    office.settings["journal"] = False
    office.mail.misbehave(Fault(address_of(UNIT), FaultKind.DROP_AFTER_TEXT, times=1))
    office.round("2025-05-16 08:00")
    office.poll("2025-05-16 08:40")
    assert office.round("2025-05-19 08:00")["doubtful"] == 1
    assert n_letters(office) == 1


def test_killed_in_the_middle_of_sending_every_unit_has_exactly_one_letter_after_the_next_runs(office):
    script = f"""
import sys
sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path
from tests.tasks.conftest import Office
from deployments.postoffice import PostOffice
mail = PostOffice(Path({str(office.mail.home)!r}))
mail.smtp_port, mail.imap_port = {office.mail.smtp_port}, {office.mail.imap_port}
Office(Path({str(office.home)!r}), mail, {office.settings | {"letters_per_batch": 10}!r}).round("2025-05-16 08:00")
"""
    office.mail.misbehave(Fault(address_of(UNIT), FaultKind.SLOW))
    running = subprocess.Popen([sys.executable, "-c", script])
    while n_letters(office, "so-cong-thuong") == 0 and running.poll() is None:
        pass
    running.send_signal(signal.SIGKILL)
    running.wait()
    office.poll("2025-05-16 08:40")
    office.round("2025-05-16 14:00")
    office.poll("2025-05-16 14:40")
    office.round("2025-05-19 08:00")
    with office.at("2025-05-19 09:00") as runtime:
        contacts = {contact.email for contact in next(iter(runtime.programmes.values())).roster.contacts}
    counts = {address: len(office.letters_to(address)) for address in contacts}
    assert set(counts.values()) <= {0, 1}
    assert sum(counts.values()) > 50
    assert LetterState.UNKNOWN not in states(office)


def reminders_of(office, unit):
    """Return the rungs that were decided for a unit, each with why it was taken back, if it was."""
    duty = office.duty(unit).duty
    with office.at("2026-01-01 08:00") as runtime, runtime.sessions() as session:
        rows = session.scalars(select(ReminderRow).where(ReminderRow.duty_id == duty.id).order_by(ReminderRow.id))
        return {row.rung: row.cancelled_because for row in rows}


def skips_of(office, unit):
    duty = office.duty(unit).duty
    with office.at("2026-01-01 08:00") as runtime, runtime.sessions() as session:
        return {(row.rung, row.reason) for row in session.scalars(select(SkipRow).where(SkipRow.duty_id == duty.id))}


def state_mark(office, unit, kind, at, until=None):
    duty = office.duty(unit).duty
    with office.at(at) as runtime, runtime.sessions.begin() as session:
        mark = Mark(kind=kind, stated_at=hanoi(at), until=hanoi(until) if until else None)
        cycles.add_mark(session, duty.id, mark)


@pytest.fixture
def with_waiting_letters(opened_office):
    """Yield an office in which the overdue letters of 17/6/2025 wait, for the server was down."""
    port, opened_office.mail.smtp_port = opened_office.mail.smtp_port, 1
    assert opened_office.round("2025-06-17 08:00")["waiting"] > 50
    opened_office.mail.smtp_port = port
    return opened_office


def test_a_letter_that_waited_is_kept_back_when_it_has_lost_its_reason(with_waiting_letters):
    office = with_waiting_letters
    stated = {
        "so-y-te": (MarkKind.WAIVER, None, SkipReason.WAIVED),
        "so-noi-vu": (MarkKind.PROMISE, "2025-06-25 00:00", SkipReason.PROMISED),
        "so-tu-phap": (MarkKind.EXTENSION, "2025-06-28 00:00", SkipReason.EXTENDED),
        "so-cong-thuong": (MarkKind.MUTE, "2025-06-25 00:00", SkipReason.MUTED),
        "so-tai-chinh": (MarkKind.NIL, None, SkipReason.NIL),
    }
    for unit, (kind, until, _) in stated.items():
        state_mark(office, unit, kind, "2025-06-17 16:00", until)
    with office.at("2025-06-18 08:00") as runtime:
        assert post_letters.fn(runtime, [LetterKind.CHASE])["cancelled"] == len(stated)
    for unit, (_, _, reason) in stated.items():
        assert n_letters(office, unit) == 1, "only the opening"
        assert reminders_of(office, unit)["overdue"] is reason
        assert ("overdue", reason) in skips_of(office, unit)


def test_letters_that_waited_until_the_ladder_closed_do_not_leave(with_waiting_letters):
    counts = with_waiting_letters.round("2025-07-08 08:00")
    assert counts["sent"] == 0
    assert counts["cancelled"] > 50
    assert n_letters(with_waiting_letters) == 1
    assert reminders_of(with_waiting_letters, UNIT)["overdue"] is SkipReason.CLOSED


def test_a_letter_that_waited_for_days_says_the_newest_rung_and_each_duty_once(with_waiting_letters):
    office = with_waiting_letters
    office.round("2025-06-19 08:00")
    assert n_letters(office) == 2
    letter = office.letters_to(address_of(UNIT))[-1]
    assert letter["Subject"].startswith("[ĐÔN ĐỐC LẦN 1] [BC 6T 2025] Sở Y tế:")
    assert reminders_of(office, UNIT) == {"opening": None, "overdue": SkipReason.SUPERSEDED, "urging-1": None}
    assert office.round("2025-06-19 14:00")["sent"] == 0
    assert n_letters(office) == 2


def test_a_letter_of_yesterday_that_leaves_today_is_todays_letter(with_waiting_letters):
    office = with_waiting_letters
    office.round("2025-06-18 08:00")
    with office.at("2025-06-18 09:00") as runtime, runtime.sessions() as session:
        assert address_of(UNIT) in letters.recipients_chased_on(session, hanoi("2025-06-18 09:00").date())
