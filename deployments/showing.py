"""Shows tables and verdicts in a terminal; where there is none, plainly and without colours, wide enough for a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from tasks.adapters.texts import Texts
from tasks.adapters.verdict_words import Section, VerdictText

if TYPE_CHECKING:  # a command loads what it does, not what others do
    from tasks.purge import Purge

WIDTH_OF_A_FILE: Final = 200
"""Characters of a table that is written into a file or a pipe, where there is no terminal to fit."""


WIDTH_OF_A_COLUMN: Final = 24
"""Characters within which what stands in a cell can be broken into lines and still be read."""


class Bar:
    """How far a long work is; `heard` is told how much is done, and of how much."""

    def __init__(self, progress: Progress, title: str) -> None:
        """Show nothing yet: how much there is to do is not known."""
        self._progress = progress
        self._task = progress.add_task(title, total=None)

    def heard(self, done: int, total: int) -> None:
        """Show how far the work is."""
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def shown_bar(title: str, *, is_shown: bool) -> Iterator[Bar]:
    """Yield a bar for a long work: on the error output, gone when it is done, and only where a person looks on."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not (is_shown and console.is_terminal)
    ) as progress:
        yield Bar(progress, title)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, texts: Texts) -> None:
    """Print a table; what stands in a cell is never read as markup.

    A terminal is given as many columns, from the left, as can be read in it, and the names of the others.
    """
    console = plain_console()
    n_shown = _n_that_fit(columns, rows, console.width) if console.is_terminal else len(columns)
    table = Table(show_edge=False, pad_edge=False)
    for column in columns[:n_shown]:
        table.add_column(Text(column), overflow="fold")  # an address that was cut short is of no use
    for row in rows:
        table.add_row(*map(Text, row[:n_shown]))
    console.print(table)
    if n_shown < len(columns):
        console.print(Text(texts.say("cli.more_columns", columns="; ".join(columns[n_shown:])), style="dim"))


def _n_that_fit(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how many columns a terminal shows without breaking words into letters; the first is always there."""
    used = 0
    for n, column in enumerate(columns):
        cells = [column, *(row[n] for row in rows)]
        used += min(WIDTH_OF_A_COLUMN, max(map(cell_len, cells))) + len(" │ ")
        if used > width and n:
            return n
    return len(columns)


def show_verdict(text: VerdictText, as_of: datetime, texts: Texts) -> None:
    """Print a verdict, part by part."""
    console = plain_console()
    console.print(Text(texts.say("verdict.title", unit=text.unit, cycle=text.cycle), style="bold"))
    console.print(Text(texts.say("verdict.as_of", as_of=texts.instant(as_of))))
    console.print(Text(text.summary, style="bold"))
    for section in text.sections:
        console.print()
        console.print(Text(section.heading, style="bold cyan"))
        console.print(_table_of(section))


def show_purge(found: "Purge", texts: Texts) -> None:
    """Print what a purge removes, or has removed, kind by kind, and what to do next."""
    names = ("kept_kind", "keep", "n_files", "megabytes", "cycles")
    rows = [
        (
            texts.label(each.kind),
            _kept_for(each.months, texts),
            texts.number(each.n_files),
            _megabytes(each.n_octets, texts),
            ", ".join(each.cycles) or "–",
        )
        for each in found.kinds
    ]
    show_table([texts.say(f"cli.column.{name}") for name in names], rows, texts=texts)
    what = "done" if found.is_done else "planned"
    if not found.n_files and not found.n_left_over:
        what = "nothing"
    facts = {"n": found.n_files, "size": _megabytes(found.n_octets, texts), "as_of": texts.instant(found.as_of)}
    lines = [texts.say(f"cli.purge_{what}", **facts)]
    if found.n_left_over:
        lines.append(texts.say("cli.purge_left_over", n=found.n_left_over))
    plain_console().print(Text("\n".join(lines)), soft_wrap=True)


def _megabytes(n_octets: int, texts: Texts) -> str:
    return texts.number(round(n_octets / 1_000_000, 1))


def _kept_for(months: int, texts: Texts) -> str:
    if not months:
        return texts.say("cli.keep_for_ever")
    years, rest = divmod(months, 12)
    return texts.say("cli.keep_months", n=months) if rest else texts.say("cli.keep_years", n=years)


def _table_of(section: Section) -> Table:
    table = Table(box=None, pad_edge=False, show_header=bool(section.columns))
    for column in section.columns or ("",) * len(section.rows[0]):
        table.add_column(Text(column))
    for row in section.rows:
        table.add_row(*map(Text, row))
    return table


def plain_console() -> Console:
    """Return a console as wide as the terminal; into a file or a pipe as wide as a table needs."""
    console = Console()
    return Console(width=None if console.is_terminal else WIDTH_OF_A_FILE)
