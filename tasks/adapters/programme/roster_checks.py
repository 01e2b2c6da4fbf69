"""Faults and remarks between the rows of a roster: twice the same, pointing at nothing, sharing an address.

It knows rows and days, and neither workbooks nor plans.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, Protocol, TypeVar

from models.domain.errors import Fault
from models.domain.roster import Contact, Member, Roster, Unit
from models.domain.vietnamese import comparison_key
from tasks.adapters.programme.written import unknown_name


class _Dated(Protocol):
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


Value = TypeVar("Value", bound=_Dated)


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

    def roster(self) -> Roster:
        """Return the rows as the domain knows them."""
        return Roster(
            units=tuple(row.value for row in self.units),
            contacts=tuple(row.value for row in self.contacts),
            members=tuple(row.value for row in self.members),
        )

    def fault(self, sheet: str, row: int, code: str, **facts: object) -> Fault:
        """Return a fault in a row of a sheet (`units`, `contacts`, `members`)."""
        return Fault.at(self.file, row, code, sheet=self.titles[sheet], **facts)


def faults_between_rows(rows: RosterRows, groups: Collection[str] | None) -> list[Fault]:
    """Return what must be mended before the roster may be loaded."""
    faults = [*_reversed_days(rows), *_twice(rows), *_pointing_at_nothing(rows)]
    if groups is not None:
        for row in rows.units:
            if row.value.group not in groups:
                code, facts = unknown_name(row.value.group, groups)
                faults.append(rows.fault("units", row.row, code.replace("name_", "roster_group_"), **facts))
    return sorted(faults, key=lambda fault: (list(rows.titles.values()).index(fault.sheet), fault.line))


def remarks_on(rows: RosterRows) -> list[Fault]:
    """Return what is loaded all the same but named: units without an address, addresses that several share."""
    return [*_without_address(rows), *_shared_addresses(rows)]


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
                yield rows.fault(
                    sheet, entry.row, "roster_days_reversed", start=f"{start:%d/%m/%Y}", end=f"{end:%d/%m/%Y}"
                )


def _twice(rows: RosterRows) -> Iterator[Fault]:
    for unit, again in _overlaps((row.value.code, row) for row in rows.units):
        yield rows.fault("units", again.row, "roster_unit_twice", found=again.value.code, first=unit.row)
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
        pointers = ((unit.parent_code, units), (unit.successor_code, units), (unit.member_in_charge, members))
        for pointer, known in pointers:
            yield from _unknown(rows, ("units", row.row), pointer, known)
        if unit.code in (unit.parent_code, unit.successor_code):
            yield rows.fault("units", row.row, "roster_own_parent", found=unit.code)
    for contact in rows.contacts:
        yield from _unknown(rows, ("contacts", contact.row), contact.value.unit_code, units)


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


def _overlaps(keyed: Iterable[tuple[Hashable, RowOf[Value]]]) -> Iterator[tuple[RowOf[Value], RowOf[Value]]]:
    """Yield, for each row that shares its key and a day with an earlier one, the first such row and itself."""
    earlier: dict[Hashable, list[RowOf[Value]]] = defaultdict(list)
    for key, row in keyed:
        first = next((other for other in earlier[key] if _overlap(other.value, row.value)), None)
        if first is not None:
            yield first, row
        earlier[key].append(row)


def _overlap(one: _Dated, other: _Dated) -> bool:
    return one.valid_from <= (other.valid_to or date.max) and other.valid_from <= (one.valid_to or date.max)


def _full_name(unit: Unit) -> tuple[str, str | None]:
    return comparison_key(unit.name), unit.parent_code
