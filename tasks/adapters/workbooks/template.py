"""Draws the workbook of a cycle's form once, with a place left for each unit's name and last figures.

It knows how a form looks; `stamping` knows how it is filled for 10,000 units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from models.domain.cycles import Cycle
from models.domain.forms import FieldSpec, FormSpec, FormWords, finding
from models.domain.plan import Programme
from models.domain.reading import MAX_AMOUNT, Trouble, read_amount
from models.domain.reading import grouped as in_groups
from models.domain.vocabulary import FieldKind
from tasks.adapters.texts import Texts
from tasks.adapters.workbooks import STAMP_SHEET, form_words

UNIT_PLACE: Final = "\ue000"
"""Stands where the unit's name goes; a sign of the private use area, which no text of ours holds."""
PARENT_PLACE: Final = "\ue001"
"""Stands where the name of the unit goes that this one reports to."""
COVERAGE_PLACE: Final = "\ue002"
"""Stands where it says from how many children the filled figures come."""
INSTANT_PLACE: Final = "\ue003"
"""Stands where it says as of when."""
N_CHARACTERS_OF_A_NAME: Final = 40
INPUT_COLOUR: Final = "FFF8DC"
GATHERED_COLOUR: Final = "DDEBF7"
GATHERED_INK: Final = "1F4E79"
NOTE_COLOUR: Final = "9C1C1C"
FONT_NAME: Final = "Times New Roman"
GUIDE_RULES: Final = (
    "blank_without_note",
    "exceeds_whole",
    "less_than_earlier",
    "jump",
    "more_than_expected",
    "uncalculated",
)
"""Codes of the findings whose own sentences tell the rules in the guide."""
AMOUNT_FORMAT: Final = "#,##0"
TEXT_FORMAT: Final = "@"
MAX_LIST_LENGTH: Final = 255
"""The longest list of choices that Excel takes inside a validation."""
POINTS_A_LINE: Final = 16
WIDE_CHARACTERS: Final = 150
"""How much text of size 11 one line across the whole sheet holds."""
HALF_CHARACTERS: Final = 74

_GRID = Side(style="thin", color="A6A6A6")
_BORDER: Final = Border(left=_GRID, right=_GRID, top=_GRID, bottom=_GRID)
_INPUT: Final = PatternFill("solid", fgColor=INPUT_COLOUR)
_HEADER: Final = PatternFill("solid", fgColor="DCE6F1")
_PREVIOUS: Final = PatternFill("solid", fgColor="F2F2F2")
_WRAPPED: Final = Alignment(wrap_text=True, vertical="center")
_CENTRED: Final = Alignment(wrap_text=True, vertical="center", horizontal="center")
_NUMBER: Final = Alignment(vertical="center", horizontal="right")
_WRITING: Final = Alignment(wrap_text=True, vertical="top")
_UNLOCKED: Final = Protection(locked=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadingLine:
    """One line above the table: a text at the left, perhaps one at the right, and how it is written."""

    left: str
    right: str = ""
    size: int = 11
    is_bold: bool = False
    is_centred: bool = False
    colour: str = "000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormParts:
    """Which columns a form has that not every unit's has: the year's targets, and what children have reported."""

    has_targets: bool = False
    has_gathered: bool = False


PLAIN_FORM: Final = FormParts()


def draw_form(cycle: Cycle, programme: Programme, texts: Texts, *, parts: FormParts = PLAIN_FORM) -> Workbook:
    """Return the workbook of a cycle's form with `UNIT_PLACE` where the unit's name goes and no figures as yet."""
    spec = cycle.form
    words = form_words(texts)
    workbook = Workbook()
    figures = workbook.active
    if not isinstance(figures, Worksheet):
        raise TypeError  # pragma: no cover - a new workbook has one worksheet
    figures.title = spec.figures_sheet
    heading = _heading(cycle, programme, texts)
    _FiguresSheet(figures, cycle, texts, words, parts).draw(heading)
    _draw_narratives(workbook.create_sheet(spec.narratives_sheet), spec, texts, heading)
    _GuideSheet(workbook.create_sheet(texts.say("form.sheet.guide")), spec, texts, words).draw()
    workbook.create_sheet(STAMP_SHEET).sheet_state = "veryHidden"
    for sheet in workbook.worksheets:
        _protect(sheet)
    workbook.properties.title = spec.title
    workbook.properties.creator = programme.desk.sender_name
    workbook.properties.created = cycle.opens_at.astimezone(UTC).replace(tzinfo=None)
    return workbook


def _heading(cycle: Cycle, programme: Programme, texts: Texts) -> tuple[HeadingLine, ...]:
    def line(name: str, value: str) -> str:
        return f"{texts.say(f'form.heading.{name}')}: {value}"

    period = ""
    if cycle.period_start is not None and cycle.period_end is not None:
        span = texts.say(
            "form.heading.period_span", start=texts.day(cycle.period_start), end=texts.day(cycle.period_end)
        )
        period = line("period", span)
    basis = texts.say("form.heading.basis_clause", plan=programme.plan_document, clause=cycle.clause)
    receiver = programme.desk.address
    if cycle.is_of_children:
        receiver = texts.say("form.heading.parent_at", parent=PARENT_PLACE, address=programme.desk.address)
    return (
        HeadingLine(left=programme.desk.issuing_body, right=line("basis", basis), size=10),
        HeadingLine(left=cycle.form.title.upper(), size=15, is_bold=True, is_centred=True),
        HeadingLine(left=line("unit", UNIT_PLACE), right=line("cycle", cycle.title), size=12, is_bold=True),
        HeadingLine(left=period, right=line("answer_to", receiver)),
        HeadingLine(left=line("deadline", texts.deadline(cycle.due_at, programme.calendar))),
    )


class _FiguresSheet:
    """Draws the sheet of figures: locked labels, last period, and the cells to fill with what may stand in them."""

    def __init__(self, sheet: Worksheet, cycle: Cycle, texts: Texts, words: FormWords, parts: FormParts) -> None:
        """Keep what is drawn."""
        self._sheet = sheet
        self._spec = cycle.form
        self._texts = texts
        self._words = words
        self._year = cycle.year
        self._parts = parts
        self._gathered = cycle.form.column_of_gathered(has_targets=parts.has_targets)

    def draw(self, heading: Sequence[HeadingLine]) -> None:
        spec = self._spec
        widths = self._widths()
        for column, width in widths.items():
            self._sheet.column_dimensions[column].width = width
        note = self._note()
        last = next(reversed(widths))
        _draw_heading(self._sheet, heading, note, last_row=spec.first_row - 2, columns=("A", "D", "E", last))
        names = ("code", "label", "measure", "previous", "value", "estimate", "note")
        labels = dict(zip(widths, (self._texts.say(f"form.column.{name}") for name in names), strict=False))
        if self._parts.has_targets:
            labels[spec.target_column] = self._texts.say("form.column.target", year=self._year)
        if self._parts.has_gathered:
            labels[self._gathered] = self._texts.say("form.column.gathered")
        _draw_table_header(self._sheet, spec.first_row - 1, labels)
        for item in spec.fields:
            self._draw_row(item)
        self._validate()
        if self._parts.has_gathered:
            self._mark_gathered()
        _set_up_page(self._sheet, self._texts, first_row=spec.first_row, last=f"{last}{spec.fields[-1].row}")

    def _note(self) -> str:
        """Return what stands above the table; where cells are filled already it says so, and first."""
        note = self._texts.say("form.heading.note")
        if not self._parts.has_gathered:
            return note
        facts = {"coverage": COVERAGE_PLACE, "as_of": INSTANT_PLACE, "column": self._texts.say("form.column.gathered")}
        return f"{self._texts.say('form.heading.gathered', **facts)}\n{note}"

    def _mark_gathered(self) -> None:
        """Show a figure in another colour for as long as it is the children's sum, as it was filled in."""
        spec = self._spec
        first, last = spec.first_row, spec.fields[-1].row
        rule = FormulaRule(  # type: ignore[no-untyped-call]  # openpyxl has no types here
            formula=[f'AND(${self._gathered}{first}<>"",${spec.value_column}{first}=${self._gathered}{first})'],
            fill=PatternFill("solid", bgColor=GATHERED_COLOUR),
            font=Font(italic=True, color=GATHERED_INK),
        )
        self._sheet.conditional_formatting.add(f"{spec.value_column}{first}:{spec.value_column}{last}", rule)

    def _widths(self) -> dict[str, int]:
        """Return the columns from left to right with their widths; targets take theirs from the notes.

        So the sheet is as wide on paper, and prints at the same scale, with targets or without.
        """
        spec = self._spec
        extra = [spec.target_column] if self._parts.has_targets else []
        extra += [self._gathered] if self._parts.has_gathered else []
        widths = {
            "A": 14,
            spec.label_column: 50,
            spec.measure_column: 13,
            spec.previous_column: 17,
            spec.value_column: 19,
            spec.estimate_column: 11,
            spec.note_column: 21 if extra else 36,
        }
        return widths | dict.fromkeys(extra, 15)

    def _draw_row(self, item: FieldSpec) -> None:
        spec, sheet = self._spec, self._sheet
        is_amount = item.kind in {FieldKind.COUNT, FieldKind.MONEY}
        number_format = AMOUNT_FORMAT if is_amount else TEXT_FORMAT
        alignment = _NUMBER if is_amount else _CENTRED
        _label(sheet, f"A{item.row}", item.code, _WRAPPED, size=10, colour="7F7F7F")
        _label(sheet, f"{spec.label_column}{item.row}", item.label, _WRAPPED)
        _label(sheet, f"{spec.measure_column}{item.row}", item.unit_of_measure, _CENTRED, size=10)
        locked = [spec.target_column] if self._parts.has_targets else []
        locked += [self._gathered] if self._parts.has_gathered else []
        for column in (spec.previous_column, *locked):
            cell = _label(sheet, f"{column}{item.row}", None, alignment, colour="595959")
            cell.fill = _PREVIOUS
            cell.number_format = number_format
        _input(sheet, spec.value_cell(item), alignment, number_format, is_bold=True)
        _input(sheet, f"{spec.estimate_column}{item.row}", _CENTRED, TEXT_FORMAT)
        _input(sheet, f"{spec.note_column}{item.row}", _WRAPPED, TEXT_FORMAT)
        sheet.row_dimensions[item.row].height = POINTS_A_LINE * _lines(item.label, 54) + 5

    def _validate(self) -> None:
        spec = self._spec
        amounts = _whole_numbers(self._texts)
        estimates = _one_of((self._words.actual, self._words.estimate), self._texts, "estimate")
        estimates.add(f"{spec.estimate_column}{spec.first_row}:{spec.estimate_column}{spec.fields[-1].row}")
        validations = [amounts, estimates]
        for item in spec.fields:
            answers = self._words.answers(item)
            if item.kind in {FieldKind.COUNT, FieldKind.MONEY}:
                amounts.add(spec.value_cell(item))
            elif answers and len(",".join(answers)) <= MAX_LIST_LENGTH:
                choice = _one_of(answers, self._texts, "answer")
                choice.add(spec.value_cell(item))
                validations.append(choice)
        for validation in validations:
            self._sheet.add_data_validation(validation)


def _draw_narratives(sheet: Worksheet, spec: FormSpec, texts: Texts, heading: Sequence[HeadingLine]) -> None:
    column = spec.narrative_column
    for name, width in {"A": 9, "B": 40, column: 112}.items():
        sheet.column_dimensions[name].width = width
    note = texts.say("form.heading.narrative_note")
    _draw_heading(sheet, heading, note, last_row=spec.first_row - 2, columns=("A", "B", column, column))
    labels = {"A": "section", "B": "title", column: "text"}
    named = {letter: texts.say(f"form.column.{name}") for letter, name in labels.items()}
    _draw_table_header(sheet, spec.first_row - 1, named)
    for item in spec.narratives:
        _label(sheet, f"A{item.row}", item.code, _CENTRED, size=10, colour="7F7F7F")
        _label(sheet, f"B{item.row}", item.title, _WRAPPED)
        _input(sheet, f"{column}{item.row}", _WRITING, TEXT_FORMAT)
        sheet.row_dimensions[item.row].height = 84
    last_row = spec.narratives[-1].row if spec.narratives else spec.first_row
    _set_up_page(sheet, texts, first_row=spec.first_row, last=f"{column}{last_row}")


class _GuideSheet:
    """Writes the instructions; examples run through the very checks that will judge the form, so both agree."""

    def __init__(self, sheet: Worksheet, spec: FormSpec, texts: Texts, words: FormWords) -> None:
        self._sheet = sheet
        self._spec = spec
        self._texts = texts
        self._words = words
        self._row = 1

    def draw(self) -> None:
        self._sheet.column_dimensions["A"].width = 24
        self._sheet.column_dimensions["B"].width = 122
        say = self._texts.say
        self._title(say("form.guide.title"), size=15)
        facts = {
            "figures": self._spec.figures_sheet,
            "narratives": self._spec.narratives_sheet,
            "findings": say("form.sheet.findings"),
        }
        steps = [code for code in self._texts.by_code if code.startswith("form.guide.steps.")]
        for number, code in enumerate(steps, start=1):
            self._paragraph(f"{number}. {say(code, **facts)}")
        self._title(say("form.guide.examples_title"))
        self._pair(say("form.guide.example_column"), say("form.guide.meaning_column"), is_header=True)
        for example in say("form.guide.examples").split("|"):
            self._pair(example.strip(), self._meaning(example.strip()))
        self._title(say("form.guide.rules_title"))
        for code in GUIDE_RULES:
            self._paragraph(f"– {self._rule(code)}")
        _set_up_page(self._sheet, self._texts, first_row=1, last=f"B{self._row}")

    def _meaning(self, example: str) -> str:
        measure = self._texts.say("form.guide.money")
        amount = read_amount(example, measure=measure, words=self._words)
        if not isinstance(amount, Trouble):
            return self._texts.say("form.guide.understood", amount=in_groups(amount))
        label = self._texts.say("form.guide.amount_of_money")
        return self._texts.finding(finding(amount.value, value=example, label=label, measure=measure))

    def _rule(self, code: str) -> str:
        names = ("label", "whole_label", "value", "whole", "previous", "earlier", "ceiling_label", "ceiling")
        facts: dict[str, Any] = {name: self._texts.say(f"form.guide.rule.{name}") for name in names}
        first = self._spec.fields[0]
        cell, n_times = self._spec.value_cell(first), self._spec.n_times_jump
        measure = first.unit_of_measure
        facts |= {"measure": measure, "whole_cell": cell, "ceiling_cell": cell, "n_times": n_times}
        return self._texts.finding(finding(code, **facts))

    def _title(self, text: str, *, size: int = 12) -> None:
        if self._row > 1:
            self._row += 1
        cell = self._sheet.cell(self._row, 1, text)
        cell.font = Font(name=FONT_NAME, size=size, bold=True)
        self._row += 1

    def _paragraph(self, text: str) -> None:
        self._sheet.merge_cells(start_row=self._row, end_row=self._row, start_column=1, end_column=2)
        cell = self._sheet.cell(self._row, 1, text)
        cell.font = Font(name=FONT_NAME, size=12)
        cell.alignment = _WRAPPED
        self._sheet.row_dimensions[self._row].height = (POINTS_A_LINE + 1) * _lines(text, 150) + 3
        self._row += 1

    def _pair(self, left: str, right: str, *, is_header: bool = False) -> None:
        for column, text in ((1, left), (2, right)):
            cell = self._sheet.cell(self._row, column, text)
            cell.data_type = "s"
            cell.font = Font(name=FONT_NAME, size=12, bold=is_header)
            cell.alignment = _WRAPPED
            cell.border = _BORDER
            if is_header:
                cell.fill = _HEADER
        self._sheet.row_dimensions[self._row].height = (POINTS_A_LINE + 1) * _lines(right, 125) + 3
        self._row += 1


def _draw_heading(
    sheet: Worksheet, heading: Sequence[HeadingLine], note: str, *, last_row: int, columns: tuple[str, str, str, str]
) -> None:
    """Write the heading into the rows there are; where they are too few, the last one takes what is left."""
    if last_row < 1:
        return
    rest = [f"{line.left}  {line.right}".strip() for line in heading[last_row - 1 :]]
    lines = [*heading[: last_row - 1], HeadingLine(left="\n".join([*rest, note]), colour=NOTE_COLOUR)]
    first, middle, right, last = columns
    for row, line in enumerate(lines, start=1):
        halves = [(first, middle if line.right else last, line.left)]
        halves += [(right, last, line.right)] if line.right else []
        for start, end, text in halves:
            if start != end:
                sheet.merge_cells(f"{start}{row}:{end}{row}")
            cell = sheet[f"{start}{row}"]
            cell.value = text
            cell.font = Font(name=FONT_NAME, size=line.size, bold=line.is_bold, color=line.colour)
            cell.alignment = _CENTRED if line.is_centred else _WRAPPED
        width = HALF_CHARACTERS if line.right else WIDE_CHARACTERS
        n_lines = max(_lines(text.replace(PARENT_PLACE, "n" * N_CHARACTERS_OF_A_NAME), width) for _, _, text in halves)
        sheet.row_dimensions[row].height = n_lines * max(POINTS_A_LINE - 1, line.size * 1.35) + 2


def _draw_table_header(sheet: Worksheet, row: int, labels: dict[str, str]) -> None:
    for column, label in labels.items():
        cell = _label(sheet, f"{column}{row}", label, _CENTRED)
        cell.font = Font(name=FONT_NAME, size=11, bold=True)
        cell.fill = _HEADER
    sheet.row_dimensions[row].height = 2 * POINTS_A_LINE


def _label(
    sheet: Worksheet, at: str, text: str | None, alignment: Alignment, *, size: int = 12, colour: str = "000000"
) -> Cell:
    cell: Cell = sheet[at]
    cell.value = text
    cell.font = Font(name=FONT_NAME, size=size, color=colour)
    cell.alignment = alignment
    cell.border = _BORDER
    return cell


def _input(sheet: Worksheet, at: str, alignment: Alignment, number_format: str, *, is_bold: bool = False) -> None:
    cell = sheet[at]
    cell.font = Font(name=FONT_NAME, size=12, bold=is_bold)
    cell.fill = _INPUT
    cell.alignment = alignment
    cell.border = _BORDER
    cell.number_format = number_format
    cell.protection = _UNLOCKED


def _whole_numbers(texts: Texts) -> DataValidation:
    return DataValidation(
        type="whole",
        operator="between",
        formula1="0",
        formula2=str(MAX_AMOUNT),
        allow_blank=True,
        showErrorMessage=True,
        errorTitle=texts.say("form.validation.amount_title"),
        error=texts.say("form.validation.amount"),
        showInputMessage=True,
        promptTitle=texts.say("form.validation.amount_title"),
        prompt=texts.say("form.validation.amount"),
    )


def _one_of(answers: Sequence[str], texts: Texts, name: str) -> DataValidation:
    return DataValidation(
        type="list",
        formula1=f'"{",".join(answers)}"',
        allow_blank=True,
        showErrorMessage=True,
        errorTitle=texts.say(f"form.validation.{name}_title"),
        error=texts.say(f"form.validation.{name}"),
        showInputMessage=True,
        promptTitle=texts.say(f"form.validation.{name}_title"),
        prompt=texts.say(f"form.validation.{name}"),
    )


def _set_up_page(sheet: Worksheet, texts: Texts, *, first_row: int, last: str) -> None:
    sheet.sheet_view.showGridLines = False
    if first_row > 1:
        sheet.freeze_panes = f"C{first_row}"
        sheet.print_title_rows = f"{first_row - 1}:{first_row - 1}"
    sheet.print_area = f"A1:{last}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_margins.left = sheet.page_margins.right = 0.5
    sheet.page_margins.top = 0.6
    sheet.page_margins.bottom = 0.75
    sheet.page_margins.footer = 0.4
    sheet.oddFooter.right.text = texts.say("form.print.page")  # type: ignore[union-attr]  # a new sheet has one


def _protect(sheet: Worksheet) -> None:
    """Lock the labels without a password: against slips, not against people."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    sheet.protection.formatRows = False
    sheet.protection.formatCells = False


def _lines(text: str, width: int) -> int:
    return sum(max(1, -(-len(line) // width)) for line in text.split("\n"))
