"""The page of assigned tasks in an aggregate (clause II.3), and the sentence of the report; it is given the counts."""

from typing import Final

from models.domain.assigned_tasks import TaskCount, TaskSummary
from tasks.adapters.aggregate_pages import Book, Column, Look, Page, Value
from tasks.adapters.texts import Texts

_COLUMNS: Final = (
    Column("number", Look.NUMBER, 6),
    Column("unit", Look.TEXT, 50),
    Column("tasks_assigned", Look.NUMBER, 14),
    Column("tasks_done", Look.NUMBER, 14),
    Column("tasks_done_late", Look.NUMBER, 14),
    Column("tasks_open", Look.NUMBER, 14),
    Column("tasks_late", Look.NUMBER, 14),
)


def add_tasks(book: Book, summary: TaskSummary) -> None:
    """Add the page of tasks: a row for each unit that has any, and the sum of all."""
    page = Page(book, "tasks", _COLUMNS, n_frozen=2)
    for n, row in enumerate(summary.rows, start=1):
        page.row([n, row.unit_name, *_counts(row)])
    page.row([None, book.say("tasks_total"), *_counts(summary.total)], bold=True)
    page.close(is_filtered=False)


def tasks_told(summary: TaskSummary | None, texts: Texts) -> str:
    """Return the sentence of the report about the tasks; empty where there are none."""
    if summary is None:
        return ""
    total = summary.total
    return texts.say(
        "aggregate.tasks_told",
        as_of=texts.instant(summary.as_of),
        n=total.n_assigned,
        units=len(summary.rows),
        done=total.n_done,
        done_late=total.n_done_late,
        open=total.n_open,
        late=total.n_late,
    )


def _counts(row: TaskCount) -> list[Value]:
    return [row.n_assigned, row.n_done, row.n_done_late, row.n_open, row.n_late]
