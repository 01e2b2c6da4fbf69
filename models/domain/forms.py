"""A form as data, and the findings of a filled one: every fault at once, each with its sheet and cell.

A finding carries a code and its facts; the sentence that the unit reads is in `templates/messages/forms.vi.yaml`, which
also gives the form's own instructions, so that the two never disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.domain.vocabulary import Accrual, Aggregation, FieldKind, FindingLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One cell that a unit fills: what it holds, and how the figures of units become one."""

    code: str
    """Code within the form, such as `CT07.kdc_xong`; an indicator with one cell has its own code."""
    indicator: str
    label: str
    unit_of_measure: str
    kind: FieldKind
    accrual: Accrual
    aggregation: Aggregation
    row: int
    denominator: str | None = None
    """Code of the field that this one may not exceed and is a share of."""
    at_most: str | None = None
    """Code of the field that this one should not exceed; more is a question, not a fault."""
    choices: tuple[str, ...] = ()
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrativeSpec:
    """One section of text that a unit writes."""

    code: str
    title: str
    row: int
    is_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSpec:
    """The layout of a form. Rows are 1-based; columns are letters. One sheet of figures, one of narratives."""

    code: str
    version: str
    title: str
    figures_sheet: str
    narratives_sheet: str
    first_row: int
    fields: tuple[FieldSpec, ...]
    narratives: tuple[NarrativeSpec, ...]
    label_column: str = "B"
    measure_column: str = "C"
    previous_column: str = "D"
    value_column: str = "E"
    estimate_column: str = "F"
    note_column: str = "G"
    target_column: str = "H"
    """Shows the annual plan's targets, on forms of units that have some; whatever comes back in it is not read."""
    narrative_column: str = "C"
    gathered_column: str = "I"
    """Shows what children have reported, on forms that are filled from below; without targets it is where they are."""
    n_times_jump: int = 3
    """A figure more than this many times the last one, or less than its share, asks for a note."""
    includes_children: bool = False
    """Whether a parent's figures include its children's; both are never summed."""
    _by_code: Mapping[str, FieldSpec] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the fields by code."""
        object.__setattr__(self, "_by_code", {spec.code: spec for spec in self.fields})

    def field(self, code: str) -> FieldSpec:
        """Return the field of that code."""
        return self._by_code[code]

    def column_of_gathered(self, *, has_targets: bool) -> str:
        """Return the column of the children's sums, on a form with targets or without: none is left blank between."""
        return self.gathered_column if has_targets else self.target_column

    def value_cell(self, spec: FieldSpec) -> str:
        """Return the address of the cell that holds a field's value, such as `E12`."""
        return f"{self.value_column}{spec.row}"

    @property
    def landmarks(self) -> tuple[str, ...]:
        """The codes that stand in the first column of the figures' sheet, by which rows are found again."""
        return tuple(self._by_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormWords:
    """The words of a form's own cells that a program must know; they come from the templates, as a unit reads them."""

    yes: str
    no: str
    actual: str
    estimate: str
    headings: Mapping[str, str] = field(default_factory=dict)
    """What stands above the columns of figures: by `value`, `estimate` and `note`, so that moved columns are found."""
    multipliers: tuple[str, ...] = ()
    """Words that would multiply a number, such as the Vietnamese for million: they are asked back, never computed."""

    def answers(self, spec: FieldSpec) -> tuple[str, ...]:
        """Return what may be chosen in a field of fixed answers, as it is stored and counted."""
        return spec.choices or ((self.yes, self.no) if spec.kind is FieldKind.YES_NO else ())


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What the hidden sheet of a form says of it; the token proves that the form came from us."""

    unit_code: str
    cycle_code: str
    form_code: str
    form_version: str
    token: str


@dataclass(frozen=True, kw_only=True)
class RawForm:
    """A workbook as it was read, before it is understood. Sheet names and text are NFC; cells are keyed by address."""

    stamp: Stamp | None
    sheets: tuple[str, ...]
    cells: Mapping[tuple[str, str], object]
    """(sheet, address) -> value; blank cells are left out."""
    uncalculated: frozenset[tuple[str, str]] = frozenset()
    """Cells that hold a formula without a cached value, or an error such as #REF!."""
    legacy_fonts: frozenset[tuple[str, str]] = frozenset()
    """Cells whose text was in a TCVN3 font and has been converted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault, question or note about a submission. `sheet` and `cell` are empty when it is of the whole file."""

    code: str
    level: FindingLevel
    sheet: str = ""
    cell: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def is_blocking(self) -> bool:
        """Say whether the submission is incomplete because of it."""
        return self.level is FindingLevel.BLOCKING


def finding(
    code: str, *, level: FindingLevel = FindingLevel.BLOCKING, sheet: str = "", cell: str = "", **facts: object
) -> Finding:
    """Return a finding with its facts as text, in the order they were given."""
    return Finding(code=code, level=level, sheet=sheet, cell=cell, facts=tuple((k, str(v)) for k, v in facts.items()))


def note(code: str, **facts: object) -> Finding:
    """Return a finding that asks nothing of the unit: the reason of an outcome, or something worth knowing."""
    return Finding(code=code, level=FindingLevel.NOTE, facts=tuple((k, str(v)) for k, v in facts.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What a unit reported in one field: a whole amount (đồng for money) or a text, and whether it is an estimate."""

    field: str
    amount: int | None = None
    text: str | None = None
    is_estimate: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedForm:
    """A form that was understood: its figures, narratives and every finding."""

    figures: tuple[Figure, ...]
    narratives: Mapping[str, str]
    findings: tuple[Finding, ...]

    @property
    def has_blocking(self) -> bool:
        """Say whether any finding makes the submission incomplete."""
        return any(item.is_blocking for item in self.findings)
