"""Which rows the chained audit covers, and their digests: facts that decisions wrote, by columns that are listed here.

A column that is in neither list fails a test: whoever adds one says whether it is covered. A covered column is a new
format, for what was chained before has no digest of it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import JSON, Connection, Table

from models.db.base import Base
from models.domain.audit_chain import Cell, Coverage, canonical_json, digests_of_rows, spans
from models.domain.vocabulary import RowChange

ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Children:
    """A table whose rows belong to one covered row, and stand in its digest."""

    name: str
    parent: str
    """The column that names the covered row."""
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Covered:
    """A table whose rows are covered, each by its `id`, in the columns of this format."""

    name: str
    columns: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """Columns that change without a decision: where a letter stands, where a file lies."""
    children: tuple[Children, ...] = ()

    @cached_property
    def table(self) -> Table:
        """The table."""
        return Base.metadata.tables[self.name]

    @cached_property
    def place(self) -> Mapping[str, int]:
        """By column its place in a row that was read; the key stands before it."""
        return {name: place for place, name in enumerate(self.columns, start=1)}


COVERED: Final[Mapping[str, Covered]] = {
    each.name: each
    for each in (
        Covered(
            "cycle",
            (
                *("code", "programme_code", "obligation_code", "clause", "title", "year", "opens_at", "due_at"),
                *("late_at", "period_start", "period_end", "terms", "content", "product", "opened_at"),
            ),
        ),
        Covered(
            "duty",
            (
                *("cycle_id", "unit_code", "unit_name", "group_code", "parent_code", "parent_name"),
                *("member_in_charge", "token", "completed_at", "accepted_at"),
            ),
            left_out=("form_digest",),
        ),
        Covered("duty_mark", ("duty_id", "kind", "stated_at", "until", "reason", "operator")),
        Covered("reopening", ("duty_id", "reopened_at", "completed_at", "accepted_at", "comment", "letter_id")),
        Covered(
            "arrival",
            (
                *("key", "channel", "received_at", "taken_at", "digest", "is_cut", "operator", "file_name", "sender"),
                *("subject", "message_id", "outcome", "judged_at", "duty_id", "reasons", "workbook_digest"),
                *("workbook_name", "resolved_at", "is_secret", "document_number", "signed_on", "signer", "part"),
                "whole_id",
            ),
            left_out=("filed_at",),
        ),
        Covered(
            "submission",
            (
                *("arrival_id", "duty_id", "number", "received_at", "judged_at", "has_sound_form", "attachments"),
                *("form_version", "workbook_digest"),
            ),
            children=(
                Children("figure", "submission_id", ("field", "amount", "text", "is_estimate", "note")),
                Children("narrative", "submission_id", ("section", "text")),
            ),
        ),
        Covered("explanation", ("duty_id", "question", "subject", "value", "text", "given_at", "arrival_id")),
        Covered(
            "letter",
            ("key", "message_id", "kind", "recipient", "queued_at", "arrival_id"),
            left_out=("day", "state", "n_attempts", "claimed_at", "finished_at", "subject", "detail"),
        ),
        Covered(
            "reminder",
            ("duty_id", "rung", "recipient", "decided_at", "cancelled_because", "occasion"),
            left_out=("letter_id",),
        ),
        Covered("skip", ("duty_id", "rung", "reason", "noted_at")),
        Covered("draft", ("cycle_id", "rung", "as_of", "n_units", "path")),
        Covered(
            "edition",
            (
                *("cycle_id", "number", "kind", "as_of", "inputs_digest", "n_expected", "n_reported", "totals"),
                *("sources", "workbook", "report"),
            ),
            children=(Children("edition_file", "edition_id", ("path", "digest")),),
        ),
        Covered("roster_import", ("programme_code", "imported_at", "digest", "operator")),
        Covered("audit", ("at", "operator", "action", "subject", "unit_code", "reason", "details", "run")),
        Covered(
            "inspection",
            (
                *("code", "programme_code", "obligation_code", "cycle_id", "title", "scope", "basis", "leader", "team"),
                *("starts_on", "ends_on", "conclude_by", "seed", "proposal", "started_at", "concluded_on"),
                *("conclusion_number", "conclusion"),
            ),
        ),
        Covered(
            "inspection_finding",
            ("inspection_id", "number", "unit_code", "text", "remedy", "owner", "remedy_cycle_id", "recorded_at"),
        ),
        Covered("target", ("programme_code", "year", "unit_code", "field", "amount", "set_at")),
        Covered(
            "review",
            (
                *("code", "programme_code", "kind", "year", "title", "as_of", "opened_at", "contest_until"),
                *("frozen_at", "digest"),
            ),
        ),
        Covered(
            "review_score",
            (
                *("review_id", "unit_code", "unit_name", "group_code", "criterion", "criterion_title", "points"),
                *("at_most", "evidence"),
            ),
        ),
        Covered(
            "contest",
            (
                *("review_id", "unit_code", "criterion", "raised_at", "reason", "decision", "points", "decided_at"),
                *("decided_because", "operator"),
            ),
        ),
        Covered(
            "classification",
            (
                *("programme_code", "year", "unit_code", "grade", "decision_number", "signed_on", "entered_at"),
                "operator",
            ),
        ),
    )
}
"""By name the tables whose rows are covered, as of format 1."""
UNCOVERED: Final = frozenset(
    {
        *("unit", "unit_relation", "contact", "member"),  # the roster is replaced whole: its import is covered
        *("bounced_address", "heartbeat", "outage", "trouble", "release_in_use"),  # what was observed, not decided
        *("member_notice", "roll_call", "roll_call_token", "handover", "score_letter"),  # what a covered letter tells
        "contact_confirmation",  # its arrival is covered
        "removed_file",  # the act that removes files is covered
        "audit_entry",
    }
)


def read_rows(connection: Connection, covered: Covered, keys: Iterable[int]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows that are there in pieces, by ascending key: the key, then the columns as the driver has them."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        piece = wanted[start : start + ROWS_AT_ONCE]
        yield _plainly(connection, covered.name, ("id", *covered.columns), "id", piece)


def digested(connection: Connection, covered: Covered, rows: Sequence[tuple[Any, ...]]) -> dict[int, bytes]:
    """Return by key the digest of each row, its children within it."""
    jsons = [place for name, place in covered.place.items() if isinstance(covered.table.c[name].type, JSON)]
    # SQLite's driver has every cell but JSON as it is hashed; to go through them one by one takes longer than to hash.
    cells_of: Callable[[Iterable[Any]], list[Cell]] = list
    if connection.dialect.name != "sqlite":
        cells_of = _as_sqlite_keeps
    by_key = {row[0]: cells_of(row) for row in rows}
    for row in rows if jsons else ():
        for place in jsons:
            by_key[row[0]][place] = _json_cell(row[place])
    for kind in covered.children:
        for key, *line in _children(connection, kind, list(by_key)):
            if key in by_key:  # what was put between two numbers past the program is nobody's
                by_key[key] += [kind.name, *cells_of(line)]
    return dict(zip(by_key, digests_of_rows(list(by_key.values())), strict=True))


def _as_sqlite_keeps(row: Iterable[Any]) -> list[Cell]:
    return [_cell(each) for each in row]


def coverage_of(
    covered: Covered, change: RowChange, keys: Collection[int], digests: Mapping[int, bytes]
) -> Coverage | None:
    """Return what an entry keeps of rows that were written in one way; None when none of them is there.

    `digests` are by ascending key.
    """
    if change is RowChange.GONE:
        return Coverage(table=covered.name, change=change, keys=tuple(sorted(keys))) if keys else None
    kept = digests if len(keys) == len(digests) else {key: digests[key] for key in digests if key in keys}
    if not kept:
        return None
    return Coverage(table=covered.name, change=change, keys=tuple(kept), digests=b"".join(kept.values()))


def _children(connection: Connection, kind: Children, keys: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of the parents with the lines of a table of children, in an order that no collation changes."""
    for start in range(0, len(keys), ROWS_AT_ONCE):
        piece = keys[start : start + ROWS_AT_ONCE]
        rows = _plainly(connection, kind.name, (kind.parent, *kind.columns), kind.parent, piece)
        yield from sorted(rows, key=itemgetter(0, 1))


def _plainly(
    connection: Connection, table: str, columns: Sequence[str], by: str, keys: Sequence[int]
) -> list[tuple[Any, ...]]:
    """Return rows as the driver has them: what SQLAlchemy does to each costs as much as all else together."""
    quote = connection.dialect.identifier_preparer.quote
    runs = list(spans(keys))
    among = f"BETWEEN {keys[0]:d} AND {keys[-1]:d}" if len(runs) == 1 else f"IN ({','.join(f'{k:d}' for k in keys)})"
    query = f"SELECT {', '.join(map(quote, columns))} FROM {quote(table)} WHERE {by} {among} ORDER BY {by}"  # noqa: S608 - names and numbers are ours
    cursor = connection.connection.cursor()
    try:
        cursor.execute(query)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _cell(value: object) -> Cell:
    """Return a cell of PostgreSQL as SQLite keeps it: instants in UTC, flags as numbers."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str):
        return value
    return int(value) if isinstance(value, int) else str(value)


def _json_cell(value: object) -> str:
    """Return JSON in its one form; SQLite hands out the text, PostgreSQL's driver what it says.

    What is no JSON was tampered with: it is its own form, which no digest of ours is of.
    """
    if not isinstance(value, str):
        return canonical_json(value)
    try:
        return canonical_json(json.loads(value))
    except (ValueError, RecursionError):
        return value
