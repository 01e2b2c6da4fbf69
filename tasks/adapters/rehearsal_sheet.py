"""Writes a rehearsed year as a workbook: letter by letter, day by rung, and what was left out; it decides nothing."""

from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from models.domain.rehearsal import RehearsedLetter, RehearsedYear
from models.domain.vocabulary import OFFICE_ZONE, LetterKind
from tasks.adapters.aggregate_pages import clean
from tasks.adapters.texts import Texts

LETTER_COLUMNS: Final = {
    "day": 13,
    "weekday": 12,
    "hour": 8,
    "rung": 22,
    "cycle": 22,
    "unit_code": 28,
    "units": 44,
    "recipient": 42,
    "copies": 42,
    "subject": 90,
}
SKIP_COLUMNS: Final = {"day": 13, "cycle": 22, "unit_code": 28, "rung": 16, "reason": 46}
DAY_FORMAT: Final = "dd/mm/yyyy"
_BOLD: Final = Font(bold=True)
_SHADE: Final = PatternFill("solid", fgColor="DCE6F1")


def rehearsal_workbook(rehearsed: RehearsedYear, texts: Texts) -> bytes:
    """Return the .xlsx file; names and subjects are text whatever they begin with, so that none becomes a formula."""
    book = Workbook()
    book.remove(book.worksheets[0])
    _letters(book.create_sheet(texts.say("rehearsal.sheet.letters")), rehearsed, texts)
    _days(book.create_sheet(texts.say("rehearsal.sheet.days")), rehearsed, texts)
    _skipped(book.create_sheet(texts.say("rehearsal.sheet.skipped")), rehearsed, texts)
    packed = BytesIO()
    book.save(packed)
    return packed.getvalue()


def _letters(sheet: Worksheet, rehearsed: RehearsedYear, texts: Texts) -> None:
    _head(sheet, LETTER_COLUMNS, texts)
    for row, letter in enumerate(rehearsed.letters, start=2):
        _write(sheet, row, _letter(letter, texts))
    sheet.auto_filter.ref = sheet.dimensions


def _letter(letter: RehearsedLetter, texts: Texts) -> Sequence[object]:
    return (
        letter.day,
        texts.weekdays[letter.day.weekday()],
        f"{letter.at.astimezone(OFFICE_ZONE):%H:%M}",
        kind_of_letter((letter.kind, letter.rungs), texts),
        ", ".join(dict.fromkeys(each.cycle_code for each in letter.spoken)),
        ", ".join(letter.units),
        ", ".join(dict.fromkeys(each.unit_name for each in letter.spoken)),
        letter.recipient,
        ", ".join(letter.copies),
        letter.subject,
    )


def _days(sheet: Worksheet, rehearsed: RehearsedYear, texts: Texts) -> None:
    """Write how many letters of each rung leave on each day; a digest counts once, under all its rungs together."""
    kinds = list(dict.fromkeys((letter.kind, letter.rungs) for letter in rehearsed.letters))
    counts = Counter((letter.day, (letter.kind, letter.rungs)) for letter in rehearsed.letters)
    names = [kind_of_letter(kind, texts) for kind in kinds]
    header = [texts.say("rehearsal.column.day"), *names, texts.say("rehearsal.column.total")]
    _row_of_heads(sheet, header, [13, *[max(14, len(name) + 2) for name in names], 10])
    days = sorted({letter.day for letter in rehearsed.letters})
    for row, day in enumerate(days, start=2):
        numbers = [counts[day, kind] for kind in kinds]
        _write(sheet, row, [day, *(number or None for number in numbers), sum(numbers)])
    sums = [sum(counts[day, kind] for day in days) for kind in kinds]
    last = len(days) + 2
    _write(sheet, last, [texts.say("rehearsal.column.total"), *sums, sum(sums)])
    for cell in sheet[last]:
        cell.font = _BOLD


def kind_of_letter(kind: tuple[LetterKind, Sequence[str]], texts: Texts) -> str:
    """Return what a rehearsed letter is called: its rungs, and that it tells a member or a parent."""
    sort, rungs = kind
    if sort is LetterKind.ROLL_CALL:
        return texts.say("rehearsal.roll_call")
    names = ", ".join(texts.say(f"rung.{rung}") for rung in rungs)
    if sort is LetterKind.PARENT:
        return texts.say("rehearsal.to_parent", rungs=names)
    return texts.say("rehearsal.to_member", rungs=names) if sort is LetterKind.MEMBER else names


def _skipped(sheet: Worksheet, rehearsed: RehearsedYear, texts: Texts) -> None:
    _head(sheet, SKIP_COLUMNS, texts)
    for row, skip in enumerate(rehearsed.skipped, start=2):
        day = skip.at.astimezone(OFFICE_ZONE).date()
        rung = texts.say(f"rung.{skip.rung}") if skip.rung else ""
        _write(sheet, row, (day, skip.cycle_code, skip.unit_code, rung, texts.label(skip.reason)))
    sheet.auto_filter.ref = sheet.dimensions


def _head(sheet: Worksheet, columns: dict[str, int], texts: Texts) -> None:
    _row_of_heads(sheet, [texts.say(f"rehearsal.column.{name}") for name in columns], list(columns.values()))


def _row_of_heads(sheet: Worksheet, names: Sequence[str], widths: Sequence[int]) -> None:
    _write(sheet, 1, names)
    for number, width in enumerate(widths, start=1):
        cell = sheet.cell(1, number)
        cell.font, cell.fill, cell.alignment = _BOLD, _SHADE, Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0  # as many pages as there are
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _write(sheet: Worksheet, row: int, values: Sequence[object]) -> None:
    for column, value in enumerate(values, start=1):
        cell = sheet.cell(row, column)
        assert isinstance(cell, Cell)  # noqa: S101 - no cells are merged here
        if isinstance(value, str):
            cell.value = clean(value)
            cell.data_type = "s"
        else:
            cell.value = value  # type: ignore[assignment]  # a date or a number
            cell.number_format = "#,##0" if isinstance(value, int) else DAY_FORMAT
