"""Writes the digests: daily to the operator, weekly to the head of office; nothing to tell, no mail."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import arrivals, letters
from models.db.records.audit_entries import head_of
from models.db.records.letters import ClaimedLetter
from models.db.tables import LetterRow
from models.domain.cycles import planned_cycles
from models.domain.digests import REACHES_BACK, due_soon, occasion_of
from models.domain.vocabulary import OFFICE_ZONE, ContactHealth, LetterKind, LetterState, Outcome, Standing
from tasks.adapters.rendering import DigestContext, Envelope
from tasks.board import Board, board_of
from tasks.contact_board import ContactBoard
from tasks.names import run_name
from tasks.open_cycles import every_active_cycle
from tasks.ports import Letter
from tasks.run_names import rename_run
from tasks.runtime import Runtime
from tasks.waiting_work import WaitingWork, draft_sentence, waiting_work

DIGESTS: Final = (LetterKind.DAILY, LetterKind.WEEKLY)
NAMES_IN_A_LINE: Final = 8
LINES_SHOWN: Final = 40
"""Of what needs a person; the page of the day shows no more at once either."""
BOARD: Final = "board/index.html"


@task(name="queue-digests", task_run_name=run_name("queue_digests"), cache_policy=NO_CACHE)
def queue_digests(runtime: Runtime, as_of: datetime) -> int:
    """Put the digests of the day and of the week into the outbox, and return how many are new.

    Each once a day or week and address, whoever runs; outside office hours, and where nothing is to be told, none.
    """
    if not all(each.office_hours.contains(as_of, each.calendar) for each in runtime.programmes.values()):
        return 0
    wanted = [
        (kind, address)
        for kind, addresses in (
            (LetterKind.DAILY, runtime.settings.operators),
            (LetterKind.WEEKLY, runtime.settings.heads),
        )
        for address in addresses
    ]
    n_new = 0
    for kind, address in wanted:
        with runtime.sessions.begin() as session:
            if digest_of(runtime, session, kind, address, as_of).has_news:
                n_new += letters.queue_letter(session, _row(runtime, kind, address, as_of)) is not None
    return n_new


def name_digest_run(runtime: Runtime, as_of: datetime, counts: Mapping[str, int]) -> None:
    """Give the run its name: the day, and how many digests left."""
    day = runtime.texts.day(as_of.astimezone(OFFICE_ZONE).date())
    code = "run.digest" if counts.get("sent") else "run.digest_none"
    rename_run(runtime.texts.say(code, day=day, n=counts.get("sent", 0)))


def digest_letter(runtime: Runtime, session: Session, item: ClaimedLetter) -> Letter | None:
    """Return a digest as things stand when it leaves; None when there is nothing to tell any more."""
    now = runtime.clock.now()
    if item.key.rpartition("|")[2] != occasion_of(item.kind, now.astimezone(OFFICE_ZONE).date()):
        return None  # that of its own day never left; today's says it all
    context = digest_of(runtime, session, item.kind, item.recipient, now)
    if not context.has_news:
        return None
    return runtime.renderer.digest(item.kind, context, Envelope(to=item.recipient, message_id=item.message_id))


def _row(runtime: Runtime, kind: LetterKind, address: str, as_of: datetime) -> LetterRow:
    day = as_of.astimezone(OFFICE_ZONE).date()
    key = f"{kind.value}|{address}|{occasion_of(kind, day)}"
    return LetterRow(
        key=key,
        message_id=letters.message_id_of(key, runtime.settings.mail_from.rpartition("@")[2]),
        kind=kind,
        recipient=address,
        day=day,
        state=LetterState.QUEUED,
        queued_at=runtime.clock.now(),
    )


def digest_of(runtime: Runtime, session: Session, kind: LetterKind, address: str, as_of: datetime) -> DigestContext:
    """Return what a digest says at the instant to an address: of the time since the last one that was sent there."""
    since = letters.last_sent_at(session, kind, address) or as_of - REACHES_BACK[kind]
    boards = [board_of(runtime, code, as_of) for code in every_active_cycle(runtime, as_of)]
    outcomes = arrivals.count_outcomes_since(session, since, as_of)
    work = waiting_work(runtime, session, as_of, boards)
    people = list(_people(runtime, work))
    late = [line.late_at for board in boards for line in board.lines if line.standing is Standing.LATE]
    old_drafts = [draft for draft in work.drafts if draft.drafted_at <= since]
    page = runtime.settings.shared.resolve() / BOARD
    return DigestContext(
        programme=next(iter(runtime.programmes.values())),
        since=since,
        as_of=as_of,
        came=tuple(_came(runtime, outcomes)),
        n_came=sum(outcomes.values()),
        went=tuple(_went(runtime, session, since, as_of)),
        due=tuple(_due(runtime, boards, as_of)),
        people=(*people[:LINES_SHOWN], *_more(runtime, len(people) - LINES_SHOWN)),
        n_people=work.n,
        late=tuple(_late(runtime, boards)),
        is_pressing=work.n > len(old_drafts) or any(since < at for at in late),
        board=str(page) if page.exists() else "",
        audit=_audit(runtime, session),
    )


def _audit(runtime: Runtime, session: Session) -> str:
    """Say where the audit has come to: an end that is cut off later is noticed by it (`dondoc audit verify`)."""
    head = head_of(session.connection())
    return runtime.texts.say("letter.digest.audit", number=head[0], head=head[1]) if head is not None else ""


def _came(runtime: Runtime, outcomes: Mapping[tuple[str, Outcome], int]) -> Iterator[str]:
    for (title, outcome), n in outcomes.items():
        code = "letter.digest.line.came" if title else "letter.digest.line.came_nowhere"
        yield runtime.texts.say(code, title=title, outcome=runtime.texts.label(outcome).lower(), n=n)


def _went(runtime: Runtime, session: Session, since: datetime, as_of: datetime) -> Iterator[str]:
    for kind, n in letters.count_sent_since(session, since, as_of).items():
        if kind not in DIGESTS and kind is not LetterKind.OPERATOR:
            yield runtime.texts.say("letter.digest.line.went", kind=runtime.texts.label(kind), n=n)


def _due(runtime: Runtime, boards: Sequence[Board], as_of: datetime) -> Iterator[str]:
    """Say what falls due soon; of what has not opened yet nobody has answered."""
    opened = {board.cycle.code: board for board in boards}
    for programme in runtime.programmes.values():
        scheduled = {each.code for each in programme.obligations if each.is_scheduled}
        planned = [
            cycle
            for cycle in planned_cycles(programme, first_year=as_of.year, last_year=as_of.year + 1)
            if cycle.obligation_code in scheduled and cycle.code not in opened
        ]
        theirs = [board.cycle for board in boards if board.cycle.programme_code == programme.code]
        for cycle in due_soon([*theirs, *planned], programme.calendar, as_of):
            board = opened.get(cycle.code)
            yield runtime.texts.say(
                "letter.digest.line.due" if board else "letter.digest.line.due_not_open",
                title=cycle.title,
                deadline=runtime.texts.deadline(cycle.due_at, programme.calendar),
                n=board.n_answered if board else 0,
                total=len(board.lines) if board else 0,
            )


def _people(runtime: Runtime, work: WaitingWork) -> Iterator[str]:
    """Yield what needs a person, a line for each that the page of the day counts."""
    texts = runtime.texts
    yield from (each.sentence for each in work.overdue)
    yield from (*work.refused, *work.deferred)
    yield from (each.sentence for each in work.held)
    for letter in work.failed:
        yield texts.say("letter.digest.line.failed", recipient=letter.recipient, detail=letter.detail)
    for letter in work.doubtful:
        yield texts.say("letter.digest.line.doubtful", recipient=letter.recipient)
    yield from (draft_sentence(texts, draft) for draft in work.drafts)
    for cycle, line in work.unreached:
        yield texts.say("letter.digest.line.unreached", title=cycle.title, unit=line.unit_name, phone=line.phone or "–")
    for board in work.coming:
        yield from _of_contacts(runtime, board)


def _of_contacts(runtime: Runtime, board: ContactBoard) -> Iterator[str]:
    texts, title = runtime.texts, board.cycle.title
    opens = texts.day(board.cycle.opens_at.date())
    for line in board.with_health(ContactHealth.UNREACHABLE):
        yield texts.say(
            "letter.digest.line.unreached_before",
            title=title,
            opens=opens,
            unit=line.unit_name,
            phone=line.phone or "–",
        )
    unconfirmed = [line.unit_name for line in board.with_health(ContactHealth.UNCONFIRMED)]
    if unconfirmed:
        names = _named(runtime, unconfirmed)
        yield texts.say("letter.digest.line.unconfirmed", title=title, opens=opens, n=len(unconfirmed), names=names)


def _more(runtime: Runtime, n: int) -> list[str]:
    return [runtime.texts.say("letter.digest.line.more_people", n=n)] if n > 0 else []


def _late(runtime: Runtime, boards: Sequence[Board]) -> Iterator[str]:
    for board in boards:
        late = [line.unit_name for line in board.lines if line.standing is Standing.LATE]
        if late:
            names = _named(runtime, late)
            yield runtime.texts.say("letter.digest.line.late", title=board.cycle.title, n=len(late), names=names)


def _named(runtime: Runtime, names: Sequence[str]) -> str:
    shown = "; ".join(names[:NAMES_IN_A_LINE])
    n_more = len(names) - NAMES_IN_A_LINE
    return runtime.texts.say("letter.digest.line.more", names=shown, n=n_more) if n_more > 0 else shown
