"""A form that was saved as .ods or .xls is read when nothing in it is in doubt, and refused with advice when it is."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.adapters.workbooks import STAMP_KEYS, STAMP_MARK
from tasks.adapters.workbooks.foreign import MACROS
from tasks.adapters.workbooks.reading import read_workbook
from tasks.settings import LimitSettings

LIMITS = LimitSettings()
STAMP = [(STAMP_MARK, ""), *((key, "x") for key in STAMP_KEYS)]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORKBOOK = "Workbook".encode("utf-16-le")
HEAD = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
)
MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"
TAIL = "</office:spreadsheet></office:body></office:document-content>"


def sheet(name, rows):
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    lines = ("<table:table-row>" + "".join(map(cell.format, row)) + "</table:table-row>" for row in rows)
    return f'<table:table table:name="{name}">{"".join(lines)}</table:table>'


def an_ods(*rows, parts=(), before=""):
    """Return a form of ours as OpenDocument, with rows of text in its first sheet."""
    return a_package(before + HEAD + sheet("Biểu 1", rows) + sheet("_dondoc", STAMP) + TAIL, *parts)


def a_package(content, *parts):
    """Return the parts that every OpenDocument sheet has, with further ones."""
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr("mimetype", MIMETYPE, zipfile.ZIP_STORED)
            for name, part in ({"content.xml": content, "META-INF/manifest.xml": "<x/>"} | dict(parts)).items():
                package.writestr(name, part)
        return target.getvalue()


def codes(content):
    return [item.code for item in read_workbook(content, LIMITS).findings]


def test_a_form_in_another_format_is_read_and_says_so():
    read = read_workbook(an_ods(["Số liệu", "12"]), LIMITS)
    assert read.form.cells["Biểu 1", "B1"] == "12"
    assert read.form.stamp.unit_code == "x"
    assert codes(an_ods()) == ["read_from_ods"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (an_ods(parts=[("Basic/Standard/Module1.xml", "<x/>")]), "workbook_has_macros"),
        (an_ods(parts=[("Object 1/content.xml", "<x/>")]), "workbook_has_embedded_objects"),
        (an_ods(parts=[("META-INF/manifest.xml", "<m:encryption-data/>")]), "file_is_password_protected"),
        (an_ods(before='<!DOCTYPE x [<!ENTITY a "b">]>'), "workbook_has_declarations"),
        (an_ods(["Céng hoµ x· héi chñ nghÜa ViÖt Nam"]), "file_is_open_document"),
        (an_ods(parts=[("x.bin", bytes(60 * 1024 * 1024))]), "archive_inflates_too_much"),
        (OLE + bytes(600) + WORKBOOK + bytes(600), "file_is_old_xls"),
        (OLE + bytes(600) + WORKBOOK + MACROS[0] + bytes(600), "workbook_has_macros"),
        (OLE + bytes(600) + WORKBOOK + "MBD0001A2B3".encode("utf-16-le"), "workbook_has_embedded_objects"),
        (OLE + bytes(600) + "Book".encode("utf-16-le") + bytes(600), "file_is_old_xls"),
    ],
)
def test_what_is_in_doubt_is_refused_with_what_to_do(content, code):
    assert codes(content) == [code]


ORDINARY = an_ods(["Số liệu", "12"])


@given(st.data())
def test_any_octets_changed_give_a_form_or_a_finding_and_never_an_error(data):
    content = bytearray(ORDINARY)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read = read_workbook(bytes(content), LIMITS)
    assert (read.form is not None) or read.findings
