"""Makes a cycle of a task that a person sets: its own units, its own dates, the terms of its obligation.

Inspections, remedies and the tasks of an annex all become cycles in this way, and are chased like any other duty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from models.domain.calendar import ONE_DAY, start_of
from models.domain.cycles import Cycle, rule_on, terms_of
from models.domain.errors import AssignmentRefusedError, AssignmentUnitsError
from models.domain.plan import Obligation, Programme
from models.domain.roster import Roster, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A task with its owners. `last_day` is the last day on which it is done in time; instants are aware."""

    code: str
    """Code of the cycle it becomes."""
    title: str
    unit_codes: tuple[str, ...]
    opens_at: datetime
    last_day: date
    content: str = ""
    product: str = ""


def assigned_cycle(programme: Programme, obligation: Obligation, assignment: Assignment) -> Cycle:
    """Return the cycle that a task becomes, by the rule in force on the day on which it opens.

    Raises:
        AssignmentRefusedError: its last day lies before its opening.
    """
    opens_on = assignment.opens_at.date()
    if assignment.last_day < opens_on:
        raise AssignmentRefusedError(
            title=assignment.title, last_day=f"{assignment.last_day:%d/%m/%Y}", opens_on=f"{opens_on:%d/%m/%Y}"
        )
    rule = rule_on(obligation, opens_on)
    due_at = start_of(assignment.last_day + ONE_DAY)
    return Cycle(
        code=assignment.code,
        programme_code=programme.code,
        obligation_code=obligation.code,
        clause=obligation.clause,
        title=assignment.title,
        year=assignment.opens_at.year,
        opens_at=assignment.opens_at,
        due_at=due_at,
        late_at=programme.calendar.late_at(due_at, rule.roll),
        period_start=None,
        period_end=None,
        terms=terms_of(programme, rule),
        content=assignment.content,
        product=assignment.product,
    )


def assigned_units(roster: Roster, codes: Sequence[str], on: date) -> tuple[Unit, ...]:
    """Return the units of the codes as they are on a day, each once, in the order given.

    Raises:
        AssignmentUnitsError: there is none, or some are unknown or do not exist on that day; all are named.
    """
    in_force = {unit.code: unit for unit in roster.in_force(on)}
    wanted = tuple(dict.fromkeys(codes))
    lacking = [code for code in wanted if code not in in_force]
    if lacking or not wanted:
        raise AssignmentUnitsError(units=", ".join(lacking) or "–", day=f"{on:%d/%m/%Y}")
    return tuple(in_force[code] for code in wanted)
