"""The annual plan's targets: set from a workbook, all of it or nothing, with who and why."""

from io import BytesIO

import pytest
from openpyxl import Workbook, load_workbook

from models.db.records import audit, targets
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import Action
from tasks.set_targets import TargetOrder, import_targets, write_target_sheet

FILE = "chi-tieu-2025.xlsx"
SIGNED = ("Bàn trực", "Chuẩn bị kế hoạch năm")
CODES = ("CT05", "CT06", "CT13")


def a_workbook(*rows, header=("Mã đơn vị", "Tên đơn vị", *CODES)):
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "Chỉ tiêu"
    for row in (header, *rows):
        sheet.append(row)
    packed = BytesIO()
    workbook.save(packed)
    return packed.getvalue()


def brought(office, content, name=FILE):
    office.home.mkdir(parents=True, exist_ok=True)
    (office.home / name).write_bytes(content)
    return name


def set_targets(office, *rows, at="2025-04-02 09:00", header=("Mã đơn vị", "Tên đơn vị", *CODES), **changes):
    order = {"file": FILE, "year": 2025, "operator": "Bàn trực", "reason": "Kế hoạch năm đã ký"} | changes
    if rows:
        brought(office, a_workbook(*rows, header=header))
    with office.at(at) as runtime:
        return import_targets.fn(runtime, TargetOrder(**order))


def refused(office, *rows, **changes):
    with pytest.raises(ActionRefusedError) as caught:
        set_targets(office, *rows, **changes)
    with office.at("2025-04-02 10:00") as runtime:
        return runtime.texts.error(caught.value)


def kept(office):
    with office.at("2025-04-02 12:00") as runtime, runtime.sessions() as session:
        found = targets.targets_of_year(session, "de_an_835", 2025)
        acts = [entry for entry in audit.newest_actions(session, limit=9) if entry.action is Action.IMPORT_TARGETS]
    return {(target.unit_code, target.field): target.amount for target in found}, acts


def test_a_blank_cell_asks_nothing_and_a_unit_may_be_given_by_its_name_alone(office):
    counts = set_targets(office, ("so-y-te", "Sở Y tế", 12, None, 0), (None, "Sở Tư pháp", "8", "1.500.000", None))
    assert counts == {"targets": 4, "units": 2, "changed": 4}
    found, (act,) = kept(office)
    assert found == {
        ("so-y-te", "CT05"): 12,
        ("so-y-te", "CT13"): 0,
        ("so-tu-phap", "CT05"): 8,
        ("so-tu-phap", "CT06"): 1_500_000,
    }
    assert (act.operator, act.reason, act.subject) == ("Bàn trực", "Kế hoạch năm đã ký", "ke-hoach-nam-2025")


def test_the_same_workbook_again_changes_nothing_and_leaves_no_second_row_in_the_audit(office):
    set_targets(office, ("so-y-te", None, 12, None, None))
    assert set_targets(office)["changed"] == 0
    assert len(kept(office)[1]) == 1


def test_importing_again_puts_the_whole_year_in_the_place_of_what_was_there(office):
    set_targets(office, ("so-y-te", None, 12, 5, None), ("so-tu-phap", None, 3, None, None))
    assert set_targets(office, ("so-y-te", None, 20, None, None))["changed"] == 3
    found, acts = kept(office)
    assert (found, len(acts)) == ({("so-y-te", "CT05"): 20}, 2)


def test_every_fault_is_named_with_its_sheet_and_row_and_nothing_is_set(office):
    said = refused(
        office,
        ("so-khong-co", None, 1, None, None, 1),
        ("so-y-te", "Sở Tư pháp", 1, None, None, None),
        ("so-tu-phap", None, -3, 2.5, "mười", None),
        ("so-tu-phap", None, 4, "1.234", None, None),
        (None, None, 7, None, None, None),
        header=("Mã đơn vị", "Tên đơn vị", *CODES, "CT99"),
    )
    for row, word in [
        (1, "“CT99”"),
        (2, "“so-khong-co”"),
        (3, "“Sở Tư pháp”"),
        (4, "số âm"),
        (4, "“2,5” không phải số nguyên"),
        (4, "“mười”"),
        (5, "“Sở Tư pháp” đã có chỉ tiêu ở dòng 4"),
        (5, "“1.234”"),
        (6, "chưa ghi mã hoặc tên"),
    ]:
        line = [line for line in said.split("\n") if f"Trang “Chỉ tiêu”, dòng {row}:" in line and word in line]
        assert line, (row, word, said)
    assert "9 lỗi" in said
    assert kept(office) == ({}, [])


@pytest.mark.parametrize(
    ("header", "word"),
    [
        (("Mã đơn vị", "Tên đơn vị", "CT05", "ct05"), "hai cột"),
        (("Mã đơn vị", "Tên đơn vị", "CT05", "CT04"), "“CT04” không phải chỉ tiêu bằng số"),
        (("Mã đơn vị", "Tên đơn vị", "CT05", None), "chưa có mã chỉ tiêu"),
        (("Mã", "Tên", "CT05", "CT06"), "Không tìm thấy dòng tiêu đề"),
    ],
)
def test_a_column_that_cannot_be_told_is_a_fault_of_the_header(office, header, word):
    assert word in refused(office, ("so-y-te", None, 1, 2), header=header)


def test_a_unit_that_has_ended_by_the_day_gets_no_target(office):
    district = ("bcd-huyen-luc-ngan", None, 5, None, None)
    with office.at("2025-04-02 08:00") as runtime:
        ended = [unit for unit in runtime.programmes["de_an_835"].roster.units if unit.group == "G3" and unit.valid_to]
    district = (ended[0].code, None, 5, None, None)
    set_targets(office, district)
    assert ended[0].name in refused(office, district, at="2025-08-04 08:00")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"operator": "  "}, "người thực hiện"),
        ({"reason": ""}, "lý do"),
        ({"file": "../khac.xlsx"}, "không nằm trong thư mục"),
        ({"file": "/etc/hostname"}, "không nằm trong thư mục"),
        ({"file": "khong-co.xlsx"}, "Không có tệp"),
        ({"year": 2031}, "năm 2031"),
    ],
)
def test_an_order_that_nobody_answers_for_or_that_leads_nowhere_is_refused(office, changes, word):
    assert word in refused(office, ("so-y-te", None, 1, None, None), **changes)
    assert kept(office) == ({}, [])


def test_a_file_that_is_no_workbook_or_sets_nothing_is_refused(office):
    brought(office, b"PK\x03\x04 not a workbook")
    assert "Không đọc được tệp" in refused(office)
    assert "chưa có chỉ tiêu nào" in refused(office, ("so-y-te", "Sở Y tế", None, None, None))


def test_the_empty_workbook_has_every_reporting_unit_and_can_be_filled_and_imported(office):
    with office.at("2025-04-02 08:00") as runtime:
        path = write_target_sheet.fn(runtime, 2025, *SIGNED)
        assert write_target_sheet.fn(runtime, 2025, *SIGNED) == path
    workbook = load_workbook(path)
    sheet = workbook["Chỉ tiêu"]
    codes = [cell.value for cell in sheet["A"]][4:]
    assert (path.name, len(codes), len(set(codes))) == (FILE, 76, 76)
    columns = {cell.value: cell.column for cell in sheet[4]}
    assert sheet.cell(3, columns["CT05"]).value == "Hội nghị, buổi tuyên truyền trực tiếp (buổi)"
    assert "CT04" not in columns
    assert "CT21" not in columns
    sheet.cell(codes.index("so-y-te") + 5, columns["CT05"], 30)
    workbook.save(path)
    assert set_targets(office) == {"targets": 1, "units": 1, "changed": 1}
    with office.at("2025-04-02 11:00") as runtime, pytest.raises(ActionRefusedError):
        write_target_sheet.fn(runtime, 2025, *SIGNED)


def test_a_new_workbook_shows_what_is_set_already(office):
    set_targets(office, ("so-y-te", None, 12, None, None))
    (office.home / FILE).unlink()
    with office.at("2025-04-02 08:00") as runtime:
        path = write_target_sheet.fn(runtime, 2025, *SIGNED)
    assert set_targets(office) == {"targets": 1, "units": 1, "changed": 0}
    assert path.is_file()


def test_the_forms_of_the_next_report_show_the_targets_of_the_units_that_have_some(office):
    set_targets(office, ("so-y-te", None, 12, None, 0))
    office.round("2025-05-16 08:00")
    with_target, without = (form_of(office, unit) for unit in ("so-y-te", "so-tu-phap"))
    assert (with_target.max_column, without.max_column) == (8, 7)
    rows = {with_target[f"A{row}"].value: row for row in range(7, with_target.max_row + 1)}
    assert [with_target[f"H{rows[code]}"].value for code in CODES] == [12, None, 0]


def form_of(office, unit):
    digest = office.duty(unit).form_digest
    with office.at("2025-05-16 09:00") as runtime:
        return load_workbook(BytesIO(runtime.archive.read(digest)))["Biểu 1"]
