"""A form that a unit saved as .ods is taken as it is; what must be corrected is asked for in the right form."""

from email import policy
from email.message import EmailMessage

from deployments.simulated_units import post
from tests.adapters.test_secrecy import a_pdf
from tests.corpus import as_ods
from tests.tasks.answering import form_of, newest, plain
from tests.tasks.conftest import address_of

UNIT = "so-y-te"


def send_ods(office, instant, **cells):
    content, _ = form_of(office, UNIT, instant, cells=cells)
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = address_of(UNIT), office.mail.account.address, "Báo cáo"
    mail["Message-ID"] = f"<{instant.replace(' ', '-')}@units.example.invalid>"
    mail.set_content("Gửi báo cáo.")
    mail.add_attachment(as_ods(content), maintype="application", subtype="octet-stream", filename="bieu.ods")
    mail.add_attachment(a_pdf(["Báo cáo"]), maintype="application", subtype="pdf", filename="ky.pdf")
    with office.at(instant):
        post([mail], port=office.mail.smtp_port)


def test_an_open_document_is_read_answered_with_the_right_form_when_wrong_and_accepted_when_right(opened_office):
    office = opened_office
    send_ods(office, "2025-06-03 09:00", CT01=-5)
    assert office.poll("2025-06-03 09:05")["returned"] == 1
    letter = newest(office, UNIT)
    assert "ô E7: “Văn bản lãnh đạo" in plain(letter)
    assert [part.get_filename() for part in letter.iter_attachments()] == ["bieu-mau-bc-6t-2025-so-y-te.xlsx"]
    assert "điền vào biểu mẫu đúng kèm thư này" in plain(letter)

    send_ods(office, "2025-06-04 09:00", CT01=5)
    assert office.poll("2025-06-04 09:05")["accepted"] == 1
    assert "Tệp ở dạng OpenDocument (.ods); số liệu đã được đọc đủ" in plain(newest(office, UNIT))
