"""Reads the workbook of an annex: one task a row, with its owners, deadline and product; every fault at once.

It understands cells that the guarded reader has read. The columns' titles are in `templates/messages/annex.vi.yaml`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from models.domain.assigned_tasks import AnnexTask
from models.domain.errors import Fault
from models.domain.forms import RawForm
from models.domain.reading import is_blank, read_text, shown
from models.domain.roster import Roster, Unit
from models.domain.unit_names import proposals
from models.domain.vietnamese import comparison_key, tidy
from tasks.adapters.texts import Texts

COLUMNS: Final = ("number", "content", "owners", "last_day", "product")
BETWEEN_OWNERS: Final = re.compile(r"[;\n]")
LONGEST_CONTENT: Final = 2000
_NUMBER: Final = re.compile(r"[0-9a-z]{1,6}(?:-[0-9a-z]{1,6})?")
_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnexReading:
    """What a workbook says: with faults, nothing of it is to be used."""

    tasks: tuple[AnnexTask, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnexSource:
    """A workbook as it was read, with what its rows are understood by."""

    file: str
    raw: RawForm
    roster: Roster
    opens_on: date
    """The day on which new tasks are given out; no deadline lies before it."""
    given_out: Mapping[str, date] = field(default_factory=dict)
    """By number the day on which a task was given out before: its row is understood as of that day."""


def read_annex(source: AnnexSource, texts: Texts) -> AnnexReading:
    """Return the tasks of a workbook with every fault, in the order of its rows; an empty row is passed over."""
    reader = _Reader(source, texts)
    tasks = reader.tasks()
    return AnnexReading(tasks=() if reader.faults else tuple(tasks), faults=tuple(reader.faults))


@dataclass(slots=True)
class _Reader:
    """Reads one workbook's rows, and gathers what is wrong with them."""

    source: AnnexSource
    texts: Texts
    faults: list[Fault] = field(default_factory=list)
    sheet: str = ""

    def tasks(self) -> list[AnnexTask]:
        """Return the tasks of the rows that can be understood."""
        header, columns = self._header()
        if not header:
            return []
        rows = self._rows(header, columns)
        if not rows:
            self._fault(header, "annex_empty")
        seen: dict[str, int] = {}
        found = [self._task(number, cells, seen) for number, cells in sorted(rows.items())]
        return [task for task in found if task is not None]

    def _header(self) -> tuple[int, dict[str, str]]:
        """Return the row of the titles, and by column which of ours it holds; 0 when there is none."""
        titles = {comparison_key(self.texts.say(f"annex.column.{name}")): name for name in COLUMNS}
        found: dict[tuple[int, int, str], dict[str, str]] = {}
        for (sheet, address), value in self.source.raw.cells.items():
            name = titles.get(comparison_key(str(value)))
            if name is not None:
                column, row = _place(address)
                found.setdefault((self.source.raw.sheets.index(sheet), row, sheet), {}).setdefault(column, name)
        whole = [place for place, names in found.items() if set(names.values()) == set(COLUMNS)]
        if not whole:
            wanted = "; ".join(self.texts.say(f"annex.column.{name}") for name in COLUMNS)
            self._fault(0, "annex_no_header", columns=wanted)
            return 0, {}
        _, row, self.sheet = min(whole)
        return row, found[min(whole)]

    def _rows(self, header: int, columns: Mapping[str, str]) -> dict[int, dict[str, object]]:
        rows: dict[int, dict[str, object]] = {}
        for (sheet, address), value in self.source.raw.cells.items():
            column, row = _place(address)
            if sheet == self.sheet and row > header and column in columns and not is_blank(value):
                rows.setdefault(row, {})[columns[column]] = value
        for sheet, address in sorted(self.source.raw.uncalculated):
            column, row = _place(address)
            if sheet == self.sheet and row > header and column in columns:
                title = self.texts.say(f"annex.column.{columns[column]}")
                self._fault(row, "annex_uncalculated", title=title, cell=address)
                rows.setdefault(row, {})
        return rows

    def _task(self, row: int, cells: Mapping[str, object], seen: dict[str, int]) -> AnnexTask | None:
        before = len(self.faults)
        number = self._number(row, cells.get("number"), seen)
        on = self.source.given_out.get(number, self.source.opens_on)
        content = self._text(row, "content", cells.get("content"), is_required=True)
        product = self._text(row, "product", cells.get("product"))
        owners = self._owners(row, cells.get("owners"), on)
        last_day = self._last_day(row, cells.get("last_day"), on)
        if last_day is None or len(self.faults) > before:
            return None
        return AnnexTask(number=number, content=content, product=product, unit_codes=owners, last_day=last_day)

    def _number(self, row: int, value: object, seen: dict[str, int]) -> str:
        given = shown(value)
        number = given.lower().rstrip(".").replace(".", "-")
        if not given:
            self._fault(row, "annex_number_blank")
        elif not _NUMBER.fullmatch(number):
            self._fault(row, "annex_number_unclear", found=given)
        elif number in seen:
            self._fault(row, "annex_number_twice", number=given, first=seen[number])
        seen.setdefault(number, row)
        return number

    def _text(self, row: int, column: str, value: object, *, is_required: bool = False) -> str:
        text = tidy(read_text(value)[0])
        if is_required and not text:
            self._fault(row, "annex_content_blank")
        if len(text) > LONGEST_CONTENT:
            title = self.texts.say(f"annex.column.{column}")
            self._fault(row, "annex_text_too_long", title=title, limit=LONGEST_CONTENT)
        return text

    def _owners(self, row: int, value: object, on: date) -> tuple[str, ...]:
        given = [tidy(part) for part in BETWEEN_OWNERS.split(read_text(value)[0]) if tidy(part)]
        if not given:
            self._fault(row, "annex_owner_blank")
        units = [self._owner(row, each, on) for each in given]
        return tuple(dict.fromkeys(unit.code for unit in units if unit is not None))

    def _owner(self, row: int, given: str, on: date) -> Unit | None:
        """Return the unit of a code, or of a name spelled so; a name that two units have asks for the code."""
        coded = [unit for unit in self.source.roster.in_force(on) if unit.code == given.lower()]
        found = coded or list(self.source.roster.units_named(given, on, self.texts.name_words))
        if len(found) == 1:
            return found[0]
        if found:
            codes = ", ".join(unit.code for unit in found)
            self._fault(row, "annex_owner_ambiguous", found=given, codes=codes)
        else:
            near = proposals(given, (unit.name for unit in self.source.roster.in_force(on)))
            code = "annex_owner_unknown_near" if near else "annex_owner_unknown"
            self._fault(row, code, found=given, day=self.texts.day(on), **({"near": "; ".join(near)} if near else {}))
        return None

    def _last_day(self, row: int, value: object, on: date) -> date | None:
        if is_blank(value):
            self._fault(row, "annex_day_blank")
            return None
        day = _day(value)
        if day is None:
            self._fault(row, "annex_day_unclear", found=shown(value))
        elif day < on:
            self._fault(row, "annex_day_past", day=self.texts.day(day), opens_on=self.texts.day(on))
        return day

    def _fault(self, row: int, code: str, **facts: object) -> None:
        self.faults.append(Fault.at(self.source.file, row, code, sheet=self.sheet, **facts))


def _place(address: str) -> tuple[str, int]:
    column = address.rstrip("0123456789")
    return column, int(address[len(column) :])


def _day(value: object) -> date | None:
    """Return the day of a date's cell, or of a text such as 15/8/2025; None for whatever could mean something else."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    written = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if written is None:
        return None
    day, month, year = map(int, written.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None
