"""The pages of targets in an aggregate: results against the annual plan, the marks of clause II.5, and the trend.

It is given the progress and works nothing out; what stands in a column of shares is a sum over a sum.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.domain.forms import FieldSpec
from models.domain.tabulation import CountedUnit
from models.domain.targets import FINAL_MARK, PHASE_1_MARK, GoalShare, Progress, TargetResult, UnitProgress
from models.domain.vocabulary import TargetState
from tasks.adapters.aggregate_charts import BLUE, CHART_FONT, GREEN, RED, framed
from tasks.adapters.aggregate_pages import Book, Column, Look, OutOf, Page, Reached, Value

CHART_ROWS: Final = 20
"""How many rows of a page the chart covers."""
ROWS_ON_ONE_SHEET: Final = 56
"""As many rows can still be read when the page is fitted to one sheet of paper."""
_COLUMNS: Final = (
    Column("code", Look.TEXT, 16),
    Column("indicator", Look.TEXT, 50),
    Column("measure", Look.TEXT, 14),
    Column("target", Look.NUMBER, 18),
    Column("result", Look.NUMBER, 18),
    Column("target_share", Look.SHARE, 12),
    Column("units_reached", Look.COVERAGE, 14),
    Column("units_with_result", Look.COVERAGE, 14),
)
_MARKS: Final = (
    Column("mark_code", Look.TEXT, 16),
    Column("mark", Look.TEXT, 50),
    Column("mark_clause", Look.TEXT, 14),
    Column("goals_reached", Look.COVERAGE, 18),
    Column("goal_share", Look.SHARE, 18),
    Column("mark_share", Look.SHARE, 12),
    Column("verdict", Look.TEXT, 14),
    Column("short_of", Look.NUMBER, 14),
)
_TREND: Final = (
    Column("cycle_code", Look.TEXT, 16),
    Column("cycle", Look.TEXT, 50),
    Column("blank", Look.TEXT, 14),
    Column("goals_reached", Look.COVERAGE, 18),
    Column("goal_share", Look.SHARE, 18),
    Column("phase_1_mark", Look.SHARE, 12),
    Column("final_mark", Look.SHARE, 14),
    Column("blank", Look.TEXT, 14),
)
CLAUSE: Final = "II.5"


def add_targets(book: Book, progress: Progress) -> None:
    """Add the page of a year's targets: by indicator, against both marks, and over the cycles with a native chart."""
    page = Page(book, "targets", _COLUMNS, n_frozen=2)
    for row in progress.fields:
        told: list[Value] = [row.spec.code, row.spec.label, row.spec.unit_of_measure, row.target or None, row.result]
        told += [row.share, OutOf(row.n_reached, row.n_units), OutOf(row.n_with_result, row.n_units)]
        page.row(told)
    if progress.n_elsewhere:
        page.line(book.say("targets_elsewhere", n=progress.n_elsewhere))
    page.line("")
    _marks(page, progress.goals)
    page.line("")
    _trend(page, progress)
    page.close(is_filtered=False)
    last_row = page.next_row + CHART_ROWS
    page.sheet.print_area(0, 0, last_row, len(_COLUMNS) - 1)
    if last_row <= ROWS_ON_ONE_SHEET:
        page.sheet.fit_to_pages(1, 1)


def add_unit_targets(book: Book, progress: Progress, units: Sequence[CountedUnit], groups: Mapping[str, str]) -> None:
    """Add the page on which each unit has a row: its share of goals, and result beside target in each field."""
    specs = [row.spec for row in progress.fields]
    columns = [
        Column("number", Look.NUMBER, 6),
        Column("unit", Look.TEXT, 34),
        Column("group", Look.TEXT, 22),
        Column("goals_reached", Look.COVERAGE, 10),
        Column("goal_share", Look.SHARE, 10),
    ]
    for spec in specs:
        columns += [_field_column(book, spec, "target"), _field_column(book, spec, "result")]
    page = Page(book, "unit_targets", columns, n_frozen=2, fit=False)
    known = {unit.code: unit for unit in units}
    for n, row in enumerate(progress.units, start=1):
        unit = known[row.unit_code]
        told: list[Value] = [n, unit.name, groups.get(unit.group, unit.group)]
        page.row([*told, *_goals(row.goals), *_unit_cells(book, row, specs)])
    page.close()


def _field_column(book: Book, spec: FieldSpec, what: str) -> Column:
    header = f"{spec.code}\n{spec.label} ({spec.unit_of_measure})\n{book.say(f'column.{what}')}"
    return Column(header, Look.NUMBER, 15, is_said=True)


def _unit_cells(book: Book, row: UnitProgress, specs: Sequence[FieldSpec]) -> list[Value]:
    cells: list[Value] = []
    for spec in specs:
        met = row.results.get(spec.code)
        cells += [met.target.amount, _result(book, met)] if met else [None, None]
    return cells


def _result(book: Book, met: TargetResult) -> Value:
    if met.state is TargetState.NO_RESULT:
        return book.texts.label(met.state)
    is_reached = met.state is TargetState.REACHED and met.result is not None
    return Reached(met.result) if is_reached and met.result is not None else met.result


def _goals(goals: GoalShare) -> list[Value]:
    return [OutOf(goals.n_reached, goals.n_goals), goals.value]


def _marks(page: Page, goals: GoalShare) -> None:
    book = page.book
    page.header(_MARKS, height=32)
    looks = [column.look for column in _MARKS]
    for code, mark, is_passed, n_short in (
        ("phase_1", PHASE_1_MARK, goals.passes_phase_1, goals.n_short_of_phase_1),
        ("final", FINAL_MARK, goals.passes_final, goals.n_short_of_final),
    ):
        verdict = book.texts.label(TargetState.REACHED if is_passed else TargetState.NOT_REACHED)
        told: list[Value] = [book.say(f"mark.{code}.name"), book.say(f"mark.{code}.title"), CLAUSE]
        page.row([*told, *_goals(goals), float(mark), verdict, n_short], looks=looks)


def _trend(page: Page, progress: Progress) -> None:
    if not progress.trend:
        return
    page.header(_TREND, height=32)
    first = page.next_row
    looks = [column.look for column in _TREND]
    for point in progress.trend:
        told: list[Value] = [point.cycle_code, point.cycle_title, None, *_goals(point.goals)]
        page.row([*told, float(PHASE_1_MARK), float(FINAL_MARK), None], looks=looks)
    chart = _trend_chart(page.book, page.sheet.get_name(), first, page.next_row - 1)
    page.sheet.insert_chart(page.next_row + 1, 0, chart)


def _trend_chart(book: Book, name: str, first: int, last: int) -> Any:
    categories = [name, first, 1, last, 1]
    chart = book.workbook.add_chart({"type": "column"})
    chart.add_series(
        {
            "name": book.say("column.goal_share"),
            "categories": categories,
            "values": [name, first, 4, last, 4],
            "fill": {"color": BLUE},
            "data_labels": {"value": True, "num_format": "0.0%", "font": CHART_FONT},
            "gap": 120,
        }
    )
    marks = book.workbook.add_chart({"type": "line"})
    for column, code, colour in ((5, "phase_1_mark", RED), (6, "final_mark", GREEN)):
        marks.add_series(
            {
                "name": book.say(f"column.{code}"),
                "categories": categories,
                "values": [name, first, column, last, column],
                "line": {"color": colour, "width": 2, "dash_type": "dash"},
                "marker": {"type": "long_dash", "size": 12, "border": {"color": colour}, "fill": {"color": colour}},
            }
        )
    chart.combine(marks)
    chart.set_x_axis({"num_font": CHART_FONT})
    chart.set_y_axis({"num_font": CHART_FONT, "num_format": "0%", "min": 0, "max": 1})
    return framed(chart, book.say("chart.goals"))
