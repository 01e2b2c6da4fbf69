"""A roster's workbook with faults and with what is only remarked on."""

from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from tasks.adapters.programme import read_roster
from tasks.adapters.texts import Texts

SHIPPED = Path(__file__).parents[2] / "deployments" / "de_an_835" / "roster.xlsx"
GROUPS = ["G1", "G2", "G3", "G4"]
START = date(2024, 9, 23)
UNITS = [
    *("Mã đơn vị", "Tên đơn vị", "Nhóm", "Hiệu lực từ", "Hiệu lực đến"),
    *("Mã đơn vị cấp trên", "Mã thành viên phụ trách", "Mã đơn vị kế thừa", "Tên gọi khác", "Nguồn"),
]
CONTACTS = ["Mã đơn vị", "Bộ phận", "Thư điện tử", "Điện thoại", "Thứ tự", "Hiệu lực từ", "Hiệu lực đến"]
MEMBERS = [
    *("Mã thành viên", "Chức danh trong Ban Chỉ đạo", "Thư điện tử"),
    *("Lĩnh vực, địa bàn phụ trách", "Hiệu lực từ", "Hiệu lực đến"),
]


def a_book(path: Path, *, units=(), contacts=(), members=(), unit_header=UNITS) -> Path:
    book = Workbook()
    for title, header, rows in (
        ("Đơn vị", unit_header, units),
        ("Đầu mối", CONTACTS, contacts),
        ("Thành viên", MEMBERS, members),
    ):
        sheet = book.create_sheet(title)
        for row in (header, *rows):
            sheet.append(row)
    book.save(path)
    return path


def a_unit(code, name=None, *, group="G1", start=START, end=None, parent=None, member=None, successor=None):
    return [code, name or code, group, start, end, parent, member, successor]


def a_contact(unit, email, *, desk="Văn thư", rank=1, start=START, end=None):
    return [unit, desk, email, None, rank, start, end]


def places(entries) -> list[tuple[str, int, str]]:
    return [(entry.sheet, entry.line, entry.code) for entry in entries]


def test_every_fault_is_told_with_its_sheet_and_row(tmp_path):
    path = a_book(
        tmp_path / "roster.xlsx",
        units=[
            a_unit("so-y-te", member="uv-x"),
            a_unit("so-y-te"),
            a_unit("So Y Te", start="01/03/2025"),
            a_unit("so-a", group="G9", parent="so-y-t", successor="so-a"),
            a_unit("so-b", end=date(2024, 1, 1)),
            [None, "Không mã", "G1", START],
            a_unit("so-c", "Sở Hoà"),
            a_unit("so-d", "SỞ HÒA"),
            [123, "Số", "G1", START],
        ],
        contacts=[
            a_contact("so-y-te", "a@b@c"),
            a_contact("so-yte", "x@example.invalid", rank=0),
            a_contact("so-yte", "x@example.invalid"),
            a_contact("so-c", "c@example.invalid"),
            a_contact("so-c", "C@example.invalid"),
        ],
    )

    reading = read_roster(path, groups=GROUPS)

    assert sorted(places(reading.faults)) == sorted(
        [
            ("Đơn vị", 2, "roster_code_unknown"),
            ("Đơn vị", 3, "roster_unit_twice"),
            ("Đơn vị", 4, "roster_code"),
            ("Đơn vị", 4, "roster_not_day"),
            ("Đơn vị", 5, "roster_group_unknown"),
            ("Đơn vị", 5, "roster_code_unknown_near"),
            ("Đơn vị", 5, "roster_own_parent"),
            ("Đơn vị", 6, "roster_days_reversed"),
            ("Đơn vị", 7, "roster_blank"),
            ("Đơn vị", 9, "roster_name_twice"),
            ("Đơn vị", 10, "roster_not_text"),
            ("Đầu mối", 2, "address_malformed"),
            ("Đầu mối", 3, "roster_rank"),
            ("Đầu mối", 4, "roster_code_unknown_near"),
            ("Đầu mối", 6, "roster_contact_twice"),
        ]
    )
    texts = Texts.load()
    assert all(texts.fault(fault) for fault in reading.faults)


def test_what_is_odd_but_possible_is_remarked_on_and_loaded(tmp_path):
    path = a_book(
        tmp_path / "roster.xlsx",
        units=[a_unit("so-a"), a_unit("so-b"), a_unit("so-c"), a_unit("so-d")],
        contacts=[
            a_contact("so-a", "one@example.invalid"),
            a_contact("so-b", "one@example.invalid"),
            a_contact("so-c", "one@example.invalid", desk="Phòng Tổng hợp"),
        ],
    )

    reading = read_roster(path, groups=GROUPS)

    assert reading.faults == ()
    assert len(reading.roster.units) == 4
    assert places(reading.remarks) == [
        ("Đơn vị", 5, "remark_no_address"),
        ("Đầu mối", 3, "remark_contact_of_two_units"),
        ("Đầu mối", 4, "remark_two_contacts_one_address"),
    ]


def test_rows_of_one_code_may_follow_each_other_and_pass_an_address_on(tmp_path):
    path = a_book(
        tmp_path / "roster.xlsx",
        units=[a_unit("so-a", "Cũ", end=date(2025, 2, 28)), a_unit("so-a", "Mới", start=date(2025, 3, 1))],
        contacts=[
            a_contact("so-a", "a@example.invalid", end=date(2025, 2, 28)),
            a_contact("so-a", "a@example.invalid", desk="Phòng mới", start=date(2025, 3, 1)),
        ],
    )
    reading = read_roster(path, groups=GROUPS)
    assert (reading.faults, reading.remarks) == ((), ())


def test_a_misspelled_or_missing_column_and_a_missing_sheet_are_told(tmp_path):
    header = ["Mã đơn vị", "Ten don vi", "Nhóm", "Hiệu lực từ", "Hiệu lực đén"]
    path = a_book(tmp_path / "roster.xlsx", units=[["so-a", "a", "G1", START]], unit_header=header)
    book = load_workbook(path)
    del book["Thành viên"]
    book.save(path)

    assert places(read_roster(path, groups=GROUPS).faults) == [
        ("Đơn vị", 1, "roster_column_unknown_near"),
        ("Đơn vị", 1, "roster_column_unknown_near"),
        ("Đơn vị", 1, "roster_no_column"),
        ("Thành viên", 0, "roster_no_sheet"),
    ]


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.9, 0.999])
def test_a_workbook_that_was_cut_off_is_refused_as_a_whole(tmp_path, share):
    content = SHIPPED.read_bytes()
    path = tmp_path / "roster.xlsx"
    path.write_bytes(content[: int(len(content) * share)])

    reading = read_roster(path)

    assert places(reading.faults) == [("", 0, "roster_broken")]
    assert reading.roster.units == ()


def test_a_stray_value_in_the_last_corner_of_a_sheet_is_refused_before_it_is_unpacked(tmp_path):
    path = a_book(tmp_path / "roster.xlsx", units=[a_unit("so-a")])
    book = load_workbook(path)
    book["Đơn vị"]["XFD1048576"] = "x"
    book.save(path)
    assert places(read_roster(path).faults) == [("", 0, "roster_too_wide")]


def test_a_unit_gets_its_names_and_days_from_its_row():
    reading = read_roster(SHIPPED, groups=["G1", "G2", "G3", "G4", "G6"])
    unit = reading.roster.unit("so-lao-dong-thuong-binh-va-xa-hoi", date(2025, 6, 1))
    assert unit.valid_to == date(2025, 2, 28)
    assert unit.successor_code == "so-noi-vu"
    assert unit.aliases == ("Sở LĐTBXH", "Sở Lao động, Thương binh và Xã hội")
