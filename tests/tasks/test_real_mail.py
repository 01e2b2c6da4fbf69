"""A reporting cycle over a real Postfix and a real Dovecot: opening, answers, verdicts, receipts, returned mail."""

from datetime import timedelta

import pytest

from models.db.records import letters, rosters
from models.domain.vocabulary import LetterState
from tasks.ports import Letter
from tests.builders import hanoi
from tests.mail_servers import BENEATH_INBOX, BOUNCED, REFUSED, RealPostOffice
from tests.tasks.answering import newest, plain, send_words
from tests.tasks.conftest import Office, address_of


@pytest.fixture
def served_office(tmp_path, mail_servers, databases):
    """An office that writes to Postfix and reads from Dovecot."""
    with RealPostOffice(tmp_path / "office", servers=mail_servers) as mail:
        yield Office(home=tmp_path / "home", mail=mail, settings=databases.new())


def failed_to(office):
    """Return to whom a letter failed."""
    with office.at("2025-06-17 08:00") as runtime, runtime.sessions() as session:
        return [letter.recipient for letter in letters.stuck_letters(session) if letter.state is LetterState.FAILED]


def test_a_cycle_from_the_opening_to_the_receipts(served_office):
    office = served_office
    the_cycle_opens(office)
    units_answer(office)
    nothing_is_taken_twice_from_a_mailbox_that_is_numbered_anew(office)


def the_cycle_opens(office):
    opened = office.round("2025-05-16 08:00")
    assert opened["opened"] == 1
    assert failed_to(office) == [REFUSED]
    assert all(len(office.letters_to(address_of(unit))) == 1 for unit in ("so-y-te", "so-tai-chinh"))
    first = office.poll("2025-05-16 08:40")
    assert first["accepted"] == first["quarantined"] == first["returned"] == 0, "no bounce is taken for an answer"
    with office.at("2025-05-16 09:00") as runtime, runtime.sessions() as session:
        contacts = rosters.working_contacts(session, "de-an-835", hanoi("2025-05-16 09:00").date())
    assert "so-noi-vu" not in contacts, "the address that Postfix reported as closed is written to no more"


def units_answer(office):
    office.send("so-y-te", "answer", "2025-06-10 09:00")
    office.send("so-tai-chinh", "answer_wrongly", "2025-06-10 09:01")
    office.send("so-xay-dung", "say_out_of_office", "2025-06-10 09:02")
    office.send("so-dan-toc-va-ton-giao", "answer_from_elsewhere", "2025-06-10 09:03")
    counts = office.poll("2025-06-10 09:30")
    assert {key: counts[key] for key in ("accepted", "returned", "quarantined")} == {
        "accepted": 1,
        "returned": 1,
        "quarantined": 1,
    }
    assert "đã tiếp nhận" in newest(office, "so-y-te")["Subject"]
    assert [part.get_filename() for part in newest(office, "so-tai-chinh").iter_attachments()]
    assert office.duty("so-y-te").duty.completed_at == hanoi("2025-06-10 09:00")
    assert_filed(office, {"Tiep-nhan": 1, "Tra-lai": 1, "Cho-xac-minh": 1, "INBOX": 3})

    office.send("so-tai-chinh", "correct", "2025-06-12 10:00")
    send_words(office, "so-xay-dung", "2025-06-12 10:01", "Không phát sinh")
    assert office.poll("2025-06-12 10:30")["accepted"] == 2
    assert "không phát sinh" in newest(office, "so-xay-dung")["Subject"]
    assert office.poll("2025-06-12 10:40")["taken"] == 2, "the blind copies of the two receipts"


def nothing_is_taken_twice_from_a_mailbox_that_is_numbered_anew(office):
    before = len(office.letters_to(address_of("so-y-te")))
    put_back(office, "Tiep-nhan")
    office.mail.forget_uids()
    counts = office.poll("2025-06-13 09:20")
    assert (counts["taken"], counts["ignored"], counts["accepted"]) == (3, 3, 0)
    office.poll("2025-06-13 09:30")
    assert len(office.letters_to(address_of("so-y-te"))) == before
    assert office.duty("so-y-te").duty.completed_at == hanoi("2025-06-10 09:00")


def assert_filed(office, expected):
    mail = office.mail
    names = mail.servers.doveadm("mailbox", "list", "-u", mail.account.address).split()
    said = mail.servers.doveadm("mailbox", "status", "-u", mail.account.address, "messages", *names)
    found = dict(line.replace(" messages=", "=").split("=") for line in said.splitlines())
    assert {name: int(found[name]) for name in expected} == expected


def put_back(office, folder):
    """Move everything of a folder back into the inbox, as an operator may do, and throw the folder away."""
    mail = office.mail
    mail.servers.doveadm("move", "-u", mail.account.address, "INBOX", "mailbox", folder, "all")
    mail.servers.doveadm("mailbox", "delete", "-u", mail.account.address, folder)


def test_folders_are_made_beneath_the_inbox_where_the_server_wants_them_there(tmp_path, mail_servers, databases):
    account = mail_servers.new_account()
    account = type(account)(address=BENEATH_INBOX, username=BENEATH_INBOX)
    with RealPostOffice(tmp_path / "office", servers=mail_servers, account=account) as mail:
        office = Office(home=tmp_path / "home", mail=mail, settings=databases.new())
        mail.put_in_mailbox(b"From: la@x.invalid\r\nSubject: chao\r\n\r\nchao\r\n", hanoi("2025-06-10 09:00"))
        assert office.poll("2025-06-10 09:30")["filed"] == 1
        assert_filed(office, {"INBOX.Khong-xu-ly": 1, "INBOX": 0})


def test_big_mails_come_whole_up_to_the_limit_and_marks_of_others_keep_none_back(served_office):
    office, account = served_office, served_office.mail.account
    big = b"From: la@x.invalid\r\nSubject: to\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 300_000
    at = hanoi("2025-06-10 09:00")
    for n, content in enumerate((big[: 15 * 1024 * 1024], big * 2)):
        office.mail.put_in_mailbox(content, at + timedelta(minutes=n))
    office.mail.servers.doveadm(
        "flags", "add", "-u", account.address, "\\Seen \\Answered \\Deleted", "mailbox", "INBOX", "all"
    )
    with office.at("2025-06-10 09:30") as runtime:
        whole, cut = runtime.mailbox.waiting(limit=10)
    assert (len(whole.content), whole.is_cut, whole.received_at) == (15 * 1024 * 1024, False, at)
    assert (cut.is_cut, cut.content) == (True, b"From: la@x.invalid\r\nSubject: to\r\n\r\n")


def test_one_refused_recipient_and_one_refused_copy_stop_no_letter(served_office):
    office = served_office
    wanted = [a_letter(1, address_of("so-y-te"), copies=(REFUSED,)), a_letter(2, REFUSED), a_letter(3, BOUNCED)]
    with office.delivered("2025-06-10 09:00") as runtime:
        said = {delivery.message_id: delivery for delivery in runtime.mail.deliver(wanted)}
    assert [said[letter.message_id].is_sent for letter in wanted] == [True, False, True]
    assert said[wanted[0].message_id].refused_copies == (REFUSED,)
    assert said[wanted[1].message_id].is_permanent
    assert [mail["Subject"] for mail in office.letters_to(address_of("so-y-te"))] == ["Nhắc"]
    assert "Kính gửi" in plain(newest(office, "so-y-te"))
    counts = office.poll("2025-06-10 09:30")
    assert counts["ignored"] >= 1
    assert counts["quarantined"] == 0


def a_letter(n, to, **changes):
    said = {"subject": "Nhắc", "text": "Kính gửi quý đơn vị\n", "html": "<p>Kính gửi</p>"} | changes
    return Letter(message_id=f"<real-{n}@dondoc.example.invalid>", to=to, **said)
