"""Reads `roster.xlsx`: units, contacts and members with their days, every fault at once with its sheet and row.

The titles of its sheets and columns are in `templates/messages/roster.vi.yaml`. A fault keeps the roster from being
loaded; a remark is loaded all the same, and named in the import report. Who reports when is decided elsewhere.
"""

import io
import re
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook
from ruamel.yaml import YAML

from models.domain.errors import Fault
from models.domain.roster import Contact, Member, Roster, Unit
from models.domain.vietnamese import comparison_key, tidy
from tasks.adapters.programme.roster_checks import RosterRows, RowOf, faults_between_rows, remarks_on
from tasks.adapters.programme.written import is_address, is_code, unknown_name
from tasks.adapters.texts import TEMPLATES

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_INFLATED_BYTES: Final = 128 * 1024 * 1024
MAX_CELLS: Final = 2_000_000
LAYOUT: Final = TEMPLATES / "messages" / "roster.vi.yaml"
SEPARATOR: Final = ";"
_DIMENSION: Final = re.compile(rb'<dimension ref="(?:[A-Z]+\d+:)?([A-Z]+)(\d+)"')
_HEAD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class RosterReading:
    """What came of reading a roster. With faults the roster holds only the rows without any, for looking at."""

    roster: Roster
    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    key: str
    read: Callable[[object], object]
    is_required: bool = False


class _AmissError(Exception):
    """A cell is not what its column asks for; `code` names the fault."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(slots=True)
class _Sheet:
    """One sheet being read, and what was found wrong with it so far."""

    file: str
    title: str
    faults: list[Fault] = field(default_factory=list)

    def add(self, row: int, code: str, **facts: object) -> None:
        self.faults.append(Fault.at(self.file, row, code, sheet=self.title, **facts))


def read_roster(path: Path, *, groups: Collection[str] | None = None, file: str = "roster.xlsx") -> RosterReading:
    """Return the roster of a workbook with its faults and remarks.

    Args:
        path: The workbook.
        groups: Codes of the groups that the plan knows; None leaves groups unchecked.
        file: The name under which faults speak of the workbook.
    """
    if not path.is_file():
        return RosterReading(Roster(), (Fault.at(file, 0, "file_missing", found=path.name),), ())
    return roster_in(path.read_bytes(), groups=groups, file=file)


def roster_in(content: bytes, *, groups: Collection[str] | None = None, file: str = "roster.xlsx") -> RosterReading:
    """Return the roster that a workbook's bytes hold, as `read_roster` does."""
    code = _damage(content)
    if code:
        return RosterReading(Roster(), (Fault.at(file, 0, code, max_bytes=MAX_BYTES),), ())
    titles = _titles()
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            sheets: dict[str, Sequence[Sequence[object]]] = {
                tidy(name): book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names
            }
    except CalamineError:
        return RosterReading(Roster(), (Fault.at(file, 0, "roster_broken", max_bytes=MAX_BYTES),), ())
    faults: list[Fault] = []
    records = {
        name: _records(_Sheet(file, titles[f"sheet.{name}"], faults), sheets, columns, titles)
        for name, columns in _layout().items()
    }
    found = RosterRows(
        file=file,
        titles={name: titles[f"sheet.{name}"] for name in records},
        units=[RowOf(row, _unit(record)) for row, record in records["units"]],
        contacts=[RowOf(row, Contact(**record)) for row, record in records["contacts"]],  # type: ignore[arg-type]  # each column's reader gives its type
        members=[RowOf(row, Member(**record)) for row, record in records["members"]],  # type: ignore[arg-type]  # each column's reader gives its type
    )
    faults += faults_between_rows(found, groups)
    return RosterReading(found.roster(), tuple(faults), () if faults else tuple(remarks_on(found)))


def _layout() -> Mapping[str, tuple[_Column, ...]]:
    validity = (_Column("valid_from", _day, is_required=True), _Column("valid_to", _day))
    return {
        "units": (
            _Column("code", _code, is_required=True),
            _Column("name", _text, is_required=True),
            _Column("group", _text, is_required=True),
            *validity,
            _Column("parent_code", _code),
            _Column("member_in_charge", _code),
            _Column("successor_code", _code),
            _Column("aliases", _text),
            _Column("source", _text),
        ),
        "contacts": (
            _Column("unit_code", _code, is_required=True),
            _Column("name", _text, is_required=True),
            _Column("email", _address, is_required=True),
            _Column("phone", _text),
            _Column("rank", _rank),
            *validity,
        ),
        "members": (
            _Column("code", _code, is_required=True),
            _Column("name", _text, is_required=True),
            _Column("email", _address, is_required=True),
            _Column("field", _text, is_required=True),
            *validity,
        ),
    }


def _titles() -> Mapping[str, str]:
    document = YAML(typ="safe").load(LAYOUT.read_text("utf-8"))["roster"]
    sheets = {f"sheet.{name}": tidy(title) for name, title in document["sheet"].items()}
    return sheets | {
        f"{sheet}.{key}": tidy(title) for sheet, columns in document["column"].items() for key, title in columns.items()
    }


def _damage(content: bytes) -> str:
    """Return the code of what is wrong with the file as a whole, before anything is unpacked."""
    if len(content) > MAX_BYTES:
        return "file_too_large"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAX_INFLATED_BYTES:
                return "roster_too_wide"
            pages = [member for member in members if member.filename.startswith("xl/worksheets/sheet")]
            if any(_n_cells(archive.open(page).read(_HEAD_BYTES)) > MAX_CELLS for page in pages):
                return "roster_too_wide"
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, ValueError, EOFError):
        return "roster_broken"
    return ""


def _n_cells(head: bytes) -> int:
    corner = _DIMENSION.search(head)
    if corner is None:
        return 0
    n_columns = 0
    for letter in corner[1]:
        n_columns = n_columns * 26 + letter - ord("A") + 1
    return n_columns * int(corner[2])


def _records(
    sheet: _Sheet,
    sheets: Mapping[str, Sequence[Sequence[object]]],
    columns: Sequence[_Column],
    titles: Mapping[str, str],
) -> list[tuple[int, dict[str, object]]]:
    """Return the rows of a sheet that are whole, with their 1-based numbers."""
    if sheet.title not in sheets:
        sheet.add(0, "roster_no_sheet", found=", ".join(sheets))
        return []
    name = next(key for key, title in titles.items() if title == sheet.title).removeprefix("sheet.")
    by_title = {titles[f"{name}.{column.key}"]: column for column in columns}
    table = sheets[sheet.title]
    places = _places(sheet, table[0] if table else [], by_title)
    records = []
    for number, cells in enumerate(table[1:], start=2):
        if any(tidy(str(cell)) for cell in cells):
            record = _record(sheet, number, cells, places)
            if record is not None:
                records.append((number, record))
    return records


def _places(sheet: _Sheet, header: Sequence[object], by_title: Mapping[str, _Column]) -> dict[int, tuple[str, _Column]]:
    keys = {comparison_key(title): (title, column) for title, column in by_title.items()}
    places: dict[int, tuple[str, _Column]] = {}
    for n, cell in enumerate(header):
        title = tidy(str(cell))
        if comparison_key(title) in keys:
            places[n] = keys.pop(comparison_key(title))
        elif title:
            code, facts = unknown_name(title, list(by_title))
            sheet.add(1, code.replace("name_", "roster_column_"), **facts)
    for title, column in keys.values():
        if column.is_required:
            sheet.add(1, "roster_no_column", title=title)
    return places


def _record(
    sheet: _Sheet, number: int, cells: Sequence[object], places: Mapping[int, tuple[str, _Column]]
) -> dict[str, object] | None:
    record: dict[str, object] = {}
    is_whole = True
    for n, (title, column) in places.items():
        cell = cells[n] if n < len(cells) else ""
        if not tidy(str(cell)):
            if column.is_required:
                sheet.add(number, "roster_blank", title=title)
                is_whole = False
            continue
        try:
            record[column.key] = column.read(cell)
        except _AmissError as amiss:
            sheet.add(number, amiss.code, **{"title": title, "found": tidy(str(cell)), **amiss.facts})
            is_whole = False
    required = {column.key for _, column in places.values() if column.is_required}
    return record if is_whole and required <= record.keys() and _has_all(record, sheet) else None


def _has_all(record: Mapping[str, object], sheet: _Sheet) -> bool:
    """Say whether the row can become a value: a column that the sheet lacks has been reported for row 1."""
    return "valid_from" in record and not any(fault.line == 1 and fault.sheet == sheet.title for fault in sheet.faults)


def _unit(record: Mapping[str, object]) -> Unit:
    aliases = tuple(filter(None, (tidy(alias) for alias in str(record.get("aliases", "")).split(SEPARATOR))))
    return Unit(**{**record, "aliases": aliases})  # type: ignore[arg-type]  # each column's reader gives its type


def _text(cell: object) -> str:
    if not isinstance(cell, str):
        raise _AmissError("roster_not_text")
    return tidy(cell)


def _code(cell: object) -> str:
    text = _text(cell)
    if not is_code(text):
        raise _AmissError("roster_code")
    return text


def _address(cell: object) -> str:
    text = _text(cell)
    if not is_address(text):
        raise _AmissError("address_malformed", key="")
    return text


def _day(cell: object) -> date:
    if isinstance(cell, datetime):
        if cell.time() != time.min:
            raise _AmissError("roster_not_day")
        return cell.date()
    if isinstance(cell, date):
        return cell
    raise _AmissError("roster_not_day")


def _rank(cell: object) -> int:
    if isinstance(cell, bool) or not isinstance(cell, int | float) or cell < 1 or cell != int(cell):
        raise _AmissError("roster_rank")
    return int(cell)
