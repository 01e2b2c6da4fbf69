"""Stamps one form for each unit: the workbook is drawn once, and only the sheets that differ are written again.

Three of its sheets name the unit; everything else stays in the zip as it was packed. The same order gives the same
bytes.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC
from typing import Final, Self
from xml.sax.saxutils import escape

from models.domain.cycles import Cycle
from models.domain.forms import FormSpec
from models.domain.plan import Programme
from tasks.adapters.texts import Texts
from tasks.adapters.workbooks import STAMP_KEYS, STAMP_MARK
from tasks.adapters.workbooks.template import (
    COVERAGE_PLACE,
    INSTANT_PLACE,
    PARENT_PLACE,
    PLAIN_FORM,
    UNIT_PLACE,
    FormParts,
    draw_form,
)
from tasks.ports import GatheredFigures, PreviousFigure, StampOrder

PACKED_ON: Final = (2024, 9, 23, 0, 0, 0)
"""The date every member of the zip bears, so that equal forms are equal bytes."""
FIGURES_MEMBER: Final = "xl/worksheets/sheet1.xml"
NARRATIVES_MEMBER: Final = "xl/worksheets/sheet2.xml"
STAMP_MEMBER: Final = "xl/worksheets/sheet4.xml"
PROPERTIES_MEMBER: Final = "docProps/core.xml"
COMPRESSION_LEVEL: Final = 5
_MODIFIED: Final = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
_SAID: Final = f"(?P<said>[{UNIT_PLACE}{PARENT_PLACE}{COVERAGE_PLACE}{INSTANT_PLACE}])"
_PLACE: Final = re.compile(rf'<c r="(?P<at>[A-Z]+\d+)"(?P<style> s="\d+")?(?: t="n")?(?:\s*/>|></c>)|{_SAID}')
_REFERENCE: Final = re.compile(r"&#(\d{3,});")
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place that differs between units: an empty cell with its style, or (without an address) words in a text."""

    at: str = ""
    style: str = ""
    said: str = ""
    """The sign that stands for the words, such as `UNIT_PLACE`."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet's XML cut at its slots: piece, slot, piece, …, piece."""

    member: str
    pieces: tuple[str, ...]
    slots: tuple[_Slot, ...]

    def filled(self, words: Mapping[str, str], figures: Mapping[str, PreviousFigure]) -> bytes:
        """Return the sheet with words (by their sign) and figures (by address) in its slots."""
        parts = [self.pieces[0]]
        for slot, piece in zip(self.slots, self.pieces[1:], strict=True):
            parts += (_cell(slot, figures.get(slot.at)) if slot.at else _escaped(words[slot.said]), piece)
        return "".join(parts).encode()


@dataclass(frozen=True, slots=True)
class FormTemplate:
    """The form of one cycle, prepared once; safe to be used by several threads."""

    _base: bytes
    _sheets: tuple[_Sheet, ...]
    _previous_cells: Mapping[str, str]
    """Field code -> address of the cell that shows the last figure."""
    _target_cells: Mapping[str, str]
    """Field code -> address of the cell that shows the year's target; empty on a form without their column."""
    _gathered_cells: Mapping[str, tuple[str, str, str]]
    """Field code -> addresses of the value, of the children's sum beside it, and of the mark of an estimate."""
    _form: tuple[str, str, str]
    """Cycle, form and version, for the hidden sheet."""
    _receiver: str
    """Who receives the report of a unit without a parent."""
    _estimate: str

    @classmethod
    def build(cls, cycle: Cycle, programme: Programme, texts: Texts, *, parts: FormParts = PLAIN_FORM) -> Self:
        """Draw the form of a cycle and keep it ready for stamping, with the columns that these units' forms have."""
        spec = cycle.form
        packed = io.BytesIO()
        draw_form(cycle, programme, texts, parts=parts).save(packed)
        opened_at = cycle.opens_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        with zipfile.ZipFile(packed) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
        members[PROPERTIES_MEMBER] = _MODIFIED.sub(rb"\g<1>" + opened_at, members[PROPERTIES_MEMBER])
        previous_cells = {item.code: f"{spec.previous_column}{item.row}" for item in spec.fields}
        target_cells = (
            {item.code: f"{spec.target_column}{item.row}" for item in spec.fields} if parts.has_targets else {}
        )
        gathered_cells = _gathered_cells(spec, parts) if parts.has_gathered else {}
        filled = {cell for cells in gathered_cells.values() for cell in cells}
        slots = {
            FIGURES_MEMBER: {*previous_cells.values(), *target_cells.values(), *filled},
            NARRATIVES_MEMBER: set[str](),
        }
        sheets = tuple(_cut(member, _readable(members.pop(member)), wanted) for member, wanted in slots.items())
        members.pop(STAMP_MEMBER)
        return cls(
            _packed(members),
            sheets,
            previous_cells,
            target_cells,
            gathered_cells,
            _form_of(cycle.code, spec),
            programme.desk.standing_agency,
            texts.say("form.words.estimate"),
        )

    def stamp(self, order: StampOrder) -> bytes:
        """Return the form of one unit as an .xlsx file."""
        figures = {
            self._previous_cells[code]: figure
            for code, figure in order.previous.items()
            if code in self._previous_cells
        }
        for code, amount in order.targets.items():
            if code in self._target_cells:
                figures[self._target_cells[code]] = PreviousFigure(amount=amount)
        figures |= self._filled(order.gathered)
        words = {
            UNIT_PLACE: order.unit_name,
            PARENT_PLACE: order.parent_name or self._receiver,
            COVERAGE_PLACE: order.gathered.coverage if order.gathered else "",
            INSTANT_PLACE: order.gathered.as_of if order.gathered else "",
        }
        packed = io.BytesIO()
        packed.write(self._base)
        with zipfile.ZipFile(packed, "a") as archive:
            for sheet in self._sheets:
                _add(archive, sheet.member, sheet.filled(words, figures))
            _add(archive, STAMP_MEMBER, _stamp_sheet((order.unit_code, *self._form, order.token)))
        return packed.getvalue()

    def _filled(self, gathered: GatheredFigures | None) -> dict[str, PreviousFigure]:
        """Return by address what children have reported: in the cell to fill, beside it, and if it is estimated."""
        figures: dict[str, PreviousFigure] = {}
        for code, amount in gathered.amounts.items() if gathered else ():
            if gathered is None or code not in self._gathered_cells:
                continue
            value, beside, mark = self._gathered_cells[code]
            figures[value] = figures[beside] = PreviousFigure(amount=amount)
            if code in gathered.estimates:
                figures[mark] = PreviousFigure(text=self._estimate)
        return figures


def _gathered_cells(spec: FormSpec, parts: FormParts) -> dict[str, tuple[str, str, str]]:
    column = spec.column_of_gathered(has_targets=parts.has_targets)
    return {
        item.code: (spec.value_cell(item), f"{column}{item.row}", f"{spec.estimate_column}{item.row}")
        for item in spec.fields
    }


def _form_of(cycle_code: str, spec: FormSpec) -> tuple[str, str, str]:
    return cycle_code, spec.code, spec.version


def _readable(xml: bytes) -> str:
    """Return a sheet with its letters as letters: openpyxl writes each Vietnamese one as a number of seven signs."""
    return _REFERENCE.sub(lambda match: chr(int(match[1])), xml.decode())


def _cut(member: str, xml: str, wanted: AbstractSet[str]) -> _Sheet:
    """Cut a sheet at the cells that differ between units and wherever its text names the unit."""
    pieces, slots, end = [], [], 0
    for match in _PLACE.finditer(xml):
        if match["at"] and match["at"] not in wanted:
            continue
        pieces.append(xml[end : match.start()])
        slots.append(_Slot(match["at"] or "", match["style"] or "", match["said"] or ""))
        end = match.end()
    return _Sheet(member, (*pieces, xml[end:]), tuple(slots))


def _cell(slot: _Slot, figure: PreviousFigure | None) -> str:
    if figure is None or (figure.amount is None and not figure.text):
        return f'<c r="{slot.at}"{slot.style}/>'
    if figure.amount is not None:
        return f'<c r="{slot.at}"{slot.style}><v>{figure.amount}</v></c>'
    return _text_cell(slot.at, slot.style, _escaped(figure.text or ""))


def _text_cell(at: str, style: str, escaped: str) -> str:
    return f'<c r="{at}"{style} t="inlineStr"><is><t xml:space="preserve">{escaped}</t></is></c>'


def _escaped(text: str) -> str:
    return escape(_FORBIDDEN.sub("", text))


def _stamp_sheet(values: Sequence[str]) -> bytes:
    rows = [(STAMP_MARK, "1"), *zip(STAMP_KEYS, values, strict=True)]
    cells = "".join(
        f'<row r="{n}">{_text_cell(f"A{n}", "", key)}{_text_cell(f"B{n}", "", _escaped(value))}</row>'
        for n, (key, value) in enumerate(rows, start=1)
    )
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{namespace}">'
        f'<sheetData>{cells}</sheetData><sheetProtection sheet="1"/></worksheet>'
    ).encode()


def _packed(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            _add(archive, name, content)
    return packed.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, PACKED_ON)
    info.external_attr = 0o600 << 16
    archive.writestr(info, content, zipfile.ZIP_DEFLATED, COMPRESSION_LEVEL)
