import email
import email.policy
import json
from datetime import datetime

import pytest

from deployments.postoffice import Account, Fault, FaultKind, PostOffice
from models.domain.errors import MailServerUnavailableError
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.clock import FixedClock
from tasks.adapters.smtp import SmtpTransport
from tasks.ports import Letter
from tasks.settings import SmtpSettings

OURS = "baocao@dondoc.example.invalid"
UNIT = "soyte@bacgiang.example.invalid"
OTHER = "sotaichinh@bacgiang.example.invalid"
CLOCK = FixedClock(datetime(2025, 6, 10, 8, 5, tzinfo=OFFICE_ZONE))


def a_letter(to=UNIT, n=1, **changes):
    values = {"subject": "Đề nghị gửi báo cáo", "text": "Kính gửi", "html": "<p>Kính gửi</p>"} | changes
    return Letter(message_id=f"<letter-{n}@dondoc.example.invalid>", to=to, **values)


@pytest.fixture
def transport_to():
    opened = []

    def open_one(office, *, journal_to="", **settings):
        server = SmtpSettings(host="127.0.0.1", port=office.smtp_port, timeout_seconds=1.5, **settings)
        transport = SmtpTransport(server, sender=OURS, sender_name="Tổ thư ký", clock=CLOCK, journal_to=journal_to)
        opened.append(transport)
        return transport

    yield open_one
    for transport in opened:
        transport.close()


def by_address(letters, deliveries):
    addresses = {letter.message_id: letter.to for letter in letters}
    return {addresses[delivery.message_id]: delivery for delivery in deliveries}


def read(content):
    return email.message_from_bytes(content, policy=email.policy.default)


def test_a_letter_arrives_with_its_headers_and_texts(post_office, transport_to):
    token = "baocao+abcdefgh234567ab@dondoc.example.invalid"
    letter = a_letter(reply_to=token, in_reply_to="<asked@elsewhere.example.invalid>")

    (delivery,) = transport_to(post_office).deliver([letter])

    assert delivery.is_sent
    (arrived,) = map(read, post_office.mails_for(UNIT))
    assert arrived["From"] == f"Tổ thư ký <{OURS}>"
    assert arrived["Reply-To"] == token
    assert arrived["Subject"] == "Đề nghị gửi báo cáo"
    assert arrived["Message-ID"] == letter.message_id
    assert arrived["In-Reply-To"] == arrived["References"] == "<asked@elsewhere.example.invalid>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Date"].datetime == CLOCK.now()
    assert arrived.get_body(("plain",)).get_content().strip() == "Kính gửi"
    assert arrived.get_body(("html",)).get_content().strip() == "<p>Kính gửi</p>"


def test_connections_are_kept_from_batch_to_batch(post_office, transport_to):
    transport = transport_to(post_office, connections=3)
    for batch in range(4):
        letters = [a_letter(f"unit{n}@bacgiang.example.invalid", n=batch * 20 + n) for n in range(20)]
        assert all(delivery.is_sent for delivery in transport.deliver(letters))
    assert post_office.counts.mails == 80
    assert post_office.counts.smtp_connections <= 3


def test_a_refused_recipient_fails_for_good_and_the_rest_goes_on(post_office, transport_to):
    post_office.misbehave(Fault(UNIT, FaultKind.REFUSE))
    letters = [a_letter(UNIT, 1), a_letter(OTHER, 2)]

    deliveries = by_address(letters, transport_to(post_office, connections=1).deliver(letters))

    assert deliveries[UNIT].is_permanent
    assert deliveries[UNIT].detail.startswith("550")
    assert deliveries[OTHER].is_sent
    assert post_office.mails_for(UNIT) == []
    assert post_office.counts.smtp_connections == 1


def test_a_greylisted_letter_may_be_tried_again(post_office, transport_to):
    post_office.misbehave(Fault(UNIT, FaultKind.GREYLIST, times=1))
    transport = transport_to(post_office, connections=1)

    (first,) = transport.deliver([a_letter()])
    (second,) = transport.deliver([a_letter()])

    assert (first.is_sent, first.is_permanent, first.is_unknown) == (False, False, False)
    assert second.is_sent
    assert len(post_office.mails_for(UNIT)) == 1


def test_a_text_that_is_refused_fails_for_good(post_office, transport_to):
    post_office.misbehave(Fault(UNIT, FaultKind.REFUSE_TEXT))
    (delivery,) = transport_to(post_office).deliver([a_letter()])
    assert delivery.is_permanent


def test_a_connection_lost_before_the_text_is_made_again_once(post_office, transport_to):
    post_office.misbehave(Fault(UNIT, FaultKind.DROP_BEFORE_TEXT, times=1))
    (delivery,) = transport_to(post_office, connections=1).deliver([a_letter()])
    assert delivery.is_sent
    assert len(post_office.mails_for(UNIT)) == 1


def test_a_connection_lost_twice_before_the_text_leaves_the_letter_for_later(post_office, transport_to):
    post_office.misbehave(Fault(UNIT, FaultKind.DROP_BEFORE_TEXT))
    letters = [a_letter(UNIT, 1), a_letter(OTHER, 2)]
    deliveries = by_address(letters, transport_to(post_office, connections=1).deliver(letters))
    lost = deliveries[UNIT]
    assert (lost.is_sent, lost.is_permanent, lost.is_unknown) == (False, False, False)
    assert deliveries[OTHER].is_sent


@pytest.mark.parametrize(("kind", "n_kept"), [(FaultKind.DROP_AFTER_TEXT, 1), (FaultKind.DROP_IN_TEXT, 0)])
def test_a_connection_lost_after_the_text_was_handed_over_is_unknown_and_not_repeated(
    post_office, transport_to, kind, n_kept
):
    post_office.misbehave(Fault(UNIT, kind))
    letters = [a_letter(UNIT, 1), a_letter(OTHER, 2)]
    deliveries = by_address(letters, transport_to(post_office, connections=1).deliver(letters))
    assert deliveries[UNIT].is_unknown
    assert not deliveries[UNIT].is_sent
    assert deliveries[OTHER].is_sent
    assert len(post_office.mails_for(UNIT)) == n_kept


def test_a_connection_that_died_between_batches_costs_no_letter(tmp_path, transport_to):
    with PostOffice(tmp_path) as first:
        transport = transport_to(first, connections=2)
        assert all(d.is_sent for d in transport.deliver([a_letter(n=1), a_letter(OTHER, n=2)]))
        port = first.smtp_port
    with PostOffice(tmp_path, smtp_port=port) as second:
        assert all(d.is_sent for d in transport.deliver([a_letter(n=3), a_letter(OTHER, n=4)]))
        assert len(second.mails_for(UNIT)) == 2


def test_a_server_that_is_down_is_an_operators_problem_and_nothing_is_pretended(tmp_path, transport_to):
    with PostOffice(tmp_path) as office:
        transport = transport_to(office)
    with pytest.raises(MailServerUnavailableError) as problem:
        list(transport.deliver([a_letter()]))
    assert problem.value.facts["port"] == office.smtp_port


def test_a_refused_copy_is_told_and_the_letter_goes(post_office, transport_to):
    post_office.misbehave(Fault(OTHER, FaultKind.REFUSE))
    member = "uyvien@bacgiang.example.invalid"
    (delivery,) = transport_to(post_office).deliver([a_letter(copies=(OTHER, member))])
    assert delivery.is_sent
    assert delivery.refused_copies == (OTHER,)
    assert len(post_office.mails_for(member)) == 1


def test_the_journal_copy_is_blind_and_in_the_same_transaction(post_office, transport_to):
    (delivery,) = transport_to(post_office, journal_to=OURS).deliver([a_letter()])
    assert delivery.is_sent
    assert post_office.counts.mails == 1
    assert post_office.mails_for(OURS) == post_office.mails_for(UNIT)
    (arrived,) = map(read, post_office.mails_for(UNIT))
    assert OURS not in (arrived["To"], arrived["Cc"])


def test_a_journal_that_is_refused_does_not_stop_the_letter(post_office, transport_to):
    post_office.misbehave(Fault(OURS, FaultKind.REFUSE))
    (delivery,) = transport_to(post_office, journal_to=OURS).deliver([a_letter()])
    assert delivery.is_sent
    assert delivery.refused_copies == (OURS,)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Báo cáo\r\nBcc: other@elsewhere.example.invalid"},
        {"reply_to": "a@b.example.invalid\nBcc: c@d.example.invalid"},
        {"to": "a@b.example.invalid>\r\nRCPT TO:<c@d.example.invalid"},
        {"headers": (("X-Unit", "a\nBcc: c@d.example.invalid"),)},
        {"headers": (("Bcc", "c@d.example.invalid"),)},
        {"in_reply_to": "<a@b>\r\nBcc: c@d.example.invalid"},
        {"copies": ("không phải địa chỉ",)},
    ],
)
def test_a_line_break_in_a_value_never_becomes_a_header(changes, post_office, transport_to):
    letters = [a_letter(**({"to": UNIT} | changes)), a_letter(OTHER, 2)]
    deliveries = {d.message_id: d for d in transport_to(post_office).deliver(letters)}
    assert deliveries[letters[0].message_id].is_permanent
    assert deliveries[letters[1].message_id].is_sent
    assert post_office.counts.mails == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_letters_go_out_over_tls_after_a_login(security, tmp_path, certificate, transport_to):
    ca_file, context = certificate
    account = Account(smtp_login=True)
    with PostOffice(tmp_path, account=account, certificate=context, security=security) as office:
        login = {"username": account.username, "password": account.password}
        transport = transport_to(office, security=security, ca_file=ca_file, **login)
        (delivery,) = transport.deliver([a_letter()])
        assert delivery.is_sent


def test_a_wrong_password_is_an_operators_problem(tmp_path, certificate, transport_to):
    ca_file, context = certificate
    with PostOffice(tmp_path, account=Account(smtp_login=True), certificate=context, security="starttls") as office:
        transport = transport_to(office, security="starttls", ca_file=ca_file, username="baocao", password="wrong")
        with pytest.raises(MailServerUnavailableError):
            list(transport.deliver([a_letter()]))


def test_a_server_with_a_strange_certificate_gets_no_letter(tmp_path, certificate, transport_to):
    _, context = certificate
    with PostOffice(tmp_path, certificate=context, security="tls") as office:
        with pytest.raises(MailServerUnavailableError):
            list(transport_to(office, security="tls").deliver([a_letter()]))
        assert office.counts.mails == 0


def test_a_caller_who_stops_listening_stops_the_sending(post_office, transport_to):
    post_office.misbehave(Fault("*", FaultKind.SLOW))
    deliveries = transport_to(post_office, connections=1).deliver([a_letter(n=n) for n in range(10)])
    next(deliveries)
    deliveries.close()
    assert post_office.counts.mails <= 2


def test_nothing_to_send_opens_no_connection(post_office, transport_to):
    assert list(transport_to(post_office).deliver([])) == []
    assert post_office.counts.smtp_connections == 0


def test_a_post_office_killed_while_handing_out_hands_each_mail_to_each_recipient_once(tmp_path):
    home = tmp_path / "office"
    with PostOffice(home) as office:
        office.put_in_mailbox(b"Subject: before\r\n\r\n.\r\n")
    to = ["so@example.invalid", office.account.address]
    outside = {"id": "ab12", "sender": "", "to": to, "at": "2025-05-16T08:00+07:00"}
    (home / "spool").mkdir(exist_ok=True)
    (home / "spool" / "ab12.mail").write_bytes(json.dumps(outside).encode() + b"\nSubject: left\r\n\r\n.\r\n")
    (home / "mail" / "so@example.invalid").mkdir(parents=True)
    (home / "mail" / "so@example.invalid" / "000001-ab12.eml").write_bytes(b"Subject: left\r\n\r\n.\r\n")
    with PostOffice(home) as again:
        assert len(again.mails_for("so@example.invalid")) == 1
    left = [path for path in (home / "mailbox" / "INBOX").glob("*.eml") if b"left" in path.read_bytes()]
    assert len(left) == 1
    assert list((home / "spool").iterdir()) == []
