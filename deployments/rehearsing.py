"""Shows a rehearsed year in a terminal: progress while it runs, then the days with their letters, counted."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from models.domain.plan import Programme
from models.domain.rehearsal import RehearsedLetter, RehearsedYear
from models.domain.vocabulary import OFFICE_ZONE, LetterKind
from tasks.adapters.rehearsal_sheet import kind_of_letter
from tasks.adapters.texts import Texts

COLUMNS: Final = ("day", "rung", "cycle", "letters", "first")
UNBROKEN_COLUMNS: Final = ("day", "letters")
WIDTH_OF_A_FILE: Final = 200
"""Characters of a table that is written into a file or a pipe."""


@contextmanager
def shown_progress(texts: Texts, *, is_shown: bool) -> Iterator[Callable[[date, float], None]]:
    """Yield what a rehearsal tells its day and share to; a bar on a terminal, nothing anywhere else."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not (is_shown and console.is_terminal)) as bar:
        line = bar.add_task("", total=1.0)

        def heard(day: date, share: float) -> None:
            bar.update(line, completed=share, description=texts.say("rehearsal.progress", day=texts.day(day)))

        yield heard


def show_rehearsal(rehearsed: RehearsedYear, programme: Programme, texts: Texts) -> None:
    """Print the year: each day with its letters by rung and cycle, the sums, and the rungs that were left out."""
    console = Console()
    console = Console(width=None if console.is_terminal else WIDTH_OF_A_FILE, highlight=False, markup=False)
    code = rehearsed.scenario.code
    scenario = texts.say(f"rehearsal.scenario.{code}")
    heading = texts.say(
        "rehearsal.heading", programme=programme.short_title, year=rehearsed.year, name=code, scenario=scenario
    )
    console.print(heading)
    console.print(texts.say("rehearsal.nothing_real"))
    console.print(_table(rehearsed, texts) if rehearsed.letters else texts.say("rehearsal.no_letter"))
    console.print(_summary(rehearsed, texts))
    for line in [*_most_copies(rehearsed, texts), *_skipped(rehearsed, texts)]:
        console.print(line)


def _table(rehearsed: RehearsedYear, texts: Texts) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for name in COLUMNS:
        # The table takes what it lacks from the columns that may wrap: days and sums are what people compare.
        table.add_column(texts.say(f"rehearsal.column.{name}"), no_wrap=name in UNBROKEN_COLUMNS)
    for day, group in groupby(rehearsed.letters, key=lambda letter: letter.day):
        shown = texts.day_with_weekday(day)
        for row in _rows(list(group), texts):
            table.add_row(shown, *row)
            shown = ""
    return table


def _rows(letters: Sequence[RehearsedLetter], texts: Texts) -> Iterator[tuple[str, str, str, Text]]:
    alike: dict[tuple[LetterKind, tuple[str, ...], tuple[str, ...]], list[RehearsedLetter]] = {}
    for letter in letters:
        cycles = tuple(dict.fromkeys(each.cycle_code for each in letter.spoken))
        alike.setdefault((letter.kind, letter.rungs, cycles), []).append(letter)
    for (kind, rungs, cycles), found in alike.items():
        names = kind_of_letter((kind, rungs), texts)
        is_digest = len(rungs) > 1 and kind is LetterKind.CHASE
        rung = texts.say("rehearsal.digest", rungs=names) if is_digest else names
        yield (
            rung,
            ", ".join(cycles),
            texts.number(len(found)),
            Text(found[0].subject, no_wrap=True, overflow="ellipsis"),
        )


def _summary(rehearsed: RehearsedYear, texts: Texts) -> str:
    return texts.say(
        "rehearsal.summary",
        letters=texts.number(len(rehearsed.letters)),
        days=len({letter.day for letter in rehearsed.letters}),
        recipients=len({letter.recipient for letter in rehearsed.letters}),
        duties=len(rehearsed.duties),
        units=len({duty.unit_code for duty in rehearsed.duties}),
        answered=sum(duty.answered_at is not None for duty in rehearsed.duties),
    )


def _most_copies(rehearsed: RehearsedYear, texts: Texts) -> Iterator[str]:
    """Yield who is copied most on one day, for copies are no letters of their own and nothing bundles them."""
    counts = Counter((address, letter.day) for letter in rehearsed.letters for address in letter.copies)
    for (address, day), n in counts.most_common(1):
        yield texts.say("rehearsal.most_copies", n=n, address=address, day=texts.day(day))


def _skipped(rehearsed: RehearsedYear, texts: Texts) -> Iterator[str]:
    counts = Counter(
        (skip.at.astimezone(OFFICE_ZONE).date(), skip.cycle_code, skip.rung, skip.reason) for skip in rehearsed.skipped
    )
    if counts:
        yield texts.say("rehearsal.skipped_heading", n=texts.number(counts.total()))
    for (day, cycle, rung, reason), n in counts.items():
        name = texts.say(f"rung.{rung}") if rung else "–"
        yield texts.say(
            "rehearsal.skipped", n=n, reason=texts.label(reason), rung=name, cycle=cycle, day=texts.day(day)
        )
