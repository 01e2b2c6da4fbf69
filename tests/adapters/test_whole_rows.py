"""A row written whole is, byte for byte, what its cells one by one would have become."""

from datetime import datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from tasks.adapters.aggregate_pages import clean, plain_options
from tasks.adapters.whole_rows import WholeRowsSheet

TEXTS = st.text(max_size=12).map(clean) | st.sampled_from(
    [
        "=1+1",
        " a",
        "a ",
        "\n",
        "",
        "a & b < c > \"d\" 'e'",
        "_x0041_",
        "http://a.invalid",
        "0123",
        "x" * 300,
        "😀" * 20_000,
    ]
)
VALUES = (
    st.none()
    | TEXTS
    | st.integers(min_value=-(10**18), max_value=10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.datetimes(min_value=datetime(1900, 3, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001 - as a clock shows it
)
HEIGHTS = st.none() | st.sampled_from([15.0, 31.0, 45.5, 409.0])
ROWS = st.lists(st.tuples(st.lists(VALUES, min_size=1, max_size=5), HEIGHTS, st.booleans()), min_size=1, max_size=6)


def one_by_one(sheet, row, values, formats, height):
    if height is not None:
        sheet.set_row(row, height)
    for n, (value, cell_format) in enumerate(zip(values, formats, strict=True)):
        if value is None:
            sheet.write_blank(row, n, None, cell_format)
        elif isinstance(value, str):
            sheet.write_string(row, n, value, cell_format)
        elif isinstance(value, datetime):
            sheet.write_datetime(row, n, value, cell_format)
        else:
            sheet.write_number(row, n, value, cell_format)


def at_once(sheet, row, values, formats, height):
    sheet.write_whole_row(row, zip(values, formats, strict=True), height=height)


def written(rows, write):
    """Return the bytes of a workbook; every third row is left to xlsxwriter's own calls."""
    packed = BytesIO()
    workbook = xlsxwriter.Workbook(packed, plain_options() | {"in_memory": False})
    plain, bold = workbook.add_format({"border": 1}), workbook.add_format({"bold": True})
    sheet = workbook.add_worksheet("A", WholeRowsSheet)
    workbook.set_properties({"created": datetime(2025, 6, 1)})  # noqa: DTZ001 - xlsxwriter's own way
    for row, (values, height, is_bold) in enumerate(rows):
        formats = [bold if is_bold else plain] * len(values)
        (one_by_one if row % 3 == 2 else write)(sheet, row, values, formats, height)
    workbook.close()
    return packed.getvalue()


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_rows_written_whole_and_cells_one_by_one_give_equal_bytes(rows):
    assert written(rows, at_once) == written(rows, one_by_one)


@pytest.mark.parametrize("text", ["<r></c></r>", "<r><t>a</t></r>", "<r>" + "b" * 300 + "</r>"])
def test_a_text_that_looks_like_the_inside_of_a_workbook_stays_a_text(text):
    packed = BytesIO(written([([text, 1], None, False)], at_once))
    assert CalamineWorkbook.from_filelike(packed).get_sheet_by_name("A").to_python() == [[text, 1.0]]


def test_a_row_that_is_written_takes_no_cell_afterwards():
    packed = BytesIO()
    workbook = xlsxwriter.Workbook(packed, plain_options())
    sheet = workbook.add_worksheet("A", WholeRowsSheet)
    sheet.write_whole_row(0, [("a", workbook.add_format())])
    assert sheet.write_string(0, 1, "too late") != 0
    sheet.write_string(1, 0, "b")
    workbook.close()
    with ZipFile(packed) as members:
        assert members.read("xl/worksheets/sheet1.xml").count(b"<row ") == 2


def test_a_link_leads_from_a_cell_of_a_whole_row_which_keeps_its_number():
    packed = BytesIO()
    workbook = xlsxwriter.Workbook(packed, plain_options())
    sheet = workbook.add_worksheet("A", WholeRowsSheet)
    sheet.link(0, 1, "A!A7", "12")
    sheet.write_whole_row(0, [("a", workbook.add_format()), (12, workbook.add_format())])
    workbook.close()
    with ZipFile(packed) as members:
        xml = members.read("xl/worksheets/sheet1.xml").decode()
    assert '<hyperlink ref="B1" location="A!A7" display="12"/>' in xml
    assert "<v>12</v>" in xml
