"""Faults and remarks between the two tiers of a programme: children without a parent, forms that nothing fills.

It says in which rule of which obligation (by their places in the plan); who shows them says in which file.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from models.domain.cycles import cycles_of_years
from models.domain.errors import Fault
from models.domain.plan import Obligation, Programme
from models.domain.roster import Roster
from models.domain.tiers import children_expected, cycle_below, fields_to_fill
from models.domain.vocabulary import ReportsTo

N_NAMED: Final = 10
"""How many units a sentence names before it counts the rest."""


@dataclass(frozen=True, slots=True)
class TierFault:
    """What is amiss, and in which rule: the places of obligation and rule in the plan, and the key that says it."""

    obligation: int
    rule: int
    key: str
    code: str
    facts: dict[str, object]

    def in_roster(self, file: str) -> Fault:
        """Return it as a fault of a whole roster's file."""
        return Fault(file, 0, self.code, tuple(sorted(self.facts.items())))


def children_without_parent(obligations: Sequence[Obligation], roster: Roster) -> Iterator[TierFault]:
    """Yield a fault for each rule by which units report to a parent that the roster does not name."""
    for place, obligation in enumerate(obligations):
        for n, units in children_expected(obligation, roster):
            orphans = dict.fromkeys(unit.name for unit in units if unit.parent_code is None)
            if orphans:
                facts = {"obligation": obligation.code, "n": len(orphans), "units": _named(orphans)}
                yield TierFault(place, n, "reports_to", "children_without_parent", facts)


def filled_from_no_children(obligations: Sequence[Obligation]) -> Iterator[TierFault]:
    """Yield a fault for each rule whose form would be filled from reports that go to the desk."""
    codes = {o.code for o in obligations if any(rule.reports_to is ReportsTo.PARENT for rule in o.rules)}
    for place, obligation in enumerate(obligations):
        for n, rule in enumerate(obligation.rules):
            if rule.filled_from is not None and rule.filled_from not in codes:
                yield TierFault(place, n, "filled_from", "filled_from_no_children", {"found": rule.filled_from})


def parents_without_contact(obligations: Sequence[Obligation], roster: Roster) -> Iterator[TierFault]:
    """Yield a remark for each rule some of whose parents nobody can be written to at."""
    names = {unit.code: unit.name for unit in roster.units}
    reached = {contact.unit_code for contact in roster.contacts}
    for place, obligation in enumerate(obligations):
        for n, units in children_expected(obligation, roster):
            parents = dict.fromkeys(unit.parent_code for unit in units if unit.parent_code is not None)
            silent = [names.get(code, code) for code in parents if code not in reached]
            if silent:
                facts = {"obligation": obligation.code, "n": len(silent), "units": _named(silent)}
                yield TierFault(place, n, "reports_to", "remark_parent_without_contact", facts)


def parents_never_told(obligations: Sequence[Obligation]) -> Iterator[TierFault]:
    """Yield a remark for each rule whose ladder has no rung at which parents learn who is late."""
    for place, obligation in enumerate(obligations):
        for n, rule in enumerate(obligation.rules):
            if rule.reports_to is ReportsTo.PARENT and not any(rung.tell_parent for rung in rule.ladder):
                yield TierFault(place, n, "ladder", "remark_parents_never_told", {"obligation": obligation.code})


def forms_not_filled(programme: Programme) -> Iterator[TierFault]:
    """Yield a remark for each form that is stamped too early to be filled, or that nothing of the lower one fills."""
    for place, obligation in enumerate(programme.obligations):
        for n, rule in enumerate(obligation.rules):
            if rule.filled_from is None:
                continue
            if not _can_be_filled(programme, rule.form_code, rule.filled_from):
                facts: dict[str, object] = {"obligation": obligation.code, "found": rule.filled_from}
                yield TierFault(place, n, "filled_from", "remark_form_fills_nothing", facts)
            elif _opens_too_early(programme, obligation):
                facts = {"obligation": obligation.code, "found": rule.filled_from}
                yield TierFault(place, n, "filled_from", "remark_form_stamped_early", facts)


def _can_be_filled(programme: Programme, form_code: str | None, below: str) -> bool:
    lower = [rule.form_code for rule in programme.obligation(below).rules if rule.form_code is not None]
    if form_code is None:
        return False
    return any(fields_to_fill(programme.forms[form_code], programme.forms[code]) for code in lower)


def _opens_too_early(programme: Programme, obligation: Obligation) -> bool:
    """Say whether any cycle opens, and has its forms stamped, while its children still have time to report."""
    years = {"first_year": obligation.first_year, "last_year": obligation.last_year}
    for cycle in cycles_of_years(programme, obligation, **years):
        if cycle.terms.filled_from is None:
            continue
        lower = programme.obligation(cycle.terms.filled_from)
        below = cycle_below(cycle, cycles_of_years(programme, lower, first_year=cycle.year, last_year=cycle.year))
        if below is not None and cycle.opens_at < below.late_at:
            return True
    return False


def _named(names: Iterable[str]) -> str:
    named: Collection[str] = list(names)
    rest = len(named) - N_NAMED
    return ", ".join(list(named)[:N_NAMED]) + (f", … (+{rest})" if rest > 0 else "")
