"""Faults and remarks between the rows of a roster: twice the same, pointing at nothing, sharing an address.

It knows rows and days, and neither workbooks nor plans.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Generic, Protocol, TypeVar

from models.domain.errors import Fault
from models.domain.roster import Contact, Member, Roster, Unit
from models.domain.succession import Relation
from models.domain.vietnamese import comparison_key
from models.domain.vocabulary import RelationKind
from tasks.adapters.programme.written import unknown_name


class _Dated(Protocol):
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


Value = TypeVar("Value")
DatedValue = TypeVar("DatedValue", bound=_Dated)
ONE_DAY: Final = timedelta(days=1)
WHOLE: Final = frozenset({RelationKind.MERGED_INTO, RelationKind.ABOLISHED})
"""Relations by which a unit ends."""


@dataclass(frozen=True, slots=True)
class RowOf(Generic[Value]):
    """A value with the 1-based number of its row."""

    row: int
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRows:
    """The rows of a roster that could be read, each sheet under its title."""

    file: str
    titles: Mapping[str, str]
    units: Sequence[RowOf[Unit]]
    contacts: Sequence[RowOf[Contact]]
    members: Sequence[RowOf[Member]]
    relations: Sequence[RowOf[Relation]] = ()

    def roster(self) -> Roster:
        """Return the rows as the domain knows them."""
        return Roster(
            units=tuple(row.value for row in self.units),
            contacts=tuple(row.value for row in self.contacts),
            members=tuple(row.value for row in self.members),
            relations=tuple(row.value for row in self.relations),
        )

    def fault(self, sheet: str, row: int, code: str, **facts: object) -> Fault:
        """Return a fault in a row of a sheet (`units`, `contacts`, `members`, `relations`)."""
        return Fault.at(self.file, row, code, sheet=self.titles[sheet], **facts)


def faults_between_rows(rows: RosterRows, groups: Collection[str] | None) -> list[Fault]:
    """Return what must be mended before the roster may be loaded."""
    faults = [*_reversed_days(rows), *_twice(rows), *_pointing_at_nothing(rows)]
    faults += [*_outlived_parents(rows), *_relations_that_do_not_hold(rows), *_circles(rows)]
    if groups is not None:
        for row in rows.units:
            if row.value.group not in groups:
                code, facts = unknown_name(row.value.group, groups)
                faults.append(rows.fault("units", row.row, code.replace("name_", "roster_group_"), **facts))
    return faults


def remarks_on(rows: RosterRows) -> list[Fault]:
    """Return what is loaded all the same but named: no address, a shared one, an end of which nobody says why."""
    return [*_without_address(rows), *_shared_addresses(rows), *_ended_without_a_word(rows)]


def _reversed_days(rows: RosterRows) -> Iterator[Fault]:
    sheets: tuple[tuple[str, Sequence[RowOf[Unit] | RowOf[Contact] | RowOf[Member]]], ...] = (
        ("units", rows.units),
        ("contacts", rows.contacts),
        ("members", rows.members),
    )
    for sheet, entries in sheets:
        for entry in entries:
            start, end = entry.value.valid_from, entry.value.valid_to
            if end is not None and end < start:
                yield rows.fault(sheet, entry.row, "roster_days_reversed", start=_day(start), end=_day(end))
    absences: tuple[tuple[str, Sequence[RowOf[Contact] | RowOf[Member]]], ...] = (
        ("contacts", rows.contacts),
        ("members", rows.members),
    )
    for sheet, away in absences:
        for absent in away:
            start_away, end_away = absent.value.away_from, absent.value.away_to
            if end_away is not None and (start_away is None or end_away < start_away):
                shown = _day(start_away) if start_away else "–"
                yield rows.fault(sheet, absent.row, "roster_away_reversed", start=shown, end=_day(end_away))


def _twice(rows: RosterRows) -> Iterator[Fault]:
    for unit, again in _overlaps((row.value.code, row) for row in rows.units):
        yield rows.fault("units", again.row, "roster_unit_twice", found=again.value.code, first=unit.row)
    coded = ((row.value.official_code, row) for row in rows.units if row.value.official_code)
    for unit, again in _overlaps(coded):
        if unit.value.code != again.value.code:
            yield rows.fault(
                "units", again.row, "roster_official_twice", found=again.value.official_code, first=unit.row
            )
    for unit, again in _overlaps((_full_name(row.value), row) for row in rows.units):
        if unit.value.code != again.value.code:
            yield rows.fault("units", again.row, "roster_name_twice", found=again.value.name, first=unit.row)
    for member, twin in _overlaps((row.value.code, row) for row in rows.members):
        yield rows.fault("members", twin.row, "roster_unit_twice", found=twin.value.code, first=member.row)
    desks = (((row.value.unit_code, row.value.email.lower()), row) for row in rows.contacts)
    for contact, copy in _overlaps(desks):
        yield rows.fault("contacts", copy.row, "roster_contact_twice", found=copy.value.email, first=contact.row)


def _pointing_at_nothing(rows: RosterRows) -> Iterator[Fault]:
    units = dict.fromkeys(row.value.code for row in rows.units)
    members = dict.fromkeys(row.value.code for row in rows.members)
    for row in rows.units:
        unit = row.value
        for pointer, known in ((unit.parent_code, units), (unit.member_in_charge, members)):
            yield from _unknown(rows, ("units", row.row), pointer, known)
        if unit.code == unit.parent_code:
            yield rows.fault("units", row.row, "roster_own_parent", found=unit.code)
    for member in rows.members:
        yield from _unknown(rows, ("members", member.row), member.value.deputy_code, members)
        if member.value.code == member.value.deputy_code:
            yield rows.fault("members", member.row, "roster_own_deputy", found=member.value.code)
    named = [("contacts", contact.row, contact.value.unit_code) for contact in rows.contacts]
    named += [("relations", relation.row, relation.value.unit_code) for relation in rows.relations]
    named += [("relations", each.row, each.value.other_code) for each in rows.relations if each.value.other_code]
    for sheet, row_number, code in named:
        yield from _unknown(rows, (sheet, row_number), code, units)


def _outlived_parents(rows: RosterRows) -> Iterator[Fault]:
    """Yield units whose parent is not there on each day of their span."""
    spans = _spans(rows)
    for row in rows.units:
        unit = row.value
        if unit.parent_code is None or unit.parent_code == unit.code or unit.parent_code not in spans:
            continue
        gap = _first_day_uncovered(unit, spans[unit.parent_code])
        if gap is not None:
            yield rows.fault("units", row.row, "roster_parent_gone", found=unit.parent_code, day=_day(gap))


def _relations_that_do_not_hold(rows: RosterRows) -> Iterator[Fault]:
    spans = _spans(rows)
    wholes: dict[str, RowOf[Relation]] = {}
    for row in sorted(rows.relations, key=lambda each: each.row):
        relation = row.value
        if not {relation.unit_code, relation.other_code or relation.unit_code} <= spans.keys():
            continue
        for amiss, facts in _amiss(relation, spans):
            yield rows.fault("relations", row.row, amiss, **facts)
        if relation.kind in WHOLE:
            first = wholes.setdefault(relation.unit_code, row)
            if first is not row:
                yield rows.fault("relations", row.row, "relation_twice", found=relation.unit_code, first=first.row)


_Amiss = tuple[str, dict[str, object]]


def _amiss(relation: Relation, spans: Mapping[str, Sequence[Unit]]) -> Iterator[_Amiss]:
    """Yield what is wrong with a relation, given the rows of the units it names."""
    is_renaming = relation.kind is RelationKind.RENAMED
    if is_renaming and relation.other_code:
        yield "relation_needs_no_other", {}
    if not relation.other_code and not is_renaming and relation.kind is not RelationKind.ABOLISHED:
        yield "relation_needs_other", {}
    if relation.other_code == relation.unit_code:
        yield "relation_with_itself", {"found": relation.unit_code}
    yield from _amiss_at_the_end(relation, spans) if relation.kind in WHOLE else _amiss_at_the_start(relation, spans)


def _amiss_at_the_end(relation: Relation, spans: Mapping[str, Sequence[Unit]]) -> Iterator[_Amiss]:
    itself, last = spans[relation.unit_code], relation.on - ONE_DAY
    if _is_there(itself, relation.on) or not _is_there(itself, last):
        yield "relation_not_ended", {"found": relation.unit_code, "last": _day(last)}
    if relation.other_code and not _is_there(spans[relation.other_code], relation.on):
        yield "relation_successor_absent", {"found": relation.other_code, "day": _day(relation.on)}


def _amiss_at_the_start(relation: Relation, spans: Mapping[str, Sequence[Unit]]) -> Iterator[_Amiss]:
    day, before = _day(relation.on), relation.on - ONE_DAY
    earlier = relation.unit_code if relation.kind is RelationKind.RENAMED else relation.other_code
    if not any(unit.valid_from == relation.on for unit in spans[relation.unit_code]):
        yield "relation_no_start", {"found": relation.unit_code, "day": day}
    elif earlier and not _is_there(spans[earlier], before):
        yield "relation_nothing_before", {"found": earlier, "day": day}


def _circles(rows: RosterRows) -> Iterator[Fault]:
    """Yield relations by which a unit would come to inherit from itself."""
    wholes: dict[str, RowOf[Relation]] = {}
    for row in rows.relations:
        if row.value.kind in WHOLE:
            wholes.setdefault(row.value.unit_code, row)
    told: set[str] = set()
    for start, row in wholes.items():
        path, code = [start], row.value.other_code
        while code is not None and code not in path:
            path.append(code)
            code = wholes[code].value.other_code if code in wholes else None
        if code == start and len(path) > 1 and not told & set(path):
            told |= set(path)
            yield rows.fault("relations", row.row, "relation_circle", found=" → ".join([*path, start]))


def _ended_without_a_word(rows: RosterRows) -> Iterator[Fault]:
    told = {row.value.unit_code for row in rows.relations}
    for code, spans in _spans(rows).items():
        if code not in told and all(unit.valid_to is not None for unit in spans):
            last = max(
                (row for row in rows.units if row.value.code == code), key=lambda row: row.value.valid_to or date.max
            )
            yield rows.fault("units", last.row, "remark_no_relation", unit=last.value.name, found=code)


def _spans(rows: RosterRows) -> dict[str, list[Unit]]:
    spans: dict[str, list[Unit]] = defaultdict(list)
    for row in rows.units:
        spans[row.value.code].append(row.value)
    return dict(spans)


def _is_there(spans: Iterable[Unit], on: date) -> bool:
    return any(unit.is_in_force(on) for unit in spans)


def _first_day_uncovered(unit: Unit, spans: Iterable[Unit]) -> date | None:
    """Return the first day of a unit on which none of the spans is in force."""
    day = unit.valid_from
    for span in sorted(spans, key=lambda each: each.valid_from):
        if span.is_in_force(day):
            if span.valid_to is None:
                return None
            day = span.valid_to + ONE_DAY
    return day if unit.valid_to is None or day <= unit.valid_to else None


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _unknown(rows: RosterRows, place: tuple[str, int], pointer: str | None, known: Collection[str]) -> Iterator[Fault]:
    if pointer is not None and pointer not in known:
        code, facts = unknown_name(pointer, known)
        sheet, row = place
        yield rows.fault(sheet, row, code.replace("name_", "roster_code_"), **facts)


def _without_address(rows: RosterRows) -> Iterator[Fault]:
    contacts: dict[str, list[Contact]] = defaultdict(list)
    for contact in rows.contacts:
        contacts[contact.value.unit_code].append(contact.value)
    for row in rows.units:
        if not any(_overlap(row.value, contact) for contact in contacts[row.value.code]):
            yield rows.fault("units", row.row, "remark_no_address", unit=row.value.name)


def _shared_addresses(rows: RosterRows) -> Iterator[Fault]:
    for first, second in _overlaps((row.value.email.lower(), row) for row in rows.contacts):
        if first.value.unit_code == second.value.unit_code:
            continue
        is_one = comparison_key(first.value.name) == comparison_key(second.value.name)
        code = "remark_contact_of_two_units" if is_one else "remark_two_contacts_one_address"
        yield rows.fault(
            "contacts",
            second.row,
            code,
            address=second.value.email,
            units=f"{first.value.unit_code}, {second.value.unit_code}",
            first=first.row,
        )


def _overlaps(
    keyed: Iterable[tuple[Hashable, RowOf[DatedValue]]],
) -> Iterator[tuple[RowOf[DatedValue], RowOf[DatedValue]]]:
    """Yield, for each row that shares its key and a day with an earlier one, the first such row and itself."""
    earlier: dict[Hashable, list[RowOf[DatedValue]]] = defaultdict(list)
    for key, row in keyed:
        first = next((other for other in earlier[key] if _overlap(other.value, row.value)), None)
        if first is not None:
            yield first, row
        earlier[key].append(row)


def _overlap(one: _Dated, other: _Dated) -> bool:
    return one.valid_from <= (other.valid_to or date.max) and other.valid_from <= (one.valid_to or date.max)


def _full_name(unit: Unit) -> tuple[str, str | None]:
    return comparison_key(unit.name), unit.parent_code
