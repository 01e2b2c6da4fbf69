"""What the rows of an annex are understood as, and what is asked back."""

from datetime import date, datetime

import pytest

from models.domain.forms import RawForm
from models.domain.roster import Roster, Unit
from tasks.adapters.programme.annex_file import AnnexSource, read_annex
from tasks.adapters.texts import vietnamese

TITLES = ("Số", "Nội dung nhiệm vụ", "Đơn vị chủ trì", "Thời hạn", "Sản phẩm")
ON = date(2025, 7, 15)
A_CELLS_DATE = datetime(2025, 9, 30)  # noqa: DTZ001 - a cell has no zone


def a_unit(code, name):
    return Unit(code=code, name=name, group="G1", valid_from=date(2024, 1, 1))


ROSTER = Roster(
    units=(
        a_unit("so-y-te", "Sở Y tế"),
        a_unit("dong-tien-yen-the", "Xã Đồng Tiến"),
        a_unit("dong-tien-hiep-hoa", "Xã Đồng Tiến"),
    )
)


def read(*rows, uncalculated=(), given_out=None):
    cells = {("Phụ lục", f"{column}3"): title for column, title in zip("ABCDE", TITLES, strict=True)}
    for number, row in enumerate(rows, start=4):
        cells |= {("Phụ lục", f"{c}{number}"): value for c, value in zip("ABCDE", row, strict=False) if value != ""}
    raw = RawForm(
        stamp=None,
        sheets=("Bìa", "Phụ lục"),
        cells=cells,
        uncalculated=frozenset(("Phụ lục", address) for address in uncalculated),
    )
    source = AnnexSource(file="pl1.xlsx", raw=raw, roster=ROSTER, opens_on=ON, given_out=given_out or {})
    return read_annex(source, vietnamese())


def codes(reading):
    return [(fault.line, fault.code) for fault in reading.faults]


@pytest.mark.parametrize("written", ["30/9/2025", " 30-09-2025 ", "30.9.2025", date(2025, 9, 30), A_CELLS_DATE])
def test_a_deadline_is_a_date_cell_or_a_written_date(written):
    (task,) = read((1.0, "Việc", "so-y-te", written, "Văn bản")).tasks
    assert task.last_day == date(2025, 9, 30)


@pytest.mark.parametrize("written", ["31/9/2025", "9/2025", "tháng 9", 45930.0, True, "30/9/25"])
def test_what_is_no_certain_date_is_asked_back(written):
    assert codes(read((1.0, "Việc", "so-y-te", written))) == [(4, "annex_day_unclear")]


@pytest.mark.parametrize(("written", "number"), [(3.0, "3"), ("2.1", "2-1"), ("4.", "4"), ("5a", "5a")])
def test_a_number_becomes_part_of_the_tasks_code(written, number):
    assert read((written, "Việc", "so-y-te", "30/9/2025")).tasks[0].number == number


def test_owners_are_codes_or_names_and_each_counts_once():
    (task,) = read((1.0, "Việc", "SO-Y-TE; sở y tế\ndong-tien-hiep-hoa", "30/9/2025")).tasks
    assert task.unit_codes == ("so-y-te", "dong-tien-hiep-hoa")


def test_a_name_that_two_units_have_asks_for_the_code():
    reading = read((1.0, "Việc", "Xã Đồng Tiến", "30/9/2025"))
    assert codes(reading) == [(4, "annex_owner_ambiguous")]
    assert "dong-tien-yen-the, dong-tien-hiep-hoa" in vietnamese().fault(reading.faults[0])


def test_a_formula_without_a_result_is_a_fault_of_its_row():
    assert (4, "annex_uncalculated") in codes(read((1.0, "", "so-y-te", "30/9/2025"), uncalculated=["B4"]))


def test_a_task_that_was_given_out_is_understood_as_of_its_day():
    row = (1.0, "Việc", "so-y-te", "30/6/2025")
    assert codes(read(row)) == [(4, "annex_day_past")]
    assert read(row, given_out={"1": date(2025, 6, 1)}).faults == ()


def test_an_empty_annex_is_said_to_be_empty():
    assert codes(read()) == [(3, "annex_empty")]
