"""Writes the page an operator opens in the morning: what needs a person, where each open cycle stands, what comes next.

What is to be done has a link beside it that opens the form of the act, filled in as far as it is known.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import cycles
from models.domain.vocabulary import OFFICE_ZONE, ContactHealth, EditionKind, Standing
from tasks.artifacts import artifact_key
from tasks.board import Board, DutyLine, board_of
from tasks.choices import arrival_choice, labelled
from tasks.contact_board import ContactBoard
from tasks.form_links import FormLinks, page_of, plain
from tasks.open_cycles import every_active_cycle
from tasks.runtime import Runtime
from tasks.waiting_work import HeldMail, WaitingWork, draft_sentence, waiting_work

DESK_KEY: Final = "viec-hom-nay"
NAMES_SHOWN: Final = 12
LINES_SHOWN: Final = 40
"""Of what needs a person; on a day with more, nobody reads further before these are done."""
ACTS_AT_HAND: Final = (
    "extend",
    "resolve_quarantine",
    "enter_on_behalf",
    "chase_now",
    "start_inspection",
    "compile_now",
)
"""What is done most often, beside what a line of the page links to."""


def desk_page(
    runtime: Runtime,
    as_of: datetime,
    counts: Mapping[str, int],
    links: FormLinks | None = None,
    boards: Mapping[str, Board] | None = None,
) -> str:
    """Return the page of the day, in Markdown; its first line sums it up.

    `boards` are those that have been put together for this instant already.
    """
    known = boards or {}
    shown = [known.get(code) or board_of(runtime, code, as_of) for code in every_active_cycle(runtime, as_of)]
    return _Desk(runtime, as_of, links or FormLinks(texts=runtime.texts), shown).page(counts)


class _Desk:
    """The page of one instant."""

    def __init__(self, runtime: Runtime, as_of: datetime, links: FormLinks, boards: Sequence[Board]) -> None:
        self._runtime, self._texts = runtime, runtime.texts
        self._as_of, self._links, self._boards = as_of, links, boards

    def page(self, counts: Mapping[str, int]) -> str:
        with self._runtime.sessions() as session:
            work = waiting_work(self._runtime, session, self._as_of, self._boards)
            people = self._people(session, work)
        notes = [self._texts.say("people.older_letters", n=work.n_older_letters)] if work.n_older_letters else []
        if counts.get("waiting"):
            notes.append(self._texts.say("people.waiting", n=counts["waiting"]))
        late = {line.unit_code for board in self._boards for line in board.lines if line.standing is Standing.LATE}
        summary = self._texts.say(
            "desk.summary",
            as_of=self._texts.instant(self._as_of),
            n_people=work.n,
            n_open=len(self._boards),
            n_late=len(late),
        )
        shown = people[:LINES_SHOWN] or [self._texts.say("people.nothing")]
        if len(people) > LINES_SHOWN:
            shown.append(self._texts.say("desk.more_people", n=len(people) - LINES_SHOWN))
        parts = [summary, self._texts.say("people.heading"), "\n".join(shown)]
        parts += notes
        parts += self._cycles()
        acts = " · ".join(self._links.link(code, self._texts.say(f"deployment.{code}.name")) for code in ACTS_AT_HAND)
        return "\n\n".join([*parts, self._texts.say("desk.acts"), acts])

    def _people(self, session: Session, work: WaitingWork) -> list[str]:
        """Return what needs a person, a line each."""
        texts = self._texts
        lines = [self._held(session, each) for each in (*work.overdue, *work.held)]
        lines += [f"- {plain(line)}" for line in (*work.refused, *work.deferred)]
        lines += [texts.say("desk.draft", draft=draft_sentence(texts, draft), path=draft.path) for draft in work.drafts]
        lines += [
            texts.say("people.doubtful", recipient=plain(each.recipient), subject=plain(each.subject))
            for each in work.doubtful
        ]
        lines += [
            texts.say(
                "people.failed",
                recipient=plain(each.recipient),
                subject=plain(each.subject),
                detail=plain(each.detail),
            )
            for each in work.failed
        ]
        lines += [
            texts.say("people.unreachable", unit=plain(line.unit_name), title=cycle.title, phone=line.phone or "–")
            for cycle, line in work.unreached
        ]
        lines += [line for board in work.coming for line in lines_about_contacts(self._runtime, board)]
        return lines

    def _held(self, session: Session, held: HeldMail) -> str:
        """Return a mail that waits, with its form; who seems to have sent it is filled in for a person to confirm."""
        filled: dict[str, object] = {"held_arrival": arrival_choice(self._runtime, held.arrival)}
        guessed = [] if held.arrival.duty_id is None else [held.arrival.duty_id]
        for record in cycles.duties(session, guessed).values():
            cycle = cycles.cycle(session, record.duty.cycle_code)
            filled["held_cycle"] = labelled(cycle.code, cycle.title)
            filled["held_unit"] = labelled(record.duty.unit_code, record.duty.unit_name)
        link = self._links.link("resolve_quarantine", self._texts.say("desk.resolve"), **filled)
        return self._texts.say("desk.line", line=plain(held.sentence), link=link)

    def _cycles(self) -> list[str]:
        if not self._boards:
            return [self._texts.say("desk.cycles"), self._texts.say("desk.no_cycle")]
        lines = [line for board in reversed(self._boards) for line in self._cycle(board)]
        return [self._texts.say("desk.cycles"), "\n".join(lines)]

    def _cycle(self, board: Board) -> Iterator[str]:
        """Yield where a cycle stands: not as a table, for its cells would not wrap in the pages."""
        texts, cycle = self._texts, board.cycle
        files = f"[{texts.say('desk.files')}]({page_of(artifact_key('ket-qua', cycle.code))})"
        yield texts.say(
            "desk.cycle",
            cycle=f"[{cycle.title}]({page_of(artifact_key('bang', cycle.code))})",
            last_day=texts.day(cycle.last_day),
            n=board.n_answered,
            total=len(board.lines),
            more=" · ".join([files, *self._compile(board)]),
        )
        yield from self._late(board)
        yield from self._coming(board)

    def _compile(self, board: Board) -> list[str]:
        if not board.cycle.has_form:
            return []
        kind = labelled(EditionKind.PROVISIONAL.value, self._texts.label(EditionKind.PROVISIONAL))
        cycle = labelled(board.cycle.code, board.cycle.title)
        return [self._links.link("compile_now", self._texts.say("desk.compile"), cycle=cycle, edition_kind=kind)]

    def _late(self, board: Board) -> Iterator[str]:
        """Yield who is late, by name; each name opens the form of an extension for that unit."""
        late = [line for line in board.lines if line.standing is Standing.LATE]
        if late:
            names = "; ".join(extension_link(self._links, board, line) for line in late[:NAMES_SHOWN])
            code = "desk.late_and_more" if len(late) > NAMES_SHOWN else "desk.late"
            yield self._texts.say(code, n=len(late), names=names, n_more=len(late) - NAMES_SHOWN)

    def _coming(self, board: Board) -> Iterator[str]:
        """Yield the rungs of the nearest day on which units are written to, and how many units."""
        today = self._as_of.astimezone(OFFICE_ZONE).date()
        planned: Counter[tuple[date, str]] = Counter(
            (max(line.next_rung_on, today), line.next_rung) for line in board.lines if line.next_rung_on is not None
        )
        if planned:
            nearest = min(day for day, _ in planned)
            rungs = "; ".join(
                self._texts.say("desk.coming", day=self._texts.day(day), rung=self._texts.say(f"rung.{rung}"), n=n)
                for (day, rung), n in sorted(planned.items())
                if day == nearest
            )
            yield self._texts.say("desk.coming_first", coming=rungs)


def extension_link(links: FormLinks, board: Board, line: DutyLine, shown: str = "") -> str:
    """Return the unit's name, or what is `shown` for it, as a link to the form of an extension for it in this cycle."""
    return links.link(
        "extend",
        plain(shown or line.unit_name),
        cycle=labelled(board.cycle.code, board.cycle.title),
        units=[labelled(line.unit_code, line.unit_name)],
    )


def lines_about_contacts(runtime: Runtime, board: ContactBoard) -> list[str]:
    """Return what is to be done before a cycle opens: units that nobody can write to, and those not confirmed."""
    texts, title = runtime.texts, board.cycle.title
    lines = [
        texts.say("people.unreachable", unit=plain(line.unit_name), title=title, phone=line.phone or "–")
        for line in board.with_health(ContactHealth.UNREACHABLE)
    ]
    unconfirmed = [plain(line.unit_name) for line in board.with_health(ContactHealth.UNCONFIRMED)]
    if unconfirmed:
        opens, total = texts.day(board.cycle.opens_at.date()), len(board.lines)
        units = "; ".join(unconfirmed)
        lines.append(
            texts.say("people.unconfirmed", title=title, opens=opens, n=len(unconfirmed), total=total, units=units)
        )
    return lines
