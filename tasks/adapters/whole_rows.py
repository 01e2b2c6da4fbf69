"""A sheet of xlsxwriter's that takes whole rows, and makes of them what the cells one by one would have become.

An aggregate of 10,000 units has a million cells. xlsxwriter checks each of them, keeps it until the next row begins and
puts it together from its attributes; and it remembers every row's height to the end. Here a row is one piece of text.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape

from xlsxwriter.utility import _datetime_to_excel_datetime, _utf16_truncate, xl_col_to_name
from xlsxwriter.worksheet import Worksheet

MOST_CHARACTERS: Final = 32_767
REPEATED: Final = 200
"""A longer text comes but once."""
N_REPEATED: Final = 4_096
POINTS_PER_PIXEL: Final = 0.75
N_BESIDE_CHARTS: Final = 256
"""Only of so many rows the height is remembered, by which a chart beside them is placed."""
Plain = int | float | str | datetime | None


class WholeRowsSheet(Worksheet):  # type: ignore[misc]
    """A worksheet of a workbook in constant memory; rows written whole and cells one by one may follow each other."""

    def write_whole_row(self, row: int, cells: Iterable[tuple[Plain, Any]], *, height: float | None = None) -> None:
        """Write the cells of a row beyond all that was written, each with its format; the height is in points.

        Texts stay texts, whatever they begin with; an instant is written as the clock shows it, without its zone.
        """
        self._write_single_row(row)  # the one before
        number = row + 1
        pieces = [
            f'<c r="{_column(n)}{number}" s="{cell_format._get_xf_index()}"{_content(value)}'  # noqa: SLF001 - of its kin
            for n, (value, cell_format) in enumerate(cells)
        ]
        self._check_dimensions(row, 0)
        self._check_dimensions(row, len(pieces) - 1)
        # Whatever came for this row later would be left out, as for every row that is written.
        self.previous_row = number
        self.fh.write(f'<row r="{number}"{self._height(row, height)}>{"".join(pieces)}</row>')

    def link(self, row: int, column: int, target: str, shown: str) -> None:
        """Let a cell of a row that is to be written whole open a cell of the same workbook, such as `Điểm!A7`."""
        self.ignore_write_string = True
        try:
            self.write_url(row, column, f"internal:{target}", None, shown)
        finally:
            self.ignore_write_string = False

    def _height(self, row: int, points: float | None) -> str:
        pixels = self.default_row_height if points is None else int(points / POINTS_PER_PIXEL + 0.5)
        if row < N_BESIDE_CHARTS:
            self.row_sizes[row] = [pixels, False]
        if pixels == self.default_row_height:
            return ""
        return f' ht="{pixels * POINTS_PER_PIXEL:.16g}" customHeight="1"'


@lru_cache
def _column(n: int) -> str:
    name: str = xl_col_to_name(n)
    return name


def _content(value: Plain) -> str:
    """Return what follows the attributes of a cell."""
    if value is None:
        return "/>"
    if isinstance(value, str):
        return _repeated_text(value) if len(value) < REPEATED else _text(value)
    return f"><v>{_days(value) if isinstance(value, datetime) else value:.16G}</v></c>"


def _text(value: str) -> str:
    """Return what follows the attributes of a cell with a text; xlsxwriter takes one that looks like its own for it."""
    if len(value) > MOST_CHARACTERS // 2:
        value = _utf16_truncate(value, MOST_CHARACTERS)
    said = escape(Worksheet._escape_control_characters(value))  # noqa: SLF001 - as above
    kept = ' xml:space="preserve"' if said != said.strip() else ""
    return f' t="inlineStr"><is><t{kept}>{said}</t></is></c>'


@lru_cache(maxsize=N_REPEATED)
def _days(instant: datetime) -> float:
    """Return an instant as a spreadsheet counts it; the deadlines of a cycle come again in row after row."""
    days: float = _datetime_to_excel_datetime(instant, date_1904=False, remove_timezone=False)
    return days


_repeated_text = lru_cache(maxsize=N_REPEATED)(_text)
