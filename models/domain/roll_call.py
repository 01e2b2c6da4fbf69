"""The roll-call of contacts before a cycle opens: when it begins, who is asked, what an answer says, who has confirmed.

Only a line that says nothing else confirms. A new contact is a proposal: nobody but a person changes who is written to.
The phrases come in as data: no Vietnamese stands here.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from models.domain.calendar import WorkingCalendar, start_of
from models.domain.cycles import Cycle, cycles_of_years
from models.domain.plan import Programme
from models.domain.replies import phrase_key
from models.domain.roster import Roster, Unit
from models.domain.vietnamese import tidy
from models.domain.vocabulary import OFFICE_ZONE, ContactHealth

LINES_READ: Final = 12
"""An answer is one line; what stands so far below it is a signature."""
LINES_OF_A_CONTACT: Final = 3
"""Name, address and telephone, where they are written one below the other."""
LONGEST_PROPOSAL: Final = 200
_NEEDED_BY_NO_CONTACT: Final = re.compile(r"[^\w\s.,:;@+()/-]", re.UNICODE)
"""Signs that neither a name nor an address nor a number has, and that pages might take for links or markup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToAsk:
    """A contact of a unit that is to be asked before a cycle opens."""

    cycle_code: str
    unit_code: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCallPhrases:
    """The words by which answers to a roll-call are known; compared as those of one-line replies."""

    greetings: tuple[str, ...]
    confirmations: tuple[str, ...]
    """Whole lines that confirm ("xác nhận")."""
    tails: tuple[str, ...]
    """Words that may follow a confirmation and change nothing."""
    new_contacts: tuple[str, ...]
    """Labels before a new contact ("đầu mối mới")."""
    stand_ins: tuple[str, ...]
    """Labels before whoever stands in ("người thay")."""
    changes: tuple[str, ...]
    """Words that make a confirmation void, wherever they stand ("không còn")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCallAnswer:
    """What a contact answered. Neither flag nor proposal: it says something else, and a person reads it."""

    is_confirmed: bool = False
    proposals: tuple[str, ...] = ()
    """Contacts that are proposed, each on one line, as they were written."""


def roll_call_day(cycle: Cycle, calendar: WorkingCalendar) -> date | None:
    """Return the working day on which the roll-call before a cycle begins; None when it has none."""
    n_days = cycle.terms.roll_call_working_days
    if n_days is None:
        return None
    return calendar.add_working_days(cycle.opens_at.astimezone(OFFICE_ZONE).date(), -n_days)


def cycles_in_roll_call(programme: Programme, as_of: datetime) -> tuple[Cycle, ...]:
    """Return the cycles whose roll-call has begun at the instant and that have not opened, the next to open first.

    Whatever was missed, nothing is asked any more from the opening on.
    """
    called = [o for o in programme.obligations if any(rule.roll_call_working_days is not None for rule in o.rules)]
    found = [
        cycle
        for obligation in called
        for cycle in cycles_of_years(programme, obligation, first_year=as_of.year - 1, last_year=as_of.year + 1)
        if is_in_roll_call(cycle, programme.calendar, as_of)
    ]
    return tuple(sorted(found, key=lambda cycle: (cycle.opens_at, cycle.code)))


def is_in_roll_call(cycle: Cycle, calendar: WorkingCalendar, as_of: datetime) -> bool:
    """Say whether the roll-call before a cycle goes on at the instant."""
    day = roll_call_day(cycle, calendar)
    return day is not None and start_of(day) <= as_of < cycle.opens_at


def units_to_come(cycle: Cycle, roster: Roster) -> tuple[Unit, ...]:
    """Return the units that the cycle will expect, as the roster has them for the day of its opening."""
    opens_on = cycle.opens_at.astimezone(OFFICE_ZONE).date()
    return roster.expected(cycle.terms.expected_groups, opens_on, units=cycle.terms.expected_units)


def who_is_asked(
    cycle: Cycle, units: Iterable[Unit], contacts: Mapping[str, Sequence[str]], asked: AbstractSet[str]
) -> list[ToAsk]:
    """Return the contacts that are to be asked now: those that can be written to and were not asked for this cycle.

    `contacts` gives by unit the addresses that work today, `asked` the addresses that were asked before.
    """
    return [
        ToAsk(cycle_code=cycle.code, unit_code=unit.code, address=address)
        for unit in units
        for address in dict.fromkeys(contacts.get(unit.code, ()))
        if address not in asked
    ]


def contact_health(
    cycle: Cycle,
    calendar: WorkingCalendar,
    working: Collection[str],
    confirmed: Mapping[str, datetime],
    as_of: datetime,
) -> ContactHealth:
    """Return whether a unit can be written to about a cycle, and whether somebody there has said so.

    `working` holds its addresses that work, `confirmed` by address when it was confirmed last. Only what was
    confirmed since the roll-call began counts; without a roll-call nobody is asked.
    """
    if not working:
        return ContactHealth.UNREACHABLE
    day = roll_call_day(cycle, calendar)
    if day is None or as_of < start_of(day):
        return ContactHealth.REACHABLE
    said = [confirmed[address] for address in working if address in confirmed]
    is_confirmed = any(start_of(day) <= at <= as_of for at in said)
    return ContactHealth.CONFIRMED if is_confirmed else ContactHealth.UNCONFIRMED


def read_answer(own_text: str, phrases: RollCallPhrases) -> RollCallAnswer:
    """Return what the lines that a person wrote say of the contact.

    "Confirmed" beside whoever stands in is both; beside a new contact, or words of change, it confirms nothing.
    """
    lines = _spoken_lines(own_text, phrases)
    stand_ins = _labelled(lines, phrases.stand_ins)
    new = _labelled(lines, phrases.new_contacts)
    taken = {line for proposal in (*stand_ins, *new) for line in proposal}
    confirming = [line for line in lines if line not in taken and _confirms(line, phrases)]
    others = [phrase_key(line) for line in lines if line not in taken and line not in confirming]
    is_void = bool(new) or any(_holds(line, change) for line in others for change in phrases.changes)
    return RollCallAnswer(
        is_confirmed=bool(confirming) and not is_void,
        proposals=tuple(filter(None, (_plain(" ".join(proposal)) for proposal in (*new, *stand_ins)))),
    )


def _spoken_lines(own_text: str, phrases: RollCallPhrases) -> list[str]:
    greetings = tuple(map(phrase_key, phrases.greetings))
    lines = [tidy(line) for line in own_text.splitlines()]
    return [line for line in lines if line and not phrase_key(line).startswith(greetings)][:LINES_READ]


def _labelled(lines: Sequence[str], labels: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the lines that begin with a label; one that says no more is read with those below it."""
    keys = tuple(map(phrase_key, labels))
    found = []
    for place, line in enumerate(lines):
        label, _, said = line.partition(":")
        if not phrase_key(label).startswith(keys):
            continue
        n_lines = 1 if phrase_key(said) or phrase_key(label) not in keys else 1 + LINES_OF_A_CONTACT
        found.append(tuple(lines[place : place + n_lines]))
    return found


def _confirms(line: str, phrases: RollCallPhrases) -> bool:
    if line.endswith("?"):
        return False
    words = phrase_key(line)
    for tail in sorted(map(phrase_key, phrases.tails), key=len, reverse=True):
        words = words.removesuffix(f" {tail}")
    return words in map(phrase_key, phrases.confirmations)


def _holds(line: str, phrase: str) -> bool:
    return f" {phrase_key(phrase)} " in f" {line} "


def _plain(proposal: str) -> str:
    return tidy(_NEEDED_BY_NO_CONTACT.sub(" ", proposal))[:LONGEST_PROPOSAL].rstrip()
