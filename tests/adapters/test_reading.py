"""What comes back from a unit's own workbook, whatever saved it, and what a hostile one costs."""

import io
import os
import shutil
import signal
import subprocess
import time
import unicodedata
import zipfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font

from models.domain.checks import check_form, identify
from models.domain.cycles import plan_cycle
from models.domain.reading import MAX_AMOUNT
from models.domain.vocabulary import FieldKind
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks import form_words
from tasks.adapters.workbooks.foreign import OLD, OPEN, reads_safely
from tasks.adapters.workbooks.pool import DEATHS, GuardedReader
from tasks.adapters.workbooks.reading import read_workbook
from tasks.adapters.workbooks.stamping import FormTemplate
from tasks.ports import Brought, StampOrder
from tasks.settings import LimitSettings

PROGRAMME = Path(__file__).resolve().parents[2] / "deployments" / "de_an_835"
LIMITS = LimitSettings()
NUMBERS = {FieldKind.COUNT, FieldKind.MONEY}


@pytest.fixture(scope="module")
def programme():
    return load_programme(PROGRAMME)


@pytest.fixture(scope="module")
def cycle(programme):
    return plan_cycle(programme, programme.obligation("O-20"), 2026)


@pytest.fixture(scope="module")
def spec(cycle):
    return cycle.terms.form


@pytest.fixture(scope="module")
def form(cycle, programme):
    template = FormTemplate.build(cycle, programme, vietnamese())
    return template.stamp(StampOrder(unit_code="so-y-te", unit_name="Sở Y tế", token="0123456789abcdef"))


@pytest.fixture(scope="module")
def reader():
    reader = GuardedReader(LIMITS)
    yield reader
    reader.close()


def amounts_of(spec):
    """One amount a field that breaks no rule: the same for the part and for the whole."""
    return {item.code: 12 for item in spec.fields if item.kind in NUMBERS}


def filled(form, spec, amounts=None, *, at=None):
    """Fill a stamped form as a clerk does; `at` changes cells of the figures' sheet by address."""
    workbook = load_workbook(io.BytesIO(form))
    figures, texts = workbook[spec.figures_sheet], workbook[spec.narratives_sheet]
    for code, amount in (amounts or amounts_of(spec)).items():
        figures[spec.value_cell(spec.field(code))] = amount
    figures[spec.value_cell(spec.field("CT04"))] = "Có"
    figures[spec.value_cell(spec.field("CT21"))] = "Khá"
    for item in spec.narratives:
        texts[f"{spec.narrative_column}{item.row}"] = f"Đã thực hiện: {item.title}"
    for address, value in (at or {}).items():
        figures[address] = value
    return saved(workbook)


def saved(workbook):
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def checked(content, spec):
    read = read_workbook(content, LIMITS)
    assert read.findings == ()
    return check_form(spec, read.form, words=form_words(vietnamese()))


XLSX, XLS, ODS = ("xlsx:Calc MS Excel 2007 XML", "xls:MS Excel 97", "ods:calc8")


def by_office(content, tmp_path, kind=XLSX):
    """Have LibreOffice open the workbook and save it again."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    (tmp_path / "in.xlsx").write_bytes(content)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", kind, "--outdir"]
    subprocess.run([*command, tmp_path / "out", tmp_path / "in.xlsx"], check=True, capture_output=True, timeout=120)
    return (tmp_path / "out" / f"in.{kind.partition(':')[0]}").read_bytes()


def test_a_filled_form_has_no_finding_and_every_figure(form, spec):
    understood = checked(filled(form, spec), spec)
    assert understood.findings == ()
    assert len(understood.figures) == len(spec.fields)
    assert understood.narratives["I"] == "Đã thực hiện: I. Tình hình, công tác lãnh đạo, chỉ đạo"


def test_a_blank_form_is_found_blank_in_each_cell_at_once(form, spec):
    blanks = [item.cell for item in checked(form, spec).findings if item.code == "blank_without_note"]
    assert blanks == [spec.value_cell(item) for item in spec.fields]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_amounts_that_are_written_come_back_the_same(form, spec, data):
    codes = [item.code for item in spec.fields if item.kind in NUMBERS]
    amounts = {code: data.draw(st.integers(0, MAX_AMOUNT), label=code) for code in codes}
    understood = checked(filled(form, spec, amounts), spec)
    assert {figure.field: figure.amount for figure in understood.figures if figure.field in amounts} == amounts


@pytest.mark.office
def test_a_form_that_libreoffice_saved_reads_the_same(form, spec, cycle, tmp_path):
    content = filled(form, spec, at={"G8": "Giải trình: tăng do mở rộng"})
    again = by_office(content, tmp_path)
    assert checked(again, spec) == checked(content, spec)
    assert identify(read_workbook(again, LIMITS).form, spec, cycle_code=cycle.code, cycle_titles={}) == ()


@pytest.mark.office
@pytest.mark.parametrize(("kind", "told", "refused"), [(XLS, "read_from_xls", OLD), (ODS, "read_from_ods", OPEN)])
def test_a_form_saved_in_another_format_reads_the_same_and_says_so(kind, told, refused, form, spec, tmp_path):
    content = filled(form, spec, at={"G8": "Giải trình: tăng do mở rộng"})
    read = read_workbook(by_office(content, tmp_path, kind), LIMITS)
    assert [item.code for item in read.findings] == [told]
    assert read.form == read_workbook(content, LIMITS).form
    odd = filled(form, spec, at={"G8": "Céng hoµ x· héi chñ nghÜa"})
    assert not reads_safely(read_workbook(odd, LIMITS).form), "text in a font that nobody sees is not guessed at"
    strange = read_workbook(by_office(saved(Workbook()), tmp_path, kind), LIMITS)
    assert [item.code for item in strange.findings] == [refused]


@pytest.mark.office
def test_a_formula_counts_once_libreoffice_has_calculated_it(form, spec, tmp_path):
    content = filled(form, spec, at={"E7": "=5+7"})
    assert [item.code for item in checked(content, spec).findings] == ["uncalculated"]
    assert checked(by_office(content, tmp_path), spec).findings == ()


def test_an_error_value_is_not_taken_for_a_blank(form, spec):
    workbook = load_workbook(io.BytesIO(filled(form, spec)))
    cell = workbook[spec.figures_sheet]["E7"]
    cell.value = "#REF!"
    cell.data_type = "e"
    assert [(item.code, item.cell) for item in checked(saved(workbook), spec).findings] == [("uncalculated", "E7")]


def test_text_in_a_tcvn3_font_is_converted_and_noted(form, spec):
    workbook = load_workbook(io.BytesIO(filled(form, spec)))
    texts = workbook[spec.narratives_sheet]
    texts["C7"], texts["C7"].font = "Céng hoµ x· héi chñ nghÜa ViÖt Nam", Font(name=".VnTime")
    texts["C8"], texts["C8"].font = "héi nghÞ", Font(name=".VnTimeH")
    understood = checked(saved(workbook), spec)
    assert understood.narratives["I"] == "Cộng hoà xã hội chủ nghĩa Việt Nam"
    assert understood.narratives["II.1"] == "HỘI NGHỊ"
    assert [(item.code, dict(item.facts)["n_cells"]) for item in understood.findings] == [("legacy_font", "2")]


def test_names_and_text_in_nfd_come_back_in_nfc(form, spec):
    workbook = load_workbook(io.BytesIO(filled(form, spec)))
    sheet = workbook[spec.figures_sheet]
    sheet.title = unicodedata.normalize("NFD", spec.figures_sheet)
    sheet["E43"] = unicodedata.normalize("NFD", "Khá")
    raw = read_workbook(saved(workbook), LIMITS).form
    assert spec.figures_sheet in raw.sheets
    assert unicodedata.is_normalized("NFC", "".join(str(value) for value in raw.cells.values()))


def test_inserted_rows_and_a_renamed_sheet_do_no_harm(form, spec):
    workbook = load_workbook(io.BytesIO(filled(form, spec, at={"E7": "1.234"})))
    sheet = workbook[spec.figures_sheet]
    for merged in list(sheet.merged_cells.ranges):
        sheet.unmerge_cells(str(merged))
    sheet.insert_rows(3, amount=2)
    sheet.title = "So lieu"
    (only,) = checked(saved(workbook), spec).findings
    assert (only.code, only.sheet, only.cell) == ("ambiguous_number", "So lieu", "E9")


def test_the_guide_is_left_unread_and_every_other_sheet_is_read(form, spec, reader):
    workbook = load_workbook(io.BytesIO(filled(form, spec, amounts_of(spec))))
    guide = vietnamese().say("form.sheet.guide")
    workbook[guide]["D3"] = "Ghi chú của đơn vị"
    workbook.create_sheet("Ghi chú")["A1"] = "Ghi chú của đơn vị"
    with io.BytesIO() as target:
        workbook.save(target)
        content = target.getvalue()
    whole = read_workbook(content, LIMITS).form
    (read,) = (
        one.form for one in reader.unpack([Brought(content=content, is_mail=False, file_name="bm.xlsx")])[0].forms
    )
    assert reader.read([content])[0].form.cells == whole.cells
    assert read.sheets == whole.sheets
    assert read.cells == {place: value for place, value in whole.cells.items() if place[0] != guide}
    assert whole.cells[guide, "D3"] == read.cells["Ghi chú", "A1"] == "Ghi chú của đơn vị"


def test_a_number_cell_that_turned_into_a_date_is_read_as_a_date(form, spec):
    content = filled(form, spec, at={"E7": datetime(2025, 6, 12)})  # noqa: DTZ001 - a cell knows no zone
    assert [item.code for item in checked(content, spec).findings] == ["date_for_number"]


def test_a_workbook_of_another_kind_has_no_stamp(cycle, spec):
    read = read_workbook(saved(Workbook()), LIMITS)
    (only,) = identify(read.form, spec, cycle_code=cycle.code, cycle_titles={})
    assert (read.form.stamp, only.code) == (None, "not_our_form")


def test_the_form_of_last_time_says_of_which_cycle_it_is(form, spec):
    titles = {"bc-6t-2026": "Báo cáo 06 tháng năm 2026", "bc-6t-2027": "Báo cáo 06 tháng năm 2027"}
    raw = read_workbook(form, LIMITS).form
    (only,) = identify(raw, spec, cycle_code="bc-6t-2027", cycle_titles=titles)
    assert vietnamese().finding(only) == (
        "Biểu này thuộc kỳ “Báo cáo 06 tháng năm 2026”, không phải kỳ “Báo cáo 06 tháng năm 2027”. "
        "Đề nghị điền vào biểu mẫu của kỳ này, gửi kèm thư."
    )


def test_many_files_come_back_in_order_and_a_refused_one_costs_its_own_result_only(form, spec, reader):
    contents = [filled(form, spec, {"CT01": number}) for number in range(3)]
    contents.insert(1, contents[0][:-300])
    results = reader.read(contents)
    assert [result.form.cells[spec.figures_sheet, "E7"] if result.form else None for result in results] == [
        0,
        None,
        1,
        2,
    ]
    assert [item.code for item in results[1].findings] == ["file_is_cut_off"]


def test_a_file_that_kills_its_worker_costs_its_own_result_only(form, spec):
    """Wide and long beyond the memory of a worker, but within limits that the operator has set far too high."""
    limits = LimitSettings(
        rows=2_000_000, columns=20_000, area=10**12, worker_memory_bytes=512 * 1024 * 1024, worker_seconds=20
    )
    workbook = Workbook()
    workbook.active["A1"], workbook.active["XFD1048576"] = 1, 1
    reader = GuardedReader(limits)
    try:
        results = reader.read([filled(form, spec), saved(workbook), filled(form, spec)])
    finally:
        reader.close()
    assert [result.form is not None for result in results] == [True, False, True]
    assert results[1].findings[0].code in {"workbook_unreadable", "workbook_too_complex"}


def test_a_file_that_takes_too_long_is_told_so(form, spec):
    """A sheet full of formulas is harmless from outside; looking at each of them takes longer than is allowed."""
    limits = LimitSettings(worker_seconds=0.5)
    workbook = Workbook()
    for row in range(1, 10_000):
        workbook.active.append([f"=A{row}+1"] * 20)
    reader = GuardedReader(limits)
    try:
        slow, good = reader.read([saved(workbook), filled(form, spec)])
    finally:
        reader.close()
    assert [item.code for item in slow.findings] == ["workbook_too_complex"]
    assert good.form is not None


@pytest.mark.parametrize("signals", [(signal.SIGSTOP,), (signal.SIGSTOP, signal.SIGKILL)])
def test_workers_that_fall_silent_are_given_up_within_seconds_and_the_files_are_read_by_new_ones(signals, form, spec):
    """One stands still; the other dies with half a message read: whoever comes next waits for the rest of it."""
    reader = GuardedReader(LimitSettings(workers=1), seconds_of_silence=3)
    contents = [filled(form, spec, {"CT01": number}) for number in range(3)]
    try:
        worker = reader.in_a_worker(os.getpid, (), 60).result()
        os.kill(worker, signals[0])
        large = reader.in_a_worker(len, (bytes(8 * 1024 * 1024),), 600)
        for sign in signals[1:]:
            Event().wait(0.5)  # until the message is on its way
            os.kill(worker, sign)
        start = time.monotonic()
        with suppress(*DEATHS):
            assert large.result() == 8 * 1024 * 1024
        results = reader.read(contents)
        seconds = time.monotonic() - start
    finally:
        reader.close()
    assert [result.form.cells[spec.figures_sheet, "E7"] for result in results] == [0, 1, 2]
    assert seconds < 60, "and not the ten minutes that the work was given"


def test_a_workbook_whose_parts_make_no_sense_is_a_finding_not_an_error(form):
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(form)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"<workbook/>" if name == "xl/workbook.xml" else old.read(name))
    read = read_workbook(stream.getvalue(), LIMITS)
    assert read.form is None or read.form.sheets == ()


def test_no_file_at_all_is_no_work(reader):
    assert reader.read([]) == []
