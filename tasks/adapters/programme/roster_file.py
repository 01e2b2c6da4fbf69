"""Reads `roster.xlsx`: units, contacts, members and relations with their days, every fault at once with sheet and row.

The titles of its sheets and columns are in `templates/messages/roster.vi.yaml`. A fault keeps the roster from being
loaded; a remark is loaded all the same, and named in the import report. Who reports when is decided elsewhere.
"""

import io
import re
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook
from ruamel.yaml import YAML

from models.domain.errors import Fault
from models.domain.roster import Contact, Member, Roster, Unit
from models.domain.succession import Relation
from models.domain.tcvn3 import from_tcvn3, looks_like_tcvn3
from models.domain.vietnamese import comparison_key, tidy
from models.domain.vocabulary import ContactRole, RelationKind
from tasks.adapters.programme.roster_checks import RosterRows, RowOf, faults_between_rows, remarks_on
from tasks.adapters.programme.written import is_address, is_code, unknown_name
from tasks.adapters.texts import TEMPLATES, vietnamese

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_INFLATED_BYTES: Final = 128 * 1024 * 1024
MAX_CELLS: Final = 2_000_000
LAYOUT: Final = TEMPLATES / "messages" / "roster.vi.yaml"
SEPARATOR: Final = ";"
MAY_BE_MISSING: Final = frozenset({"relations"})
"""Sheets that a roster without any reorganisation does without."""
_DIMENSION: Final = re.compile(rb'<dimension ref="(?:[A-Z]+\d+:)?([A-Z]+)(\d+)"')
_HEAD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class RosterReading:
    """What came of reading a roster. With faults the roster holds only the rows without any, for looking at."""

    roster: Roster
    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: the field it fills, and how a cell is read."""

    key: str
    read: Callable[[object], object]
    is_required: bool = False

    @property
    def is_day(self) -> bool:
        """Say whether the column holds days."""
        return self.read is _day

    @property
    def is_text(self) -> bool:
        """Say whether the column holds text that Excel must not take for a number."""
        return self.read in {_text, _code, _address}


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
    titles = titles_of_sheets()
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
        for name, columns in columns_of_sheets().items()
    }
    found = RosterRows(
        file=file,
        titles={name: titles[f"sheet.{name}"] for name in records},
        units=[RowOf(row, _unit(record)) for row, record in records["units"]],
        contacts=[RowOf(row, Contact(**record)) for row, record in records["contacts"]],  # type: ignore[arg-type]  # each column's reader gives its type
        members=[RowOf(row, Member(**record)) for row, record in records["members"]],  # type: ignore[arg-type]  # each column's reader gives its type
        relations=[RowOf(row, Relation(**record)) for row, record in records["relations"]],  # type: ignore[arg-type]  # each column's reader gives its type
    )
    faults += faults_between_rows(found, groups)
    order = list(found.titles.values())
    faults.sort(key=lambda fault: (order.index(fault.sheet), fault.line))
    return RosterReading(found.roster(), tuple(faults), () if faults else tuple(remarks_on(found)))


def columns_of_sheets() -> Mapping[str, tuple[Column, ...]]:
    """Return the columns of each sheet, in the order of the workbook."""
    validity = (Column("valid_from", _day, is_required=True), Column("valid_to", _day))
    return {
        "units": (
            Column("code", _code, is_required=True),
            Column("name", _text, is_required=True),
            Column("group", _text, is_required=True),
            *validity,
            Column("parent_code", _code),
            Column("member_in_charge", _code),
            Column("kind", _text),
            Column("official_code", _text),
            Column("address", _text),
            Column("head", _text),
            Column("aliases", _text),
            Column("source", _text),
        ),
        "contacts": (
            Column("unit_code", _code, is_required=True),
            Column("name", _text, is_required=True),
            Column("email", _address, is_required=True),
            Column("phone", _text),
            Column("rank", _rank),
            Column("role", _word(ContactRole)),
            Column("away_from", _day),
            Column("away_to", _day),
            *validity,
        ),
        "members": (
            Column("code", _code, is_required=True),
            Column("name", _text, is_required=True),
            Column("email", _address, is_required=True),
            Column("field", _text, is_required=True),
            Column("deputy_code", _code),
            Column("away_from", _day),
            Column("away_to", _day),
            *validity,
        ),
        "relations": (
            Column("kind", _word(RelationKind), is_required=True),
            Column("unit_code", _code, is_required=True),
            Column("other_code", _code),
            Column("on", _day, is_required=True),
            Column("document", _text),
            Column("source", _text),
        ),
    }


def titles_of_sheets() -> Mapping[str, str]:
    """Return what sheets (`sheet.units`) and columns (`units.code`) are called in the workbook."""
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
    columns: Sequence[Column],
    titles: Mapping[str, str],
) -> list[tuple[int, dict[str, object]]]:
    """Return the rows of a sheet that are whole, with their 1-based numbers."""
    name = next(key for key, title in titles.items() if title == sheet.title).removeprefix("sheet.")
    if sheet.title not in sheets:
        if name not in MAY_BE_MISSING:
            sheet.add(0, "roster_no_sheet", found=", ".join(sheets))
        return []
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


def _places(sheet: _Sheet, header: Sequence[object], by_title: Mapping[str, Column]) -> dict[int, tuple[str, Column]]:
    keys = {comparison_key(title): (title, column) for title, column in by_title.items()}
    places: dict[int, tuple[str, Column]] = {}
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
    sheet: _Sheet, number: int, cells: Sequence[object], places: Mapping[int, tuple[str, Column]]
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
    return record if is_whole and required <= record.keys() and _has_all_columns(sheet) else None


def _has_all_columns(sheet: _Sheet) -> bool:
    """Say whether a row can become a value: a column that the sheet lacks has been reported for row 1."""
    return not any(fault.line == 1 and fault.sheet == sheet.title for fault in sheet.faults)


def _unit(record: Mapping[str, object]) -> Unit:
    aliases = tuple(filter(None, (tidy(alias) for alias in str(record.get("aliases", "")).split(SEPARATOR))))
    return Unit(**{**record, "aliases": aliases})  # type: ignore[arg-type]  # each column's reader gives its type


def _text(cell: object) -> str:
    if not isinstance(cell, str):
        raise _AmissError("roster_not_text")
    text = tidy(cell)
    if looks_like_tcvn3(text):
        raise _AmissError("roster_tcvn3", meant=from_tcvn3(text, font=""))
    return text


def _word(words: type[StrEnum]) -> Callable[[object], StrEnum]:
    """Return what reads one of a closed set by its label, as the workbook's list of choices offers it."""
    by_label = {comparison_key(vietnamese().label(word)): word for word in words}

    def read(cell: object) -> StrEnum:
        found = by_label.get(comparison_key(_text(cell)))
        if found is None:
            raise _AmissError("roster_word", allowed=", ".join(vietnamese().label(word) for word in words))
        return found

    return read


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
