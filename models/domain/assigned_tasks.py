"""The tasks of an annex (clause II.3): what each becomes when it is given out, and how many are done."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from models.domain.assignments import Assignment, assigned_cycle
from models.domain.cycles import Cycle
from models.domain.duties import Duty, standing_at
from models.domain.plan import Obligation, Programme
from models.domain.vocabulary import Standing

NUMBER: Final = "{number}"
"""The place of a task's number in the pattern of its cycle's code: by it an obligation is known to have an annex."""
DONE: Final = frozenset({Standing.DONE, Standing.DONE_LATE, Standing.NIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnexTask:
    """One row of an annex. `last_day` is the last day on which it is done in time."""

    number: str
    """As an address has it: small letters, digits and dashes, such as `3` or `2-1`."""
    content: str
    product: str
    unit_codes: tuple[str, ...]
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCount:
    """How many tasks a unit was given by an instant, and what became of them; waived ones are left out."""

    unit_code: str
    unit_name: str
    n_assigned: int
    n_done: int
    """Those done late among them."""
    n_done_late: int
    n_late: int
    """Not done, and past their deadline."""

    @property
    def n_open(self) -> int:
        """Not done, and not late."""
        return self.n_assigned - self.n_done - self.n_late


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSummary:
    """The tasks of all units; a task that several units own counts once for each of them."""

    as_of: datetime
    rows: tuple[TaskCount, ...] = field(default=())

    @property
    def total(self) -> TaskCount:
        """All units together; its code and name are blank."""
        return TaskCount(
            unit_code="",
            unit_name="",
            n_assigned=sum(row.n_assigned for row in self.rows),
            n_done=sum(row.n_done for row in self.rows),
            n_done_late=sum(row.n_done_late for row in self.rows),
            n_late=sum(row.n_late for row in self.rows),
        )


def has_annex(obligation: Obligation) -> bool:
    """Say whether the obligation's tasks come from an annex, numbered one by one."""
    return obligation.is_opened_by_hand and NUMBER in obligation.cycle_code


def task_code(obligation: Obligation, year: int, number: str) -> str:
    """Return the code of the cycle that a task becomes, such as `pl1-2025-3`."""
    return obligation.cycle_code.format(year=year, number=number)


def task_cycle(
    programme: Programme, obligation: Obligation, task: AnnexTask, *, year: int, opens_at: datetime
) -> Cycle:
    """Return the cycle that a task becomes when it is given out at the instant (aware).

    Raises:
        AssignmentRefusedError: its last day lies before the day on which it is given out.
    """
    assignment = Assignment(
        code=task_code(obligation, year, task.number),
        title=obligation.cycle_title.format(year=year, number=task.number),
        unit_codes=task.unit_codes,
        opens_at=opens_at,
        last_day=task.last_day,
        content=task.content,
        product=task.product,
    )
    return assigned_cycle(programme, obligation, assignment)


def differences_to(task: AnnexTask, cycle: Cycle, owners: AbstractSet[str]) -> tuple[str, ...]:
    """Return in what a row differs from the task that was given out: words for `annex.changed.…`."""
    found = {
        "content": task.content != cycle.content,
        "product": task.product != cycle.product,
        "last_day": task.last_day != cycle.last_day,
        "owners": set(task.unit_codes) != owners,
    }
    return tuple(name for name, differs in found.items() if differs)


def count_tasks(duties: Iterable[Duty], as_of: datetime) -> TaskSummary:
    """Count the tasks that were given out by the instant, a row a unit in the order in which the units come."""
    by_unit: dict[str, list[Duty]] = {}
    for duty in duties:
        if duty.opens_at <= as_of:
            by_unit.setdefault(duty.unit_code, []).append(duty)
    rows = (_count(theirs, as_of) for theirs in by_unit.values())
    return TaskSummary(as_of=as_of, rows=tuple(row for row in rows if row.n_assigned))


def _count(duties: Sequence[Duty], as_of: datetime) -> TaskCount:
    standings = [standing_at(duty, as_of) for duty in duties]
    counted = [standing for standing in standings if standing is not Standing.WAIVED]
    return TaskCount(
        unit_code=duties[0].unit_code,
        unit_name=duties[0].unit_name,
        n_assigned=len(counted),
        n_done=sum(standing in DONE for standing in counted),
        n_done_late=counted.count(Standing.DONE_LATE),
        n_late=counted.count(Standing.LATE),
    )
