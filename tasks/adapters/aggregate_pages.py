"""The pages of an aggregate workbook: headings, columns, formats and print layout; it knows no figures.

Rows are written once and in order, as xlsxwriter's constant memory asks.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Final

from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.texts import Texts
from tasks.adapters.whole_rows import Plain, WholeRowsSheet

FONT: Final = "Times New Roman"
A4: Final = 9
HEADING_ROWS: Final = 4
"""Programme, title, edition with coverage, note; the header follows in the fifth row."""
HEADER_HEIGHT: Final = 48
WIDEST_HEADING: Final = 150
LINE_HEIGHT: Final = 14.5
TALLEST_ROW: Final = 409
REPEATED_TEXTS: Final = 2_048
"""In points; Excel refuses more."""
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Look(StrEnum):
    """How the cells of a column are written."""

    TEXT = "text"
    NUMBER = "number"
    CHANGE = "change"
    SHARE = "share"
    INSTANT = "instant"
    COVERAGE = "coverage"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the code of its header (or the header itself, when `is_said`), how it looks, its width in digits."""

    header: str
    look: Look
    width: float
    is_said: bool = False


@dataclass(frozen=True, slots=True)
class OutOf:
    """A number of units out of those expected: the cell holds the number and shows "42/96"."""

    n_units: int
    n_expected: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """An amount that is marked as an estimate in its cell."""

    amount: int


@dataclass(frozen=True, slots=True)
class Reached:
    """An amount that has come up to its target, and stands out by its colour."""

    amount: int


@dataclass(frozen=True, slots=True)
class Link:
    """A number or text that opens a cell of the same workbook, such as `Điểm!A7`; a number may show its maximum."""

    shown: int | str
    target: str
    n_at_most: int = 0


Value = int | float | str | datetime | OutOf | Estimate | Reached | Link | None


@dataclass(frozen=True, slots=True)
class Headings:
    """The lines above every table: whose programme, which edition, how many units."""

    programme: str
    cycle: str
    edition: str


def plain_options() -> dict[str, object]:
    """Return the options under which no text turns into a formula, a link or a number, and memory stays flat."""
    return {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": {"font_name": FONT, "font_size": 11},
    }


def clean(text: str) -> str:
    """Return text without the characters that no XML can hold; line breaks and tabs stay."""
    if text.isprintable():
        return text
    return _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class Book:
    """An open workbook with its texts and the formats its pages share."""

    def __init__(self, workbook: Any, texts: Texts, headings: Headings) -> None:
        """Keep the workbook that pages are added to."""
        self.workbook = workbook
        self.texts = texts
        self.headings = headings
        self._formats: dict[tuple[tuple[str, object], ...], Any] = {}
        self._cell_styles: dict[tuple[Look, bool], Any] = {}

    def style(self, **properties: object) -> Any:
        """Return the format of these properties, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format({"font_name": FONT, "font_size": 11, **properties})
        return self._formats[key]

    def cell_style(self, look: Look, *, bold: bool = False) -> Any:
        """Return the format of a table's cell."""
        key = (look, bold)
        if key not in self._cell_styles:
            accent = {"bold": True, "bg_color": "#F2F2F2"} if bold else {}
            self._cell_styles[key] = self.style(**_CELL, **_LOOKS[look], **accent)
        return self._cell_styles[key]

    def say(self, code: str, **facts: object) -> str:
        """Return a sentence of the aggregate."""
        return self.texts.say(f"aggregate.{code}", **facts)

    def out_of_style(self, n_expected: int) -> Any:
        """Return the format under which a number of units is shown out of all."""
        return self.style(**_CELL, align="center", num_format=f'0"/{n_expected}"')

    def link_style(self, n_at_most: int) -> Any:
        """Return the format of what opens another cell, a number with what it is out of."""
        shown = {"align": "center", "num_format": f'0"/{n_at_most}"'} if n_at_most else {}
        return self.style(**{**_CELL, **shown}, font_color="#1F4E8C", underline=1)

    @cached_property
    def estimate_style(self) -> Any:
        """The format of an estimate: the number with its mark."""
        return self.style(**_CELL, italic=True, num_format=f'#,##0" {self.say("estimate")}"')

    @cached_property
    def reached_style(self) -> Any:
        """The format of a result that has come up to its target."""
        return self.style(**_CELL, num_format="#,##0", font_color="#1B5E20", bg_color="#E8F5E9")


class Page:
    """One sheet with its headings and one table, written downwards."""

    def __init__(
        self, book: Book, code: str, columns: Sequence[Column], *, n_frozen: int = 0, fit: bool = True
    ) -> None:
        """Add the sheet, with its headings and header row; `n_frozen` columns stay in sight and repeat on paper."""
        self.book = book
        self.columns = tuple(columns)
        self._looks = tuple(column.look for column in self.columns)
        self._widths = tuple(column.width for column in self.columns)
        self.sheet = book.workbook.add_worksheet(book.say(f"sheet.{code}.name"), WholeRowsSheet)
        self._row = 0
        self._first_row = HEADING_ROWS
        self._set_up_paper(n_frozen, fit=fit)
        for n, column in enumerate(self.columns):
            self.sheet.set_column(n, n, column.width)
        self._write_headings(code)
        self.header(self.columns)
        self.sheet.freeze_panes(self._row, n_frozen)
        self.sheet.repeat_rows(self._first_row, self._row - 1)

    def header(self, columns: Sequence[Column], *, height: float = HEADER_HEIGHT) -> None:
        """Write a row of column headers."""
        style = self.book.style(**{**_CELL, "valign": "vcenter"}, bold=True, align="center", bg_color="#DCE6F1")
        n_lines = max(_n_lines(self._title(column), column.width * 0.9) for column in columns)
        self.sheet.set_row(self._row, min(max(height, LINE_HEIGHT * n_lines + 2), TALLEST_ROW))
        for n, column in enumerate(columns):
            self.sheet.write_string(self._row, n, clean(self._title(column)), style)
        self._row += 1

    def row(self, values: Sequence[Value], *, looks: Sequence[Look] = (), bold: bool = False) -> None:
        """Write one row; `looks` stands for those of the columns where a row differs from the rest."""
        row_looks = looks or self._looks
        n_lines = max(
            [_n_lines(v, width) if isinstance(v, str) else 1 for v, width in zip(values, self._widths, strict=False)]
        )
        # LibreOffice does not fit rows to their text when it opens a file, and Excel does so only on some screens.
        height = min(LINE_HEIGHT * n_lines + 2, TALLEST_ROW) if n_lines > 1 else None
        cells = [
            self._plain(value, self.book.cell_style(look, bold=bold))
            for value, look in zip(values, row_looks, strict=True)
        ]
        for n, value in enumerate(values):
            if isinstance(value, Link):
                self.sheet.link(self._row, n, value.target, clean(str(value.shown)))
        self.sheet.write_whole_row(self._row, cells, height=height)
        self._row += 1

    def line(self, text: str, *, bold: bool = False) -> None:
        """Write a line of text that belongs to no column."""
        self.sheet.write_string(self._row, 0, clean(text), self.book.style(bold=bold, italic=not bold))
        self._row += 1

    @property
    def next_row(self) -> int:
        """The 0-based row that will be written next."""
        return self._row

    def close(self, *, is_filtered: bool = True) -> None:
        """Set the filter and the print area over what was written."""
        last = max(self._row - 1, self._first_row)
        width = len(self.columns) - 1
        if is_filtered:
            self.sheet.autofilter(self._first_row, 0, last, width)
        self.sheet.print_area(0, 0, last, width)

    def _title(self, column: Column) -> str:
        return column.header if column.is_said else self.book.say(f"column.{column.header}")

    def _plain(self, value: Value, style: Any) -> tuple[Plain, Any]:
        """Return what a cell holds, and the format it has."""
        if value is None or isinstance(value, int | float):
            return value, style
        if isinstance(value, str):
            return clean(value), style
        if isinstance(value, datetime):
            return _local(value), style
        return self._marked(value)

    def _marked(self, value: OutOf | Estimate | Reached | Link) -> tuple[Plain, Any]:
        match value:
            case OutOf():
                return value.n_units, self.book.out_of_style(value.n_expected)
            case Estimate():
                return value.amount, self.book.estimate_style
            case Reached():
                return value.amount, self.book.reached_style
            case Link():
                # The link stays with the cell, and the cell holds a number that can be summed.
                shown = clean(value.shown) if isinstance(value.shown, str) else value.shown
                return shown, self.book.link_style(value.n_at_most)

    def _write_headings(self, code: str) -> None:
        headings, book = self.book.headings, self.book
        note_code = f"sheet.{code}.note"
        has_note = f"aggregate.{note_code}" in book.texts.by_code
        lines = (
            (headings.programme, book.style(font_size=11, **_HEADING)),
            (book.say(f"sheet.{code}.title", cycle=headings.cycle), book.style(font_size=14, bold=True, **_HEADING)),
            (headings.edition, book.style(bold=True, font_color="#C00000", **_HEADING)),
            (book.say(note_code) if has_note else "", book.style(italic=True, font_color="#595959", **_HEADING)),
        )
        for text, style in lines:
            self._wide_line(clean(text), style)

    def _wide_line(self, text: str, style: Any) -> None:
        last, width = self._reach_of_headings()
        self.sheet.set_row(self._row, 20 * max(1, _n_lines(text, width)))
        if last:
            self.sheet.merge_range(self._row, 0, self._row, last, "", style)
        self.sheet.write_string(self._row, 0, text, style)
        self._row += 1

    def _reach_of_headings(self) -> tuple[int, float]:
        width = 0.0
        for n, column in enumerate(self.columns):
            width += column.width
            if width >= WIDEST_HEADING:
                return n, width
        return len(self.columns) - 1, width

    def _set_up_paper(self, n_frozen: int, *, fit: bool) -> None:
        self.sheet.set_paper(A4)
        self.sheet.set_landscape()
        self.sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        self.sheet.set_footer(f"&L&8{self.book.headings.cycle.replace('&', '&&')}&R&8{self.book.say('page')}")
        if fit:
            self.sheet.fit_to_pages(1, 0)
        else:
            self.sheet.set_print_scale(70)
        if n_frozen:
            self.sheet.repeat_columns(0, n_frozen - 1)


_CELL: Final[Mapping[str, object]] = {"border": 1, "border_color": "#BFBFBF", "valign": "top", "text_wrap": True}
_HEADING: Final[Mapping[str, object]] = {"text_wrap": True, "valign": "vcenter"}
_LOOKS: Final[Mapping[Look, Mapping[str, object]]] = {
    Look.TEXT: {},
    Look.NUMBER: {"num_format": "#,##0"},
    Look.CHANGE: {"num_format": "+0.0%;-0.0%;0.0%"},
    Look.SHARE: {"num_format": "0.0%"},
    Look.INSTANT: {"num_format": "hh:mm dd/mm/yyyy", "align": "center"},
    Look.COVERAGE: {"align": "center"},
}


@lru_cache(maxsize=REPEATED_TEXTS)
def _local(instant: datetime) -> datetime:
    """Return an instant as the office's clock shows it; a cycle's deadlines come again in row after row."""
    return instant.astimezone(OFFICE_ZONE).replace(tzinfo=None)


def _n_lines(text: str, width: float) -> int:
    """Return how many lines a text takes in a column, broken at spaces as a spreadsheet does; one at least."""
    per_line = max(int(width * 1.05), 4)
    return 1 if len(text) <= per_line and "\n" not in text else _n_broken(text, per_line)


@lru_cache(maxsize=REPEATED_TEXTS)
def _n_broken(text: str, per_line: int) -> int:
    """Return how many lines of so many characters a text takes; names and titles come again in row after row."""
    n_lines = 0
    for line in text.split("\n"):
        n_lines += 1
        filled = 0
        for word in line.split(" "):
            if filled and filled + 1 + len(word) > per_line:
                n_lines += 1
                filled = 0
            filled += len(word) + (1 if filled else 0)
            n_lines += (filled - 1) // per_line if filled > per_line else 0
            filled = filled % per_line if filled > per_line else filled
    return n_lines
