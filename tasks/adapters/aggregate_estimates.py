"""The page of an aggregate that holds estimates against the actual figures that took their place."""

from collections.abc import Mapping, Sequence
from typing import Final

from models.domain.estimates import EstimateLine
from models.domain.forms import FormSpec
from tasks.adapters.aggregate_pages import Book, Column, Look, Page

_COLUMNS: Final = (
    Column("number", Look.NUMBER, 6),
    Column("unit", Look.TEXT, 36),
    Column("code", Look.TEXT, 14),
    Column("indicator", Look.TEXT, 44),
    Column("estimated", Look.NUMBER, 17),
    Column("actual", Look.NUMBER, 17),
    Column("difference", Look.NUMBER, 17),
    Column("miss", Look.TEXT, 22),
)


def add_estimates(book: Book, lines: Sequence[EstimateLine], form: FormSpec, names: Mapping[str, str]) -> None:
    """Add the page: one row for each figure that was ever an estimate."""
    page = Page(book, "estimates", _COLUMNS, n_frozen=2)
    for n, line in enumerate(lines, start=1):
        spec = form.field(line.field)
        verdict = "still_estimated" if line.actual is None else "big_miss" if line.is_big_miss else ""
        said = book.say(verdict) if verdict else ""
        told = [line.estimate, line.actual, line.difference, said]
        page.row([n, names.get(line.unit_code, line.unit_code), spec.code, spec.label, *told])
    page.close()
