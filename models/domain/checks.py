"""Understands a filled form and finds every fault at once; it is given cells and past figures, and reads no file.

A finding names the cell as it is in the sender's own file: rows are found by the code in the first column, so that
inserted rows and renamed sheets do no harm.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from models.domain.forms import (
    CheckedForm,
    FieldSpec,
    Figure,
    Finding,
    FormSpec,
    FormWords,
    NarrativeSpec,
    RawForm,
    finding,
)
from models.domain.reading import Trouble, grouped, is_blank, read_amount, read_answer, read_text, shown
from models.domain.tiers import Gathered
from models.domain.vietnamese import comparison_key
from models.domain.vocabulary import Accrual, FieldKind, FindingLevel

LANDMARK_COLUMN: Final = "A"
MAX_CODE_LENGTH: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One sheet of the sender's file, found again: its name there, and the row of each code (the first of several)."""

    sheet: str
    rows: Mapping[str, int]
    repeated: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFigures:
    """What is known of the unit from elsewhere, by field code: what it reported before, and what its children have."""

    previous: Mapping[str, int] = field(default_factory=dict)
    """The last cycle: an unexplained jump from it is a question."""
    earlier_this_year: Mapping[str, int] = field(default_factory=dict)
    """An earlier cycle of the same year whose period lies within this one: what flows cannot become less."""
    children: Gathered | None = None
    """What the unit's figures must hold, where they include its children's; less is a question."""


_Landmarks = Mapping[str, Mapping[str, Sequence[int]]]
"""What stands in the first column: by sheet, and by the key under which texts are compared, its rows."""


@dataclass(slots=True, kw_only=True)
class _Entry:
    """What one row gave: its figure, if it could be read, and where its value stands."""

    spec: FieldSpec
    sheet: str
    cell: str
    figure: Figure | None = None
    findings: tuple[Finding, ...] = ()


def identify(raw: RawForm, spec: FormSpec, *, cycle_code: str, cycle_titles: Mapping[str, str]) -> tuple[Finding, ...]:
    """Say whether a workbook is this form, of this cycle and version; findings are empty when it is.

    `cycle_titles` gives the Vietnamese for the cycles we know. A form that lost its stamp but kept its rows passes
    with a note: who sent it, and for what, must then be known in another way.
    """
    stamp = raw.stamp
    if stamp is None:
        if locate(raw, spec.figures_sheet, spec.landmarks) is None:
            return (finding("not_our_form", title=spec.title),)
        return (finding("stamp_missing", level=FindingLevel.NOTE),)
    if stamp.form_code != spec.code:
        return (finding("not_our_form", title=spec.title),)
    if stamp.cycle_code != cycle_code:
        theirs = cycle_titles.get(stamp.cycle_code, stamp.cycle_code)
        return (finding("other_cycle", cycle=theirs, expected=cycle_titles.get(cycle_code, cycle_code)),)
    if stamp.form_version != spec.version:
        return (finding("old_version", version=stamp.form_version, expected=spec.version),)
    return ()


def not_asked_for(raw: RawForm, *, cycle_title: str, cycle_titles: Mapping[str, str]) -> Finding:
    """Return the finding about a form that answers a cycle which asks for none."""
    theirs = raw.stamp.cycle_code if raw.stamp is not None else ""
    return finding("other_cycle", cycle=cycle_titles.get(theirs, theirs), expected=cycle_title)


def check_form(spec: FormSpec, raw: RawForm, *, words: FormWords, past: PastFigures | None = None) -> CheckedForm:
    """Return the figures and narratives of a filled form with every finding, in the order of its sheets and rows."""
    landmarks = _landmarks(raw)
    figures, figure_findings = _check_figures(spec, raw, words, past=past or PastFigures(), landmarks=landmarks)
    narratives, narrative_findings = _check_narratives(spec, raw, landmarks)
    findings = [*_converted_fonts(raw), *figure_findings, *narrative_findings]
    return CheckedForm(figures=figures, narratives=narratives, findings=in_order(findings, raw.sheets))


def in_order(findings: list[Finding], sheets: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return findings as a reader goes through the file: of the whole file first, then by sheet, row and column."""
    places = {sheet: n for n, sheet in enumerate(sheets)}

    def place(item: Finding) -> tuple[int, int, str]:
        column, row = _column_and_row(item.cell)
        return places.get(item.sheet, len(places)) if item.sheet else -1, row, column

    return tuple(sorted(findings, key=place))


def locate(raw: RawForm, sheet: str, codes: tuple[str, ...]) -> Located | None:
    """Find the sheet that holds the codes in its first column: the named one, else the one that holds most of them."""
    return _located(_landmarks(raw), sheet, codes)


def _landmarks(raw: RawForm) -> _Landmarks:
    """Return what stands in the first column of each sheet; a long text is no code, and is left out."""
    landmarks: dict[str, dict[str, list[int]]] = {}
    for (sheet, address), value in raw.cells.items():
        if address[0] == LANDMARK_COLUMN and address[1:].isdigit() and (key := _code_key(value)):
            landmarks.setdefault(sheet, {}).setdefault(key, []).append(int(address[1:]))
    return landmarks


def _located(landmarks: _Landmarks, sheet: str, codes: tuple[str, ...]) -> Located | None:
    wanted = _by_key(codes)
    n_found = {name: len(wanted.keys() & keys.keys()) for name, keys in landmarks.items()}
    name = max(n_found, key=lambda each: (n_found[each], comparison_key(each) == comparison_key(sheet)), default=None)
    if name is None or not n_found[name]:
        return None
    rows = {wanted[key]: sorted(places) for key, places in landmarks[name].items() if key in wanted}
    return Located(
        sheet=name,
        rows={code: places[0] for code, places in rows.items()},
        repeated=tuple((code, row) for code, places in rows.items() for row in places[1:]),
    )


@lru_cache(maxsize=64)
def _by_key(codes: tuple[str, ...]) -> dict[str, str]:
    return {comparison_key(code): code for code in codes}


def _code_key(value: object) -> str:
    """Return what a first cell is compared by; a long text is no code, and is left alone."""
    text = value if isinstance(value, str) else shown(value)
    return comparison_key(text) if len(text) <= MAX_CODE_LENGTH else ""


@lru_cache(maxsize=16_384)
def _column_and_row(address: str) -> tuple[str, int]:
    column = address.rstrip("0123456789")
    return column, int(address[len(column) :] or 0)


def _converted_fonts(raw: RawForm) -> Iterator[Finding]:
    for sheet in sorted({sheet for sheet, _ in raw.legacy_fonts}):
        n_cells = sum(1 for name, _ in raw.legacy_fonts if name == sheet)
        yield finding("legacy_font", level=FindingLevel.NOTE, sheet=sheet, n_cells=n_cells)


def _check_figures(
    spec: FormSpec, raw: RawForm, words: FormWords, *, past: PastFigures, landmarks: _Landmarks
) -> tuple[tuple[Figure, ...], list[Finding]]:
    located = _located(landmarks, spec.figures_sheet, spec.landmarks)
    if located is None:
        return (), [finding("sheet_missing", sheet=spec.figures_sheet, name=spec.figures_sheet)]
    columns = _columns(spec, raw, words, located)
    if columns.value is None:
        name = words.headings["value"]
        return (), [finding("column_missing", sheet=located.sheet, name=name, column=spec.value_column)]
    reader = _RowReader(spec, raw, words, located, columns)
    entries = {item.code: reader.entry(item) for item in spec.fields if item.code in located.rows}
    findings = [
        *_structure_findings(spec, located),
        *_moved_columns(spec, located, columns),
        *(item for entry in entries.values() for item in entry.findings),
        *(item for entry in entries.values() for item in _rule_findings(spec, entry, entries, past)),
    ]
    return tuple(entry.figure for entry in entries.values() if entry.figure is not None), findings


def _structure_findings(spec: FormSpec, located: Located) -> Iterator[Finding]:
    for item in spec.fields:
        if item.code not in located.rows:
            yield finding("row_missing", sheet=located.sheet, field=item.code, label=item.label)
    for code, row in located.repeated:
        yield finding(
            "row_repeated", sheet=located.sheet, cell=f"{LANDMARK_COLUMN}{row}", field=code, row=located.rows[code]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where the columns of figures stand in the sender's file; None when a heading is not there any more."""

    value: str | None
    estimate: str | None
    note: str | None


def _columns(spec: FormSpec, raw: RawForm, words: FormWords, located: Located) -> _Columns:
    """Find the columns by their headings, for a column that was put in or taken out moves all the others.

    A file without any of the headings is read as the form is laid out.
    """
    own = {"value": spec.value_column, "estimate": spec.estimate_column, "note": spec.note_column}
    wanted = {comparison_key(heading): name for name, heading in words.headings.items()}
    last = min(located.rows.values())
    found: dict[str, str] = {}
    for (sheet, address), value in raw.cells.items():
        if sheet == located.sheet and isinstance(value, str) and len(value) <= MAX_CODE_LENGTH:
            column, row = _column_and_row(address)
            name = wanted.get(comparison_key(value)) if row < last else None
            if name is not None:
                found.setdefault(name, column)
    return _Columns(**{name: found.get(name) if found else own[name] for name in own})


def _moved_columns(spec: FormSpec, located: Located, columns: _Columns) -> Iterator[Finding]:
    if columns.value is not None and columns.value != spec.value_column:
        facts: dict[str, Any] = {"column": columns.value, "expected": spec.value_column}
        yield finding("columns_moved", level=FindingLevel.NOTE, sheet=located.sheet, **facts)


class _RowReader:
    """Reads the cells of one row of the figures' sheet, wherever the sender's file has it."""

    def __init__(self, spec: FormSpec, raw: RawForm, words: FormWords, located: Located, columns: _Columns) -> None:
        self._spec = spec
        self._raw = raw
        self._words = words
        self._located = located
        self._columns = columns

    def entry(self, item: FieldSpec) -> _Entry:
        """Return what the row of a field gives."""
        row = self._located.rows[item.code]
        entry = _Entry(spec=item, sheet=self._located.sheet, cell=f"{self._columns.value}{row}")
        note = read_text(self._at(self._columns.note, row))[0]
        is_estimate = self._is_estimate(item, row)
        if isinstance(is_estimate, Finding):
            entry.findings += (is_estimate,)
        given = self._value(entry, has_note=bool(note))
        if isinstance(given, Finding):
            entry.findings += (given,)
            return entry
        amount, text = (given, None) if isinstance(given, int) else (None, given)
        entry.figure = Figure(field=item.code, amount=amount, text=text, is_estimate=is_estimate is True, note=note)
        return entry

    def _at(self, column: str | None, row: int) -> object:
        return self._raw.cells.get((self._located.sheet, f"{column}{row}"))

    def _is_estimate(self, item: FieldSpec, row: int) -> bool | Finding:
        cell = f"{self._columns.estimate}{row}"
        value = self._raw.cells.get((self._located.sheet, cell))
        if is_blank(value):
            return False
        mark = read_answer(value, (self._words.actual, self._words.estimate))
        if mark is None:
            facts: dict[str, Any] = {"actual": self._words.actual, "estimate": self._words.estimate}
            return _of_field(
                "bad_estimate_mark", item, sheet=self._located.sheet, cell=cell, value=shown(value), **facts
            )
        return mark == self._words.estimate

    def _value(self, entry: _Entry, *, has_note: bool) -> int | str | Finding | None:
        value = self._raw.cells.get((entry.sheet, entry.cell))
        if (entry.sheet, entry.cell) in self._raw.uncalculated:
            return _at_value(entry, "uncalculated")
        if is_blank(value):
            explained = has_note or entry.spec.kind is FieldKind.TEXT
            return None if explained else _at_value(entry, "blank_without_note")
        match entry.spec.kind:
            case FieldKind.COUNT | FieldKind.MONEY:
                amount = read_amount(value, measure=entry.spec.unit_of_measure, words=self._words)
                return _at_value(entry, amount.value, value=shown(value)) if isinstance(amount, Trouble) else amount
            case FieldKind.CHOICE | FieldKind.YES_NO:
                answers = self._words.answers(entry.spec)
                answer = read_answer(value, answers)
                choices = ", ".join(answers)
                return answer or _at_value(entry, "not_in_list", value=shown(value), choices=choices)
            case FieldKind.TEXT:
                return read_text(value)[0]


def _rule_findings(
    spec: FormSpec, entry: _Entry, entries: Mapping[str, _Entry], past: PastFigures
) -> Iterator[Finding]:
    figure = entry.figure
    if figure is None or figure.amount is None:
        return
    if entry.spec.denominator is not None:
        yield from _against_whole(entry, figure.amount, entries)
    if entry.spec.at_most is not None:
        yield from _against_ceiling(entry, figure, entries)
    if past.children is not None:
        yield from _against_children(entry, figure, past.children)
    if past.previous or past.earlier_this_year:
        yield from _against_past(spec, entry, figure, past)


def _against_whole(entry: _Entry, amount: int, entries: Mapping[str, _Entry]) -> Iterator[Finding]:
    whole = _amount(entries, entry.spec.denominator)
    if whole is not None and amount > whole:
        other = entries[entry.spec.denominator or ""]
        facts: dict[str, Any] = {"whole_label": other.spec.label, "whole_cell": other.cell}
        yield _at_value(entry, "exceeds_whole", value=grouped(amount), whole=grouped(whole), **facts)


def _against_ceiling(entry: _Entry, figure: Figure, entries: Mapping[str, _Entry]) -> Iterator[Finding]:
    ceiling = _amount(entries, entry.spec.at_most)
    if ceiling is None or figure.amount is None or figure.amount <= ceiling or figure.note:
        return
    other = entries[entry.spec.at_most or ""]
    facts: dict[str, Any] = {"ceiling_label": other.spec.label, "ceiling_cell": other.cell}
    facts |= {"value": grouped(figure.amount), "ceiling": grouped(ceiling)}
    yield _at_value(entry, "more_than_expected", level=FindingLevel.QUESTION, **facts)


def _against_children(entry: _Entry, figure: Figure, children: Gathered) -> Iterator[Finding]:
    theirs = children.amounts.get(figure.field)
    if theirs is None or figure.amount is None or figure.amount >= theirs or figure.note:
        return
    facts: dict[str, Any] = {"children": grouped(theirs), "n": children.n_reported, "total": children.n_expected}
    yield _at_value(entry, "less_than_children", level=FindingLevel.QUESTION, value=grouped(figure.amount), **facts)


def _against_past(spec: FormSpec, entry: _Entry, figure: Figure, past: PastFigures) -> Iterator[Finding]:
    if figure.amount is None or figure.note:
        return
    earlier = past.earlier_this_year.get(figure.field)
    if earlier is not None and entry.spec.accrual is Accrual.FLOW and figure.amount < earlier:
        yield _at_value(entry, "less_than_earlier", value=grouped(figure.amount), earlier=grouped(earlier))
        return
    previous = past.previous.get(figure.field)
    if previous and _is_jump(figure.amount, previous, spec.n_times_jump):
        facts: dict[str, Any] = {"previous": grouped(previous), "n_times": spec.n_times_jump}
        yield _at_value(entry, "jump", level=FindingLevel.QUESTION, value=grouped(figure.amount), **facts)


def _is_jump(amount: int, previous: int, n_times: int) -> bool:
    return amount > previous * n_times or amount * n_times < previous


def _amount(entries: Mapping[str, _Entry], code: str | None) -> int | None:
    entry = entries.get(code) if code is not None else None
    return entry.figure.amount if entry is not None and entry.figure is not None else None


def _check_narratives(spec: FormSpec, raw: RawForm, landmarks: _Landmarks) -> tuple[dict[str, str], list[Finding]]:
    if not spec.narratives:
        return {}, []
    located = _located(landmarks, spec.narratives_sheet, tuple(item.code for item in spec.narratives))
    if located is None:
        return {}, [finding("sheet_missing", sheet=spec.narratives_sheet, name=spec.narratives_sheet)]
    narratives: dict[str, str] = {}
    findings: list[Finding] = []
    for item in spec.narratives:
        text, item_findings = _read_narrative(spec, raw, item, located)
        findings.extend(item_findings)
        if text:
            narratives[item.code] = text
    return narratives, findings


def _read_narrative(spec: FormSpec, raw: RawForm, item: NarrativeSpec, located: Located) -> tuple[str, list[Finding]]:
    row = located.rows.get(item.code)
    if row is None:
        return "", [finding("row_missing", sheet=located.sheet, field=item.code, label=item.title)]
    cell = f"{spec.narrative_column}{row}"
    text, was_cleaned, was_cut = read_text(raw.cells.get((located.sheet, cell)))
    if (located.sheet, cell) in raw.uncalculated:
        return "", [finding("narrative_uncalculated", sheet=located.sheet, cell=cell, label=item.title)]
    faults = [
        (code, level)
        for code, level, is_so in (
            ("narrative_blank", FindingLevel.QUESTION, item.is_required and not text),
            ("text_cleaned", FindingLevel.NOTE, was_cleaned),
            ("text_cut", FindingLevel.NOTE, was_cut),
        )
        if is_so
    ]
    return text, [
        finding(code, level=level, sheet=located.sheet, cell=cell, label=item.title) for code, level in faults
    ]


def _at_value(entry: _Entry, code: str, *, level: FindingLevel = FindingLevel.BLOCKING, **facts: object) -> Finding:
    return _of_field(code, entry.spec, sheet=entry.sheet, cell=entry.cell, level=level, **facts)


def _of_field(
    code: str, spec: FieldSpec, *, sheet: str, cell: str, level: FindingLevel = FindingLevel.BLOCKING, **facts: object
) -> Finding:
    own = {"field": spec.code, "label": spec.label, "measure": spec.unit_of_measure}
    return finding(code, level=level, sheet=sheet, cell=cell, **own, **facts)
