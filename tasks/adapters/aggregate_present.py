"""The page of an aggregate that shows a cycle by the units as they are now, after a reorganisation."""

from collections.abc import Sequence
from typing import Final

from models.domain.forms import FieldSpec
from models.domain.present_basis import Amounts, PresentBasis
from models.domain.vocabulary import Aggregation, FieldKind
from tasks.adapters.aggregate_pages import Book, Column, Look, OutOf, Page

_FIXED: Final = (
    Column("number", Look.NUMBER, 6),
    Column("present_unit", Look.TEXT, 36),
    Column("sources", Look.TEXT, 60),
    Column("coverage", Look.COVERAGE, 10),
)


def add_present_units(book: Book, basis: PresentBasis, fields: Sequence[FieldSpec]) -> None:
    """Add the page: a row for each unit of now, then those whose figures belong to none, then the sum of both."""
    summed = [n for n, spec in enumerate(fields) if spec.aggregation is Aggregation.SUM]
    columns = (*_FIXED, *(_field(fields[n]) for n in summed))
    page = Page(book, "present", columns, n_frozen=2, fit=False)
    for number, unit in enumerate(basis.units, start=1):
        whole = OutOf(unit.n_reported, len(unit.sources))
        page.row([number, unit.name, "; ".join(unit.sources), whole, *_shown(unit.amounts, summed)])
    for number, lost in enumerate(basis.lost, start=len(basis.units) + 1):
        shown = _shown(lost.amounts, summed)
        page.row([number, lost.name, book.texts.label(lost.why), OutOf(lost.n_reported, 1), *shown])
    n_units = sum(len(unit.sources) for unit in basis.units) + len(basis.lost)
    n_reported = sum(row.n_reported for row in basis.rows)
    totals = [sum(row.amounts[n] or 0 for row in basis.rows) for n in summed]
    page.row([None, book.say("present_total"), None, OutOf(n_reported, n_units), *totals], bold=True)
    page.close(is_filtered=False)


def _field(spec: FieldSpec) -> Column:
    width = 18 if spec.kind is FieldKind.MONEY else 14
    return Column(f"{spec.code}\n{spec.label} ({spec.unit_of_measure})", Look.NUMBER, width, is_said=True)


def _shown(amounts: Amounts, columns: Sequence[int]) -> list[int | None]:
    return [amounts[n] for n in columns]
