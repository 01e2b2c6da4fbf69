"""A roster's workbook with faults and with what is only remarked on."""

from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from tasks.adapters.programme import read_roster, write_roster
from tasks.adapters.texts import Texts

SHIPPED = Path(__file__).parents[2] / "deployments" / "de_an_835" / "roster.xlsx"
GROUPS = ["G1", "G2", "G3", "G4"]
START = date(2024, 9, 23)
UNITS = [
    *("Mã đơn vị", "Tên đơn vị", "Nhóm", "Hiệu lực từ", "Hiệu lực đến"),
    *("Mã đơn vị cấp trên", "Mã thành viên phụ trách", "Mã hành chính", "Tên gọi khác", "Nguồn"),
]
CONTACTS = ["Mã đơn vị", "Bộ phận", "Thư điện tử", "Điện thoại", "Thứ tự", "Hiệu lực từ", "Hiệu lực đến"]
MEMBERS = [
    *("Mã thành viên", "Chức danh trong Ban Chỉ đạo", "Thư điện tử"),
    *("Lĩnh vực, địa bàn phụ trách", "Hiệu lực từ", "Hiệu lực đến"),
]


RELATIONS = ["Quan hệ", "Mã đơn vị", "Mã đơn vị kia", "Từ ngày", "Văn bản", "Nguồn"]


def a_book(path: Path, *, units=(), contacts=(), members=(), relations=(), unit_header=UNITS) -> Path:
    book = Workbook()
    for title, header, rows in (
        ("Đơn vị", unit_header, units),
        ("Đầu mối", CONTACTS, contacts),
        ("Thành viên", MEMBERS, members),
        ("Quan hệ", RELATIONS, relations),
    ):
        sheet = book.create_sheet(title)
        for row in (header, *rows):
            sheet.append(row)
    book.save(path)
    return path


def a_unit(code, name=None, *, group="G1", start=START, end=None, parent=None, member=None, official=None):
    return [code, name or code, group, start, end, parent, member, official]


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
            a_unit("so-a", group="G9", parent="so-a"),
            a_unit("so-e", parent="so-y-t"),
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
            ("Đơn vị", 5, "roster_own_parent"),
            ("Đơn vị", 6, "roster_code_unknown_near"),
            ("Đơn vị", 7, "roster_days_reversed"),
            ("Đơn vị", 8, "roster_blank"),
            ("Đơn vị", 10, "roster_name_twice"),
            ("Đơn vị", 11, "roster_not_text"),
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
    del book["Quan hệ"]
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
    reading = read_roster(SHIPPED)
    unit = reading.roster.unit("so-lao-dong-thuong-binh-va-xa-hoi", date(2025, 6, 1))
    assert unit.valid_to == date(2025, 2, 28)
    assert reading.roster.succession.heir(unit.code, date(2025, 3, 1)) == "so-noi-vu"
    assert unit.aliases == ("Sở LĐTBXH", "Sở Lao động, Thương binh và Xã hội")


def test_what_is_wrong_between_reorganised_units_is_told_row_by_row(tmp_path):
    end, then = date(2025, 6, 30), date(2025, 7, 1)
    path = a_book(
        tmp_path / "roster.xlsx",
        units=[
            a_unit("huyen-a", end=end),
            a_unit("huyen-b", end=end),
            a_unit("xa-c", parent="huyen-a"),
            a_unit("xa-d", start=date(2025, 9, 1)),
            a_unit("xa-e", official="07261"),
            a_unit("xa-f", official="07261", start=then),
            a_unit("xa-g", "X· T©n TiÕn"),
            a_unit("xa-h", end=end),
        ],
        relations=[
            ["Sáp nhập vào", "huyen-a", "huyen-b", then],
            ["Sáp nhập vào", "huyen-b", "huyen-a", then],
            ["Sáp nhập vào", "xa-h", "xa-d", then],
            ["Kết thúc", "xa-h", None, then],
            ["Sáp nhập vào", "xa-c", None, then],
            ["Tách từ", "xa-e", "huyen-a", then],
            ["Đổi tên", "xa-f", "xa-e", then],
            ["Giải thể", "xa-f", None, "01/7/2025"],
        ],
    )

    assert places(read_roster(path, groups=GROUPS).faults) == [
        ("Đơn vị", 4, "roster_parent_gone"),
        ("Đơn vị", 7, "roster_official_twice"),
        ("Đơn vị", 8, "roster_tcvn3"),
        ("Quan hệ", 2, "relation_successor_absent"),
        ("Quan hệ", 2, "relation_circle"),
        ("Quan hệ", 3, "relation_successor_absent"),
        ("Quan hệ", 4, "relation_successor_absent"),
        ("Quan hệ", 5, "relation_twice"),
        ("Quan hệ", 6, "relation_needs_other"),
        ("Quan hệ", 6, "relation_not_ended"),
        ("Quan hệ", 7, "relation_no_start"),
        ("Quan hệ", 8, "relation_needs_no_other"),
        ("Quan hệ", 8, "relation_nothing_before"),
        ("Quan hệ", 9, "roster_word"),
        ("Quan hệ", 9, "roster_not_day"),
    ]


def test_the_shipped_roster_comes_out_of_an_export_as_it_went_in(tmp_path):
    shipped = read_roster(SHIPPED).roster
    write_roster(shipped, {"G1": "Các sở"}, Texts.load(), tmp_path / "xuat.xlsx")
    assert read_roster(tmp_path / "xuat.xlsx") == read_roster(SHIPPED)


@pytest.mark.parametrize(
    ("on", "n_districts", "n_communes"),
    [
        (date(2024, 12, 31), 10, 209),
        (date(2025, 1, 1), 10, 192),
        (date(2025, 6, 30), 10, 192),
        (date(2025, 7, 1), 0, 58),
    ],
)
def test_the_province_has_its_districts_and_communes_of_each_day(on, n_districts, n_communes):
    units = read_roster(SHIPPED).roster.in_force(on)
    assert sum(unit.group == "G3" for unit in units) == n_districts
    assert sum(unit.group == "G3b" for unit in units) == n_communes


def test_every_commune_of_june_2025_has_one_heir_in_july():
    roster = read_roster(SHIPPED).roster
    communes = [unit for unit in roster.in_force(date(2025, 6, 30)) if unit.group == "G3b"]
    heirs = {unit.code: roster.succession.heir(unit.code, date(2025, 7, 1)) for unit in communes}
    assert None not in heirs.values()
    assert len(set(heirs.values())) == 58


def test_an_official_code_that_is_used_again_names_another_unit():
    roster = read_roster(SHIPPED).roster
    coded = {on: [u for u in roster.in_force(on) if u.official_code == "07261"] for on in (START, date(2025, 1, 1))}
    assert [[unit.name for unit in units] for units in coded.values()] == [
        ["Ban Chỉ đạo xã Tam Hiệp"],
        ["Ban Chỉ đạo xã Tân Hiệp"],
    ]
    assert coded[START][0].code != coded[date(2025, 1, 1)][0].code


def test_five_thousand_rows_with_two_hundred_wrong_ones_are_all_told(tmp_path):
    units = [a_unit(f"xa-{n}", f"Xã {n}", parent="xa-0" if n % 25 else f"huyen-{n}") for n in range(5000)]
    path = a_book(tmp_path / "roster.xlsx", units=units)
    faults = read_roster(path, groups=GROUPS).faults
    assert len([fault for fault in faults if fault.code.startswith("roster_code_unknown")]) == 200
