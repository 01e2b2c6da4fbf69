import os
import socket
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from imap_tools import MailBoxUnencrypted

from deployments.postoffice import Account, PostOffice, write_now
from models.domain.errors import MailboxUnavailableError
from models.domain.vocabulary import OFFICE_ZONE, Outcome
from tasks.adapters.clock import FixedClock
from tasks.adapters.inbox import DropFolder, ImapInbox
from tasks.adapters.smtp import SmtpTransport
from tasks.ports import Letter
from tasks.settings import ImapSettings, LimitSettings, SmtpSettings
from tests.mail_servers import RealPostOffice

MORNING = datetime(2025, 6, 10, 8, 0, tzinfo=OFFICE_ZONE)
NOW = FixedClock(MORNING)


def a_mail(n=1, text="Kính gửi"):
    return f"From: soyte@bacgiang.example.invalid\r\nSubject: {n}\r\n\r\n{text}\r\n".encode()


@pytest.fixture(params=["of the demo", "Dovecot"])
def post_office(request, tmp_path):
    """The demo's mail server and a real one: the adapter must not know which."""
    if request.param == "Dovecot":
        with RealPostOffice(tmp_path / "office", servers=request.getfixturevalue("mail_servers")) as office:
            yield office
        return
    with PostOffice(tmp_path / "office") as office:
        yield office


@pytest.fixture
def inbox_of():
    opened = []

    def open_one(office, *, limits=None, **changes):
        values = {
            "username": office.account.username,
            "password": "loopback",
            "security": "none",
            "timeout_seconds": 15,
        } | changes
        settings = ImapSettings(host="127.0.0.1", port=office.imap_port, **values)
        inbox = ImapInbox(settings, limits or LimitSettings())
        opened.append(inbox)
        return inbox

    yield open_one
    for inbox in opened:
        inbox.close()


def keys_of(inbox, limit=100):
    return [item.key for item in inbox.waiting(limit=limit)]


def test_what_waits_comes_oldest_first_with_the_instant_our_server_had_it(post_office, inbox_of):
    post_office.put_in_mailbox(a_mail(2), MORNING + timedelta(hours=2))
    post_office.put_in_mailbox(a_mail(1), MORNING)

    items = list(inbox_of(post_office).waiting(limit=10))

    assert [item.content for item in items] == [a_mail(1), a_mail(2)]
    assert [item.received_at for item in items] == [MORNING, MORNING + timedelta(hours=2)]
    assert items[0].received_at.tzinfo is OFFICE_ZONE
    assert len({item.key for item in items}) == 2


def test_a_mail_sent_to_a_plus_address_says_to_which(post_office, inbox_of):
    write_now(post_office.home, MORNING)
    server = SmtpSettings(host="127.0.0.1", port=post_office.smtp_port)
    transport = SmtpTransport(server, sender="u@bacgiang.example.invalid", sender_name="", clock=NOW)
    to = post_office.account.address.replace("@", "+abcdefgh234567ab@")
    assert next(
        iter(transport.deliver([Letter(message_id="<1@x.invalid>", to=to, subject="s", text="t", html="")]))
    ).is_sent
    transport.close()
    post_office.settle()

    (item,) = inbox_of(post_office).waiting(limit=10)

    assert item.received_at == MORNING
    assert f"Delivered-To: {to}".encode() in item.content


def test_what_is_filed_away_waits_no_more_and_lies_in_the_folder_of_its_outcome(post_office, inbox_of):
    for n in range(3):
        post_office.put_in_mailbox(a_mail(n), MORNING + timedelta(minutes=n))
    inbox = inbox_of(post_office)
    first, second, third = keys_of(inbox)

    inbox.file_away([first, second], Outcome.ACCEPTED)
    inbox.file_away([third], Outcome.QUARANTINED)

    assert keys_of(inbox) == []
    filed = inbox_of(post_office, folder="Tiep-nhan")
    assert [item.content for item in filed.waiting(limit=10)] == [a_mail(0), a_mail(1)]
    assert len(keys_of(inbox_of(post_office, folder="Cho-xac-minh"))) == 1


def test_filing_away_again_does_nothing(post_office, inbox_of):
    post_office.put_in_mailbox(a_mail(1))
    inbox = inbox_of(post_office)
    keys = keys_of(inbox)
    inbox.file_away(keys, Outcome.IGNORED)
    inbox.file_away(keys, Outcome.IGNORED)
    assert len(keys_of(inbox_of(post_office, folder="Khong-xu-ly"))) == 1


def test_no_more_than_the_limit_is_taken(post_office, inbox_of):
    for n in range(5):
        post_office.put_in_mailbox(a_mail(n), MORNING + timedelta(minutes=n))
    assert [item.content for item in inbox_of(post_office).waiting(limit=2)] == [a_mail(0), a_mail(1)]


def test_many_mails_come_in_batches_and_none_is_lost(post_office, inbox_of):
    for n in range(45):
        post_office.put_in_mailbox(a_mail(n), MORNING + timedelta(minutes=n))
    items = list(inbox_of(post_office).waiting(limit=100))
    assert [item.content for item in items] == [a_mail(n) for n in range(45)]


def test_of_a_mail_over_the_limit_only_the_headers_are_fetched(post_office, inbox_of):
    post_office.put_in_mailbox(a_mail(1, "x" * 5000))
    post_office.put_in_mailbox(a_mail(2))
    big, small = inbox_of(post_office, limits=LimitSettings(mail_bytes=1000)).waiting(limit=10)
    assert big.is_cut
    assert b"Subject: 1" in big.content
    assert b"xxx" not in big.content
    assert not small.is_cut


def test_after_a_new_uidvalidity_old_keys_move_nothing(post_office, inbox_of):
    post_office.put_in_mailbox(a_mail(1))
    inbox = inbox_of(post_office)
    old = keys_of(inbox)
    post_office.forget_uids()

    inbox = inbox_of(post_office)
    inbox.file_away(old, Outcome.IGNORED)

    new = keys_of(inbox)
    assert len(new) == 1
    assert new != old


def test_bytes_in_no_known_encoding_come_as_they_are(post_office, inbox_of):
    every_octet = bytes(range(1, 256))  # but NUL, which IMAP does not carry
    hostile = "Subject: Báo cáo\r\nFrom: sở@\xff\r\n\r\n".encode("latin-1", "replace") + every_octet + b"\r\n"
    post_office.put_in_mailbox(hostile)
    (item,) = inbox_of(post_office).waiting(limit=1)
    assert _with_ends_of_mail(item.content) == _with_ends_of_mail(hostile)


def _with_ends_of_mail(content):
    """Return a mail with the ends of line that a server may give it; no other octet may change."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_a_mailbox_survives_the_servers_restart(tmp_path, inbox_of):
    with PostOffice(tmp_path) as office:
        office.put_in_mailbox(a_mail(1), MORNING)
        first = keys_of(inbox_of(office))
    with PostOffice(tmp_path) as office:
        assert keys_of(inbox_of(office)) == first


def test_a_connection_that_died_is_made_again(tmp_path, inbox_of):
    with PostOffice(tmp_path) as office:
        port = office.imap_port
        inbox = inbox_of(office)
        assert keys_of(inbox) == []
    with PostOffice(tmp_path, imap_port=port) as office:
        office.put_in_mailbox(a_mail(1))
        assert len(keys_of(inbox)) == 1


def test_a_server_that_is_down_is_an_operators_problem(tmp_path, inbox_of):
    with PostOffice(tmp_path) as office:
        inbox = inbox_of(office)
    with pytest.raises(MailboxUnavailableError):
        keys_of(inbox)


def test_a_wrong_password_is_an_operators_problem(post_office, inbox_of):
    with pytest.raises(MailboxUnavailableError):
        keys_of(inbox_of(post_office, password="wrong"))


class CuttingProxy:
    """Stands before an IMAP server and cuts each connection after so many octets of the server's; 0 cuts none."""

    def __init__(self, office, octets, *, unable=()):
        self.unable = unable
        self.octets = octets
        self.account = office.account
        self._target = office.imap_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.imap_port = self._listening.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            Thread(target=self._pass_on, args=(client, server, 0), daemon=True).start()
            Thread(target=self._pass_on, args=(server, client, self.octets), daemon=True).start()

    def _pass_on(self, source, target, most):
        passed = 0
        with source, target, suppress(OSError):
            while data := self.hidden(source.recv(4096)):
                if most and passed + len(data) >= most:
                    target.sendall(data[: most - passed])
                    target.shutdown(socket.SHUT_RDWR)
                    return
                passed += len(data)
                target.sendall(data)

    def hidden(self, said):
        """Keep from a client what the server can do."""
        for ability in self.unable:
            said = said.replace(b" %s " % ability, b" X%s " % ability[1:])
        return said

    def close(self):
        self._listening.close()


@pytest.mark.parametrize("unable", [(), (b"MOVE",), (b"MOVE", b"UIDPLUS")])
def test_filing_away_moves_its_own_mails_only_whatever_the_server_can_do(unable, post_office, inbox_of):
    for n in range(3):
        post_office.put_in_mailbox(a_mail(n), MORNING + timedelta(minutes=n))
    proxy = CuttingProxy(post_office, 0, unable=unable)
    inbox = inbox_of(proxy)
    first, second, third = keys_of(inbox)
    with MailBoxUnencrypted("127.0.0.1", post_office.imap_port).login(
        post_office.account.username, "loopback"
    ) as other:
        other.client.uid("STORE", second.rpartition(":")[2], "+FLAGS.SILENT", r"(\Deleted)")

    inbox.file_away([first], Outcome.ACCEPTED)

    assert keys_of(inbox) == [second, third], "an operator's mark is not ours to carry out"
    assert [item.content for item in inbox_of(post_office, folder="Tiep-nhan").waiting(limit=9)] == [a_mail(0)]
    with MailBoxUnencrypted("127.0.0.1", post_office.imap_port).login(
        post_office.account.username, "loopback"
    ) as other:
        assert other.uids("DELETED") == [second.rpartition(":")[2]]
    proxy.close()


@pytest.mark.parametrize("after", [40, 400, 2_000, 9_000, 30_000, 70_000])
def test_a_connection_cut_anywhere_gives_no_half_mail_and_the_next_poll_finds_the_rest(after, post_office, inbox_of):
    mails = [a_mail(n, "x" * 4_000) for n in range(30)]
    for n, content in enumerate(mails):
        post_office.put_in_mailbox(content, MORNING + timedelta(minutes=n))
    proxy = CuttingProxy(post_office, after)
    taken = {}
    inbox = inbox_of(proxy)

    def take():
        for item in inbox.waiting(limit=100):
            taken[item.key] = item.content

    with pytest.raises(MailboxUnavailableError):
        take()
    proxy.octets = 0
    again = {item.key: item.content for item in inbox.waiting(limit=100)}
    proxy.close()
    assert taken.items() <= again.items()
    assert list(again.values()) == mails


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_the_mailbox_is_read_over_tls(security, tmp_path, certificate, inbox_of):
    ca_file, context = certificate
    with PostOffice(tmp_path, account=Account(), certificate=context, security=security) as office:
        office.put_in_mailbox(a_mail(1))
        inbox = inbox_of(office, security=security, ca_file=ca_file)
        assert len(keys_of(inbox)) == 1
        inbox.close()


@pytest.fixture
def drop(tmp_path):
    return DropFolder(tmp_path / "drop", LimitSettings(mail_bytes=1000), clock=NOW)


def lay(tmp_path, name, content=b"abc", *, operator="van-thu", at=MORNING - timedelta(minutes=1)):
    path = tmp_path / "drop" / operator / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def test_a_file_laid_into_the_drop_folder_bears_its_operator_and_time(tmp_path, drop):
    lay(tmp_path, "Biểu Sở Y tế.xlsx")
    (item,) = drop.waiting(limit=10)
    assert (item.operator, item.file_name, item.content) == ("van-thu", "Biểu Sở Y tế.xlsx", b"abc")
    assert item.received_at == MORNING - timedelta(minutes=1)


@pytest.mark.parametrize("name", ["a.xlsx.part", ".a.xlsx", "~$a.xlsx", "a.tmp"])
def test_a_file_half_written_is_left_alone(tmp_path, drop, name):
    lay(tmp_path, name)
    lay(tmp_path, "dang-ghi.xlsx", at=MORNING)
    assert list(drop.waiting(limit=10)) == []


def test_a_file_is_moved_to_its_outcome_and_never_over_another(tmp_path, drop):
    for content in (b"one", b"two"):
        lay(tmp_path, "a.xlsx", content)
        drop.file_away([item.key for item in drop.waiting(limit=10)], Outcome.RETURNED)
    done = tmp_path / "drop" / "van-thu" / "_da-xu-ly" / "Tra-lai"
    assert {path.name: path.read_bytes() for path in done.iterdir()} == {"a.xlsx": b"one", "a-2.xlsx": b"two"}
    assert list(drop.waiting(limit=10)) == []


def test_a_file_is_filed_away_after_a_restart_too(tmp_path, drop):
    lay(tmp_path, "a.xlsx")
    (item,) = drop.waiting(limit=10)
    DropFolder(tmp_path / "drop", LimitSettings(), clock=NOW).file_away([item.key], Outcome.ACCEPTED)
    assert list(drop.waiting(limit=10)) == []


def test_what_another_run_files_away_meanwhile_is_neither_taken_nor_a_reason_to_fail(tmp_path, drop, monkeypatch):
    first = lay(tmp_path, "a.xlsx", at=MORNING - timedelta(minutes=2))
    other = lay(tmp_path, "b.xlsx", b"other")
    waiting = drop.waiting(limit=10)
    items = [next(waiting)]
    other.unlink()
    assert [item.file_name for item in items + list(waiting)] == ["a.xlsx"]

    is_file = Path.is_file

    def seen_and_gone(path):
        found = is_file(path)
        if path == first:
            path.unlink()
        return found

    monkeypatch.setattr(Path, "is_file", seen_and_gone)
    drop.file_away([items[0].key], Outcome.ACCEPTED)
    assert not first.exists()


def test_a_file_over_the_limit_is_cut(tmp_path, drop):
    lay(tmp_path, "a.xlsx", b"x" * 2000)
    (item,) = drop.waiting(limit=10)
    assert item.is_cut
    assert item.content == b""
