"""Shows the work in Prefect's pages: names of runs, the board of each cycle, progress, and links to the files."""

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from models.db.records import cycles, editions
from models.domain.vocabulary import ContactHealth, Outcome
from tasks.adapters.texts import Texts
from tasks.board import NEVER_REACHED, WILL_SEND, Board, DutyLine, board_of
from tasks.choices import refresh_choices
from tasks.contact_board import ContactBoard, contact_boards
from tasks.hand_over import lines_of_handovers
from tasks.names import run_name
from tasks.parent_board import publish_parents
from tasks.runtime import Runtime
from tasks.waiting_work import waiting_work

logger = logging.getLogger(__name__)
MARKUP: Final = re.compile(r"[\\`*_\[\]!|]")
"""Signs that a page would take for links, pictures, tables or emphasis."""


@task(name="publish-cycles", task_run_name=run_name("publish"), cache_policy=NO_CACHE)
def publish_cycles(runtime: Runtime, cycle_codes: Sequence[str], as_of: datetime, counts: Mapping[str, int]) -> None:
    """Show board, progress and files of each cycle; artifacts keep their keys, so that a bookmark stays good."""
    if not any(counts.get(step) for step in ("opened", "stamped", "sent", "drafted", "compiled")):
        logger.info(runtime.texts.say("log.nothing_to_do", instant=runtime.texts.instant(as_of)))
    publish_boards(runtime, cycle_codes, as_of)
    for board in contact_boards(runtime, as_of):
        create_table_artifact(
            key=artifact_key("dau-moi", board.cycle.code),
            table=contact_rows(runtime, board),
            description=_contact_heading(runtime, board, as_of),
        )
    create_markdown_artifact(key="viec-hom-nay", markdown=work_for_people(runtime, as_of, counts))
    refresh_choices(runtime, as_of)


def publish_boards(runtime: Runtime, cycle_codes: Sequence[str], as_of: datetime) -> None:
    """Show board, progress and files of each cycle."""
    for code in cycle_codes:
        board = board_of(runtime, code, as_of)
        create_table_artifact(
            key=artifact_key("bang", code),
            table=board_rows(runtime, board),
            description=_board_heading(runtime, board),
        )
        publish_parents(runtime, board, key=artifact_key("cap-tren", code))
        create_progress_artifact(
            progress=100 * board.n_answered / max(1, len(board.lines)),
            key=artifact_key("tien-do", code),
            description=_board_heading(runtime, board),
        )
        create_markdown_artifact(key=artifact_key("ket-qua", code), markdown=_files(runtime, board))


@task(name="publish-arrivals", task_run_name=run_name("publish"), cache_policy=NO_CACHE)
def publish_arrivals(runtime: Runtime, as_of: datetime, counts: Mapping[str, int]) -> None:
    """Show the boards again when something came in, and what waits for a person."""
    if not counts.get("taken") and not any(counts.get(outcome.value) for outcome in Outcome):
        logger.info(runtime.texts.say("log.nothing_to_do", instant=runtime.texts.instant(as_of)))
        return
    with runtime.sessions() as session:
        opened = [cycle for cycle in cycles.all_cycles(session) if cycle.opens_at <= as_of]
    for cycle in opened[-2:]:
        board = board_of(runtime, cycle.code, as_of)
        create_table_artifact(
            key=artifact_key("bang", cycle.code),
            table=board_rows(runtime, board),
            description=_board_heading(runtime, board),
        )
        publish_parents(runtime, board, key=artifact_key("cap-tren", cycle.code))
    create_markdown_artifact(key="viec-hom-nay", markdown=work_for_people(runtime, as_of, counts))
    refresh_choices(runtime, as_of)


def name_run(runtime: Runtime, obligation_code: str, cycle_codes: Sequence[str], as_of: datetime) -> None:
    """Give the run of a report its name: the cycle and the day."""
    _, obligation = runtime.programme_with(obligation_code)
    day = runtime.texts.day(as_of.date())
    if not cycle_codes:
        rename_run(runtime.texts.say("run.report_without_cycle", obligation=obligation.short_title, day=day))
        return
    with runtime.sessions() as session:
        years = [cycles.cycle(session, code).year for code in cycle_codes]
    title = f"{obligation.short_title} {years[-1]}"
    rename_run(runtime.texts.say("run.report", title=title, day=day))


def name_poll(runtime: Runtime, as_of: datetime, counts: Mapping[str, int]) -> None:
    """Give the run of the mailbox its name: the hour, and what came in."""
    instant = f"{as_of:%H:%M} {runtime.texts.day(as_of.date())}"
    outcomes = {outcome.value: counts.get(outcome.value, 0) for outcome in Outcome}
    code = "run.poll" if any(outcomes.values()) else "run.poll_idle"
    rename_run(runtime.texts.say(code, instant=instant, **outcomes))


def artifact_key(kind: str, cycle_code: str) -> str:
    """Return a key that Prefect takes: small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{cycle_code}".lower()).strip("-")


def board_rows(runtime: Runtime, board: Board) -> list[dict[str, str]]:
    """Return the board as people read it, one row a unit."""
    return [_row(runtime, line) for line in board.lines]


def _row(runtime: Runtime, line: DutyLine) -> dict[str, str]:
    texts = runtime.texts
    late = line.timeliness
    last = texts.say(f"rung.{line.last_rung}") if line.last_rung else "–"
    if line.last_rung_at is not None:
        last = f"{last} ({texts.day(line.last_rung_at.date())})"
    following = texts.say(f"rung.{line.next_rung}") if line.next_rung else "–"
    if line.next_rung_on is not None:
        following = f"{following} ({texts.day(line.next_rung_on)})"
    values = {
        "unit": _unit(runtime, line),
        "group": line.group,
        "standing": texts.label(line.standing),
        "received": texts.instant(line.received_at) if line.received_at else "–",
        "timeliness": texts.label(late) if late else "–",
        "last": last,
        "next": following,
        "questions": _questions(runtime, line),
        "why": _why(runtime, line),
        "contact": line.contact or texts.say("board.no_contact"),
        "phone": line.phone or "–",
        "health": texts.label(line.health),
    }
    return {texts.say(f"board.column.{name}"): value for name, value in values.items()}


def _questions(runtime: Runtime, line: DutyLine) -> str:
    """Return how many questions about the unit's form are open, and how many it has explained."""
    parts = [
        runtime.texts.say(f"board.questions.{code}", n=n)
        for code, n in (("open", line.n_open_questions), ("explained", line.n_explained))
        if n
    ]
    return "; ".join(parts) or "–"


def _why(runtime: Runtime, line: DutyLine) -> str:
    if line.why == WILL_SEND:
        return runtime.texts.say("board.will_send")
    if line.why == NEVER_REACHED:
        return runtime.texts.say("board.never_reached")
    return runtime.texts.say(f"label.skip_reason.{line.why}")


def contact_rows(runtime: Runtime, board: ContactBoard) -> list[dict[str, str]]:
    """Return the contacts of a coming cycle as people read them, one row a unit."""
    texts = runtime.texts
    rows = [
        {
            "unit": line.unit_name,
            "group": line.group,
            "health": texts.label(line.health),
            "contact": ", ".join(line.contacts) or texts.say("board.no_contact"),
            "phone": line.phone or "–",
        }
        for line in board.lines
    ]
    return [{texts.say(f"board.column.{name}"): value for name, value in row.items()} for row in rows]


def _contact_heading(runtime: Runtime, board: ContactBoard, as_of: datetime) -> str:
    return runtime.texts.say(
        "contacts.heading",
        title=board.cycle.title,
        opens=runtime.texts.day(board.cycle.opens_at.date()),
        begins=runtime.texts.day(board.begins_on),
        n=len(board.with_health(ContactHealth.CONFIRMED)),
        total=len(board.lines),
        n_unreachable=len(board.with_health(ContactHealth.UNREACHABLE)),
        as_of=runtime.texts.instant(as_of),
    )


def _unit(runtime: Runtime, line: DutyLine) -> str:
    """Return the unit's name, and for one that has ended who answers for it."""
    if line.ended is None:
        return line.unit_name
    is_owed = line.received_at is None
    code = "inherited" if line.ended.heir_code else "left_nobody" if is_owed else "ended"
    day = runtime.texts.day(line.ended.last_day)
    return runtime.texts.say(f"board.unit_{code}", unit=line.unit_name, day=day, heir=line.ended.heir_name)


def _board_heading(runtime: Runtime, board: Board) -> str:
    programme = runtime.programme_of(board.cycle)
    return runtime.texts.say(
        "board.heading",
        title=board.cycle.title,
        as_of=runtime.texts.instant(board.as_of),
        n=board.n_answered,
        total=len(board.lines),
        deadline=runtime.texts.deadline(board.cycle.due_at, programme.calendar),
        quarantine=board.n_in_quarantine,
    )


def _files(runtime: Runtime, board: Board) -> str:
    home = runtime.settings.home.resolve()
    with runtime.sessions() as session:
        made = editions.editions_of(session, board.cycle.code)
        drafts = editions.drafts_of(session, board.cycle.code)
        handed = lines_of_handovers(runtime, session, board.cycle.code)
    lines = [runtime.texts.say("board.files.heading", title=board.cycle.title)]
    lines += [
        runtime.texts.say(
            "board.files.edition",
            number=edition.number,
            kind=runtime.texts.label(edition.kind),
            as_of=runtime.texts.instant(edition.as_of),
            n=edition.n_reported,
            total=edition.n_expected,
            workbook=home / edition.workbook,
            report=home / edition.report,
        )
        for edition in reversed(made)
    ]
    lines += [
        runtime.texts.say(
            "board.files.draft",
            rung=runtime.texts.say(f"rung.{draft.rung}"),
            as_of=runtime.texts.instant(draft.as_of),
            n=draft.n_units,
            path=home / draft.path,
        )
        for draft in drafts
    ]
    if handed:
        lines += ["", runtime.texts.say("result.heading"), "", *handed]
    return "\n".join(lines if len(lines) > 1 else [*lines, runtime.texts.say("board.files.none")])


def work_for_people(runtime: Runtime, as_of: datetime, counts: Mapping[str, int]) -> str:
    """Return what waits for a person, as the page of the day shows it."""
    texts = runtime.texts
    with runtime.sessions() as session:
        work = waiting_work(runtime, session, as_of)
    lines = [texts.say("people.heading")]
    lines += [f"- {as_plain(line)}" for line in (*work.overdue, *work.refused, *work.deferred, *work.held)]
    lines += [_letter_line(texts, "people.doubtful", *letter) for letter in work.doubtful]
    lines += [_letter_line(texts, "people.failed", *letter) for letter in work.failed]
    lines += [line for board in contact_boards(runtime, as_of) for line in lines_about_contacts(runtime, board)]
    if len(lines) == 1:
        lines.append(texts.say("people.nothing"))
    if counts.get("waiting"):
        lines.append(texts.say("people.waiting", n=counts["waiting"]))
    return "\n".join(lines)


def _letter_line(texts: Texts, code: str, recipient: str, subject: str, detail: str) -> str:
    return texts.say(code, recipient=as_plain(recipient), subject=as_plain(subject), detail=as_plain(detail))


def as_plain(written: str) -> str:
    """Return what a stranger wrote, or a mail server answered, so that a page shows it as text: no link, no picture."""
    return MARKUP.sub(r"\\\g<0>", " ".join(written.split())).replace("<", "&lt;").replace(">", "&gt;")


def lines_about_contacts(runtime: Runtime, board: ContactBoard) -> list[str]:
    """Return what is to be done before a cycle opens: units that nobody can write to, and those not confirmed."""
    texts, title = runtime.texts, board.cycle.title
    lines = [
        texts.say("people.unreachable", unit=line.unit_name, title=title, phone=line.phone or "–")
        for line in board.with_health(ContactHealth.UNREACHABLE)
    ]
    unconfirmed = [line.unit_name for line in board.with_health(ContactHealth.UNCONFIRMED)]
    if unconfirmed:
        opens, total = texts.day(board.cycle.opens_at.date()), len(board.lines)
        units = "; ".join(unconfirmed)
        lines.append(
            texts.say("people.unconfirmed", title=title, opens=opens, n=len(unconfirmed), total=total, units=units)
        )
    return lines


def rename_run(name: str) -> None:
    """Rename the present run; outside a run there is nothing to name."""
    identity = flow_run.id
    if identity:
        with get_client(sync_client=True) as client:
            client.update_flow_run(identity, name=name)
