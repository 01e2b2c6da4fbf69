"""Whom the office believes, how much it takes of one sender at a time, and what it does not keep at all."""

from email import policy
from email.message import EmailMessage

from sqlalchemy import select

from deployments.simulated_units import post
from models.db.records import arrivals
from models.db.tables import ArrivalRow
from models.domain.vocabulary import Outcome
from tasks.desk import desk_page
from tasks.digests import DIGESTS, queue_digests
from tasks.form_links import NO_WIDTH
from tasks.post import post_letters
from tests.adapters.test_edxml import an_edxml
from tests.adapters.test_secrecy import a_document
from tests.tasks.answering import form_of, newest, plain, send_form, send_words
from tests.tasks.conftest import address_of

UNIT, OTHER, THIRD = "so-y-te", "so-noi-vu", "so-tu-phap"
SERVER = "mx.ours.example"


def rows(office, instant):
    with office.at(instant) as runtime, runtime.sessions() as session:
        return list(session.scalars(select(ArrivalRow).order_by(ArrivalRow.id)))


def page(office, instant):
    """Return the page of the day as a person reads it: what keeps an address from becoming a link is not seen."""
    with office.at(instant) as runtime:
        return desk_page(runtime, runtime.clock.now(), {}).replace(NO_WIDTH, "")


def send_mail(office, sender, subject, instant, *, files=(), number=0):
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, office.mail.account.address, subject
    mail["Message-ID"] = f"<{sender}.{number}.{instant.replace(' ', '-')}@units.example.invalid>"
    mail.set_content(f"Thư số {number}")
    for name, content in files:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    with office.at(instant):
        post([mail], port=office.mail.smtp_port)


def test_a_contact_that_our_server_does_not_vouch_for_is_held_unanswered_and_becomes_an_alarm(opened_office):
    office = opened_office
    failed = ("Authentication-Results", f"{SERVER}; dmarc=fail header.from=example.invalid")
    send_words(office, UNIT, "2025-06-10 09:00", "Không phát sinh", headers=[failed])
    send_words(
        office, OTHER, "2025-06-10 09:00", "Không phát sinh", headers=[("Authentication-Results", "evil; dmarc=fail")]
    )
    n_before = len(office.letters_to(address_of(UNIT)))
    with office.at("2025-06-10 09:05") as runtime:
        settings = runtime.settings
    office.authserv_id = SERVER
    counts = office.poll("2025-06-10 09:05")
    assert (counts["quarantined"], counts["accepted"]) == (1, 1)
    assert len(office.letters_to(address_of(UNIT))) == n_before
    (held,) = office.quarantine()
    assert [(reason.code, dict(reason.facts)) for reason in held.reasons] == [
        ("sender_not_authentic", {"method": "DMARC"})
    ]
    assert settings.quarantine_working_days == 2
    assert "CHỜ QUÁ LÂU" not in page(office, "2025-06-12 09:00")
    assert "## Việc cần người xử lý\n\n- CHỜ QUÁ LÂU. Chờ xác minh (3 ngày" in page(office, "2025-06-13 09:00")

    office.settings["operator_address"] = "truc@example.invalid"
    with office.at("2025-06-13 09:00") as runtime:
        queue_digests.fn(runtime, runtime.clock.now())
        post_letters.fn(runtime, DIGESTS)
    (digest,) = office.letters_to("truc@example.invalid")
    assert "CHỜ QUÁ LÂU. Chờ xác minh (3 ngày" in digest.get_body(("plain",)).get_content().replace("\n", " ")


def test_one_sender_is_taken_in_turn_and_answered_so_often_a_day_and_nothing_is_lost(opened_office):
    office = opened_office
    office.settings |= {"arrivals_per_sender_hour": 2, "answers_per_sender_day": 3}
    for number in range(5):
        send_mail(office, address_of(UNIT), f"Hỏi {number}", "2025-06-10 09:00", number=number)
    send_form(office, OTHER, "2025-06-10 09:00")
    counts = office.poll("2025-06-10 09:05")
    assert (counts["quarantined"], counts["accepted"]) == (2, 1)
    assert f"Gửi quá nhiều: {address_of(UNIT)} còn 3 thư" in page(office, "2025-06-10 09:06")
    assert office.poll("2025-06-10 09:10")["quarantined"] == 0
    assert office.poll("2025-06-10 10:10")["quarantined"] == 2
    assert office.poll("2025-06-10 11:15")["quarantined"] == 1
    assert "Gửi quá nhiều" not in page(office, "2025-06-10 11:16")
    answers = [letter for letter in office.letters_to(address_of(UNIT)) if "đang kiểm tra" in letter["Subject"]]
    assert len(answers) == 3
    assert {row.outcome for row in rows(office, "2025-06-10 12:00")} >= {Outcome.QUARANTINED, Outcome.ACCEPTED}


def test_what_bears_a_marking_is_refused_and_nothing_of_it_is_kept(opened_office):
    office = opened_office
    office.poll("2025-06-09 09:00")  # the blind copies of what was sent before
    secret = a_document("UBND TỈNH", "TỐI MẬT", "Nội dung kín")
    send_mail(office, address_of(UNIT), "Gửi tài liệu kín", "2025-06-10 09:00", files=[("kin.docx", secret)])
    send_mail(office, "nguoila@example.invalid", "[MẬT] gửi", "2025-06-10 09:01")
    n_kept = len(list((office.home / "archive").rglob("*")))
    assert office.poll("2025-06-10 09:05")["returned"] == 2
    assert len(list((office.home / "archive").rglob("*"))) == n_kept
    marked = [row for row in rows(office, "2025-06-10 10:00") if row.is_secret]
    assert [(row.sender, row.subject, row.digest, row.file_name, row.duty_id) for row in marked] == [
        (address_of(UNIT), "", "", "", None),
        ("nguoila@example.invalid", "", "", "", None),
    ]
    letter = newest(office, UNIT)
    assert "Không tiếp nhận: thư, tệp có dấu chỉ độ mật" in letter["Subject"]
    assert "theo đường công văn mật" in plain(letter)
    assert "kín" not in plain(letter) + letter["Subject"]
    assert office.letters_to("nguoila@example.invalid") == []
    assert f"CÓ DẤU CHỈ ĐỘ MẬT: thư, tệp của {address_of(UNIT)}" in page(office, "2025-06-10 10:00")
    assert "kín" not in page(office, "2025-06-10 10:00")
    assert len(list((office.mail.home / "mailbox" / "Co-dau-mat").glob("*.eml"))) == 2


def test_a_document_of_the_e_office_is_taken_with_its_number_day_and_signer(opened_office):
    office = opened_office
    form, copy = form_of(office, THIRD, "2025-06-16 08:00")
    folder = office.home / "drop" / "van-thu"
    folder.mkdir(parents=True)
    (folder / "vb.edxml").write_bytes(an_edxml([("bieu.xlsx", form), ("bao-cao.pdf", copy)]))
    counts = office.poll("2025-06-16 09:05")
    assert counts["accepted"] == 1
    assert office.duty(THIRD).duty.completed_at is not None
    with office.at("2025-06-16 10:00") as runtime, runtime.sessions() as session:
        (arrival,) = arrivals.judged(
            session, [row.id for row in rows(office, "2025-06-16 10:00") if row.document_number]
        ).values()
    assert (arrival.envelope.document_number, arrival.envelope.signer) == ("123/BC-SYT", "Nguyễn Văn A")
    assert "số 123/BC-SYT, ký ngày 13/6/2025" in plain(newest(office, THIRD))
