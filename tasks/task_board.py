"""Shows the tasks that were given out, and what an import of an annex brought, in Prefect's pages."""

from datetime import datetime

from prefect.artifacts import create_table_artifact

from models.db.records import cycles
from models.domain.assigned_tasks import count_tasks
from models.domain.duties import standing_at
from tasks.artifacts import show_page
from tasks.assign_tasks import TasksImport
from tasks.given_tasks import tasks_given_out
from tasks.run_names import rename_run
from tasks.runtime import Runtime


def publish_tasks(runtime: Runtime, as_of: datetime) -> None:
    """Show every task that was given out with its owner, deadline and standing."""
    say, texts = runtime.texts.say, runtime.texts
    with runtime.sessions() as session:
        pairs = [pair for each in runtime.programmes.values() for pair in tasks_given_out(session, each, as_of)]
    total = count_tasks((duty for _, duty in pairs), as_of).total
    rows = [
        {
            say("annex.board.code"): cycle.code,
            say("annex.board.content"): cycle.content,
            say("annex.board.unit"): duty.unit_name,
            say("annex.board.deadline"): texts.day(cycle.last_day),
            say("annex.board.product"): cycle.product or "–",
            say("annex.board.standing"): texts.label(standing_at(duty, as_of)),
        }
        for cycle, duty in pairs
    ]
    heading = say(
        "annex.board.heading",
        as_of=texts.instant(as_of),
        done=total.n_done,
        assigned=total.n_assigned,
        late=total.n_late,
    )
    create_table_artifact(key="nhiem-vu-duoc-giao", table=rows, description=heading)


def publish_import(runtime: Runtime, file: str, year: int, report: TasksImport) -> None:
    """Show what was given out, and what the workbook says otherwise of tasks that were given out before."""
    say, texts = runtime.texts.say, runtime.texts
    lines = [say("annex.report.heading", file=file), ""]
    with runtime.sessions() as session:
        for code in report.opened:
            cycle = cycles.cycle(session, code)
            owners = [r.duty.unit_name for chunk in cycles.duties_in_chunks(session, code, size=500) for r in chunk]
            deadline = texts.deadline(cycle.due_at, runtime.programme_of(cycle).calendar)
            lines.append(
                say(
                    "annex.report.opened",
                    task=code,
                    title=cycle.content,
                    owners="; ".join(owners),
                    deadline=deadline,
                )
            )
    lines += [] if report.opened else [say("annex.report.none")]
    for code, names in report.changed.items():
        fields = ", ".join(say(f"annex.changed.{name}") for name in names)
        lines.append(say("annex.report.changed", task=code, fields=fields))
    lines += [say("annex.report.missing", task=code) for code in report.missing]
    show_page("nap-nhiem-vu", "\n".join(lines))
    rename_run(say("run.import_tasks", year=year, n=len(report.opened)))


def name_closing(runtime: Runtime, code: str) -> None:
    """Give the run that closed a task its name."""
    rename_run(runtime.texts.say("run.close_task", task=code))
