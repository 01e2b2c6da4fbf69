"""The cover of an aggregate, one page on paper: small tables, who is missing, and the native Excel charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.domain.coverage import Counts, Coverage, MissingUnit
from models.domain.tabulation import FieldSummary, Tabulation
from models.domain.vocabulary import Accrual, Aggregation, Timeliness
from tasks.adapters.aggregate_pages import Book, Column, Look, Page, Value

N_INDICATORS: Final = 12
"""More bars than this cannot be read."""
N_MISSING_NAMED: Final = 15
"""More names than this leave the cover; all of them have a page of their own."""
HATCHED: Final = {"held": "wide_upward_diagonal", "missing": "large_check"}
"""Parts of a bar that look alike on a black and white print unless they are hatched."""
GREEN, AMBER, RED, BLUE, GREY = "#2E7D32", "#F9A825", "#C62828", "#1565C0", "#9E9E9E"
_COLUMNS: Final = (
    Column("group", Look.TEXT, 46),
    Column("expected", Look.NUMBER, 15),
    Column("reported", Look.NUMBER, 15),
    Column("held", Look.NUMBER, 12),
    Column("waived", Look.NUMBER, 12),
    Column("missing", Look.NUMBER, 12),
)
_TIMELINESS_COLUMNS: Final = (Column("timeliness", Look.TEXT, 46), Column("n_units", Look.NUMBER, 15))
_MISSING_COLUMNS: Final = (Column("not_reported", Look.TEXT, 46), Column("days_late", Look.NUMBER, 15))
_INDICATOR_COLUMNS: Final = (
    Column("indicator", Look.TEXT, 46),
    Column("amount", Look.NUMBER, 15),
    Column("previous", Look.NUMBER, 15),
    Column("index", Look.NUMBER, 12),
)


@dataclass(frozen=True, slots=True)
class _Span:
    """Rows of a small table, 0-based, both included."""

    first: int
    last: int


def add_cover(
    book: Book,
    coverage: Coverage,
    tabulation: Tabulation,
    groups: Mapping[str, str],
    missing: Sequence[MissingUnit],
) -> None:
    """Add the cover: coverage by group, timeliness, who is missing, and the main indicators against the last cycle."""
    page = Page(book, "cover", _COLUMNS)
    name = page.sheet.get_name()
    by_group = _group_rows(page, coverage, groups)
    page.line("")
    timely = _timeliness_rows(page, book, coverage.whole)
    page.line("")
    _missing_rows(page, missing)
    page.line("")
    main = main_indicators(tabulation)
    indicators = _indicator_rows(page, main)
    if not main:
        page.line(book.say("chart.no_previous"))
    page.close(is_filtered=False)
    page.sheet.print_area(0, 0, max(page.next_row, 64), 22)
    page.sheet.fit_to_pages(1, 1)
    page.sheet.insert_chart(4, 7, _coverage_chart(book, name, by_group))
    page.sheet.insert_chart(4 + 20, 7, _timeliness_chart(book, name, timely))
    if main:
        page.sheet.insert_chart(4 + 40, 7, _indicator_chart(book, name, indicators))


def _missing_rows(page: Page, missing: Sequence[MissingUnit]) -> None:
    page.header(_MISSING_COLUMNS, height=20)
    for unit in missing[:N_MISSING_NAMED]:
        page.row([unit.row.unit_name, unit.row.days_late or None], looks=(Look.TEXT, Look.NUMBER))
    n_more = len(missing) - N_MISSING_NAMED
    if n_more > 0:
        page.line(page.book.say("cover.more_missing", n=n_more))
    if not missing:
        page.line(page.book.say("none_missing"))


def main_indicators(tabulation: Tabulation) -> tuple[FieldSummary, ...]:
    """Return the first flows of the form that can be held against the last cycle."""
    flows = [
        summary
        for summary in tabulation.fields
        if summary.spec.aggregation is Aggregation.SUM
        and summary.spec.accrual is Accrual.FLOW
        and summary.change_since(summary.previous) is not None
    ]
    return tuple(flows[:N_INDICATORS])


def _group_rows(page: Page, coverage: Coverage, groups: Mapping[str, str]) -> _Span:
    first = page.next_row
    for code, counts in coverage.by_group.items():
        page.row([groups.get(code, code), *_parts(counts)])
    last = page.next_row - 1
    page.row([page.book.say("column.whole"), *_parts(coverage.whole)], bold=True)
    return _Span(first, last)


def _parts(counts: Counts) -> list[Value]:
    return [counts.n_expected, counts.n_reported, counts.n_held, counts.n_waived, counts.n_missing]


def _timeliness_rows(page: Page, book: Book, counts: Counts) -> _Span:
    page.header(_TIMELINESS_COLUMNS, height=20)
    first = page.next_row
    answered = counts.n_on_time + counts.n_in_grace + counts.n_late
    parts = {
        book.texts.label(Timeliness.ON_TIME): counts.n_on_time,
        book.texts.label(Timeliness.IN_GRACE): counts.n_in_grace,
        book.texts.label(Timeliness.LATE): counts.n_late,
        book.say("column.waived"): counts.n_waived,
        # Those that have answered in full but wait for us are under their timeliness; the rest of the held are here.
        book.say("column.held"): counts.n_expected - answered - counts.n_waived - counts.n_missing,
        book.say("column.missing"): counts.n_missing,
    }
    for label, n_units in parts.items():
        page.row([label, n_units], looks=(Look.TEXT, Look.NUMBER))
    return _Span(first, page.next_row - 1)


def _indicator_rows(page: Page, main: Sequence[FieldSummary]) -> _Span:
    page.header(_INDICATOR_COLUMNS, height=20)
    first = page.next_row
    for summary in main:
        past = summary.previous.amount if summary.previous else None
        index = round(100 * (1 + (summary.change_since(summary.previous) or 0)), 1)
        looks = (Look.TEXT, Look.NUMBER, Look.NUMBER, Look.NUMBER)
        page.row([summary.spec.label, summary.whole.amount, past, index], looks=looks)
    return _Span(first, page.next_row - 1)


def _coverage_chart(book: Book, name: str, rows: _Span) -> Any:
    chart = book.workbook.add_chart({"type": "bar", "subtype": "stacked"})
    for column, colour in ((2, GREEN), (3, BLUE), (4, GREY), (5, RED)):
        part = _COLUMNS[column].header
        chart.add_series(
            {
                "name": book.say(f"column.{part}"),
                "categories": [name, rows.first, 0, rows.last, 0],
                "values": [name, rows.first, column, rows.last, column],
                "border": {"color": "black", "width": 0.5},
                "gap": 60,
            }
            | _filled(part, colour)
        )
    chart.set_y_axis({"reverse": True, "num_font": CHART_FONT})
    chart.set_x_axis({"name": book.say("chart.units_axis"), "name_font": CHART_FONT, "num_font": CHART_FONT, "min": 0})
    return framed(chart, book.say("chart.coverage"))


def _filled(part: str, colour: str) -> dict[str, object]:
    """Return the fill of a part of a bar, hatched where its grey would be that of another part."""
    if part in HATCHED:
        return {"pattern": {"pattern": HATCHED[part], "fg_color": colour, "bg_color": "white"}}
    return {"fill": {"color": colour}}


def _timeliness_chart(book: Book, name: str, rows: _Span) -> Any:
    chart = book.workbook.add_chart({"type": "column"})
    chart.add_series(
        {
            "name": book.say("column.n_units"),
            "categories": [name, rows.first, 0, rows.last, 0],
            "values": [name, rows.first, 1, rows.last, 1],
            "points": [{"fill": {"color": colour}} for colour in (GREEN, "#81C784", AMBER, GREY, BLUE, RED)],
            "data_labels": {"value": True, "font": CHART_FONT},
            "gap": 60,
        }
    )
    chart.set_x_axis({"num_font": CHART_FONT})
    chart.set_y_axis({"name": book.say("chart.units_axis"), "name_font": CHART_FONT, "num_font": CHART_FONT, "min": 0})
    framed(chart, book.say("chart.timeliness")).set_legend({"none": True})
    return chart


def _indicator_chart(book: Book, name: str, rows: _Span) -> Any:
    chart = book.workbook.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": book.say("column.index"),
            "categories": [name, rows.first, 0, rows.last, 0],
            "values": [name, rows.first, 3, rows.last, 3],
            "fill": {"color": BLUE},
            "data_labels": {"value": True, "font": CHART_FONT},
            "gap": 50,
        }
    )
    chart.set_y_axis({"reverse": True, "num_font": CHART_FONT})
    chart.set_x_axis({"num_font": CHART_FONT, "min": 0})
    framed(chart, book.say("chart.indicators")).set_legend({"none": True})
    return chart


def framed(chart: Any, title: str) -> Any:
    """Return a chart with its title, its legend beneath, and the size that all charts have."""
    chart.set_title({"name": title, "name_font": {"name": "Times New Roman", "size": 13, "bold": True}})
    chart.set_legend({"position": "bottom", "font": CHART_FONT})
    chart.set_size({"width": 960, "height": 380})
    return chart


CHART_FONT: Final[Mapping[str, object]] = {"name": "Times New Roman", "size": 10}
