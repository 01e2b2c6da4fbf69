import base64
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.adapters.mail_reading import MailReader
from tasks.adapters.texts import Texts
from tasks.settings import LimitSettings

UNIT = "soyte@bacgiang.example.invalid"
OURS = "baocao@dondoc.example.invalid"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENCODED = "Bi%E1%BB%83u%20S%E1%BB%9F%20Y%20t%E1%BA%BF.xlsx"
READER = MailReader(Texts.load(), LimitSettings())


def a_mail(body="Gửi báo cáo.", *, headers="", kind="text/plain; charset=utf-8"):
    head = f"From: =?utf-8?B?U+G7nyBZIHThur8=?= <{UNIT}>\r\nTo: {OURS}\r\nMessage-ID: <a@b.invalid>\r\n"
    return f"{head}{headers}MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n{body}\r\n".encode()


def with_part(part, *, headers=""):
    body = f"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGửi báo cáo.\r\n--x\r\n{part}\r\n--x--\r\n"
    return a_mail(body, kind='multipart/mixed; boundary="x"', headers=headers)


def a_file(disposition, *, kind=XLSX, content=b"PK-workbook"):
    text = base64.b64encode(content).decode()
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{disposition}\r\n\r\n{text}"


def codes(parsed):
    return [item.code for item in parsed.findings]


def test_the_envelope_of_a_mail_is_read():
    parsed = READER.read(
        a_mail(
            headers="Subject: =?utf-8?Q?B=C3=A1o_c=C3=A1o_6_th=C3=A1ng?=\r\n"
            "Delivered-To: baocao+abcdefgh234567ab@dondoc.example.invalid\r\nCc: a@b.example.invalid\r\n"
            "In-Reply-To: <one@dondoc.example.invalid>\r\n"
            "References: <zero@dondoc.example.invalid>\r\n <one@dondoc.example.invalid>\r\n"
        )
    )
    assert (parsed.sender, parsed.sender_name) == (UNIT, "Sở Y tế")
    assert parsed.subject == "Báo cáo 6 tháng"
    assert parsed.recipients[0] == "baocao+abcdefgh234567ab@dondoc.example.invalid"
    assert "a@b.example.invalid" in parsed.recipients
    assert parsed.in_reply_to == ("<one@dondoc.example.invalid>", "<zero@dondoc.example.invalid>")
    assert parsed.message_id == "<a@b.invalid>"
    assert parsed.own_text == "Gửi báo cáo."
    assert parsed.auto_reply_reason == ""


@pytest.mark.parametrize(
    "disposition",
    [
        f"Content-Disposition: attachment; filename*=utf-8''{ENCODED}",
        f"Content-Disposition: attachment; filename=\"Bieu.xlsx\"; filename*=utf-8''{ENCODED}",
        f"Content-Disposition: attachment;\r\n filename*0*=utf-8''{ENCODED[:14]};\r\n filename*1*={ENCODED[14:]}",
        'Content-Disposition: attachment; filename="=?utf-8?B?Qmnhu4N1IFPhu58gWSB04bq/Lnhsc3g=?="',
        "Content-Disposition: attachment; filename==?utf-8?B?Qmnhu4N1IFPhu58gWSB04bq/Lnhsc3g=?=",
        'Content-Disposition: attachment; filename="Biểu Sở Y tế.xlsx"',
        f'Content-Disposition: attachment; filename="{unicodedata.normalize("NFD", "Biểu Sở Y tế.xlsx")}"',
        'Content-Disposition: attachment; filename="C:\\\\van thu\\\\Biểu Sở Y tế.xlsx"',
        'Content-Disposition: attachment; filename="../../Biểu Sở Y tế.xlsx"',
    ],
)
def test_a_vietnamese_file_name_is_read_however_it_was_written(disposition):
    (file,) = READER.read(with_part(a_file(disposition))).files
    assert file.name == "Biểu Sở Y tế.xlsx"
    assert file.content == b"PK-workbook"
    assert file.media_type == XLSX


def test_a_name_that_stands_only_in_the_content_type_is_read():
    (file,) = READER.read(with_part(a_file("X: y", kind=f'{XLSX}; name="bieu.xlsx"'))).files
    assert file.name == "bieu.xlsx"


def test_a_workbook_without_a_name_is_still_found():
    (file,) = READER.read(with_part(a_file("X: y"))).files
    assert (file.name, file.content) == ("", b"PK-workbook")


def test_a_workbook_within_a_forwarded_mail_is_found_and_its_text_is_not_the_senders():
    inner = with_part(a_file('Content-Disposition: attachment; filename="bieu.xlsx"')).decode()
    inner = (
        inner.replace('boundary="x"', 'boundary="y"').replace("--x", "--y").replace("Gửi báo cáo", "Không phát sinh")
    )
    parsed = READER.read(with_part(f"Content-Type: message/rfc822\r\n\r\n{inner}"))
    assert [file.name for file in parsed.files] == ["bieu.xlsx"]
    assert parsed.own_text == "Gửi báo cáo."


@pytest.mark.parametrize(
    "quotation",
    [
        "Vào Th 5, 12 thg 6, 2025 vào lúc 08:05 Tổ thư ký <baocao@dondoc.example.invalid> đã viết:\n> Kính gửi",
        "Vào Th 5, 12 thg 6, 2025 vào lúc 08:05 Tổ thư ký <\nbaocao@dondoc.example.invalid> đã viết:\n\n> Kính gửi",
        "On Thu, Jun 12, 2025 at 8:05 AM Desk <baocao@dondoc.example.invalid> wrote:\n> Kính gửi",
        "-----Original Message-----\nFrom: Desk\nSent: Thursday\nKính gửi",
        "________________________________\nFrom: Tổ thư ký\nSent: 12 June 2025\nTo: Sở Y tế\nSubject: x\n\nKính gửi",
        "________________________________\nTừ: Tổ thư ký\nĐã gửi: 12/6/2025\nĐến: Sở Y tế\nChủ đề: x\n\nKính gửi",
        "*Từ:* Tổ thư ký\n*Gửi:* 12/6/2025\nKính gửi",
        "Ngày 12/06/2025 08:05, Tổ thư ký <baocao@dondoc.example.invalid> viết:\n> Kính gửi",
        "---------- Forwarded message ---------\nTừ: a\nKính gửi",
        "> Kính gửi",
        "-- \nVăn phòng Sở Y tế",
    ],
)
def test_what_is_quoted_is_not_what_the_sender_wrote(quotation):
    assert READER.read(a_mail(f"Không phát sinh\n\n{quotation}")).own_text == "Không phát sinh"


def test_an_answer_below_the_quotation_is_read_too():
    body = "On Thu, Jun 12, 2025 at 8:05 AM Desk <a@b.example.invalid> wrote:\n> Kính gửi\n\nKhông phát sinh"
    assert READER.read(a_mail(body)).own_text == "Không phát sinh"


@pytest.mark.parametrize(
    "html",
    [
        "<p>Không&nbsp;phát sinh</p><blockquote>Kính gửi</blockquote>",
        "<div>Không phát sinh<br></div><div class='gmail_quote'><div>Kính gửi</div></div>",
        "<style>p {}</style><p>Không phát sinh</p><div id='divRplyFwdMsg'>Từ: a</div><p>Kính gửi</p>",
        "<p>Không phát <b>sinh</p><script>Kính gửi</script>",
    ],
)
def test_a_mail_in_html_only_is_read_without_its_quotation(html):
    assert READER.read(a_mail(html, kind="text/html; charset=utf-8")).own_text == "Không phát sinh"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ("Auto-Submitted: auto-replied\r\n", "auto_submitted"),
        ("Auto-Submitted: auto-generated\r\n", "auto_submitted"),
        ("X-Auto-Response-Suppress: All\r\n", "response_suppressed"),
        ("Precedence: auto_reply\r\n", "precedence"),
        ("Subject: Automatic reply: x\r\n", "out_of_office"),
        ("Subject: =?utf-8?Q?Tr=E1=BA=A3_l=E1=BB=9Di_t=E1=BB=B1_=C4=91=E1=BB=99ng=3A_x?=\r\n", "out_of_office"),
        ("Auto-Submitted: no\r\n", ""),
    ],
)
def test_an_answer_by_a_machine_is_known(headers, reason):
    assert READER.read(a_mail(headers=headers)).auto_reply_reason == reason


def test_a_report_that_an_office_system_sends_is_no_automatic_answer():
    part = a_file('Content-Disposition: attachment; filename="bieu.xlsx"')
    parsed = READER.read(with_part(part, headers="Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\n"))
    assert parsed.auto_reply_reason == ""
    assert len(parsed.files) == 1


def a_bounce(status, action):
    return a_mail(
        "--x\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n"
        "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.invalid\r\n\r\n"
        f"Final-Recipient: rfc822; {UNIT}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        "--x\r\nContent-Type: message/rfc822\r\n\r\n"
        "From: a@b.invalid\r\nMessage-ID: <letter-1@dondoc.example.invalid>\r\nSubject: x\r\n\r\nKính gửi\r\n--x--",
        kind='multipart/report; report-type=delivery-status; boundary="x"',
        headers="Auto-Submitted: auto-replied\r\n",
    )


def test_a_bounce_names_the_address_and_the_letter():
    parsed = READER.read(a_bounce("5.1.1", "failed"))
    assert parsed.auto_reply_reason == "bounce"
    assert parsed.bounced_addresses == (UNIT,)
    assert parsed.bounced_message_id == "<letter-1@dondoc.example.invalid>"


def test_a_delay_condemns_no_address():
    assert READER.read(a_bounce("4.4.1", "delayed")).bounced_addresses == ()


def test_a_bounce_in_words_only_is_read():
    body = (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        f"delivered.\n\n  {UNIT}\n    Unrouteable address\n\n------ This is a copy of the message ------\n\n"
        "Message-ID: <letter-1@dondoc.example.invalid>\n"
    )
    headers = f"X-Failed-Recipients: {UNIT}\r\nSubject: Mail delivery failed: returning message to sender\r\n"
    parsed = READER.read(a_mail(body, headers=headers))
    assert parsed.bounced_addresses == (UNIT,)
    assert parsed.bounced_message_id == "<letter-1@dondoc.example.invalid>"


def test_a_person_who_speaks_of_failed_delivery_is_no_bounce():
    parsed = READER.read(a_mail(headers="Subject: Undeliverable\r\n"))
    assert parsed.bounced_addresses == ()
    assert parsed.auto_reply_reason == ""


def test_outlooks_own_packing_is_answered_with_what_to_do():
    parsed = READER.read(
        with_part(a_file('Content-Disposition: attachment; filename="winmail.dat"', kind="application/ms-tnef"))
    )
    assert codes(parsed) == ["winmail_dat"]
    assert parsed.files == ()


def test_an_encrypted_mail_is_answered_with_what_to_do():
    assert codes(READER.read(a_mail("xx", kind="application/pkcs7-mime; smime-type=enveloped-data"))) == [
        "mail_encrypted"
    ]


def test_a_mail_of_which_only_the_headers_came_says_so():
    parsed = READER.read(a_mail(), is_cut=True)
    assert codes(parsed) == ["mail_too_large"]
    assert parsed.sender == UNIT


def test_a_mail_over_the_limit_is_not_taken_apart():
    reader = MailReader(Texts.load(), LimitSettings(mail_bytes=100))
    parsed = reader.read(with_part(a_file('Content-Disposition: attachment; filename="a.xlsx"')))
    assert codes(parsed) == ["mail_too_large"]
    assert parsed.files == ()


def test_three_thousand_mails_within_each_other_end_in_a_finding():
    parsed = READER.read(b"Content-Type: message/rfc822\r\n\r\n" * 3000 + b"Subject: x\r\n\r\nx")
    assert codes(parsed) in (["mail_unreadable"], ["mail_too_many_parts"])


def test_three_hundred_parts_end_in_a_finding():
    part = "Content-Type: text/plain\r\n\r\nx\r\n--x\r\n"
    assert codes(READER.read(with_part(part * 300))) == ["mail_too_many_parts"]


def test_a_display_name_cannot_smuggle_a_second_address_in():
    raw = f'From: "=?utf-8?Q?a=40evil.example.invalid=2C?=" <{UNIT}>\r\n\r\nx'.encode()
    assert READER.read(raw).sender == UNIT


def test_what_is_longer_than_any_address_is_none():
    long = "a" * 400 + "@example.invalid"
    parsed = READER.read(a_mail(headers=f"Cc: {long}\r\nX-Failed-Recipients: {long}, {UNIT}\r\n"))
    assert parsed.recipients == (OURS,)
    assert parsed.bounced_addresses == (UNIT,)


def test_raw_octets_in_headers_and_text_are_read_as_utf8_or_as_vietnamese_windows():
    raw = "From: Sở Y tế <soyte@bacgiang.example.invalid>\r\nSubject: Báo cáo\r\n\r\nGửi".encode()
    assert READER.read(raw).subject == "Báo cáo"
    assert READER.read(raw).sender_name == "Sở Y tế"
    assert READER.read("Subject: Báo cáo\r\n\r\nx".encode("cp1258", "ignore")).subject == "Báo cáo"


def test_an_unknown_charset_and_broken_base64_cost_only_themselves():
    mail = a_mail("Gửi", kind="text/plain; charset=klingon", headers="Subject: =?klingon?B?###?=\r\n")
    assert READER.read(mail).own_text == "Gửi"
    part = a_file('Content-Disposition: attachment; filename="a.xlsx"').replace("UEst", "U*E!s=t")
    assert len(READER.read(with_part(part)).files) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 100,
        b"To: x:; (comment)\r\nFrom: (((\r\nSubject: =?utf-8?B?\r\n\r\n",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
        b"Content-Disposition: attachment; filename*=x'y\r\n\r\nx",
        b"Content-Disposition: attachment; filename*1*=x\r\n\r\nx",
        b"Content-Type: /;;==\r\nContent-Transfer-Encoding: \xff\r\n\r\n\xff",
        b'From: a@b@c, <>, "\r\nMessage-ID: <<<>>>\r\nReferences: <\r\n\r\n',
    ],
)
def test_a_broken_mail_never_raises(raw):
    READER.read(raw)


HEADERS = st.sampled_from(["From", "To", "Subject", "Content-Type", "Content-Disposition", "Message-ID", "References"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(HEADERS, st.binary(max_size=60))), st.binary(max_size=300))
def test_no_octets_whatever_raise(headers, body):
    READER.read(b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + body)


@pytest.mark.parametrize("body", ["<p>Kính gửi</p><![hi]>", "<p>Kính gửi</p><![ ", "<p>Kính gửi</p><![-x["])
def test_a_body_that_breaks_the_parser_of_html_is_read_as_far_as_it_goes(body):
    mail = f"From: a@b.example.invalid\nSubject: x\nContent-Type: text/html; charset=utf-8\n\n{body}"
    read = MailReader(Texts.load(), LimitSettings()).read(mail.encode())
    assert read.sender == "a@b.example.invalid"
    assert "Kính gửi" in read.own_text
