"""Appends to the chained audit what a transaction has written; it is the last thing that a transaction does."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, func, insert, select

from models.db.covering import COVERED, ROWS_AT_ONCE, Covered, coverage_of, digested, read_rows
from models.db.tables import AuditEntryRow, CycleRow, DutyRow
from models.db.turns import Turn, take_turn
from models.db.written import Written
from models.domain.audit_chain import Coverage, Entry, canonical_json, first_entry, written_coverages
from models.domain.vocabulary import DecisionKind, RowChange

MOST_NAMED: Final = 20
"""Units or arrivals that an entry names; of more it says how many."""
ENTRIES: Final[Table] = AuditEntryRow.__table__  # type: ignore[assignment]  # SQLAlchemy types it as any FROM clause
HEAD: Final = select(ENTRIES.c.number, ENTRIES.c.own).order_by(ENTRIES.c.number.desc()).limit(1)
APPEND: Final = insert(ENTRIES)
KIND_BY_TABLE: Final = (
    ("audit", DecisionKind.ACTION),
    ("roster_import", DecisionKind.ROSTER),
    ("cycle", DecisionKind.OPENING),
    ("submission", DecisionKind.VERDICT),
    ("arrival", DecisionKind.TAKING),
    ("edition", DecisionKind.EDITION),
    ("draft", DecisionKind.DRAFT),
    ("review", DecisionKind.REVIEW),
    ("review_score", DecisionKind.REVIEW),
    ("contest", DecisionKind.REVIEW),
    ("reminder", DecisionKind.REMINDING),
    ("skip", DecisionKind.REMINDING),
    ("letter", DecisionKind.LETTERS),
)
"""The first table of which a transaction wrote rows says what it was about."""
TOLD_BY_TABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "audit": ("operator", "reason", "action", "subject", "unit_code"),
    "roster_import": ("operator",),
    "arrival": ("operator", "outcome"),
    "cycle": ("code",),
    "duty": ("unit_code",),
    "edition": ("number",),
}
"""Columns that an entry tells of in words."""
WHOSE: Final = ("cycle_id", "duty_id")
"""Columns by which it is looked up what an entry is about."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was kept of the rows of one table that a transaction wrote: they may be a hundred thousand."""

    digests: Mapping[int, bytes]
    told: Mapping[str, Mapping[Any, None]]
    """By column the values that occur, in the order of the rows."""

    def column(self, name: str) -> list[Any]:
        return list(self.told.get(name, ()))


def append_entry(connection: Connection, written: Written, *, at: datetime) -> None:
    """Append one entry for all that was written; the first time, the chain's beginning comes before it."""
    is_about_known = bool(written.cycle_codes)
    readings = {
        name: _read(connection, COVERED[name], changes, whose=() if is_about_known else WHOSE)
        for name, changes in written.keys.items()
    }
    coverages = [
        each for name, reading in readings.items() for each in _coverages(COVERED[name], written.keys[name], reading)
    ]
    if not coverages:
        return
    touched = {each.table for each in coverages}
    readings = {name: reading for name, reading in readings.items() if name in touched}
    kind = _kind(readings)
    operator, reason = _signed(readings)
    subject, details = _subject(connection, readings, written), _details(readings, coverages)

    # The last lock of the transaction: whoever has it asks for no other, and two that append never see one head.
    take_turn(connection, Turn.AUDITING)
    head = connection.execute(HEAD).first()
    if head is None:
        first = first_entry(at, _known_before(connection, coverages))
        _insert(connection, first)
        number, previous = first.number, first.own
    else:
        number, previous = head
    entry = Entry(
        number=number + 1,
        at=at,
        kind=kind.value,
        operator=operator,
        reason=reason,
        subject=canonical_json(subject),
        details=canonical_json(details),
        rows=written_coverages(coverages),
        previous=previous,
    )
    _insert(connection, entry.sealed())


def _insert(connection: Connection, entry: Entry) -> None:
    connection.execute(APPEND, {name: getattr(entry, name) for name in ENTRIES.c.keys()})  # noqa: SIM118 - no dict


def _read(
    connection: Connection, covered: Covered, changes: Mapping[RowChange, Collection[int]], *, whose: Sequence[str]
) -> _Reading:
    """Read rows back, so that what is hashed is what is kept; of each only its digest and what is told stay."""
    columns = [each for each in (*TOLD_BY_TABLE.get(covered.name, ()), *whose) if each in covered.place]
    digests: dict[int, bytes] = {}
    told: dict[str, dict[Any, None]] = {name: {} for name in columns}
    for rows in read_rows(connection, covered, {*changes[RowChange.NEW], *changes[RowChange.CHANGED]}):
        digests |= digested(connection, covered, rows)
        for name in columns:
            place = covered.place[name]
            told[name] |= dict.fromkeys([row[place] for row in rows])
    return _Reading(digests, told)


def _coverages(covered: Covered, changes: Mapping[RowChange, Collection[int]], reading: _Reading) -> Iterator[Coverage]:
    for change, keys in changes.items():
        coverage = coverage_of(covered, change, keys, reading.digests)
        if coverage is not None:
            yield coverage


def _kind(readings: Mapping[str, _Reading]) -> DecisionKind:
    kind = next((kind for table, kind in KIND_BY_TABLE if table in readings), DecisionKind.OTHER)
    # An arrival comes in without an outcome; one that has any was judged.
    if kind is DecisionKind.TAKING and any(readings["arrival"].column("outcome")):
        return DecisionKind.VERDICT
    return kind


def _signed(readings: Mapping[str, _Reading]) -> tuple[str | None, str]:
    """Return who answers for the decision, and why; None for the program itself."""
    for table in ("audit", "roster_import", "arrival"):
        if table not in readings:
            continue
        operators = list(filter(None, readings[table].column("operator")))
        reasons = readings["audit"].column("reason") if table == "audit" else []
        return (operators[0] if operators else None), (reasons[0] if reasons else "")
    return None, ""


def _subject(connection: Connection, readings: Mapping[str, _Reading], written: Written) -> dict[str, object]:
    """Return what an entry is about: its cycles, and its units and arrivals where they are few."""
    subject: dict[str, object] = {}
    cycles, units = _cycles_and_units(connection, readings, written)
    acts = readings.get("audit")
    if acts is not None:
        units |= set(filter(None, acts.column("unit_code")))
        subject["acts_on"] = sorted(set(acts.column("subject")))[:MOST_NAMED]
    if cycles:
        subject["cycles"] = sorted(cycles)
    if 0 < len(units) <= MOST_NAMED:
        subject["units"] = sorted(units)
    arrivals = readings["arrival"].digests if "arrival" in readings else {}
    if 0 < len(arrivals) <= MOST_NAMED:
        subject["arrivals"] = sorted(arrivals)
    if "edition" in readings:
        subject["edition"] = max(readings["edition"].column("number"), default=0)
    return subject


def _cycles_and_units(
    connection: Connection, readings: Mapping[str, _Reading], written: Written
) -> tuple[set[str], set[str]]:
    """Return the cycles of what was written, and the units where they are few enough to be named."""
    cycles = set(written.cycle_codes)
    if cycles:
        return cycles, set()
    cycle_ids, duty_ids = _named(readings, "cycle_id"), _named(readings, "duty_id")
    units: set[str] = set()
    if "duty" in readings:
        units |= set(readings["duty"].column("unit_code"))
    for piece in _pieces(duty_ids):
        found = connection.execute(select(DutyRow.cycle_id, DutyRow.unit_code).where(DutyRow.id.in_(piece)))
        for cycle_id, unit_code in found:
            cycle_ids.add(cycle_id)
            units.add(unit_code)
    if "cycle" in readings:
        cycles |= set(readings["cycle"].column("code"))
    for piece in _pieces(cycle_ids):
        cycles |= set(connection.scalars(select(CycleRow.code).where(CycleRow.id.in_(piece))))
    return cycles, units


def _named(readings: Mapping[str, _Reading], column: str) -> set[int]:
    """Return the keys that rows of any table name in a column."""
    return {key for reading in readings.values() for key in reading.column(column) if key is not None}


def _pieces(keys: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(keys)
    for start in range(0, len(ordered), ROWS_AT_ONCE):
        yield ordered[start : start + ROWS_AT_ONCE]


def _details(readings: Mapping[str, _Reading], coverages: Iterable[Coverage]) -> dict[str, object]:
    """Return in small what was decided: how many rows of which table, and which acts."""
    counts: dict[str, int] = {}
    for each in coverages:
        counts[each.table] = counts.get(each.table, 0) + len(each.keys)
    details: dict[str, object] = {"n": counts}
    if "audit" in readings:
        details["acts"] = sorted(set(readings["audit"].column("action")))
    return details


def _known_before(connection: Connection, coverages: Iterable[Coverage]) -> dict[str, int]:
    """Return by table the greatest key of the rows that this transaction has not written."""
    ours: dict[str, list[int]] = {}
    for each in coverages:
        if each.change is RowChange.NEW:
            ours.setdefault(each.table, []).extend(each.keys)
    known = {}
    for name, covered in COVERED.items():
        query = select(func.max(covered.table.c.id))
        if name in ours:
            query = query.where(covered.table.c.id < min(ours[name]))
        known[name] = connection.scalar(query) or 0
    return known
