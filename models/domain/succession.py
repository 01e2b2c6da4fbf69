"""What became of units: who inherits what a unit that has ended still owes, and what may be compared over time.

A relation is a dated fact with the document that made it so. Only a whole unit is inherited: of a unit that was
divided, or that ended without a successor on paper, the program guesses nothing and a person decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from models.domain.vocabulary import RelationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One fact of a reorganisation; `on` is the first day on which it holds.

    `unit_code` is the unit that it says something of: the one that was merged, founded, renamed or abolished.
    `other_code` is the unit it was merged into, founded from, or whose work was taken over by; None for a renaming, and
    for an abolition that left nobody.
    """

    kind: RelationKind
    unit_code: str
    other_code: str | None = None
    on: date
    document: str = ""
    source: str = ""
    """Where the row comes from, or that it is to be confirmed."""

    @property
    def hands_on(self) -> tuple[str, str] | None:
        """Return from which unit to which one something went, if anything did."""
        if self.other_code is None or self.kind is RelationKind.RENAMED:
            return None
        if self.kind is RelationKind.SPLIT_FROM:
            return self.other_code, self.unit_code
        return self.unit_code, self.other_code


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedUnit:
    """A unit that has ended, with who answers for what it still owes; no heir is a question for a person."""

    code: str
    last_day: date
    heir_code: str | None = None
    heir_name: str = ""
    document: str = ""
    """By which the unit's work went to somebody else; empty where nobody has written it down."""


@dataclass(frozen=True, slots=True)
class Succession:
    """The relations of a roster, ready to be asked. `ends` holds the last day of each unit that has ended."""

    relations: tuple[Relation, ...]
    ends: Mapping[str, date]
    takers: Mapping[str, tuple[Relation, ...]]
    """By unit the relations by which something of it went elsewhere, in the order of time."""
    told: Mapping[str, tuple[Relation, ...]]
    """By unit the relations that say something of it, in the order of time."""

    @classmethod
    def of(cls, relations: Iterable[Relation], ends: Mapping[str, date | None]) -> "Succession":
        """Return the succession of relations, given the last day of each unit (None while it goes on)."""
        ordered = tuple(sorted(relations, key=lambda each: (each.on, each.unit_code, each.other_code or "")))
        takers: dict[str, tuple[Relation, ...]] = {}
        told: dict[str, tuple[Relation, ...]] = {}
        for relation in ordered:
            told[relation.unit_code] = (*told.get(relation.unit_code, ()), relation)
            if relation.hands_on is not None:
                giver, _ = relation.hands_on
                takers[giver] = (*takers.get(giver, ()), relation)
        return cls(ordered, {code: day for code, day in ends.items() if day is not None}, takers, told)

    def has_ended(self, code: str, on: date) -> bool:
        """Say whether the unit's last day lies before that day."""
        return code in self.ends and self.ends[code] < on

    def heir(self, code: str, on: date) -> str | None:
        """Return who answers on that day for what the unit owes: itself, and after its end its only whole successor.

        None when it has ended and was divided, or left nobody: a person decides, and writes the decision as a relation.
        """
        seen = {code}
        while self.has_ended(code, on):
            after = self.next_after(code, on)
            if after is None or after in seen:
                return None
            seen.add(after)
            code = after
        return code

    def inherited_by(self, code: str, on: date) -> frozenset[str]:
        """Return the units that have ended by that day and that this unit answers for."""
        return frozenset(gone for gone, end in self.ends.items() if end < on and self.heir(gone, on) == code)

    def heirs(self, on: date) -> dict[str, str]:
        """Return by unit that has ended by that day who answers for it; those without an heir are left out."""
        found = {gone: self.heir(gone, on) for gone, end in self.ends.items() if end < on}
        return {gone: heir for gone, heir in found.items() if heir is not None}

    def document(self, code: str, on: date) -> str:
        """Return the newest document, by that day, by which the unit's work went elsewhere; empty if none is known."""
        known = [each.document for each in self.told.get(code, ()) if each.on <= on]
        return next((document for document in reversed(known) if document), "")

    def successors(self, code: str, on: date) -> tuple[str, ...]:
        """Return every unit that took over the unit or a part of it by that day, in the order of time."""
        found = (relation.hands_on for relation in self.takers.get(code, ()) if relation.on <= on)
        return tuple(dict.fromkeys(taker for _, taker in filter(None, found)))

    def was_divided(self, code: str, since: date, until: date) -> bool:
        """Say whether a part of the unit went elsewhere after the first day and by the second.

        Its figures of before then cannot be compared with anybody's of after, however small the part.
        """
        return any(
            relation.kind is RelationKind.SPLIT_FROM and since < relation.on <= until
            for relation in self.takers.get(code, ())
        )

    def next_after(self, code: str, on: date) -> str | None:
        """Return the one unit that took all of a unit that has ended over by that day; None if none did, or several."""
        takers = [each for each in self.takers.get(code, ()) if each.on <= on]
        if any(each.kind is RelationKind.SPLIT_FROM and each.on > self.ends[code] for each in takers):
            return None
        named = {each.other_code for each in takers if each.kind is not RelationKind.SPLIT_FROM}
        return named.pop() if len(named) == 1 else None
