from datetime import date
from io import BytesIO

from openpyxl import load_workbook

from models.domain.rehearsal import RehearsedLetter, RehearsedYear, SkippedRung, SpokenRung, scenario_of
from models.domain.vocabulary import SkipReason
from tasks.adapters.rehearsal_sheet import rehearsal_workbook
from tasks.adapters.texts import vietnamese
from tests.builders import hanoi


def a_letter(at, *rungs, unit="so-y-te", name="Sở Y tế", subject="Nhắc"):
    spoken = tuple(SpokenRung(cycle_code="bc-6t-2026", unit_code=unit, unit_name=name, rung=rung) for rung in rungs)
    return RehearsedLetter(at=hanoi(at), recipient=f"{unit}@example.invalid", subject=subject, spoken=spoken)


def sheets_of(*letters, skipped=()):
    year = RehearsedYear(year=2026, scenario=scenario_of("nobody"), letters=letters, skipped=skipped, duties=())
    return load_workbook(BytesIO(rehearsal_workbook(year, vietnamese()))).worksheets


def test_each_letter_has_one_row_with_a_real_date():
    letters, *_ = sheets_of(a_letter("2026-06-04 08:00", "reminder-1"), a_letter("2026-06-11 08:00", "reminder-2"))
    assert letters.max_row == 3
    assert [letters.cell(row, 1).value.date() for row in (2, 3)] == [date(2026, 6, 4), date(2026, 6, 11)]
    assert letters.cell(2, 4).value == "Nhắc lần 1"


def test_days_and_rungs_add_up_and_a_digest_counts_once():
    _, days, _ = sheets_of(
        a_letter("2026-06-16 08:00", "overdue"),
        a_letter("2026-06-16 08:00", "overdue", "opening", unit="so-tai-chinh"),
        a_letter("2026-06-18 08:00", "overdue"),
    )
    rows = list(days.iter_rows(values_only=True))
    assert rows[0] == ("Ngày", "Báo quá hạn", "Báo quá hạn, Mở kỳ", "Tổng")
    assert [row[1:] for row in rows[1:]] == [(1, 1, 2), (1, None, 1), (2, 1, 3)]


def test_no_name_or_subject_becomes_a_formula():
    hostile = a_letter(
        "2026-06-04 08:00", "overdue", unit="=1+1", name='=HYPERLINK("x")', subject="=cmd|' /C calc'!A0\x07"
    )
    letters, *_ = sheets_of(hostile)
    assert "f" not in {cell.data_type for row in letters.iter_rows() for cell in row}
    assert letters.cell(2, 10).value == "=cmd|' /C calc'!A0"


def test_what_was_left_out_is_listed_with_the_reason():
    skip = SkippedRung(
        at=hanoi("2026-06-22 08:00"),
        cycle_code="bc-6t-2026",
        unit_code="so-y-te",
        rung="overdue",
        reason=SkipReason.SUPERSEDED,
    )
    *_, skipped = sheets_of(skipped=(skip,))
    assert skipped.cell(2, 5).value == "thay bằng nấc mới hơn"
