"""Reads the chained audit, and looks whether it and the rows that it covers are as they were written.

It goes from the newest entry to the oldest, so that a row is compared with what was last written of it. Of each table
it keeps two bits a row, and of the entries a few at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, Final

from sqlalchemy import Connection, Row, String, select, type_coerce

from models.db.chaining import ENTRIES, HEAD
from models.db.covering import COVERED, ROWS_AT_ONCE, digested, read_rows
from models.domain.audit_chain import Coverage, Entry, breaks_of_link
from models.domain.vocabulary import OFFICE_ZONE, DecisionKind, RowChange

ENTRIES_AT_ONCE: Final = 50
KEYS_AT_ONCE: Final = 10_000
MOST_BREAKS: Final = 200
"""So many are named; the others are counted."""
BY_DUTY: Final = ("duty_mark", "reopening", "arrival", "submission", "explanation", "reminder", "skip")
BY_UNIT: Final = ("audit", "inspection_finding", "target", "review_score", "contest", "classification")
COLUMNS: Final = tuple(
    type_coerce(ENTRIES.c.at, String).label("at") if each.name == "at" else ENTRIES.c[each.name]
    for each in fields(Entry)
)
"""As the driver has them: an instant that was tampered with may be any text."""
UNREADABLE: Final = datetime(1, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Something that is not as the program wrote it."""

    code: str
    """Which sentence tells it: `entry_changed`, `entry_gone`, `link_broken`, `beginning_gone`, `format_unknown`,
    `tail_gone`, `row_changed`, `row_gone`, `row_added`."""
    entry: Entry | None
    """The entry that is broken, or that covers the row; None where no entry does."""
    table: str = ""
    key: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of looking through the whole chain."""

    n_entries: int
    n_rows: int
    """Rows that were compared with their digests."""
    begun_at: datetime | None
    """When the chain begins; None where nothing has been decided yet."""
    n_known: int
    """Rows of before the beginning: what they say is not covered until it is decided about them again."""
    head: str
    """Hash of the newest entry; empty where there is none."""
    head_number: int
    breaks: tuple[Break, ...]
    n_breaks: int


@dataclass(slots=True)
class _Bits:
    """One bit for each key, as many as the greatest needs."""

    octets: bytearray = field(default_factory=bytearray)

    def __contains__(self, key: int) -> bool:
        place = key >> 3
        return place < len(self.octets) and bool(self.octets[place] >> (key & 7) & 1)

    def add(self, key: int) -> None:
        place = key >> 3
        if place >= len(self.octets):
            self.octets.extend(bytes(place + 1 - len(self.octets) + len(self.octets) // 2))
        self.octets[place] |= 1 << (key & 7)

    def discard(self, key: int) -> None:
        if key in self:
            self.octets[key >> 3] ^= 1 << (key & 7)


@dataclass(slots=True)
class _Found:
    """What was seen so far."""

    breaks: list[Break] = field(default_factory=list)
    n_breaks: int = 0
    n_rows: int = 0
    seen: dict[str, _Bits] = field(default_factory=dict)
    """Rows that a newer entry covers."""
    born: dict[str, _Bits] = field(default_factory=dict)
    """Rows that a newer entry has put in, and none has taken away before that: an older one may not know them."""

    def bits(self, table: str) -> tuple[_Bits, _Bits]:
        return self.seen.setdefault(table, _Bits()), self.born.setdefault(table, _Bits())

    def tell(self, code: str, entry: Entry | None, table: str = "", key: int = 0) -> None:
        self.n_breaks += 1
        if len(self.breaks) < MOST_BREAKS:
            self.breaks.append(Break(code=code, entry=entry, table=table, key=key))


def verify(
    connection: Connection, *, from_head: str = "", heard: Callable[[int, int], None] | None = None
) -> Verification:
    """Look through the whole chain and all rows that it covers, as they stand at this instant, and change nothing.

    `from_head` is a hash that was the newest once: where no entry has it, the end of the chain was cut off or written
    anew. `heard` is told how many entries of how many have been looked at.
    """
    found, entry, n_entries, has_head = _Found(), None, 0, not from_head
    head = _newest(connection, limit=1)
    first = last = head[0] if head else None
    total = first.number if first else 0
    for entry, older in _pairs(connection):
        n_entries, last = n_entries + 1, entry
        has_head = has_head or entry.own == from_head
        for code in breaks_of_link(entry, older):
            found.tell(code, entry)
        _compare(connection, entry, found)
        if heard is not None:
            heard(n_entries, total)
    if not has_head:
        found.tell("tail_gone", first)
    known = _known(last)
    if not any(each.code not in {"row_changed", "row_gone", "tail_gone"} for each in found.breaks) and last is not None:
        _look_for_added(connection, known, found)
    return Verification(
        n_entries=n_entries,
        n_rows=found.n_rows,
        begun_at=last.at if last is not None and last.kind == DecisionKind.BEGUN else None,
        n_known=_count_known(connection, known, found),
        head=str(first.own).encode("utf-8", "replace").decode() if first else "",
        head_number=total,
        breaks=tuple(found.breaks),
        n_breaks=found.n_breaks,
    )


def head_of(connection: Connection) -> tuple[int, str] | None:
    """Return number and hash of the newest entry; None where there is none."""
    row = connection.execute(HEAD).first()
    return None if row is None else (row.number, row.own)


def entries(
    connection: Connection, *, cycle_code: str = "", unit_code: str = "", since: datetime | None = None, limit: int
) -> list[Entry]:
    """Return the newest entries that fit, at most so many, the oldest of them first.

    By unit those are found that wrote a row of it, however many units they were about.
    """
    theirs = _keys_of_unit(connection, unit_code) if unit_code else None
    found: list[Entry] = []
    for entry, _ in _pairs(connection):
        if (since is not None and entry.at < since) or len(found) == limit:
            break
        if _fits(entry, cycle_code, theirs):
            found.append(entry)
    return found[::-1]


def _fits(entry: Entry, cycle_code: str, theirs: Mapping[str, frozenset[int]] | None) -> bool:
    if cycle_code:
        concerns = entry.concerns
        named = [*_list(concerns.get("cycles")), *_list(concerns.get("acts_on"))]
        if cycle_code not in named:
            return False
    return theirs is None or any(not theirs.get(each.table, frozenset()).isdisjoint(each.keys) for each in _read(entry))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _keys_of_unit(connection: Connection, unit_code: str) -> dict[str, frozenset[int]]:
    """Return by table the keys of the rows that speak of a unit."""
    duty = COVERED["duty"].table
    duties = select(duty.c.id).where(duty.c.unit_code == unit_code)
    found = {"duty": frozenset(connection.scalars(duties))}
    for name in BY_DUTY:
        table = COVERED[name].table
        found[name] = frozenset(connection.scalars(select(table.c.id).where(table.c.duty_id.in_(duties))))
    for name in BY_UNIT:
        table = COVERED[name].table
        found[name] = frozenset(connection.scalars(select(table.c.id).where(table.c.unit_code == unit_code)))
    letter, arrival, reminder = COVERED["letter"].table, COVERED["arrival"].table, COVERED["reminder"].table
    answers = select(arrival.c.id).where(arrival.c.duty_id.in_(duties))
    chasing = select(reminder.c.letter_id).where(reminder.c.duty_id.in_(duties))
    about = letter.c.arrival_id.in_(answers) | letter.c.id.in_(chasing)
    return found | {"letter": frozenset(connection.scalars(select(letter.c.id).where(about)))}


def _pairs(connection: Connection) -> Iterator[tuple[Entry, Entry | None]]:
    """Yield each entry with the one before it, the newest first; a few are held at once."""
    newer: Entry | None = None
    below: int | None = None
    while piece := _newest(connection, limit=ENTRIES_AT_ONCE, below=below):
        for entry in piece:
            if newer is not None:
                yield newer, entry
            newer = entry
        below = piece[-1].number
    if newer is not None:
        yield newer, None


def _newest(connection: Connection, *, limit: int, below: int | None = None) -> list[Entry]:
    query = select(*COLUMNS).order_by(ENTRIES.c.number.desc()).limit(limit)
    if below is not None:
        query = query.where(ENTRIES.c.number < below)
    return [_entry(row) for row in connection.execute(query)]


def _entry(row: Row[Any]) -> Entry:
    told = dict(row._mapping)  # noqa: SLF001 - its public name for the columns by their names
    return Entry(**told | {"at": _instant(told["at"])})


def _instant(told: object) -> datetime:
    """Return when an entry says that it was made; SQLite hands out a text, and what is none of ours no hash is of."""
    try:
        at = told if isinstance(told, datetime) else datetime.fromisoformat(str(told))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(OFFICE_ZONE)
    except (ValueError, OverflowError):
        return UNREADABLE


def _read(entry: Entry) -> list[Coverage]:
    try:
        return entry.coverages()
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return []  # it was tampered with, and is told as such


def _compare(connection: Connection, entry: Entry, found: _Found) -> None:
    """Compare the rows that no newer entry covers with what this one says of them."""
    for coverage in _read(entry):
        if coverage.table not in COVERED:
            continue
        compare = _compare_gone if coverage.change is RowChange.GONE else _compare_written
        compare(connection, entry, coverage, found)


def _compare_written(connection: Connection, entry: Entry, coverage: Coverage, found: _Found) -> None:
    seen, born = found.bits(coverage.table)
    for key in coverage.keys:
        if key in born:  # its number was given anew, and no entry says that the row of then was taken away
            found.tell("row_gone", entry, coverage.table, key)
    places = [(place, key) for place, key in enumerate(coverage.keys) if key not in seen]
    for start in range(0, len(places), ROWS_AT_ONCE):
        _compare_piece(connection, entry, coverage, places[start : start + ROWS_AT_ONCE], found)
    for key in coverage.keys:
        seen.add(key)
        if coverage.change is RowChange.NEW:
            born.add(key)


def _compare_piece(
    connection: Connection, entry: Entry, coverage: Coverage, places: Sequence[tuple[int, int]], found: _Found
) -> None:
    covered = COVERED[coverage.table]
    digests: dict[int, bytes] = {}
    for rows in read_rows(connection, covered, [key for _, key in places]):
        digests |= digested(connection, covered, rows)
    found.n_rows += len(places)
    for place, key in places:
        if key not in digests:
            found.tell("row_gone", entry, coverage.table, key)
        elif digests[key] != coverage.digest_of(place):
            found.tell("row_changed", entry, coverage.table, key)


def _compare_gone(connection: Connection, entry: Entry, coverage: Coverage, found: _Found) -> None:
    seen, born = found.bits(coverage.table)
    unseen = [key for key in coverage.keys if key not in seen]
    for rows in read_rows(connection, COVERED[coverage.table], unseen):
        for row in rows:
            found.tell("row_added", entry, coverage.table, row[0])
    for key in coverage.keys:
        seen.add(key)
        born.discard(key)


def _known(first: Entry | None) -> dict[str, int]:
    """Return by table up to which key rows were there before the chain began."""
    known = first.decided.get("known") if first is not None else None
    if not isinstance(known, dict):
        return {}
    return {str(table): int(key) for table, key in known.items() if isinstance(key, int)}


def _look_for_added(connection: Connection, known: Mapping[str, int], found: _Found) -> None:
    """Tell of rows that no entry covers, though they are younger than the chain."""
    for name in COVERED:
        seen = found.seen.get(name, _Bits())
        for key in _keys(connection, name, known.get(name, 0)):
            if key not in seen:
                found.tell("row_added", None, name, key)


def _keys(connection: Connection, name: str, after: int) -> Iterator[int]:
    table = COVERED[name].table
    while True:
        query = select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(KEYS_AT_ONCE)
        keys = connection.scalars(query).all()
        if not keys:
            return
        yield from keys
        after = keys[-1]


def _count_known(connection: Connection, known: Mapping[str, int], found: _Found) -> int:
    """Return how many rows are of before the beginning, and were not decided about since."""
    n_known = 0
    for name, last in known.items():
        if name in COVERED and last:
            seen = found.seen.get(name, _Bits())
            n_known += sum(key not in seen for key in takewhile(last.__ge__, _keys(connection, name, 0)))
    return n_known
