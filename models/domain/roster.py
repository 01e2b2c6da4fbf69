"""Who must report, on which day, and who is written to; validity is a span of days, both included, open when None."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from models.domain.errors import UnknownUnitError
from models.domain.vietnamese import comparison_key, sort_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A reporting unit over one span of days; `code` is our own and is never reused for another unit."""

    code: str
    name: str
    group: str
    valid_from: date
    valid_to: date | None = None
    parent_code: str | None = None
    member_in_charge: str | None = None
    """Code of the committee member who urges this unit (clause III.2)."""
    successor_code: str | None = None
    aliases: tuple[str, ...] = ()
    source: str = ""
    """Where the row comes from, or that it is to be confirmed."""

    def is_in_force(self, on: date) -> bool:
        """Say whether the unit exists on that day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or desk of a unit that letters go to; the lower `rank` is written to first."""

    unit_code: str
    name: str
    email: str
    phone: str = ""
    rank: int = 1
    valid_from: date
    valid_to: date | None = None

    def is_in_force(self, on: date) -> bool:
        """Say whether the contact may be written to on that day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the steering committee with the field or area assigned (clause III.2)."""

    code: str
    name: str
    email: str
    field: str
    valid_from: date
    valid_to: date | None = None

    def is_in_force(self, on: date) -> bool:
        """Say whether the member serves on that day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Roster:
    """Units, contacts and members with their validity; a unit may have several rows, one after the other."""

    units: tuple[Unit, ...] = ()
    contacts: tuple[Contact, ...] = ()
    members: tuple[Member, ...] = ()
    _codes: Mapping[str, tuple[Unit, ...]] = field(init=False, repr=False, compare=False)
    _desks: Mapping[str, tuple[Contact, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index units and contacts by the unit's code: 100,000 units ask one after the other."""
        by_code: dict[str, tuple[Unit, ...]] = {}
        for unit in self.units:
            by_code[unit.code] = (*by_code.get(unit.code, ()), unit)
        by_unit: dict[str, tuple[Contact, ...]] = {}
        for contact in self.contacts:
            by_unit[contact.unit_code] = (*by_unit.get(contact.unit_code, ()), contact)
        object.__setattr__(self, "_codes", by_code)
        object.__setattr__(self, "_desks", by_unit)

    def in_force(self, on: date) -> tuple[Unit, ...]:
        """Return the units that exist on that day, in the order of the alphabet within their group."""
        units = [unit for unit in self.units if unit.is_in_force(on)]
        return tuple(sorted(units, key=lambda unit: (unit.group, sort_key(unit.name))))

    def expected(self, groups: Iterable[str], on: date, *, units: Iterable[str] = ()) -> tuple[Unit, ...]:
        """Return the units of the groups, and those named by code, that exist on that day: what a cycle freezes."""
        wanted, named = set(groups), set(units)
        return tuple(unit for unit in self.in_force(on) if unit.group in wanted or unit.code in named)

    def unit(self, code: str, on: date) -> Unit:
        """Return the unit as it is on that day, or its last row when it has ended.

        Raises:
            UnknownUnitError: no row has that code.
        """
        rows = self._codes.get(code, ())
        if not rows:
            raise UnknownUnitError(unit=code)
        return next((row for row in rows if row.is_in_force(on)), rows[-1])

    def contacts_of(self, unit_code: str, on: date) -> tuple[Contact, ...]:
        """Return the contacts in force of a unit, the first to be written to first."""
        contacts = [contact for contact in self._desks.get(unit_code, ()) if contact.is_in_force(on)]
        return tuple(sorted(contacts, key=lambda contact: (contact.rank, contact.email)))

    def member(self, code: str, on: date) -> Member | None:
        """Return the member of that code who serves on that day, if any."""
        return next((m for m in self.members if m.code == code and m.is_in_force(on)), None)

    def units_named(self, text: str, on: date) -> tuple[Unit, ...]:
        """Return the units in force whose name or alias is spelled so; more than one is a question for a person."""
        wanted = comparison_key(text)
        return tuple(
            unit
            for unit in self.in_force(on)
            if any(comparison_key(name) == wanted for name in (unit.name, *unit.aliases))
        )
