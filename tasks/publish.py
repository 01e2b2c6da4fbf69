"""Shows the work in Prefect's pages: names of runs, the board of each cycle, progress, and links to the files."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from prefect import task
from prefect.artifacts import create_progress_artifact
from prefect.cache_policies import NO_CACHE

from models.db.records import cycles, editions, heartbeats
from models.db.records.editions import Draft
from models.domain.showing import is_to_be_shown
from models.domain.vocabulary import OFFICE_ZONE, ContactHealth, Outcome, Standing
from tasks.artifacts import ROWS_SHOWN, artifact_key, is_shown, show_page, show_table
from tasks.board import NEVER_REACHED, WILL_SEND, Board, DutyLine, board_of
from tasks.choices import refresh_choices
from tasks.contact_board import ContactBoard, contact_boards
from tasks.desk import DESK_KEY, desk_page, extension_link
from tasks.form_links import FormLinks, form_links, page_of
from tasks.hand_over import lines_of_handovers
from tasks.names import run_name
from tasks.open_cycles import every_active_cycle
from tasks.parent_board import publish_parents
from tasks.runtime import Runtime
from tasks.waiting_work import WaitingDraft, draft_sentence, waiting_draft

logger = logging.getLogger(__name__)
BOARDS_SHOWN: Final = "boards_shown"
BOARDS_OWED: Final = "boards_owed"
OWING = frozenset({Standing.OPEN, Standing.IN_GRACE, Standing.LATE, Standing.EXTENDED, Standing.SUBMITTED})


@task(name="publish-cycles", task_run_name=run_name("publish"), cache_policy=NO_CACHE)
def publish_cycles(runtime: Runtime, cycle_codes: Sequence[str], as_of: datetime, counts: Mapping[str, int]) -> None:
    """Show board, progress and files of each cycle; artifacts keep their keys, so that a bookmark stays good."""
    if not any(counts.get(step) for step in ("opened", "stamped", "sent", "drafted", "compiled")):
        logger.info(runtime.texts.say("log.nothing_to_do", instant=runtime.texts.instant(as_of)))
    boards = publish_boards(runtime, cycle_codes, as_of)
    for board in contact_boards(runtime, as_of):
        show_table(
            artifact_key("dau-moi", board.cycle.code),
            contact_rows(runtime, board),
            total=len(board.lines),
            summary=_contact_heading(runtime, board, as_of),
            cut=runtime.texts.say("board.cut_contacts", n=ROWS_SHOWN, total=len(board.lines)),
        )
    publish_desk(runtime, as_of, counts, boards)
    refresh_choices(runtime, as_of)


def publish_boards(runtime: Runtime, cycle_codes: Iterable[str], as_of: datetime) -> dict[str, Board]:
    """Show board, progress and files of each cycle, and return the boards by cycle."""
    links = form_links(runtime)
    boards = {code: board_of(runtime, code, as_of) for code in cycle_codes}
    for code, board in boards.items():
        show_table(
            artifact_key("bang", code),
            _rows_with_forms(runtime, board, links),
            total=len(board.lines),
            summary=runtime.texts.say("board.press", heading=_board_heading(runtime, board)),
            cut=runtime.texts.say("board.cut", n=ROWS_SHOWN, total=len(board.lines), cycle=code),
        )
        publish_parents(runtime, board, key=artifact_key("cap-tren", code))
        create_progress_artifact(
            progress=100 * board.n_answered / max(1, len(board.lines)),
            key=artifact_key("tien-do", code),
            description=_board_heading(runtime, board),
        )
        show_page(artifact_key("ket-qua", code), _files(runtime, board))
    return boards


def publish_desk(
    runtime: Runtime, as_of: datetime, counts: Mapping[str, int], boards: Mapping[str, Board] | None = None
) -> None:
    """Show the page of the day: it stands in the summary, for that is what the page of the key shows."""
    page = desk_page(runtime, as_of, counts, form_links(runtime), boards)
    show_page(DESK_KEY, runtime.texts.say("desk.footer", page=page_of(DESK_KEY)), summary=page)


def publish_day(runtime: Runtime, as_of: datetime, counts: Mapping[str, int]) -> None:
    """Show the boards of all that is open, and the page of the day, which links to each of them."""
    boards = publish_boards(runtime, every_active_cycle(runtime, as_of), as_of)
    publish_desk(runtime, as_of, counts, boards)


@task(name="publish-arrivals", task_run_name=run_name("publish"), cache_policy=NO_CACHE)
def publish_arrivals(runtime: Runtime, as_of: datetime, counts: Mapping[str, int]) -> None:
    """Show boards and choices again when something came in, the boards of a large office at most every half hour."""
    has_come = bool(counts.get("taken")) or any(counts.get(outcome.value) for outcome in Outcome)
    if not has_come:
        logger.info(runtime.texts.say("log.nothing_to_do", instant=runtime.texts.instant(as_of)))
    codes = every_active_cycle(runtime, as_of)
    with runtime.sessions() as session:
        n_duties = cycles.count_duties(session, codes)
    if is_turn_of_boards(runtime, as_of, n_duties=n_duties, has_come=has_come):
        publish_day(runtime, as_of, counts)
        note_boards_shown(runtime, as_of)
    elif not has_come and not is_shown(DESK_KEY):
        publish_desk(runtime, as_of, counts)
    if has_come:
        refresh_choices(runtime, as_of)


def is_turn_of_boards(runtime: Runtime, as_of: datetime, *, n_duties: int, has_come: bool) -> bool:
    """Say whether a poll shows the boards now; that something came is kept until a poll has shown it."""
    with runtime.sessions() as session:
        shown_at, owed_since = (heartbeats.last_beat(session, name) for name in (BOARDS_SHOWN, BOARDS_OWED))
    if has_come:
        _beat(runtime, BOARDS_OWED, as_of)
    return is_to_be_shown(as_of, n_duties=n_duties, has_come=has_come, shown_at=shown_at, owed_since=owed_since)


def note_boards_shown(runtime: Runtime, as_of: datetime) -> None:
    """Keep when a poll has shown the boards."""
    _beat(runtime, BOARDS_SHOWN, as_of)


def _beat(runtime: Runtime, name: str, as_of: datetime) -> None:
    with runtime.sessions.begin() as session:
        heartbeats.beat(session, name, at=as_of)


def board_rows(runtime: Runtime, board: Board) -> list[dict[str, str]]:
    """Return the board as people read it, one row a unit."""
    return [_row(runtime, line) for line in board.lines]


def _rows_with_forms(runtime: Runtime, board: Board, links: FormLinks) -> Iterator[dict[str, str]]:
    """Yield the rows for the pages: the name of a unit that still owes an answer opens the form of an extension."""
    unit = runtime.texts.say("board.column.unit")
    for line in board.lines:
        row = _row(runtime, line)
        if line.standing in OWING:
            row[unit] = extension_link(links, board, line, row[unit])
        yield row


def _row(runtime: Runtime, line: DutyLine) -> dict[str, str]:
    """Return a duty, what an operator needs first at the left: a page of the usual width shows six columns."""
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
        "standing": _standing(runtime, line),
        "last": last,
        "next": following,
        "phone": line.phone or "–",
        "contact": line.contact or texts.say("board.no_contact"),
        "why": _why(runtime, line),
        "received": texts.instant(line.received_at) if line.received_at else "–",
        "timeliness": texts.label(late) if late else "–",
        "questions": _questions(runtime, line),
        "health": texts.label(line.health),
        "group": line.group,
    }
    return {texts.say(f"board.column.{name}"): value for name, value in values.items()}


def _standing(runtime: Runtime, line: DutyLine) -> str:
    """Return where the duty stands, of a late one since when."""
    standing = runtime.texts.label(line.standing)
    if line.standing is not Standing.LATE:
        return standing
    day = runtime.texts.day(line.late_at.astimezone(OFFICE_ZONE).date())
    return runtime.texts.say("board.late_since", standing=standing, day=day)


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
        n_late=sum(line.standing is Standing.LATE for line in board.lines),
        quarantine=board.n_in_quarantine,
    )


def _files(runtime: Runtime, board: Board) -> str:
    home = runtime.settings.shared.resolve()
    with runtime.sessions() as session:
        made = editions.editions_of(session, board.cycle.code)
        drafts = editions.drafts_of(session, board.cycle.code)
        waiting = waiting_draft(session, board)
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
    lines += [_draft(runtime, draft, home, waiting) for draft in drafts]
    if handed:
        lines += ["", runtime.texts.say("result.heading"), "", *handed]
    return "\n".join(lines if len(lines) > 1 else [*lines, runtime.texts.say("board.files.none")])


def _draft(runtime: Runtime, draft: Draft, home: Path, waiting: WaitingDraft | None) -> str:
    """Return what is said of an official letter: of the newest that it waits, and whether it names too many by now."""
    if waiting is not None and waiting.path == draft.path:
        return runtime.texts.say(
            "board.files.draft_waiting", draft=draft_sentence(runtime.texts, waiting), path=home / draft.path
        )
    return runtime.texts.say(
        "board.files.draft_past",
        rung=runtime.texts.say(f"rung.{draft.rung}"),
        day=runtime.texts.day(draft.as_of.astimezone(OFFICE_ZONE).date()),
        n=draft.n_units,
        path=home / draft.path,
    )
