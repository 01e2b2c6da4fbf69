"""What a file of `forms/` may say, and how it becomes a form: rows are counted from the order, never typed by hand."""

from typing import Annotated, Self

from annotated_types import Ge, Le, Len
from pydantic import model_validator

from models.domain.forms import FieldSpec, FormSpec, NarrativeSpec
from models.domain.vocabulary import Accrual, Aggregation, FieldKind
from tasks.adapters.programme.written import Code, SheetName, Words, Written, fault, known, one_of
from tasks.adapters.texts import vietnamese

FieldCode = Annotated[Code, known("fields")]
NUMBERS = (FieldKind.COUNT, FieldKind.MONEY)


class FieldWritten(Written):
    """One cell to be filled. The part of its code before the dot is the indicator it belongs to."""

    code: Code
    title: Words
    measure: Words
    kind: Annotated[FieldKind, *one_of(FieldKind)]
    accrual: Annotated[Accrual, *one_of(Accrual)]
    aggregation: Annotated[Aggregation, *one_of(Aggregation)]
    clause: str = ""
    denominator: FieldCode | None = None
    at_most: FieldCode | None = None
    choices: Annotated[tuple[Words, ...], Len(0, 50)] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        """Refuse a list without choices, a sum of words, and a field measured by itself."""
        if (self.kind is FieldKind.CHOICE) != bool(self.choices):
            raise fault("choices_amiss", found=self.code)
        if self.aggregation is Aggregation.SUM and self.kind not in NUMBERS:
            raise fault("sum_of_words", found=self.code)
        if self.code in (self.denominator, self.at_most):
            raise fault("measured_by_itself", found=self.code)
        return self

    def to_domain(self, row: int) -> FieldSpec:
        """Return the field in its row."""
        return FieldSpec(
            code=self.code,
            indicator=self.code.partition(".")[0],
            label=self.title,
            unit_of_measure=self.measure,
            kind=self.kind,
            accrual=self.accrual,
            aggregation=self.aggregation,
            row=row,
            denominator=self.denominator,
            at_most=self.at_most,
            choices=self.choices,
            clause=self.clause,
        )


class NarrativeWritten(Written):
    """One section of text."""

    code: Code
    title: Words
    is_required: bool = True

    def to_domain(self, row: int) -> NarrativeSpec:
        """Return the section in its row."""
        return NarrativeSpec(
            code=self.code,
            title=self.title,
            row=row,
            is_required=self.is_required,
        )


class FormWritten(Written):
    """The whole of a form's file."""

    code: Code
    version: Words
    title: Words
    figures_sheet: SheetName
    narratives_sheet: SheetName
    first_row: Annotated[int, Ge(2), Le(100)]
    n_times_jump: Annotated[int, Ge(2), Le(1000)] = 3
    includes_children: bool = False
    fields: Annotated[list[FieldWritten], Len(1, 500)]
    narratives: Annotated[tuple[NarrativeWritten, ...], Len(0, 100)] = ()

    @model_validator(mode="after")
    def _has_two_sheets(self) -> Self:
        """Refuse one sheet for both, and one that is called like the guide, which is left unread when a form comes."""
        figures, narratives = self.figures_sheet.casefold(), self.narratives_sheet.casefold()
        if figures == narratives:
            raise fault("sheets_alike", found=self.figures_sheet)
        guide = vietnamese().say("form.sheet.guide")
        if guide.casefold() in {figures, narratives}:
            raise fault("sheet_like_guide", found=guide)
        return self

    def to_domain(self) -> FormSpec:
        """Return the form with its rows counted from `first_row` on both sheets."""
        return FormSpec(
            code=self.code,
            version=self.version,
            title=self.title,
            figures_sheet=self.figures_sheet,
            narratives_sheet=self.narratives_sheet,
            first_row=self.first_row,
            fields=tuple(f.to_domain(row) for row, f in enumerate(self.fields, self.first_row)),
            narratives=tuple(n.to_domain(row) for row, n in enumerate(self.narratives, self.first_row)),
            n_times_jump=self.n_times_jump,
            includes_children=self.includes_children,
        )
