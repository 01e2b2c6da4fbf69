"""Puts together, for each cycle whose roll-call goes on, which units have confirmed a contact and which have none."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from models.db.records import roll_calls, rosters
from models.domain.cycles import Cycle
from models.domain.plan import Programme
from models.domain.roll_call import contact_health, cycles_in_roll_call, roll_call_day, units_to_come
from models.domain.vocabulary import OFFICE_ZONE, ContactHealth
from tasks.open_cycles import roster_in_use
from tasks.runtime import Runtime

FIRST: tuple[ContactHealth, ...] = (
    ContactHealth.UNREACHABLE,
    ContactHealth.UNCONFIRMED,
    ContactHealth.REACHABLE,
    ContactHealth.CONFIRMED,
)
"""Those that need a person come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLine:
    """A unit that a coming cycle will expect, with those who can be written to there."""

    unit_code: str
    unit_name: str
    group: str
    health: ContactHealth
    contacts: tuple[str, ...]
    """Addresses that work, the first to be written to first."""
    phone: str
    """Of the first contact, or of one who serves there where nobody can be written to; empty if none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactBoard:
    """A coming cycle and its units, those first that need a person."""

    cycle: Cycle
    programme: Programme
    begins_on: date
    lines: tuple[ContactLine, ...]

    def with_health(self, health: ContactHealth) -> tuple[ContactLine, ...]:
        """Return the units whose contacts stand so."""
        return tuple(line for line in self.lines if line.health is health)


def contact_boards(runtime: Runtime, as_of: datetime) -> list[ContactBoard]:
    """Return the board of each cycle whose roll-call goes on at the instant, the next to open first."""
    boards = []
    with runtime.sessions() as session:
        for programme in runtime.programmes.values():
            coming = cycles_in_roll_call(programme, as_of)
            boards += [_board(runtime, session, programme, cycle, as_of) for cycle in coming]
        session.commit()  # the very first time the roster of the folder is taken in
    return sorted(boards, key=lambda board: (board.cycle.opens_at, board.cycle.code))


def _board(runtime: Runtime, session: Session, programme: Programme, cycle: Cycle, as_of: datetime) -> ContactBoard:
    today = as_of.astimezone(OFFICE_ZONE).date()
    units = units_to_come(cycle, roster_in_use(runtime, session, programme))
    working = rosters.working_contacts(session, programme.code, today)
    confirmed = roll_calls.confirmed_by(session, as_of)
    phones = rosters.phones_of(session, programme.code, today, [unit.code for unit in units])
    lines = []
    for unit in units:
        contacts = working.get(unit.code, [])
        addresses = tuple(contact.email for contact in contacts)
        line = ContactLine(
            unit_code=unit.code,
            unit_name=unit.name,
            group=unit.group,
            health=contact_health(cycle, programme.calendar, addresses, confirmed, as_of),
            contacts=addresses,
            phone=contacts[0].phone if contacts else phones.get(unit.code, ""),
        )
        lines.append(line)
    return ContactBoard(
        cycle=cycle,
        programme=programme,
        begins_on=roll_call_day(cycle, programme.calendar) or today,
        lines=tuple(sorted(lines, key=lambda line: FIRST.index(line.health))),
    )
