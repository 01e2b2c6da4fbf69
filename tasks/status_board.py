"""Makes the status board: a folder of pages for those who never open Prefect, that works from any file share."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles
from models.domain.calendar import last_day_before
from models.domain.cycles import Cycle, planned_cycles
from models.domain.duties import Duty
from models.domain.overview import Curve, Slot, Tally, compared_with, curve_of, tally
from models.domain.vocabulary import Standing
from tasks.adapters.board_charts import Bar, ChartWords, draw_bars, draw_curves
from tasks.adapters.board_pages import BoardFolder, BoardPages
from tasks.adapters.verdict_words import verdict_in_words
from tasks.board import Board, DutyLine, board_of
from tasks.names import run_name
from tasks.open_cycles import every_active_cycle
from tasks.parent_board import parent_rows
from tasks.runtime import Runtime
from tasks.verdicts import verdicts_of
from tasks.waiting_work import waiting_work

logger = logging.getLogger(__name__)

FOLDER: Final = "board"
FRONT: Final = "index.html"
CHARTS: Final = "charts"
FEW_UNITS: Final = 5
"""A cycle of fewer units is a line of a table: there is nothing to draw."""
TILES_ON_THE_FRONT: Final = 400
"""A cycle of more units shows its groups on the front page, and its units on pages of its own."""
UNITS_A_PAGE: Final = 500
CYCLES_OF_TREND: Final = 8
DAYS_AFTER: Final = 30
DAYS_AHEAD: Final = 120
NEEDS_A_PERSON: Final = frozenset({Standing.SUBMITTED, Standing.LATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBoard:
    """What became of the board: where its front page lies, and how many pages were written and taken away."""

    front: Path
    n_written: int
    n_gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One unit on the board."""

    unit_code: str
    unit_name: str
    group: str
    standing: Standing
    sign: str
    received: str
    last: str
    contact: str
    page: str
    """From the folder of its cycle."""
    note: str = ""
    """What must be known beside its standing: that no letter had reached it in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The units of one group of a cycle, as the plan orders them."""

    title: str
    tally: Tally
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleView:
    """One cycle as its pages and the front page show it."""

    code: str
    title: str
    clause: str
    deadline: str
    due_at: datetime
    tally: Tally
    groups: tuple[Group, ...]
    tiles: tuple[Tile, ...]
    """Every unit, those that need a person first."""
    chart: str
    curves: tuple[Curve, ...]
    shows_tiles: bool
    parents: tuple[Mapping[str, str], ...] = ()
    """A row for each parent by column, of a cycle whose units report to their parents; most children late first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """A unit, or a thing, that needs a person first."""

    what: str
    why: str
    contact: str
    page: str


@task(name="make-board", task_run_name=run_name("make_board"), cache_policy=NO_CACHE)
def make_status_board(runtime: Runtime, as_of: datetime, codes: Collection[str] | None = None) -> None:
    """Bring the status board up to date for the cycles that are active; the units' pages for `codes` only, if given.

    There is one board, of the present: a run for a past day leaves it at that.
    """
    made = make_board(runtime, max(as_of, runtime.clock.now()), units_of=codes)
    if made.n_written:
        logger.info(runtime.texts.say("log.board_made", n=made.n_written, path=made.front))


def make_board(
    runtime: Runtime,
    as_of: datetime,
    *,
    is_whole: bool = False,
    units_of: Collection[str] | None = None,
    heard: Callable[[int, int], None] | None = None,
) -> MadeBoard:
    """Write what is new of the board, and return what became of it; `heard` is told how many cycles are done of all.

    Pages are made of the cycles that are active, with `is_whole` of every cycle that has opened. With `units_of` the
    units' pages are looked at for those cycles only, and for those that have none yet: ten thousand take a while.
    Pages of other cycles stay; those of cycles and units that are no more are taken away. Running again writes the
    front page only.
    """
    maker = _Maker(runtime, as_of)
    with runtime.sessions() as session:
        opened = [cycle for cycle in cycles.all_cycles(session) if cycle.opens_at <= as_of]
        codes = {cycle.code for cycle in opened} if is_whole else set(every_active_cycle(runtime, as_of))
        shown = [cycle for cycle in opened if cycle.code in codes and cycle.programme_code in runtime.programmes]
        views = []
        for number, cycle in enumerate(shown, start=1):
            views.append(maker.cycle(session, cycle, opened, units_of))
            if heard is not None:
                heard(number, len(shown))
        maker.front(session, views, opened)
    with runtime.sessions() as session:  # read again: another round may have opened one, and made its pages, meanwhile
        known = {cycle.code for cycle in cycles.all_cycles(session)} - maker.looked_at
    n_gone = maker.folder.finish(lambda path: _cycle_of(path) in known)
    return MadeBoard(
        front=runtime.settings.shared.resolve() / FOLDER / FRONT, n_written=maker.folder.n_written, n_gone=n_gone
    )


class _Maker:
    """Makes the pages of one board."""

    def __init__(self, runtime: Runtime, as_of: datetime) -> None:
        self.folder = BoardFolder(runtime.settings.shared / FOLDER)
        self._runtime = runtime
        self._texts = runtime.texts
        self._pages = BoardPages(runtime.texts)
        self._as_of = as_of
        self._duties: dict[str, list[Duty]] = {}
        self.looked_at: set[str] = set()
        """Cycles of which every page was brought up to date."""

    def cycle(
        self, session: Session, cycle: Cycle, opened: Sequence[Cycle], units_of: Collection[str] | None
    ) -> tuple[CycleView, Board]:
        """Write the pages of a cycle and of each of its units, and return it as the front page shows it."""
        board = board_of(self._runtime, cycle.code, self._as_of)
        view = self._view(session, cycle, board, opened)
        if units_of is None or cycle.code in units_of or not self.folder.has(f"{cycle.code}/{FRONT}"):
            self._units(session, cycle)
            self.looked_at.add(cycle.code)
        pages = [view.tiles[at : at + UNITS_A_PAGE] for at in range(0, len(view.tiles), UNITS_A_PAGE)] or [()]
        names = [_page_name(number) for number in range(1, len(pages) + 1)]
        for name, tiles in zip(names, pages, strict=True):
            facts = {"view": view, "tiles": tiles, "names": names, "name": name, "home": "../"}
            self._bring(f"{cycle.code}/{name}", "cycle", facts)
        return view, board

    def front(self, session: Session, made: Sequence[tuple[CycleView, Board]], opened: Sequence[Cycle]) -> None:
        """Write the front page; it says of which instant it is, and is new each time."""
        views = [view for view, _ in made]
        large = [view for view in views if view.tally.n >= FEW_UNITS]
        bars = self._bars(session, opened)
        facts: dict[str, object] = {
            "as_of": self._as_of,
            "large": sorted(large, key=lambda view: view.due_at, reverse=True),
            "small": sorted((view for view in views if view.tally.n < FEW_UNITS), key=lambda view: view.due_at),
            "drawings": {view.code: self.folder.read(view.chart) for view in large},
            "bars": bars,
            "trend": self._trend(bars) if bars else "",
            "slots": [slot for slot in Slot if slot is not Slot.WAIVED],
            "people": self._attention(session, made),
            "deadlines": self._deadlines(opened),
            "title": ", ".join(programme.short_title for programme in self._runtime.programmes.values()),
            "desk": next(iter(self._runtime.programmes.values())).desk,
            "home": "",
        }
        self._bring(FRONT, "index", facts)

    def _bring(self, path: str, template: str, facts: Mapping[str, object]) -> None:
        made_from = f"{self._pages.edition} {facts!r}"
        facts = {"as_of": self._as_of} | dict(facts)
        self.folder.bring(path, made_from, lambda: self._pages.page(template, facts))

    def _units(self, session: Session, cycle: Cycle) -> None:
        """Write the page of each unit's verdict, where a fact of it has changed."""
        calendar = self._runtime.programme_of(cycle).calendar
        for verdict in verdicts_of(self._runtime, session, cycle, self._as_of):
            text = verdict_in_words(verdict, calendar, self._texts)
            facts = {"text": text, "standing": verdict.standing, "counts": verdict.counts, "home": "../"}
            self._bring(f"{cycle.code}/{verdict.duty.unit_code}.html", "unit", facts)

    def _view(self, session: Session, cycle: Cycle, board: Board, opened: Sequence[Cycle]) -> CycleView:
        programme = self._runtime.programme_of(cycle)
        duties = self._duties_of(session, cycle)
        tiles = tuple(self._tile(line) for line in board.lines)
        titles = dict(programme.groups)
        order = {code: place for place, code in enumerate(titles)}
        codes = sorted({duty.group for duty in duties}, key=lambda code: order.get(code, len(order)))
        groups = tuple(
            Group(
                title=titles.get(code, code),
                tally=tally((duty for duty in duties if duty.group == code), self._as_of),
                tiles=tuple(tile for tile in tiles if tile.group == code),
            )
            for code in codes
        )
        whole = tally(duties, self._as_of)
        curves = self._curves(session, cycle, opened) if whole.n >= FEW_UNITS else ()
        return CycleView(
            code=cycle.code,
            title=cycle.title,
            clause=cycle.clause,
            deadline=self._texts.deadline(cycle.due_at, programme.calendar),
            due_at=cycle.due_at,
            tally=whole,
            groups=groups,
            tiles=tiles,
            chart=self._chart(cycle, curves) if curves else "",
            curves=curves,
            shows_tiles=len(tiles) <= TILES_ON_THE_FRONT,
            parents=tuple(parent_rows(self._runtime, board)) if cycle.is_of_children else (),
        )

    def _duties_of(self, session: Session, cycle: Cycle) -> list[Duty]:
        if cycle.code not in self._duties:
            chunks = cycles.duties_in_chunks(session, cycle.code, size=self._runtime.settings.units_per_chunk)
            self._duties[cycle.code] = [record.duty for chunk in chunks for record in chunk]
        return self._duties[cycle.code]

    def _tile(self, line: DutyLine) -> Tile:
        texts = self._texts
        last = texts.say(f"rung.{line.last_rung}") if line.last_rung else "–"
        if line.last_rung_at is not None:
            last = f"{last} ({texts.day(line.last_rung_at.date())})"
        return Tile(
            unit_code=line.unit_code,
            unit_name=line.unit_name,
            group=line.group,
            standing=line.standing,
            sign=texts.say(f"board_page.sign.{line.standing.value}"),
            received=texts.instant(line.received_at) if line.received_at else "–",
            last=last,
            contact=self._reached_at(line),
            page=f"{line.unit_code}.html",
            note=texts.say("board.never_reached") if line.is_never_reached else "",
        )

    def _curves(self, session: Session, cycle: Cycle, opened: Sequence[Cycle]) -> tuple[Curve, ...]:
        shown = (cycle, *compared_with(cycle, opened))
        return tuple(
            curve_of(each, self._duties_of(session, each), self._as_of, days_after=DAYS_AFTER) for each in shown
        )

    def _chart(self, cycle: Cycle, curves: Sequence[Curve]) -> str:
        """Draw a cycle's curves, unless nothing of them has changed, and return where the drawing lies."""
        texts, path = self._texts, f"{CHARTS}/{cycle.code}.svg"
        last_day = texts.day(last_day_before(cycle.late_at))
        words = ChartWords(
            name=cycle.code,
            title=texts.say("board_page.curve.title", title=cycle.title),
            description=texts.say("board_page.curve.description", percent=round(curves[0].points[-1][1]))
            if curves[0].points
            else "",
            across=texts.say("board_page.curve.across"),
            up=texts.say("board_page.curve.up"),
        )
        labels = [curve.title for curve in curves]
        marked = texts.say("board_page.curve.last_day", day=last_day)
        self.folder.bring(path, f"{words!r} {curves!r} {marked}", lambda: draw_curves(curves, labels, marked, words))
        return path

    def _bars(self, session: Session, opened: Sequence[Cycle]) -> list[Bar]:
        """Return the newest cycles that many units were asked in, the oldest first."""
        with_form = [cycle for cycle in opened if cycle.has_form and cycle.programme_code in self._runtime.programmes]
        newest = sorted(with_form, key=lambda cycle: (cycle.due_at, cycle.code))[-2 * CYCLES_OF_TREND :]
        bars = [Bar(label=each.title, tally=tally(self._duties_of(session, each), self._as_of)) for each in newest]
        return [bar for bar in bars if bar.tally.n >= FEW_UNITS][-CYCLES_OF_TREND:]

    def _trend(self, bars: Sequence[Bar]) -> str:
        texts, path = self._texts, f"{CHARTS}/trend.svg"
        words = ChartWords(
            name="trend",
            title=texts.say("board_page.trend.title"),
            description=texts.say("board_page.trend.description", n=len(bars)),
            across=texts.say("board_page.trend.across"),
        )
        labels = {slot: texts.label(slot) for slot in Slot}
        self.folder.bring(path, f"{words!r} {bars!r}", lambda: draw_bars(bars, labels, words))
        return self.folder.read(path)

    def _attention(self, session: Session, made: Sequence[tuple[CycleView, Board]]) -> list[Attention]:
        """Return what needs a person: mails that wait, letters in doubt, late units, and those that nothing reaches."""
        found = [
            Attention(
                what=f"{line.unit_name} · {view.title}",
                why=self._why(line),
                contact=self._reached_at(line),
                page=f"{view.code}/{line.unit_code}.html",
            )
            for view, board in made
            for line in board.lines
            if line.cannot_be_reached or line.standing in NEEDS_A_PERSON
        ]
        work = waiting_work(self._runtime, session, self._as_of, [board for _, board in made])
        n_held = len(work.overdue) + len(work.held)
        said = [("held", n_held), ("letters", work.n_letters), ("drafts", len(work.drafts))]
        things = [
            Attention(what=self._texts.say(f"board_page.people.{code}", n=n), why="", contact="", page="")
            for code, n in said
            if n
        ]
        return [*things, *found]

    def _reached_at(self, line: DutyLine) -> str:
        known = [part for part in (line.contact, line.phone) if part]
        return " · ".join(known) or self._texts.say("board.no_contact")

    def _why(self, line: DutyLine) -> str:
        if line.cannot_be_reached:
            return self._texts.say("board_page.people.unreached")
        if line.standing is Standing.SUBMITTED:
            return self._texts.label(line.standing)
        late = self._texts.say("board_page.people.late", day=self._texts.day(line.late_at.date()))
        return f"{late}; {self._texts.say('board.never_reached')}" if line.is_never_reached else late

    def _deadlines(self, opened: Sequence[Cycle]) -> list[tuple[Cycle, str]]:
        """Return what falls due next, what has opened by hand included, the nearest first."""
        years = (self._as_of.year, (self._as_of + timedelta(days=DAYS_AHEAD)).year)
        coming = {cycle.code: cycle for cycle in opened}
        for programme in self._runtime.programmes.values():
            scheduled = {obligation.code for obligation in programme.obligations if obligation.is_scheduled}
            for cycle in planned_cycles(programme, first_year=years[0], last_year=years[1]):
                if cycle.obligation_code in scheduled:
                    coming.setdefault(cycle.code, cycle)
        until = self._as_of + timedelta(days=DAYS_AHEAD)
        near = [cycle for cycle in coming.values() if self._as_of < cycle.due_at <= until]
        near.sort(key=lambda cycle: (cycle.due_at, cycle.code))
        return [
            (cycle, self._texts.deadline(cycle.due_at, self._runtime.programme_of(cycle).calendar))
            for cycle in near
            if cycle.programme_code in self._runtime.programmes
        ]


def _cycle_of(path: str) -> str:
    """Return the cycle that a page or a drawing is of, by its path."""
    folder, _, name = path.rpartition("/")
    return name.removesuffix(".svg") if folder == CHARTS else folder


def _page_name(number: int) -> str:
    return FRONT if number == 1 else f"page-{number}.html"
