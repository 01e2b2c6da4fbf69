"""A workbook reads the same whoever saved it, and a hostile one costs its own result only."""

import io
import multiprocessing
import shutil
import struct
import subprocess
import unicodedata
import zipfile
import zlib
from datetime import date
from threading import Event

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font

from models.domain.forms import Stamp
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks import STAMP_KEYS, STAMP_MARK, STAMP_SHEET
from tasks.adapters.workbooks.pool import DEATHS, GuardedReader
from tasks.adapters.workbooks.reading import read_workbook
from tasks.settings import MEBIBYTE, LimitSettings

LIMITS = LimitSettings()
SHEET = "Biểu 1"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STAMP = Stamp(unit_code="so-y-te", cycle_code="bc-6t-2025", form_code="bm_835", form_version="2025.1", token="0123")
STAMP_ROWS = [(STAMP_MARK, "1"), *((key, getattr(STAMP, key)) for key in STAMP_KEYS)]
CELLS = {"A7": "CT01", "B7": "Văn bản chỉ đạo", "E7": 12, "E8": 1_250_000_000, "E9": "1.234", "G7": date(2025, 6, 5)}


def by_openpyxl(cells=CELLS, *, sheet=SHEET, state="veryHidden", fonts=()):
    workbook = openpyxl.Workbook()
    workbook.active.title = sheet
    for at, value in cells.items():
        workbook.active[at] = value
    for at, name in dict(fonts).items():
        workbook.active[at].font = Font(name=name)
    stamp = workbook.create_sheet(STAMP_SHEET)
    for row in STAMP_ROWS:
        stamp.append(row)
    stamp.sheet_state = state
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def by_xlsxwriter(cells=CELLS):
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet(SHEET)
        as_day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        for at, value in cells.items():
            sheet.write(at, value, *([as_day] if isinstance(value, date) else []))
        stamp = workbook.add_worksheet(STAMP_SHEET)
        for number, row in enumerate(STAMP_ROWS):
            stamp.write_row(number, 0, row)
        stamp.very_hidden()
    return stream.getvalue()


def by_libreoffice(folder):
    (folder / "bieu.xlsx").write_bytes(by_openpyxl())
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML"]
    command += ["--outdir", str(folder / "saved"), str(folder / "bieu.xlsx")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return (folder / "saved" / "bieu.xlsx").read_bytes()


def own_cells(form):
    return {at: value for (sheet, at), value in form.cells.items() if sheet == SHEET}


def with_sheet(content, xml):
    """Return the workbook with the XML of its first sheet replaced."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, xml if name == "xl/worksheets/sheet1.xml" else old.read(name))
    return stream.getvalue()


def of_rows(rows):
    """Return the XML of a sheet with these rows."""
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def a_killer():
    """Return a workbook that passes the guard, but for which calamine asks for more memory than there is.

    Its cells have no addresses; the reader counts them, and makes room for a rectangle of 20,000 rows.
    """
    wide = '<row r="1">' + "<c/>" * 899_999 + "<c><v>1</v></c></row>"
    rows = "".join(f'<row r="{n}"><c><v>1</v></c></row>' for n in range(2, 20_001))
    return with_sheet(by_openpyxl(), of_rows(wide + rows))


@pytest.fixture(scope="module")
def reader():
    with_workers = GuardedReader(LIMITS)
    yield with_workers
    with_workers.close()


@pytest.mark.parametrize("write", [by_openpyxl, by_xlsxwriter])
def test_a_form_reads_the_same_whichever_library_wrote_it(write):
    form = read_workbook(write(), LIMITS).form

    assert form.stamp == STAMP
    assert own_cells(form) == CELLS


@pytest.mark.office
def test_a_form_saved_by_libreoffice_reads_the_same_and_keeps_its_stamp(tmp_path):
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed (Debian: libreoffice-calc)")

    form = read_workbook(by_libreoffice(tmp_path), LIMITS).form

    assert form.stamp == STAMP
    assert own_cells(form) == CELLS


def test_a_stamp_that_is_merely_hidden_is_read():
    assert read_workbook(by_openpyxl(state="hidden"), LIMITS).form.stamp == STAMP


def test_sheet_names_and_text_are_composed():
    cells = {"A7": unicodedata.normalize("NFD", "Số liệu của đơn vị")}

    form = read_workbook(by_openpyxl(cells, sheet=unicodedata.normalize("NFD", SHEET)), LIMITS).form

    assert form.sheets[0] == SHEET
    assert own_cells(form) == {"A7": "Số liệu của đơn vị"}


def test_a_formula_without_a_result_and_an_error_are_uncalculated_not_blank():
    form = read_workbook(by_openpyxl({"A7": "CT01", "E7": "=SUM(E8:E9)", "E8": "#REF!"}), LIMITS).form

    assert form.uncalculated == {(SHEET, "E7"), (SHEET, "E8")}
    assert "E7" not in own_cells(form)


def test_a_formula_with_its_result_is_the_result():
    content = with_sheet(by_openpyxl(), of_rows('<row r="1"><c r="E1"><f>6*7</f><v>42</v></c></row>'))

    form = read_workbook(content, LIMITS).form

    assert own_cells(form) == {"E1": 42}
    assert not form.uncalculated


def test_text_in_a_tcvn3_font_is_converted_and_listed():
    cells = {"C7": "Céng hoµ x· héi chñ nghÜa ViÖt Nam", "C8": "b¸o c¸o"}

    form = read_workbook(by_openpyxl(cells, fonts={"C7": ".VnTime", "C8": ".VnTimeH"}), LIMITS).form

    assert own_cells(form) == {"C7": "Cộng hoà xã hội chủ nghĩa Việt Nam", "C8": "BÁO CÁO"}
    assert form.legacy_fonts == {(SHEET, "C7"), (SHEET, "C8")}


def test_unicode_text_in_a_cell_that_kept_a_tcvn3_font_is_left_as_it_is():
    cells = {"C7": "Đã tổ chức hội nghị", "C8": "CT01"}

    form = read_workbook(by_openpyxl(cells, fonts={"C7": ".VnTime", "C8": ".VnTime"}), LIMITS).form

    assert own_cells(form) == cells
    assert not form.legacy_fonts


def test_a_sheet_that_inflates_to_more_than_it_declares_is_refused():
    shown, full = b"<worksheet/>", b"<worksheet/>" + b" " * 3_000_000
    content = with_sheet(by_openpyxl(), full)
    for true, lie in ((zlib.crc32(full), zlib.crc32(shown)), (len(full), len(shown))):
        content = content.replace(struct.pack("<I", true), struct.pack("<I", lie))

    read = read_workbook(content, LIMITS)

    assert read.form is None
    assert [item.code for item in read.findings] == ["workbook_unreadable"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.builds("{}{}".format, st.sampled_from("EFG"), st.integers(7, 60)),
        st.integers(0, 10**15)
        | st.floats(0, 1e9, allow_nan=False).filter(lambda value: repr(value) == f"{value:.16g}"),
        min_size=1,
    )
)
def test_any_amounts_come_back_as_they_were_written(amounts):
    assert own_cells(read_workbook(by_openpyxl(amounts), LIMITS).form) == amounts


def test_a_file_that_kills_its_worker_costs_its_own_result_only(reader):
    contents = [by_openpyxl({"E7": number}) for number in range(1, 6)]
    contents.insert(2, a_killer())

    results = reader.read(contents)

    assert [own_cells(read.form) if read.form else None for read in results] == [
        {"E7": 1},
        {"E7": 2},
        None,
        {"E7": 3},
        {"E7": 4},
        {"E7": 5},
    ]
    (reason,) = results[2].findings
    assert "Đề nghị" in vietnamese().finding(reason)


def a_slow_one():
    """Return a workbook within all limits, whose 200,000 errors each need the slow reader's second look."""
    rows = (
        f'<row r="{n}">' + "".join(f'<c r="{column}{n}" t="e"><v>#REF!</v></c>' for column in "ABCDEFGHIJ") + "</row>"
        for n in range(1, 20_001)
    )
    return with_sheet(by_openpyxl(), of_rows("".join(rows)))


def test_a_file_that_takes_too_long_costs_its_own_result_only():
    hasty = GuardedReader(LimitSettings(worker_seconds=0.6))
    try:
        quick, hard = hasty.read([by_openpyxl({"E7": 1}), a_slow_one()])
    finally:
        hasty.close()

    assert own_cells(quick.form) == {"E7": 1}
    assert [item.code for item in hard.findings] == ["workbook_too_complex"]


def test_results_come_in_the_order_of_the_files(reader):
    numbers = range(1, 60)

    results = reader.read([by_openpyxl({"E7": number}) for number in numbers])

    assert [own_cells(read.form)["E7"] for read in results] == list(numbers)


class SlowToStart(GuardedReader):
    """A reader whose workers start only when the test lets them."""

    def __init__(self):
        super().__init__(LIMITS)
        self.may_start = Event()
        self.n_starts = 0

    def _start(self):
        assert self.may_start.wait(timeout=60), "preparing waits for the workers, and they for the test"
        self.n_starts += 1
        super()._start()


def test_preparing_returns_at_once_and_the_first_files_are_read_all_the_same():
    early = SlowToStart()
    try:
        early.prepare()
        early.prepare()
        early.may_start.set()
        (read,) = early.read([by_openpyxl()])
    finally:
        early.close()

    assert early.n_starts == 1, "they are started once, and nobody has waited"
    assert own_cells(read.form) == CELLS


def test_no_worker_is_left_when_closing_comes_before_the_first_file():
    before = {child.pid for child in multiprocessing.active_children()}
    short = GuardedReader(LIMITS)

    short.prepare()
    short.close()

    assert {child.pid for child in multiprocessing.active_children()} <= before


def test_the_same_words_in_many_files_come_back_for_each(reader):
    files = [by_openpyxl(CELLS | {"E7": number}, sheet=sheet) for number in (1, 2) for sheet in (SHEET, "Khác")]

    results = [read.form for read in reader.read(files)]

    assert [form.sheets[0] for form in results] == [SHEET, "Khác", SHEET, "Khác"]
    assert [form.cells[form.sheets[0], "E7"] for form in results] == [1, 1, 2, 2]
    assert {form.cells[form.sheets[0], "B7"] for form in results} == {CELLS["B7"]}


def test_no_worker_is_left_after_closing():
    before = {child.pid for child in multiprocessing.active_children()}
    short = GuardedReader(LIMITS)
    short.read([by_openpyxl()])
    assert {child.pid for child in multiprocessing.active_children()} > before

    short.close()
    short.close()

    assert {child.pid for child in multiprocessing.active_children()} <= before


class Unreadable:
    """What leaves a worker and cannot be read outside."""

    def __reduce__(self):
        return bytes.fromhex, ("no number",)


def unreadable(_content):
    return Unreadable()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the pool's own thread dies of it
def test_what_a_broken_pool_had_not_begun_is_told_of_and_not_waited_for():
    short = GuardedReader(LIMITS)
    large = b"x" * MEBIBYTE
    try:
        works = [short.in_a_worker(work, (large,), 60) for work in (unreadable, len, len, len, len, len)]
        ends = []
        for work in works:
            try:
                ends.append(work.result())
            except DEATHS:
                ends.append(None)
    finally:
        short.close()

    assert ends[0] is None
    assert set(ends[1:]) <= {None, MEBIBYTE}
