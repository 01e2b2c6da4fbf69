"""The tasks of an annex: give them out from a workbook, and close what is known to be done."""

from datetime import date, datetime

from prefect import flow

from flows.endings import told_to_the_operator
from models.domain.vocabulary import LetterKind
from tasks.assign_tasks import AnnexOrder, close_owed_task, import_annex
from tasks.chase import queue_due_reminders
from tasks.choices import chosen, refresh_choices
from tasks.post import post_letters, say_what_is_left
from tasks.publish import publish_day
from tasks.runtime import Runtime, open_runtime
from tasks.settings import Settings
from tasks.task_board import name_closing, publish_import, publish_tasks


@flow(name="import-tasks")
def import_tasks(file: str, year: int, operator: str, reason: str) -> dict[str, int]:
    """Give out the tasks of an annex that are new, and write to their owners.

    The same workbook again gives nothing out twice. Outside office hours the letters go out with the next round.
    """
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        report = import_annex(runtime, AnnexOrder(file=file, year=year, operator=operator, reason=reason))
        now = runtime.clock.now()
        counts = {"opened": len(report.opened), "changed": len(report.changed)}
        for code in report.opened:
            counts |= queue_due_reminders(runtime, code, now)
        counts |= post_letters(runtime, [LetterKind.CHASE])
        publish_import(runtime, file, year, report)
        _show(runtime, now)
        say_what_is_left(counts)
        return counts


@flow(name="close-task")
def close_task(owed_task: str, done_on: date, operator: str, reason: str) -> str:
    """Record that the owner of a task has done it, so that it is chased no more; return the task's code."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        code = close_owed_task(runtime, chosen(owed_task), done_on=done_on, operator=operator, reason=reason)
        now = runtime.clock.now()
        _show(runtime, now)
        name_closing(runtime, code)
        return code


def _show(runtime: Runtime, now: datetime) -> None:
    publish_tasks(runtime, now)
    publish_day(runtime, now, {})
    refresh_choices(runtime, now)
