import email
import email.policy
from datetime import datetime
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.mime import LetterInvalidError, build_message
from tasks.ports import Attachment, Letter

SENT_AT = datetime(2025, 6, 10, 8, 5, tzinfo=OFFICE_ZONE)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
VIETNAMESE = "aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặấầẩẫậéèẻẽẹếềểễệĐỒỘ ABC0123456789.,;:'\"()[]<>@=?_-–%\\/&"


def a_message(*, sender_name="Tổ thư ký", **changes):
    values = {"to": "soyte@bacgiang.example.invalid", "subject": "x", "text": "Kính gửi\n", "html": ""} | changes
    letter = Letter(message_id="<letter-1@dondoc.example.invalid>", **values)
    return build_message(letter, sender="baocao@dondoc.example.invalid", sender_name=sender_name, sent_at=SENT_AT)


def read(content):
    return email.message_from_bytes(content, policy=email.policy.default)


def names(message):
    return [part.get_filename() for part in message.iter_attachments()]


one_line = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")) | st.sampled_from(VIETNAMESE), max_size=120)
person_names = one_line.map(lambda text: " ".join(text.split())).filter(bool)


@settings(deadline=None)
@given(one_line)
def test_any_subject_comes_back_as_it_was_and_adds_no_header(subject):
    message = read(a_message(subject=subject))
    assert message["Subject"] == subject
    assert message.keys() == HEADERS


@settings(deadline=None)
@given(person_names)
def test_any_sender_name_comes_back_as_it_was(sender_name):
    # policy.default of Python 3.11 keeps the space between two encoded words of a name, which RFC 2047 drops.
    words, address = parseaddr(email.message_from_bytes(a_message(sender_name=sender_name))["From"])
    assert str(make_header(decode_header(words))) == sender_name
    assert address == "baocao@dondoc.example.invalid"


@settings(deadline=None)
@given(st.text(st.sampled_from(VIETNAMESE), min_size=1, max_size=70).map(str.strip).filter(bool))
def test_any_attachment_name_comes_back_as_it_was(name):
    attachment = Attachment(name=name, media_type=XLSX, content=b"PK")
    assert names(read(a_message(attachments=(attachment,)))) == [name]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=300), st.binary(max_size=300))
def test_any_text_and_any_file_come_back_and_no_line_is_too_long(text, content):
    attachment = Attachment(name="bieu.xlsx", media_type=XLSX, content=content)
    octets = a_message(text=text, html=f"<p>{text}</p>", attachments=(attachment,))
    message = read(octets)
    (file,) = message.iter_attachments()
    assert file.get_content() == content
    assert message.get_body(("plain",)).get_content().splitlines() == "\n".join(text.splitlines()).splitlines()
    assert octets.isascii()
    assert all(len(line) <= 998 and not line.startswith(b".") for line in octets.split(b"\r\n"))
    assert octets.replace(b"\r\n", b"").count(b"\n") == 0


def test_a_name_too_long_for_a_line_is_cut_and_keeps_its_ending():
    octets = a_message(attachments=(Attachment(name="ế" * 300 + ".xlsx", media_type=XLSX, content=b"PK"),))
    (name,) = names(read(octets))
    assert name.endswith("ế.xlsx")
    assert max(map(len, octets.split(b"\r\n"))) <= 998


def test_a_program_that_knows_no_encoded_names_reads_one_without_accents():
    octets = a_message(attachments=(Attachment(name="Biểu Đồng Tâm.xlsx", media_type=XLSX, content=b"PK"),))
    assert b'filename="Bieu Dong Tam.xlsx"' in octets


@pytest.mark.parametrize("sign", ["\r", "\n", "\x00", "\x0b", "\x85", "\u2028", "\ud800"])
def test_a_control_character_in_a_header_is_refused(sign):
    with pytest.raises(LetterInvalidError):
        a_message(subject=f"Báo cáo{sign}Bcc: a@b.example.invalid")
    with pytest.raises(LetterInvalidError):
        a_message(sender_name=f"Tổ{sign}thư ký")
    with pytest.raises(LetterInvalidError):
        a_message(attachments=(Attachment(name=f"a{sign}b.xlsx", media_type=XLSX, content=b""),))


def test_a_media_type_cannot_carry_a_header():
    with pytest.raises(LetterInvalidError):
        a_message(attachments=(Attachment(name="a", media_type="text/plain\r\nBcc: a@b.invalid", content=b""),))


def test_copies_are_named_and_stand_in_one_header():
    message = read(a_message(copies=("a@b.example.invalid", "c@d.example.invalid")))
    assert [address.addr_spec for address in message["Cc"].addresses] == ["a@b.example.invalid", "c@d.example.invalid"]
