"""The guard refuses what would hurt a parser, each with one code and a sentence that says what to do."""

import io
import time
import unicodedata
import warnings
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.forms import Finding
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks.guard import guard, inspect, unpack_archive
from tasks.settings import LimitSettings

LIMITS = LimitSettings()
SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def a_workbook():
    """Return an ordinary workbook with one sheet."""
    workbook = openpyxl.Workbook()
    workbook.active.title = "Biểu 1"
    workbook.active["A7"], workbook.active["E7"] = "CT01", 12
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def with_members(content, changed=None, *, renamed=str, twice=()):
    """Return a workbook with members added or replaced, renamed, or standing in it twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        members = {name: old.read(name) for name in old.namelist()} | dict(changed or {})
        for name, data in members.items():
            new.writestr(renamed(name), data)
        for name in twice:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # zipfile warns of the very thing that the test is about
                new.writestr(name, members[SHEET])
    return stream.getvalue()


def with_sheet(body, *, after="", opening=f'<worksheet xmlns="{MAIN}">'):
    """Return a workbook whose only sheet holds the rows."""
    xml = f"{opening}<sheetData>{body}</sheetData>{after}</worksheet>"
    return with_members(a_workbook(), {SHEET: xml.encode()})


def replaced(content, name, old, new):
    """Return a workbook with something replaced in one member."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        data = archive.read(name)
    assert old in data
    return with_members(content, {name: data.replace(old, new, 1)})


def with_flag(content, flag):
    """Return an archive whose directory and local headers all carry one more flag."""
    marked = bytearray(content)
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = marked.find(signature)
        while at >= 0:
            marked[at + offset] |= flag
            at = marked.find(signature, at + 4)
    return bytes(marked)


def a_zip(*files, method=zipfile.ZIP_DEFLATED):
    """Return a .zip of (name, bytes)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()


def a_billion_spaces():
    """Return a workbook whose sheet is 1 GB of spaces: some megabytes of zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml"):
            archive.writestr(name, "<x/>")
        with archive.open(SHEET, "w", force_zip64=True) as member:
            for _ in range(128):
                member.write(b" " * 8 * 1024 * 1024)
    return stream.getvalue()


SCATTERED_STYLES = b"".join(b'<xf numFmtId="%d"/>' % (n * n % 65_521) for n in range(20_001))


HOSTILE = {
    "nothing": (lambda: b"", "file_empty"),
    "too large": (lambda: b"PK\x03\x04" + bytes(LIMITS.file_bytes), "file_too_large"),
    "old xls": (lambda: OLE + bytes(600) + "Workbook".encode("utf-16-le"), "file_is_old_xls"),
    "password": (lambda: OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "file_is_password_protected"),
    "csv": ("Mã;Kỳ này\nCT01;12\n".encode, "file_is_not_workbook"),
    "pdf": (lambda: b"%PDF-1.7\n", "file_is_not_workbook"),
    "word": (lambda: a_zip(("[Content_Types].xml", "<x/>"), ("word/document.xml", "<x/>")), "file_is_not_workbook"),
    "ods": (
        lambda: a_zip(("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", "<x/>")),
        "file_is_open_document",
    ),
    "xlsb": (lambda: a_zip(("[Content_Types].xml", "<x/>"), ("xl/workbook.bin", b"")), "file_is_binary_workbook"),
    "truncated": (lambda: a_workbook()[:-400], "file_is_cut_off"),
    "cut in the middle": (lambda: a_workbook()[: len(a_workbook()) // 2], "file_is_cut_off"),
    "many members": (
        lambda: with_members(a_workbook(), {f"xl/media/{n}": "" for n in range(600)}),
        "archive_too_many_members",
    ),
    "one gigabyte": (a_billion_spaces, "archive_inflates_too_much"),
    "tightly packed": (lambda: with_sheet("<row/>" * 200_000), "archive_inflates_too_much"),
    "long workbook.xml": (
        lambda: with_members(a_workbook(), {"xl/workbook.xml": bytes(range(32, 127)) * 23_000}),
        "archive_inflates_too_much",
    ),
    "a million styles": (
        lambda: replaced(a_workbook(), "xl/styles.xml", b"</cellXfs>", b"<xf/>" * 1_000_000 + b"</cellXfs>"),
        "archive_inflates_too_much",
    ),
    "a member twice": (lambda: with_members(a_workbook(), twice=[SHEET]), "archive_has_duplicates"),
    "a member twice in capitals": (lambda: with_members(a_workbook(), twice=[SHEET.upper()]), "archive_has_duplicates"),
    "encrypted member": (lambda: with_flag(a_workbook(), 0x1), "archive_is_encrypted"),
    "lzma": (lambda: a_zip(("xl/workbook.xml", "<x/>"), method=zipfile.ZIP_LZMA), "archive_has_unknown_compression"),
    "macro": (lambda: with_members(a_workbook(), {"xl/vbaProject.bin": b"x"}), "workbook_has_macros"),
    "embedded": (
        lambda: with_members(a_workbook(), {"xl/embeddings/oleObject1.bin": b"x"}),
        "workbook_has_embedded_objects",
    ),
    "external link": (
        lambda: with_members(a_workbook(), {"xl/externalLinks/externalLink1.xml": "<externalLink/>"}),
        "workbook_has_external_links",
    ),
    "doctype": (
        lambda: with_sheet("", opening=f'<!DOCTYPE x [<!ENTITY a "a">]><worksheet xmlns="{MAIN}">'),
        "workbook_has_declarations",
    ),
    "utf-16": (
        lambda: with_members(a_workbook(), {SHEET: f'<worksheet xmlns="{MAIN}"/>'.encode("utf-16")}),
        "workbook_has_wrong_encoding",
    ),
    "utf-7": (
        lambda: with_sheet("", opening=f'<?xml version="1.0" encoding="utf-7"?><worksheet xmlns="{MAIN}">'),
        "workbook_has_wrong_encoding",
    ),
    "strict": (
        lambda: replaced(
            a_workbook(), "xl/workbook.xml", MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main"
        ),
        "workbook_is_strict",
    ),
    "upper-case names": (lambda: with_members(a_workbook(), renamed=str.upper), "archive_has_odd_names"),
    "a sheet in capitals": (
        lambda: with_members(a_workbook(), renamed=lambda name: "xl/worksheets/SHEET1.xml" if name == SHEET else name),
        "archive_has_odd_names",
    ),
    "far cell": (
        lambda: with_sheet('<row r="1"><c r="A1"/></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        "workbook_too_far",
    ),
    "wide and long": (
        lambda: with_sheet('<row r="1"><c r="A1"/></row><row r="20000"><c r="KN20000"><v>1</v></c></row>'),
        "workbook_too_wide",
    ),
    "wide and long without addresses": (
        lambda: with_sheet(
            f'<row r="1">{"<c/>" * 9_999}<c><v>1</v></c></row>'
            + "".join(f'<row r="{n}"><c t="n"><v>{n}</v></c></row>' for n in range(2, 200))
        ),
        "workbook_too_wide",
    ),
    "styles beyond number": (
        lambda: replaced(a_workbook(), "xl/styles.xml", b"</cellXfs>", SCATTERED_STYLES + b"</cellXfs>"),
        "workbook_has_many_styles",
    ),
    "a web page called a workbook": (lambda: b"<html><table><tr><td>CT01</td></tr></table></html>", "file_is_web_page"),
    "excel 4": (lambda: b"\x09\x04\x06\x00\x00\x00\x10\x00" + bytes(90), "file_is_old_xls"),
    "utf-16 under another name": (
        lambda: with_members(
            a_workbook(), {"xl/worksheets/sheet1.bin": f'<worksheet xmlns="{MAIN}"/>'.encode("utf-16")}
        ),
        "workbook_has_wrong_encoding",
    ),
    "far column": (lambda: with_sheet('<row r="1"><c r="KO1"><v>1</v></c></row>'), "workbook_too_far"),
    "far row": (lambda: with_sheet("<row r='20001'><c\nr = 'A20001'><v>1</v></c></row>"), "workbook_too_far"),
    "far cell without address": (
        lambda: with_sheet('<row r="1"><c><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>'),
        "workbook_too_far",
    ),
    "escaped address": (lambda: with_sheet('<row r="1"><c r="&#88;FD1048576"><v>1</v></c></row>'), "workbook_too_far"),
    "prefixed far cell": (
        lambda: with_sheet(
            '<x:row r="9"><x:c r="XFD9"/></x:row>', opening=f'<worksheet xmlns="{MAIN}" xmlns:x="{MAIN}">'
        ),
        "workbook_too_far",
    ),
    "one merge over the sheet": (
        lambda: with_sheet("", after='<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
        "workbook_has_wide_merges",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_file_has_its_code_and_a_sentence_that_says_what_to_do(name):
    make, code = HOSTILE[name]

    found = guard(make(), LIMITS)

    assert found is not None
    assert found.code == code
    assert found.is_blocking
    assert "Đề nghị" in vietnamese().finding(found)


def test_an_ordinary_workbook_passes():
    assert guard(a_workbook(), LIMITS) is None


@pytest.mark.parametrize(
    "body",
    [
        '<row r="1048576" ht="12.8" customHeight="1"/>',  # LibreOffice ends its sheets with such a row
        '<row r="1048576" ht="12.8"></row>',
        '<row r="20000"><c r="Z20000"><v>1</v></c></row>',
        '<row r="3000"><c r="KN3000"><v>1</v></c></row>',
        '<row r="1"><c r="AA1"><v>1</v></c></row><row r="1048576" ht="12.8"/>',
        '<row r="1"><c r="A1" t="inlineStr"><is><t>r="XFD1048576"</t></is></c></row>',
    ],
)
def test_what_only_looks_far_passes(body):
    assert guard(with_sheet(body), LIMITS) is None


@given(
    column=st.sampled_from(["", "A", "e", "Z", "AA", "kn", "KO", "ABC"]),
    row=st.sampled_from(["", "1", "9999", "20000", "20001", "99999", "1048576"]),
    write=st.sampled_from(["{}", " {}", "{}&#32;"]),
    attribute=st.sampled_from(['r="{}"', "r='{}'", 'r = "{}"', "r\n=\n'{}'"]),
)
def test_a_place_beyond_the_limits_is_found_among_many_plain_ones_however_it_is_written(column, row, write, attribute):
    plain = "".join(f'<c r="A{n}"><v>1</v></c>' for n in range(1, 50))
    place = write.format(column + row)
    body = f'<row r="1">{plain}<c {attribute.format(place)}><v>1</v></c>{plain}</row>'

    refusal = guard(with_sheet(body), LimitSettings(area=10**9))

    is_far = column.upper() in {"KO", "ABC"} or row in {"20001", "99999", "1048576"} or "&" in place
    assert (refusal is not None) == is_far


@pytest.mark.parametrize("sign", ['<c r="A1" t="e">', "<c r='A1' t='e'>", "<f>", "<f/>", "<x:f>", '<f t="shared">'])
def test_a_formula_and_an_error_are_told_from_plain_values(sign):
    assert inspect(with_sheet(sign), LIMITS).needs_second_look
    assert not inspect(with_sheet("<c r='A1' t='n'><v>1</v></c><font/><formula1>"), LIMITS).needs_second_look


def test_what_is_known_of_a_part_is_of_these_bytes_this_name_and_these_limits():
    far, formula = with_sheet('<row r="50"><c r="A50"><v>1</v></c></row>'), with_sheet("<row><c><f>1+1</f></c></row>")
    with zipfile.ZipFile(io.BytesIO(formula)) as archive:
        elsewhere = with_members(a_workbook(), {"docProps/sheet1.xml": archive.read(SHEET)})
    for _ in range(2):
        assert guard(far, LIMITS) is None
        assert guard(far, LimitSettings(rows=20)).code == "workbook_too_far"
        assert inspect(formula, LIMITS).needs_second_look
        assert not inspect(elsewhere, LIMITS).needs_second_look


def test_merges_of_a_form_pass():
    merges = "".join(f'<mergeCell ref="A{n}:G{n}"/>' for n in range(1, 40))
    assert guard(with_sheet("", after=f"<mergeCells>{merges}</mergeCells>"), LIMITS) is None


def test_a_gigabyte_is_refused_before_it_is_inflated():
    content = a_billion_spaces()
    start = time.process_time()

    guard(content, LIMITS)

    assert time.process_time() - start < 0.5


@given(st.integers(min_value=0, max_value=4000), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_never_raises(at, noise):
    content = bytearray(ORDINARY)
    content[at : at + len(noise)] = noise

    found = guard(bytes(content), LIMITS)

    assert found is None or isinstance(found, Finding)


ORDINARY = a_workbook()


def test_a_zip_gives_its_files_with_composed_names_and_their_folders():
    name = unicodedata.normalize("NFD", "Báo cáo.xlsx")
    content = a_zip((f"Sở Y tế/{name}", b"PK-form"), ("__MACOSX/._x", b""), ("a/", b""), ("ky.pdf", b"%PDF-"))

    assert unpack_archive(content, LIMITS) == [("Sở Y tế/Báo cáo.xlsx", b"PK-form"), ("ky.pdf", b"%PDF-")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (a_zip(("trong.zip", a_zip(("a.xlsx", b"x")))), "archive_is_nested"),
        (with_flag(a_zip(("a.xlsx", b"x")), 0x1), "archive_is_encrypted"),
        (a_zip(("a.xlsx", b"x"), method=zipfile.ZIP_BZIP2), "archive_has_unknown_compression"),
        (a_zip(*((f"{n}", b"") for n in range(501))), "archive_too_many_members"),
    ],
)
def test_an_archive_that_cannot_be_opened_says_what_to_send_instead(content, code):
    found = unpack_archive(content, LIMITS)

    assert isinstance(found, Finding)
    assert found.code == code
    assert "Đề nghị" in vietnamese().finding(found)


def test_a_damaged_archive_is_a_finding():
    assert isinstance(unpack_archive(a_zip(("a.xlsx", b"x" * 5000))[:-30], LIMITS), Finding)
