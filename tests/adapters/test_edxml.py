"""Documents of the e-office trunk: what they say and carry, and what is not read."""

import base64
from datetime import date

import pytest

from tasks.adapters.edxml import is_edxml, read_edxml, with_documents
from tasks.ports import MailFile, OfficialDocument, ParsedMail
from tasks.settings import LimitSettings

LIMITS = LimitSettings(_env_file=None)
HEADER = """<edXML:Code>
<edXML:CodeNumber>123</edXML:CodeNumber><edXML:CodeNotation>BC-SYT</edXML:CodeNotation></edXML:Code>
<edXML:PromulgationInfo><edXML:Place>Bắc Giang</edXML:Place>
<edXML:PromulgationDate>{day}</edXML:PromulgationDate></edXML:PromulgationInfo>
<edXML:Subject>Báo cáo 6 tháng</edXML:Subject>
<edXML:SignerInfo><edXML:FullName>Nguyễn Văn A</edXML:FullName></edXML:SignerInfo>"""


def an_edxml(files=(("bieu.xlsx", b"PK..."),), *, day="2025/06/13", before="", extra="", root="edXML:EdXML"):
    attached = "".join(
        f"<Attachment><ContentType>application/zip</ContentType><ContentId>cid:{n}</ContentId>"
        f"<AttachmentName>{name}</AttachmentName>"
        f"<edXML:ContentTransferEncoded>{base64.b64encode(content).decode()}</edXML:ContentTransferEncoded></Attachment>"
        for n, (name, content) in enumerate(files)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        f'<{root} xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXML:edXMLEnvelope><edXML:edXMLHeader>'
        f"<edXML:MessageHeader>{HEADER.format(day=day)}{extra}</edXML:MessageHeader></edXML:edXMLHeader>"
        f"</edXML:edXMLEnvelope><AttachmentEncoded>{attached}</AttachmentEncoded></{root}>"
    ).encode()


def test_number_date_signer_and_files_are_read():
    read = read_edxml(an_edxml(), LIMITS)
    assert read.document == OfficialDocument(number="123/BC-SYT", signed_on=date(2025, 6, 13), signer="Nguyễn Văn A")
    assert read.subject == "Báo cáo 6 tháng"
    assert [(file.name, file.content) for file in read.files] == [("bieu.xlsx", b"PK...")]
    assert read.findings == ()


def test_the_other_root_and_elements_without_a_namespace_are_read_too():
    content = an_edxml().decode().replace("edXML:EdXML", "EdXMLEnvelope").replace("edXML:", "").encode()
    content = content.replace(b"xmlns:edXML", b"xmlns")
    assert is_edxml(content)
    assert read_edxml(content, LIMITS).document.number == "123/BC-SYT"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-06-13", date(2025, 6, 13)),
        ("13/06/2025", date(2025, 6, 13)),
        ("2025-06-13T08:00:00", date(2025, 6, 13)),
        ("31/02/2025", None),
        ("", None),
    ],
)
def test_a_day_is_read_as_offices_write_it(day, expected):
    assert read_edxml(an_edxml(day=day), LIMITS).document.signed_on == expected


@pytest.mark.parametrize(
    "content",
    [
        an_edxml(before='<!DOCTYPE x [<!ENTITY a "b">]>'),
        an_edxml(before='<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
        an_edxml(extra="<a>" * 50 + "</a>" * 50),
        an_edxml(extra="<a/>" * 20_001),
        an_edxml(extra="&undefined;"),
        an_edxml()[:-20],
        an_edxml([("x", b"x")] * 102),
        an_edxml().replace(b"UEsuLi4=", b"!not base64!"),
        b"<EdXML></EdXMLEnvelope>",
    ],
    ids=["entity", "external", "deep", "many", "undefined", "cut", "files", "base64", "unbalanced"],
)
def test_what_no_e_office_writes_is_a_finding(content):
    assert [found.code for found in read_edxml(content, LIMITS).findings] == ["edxml_unreadable"]


def test_a_document_without_files_says_so():
    assert [found.code for found in read_edxml(an_edxml(()), LIMITS).findings] == ["edxml_without_files"]


def test_a_document_within_a_mail_is_opened_in_its_place():
    mail = ParsedMail(
        subject="Gửi báo cáo",
        files=(
            MailFile(name="vb.edxml", media_type="", content=an_edxml()),
            MailFile(name="a", media_type="", content=b"a"),
        ),
    )
    opened = with_documents(mail, LIMITS)
    assert [file.name for file in opened.files] == ["bieu.xlsx", "a"]
    assert (opened.subject, opened.document.number) == ("Gửi báo cáo", "123/BC-SYT")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html><EdXM></html>", b"Kinh gui EdXML"])
def test_other_files_are_none(content):
    assert not is_edxml(content)
