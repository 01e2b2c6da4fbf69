"""A marking of secrecy in what has arrived, and the words that hold the same syllable and are none."""

import io
import zipfile

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from tasks.adapters.edxml import read_edxml
from tasks.adapters.mail_reading import MailReader, secrecy_words
from tasks.adapters.secrecy import SecrecyScreen, _is_any_text_marked, forget_texts
from tasks.adapters.texts import vietnamese
from tasks.adapters.unpacking import look_and_unpack
from tasks.adapters.workbooks.guard import _looking_through, forget_parts
from tasks.ports import Brought, MailFile, ParsedMail
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


def zipped(name, content, *others):
    """Pack a file, and others given as pairs of name and content."""
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            for each in ((name, content), *others):
                package.writestr(*each)
        return target.getvalue()


def a_pdf(*pages):
    """Return a PDF with a text on each page, as word processors write one: numbers of glyphs, and what they mean."""
    objects = [b"", b"", b"", b""]
    meaning = b"1 begincodespacerange <0000> <ffff> endcodespacerange " + b"".join(
        b"1 beginbfrange <%02x00> <%02xff> <%02x00> endbfrange " % (block, block, block) for block in range(0x20)
    )
    objects[2] = b"<< /Type /Font /Subtype /Type0 /BaseFont /F /Encoding /Identity-H /ToUnicode 4 0 R >>"
    objects[3] = b"<< /Length %d >> stream\n%s\nendstream" % (len(meaning), meaning)
    kids = []
    for page in pages:
        said = b"".join(b"<%s> Tj T* " % line.encode("utf-16-be").hex().encode() for line in page)
        text = b"BT /F 12 Tf 14 TL 72 700 Td " + said + b"ET"
        kids.append(b"%d 0 R" % (len(objects) + 1))
        objects += [
            b"<< /Type /Page /Parent 2 0 R /Contents %d 0 R /Resources << /Font << /F 3 0 R >> >> >>"
            % (len(objects) + 2),
            b"<< /Length %d >> stream\n%s\nendstream" % (len(text), text),
        ]
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 595 842] >>" % (b" ".join(kids), len(kids))
    written = b"%PDF-1.4\n"
    places = []
    for number, each in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj %s endobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
    return written + end % (len(objects) + 1, table, len(objects) + 1, len(written))


def with_file(content, name="a.bin"):
    return ParsedMail(files=(MailFile(name=name, media_type="", content=content),))


@pytest.mark.parametrize(
    "mail",
    [
        ParsedMail(subject="[MẬT] Báo cáo"),
        ParsedMail(own_text="TỐI MẬT\nKính gửi"),
        ParsedMail(marks=("Tuyệt mật",)),
        with_file(b"%PDF-", "Báo cáo (Mật).pdf"),
        with_file(a_pdf(["UBND TỈNH", "TỐI MẬT", "Kính gửi"])),
        with_file(a_pdf(["Thư chuyển"], ["Độ mật: Mật"])),
        with_file(zipped("a.pdf", a_pdf(["MẬT"])), "a.zip"),
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


GUIDE = ("bm.xlsx", a_workbook("Mật khẩu"))


@pytest.mark.parametrize(
    "files",
    [
        (("bm.xlsx", a_workbook("Mật khẩu", "MẬT")),),
        (GUIDE, ("kèm.docx", a_document("MẬT"))),
        (GUIDE, ("Mật.txt", b"")),
    ],
    ids=["in itself", "in the letter beside it", "in a name beside it"],
)
def test_of_what_comes_with_a_marking_no_part_stays_in_memory(files):
    forget_parts()
    forget_texts()
    reader = MailReader(vietnamese(), LIMITS)
    for (first, *others), is_marked in (((GUIDE,), False), (files, True), ((GUIDE,), False)):
        arrival = Brought(content=zipped(*first, *others), is_mail=False, file_name="hồ sơ.zip")
        look, _ = look_and_unpack(arrival, reader, SCREEN, LIMITS)
        known = (_is_any_text_marked.cache_info().currsize, _looking_through.cache_info().currsize)
        assert (look.is_secret, known) == (is_marked, (0, 0) if is_marked else (1, 1))


def test_a_part_that_is_packed_in_a_broken_way_stops_nobody():
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as package:
            package.writestr("word/document.xml", b"<w:t>bao cao</w:t>")
        packed = target.getvalue()
    at = packed.index(b"word/document.xml") + len(b"word/document.xml")
    broken = packed[: at + 4] + b"\xff" * 5 + packed[at + 9 :]
    assert not SCREEN.is_marked(ParsedMail(files=(MailFile(name="a.docx", media_type="", content=broken),)))


ORDINARY_PDF = a_pdf(["UBND TỈNH", "Mật độ dân số, bảo mật"], [], [], ["MẬT"])


@pytest.mark.parametrize(
    "content",
    [
        ORDINARY_PDF,  # the marking would stand on the first page of a document, not on its fourth
        ORDINARY_PDF[:200],
        b"%PDF-1.4\n",
        b"%PDF-1.4\n1 0 obj <<" + b"[" * 20_000,
        ORDINARY_PDF.replace(b"/Parent 2 0 R", b"/Parent 5 0 R"),
        ORDINARY_PDF.replace(b"/Kids [5 0 R", b"/Kids [2 0 R"),
    ],
)
def test_a_pdf_without_a_marking_or_without_sense_bears_none_and_breaks_nothing(content):
    assert not SCREEN.is_marked(with_file(content))


@given(st.data())
def test_a_pdf_with_any_octets_changed_breaks_nothing(data):
    content = bytearray(ORDINARY_PDF)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert SCREEN.is_marked(with_file(bytes(content))) in {True, False}
