"""Two tiers of one programme: who reports to which parent, and what children's figures make of their parent's form.

A figure of a child reaches the level above in its parent's figures only; nothing here adds the two together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.domain.coverage import TimelinessRow
from models.domain.cycles import Cycle
from models.domain.duties import Duty
from models.domain.forms import FormSpec
from models.domain.plan import Obligation
from models.domain.roster import Roster, Unit
from models.domain.vocabulary import Aggregation, ReportsTo


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a parent's children have reported, added up for the parent's own form; a proposal that a person confirms."""

    n_reported: int
    """Children whose answer counts, nil reports among them."""
    n_expected: int
    amounts: Mapping[str, int]
    """By field; a field in which no child gave a figure is left out."""
    estimates: frozenset[str] = frozenset()
    """Fields whose sum holds an estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenRow:
    """How the children of one parent stand in a cycle at an instant."""

    parent_code: str
    parent_name: str
    rows: tuple[TimelinessRow, ...]

    @property
    def n_reported(self) -> int:
        """How many of them count in the aggregate."""
        return sum(row.is_reported for row in self.rows)

    @property
    def missing(self) -> tuple[TimelinessRow, ...]:
        """Those that owe their report, whether or not their time has run out."""
        return tuple(row for row in self.rows if row.is_missing)


def cycle_below(cycle: Cycle, others: Iterable[Cycle]) -> Cycle | None:
    """Return the cycle by which the children report to this one's units: of the same year and the same period."""
    return next(
        (
            other
            for other in others
            if other.obligation_code == cycle.terms.filled_from
            and other.is_of_children
            and (other.year, other.period_start, other.period_end) == (cycle.year, cycle.period_start, cycle.period_end)
        ),
        None,
    )


def fields_to_fill(form: FormSpec, below: FormSpec) -> tuple[str, ...]:
    """Return the fields of a form that its children's sums may fill: those that both forms add up, in one measure.

    None of a form whose figures do not include the children's.
    """
    if not form.includes_children:
        return ()
    lower = {
        (spec.code, spec.kind, spec.unit_of_measure) for spec in below.fields if spec.aggregation is Aggregation.SUM
    }
    return tuple(
        spec.code
        for spec in form.fields
        if spec.aggregation is Aggregation.SUM and (spec.code, spec.kind, spec.unit_of_measure) in lower
    )


def gather(
    fields: Iterable[str],
    children: Iterable[tuple[str, TimelinessRow]],
    figures: Iterable[tuple[str, str, int | None, str | None, bool]],
) -> dict[str, Gathered]:
    """Return by parent what its children's figures add up to, in exact integers.

    Args:
        fields: Codes that may be filled.
        children: The code of the parent and the standing of each child of the lower cycle.
        figures: Unit, field, amount, text and whether it is an estimate, of whatever has been accepted.
    """
    wanted = frozenset(fields)
    parent_of: dict[str, str] = {}
    families: dict[str, list[TimelinessRow]] = {}
    for parent, row in children:
        parent_of[row.unit_code] = parent
        families.setdefault(parent, []).append(row)
    amounts: dict[str, dict[str, int]] = {parent: {} for parent in families}
    estimates: dict[str, set[str]] = {parent: set() for parent in families}
    for unit, field, amount, _, is_estimate in figures:
        parent_code = parent_of.get(unit)
        if parent_code is None or amount is None or field not in wanted:
            continue
        sums = amounts[parent_code]
        sums[field] = sums.get(field, 0) + amount
        if is_estimate:
            estimates[parent_code].add(field)
    return {
        parent: Gathered(
            n_reported=sum(row.is_reported for row in rows),
            n_expected=len(rows),
            amounts=amounts[parent],
            estimates=frozenset(estimates[parent]),
        )
        for parent, rows in families.items()
    }


def by_parent(duties: Sequence[Duty], rows: Sequence[TimelinessRow]) -> tuple[ChildrenRow, ...]:
    """Return the rows of a cycle's duties by parent, in the order in which each parent first comes.

    A unit without a parent is in none; the cycle's own aggregate has it.
    """
    names = {duty.parent_code: duty.parent_name for duty in duties if duty.parent_code is not None}
    parents = {duty.unit_code: duty.parent_code for duty in duties}
    families: dict[str, list[TimelinessRow]] = {}
    for row in rows:
        parent = parents.get(row.unit_code)
        if parent is not None:
            families.setdefault(parent, []).append(row)
    return tuple(
        ChildrenRow(parent_code=parent, parent_name=names[parent], rows=tuple(found))
        for parent, found in families.items()
    )


def nearest_above(code: str, parents: Mapping[str, str | None], among: frozenset[str]) -> str | None:
    """Return the nearest unit above this one that is `among` those expected; None when there is none."""
    seen = {code}
    parent = parents.get(code)
    while parent is not None and parent not in seen:
        if parent in among:
            return parent
        seen.add(parent)
        parent = parents.get(parent)
    return None


def children_expected(obligation: Obligation, roster: Roster) -> Iterator[tuple[int, tuple[Unit, ...]]]:
    """Yield the place of each rule whose units report to their parents, and the rows of the units that it expects.

    Those are the rows in force on any day on which the rule may be the one that holds.
    """
    for place, rule in enumerate(obligation.rules):
        if rule.reports_to is not ReportsTo.PARENT:
            continue
        later = [other.valid_from for other in obligation.rules[place + 1 :]]
        last = min([day - timedelta(days=1) for day in later], default=date(obligation.last_year, 12, 31))
        yield (
            place,
            tuple(
                unit
                for unit in roster.units
                if (unit.group in rule.expected_groups or unit.code in rule.expected_units)
                and unit.valid_from <= last
                and (unit.valid_to is None or rule.valid_from <= unit.valid_to)
            ),
        )
