"""A marking of secrecy in what has arrived, and the words that hold the same syllable and are none."""

import io
import zipfile

import pytest
from docx import Document
from openpyxl import Workbook

from tasks.adapters.edxml import read_edxml
from tasks.adapters.mail_reading import MailReader, secrecy_words
from tasks.adapters.secrecy import SecrecyScreen
from tasks.adapters.texts import vietnamese
from tasks.ports import MailFile, ParsedMail
from tasks.settings import LimitSettings
from tests.adapters.test_edxml import an_edxml

LIMITS = LimitSettings(_env_file=None)
SCREEN = SecrecyScreen(secrecy_words(vietnamese()), LIMITS)


def a_workbook(*texts):
    workbook = Workbook()
    for text in texts:
        workbook.active.append([text])
    with io.BytesIO() as target:
        workbook.save(target)
        return target.getvalue()


def a_document(*paragraphs):
    document = Document()
    cell = document.add_table(rows=1, cols=2).rows[0].cells[0]
    cell.text = paragraphs[0]
    for paragraph in paragraphs[1:]:
        document.add_paragraph(paragraph)
    with io.BytesIO() as target:
        document.save(target)
        return target.getvalue()


def zipped(name, content):
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr(name, content)
        return target.getvalue()


def with_file(content, name="a.bin"):
    return ParsedMail(files=(MailFile(name=name, media_type="", content=content),))


@pytest.mark.parametrize(
    "mail",
    [
        ParsedMail(subject="[MẬT] Báo cáo"),
        ParsedMail(own_text="TỐI MẬT\nKính gửi"),
        ParsedMail(marks=("Tuyệt mật",)),
        with_file(b"%PDF-", "Báo cáo (Mật).pdf"),
        with_file(a_workbook("SỞ Y TẾ", "MẬT")),
        with_file(a_workbook(*["Kết quả"] * 80, "Độ mật: Tối mật")),
        with_file(a_document("UBND TỈNH", "MẬT", "Báo cáo")),
        with_file(a_document("TUYỆT MẬT", "Báo cáo")),
        with_file(zipped("bieu.xlsx", a_workbook("MẬT"))),
        with_file(zipped("Báo cáo (Mật).xlsx", a_workbook("x"))),
    ],
)
def test_a_marking_is_found_where_it_may_stand(mail):
    assert SCREEN.is_marked(mail)


@pytest.mark.parametrize(
    "mail",
    [
        ParsedMail(subject="Báo cáo công tác bảo mật", own_text="Mật khẩu của tệp là 123\nTrân trọng"),
        with_file(a_workbook("CÔNG TÁC BẢO MẬT", "Mật", "MẬT ĐỘ DÂN CƯ", "Bảo vệ bí mật nhà nước")),
        with_file(a_document("SỞ Y TẾ", "BẢO VỆ BÍ MẬT NHÀ NƯỚC", *["Nội dung"] * 80, "MẬT")),
        with_file(b"PK\x03\x04 damaged"),
        with_file(zipped("mimetype", b"x")),
        ParsedMail(),
    ],
)
def test_other_words_and_damaged_files_bear_none(mail):
    assert not SCREEN.is_marked(mail)


@pytest.mark.parametrize(("runs", "is_marked"), [(("BẢO ", "MẬT"), False), (("TỐI ", "MẬT"), True)])
def test_a_marking_in_runs_of_one_cell_is_read_together(runs, is_marked):
    written = "".join(f"<r><t>{run}</t></r>" for run in runs).encode()
    with zipfile.ZipFile(io.BytesIO(a_workbook("XYZ"))) as package:
        parts = {name: package.read(name).replace(b"<t>XYZ</t>", written) for name in package.namelist()}
    assert any(written in content for content in parts.values())
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w") as package:
            for name, content in parts.items():
                package.writestr(name, content)
        assert SCREEN.is_marked(with_file(target.getvalue())) is is_marked


def test_the_marking_of_a_mail_is_found_in_an_encoded_subject():
    content = b"From: a@example.invalid\r\nSubject: =?utf-8?B?W03huqxUXSBCw6FvIGPDoW8=?=\r\n\r\nx"
    assert SCREEN.is_marked(MailReader(vietnamese(), LIMITS).read(content))


@pytest.mark.parametrize("name", ["MẬT.pdf", "Tối mật.docx", "TUYỆT MẬT.xlsx"])
def test_a_file_that_is_called_by_a_marking_alone_is_marked(name):
    assert SCREEN.is_marked(ParsedMail(files=(MailFile(name=name, media_type="", content=b"%PDF-1.7"),)))


def test_an_e_office_document_with_a_broken_file_is_refused_by_its_subject_all_the_same():
    marked = an_edxml().replace("Báo cáo 6 tháng".encode(), "[Tối mật] Kế hoạch".encode())
    document = read_edxml(marked.replace(b"UEsuLi4=", b"UEsuLi4=!!!="), LIMITS)
    assert [item.code for item in document.findings] == ["edxml_unreadable"]
    assert SCREEN.is_marked(document)


def test_a_part_that_is_packed_in_a_broken_way_stops_nobody():
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as package:
            package.writestr("word/document.xml", b"<w:t>bao cao</w:t>")
        packed = target.getvalue()
    at = packed.index(b"word/document.xml") + len(b"word/document.xml")
    broken = packed[: at + 4] + b"\xff" * 5 + packed[at + 9 :]
    assert not SCREEN.is_marked(ParsedMail(files=(MailFile(name="a.docx", media_type="", content=broken),)))
