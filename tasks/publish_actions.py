"""Shows what was done by hand: the boards it changed, the book of what operators did, and the forms' choices anew."""

import logging

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from models.db.records import audit
from models.db.records.audit import AuditEntry
from tasks.choices import refresh_choices
from tasks.handle_duties import Done
from tasks.names import run_name
from tasks.operators import Signature
from tasks.publish import publish_boards, publish_desk
from tasks.run_names import rename_run
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
BOOK_KEY = "so-viec-lam-tay"
ROWS_OF_THE_BOOK = 100


@task(name="publish-action", task_run_name=run_name("publish"), cache_policy=NO_CACHE)
def publish_done(runtime: Runtime, done: Done, signature: Signature) -> None:
    """Show what came of an act: its cycles' boards, the book of acts, the choices of the forms; say it in a line."""
    texts = runtime.texts
    what = texts.label(done.action)
    rename_run(texts.say("run.by_hand", action=what, operator=signature.operator, instant=texts.instant(signature.at)))
    if not done.n_changed:
        logger.info(texts.say("action.log.nothing_new", action=what))
    elif done.outcome is not None:
        logger.info(texts.say("action.log.judged", action=what, outcome=texts.label(done.outcome)))
    else:
        logger.info(texts.say("action.log.done", action=what, n=done.n_changed))
    boards = publish_boards(runtime, done.cycle_codes, signature.at)
    publish_desk(runtime, signature.at, {}, boards)
    publish_book(runtime)
    refresh_choices(runtime, signature.at)


def publish_book(runtime: Runtime) -> None:
    """Show the newest acts of operators."""
    with runtime.sessions() as session:
        entries = audit.newest_actions(session, limit=ROWS_OF_THE_BOOK)
    rows = [book_row(runtime, entry) for entry in entries]
    create_table_artifact(
        key=BOOK_KEY, table=rows, description=runtime.texts.say("action.book.heading", n=ROWS_OF_THE_BOOK)
    )


def book_row(runtime: Runtime, entry: AuditEntry) -> dict[str, str]:
    """Return one act as people read it."""
    values = {
        "at": runtime.texts.instant(entry.at),
        "operator": entry.operator,
        "action": runtime.texts.label(entry.action),
        "subject": entry.subject,
        "unit": entry.unit_code or "–",
        "reason": entry.reason,
        "details": "; ".join(f"{name}: {value}" for name, value in entry.details.items() if value not in ("", None)),
    }
    return {runtime.texts.say(f"action.book.{name}"): value for name, value in values.items()}
