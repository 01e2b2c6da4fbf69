"""The workbook in which a clerk sets the year's targets, both ways: drawn empty or as they are, and read again.

One row a unit, one column an indicator. Reading finds every fault with its sheet and row, and guesses nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any, Final

import xlsxwriter

from models.domain.errors import Fault, UnknownUnitError
from models.domain.forms import FieldSpec, FormWords, RawForm
from models.domain.plan import Programme
from models.domain.reading import MAX_AMOUNT, Trouble, is_blank, read_amount, shown
from models.domain.roster import Roster, Unit
from models.domain.targets import Target, targetable_fields
from models.domain.vietnamese import comparison_key, tidy
from tasks.adapters.aggregate_pages import A4, FONT, clean, plain_options
from tasks.adapters.programme.written import nearest
from tasks.adapters.texts import Texts

CODE_COLUMN: Final = "A"
NAME_COLUMN: Final = "B"
FIRST_FIELD_COLUMN: Final = 2
"""0-based; the columns of unit code and name come before."""
LABEL_ROW: Final = 2
HEADER_ROW: Final = 3
_OWN_TROUBLES: Final = frozenset({Trouble.NEGATIVE, Trouble.NOT_WHOLE, Trouble.AMBIGUOUS, Trouble.TOO_LARGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReading:
    """What a workbook says: with faults, nothing of it is to be used."""

    targets: tuple[Target, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSource:
    """A workbook as it was read, with all that its rows are understood by."""

    file: str
    year: int
    raw: RawForm
    roster: Roster
    on: date
    """The day on which the units must be in force."""
    programme: Programme
    words: FormWords


def draw_target_sheet(
    programme: Programme, year: int, units: Sequence[Unit], known: Mapping[str, Mapping[str, int]], texts: Texts
) -> bytes:
    """Return the workbook for a year's targets: a row for each unit, with what is set already (by unit and field)."""
    fields = targetable_fields(programme, year)
    packed = BytesIO()
    workbook = xlsxwriter.Workbook(packed, plain_options())
    workbook.set_properties(
        {
            "title": texts.say("targets.title", year=year),
            "created": datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        }
    )
    sheet = workbook.add_worksheet(texts.say("targets.sheet"))
    draw = _Drawing(workbook, sheet, fields, texts)
    draw.head(texts.say("targets.title", year=year), programme.title)
    for row, unit in enumerate(units, start=HEADER_ROW + 1):
        draw.unit(row, unit, known.get(unit.code, {}))
    draw.finish(HEADER_ROW + len(units))
    workbook.close()
    return packed.getvalue()


def read_targets(source: TargetSource, texts: Texts) -> TargetReading:
    """Return the targets of a workbook with every fault; a blank cell asks nothing of its unit."""
    reader = _Reader(source, texts)
    targets = tuple(reader.targets())
    return TargetReading(
        targets=targets, faults=tuple(sorted(reader.faults, key=lambda fault: (fault.line, fault.code)))
    )


class _Drawing:
    """One sheet, written downwards."""

    def __init__(self, workbook: Any, sheet: Any, fields: Sequence[FieldSpec], texts: Texts) -> None:
        self._sheet = sheet
        self._fields = fields
        self._texts = texts
        base = {"font_name": FONT, "font_size": 11, "valign": "vcenter"}
        grid = base | {"border": 1, "border_color": "#A6A6A6", "text_wrap": True}
        self._title = workbook.add_format(base | {"bold": True, "font_size": 15})
        self._note = workbook.add_format(base | {"text_wrap": True, "font_color": "#9C1C1C"})
        self._header = workbook.add_format(grid | {"bold": True, "align": "center", "bg_color": "#DCE6F1"})
        self._label = workbook.add_format(grid)
        self._input = workbook.add_format(grid | {"num_format": "#,##0", "bg_color": "#FFF8DC"})

    def head(self, title: str, programme: str) -> None:
        """Write the title, the instructions, and both rows of headers."""
        sheet, say = self._sheet, self._texts.say
        sheet.set_column(0, 0, 36)
        sheet.set_column(1, 1, 44)
        sheet.set_column(FIRST_FIELD_COLUMN, FIRST_FIELD_COLUMN + len(self._fields) - 1, 15)
        sheet.write_string(0, 0, clean(f"{title} – {programme}"), self._title)
        sheet.set_row(0, 24)
        sheet.merge_range(1, 0, 1, 9, "", self._note)
        sheet.write_string(1, 0, clean(say("targets.note")), self._note)
        sheet.set_row(1, 64)
        sheet.set_row(LABEL_ROW, 112)
        # Row by row: what is written into a row after a later one was begun would be lost.
        labels = ["", "", *(f"{spec.label} ({spec.unit_of_measure})" for spec in self._fields)]
        names = [say("targets.column.unit_code"), say("targets.column.unit_name"), *(f.code for f in self._fields)]
        for row, texts in ((LABEL_ROW, labels), (HEADER_ROW, names)):
            for column, text in enumerate(texts):
                sheet.write_string(row, column, clean(text), self._header)

    def unit(self, row: int, unit: Unit, known: Mapping[str, int]) -> None:
        """Write the row of a unit."""
        self._sheet.write_string(row, 0, unit.code, self._label)
        self._sheet.write_string(row, 1, clean(unit.name), self._label)
        for column, spec in enumerate(self._fields, start=FIRST_FIELD_COLUMN):
            if spec.code in known:
                self._sheet.write_number(row, column, known[spec.code], self._input)
            else:
                self._sheet.write_blank(row, column, None, self._input)

    def finish(self, last_row: int) -> None:
        """Set what may stand in the cells, and the paper."""
        sheet, say = self._sheet, self._texts.say
        last_column = FIRST_FIELD_COLUMN + len(self._fields) - 1
        if last_row > HEADER_ROW and self._fields:
            sheet.data_validation(
                HEADER_ROW + 1,
                FIRST_FIELD_COLUMN,
                last_row,
                last_column,
                {
                    "validate": "integer",
                    "criteria": "between",
                    "minimum": 0,
                    "maximum": MAX_AMOUNT,
                    "error_title": say("targets.validation_title"),
                    "error_message": say("targets.validation"),
                },
            )
        sheet.freeze_panes(HEADER_ROW + 1, FIRST_FIELD_COLUMN)
        sheet.repeat_rows(LABEL_ROW, HEADER_ROW)
        sheet.repeat_columns(0, 1)
        sheet.set_paper(A4)
        sheet.set_landscape()
        sheet.set_print_scale(60)


@dataclass(slots=True)
class _Reader:
    """Reads one workbook's rows, and gathers what is wrong with them."""

    source: TargetSource
    texts: Texts
    faults: list[Fault] = field(default_factory=list)
    sheet: str = ""

    def targets(self) -> Iterator[Target]:
        """Yield the targets of every row that can be understood."""
        header = self._header()
        if header is None:
            self._fault(0, "target_header_missing", column=self.texts.say("targets.column.unit_code"))
            return
        rows = self._rows(header)
        columns = self._columns(header, rows)
        seen: dict[str, int] = {}
        for number in sorted(row for row in rows if row > header):
            cells = {column: value for column, value in rows[number].items() if column in columns}
            if not cells:
                continue
            unit = self._unit(number, rows[number])
            if unit is not None and unit.code in seen:
                self._fault(number, "target_unit_twice", name=unit.name, first=seen[unit.code])
            elif unit is not None:
                seen[unit.code] = number
            amounts = [(columns[column], self._amount(number, column, columns[column])) for column in sorted(cells)]
            for spec, amount in amounts:
                if unit is not None and spec is not None and amount is not None:
                    yield Target(unit_code=unit.code, year=self.source.year, field=spec.code, amount=amount)

    def _header(self) -> int | None:
        """Find the row of headers: the first whose cell A names the unit's code, on the sheet of that name if any."""
        wanted = comparison_key(self.texts.say("targets.column.unit_code"))
        named = comparison_key(self.texts.say("targets.sheet"))
        places = [
            (comparison_key(sheet) != named, self.source.raw.sheets.index(sheet), int(address[1:]), sheet)
            for (sheet, address), value in self.source.raw.cells.items()
            if address[:1] == CODE_COLUMN and address[1:].isdigit() and comparison_key(shown(value)) == wanted
        ]
        if not places:
            return None
        *_, row, self.sheet = min(places)
        return row

    def _rows(self, header: int) -> dict[int, dict[str, object]]:
        rows: dict[int, dict[str, object]] = {}
        marked = [(place, None) for place in self.source.raw.uncalculated]
        for (sheet, address), value in (*marked, *self.source.raw.cells.items()):
            column = address.rstrip("0123456789")
            row = int(address[len(column) :])
            is_told = (sheet, address) in self.source.raw.uncalculated or not is_blank(value)
            if sheet == self.sheet and row >= header and is_told:
                rows.setdefault(row, {})[column] = value
        return rows

    def _columns(self, header: int, rows: Mapping[int, Mapping[str, object]]) -> dict[str, FieldSpec | None]:
        """Return by column its field; None for a column whose header is at fault, so that its cells are passed over."""
        asked = {comparison_key(spec.code): spec for spec in targetable_fields(self.source.programme, self.source.year)}
        others = {
            comparison_key(spec.code) for form in self.source.programme.forms.values() for spec in form.fields
        } - set(asked)
        columns: dict[str, FieldSpec | None] = {}
        used = {column for row, cells in rows.items() if row > header for column in cells}
        for column in sorted({*rows[header], *used} - {CODE_COLUMN, NAME_COLUMN}, key=lambda name: (len(name), name)):
            given = shown(rows[header].get(column))
            spec = asked.get(comparison_key(given))
            if spec is None:
                code = "target_field_not_asked" if comparison_key(given) in others else "target_field_unknown"
                near = nearest(given, [each.code for each in asked.values()]) or "–"
                self._fault(header, code if given else "target_field_blank", column=column, found=given, nearest=near)
            elif spec in columns.values():
                self._fault(header, "target_field_twice", column=column, found=spec.code)
                spec = None
            columns[column] = spec
        return columns

    def _unit(self, row: int, cells: Mapping[str, object]) -> Unit | None:
        code, name = tidy(shown(cells.get(CODE_COLUMN))), tidy(str(cells.get(NAME_COLUMN) or ""))
        if code:
            return self._unit_of_code(row, code, name)
        named = self.source.roster.units_named(name, self.source.on, self.texts.name_words) if name else ()
        if len(named) != 1:
            fault = "target_unit_blank" if not name else "target_unit_ambiguous" if named else "target_unit_unknown"
            self._fault(row, fault, found=name, day=self.texts.day(self.source.on))
        return named[0] if len(named) == 1 else None

    def _unit_of_code(self, row: int, code: str, name: str) -> Unit | None:
        on = self.source.on
        try:
            unit = self.source.roster.unit(code, on)
        except UnknownUnitError:
            self._fault(row, "target_unit_unknown", found=code, day=self.texts.day(on))
            return None
        if not unit.is_in_force(on):
            self._fault(row, "target_unit_ended", found=f"{code} ({unit.name})", day=self.texts.day(on))
            return None
        known = {comparison_key(each) for each in (unit.name, *unit.aliases)}
        if name and comparison_key(name) not in known:
            self._fault(row, "target_unit_other_name", found=name, unit_code=code, name=unit.name)
        return unit

    def _amount(self, row: int, column: str, spec: FieldSpec | None) -> int | None:
        if spec is None:
            return None
        place = (self.sheet, f"{column}{row}")
        if place in self.source.raw.uncalculated:
            self._fault(row, "target_uncalculated", column=column, label=spec.label)
            return None
        value = self.source.raw.cells[place]
        amount = read_amount(value, measure=spec.unit_of_measure, words=self.source.words)
        if not isinstance(amount, Trouble):
            return amount
        code = f"target_{amount.value}" if amount in _OWN_TROUBLES else "target_not_a_number"
        self._fault(row, code, column=column, label=spec.label, value=shown(value))
        return None

    def _fault(self, row: int, code: str, **facts: object) -> None:
        self.faults.append(Fault.at(self.source.file, row, code, sheet=self.sheet, **facts))
