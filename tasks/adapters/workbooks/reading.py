"""Reads one guarded workbook into plain cells; it runs in a worker process and understands no form.

Values come from calamine, which takes 0.4 ms. Only where the guard saw formulas, error values or TCVN3 fonts, which
calamine does not show, openpyxl looks a second time.
"""

import io
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import lru_cache
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from models.domain.forms import Finding, RawForm, Stamp, finding
from models.domain.tcvn3 import from_tcvn3, is_tcvn3_font
from tasks.adapters.workbooks import STAMP_KEYS, STAMP_MARK
from tasks.adapters.workbooks.foreign import READ_ALL_THE_SAME, TOLD, reads_safely, refusal_of
from tasks.adapters.workbooks.guard import Inspection, inspect
from tasks.ports import ReadForm
from tasks.settings import LimitSettings

MAX_SHEETS: Final = 50
MAX_STAMP_LENGTH: Final = 200
MAX_LABEL_LENGTH: Final = 120
"""Up to this length a text may well be one of the form's own words, which are the same in every file."""
LAST_LETTER_OF_LATIN_1: Final = "\u00ff"
_LETTERS: Final = 26
_KEPT: Final = (float, bool, int, date, time, timedelta)

Cells = dict[tuple[str, str], object]


@dataclass(slots=True)
class _SecondLook:
    """What openpyxl saw that calamine does not show."""

    uncalculated: set[tuple[str, str]] = field(default_factory=set)
    converted: Cells = field(default_factory=dict)


class _TooManyCellsError(Exception):
    """The workbook holds more than a form can."""


def read_workbook(
    content: bytes, limits: LimitSettings, inspection: Inspection | None = None, *, guide_sheet: str = ""
) -> ReadForm:
    """Return the cells of a workbook, or why it is refused; whatever a parser raises is this file's own finding.

    `inspection`: what the guard has found of it, where it has been asked already. `guide_sheet`: the name of
    the sheet that explains the form; nobody answers there, and its cells are left out.
    """
    inspection = inspection or inspect(content, limits)
    refusal = inspection.refusal
    if refusal is not None:
        return _read_foreign(content, refusal, limits) if refusal.code in READ_ALL_THE_SAME else _refused(refusal)
    try:
        return ReadForm(form=_read(content, limits, second_look=inspection.needs_second_look, guide_sheet=guide_sheet))
    except (_TooManyCellsError, MemoryError):
        return ReadForm(findings=(finding("workbook_too_complex"),))
    except CalamineError:
        return ReadForm(findings=(finding("workbook_unreadable"),))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - a panic of calamine is no Exception, and only this file may fail for it
        return ReadForm(findings=(finding("workbook_unreadable"),))


def _refused(refusal: Finding) -> ReadForm:
    return ReadForm(findings=(refusal,))


def _read_foreign(content: bytes, refusal: Finding, limits: LimitSettings) -> ReadForm:
    """Read a form of ours that was saved in another format; whatever is none, or is in any doubt, stays refused."""
    try:
        further = refusal_of(content, refusal.code)
        if further is not None:
            return _refused(further)
        form = _read(content, limits, second_look=False)
    except PasswordError:
        return _refused(finding("file_is_password_protected"))
    except (_TooManyCellsError, MemoryError):
        return _refused(finding("workbook_too_complex"))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - as above: what cannot be read as it is can be saved anew
        return _refused(refusal)
    return ReadForm(form=form, findings=(TOLD[refusal.code],)) if reads_safely(form) else _refused(refusal)


def _read(content: bytes, limits: LimitSettings, *, second_look: bool, guide_sheet: str = "") -> RawForm:
    cells: Cells = {}
    sheets: list[str] = []
    with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
        worksheets = [each.name for each in workbook.sheets_metadata if each.typ is SheetTypeEnum.WorkSheet]
        for name in worksheets[:MAX_SHEETS]:
            sheets.append(unicodedata.normalize("NFC", name))
            if sheets[-1] == guide_sheet:
                continue
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            cells.update(_filled_cells(sheets[-1], rows))
            if len(cells) > limits.filled_cells:
                raise _TooManyCellsError
    seen = _look_again(content, cells, limits, guide_sheet) if second_look else _SecondLook()
    cells.update(seen.converted)
    return RawForm(
        stamp=_stamp(sheets, cells),
        sheets=tuple(sheets),
        cells=cells,
        uncalculated=frozenset(seen.uncalculated),
        legacy_fonts=frozenset(seen.converted),
    )


def _filled_cells(sheet: str, rows: Sequence[Sequence[object]]) -> Cells:
    columns = [_column(number) for number in range(max(map(len, rows), default=0))]
    return {
        _key(sheet, column, number): value if value.__class__ is float else _plain(value)
        for number, row in enumerate(rows, start=1)
        for column, value in zip(columns, row, strict=False)
        if value != ""
    }


def _plain(value: object) -> object:
    """Return a value as it may leave the worker: text in NFC, numbers and dates as they are."""
    if isinstance(value, str):
        if len(value) <= MAX_LABEL_LENGTH:
            return _label(value)
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    return value if isinstance(value, _KEPT) else str(value)


# What is the same in many files is kept as one object: pickle then sends it once for all the files of a turn.
@lru_cache(maxsize=16_384)
def _key(sheet: str, column: str, row: int) -> tuple[str, str]:
    return sheet, f"{column}{row}"


@lru_cache(maxsize=4_096)
def _label(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _column(number: int) -> str:
    """Return the letters of a column, counted from 0."""
    return chr(65 + number) if number < _LETTERS else _column(number // _LETTERS - 1) + chr(65 + number % _LETTERS)


def _stamp(sheets: list[str], cells: Mapping[tuple[str, str], object]) -> Stamp | None:
    for sheet in sheets:
        if cells.get((sheet, "A1")) == STAMP_MARK:
            rows = range(1, len(STAMP_KEYS) + 10)
            given = {str(cells.get((sheet, f"A{n}"))): str(cells.get((sheet, f"B{n}"), "")) for n in rows}
            values = {key: given.get(key, "")[:MAX_STAMP_LENGTH] for key in STAMP_KEYS}
            return Stamp(**values) if all(values.values()) else None
    return None


def _look_again(
    content: bytes, cells: Mapping[tuple[str, str], object], limits: LimitSettings, guide_sheet: str
) -> _SecondLook:
    """Find formulas without a value, error values, and text in TCVN3 fonts, which is converted."""
    from openpyxl import load_workbook  # noqa: PLC0415 - few files need it, and every poll would wait for it

    seen = _SecondLook()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of every extension it will not keep; nothing is saved here
        workbook = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        for sheet in workbook.worksheets[:MAX_SHEETS]:
            sheet.reset_dimensions()
            name = unicodedata.normalize("NFC", sheet.title)
            if name == guide_sheet:
                continue
            for row in sheet.iter_rows(max_row=limits.rows):
                for cell in row:
                    if cell.value is not None:
                        _look_at(cell, name, cells, seen)
        workbook.close()
    return seen


def _look_at(cell: object, sheet: str, cells: Mapping[tuple[str, str], object], seen: _SecondLook) -> None:
    key = (sheet, cell.coordinate)  # type: ignore[attr-defined]  # three kinds of cell share these, without a name for it
    if cell.data_type in {"f", "e"}:  # type: ignore[attr-defined]
        if key not in cells:
            seen.uncalculated.add(key)
        return
    text = cells.get(key)
    font = cell.font.name or ""  # type: ignore[attr-defined]
    if isinstance(text, str) and is_tcvn3_font(font) and not _is_unicode(text):
        converted = unicodedata.normalize("NFC", from_tcvn3(text, font=font))
        if converted != text:
            seen.converted[key] = converted


def _is_unicode(text: str) -> bool:
    """Say whether a text was typed in Unicode whatever its cell's font: TCVN3 has nothing past Latin-1 but marks."""
    return any(letter > LAST_LETTER_OF_LATIN_1 and letter.isalpha() for letter in text)
