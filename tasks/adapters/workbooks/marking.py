"""Gives a unit its own workbook back with the wrong cells coloured and commented, and a first sheet that lists them.

Formulas become their values, so that the file can be sent again as it is; marks of an earlier round are taken away.
"""

import io
import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.comments import Comment
from openpyxl.formatting.formatting import ConditionalFormattingList
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from models.domain.forms import Finding
from models.domain.vocabulary import FindingLevel
from tasks.adapters.texts import Texts
from tasks.adapters.workbooks.marks import Mark, Marking, WorkbookNotMarkableError, marking_of
from tasks.adapters.workbooks.template import FONT_NAME, INPUT_COLOUR

COLOURS: Final = {
    FindingLevel.BLOCKING: "FFB3AB",
    FindingLevel.QUESTION: "FFD966",
    FindingLevel.NOTE: "DDEBF7",
}
COMMENT_WIDTH: Final = 340
COMMENT_HEIGHT: Final = 110
FIRST_ROW: Final = 4
WIDTHS: Final = {"A": 6, "B": 14, "C": 8, "D": 20, "E": 105}
CHARACTERS_A_LINE: Final = 108
POINTS_A_LINE: Final = 17

_GRID = Side(style="thin", color="A6A6A6")
_BORDER: Final = Border(left=_GRID, right=_GRID, top=_GRID, bottom=_GRID)
_LINK: Final = Font(name=FONT_NAME, size=12, color="0563C1", underline="single")


def mark(content: bytes, findings: Sequence[Finding], texts: Texts) -> bytes:
    """Return the workbook with its findings marked. For a stranger's file use `pool.GuardedReader.mark`.

    Raises:
        WorkbookNotMarkableError: openpyxl cannot load or save the workbook.
    """
    try:
        return draw_marks(content, marking_of(findings, texts))
    except Exception as problem:
        raise WorkbookNotMarkableError(reason=type(problem).__name__) from problem


def draw_marks(content: bytes, marking: Marking) -> bytes:
    """Load, mark and save a workbook; whatever openpyxl raises is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of every extension it drops; the original is kept elsewhere
        workbook = load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
        _remove_earlier_marks(workbook, marking)
        _mark_cells(workbook, marking)
        _list_findings(workbook, marking)
        marked = io.BytesIO()
        workbook.save(marked)
    return marked.getvalue()


def _remove_earlier_marks(workbook: Workbook, marking: Marking) -> None:
    if marking.sheet in workbook.sheetnames:
        workbook.remove(workbook[marking.sheet])
    for sheet in workbook.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell, Cell) and cell.comment is not None and _is_ours(cell.comment, marking):
                    cell.comment = None
                    cell.fill = _fill(INPUT_COLOUR) if not cell.protection.locked else PatternFill()


def _is_ours(comment: Comment, marking: Marking) -> bool:
    # LibreOffice forgets who wrote a comment, but keeps its first line.
    return comment.author == marking.author or comment.text.startswith(_opening(marking))


def _opening(marking: Marking) -> str:
    return f"{marking.author}:"


def _mark_cells(workbook: Workbook, marking: Marking) -> None:
    by_cell: dict[tuple[str, str], list[Mark]] = defaultdict(list)
    for item in marking.marks:
        if item.cell and item.sheet in workbook.sheetnames:
            by_cell[item.sheet, item.cell].append(item)
    for (sheet, address), marks in by_cell.items():
        cell = workbook[sheet][address]
        if not isinstance(cell, Cell):
            continue  # the middle of a merged area holds neither colour nor comment; the list names it
        # The colour of figures filled in beforehand would lie over ours.
        workbook[sheet].conditional_formatting = ConditionalFormattingList()
        gravest = min(marks, key=lambda item: list(COLOURS).index(item.level))
        cell.fill = _fill(COLOURS[gravest.level])
        text = "\n".join([_opening(marking), *(item.sentence for item in marks)])
        cell.comment = Comment(text, marking.author, height=COMMENT_HEIGHT, width=COMMENT_WIDTH)


def _list_findings(workbook: Workbook, marking: Marking) -> None:
    sheet = workbook.create_sheet(marking.sheet, 0)
    for column, width in WIDTHS.items():
        sheet.column_dimensions[column].width = width
    _heading(sheet, marking)
    for number, item in enumerate(marking.marks, start=1):
        row = FIRST_ROW + number - 1
        values = (str(number), item.sheet or marking.whole_file, item.cell, item.level_label, item.sentence)
        for column, value in zip(WIDTHS, values, strict=True):
            _write(sheet, f"{column}{row}", value)
        sheet[f"D{row}"].fill = _fill(COLOURS[item.level])
        sheet.row_dimensions[row].height = POINTS_A_LINE * -(-len(item.sentence) // CHARACTERS_A_LINE) + 4
        if item.cell and item.sheet in workbook.sheetnames:
            _link(sheet, f"C{row}", item)
    _show_first(workbook, sheet)
    sheet.freeze_panes = f"A{FIRST_ROW}"
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.protection.sheet = True


def _heading(sheet: Worksheet, marking: Marking) -> None:
    for row, text, size, is_bold in ((1, marking.title, 14, True), (2, marking.intro, 12, False)):
        sheet.merge_cells(f"A{row}:E{row}")
        cell = sheet[f"A{row}"]
        cell.value = text
        cell.font = Font(name=FONT_NAME, size=size, bold=is_bold)
        cell.alignment = Alignment(wrap_text=True, vertical="center")
    sheet.row_dimensions[1].height = 26
    sheet.row_dimensions[2].height = 2 * POINTS_A_LINE + 4
    for column, label in zip(WIDTHS, marking.columns, strict=True):
        _write(sheet, f"{column}{FIRST_ROW - 1}", label)
        header = sheet[f"{column}{FIRST_ROW - 1}"]
        header.font = Font(name=FONT_NAME, size=12, bold=True)
        header.fill = _fill("DCE6F1")


def _write(sheet: Worksheet, at: str, text: str) -> None:
    cell: Cell = sheet[at]
    cell.value = text
    cell.data_type = "s"  # a sentence may quote what a stranger wrote; it never becomes a formula
    cell.font = Font(name=FONT_NAME, size=12)
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    cell.border = _BORDER


def _link(sheet: Worksheet, at: str, item: Mark) -> None:
    cell = sheet[at]
    cell.hyperlink = Hyperlink(ref=at, location=f"{quote_sheetname(item.sheet)}!{item.cell}")
    cell.font = _LINK


def _show_first(workbook: Workbook, sheet: Worksheet) -> None:
    workbook.active = sheet
    for other in workbook.worksheets:
        other.sheet_view.tabSelected = other is sheet


def _fill(colour: str) -> PatternFill:
    return PatternFill("solid", fgColor=colour)
