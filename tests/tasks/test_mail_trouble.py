"""A mail server that refuses, loses or is down: the rest goes on, nothing goes out twice, the next run finishes it."""

import signal
import subprocess
import sys
from pathlib import Path

from deployments.postoffice import Fault, FaultKind
from models.db.records import letters
from models.domain.vocabulary import LetterState
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
Office(Path({str(office.home)!r}), mail, {{"letters_per_batch": 10}}).round("2025-05-16 08:00")
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
