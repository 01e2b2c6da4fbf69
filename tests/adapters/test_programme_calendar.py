"""The library's holidays under the table that a person keeps."""

from datetime import date
from pathlib import Path

import pytest

from tasks.adapters.programme import CalendarUnknownError, Override, build_calendar
from tasks.adapters.programme.holidays_file import read_overrides

SHIPPED = Path(__file__).parents[2] / "deployments" / "de_an_835" / "holidays.csv"
HEADER = "date,working,reason,document\n"


def shipped_calendar():
    overrides, _ = read_overrides(SHIPPED.read_bytes(), "holidays.csv")
    return build_calendar(range(2024, 2032), overrides)


def faults_of(text: str) -> list[tuple[int, str]]:
    _, faults = read_overrides(text.encode(), "holidays.csv")
    return [(fault.line, fault.code) for fault in faults]


@pytest.mark.parametrize(
    ("off", "worked"),
    [
        (date(2024, 4, 29), date(2024, 5, 4)),
        (date(2025, 5, 2), date(2025, 4, 26)),
        (date(2026, 1, 2), date(2026, 1, 10)),  # not in the library: 12729/VPCP-KGVX
        (date(2026, 8, 31), date(2026, 8, 22)),
    ],
)
def test_of_a_swap_the_weekday_is_off_and_the_saturday_is_worked(off, worked):
    calendar = shipped_calendar()
    assert not calendar.is_working_day(off)
    assert calendar.is_working_day(worked)


def test_the_library_alone_knows_both_sides_of_the_swaps_it_lists():
    calendar = build_calendar([2025])
    assert not calendar.is_working_day(date(2025, 5, 2))
    assert calendar.is_working_day(date(2025, 4, 26))


@pytest.mark.parametrize("on", [date(2026, 2, 16), date(2026, 4, 27), date(2026, 9, 1), date(2025, 4, 7)])
def test_tet_the_kings_day_and_national_day_are_off(on):
    assert not shipped_calendar().is_working_day(on)


def test_the_day_of_vietnamese_culture_is_off_until_a_person_says_it_is_worked():
    day = date(2026, 11, 24)
    assert not shipped_calendar().is_working_day(day)
    assert build_calendar([2026], [Override(on=day, is_working=True, reason="r")]).is_working_day(day)


def test_a_worked_saturday_can_be_taken_back():
    day = date(2026, 8, 22)
    assert not build_calendar([2026], [Override(on=day, is_working=False, reason="r")]).is_working_day(day)


def test_a_year_whose_lunar_days_cannot_be_computed_is_refused():
    with pytest.raises(CalendarUnknownError):
        build_calendar([2099, 2100])


def test_every_fault_of_the_table_is_named_with_its_line():
    text = HEADER + (
        "2026-01-02,no,ok,1\n"
        "2026-02-30,no,no such day,\n"
        "2026-01-02,no,twice,\n"
        "\n"
        "2026-03-03,maybe,neither,\n"
        "2026-03-04,no,,\n"
        "2026-03-05,no\n"
    )
    assert faults_of(text) == [
        (3, "day_malformed"),
        (4, "holidays_twice"),
        (6, "holidays_working"),
        (7, "holidays_no_reason"),
        (8, "holidays_columns"),
    ]


def test_a_table_saved_by_a_vietnamese_excel_is_read():
    overrides, faults = read_overrides("\ufeffdate;working;reason;document\n02/01/2026;no;r;d\n".encode(), "h.csv")
    assert faults == []
    assert overrides == (Override(on=date(2026, 1, 2), is_working=False, reason="r", document="d"),)


def test_a_table_without_its_header_or_in_another_encoding_is_refused():
    assert faults_of("2026-01-02,no,r,d\n") == [(1, "holidays_header")]
    _, faults = read_overrides((HEADER + "2026-01-02,no,nghỉ,d\n").encode("utf-16"), "h.csv")
    assert [fault.code for fault in faults] == ["file_not_utf8"]
