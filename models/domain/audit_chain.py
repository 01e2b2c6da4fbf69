"""The chained audit: what an entry says, how it is hashed, and what breaks a chain; it knows no database.

What is hashed is text of a fixed form, so that it comes out the same in every database, time zone and release; each
entry says by which format it was made. A format is never changed: another form is another number.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Self

from models.domain.vocabulary import DecisionKind, RowChange

FORMAT: Final = 1
ORIGIN: Final = "0" * 64
"""What stands before the first entry."""
BYTES_OF_A_ROW: Final = 16
"""So much of the SHA-256 of each row is kept: a row that was changed is named, not only its transaction."""
GREATEST_KEY: Final = 2**31 - 1
"""As PostgreSQL counts rows; a greater one is none of ours."""
MOST_GONE: Final = 10_000_000
"""More rows no transaction takes away: nothing is counted up that only says it is as many."""
BETWEEN_ROWS: Final = "],["
Cell = str | int | None
"""What stands in a row as it is hashed: instants and dates are texts, flags numbers, JSON is its canonical text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The rows of one table that one transaction wrote in one way, each with its digest; what is gone has none."""

    table: str
    change: RowChange
    keys: tuple[int, ...]
    """In ascending order."""
    digests: bytes = b""

    def digest_of(self, place: int) -> bytes:
        """Return the digest of the row at a place of the keys."""
        return self.digests[place * BYTES_OF_A_ROW : (place + 1) * BYTES_OF_A_ROW]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it is stored: texts are kept as they were hashed."""

    number: int
    format: int = FORMAT
    at: datetime
    kind: str
    """A `DecisionKind`, as text: what was tampered with may hold anything."""
    operator: str | None
    """Who decided; None for the program itself."""
    reason: str
    subject: str
    """JSON: `cycles`, `units`, `arrivals`, `edition`, those that are known and few."""
    details: str
    """JSON: what was decided, in small."""
    rows: str
    """JSON of what the transaction wrote: `coverages` reads it."""
    previous: str
    own: str = ""

    def sealed(self) -> Self:
        """Return it with its own hash."""
        return replace(self, own=hash_of(self))

    def coverages(self) -> list[Coverage]:
        """Return what it covers.

        Raises:
            ValueError: the text is not of the form that we write.
        """
        return list(_read_coverages(self.rows))

    @property
    def concerns(self) -> Mapping[str, object]:
        """Return its subject as it was; nothing where the text is not of our form."""
        return _as_object(self.subject)

    @property
    def decided(self) -> Mapping[str, object]:
        """Return its details as they were; nothing where the text is not of our form."""
        return _as_object(self.details)


def hash_of(entry: Entry) -> str:
    """Return the SHA-256, in hexadecimal, over all that an entry says and the hash of the one before it."""
    said = [
        entry.format,
        entry.number,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.kind,
        entry.operator,
        entry.reason,
        entry.subject,
        entry.details,
        entry.rows,
        entry.previous,
    ]
    # What was tampered with may hold octets that are no text.
    return sha256(canonical_json(said).encode("utf-8", "surrogatepass")).hexdigest()


def canonical_json(value: object) -> str:
    """Return JSON of which there is one for each value: keys in order, no blanks, letters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def digests_of_rows(rows: Sequence[Sequence[Cell]]) -> list[bytes]:
    """Return the digest of each row: of the SHA-256 over its cells as canonical JSON the first octets."""
    # All at once, and parted again: a tick has tens of thousands. Where a text holds what parts rows, each by itself.
    texts = canonical_json(rows)[2:-2].split(BETWEEN_ROWS) if rows else []
    if len(texts) != len(rows):
        texts = [canonical_json(row)[1:-1] for row in rows]
    return [sha256(text.encode("utf-8", "surrogatepass")).digest()[:BYTES_OF_A_ROW] for text in texts]


def written_coverages(coverages: Iterable[Coverage]) -> str:
    """Return the text by which an entry keeps what it covers."""
    written: dict[str, dict[str, list[str]]] = {}
    for each in coverages:
        kept = [written_keys(each.keys), b64encode(each.digests).decode()]
        written.setdefault(each.table, {})[each.change.value] = kept
    return canonical_json(written)


def _read_coverages(rows: str) -> Iterator[Coverage]:
    tables = json.loads(rows)
    if not isinstance(tables, dict):
        raise ValueError(rows[:80])  # noqa: TRY004 - it is the text that is wrong
    for table, changes in tables.items():
        if not isinstance(changes, dict):
            raise ValueError(table)  # noqa: TRY004 - as above
        for change, (keys, digests) in changes.items():
            how, kept = RowChange(change), b64decode(digests)
            at_most = MOST_GONE if how is RowChange.GONE else len(kept) // BYTES_OF_A_ROW
            read = Coverage(table=table, change=how, keys=tuple(read_keys(keys, at_most=at_most)), digests=kept)
            if how is not RowChange.GONE and len(kept) != len(read.keys) * BYTES_OF_A_ROW:
                raise ValueError(table)
            yield read


def written_keys(keys: Sequence[int]) -> str:
    """Return ascending numbers as spans: `1-500,502`."""
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans(keys))


def read_keys(text: str, *, at_most: int = MOST_GONE) -> Iterator[int]:
    """Yield the numbers that `written_keys` wrote.

    Raises:
        ValueError: the text is not of that form, or speaks of more numbers than there may be.
    """
    left = at_most
    for span in filter(None, text.split(",")):
        begins, _, ends = span.partition("-")
        first, last = int(begins), int(ends or begins)
        left -= last - first + 1
        if left < 0 or not 0 < first <= last <= GREATEST_KEY:
            raise ValueError(span)
        yield from range(first, last + 1)


def spans(keys: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each run of ascending numbers without a gap."""
    if not keys:
        return
    first = last = keys[0]
    for key in keys[1:]:
        if key != last + 1:
            yield first, last
            first = key
        last = key
    yield first, last


def first_entry(at: datetime, known: Mapping[str, int]) -> Entry:
    """Return the entry with which a chain begins; `known` is by table the greatest key of before, which none covers."""
    return Entry(
        number=1,
        at=at,
        kind=DecisionKind.BEGUN.value,
        operator=None,
        reason="",
        subject=canonical_json({}),
        details=canonical_json({"known": dict(known)}),
        rows=written_coverages([]),
        previous=ORIGIN,
    ).sealed()


def breaks_of_link(entry: Entry, older: Entry | None) -> Iterator[str]:
    """Yield the codes of what is wrong with an entry, and with how it follows the one stored before it."""
    if entry.format != FORMAT:
        yield "format_unknown"
    elif hash_of(entry) != entry.own:
        yield "entry_changed"
    if older is None:
        if entry.number != 1 or entry.previous != ORIGIN or entry.kind != DecisionKind.BEGUN:
            yield "beginning_gone"
    elif older.number != entry.number - 1:
        yield "entry_gone"
    elif older.own != entry.previous:
        yield "link_broken"


def _as_object(text: str) -> Mapping[str, object]:
    try:
        read = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
