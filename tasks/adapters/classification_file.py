"""Reads the workbook of a classification decision: unit, grade, number, day of signing; every fault at once.

It understands cells that the guarded reader has read, and guesses nothing. The columns' titles are in
`templates/messages/reviews.vi.yaml`. Whether a decision may be entered is decided elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from models.domain.errors import Fault
from models.domain.forms import RawForm
from models.domain.reading import is_blank, shown
from models.domain.reviews import Classification
from models.domain.roster import Roster
from models.domain.vietnamese import comparison_key, tidy
from models.domain.vocabulary import Grade
from tasks.adapters.texts import Texts

COLUMNS: Final = ("unit", "grade", "decision", "signed_on")
_PLACE: Final = re.compile(r"([A-Z]+)([0-9]+)")
_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassedRow:
    """A row that could be understood; rows are 1-based."""

    row: int
    classification: Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationSource:
    """A workbook as it was read, with what its rows are understood by."""

    file: str
    raw: RawForm
    roster: Roster
    year: int


@dataclass(slots=True)
class _Reader:
    """Reads one workbook's rows, and gathers what is wrong with them."""

    source: ClassificationSource
    texts: Texts
    faults: list[Fault] = field(default_factory=list)
    sheet: str = ""


def read_classifications(source: ClassificationSource, texts: Texts) -> tuple[list[ClassedRow], list[Fault]]:
    """Return the rows that can be understood with every fault, in the order of the rows; empty rows are passed over."""
    reader = _Reader(source, texts)
    header, columns = _header(reader)
    found: list[ClassedRow] = []
    seen: dict[str, int] = {}
    for row, cells in sorted(_rows(reader, header, columns).items()):
        classed = _classed(reader, row, cells)
        if classed is None:
            continue
        first = seen.setdefault(classed.classification.unit_code, row)
        if first != row:
            _fault(reader, row, "class_unit_twice", unit=classed.classification.unit_code, first=first)
        found.append(classed)
    return found, reader.faults


def _header(reader: _Reader) -> tuple[int, dict[str, str]]:
    """Return the row of the titles, and by column which of ours it holds; 0 when there is none."""
    titles = {comparison_key(reader.texts.say(f"classification.column.{name}")): name for name in COLUMNS}
    rows: dict[tuple[int, int], dict[str, str]] = {}
    for (sheet, address), value in reader.source.raw.cells.items():
        name = titles.get(comparison_key(str(value)))
        if name is not None:
            column, row = _place(address)
            rows.setdefault((reader.source.raw.sheets.index(sheet), row), {}).setdefault(column, name)
    whole = [place for place, names in rows.items() if set(names.values()) == set(COLUMNS)]
    if not whole:
        wanted = "; ".join(reader.texts.say(f"classification.column.{name}") for name in COLUMNS)
        _fault(reader, 0, "class_no_header", columns=wanted)
        return 0, {}
    number, row = min(whole)
    reader.sheet = reader.source.raw.sheets[number]
    return row, rows[min(whole)]


def _rows(reader: _Reader, header: int, columns: Mapping[str, str]) -> dict[int, dict[str, object]]:
    rows: dict[int, dict[str, object]] = {}
    for (sheet, address), value in reader.source.raw.cells.items():
        column, row = _place(address)
        if sheet == reader.sheet and row > header and column in columns and not is_blank(value):
            rows.setdefault(row, {})[columns[column]] = value
    for sheet, address in sorted(reader.source.raw.uncalculated):
        column, row = _place(address)
        if sheet == reader.sheet and row > header and column in columns:
            _fault(reader, row, "class_uncalculated", cell=address)
    return rows


def _classed(reader: _Reader, row: int, cells: Mapping[str, object]) -> ClassedRow | None:
    unit = _unit(reader, row, shown(cells.get("unit", "")))
    grade = _grade(reader, row, shown(cells.get("grade", "")))
    number = tidy(shown(cells.get("decision", "")))
    if not number:
        _fault(reader, row, "class_decision_blank")
    signed_on = _day(cells.get("signed_on"))
    if signed_on is None:
        _fault(reader, row, "class_day_unclear", found=shown(cells.get("signed_on", "")) or "–")
    if not unit or grade is None or not number or signed_on is None:
        return None
    year = reader.source.year
    classification = Classification(unit_code=unit, year=year, grade=grade, decision_number=number, signed_on=signed_on)
    return ClassedRow(row=row, classification=classification)


def _unit(reader: _Reader, row: int, given: str) -> str:
    """Return the code of a unit given by code or by a name that is spelled so, at any day of the year."""
    roster, year = reader.source.roster, reader.source.year
    if any(unit.code == given.strip().lower() for unit in roster.units):
        return given.strip().lower()
    named = {
        unit.code
        for day in (date(year, 12, 31), date(year, 1, 1))
        for unit in roster.units_named(given, day, reader.texts.name_words)
    }
    if len(named) == 1:
        return named.pop()
    if not given.strip():
        _fault(reader, row, "class_unit_blank")
    elif named:
        _fault(reader, row, "class_unit_ambiguous", found=given)
    else:
        _fault(reader, row, "class_unit_unknown", found=given, year=year)
    return ""


def _grade(reader: _Reader, row: int, given: str) -> Grade | None:
    wanted = comparison_key(given)
    for grade in Grade:
        if wanted in {comparison_key(reader.texts.label(grade)), grade.value}:
            return grade
    known = "; ".join(reader.texts.label(grade) for grade in Grade)
    _fault(reader, row, "class_grade_unclear", found=given or "–", known=known)
    return None


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    written = _DAY.fullmatch(str(value or "").strip())
    if written is None:
        return None
    try:
        return date(int(written[3]), int(written[2]), int(written[1]))
    except ValueError:
        return None


def _place(address: str) -> tuple[str, int]:
    match = _PLACE.fullmatch(address)
    return (match[1], int(match[2])) if match else ("", 0)


def _fault(reader: _Reader, row: int, code: str, **facts: object) -> None:
    reader.faults.append(Fault.at(reader.source.file, row, code, sheet=reader.sheet, **facts))
