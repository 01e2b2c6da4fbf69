"""A cycle's figures on the basis of the units as they are now: predecessors added into their heirs, nothing guessed.

The first basis is the units as the cycle froze them. On this second one a unit that has ended since is added to its
only whole heir; a unit that was divided, or left nobody, is shown by itself as not comparable. Both add up to the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from models.domain.errors import AggregateMismatchError
from models.domain.forms import FieldSpec
from models.domain.succession import Succession
from models.domain.tabulation import UnitFigures
from models.domain.vietnamese import sort_key
from models.domain.vocabulary import Aggregation, NotComparable

Amounts = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentUnit:
    """A unit as it is now, with the frozen units that it consists of and the sums of their figures."""

    code: str
    name: str
    sources: tuple[str, ...]
    """Names of the frozen units, in the order given."""
    n_reported: int
    amounts: Amounts
    """In the order of the form's fields; None where nobody gave a figure, or the field is not summed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostUnit:
    """A frozen unit whose figures belong to no unit of now."""

    name: str
    why: NotComparable
    n_reported: int
    amounts: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentBasis:
    """A cycle on the basis of the units of a day."""

    on: date
    units: tuple[PresentUnit, ...]
    lost: tuple[LostUnit, ...]

    @property
    def rows(self) -> tuple[PresentUnit | LostUnit, ...]:
        """All rows, those that belong to no unit of now at the end."""
        return (*self.units, *self.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From the day on which a cycle froze its units to the day whose units it is shown by."""

    since: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorganised:
    """What became of units between two days, and by code what they are called on the second."""

    succession: Succession
    names: Mapping[str, str]
    span: Span


def heir_or_why_not(succession: Succession, code: str, span: Span) -> str | NotComparable:
    """Return the unit of the last day that a frozen unit went into whole, or why there is none.

    Every unit on the way counts: one that gave a part away, before or after it inherited, is divided.
    """
    seen: set[str] = set()
    while code not in seen:
        seen.add(code)
        if succession.was_divided(code, span.since, span.until):
            return NotComparable.DIVIDED
        if not succession.has_ended(code, span.until):
            return code
        following = succession.next_after(code, span.until)
        if following is None:
            divided = len(succession.successors(code, span.until)) > 1
            return NotComparable.DIVIDED if divided else NotComparable.NO_HEIR
        code = following
    return NotComparable.NO_HEIR


def on_present_basis(
    fields: Sequence[FieldSpec],
    rows: Iterable[UnitFigures],
    *,
    since_then: Reorganised,
    reported: Iterable[str],
    left_out: Iterable[str],
) -> PresentBasis:
    """Return the cycle by the units of the last day.

    Args:
        fields: The form's fields, in the order of each row's values.
        rows: The figures of every frozen unit.
        since_then: What became of the units.
        reported: Codes of the frozen units that count as having reported.
        left_out: Codes of those whose figures are in those of their parent already; their amounts are not added.
    """
    is_summed = [spec.aggregation is Aggregation.SUM for spec in fields]
    answered, within = set(reported), set(left_out)
    gathered: dict[str, list[tuple[UnitFigures, Amounts]]] = {}
    lost: list[LostUnit] = []
    for row in rows:
        amounts = _amounts(row, is_summed) if row.unit.code not in within else (None,) * len(is_summed)
        target = heir_or_why_not(since_then.succession, row.unit.code, since_then.span)
        if isinstance(target, NotComparable):
            n_reported = int(row.unit.code in answered)
            lost.append(LostUnit(name=row.unit.name, why=target, n_reported=n_reported, amounts=amounts))
        else:
            gathered.setdefault(target, []).append((row, amounts))
    units = [
        PresentUnit(
            code=code,
            name=since_then.names.get(code, members[0][0].unit.name),
            sources=tuple(row.unit.name for row, _ in members),
            n_reported=sum(row.unit.code in answered for row, _ in members),
            amounts=_added([amounts for _, amounts in members]),
        )
        for code, members in gathered.items()
    ]
    return PresentBasis(
        on=since_then.span.until, units=tuple(sorted(units, key=lambda unit: sort_key(unit.name))), lost=tuple(lost)
    )


def refuse_other_sums(basis: PresentBasis, fields: Sequence[FieldSpec], totals: Mapping[str, int | None]) -> None:
    """Refuse a basis that does not add up to the totals of the frozen units.

    Raises:
        AggregateMismatchError: naming the fields that differ.
    """
    sums = _added([row.amounts for row in basis.rows]) or (None,) * len(fields)
    wrong = [
        spec.code
        for spec, amount in zip(fields, sums, strict=True)
        if spec.aggregation is Aggregation.SUM and (amount or 0) != (totals.get(spec.code) or 0)
    ]
    if wrong:
        raise AggregateMismatchError(units="", fields=", ".join(wrong))


def _amounts(row: UnitFigures, is_summed: Sequence[bool]) -> Amounts:
    return tuple(
        value if summed and isinstance(value, int) else None
        for value, summed in zip(row.values, is_summed, strict=True)
    )


def _added(rows: Sequence[Amounts]) -> Amounts:
    if not rows:
        return ()
    columns = zip(*rows, strict=True)
    return tuple(
        sum(known) if (known := [amount for amount in column if amount is not None]) else None for column in columns
    )
