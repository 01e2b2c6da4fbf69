"""Who must report, on which day, and who is written to; validity is a span of days, both included, open when None."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from models.domain.errors import UnknownUnitError
from models.domain.succession import Relation, Succession
from models.domain.unit_names import NO_WORDS, NameWords, WrittenName, take_apart
from models.domain.vietnamese import comparison_key, sort_key
from models.domain.vocabulary import ContactRole, RosterChangeKind


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
    kind: str = ""
    """What it is, as people write it: "Sở", "Huyện", "Phường"."""
    official_code: str = ""
    """The state's code at that time; it is used again for other units, so nothing is ever found by it alone."""
    address: str = ""
    head: str = ""
    """The office that answers for the unit ("Giám đốc"), never a person's name."""
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
    role: ContactRole = ContactRole.DESK
    away_from: date | None = None
    """First day on which the contact is away; with `away_to` None until further notice."""
    away_to: date | None = None
    valid_from: date
    valid_to: date | None = None

    def is_in_force(self, on: date) -> bool:
        """Say whether the contact may be written to on that day: it serves, and is not away."""
        serves = self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)
        return serves and not _is_away(self.away_from, self.away_to, on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the steering committee with the field or area assigned (clause III.2)."""

    code: str
    name: str
    email: str
    field: str
    deputy_code: str | None = None
    """Code of the member who is told while this one is away."""
    away_from: date | None = None
    away_to: date | None = None
    valid_from: date
    valid_to: date | None = None

    def is_in_force(self, on: date) -> bool:
        """Say whether the member serves on that day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def is_away(self, on: date) -> bool:
        """Say whether the member is away on that day, so that the deputy is told instead."""
        return _is_away(self.away_from, self.away_to, on)


@dataclass(frozen=True, slots=True)
class Roster:
    """Units, contacts and members with their validity; a unit may have several rows, one after the other."""

    units: tuple[Unit, ...] = ()
    contacts: tuple[Contact, ...] = ()
    members: tuple[Member, ...] = ()
    relations: tuple[Relation, ...] = ()
    _codes: Mapping[str, tuple[Unit, ...]] = field(init=False, repr=False, compare=False)
    _desks: Mapping[str, tuple[Contact, ...]] = field(init=False, repr=False, compare=False)
    succession: Succession = field(init=False, repr=False, compare=False)

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
        ends = {code: _end_of(rows) for code, rows in by_code.items()}
        object.__setattr__(self, "succession", Succession.of(self.relations, ends))

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

    def parent_names(self, units: Iterable[Unit], on: date) -> dict[str, str]:
        """Return by code what the parents of these units are called on that day."""
        codes = {unit.parent_code for unit in units if unit.parent_code in self._codes}
        return {code: self.unit(code, on).name for code in codes if code is not None}

    def contacts_of(self, unit_code: str, on: date) -> tuple[Contact, ...]:
        """Return the contacts in force of a unit, the first to be written to first."""
        contacts = [contact for contact in self._desks.get(unit_code, ()) if contact.is_in_force(on)]
        return tuple(sorted(contacts, key=lambda contact: (contact.rank, contact.email)))

    def member(self, code: str, on: date) -> Member | None:
        """Return the member of that code who serves on that day, if any."""
        return next((m for m in self.members if m.code == code and m.is_in_force(on)), None)

    def units_named(self, text: str, on: date, words: NameWords = NO_WORDS) -> tuple[Unit, ...]:
        """Return the units in force that a text names; more than one is a question for a person, never a guess.

        First those whose name or alias is spelled so; else those that are so called without the `words` before a name,
        with the kind and the parent that the text says.
        """
        units = self.in_force(on)
        wanted = comparison_key(text)
        spelled = [unit for unit in units if wanted in map(comparison_key, (unit.name, *unit.aliases))]
        if spelled or words is NO_WORDS:
            return tuple(spelled)
        written = take_apart(text, words)
        return tuple(unit for unit in units if self._answers_to(unit, written, on, words))

    def _answers_to(self, unit: Unit, written: WrittenName, on: date, words: NameWords) -> bool:
        own = take_apart(unit.name, words)
        # Only places are known by a bare name: of "Công an tỉnh" nothing would be left that names it.
        if not own.kind or own.bare != written.bare or written.kind not in {"", own.kind}:
            return False
        if not written.parent:
            return True
        parent = self._codes.get(unit.parent_code or "", ())
        return any(take_apart(row.name, words).bare == written.parent for row in parent if row.is_in_force(on))


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterChange:
    """One thing that is otherwise: of which unit (or member), and the rows before and after."""

    kind: RosterChangeKind
    code: str
    before: Unit | Contact | Member | Relation | None = None
    after: Unit | Contact | Member | Relation | None = None


def roster_changes(before: Roster, after: Roster) -> list[RosterChange]:
    """Return all that a new roster changes, whatever the day; two equal rosters in any order of rows give nothing.

    A row of a unit is known by its code and first day; what else differs in it is one change.
    """
    old = {(unit.code, unit.valid_from): unit for unit in before.units}
    new = {(unit.code, unit.valid_from): unit for unit in after.units}
    kind = RosterChangeKind
    changes = [
        RosterChange(kind=kind.UNIT_ADDED, code=key[0], after=unit) for key, unit in new.items() if key not in old
    ]
    changes += [
        RosterChange(kind=kind.UNIT_REMOVED, code=key[0], before=unit) for key, unit in old.items() if key not in new
    ]
    changes += [
        RosterChange(kind=kind.UNIT_CHANGED, code=key[0], before=old[key], after=unit)
        for key, unit in new.items()
        if key in old and old[key] != unit
    ]
    lists: tuple[tuple[RosterChangeKind, RosterChangeKind, str, Sequence[Any], Sequence[Any]], ...] = (
        (kind.CONTACT_ADDED, kind.CONTACT_REMOVED, "unit_code", before.contacts, after.contacts),
        (kind.MEMBER_ADDED, kind.MEMBER_REMOVED, "code", before.members, after.members),
        (kind.RELATION_ADDED, kind.RELATION_REMOVED, "unit_code", before.relations, after.relations),
    )
    for added, removed, code, earlier, later in lists:
        gone, came = set(earlier) - set(later), set(later) - set(earlier)
        changes += [RosterChange(kind=removed, code=getattr(row, code), before=row) for row in earlier if row in gone]
        changes += [RosterChange(kind=added, code=getattr(row, code), after=row) for row in later if row in came]
    return changes


def _is_away(start: date | None, end: date | None, on: date) -> bool:
    return start is not None and start <= on and (end is None or on <= end)


def _end_of(rows: Iterable[Unit]) -> date | None:
    """Return the last day of a unit over all its spans; None while it goes on."""
    days = [row.valid_to for row in rows]
    return None if None in days else max(day for day in days if day is not None)
