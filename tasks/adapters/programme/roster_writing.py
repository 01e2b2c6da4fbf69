"""Writes a roster as the workbook that a clerk edits: what was read from one comes out the same, row by row.

The titles are those that `roster_file` reads; lists of choices and days are checked by Excel while they are typed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from models.domain.roster import Roster
from models.domain.vocabulary import ContactRole, RelationKind
from tasks.adapters.programme.roster_file import SEPARATOR, Column, columns_of_sheets, titles_of_sheets
from tasks.adapters.texts import Texts

REQUIRED: Final = PatternFill("solid", fgColor="1F4E79")
OPTIONAL: Final = PatternFill("solid", fgColor="9DC3E6")
N_SPARE_ROWS: Final = 200
"""Blank rows under the table that are checked while a clerk types into them."""
WIDTHS: Final = {"name": 44, "source": 60, "document": 60, "field": 48, "email": 44, "aliases": 44, "address": 44}
USUAL_WIDTH: Final = 18
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


def write_roster(roster: Roster, groups: Mapping[str, str], texts: Texts, path: Path) -> None:
    """Write the workbook; `groups` are the plan's groups by code, with their titles for the page of advice."""
    titles = titles_of_sheets()
    rows: Mapping[str, Iterable[object]] = {
        "units": roster.units,
        "contacts": roster.contacts,
        "members": roster.members,
        "relations": roster.relations,
    }
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, columns in columns_of_sheets().items():
        sheet = book.create_sheet(titles[f"sheet.{name}"])
        _head(sheet, name, columns, titles, texts)
        for row in rows[name]:
            sheet.append([_written(getattr(row, column.key), texts) for column in columns])
        _as_text(sheet)
        _days(sheet, columns)
        _choices(sheet, name, columns, groups, texts)
    _advice(book.create_sheet(texts.say("roster.advice.sheet")), groups, texts)
    book.save(path)


def _head(sheet: Worksheet, name: str, columns: Sequence[Column], titles: Mapping[str, str], texts: Texts) -> None:
    for n, column in enumerate(columns, start=1):
        cell = sheet.cell(row=1, column=n, value=titles[f"{name}.{column.key}"])
        cell.font = Font(bold=True, color="FFFFFF" if column.is_required else "000000")
        cell.fill = REQUIRED if column.is_required else OPTIONAL
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        cell.comment = Comment(texts.say(f"roster.advice.column.{name}.{column.key}"), "dondoc", width=320, height=120)
        sheet.column_dimensions[get_column_letter(n)].width = WIDTHS.get(column.key, USUAL_WIDTH)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}1"


def _as_text(sheet: Worksheet) -> None:
    """Let every word stand as it was typed: what begins with `=` is a name and no formula in the next one's Excel."""
    for row in sheet.iter_rows(min_row=2):
        for cell in row:
            if isinstance(cell.value, str):
                cell.data_type = "s"


def _written(value: object, texts: Texts) -> object:
    if isinstance(value, tuple):
        return f"{SEPARATOR} ".join(value) or None
    if isinstance(value, StrEnum):
        return texts.label(value)
    return None if value == "" else value


def _days(sheet: Worksheet, columns: Sequence[Column]) -> None:
    last = sheet.max_row + N_SPARE_ROWS
    for n, column in enumerate(columns, start=1):
        if not column.is_day:
            if column.is_text:
                # As text, so that Excel keeps the zero of an official code and makes no date of a document's number.
                for row in range(2, last + 1):
                    sheet.cell(row=row, column=n).number_format = "@"
            continue
        check = DataValidation(
            type="date", operator="between", formula1=str(_serial(FIRST_DAY)), formula2=str(_serial(LAST_DAY))
        )
        sheet.add_data_validation(check)
        letter = get_column_letter(n)
        check.add(f"{letter}2:{letter}{last}")
        for row in range(2, last + 1):
            sheet.cell(row=row, column=n).number_format = "dd/mm/yyyy"


def _choices(sheet: Worksheet, name: str, columns: Sequence[Column], groups: Mapping[str, str], texts: Texts) -> None:
    offered: dict[tuple[str, str], Iterable[str]] = {
        ("units", "group"): groups,
        ("contacts", "role"): [texts.label(role) for role in ContactRole],
        ("relations", "kind"): [texts.label(kind) for kind in RelationKind],
    }
    for n, column in enumerate(columns, start=1):
        if (name, column.key) in offered:
            choices = ",".join(offered[name, column.key])
            check = DataValidation(type="list", formula1=f'"{choices}"', allow_blank=True)
            sheet.add_data_validation(check)
            letter = get_column_letter(n)
            check.add(f"{letter}2:{letter}{sheet.max_row}")


def _advice(sheet: Worksheet, groups: Mapping[str, str], texts: Texts) -> None:
    sheet.column_dimensions["A"].width = 110
    lines = [
        *texts.say("roster.advice.lines").strip().splitlines(),
        *(f"{code} – {name}" for code, name in groups.items()),
    ]
    for n, line in enumerate(lines, start=1):
        cell = sheet.cell(row=n, column=1, value=line)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.font = Font(bold=n == 1, size=14 if n == 1 else 11)


def _serial(day: date) -> int:
    return (day - date(1899, 12, 30)).days
