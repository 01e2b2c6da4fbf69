"""Knows whom to ask at the unit that a duty's report goes to, or at whoever inherited from it."""

from collections.abc import Mapping, Sequence

from models.domain.cycles import Cycle
from models.domain.duties import Duty
from models.domain.roster import Contact
from models.domain.succession import EndedUnit
from tasks.adapters.rendering import ParentDesk


def parent_desk(
    duty: Duty, cycle: Cycle, contacts: Mapping[str, Sequence[Contact]], ended: Mapping[str, EndedUnit]
) -> ParentDesk | None:
    """Return whom a unit asks about its report; None where it reports to the desk. `contacts` are by unit, by rank."""
    if not cycle.is_of_children or duty.parent_code is None:
        return None
    first = next(iter(contacts.get(duty.parent_code, ())), None)
    name = name_of_parent(duty, ended)
    if first is None:
        return ParentDesk(unit_name=name)
    return ParentDesk(unit_name=name, contact_name=first.name, email=first.email, phone=first.phone)


def name_of_parent(duty: Duty, ended: Mapping[str, EndedUnit]) -> str:
    """Return what the unit is called that a duty's report goes to: as it was when the cycle froze, or its heir."""
    unit = ended.get(duty.parent_code or "")
    return unit.heir_name if unit is not None and unit.heir_name else duty.parent_name
