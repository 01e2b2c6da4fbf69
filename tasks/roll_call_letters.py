"""Writes the letter that asks a contact, before cycles open, whether mail still finds the right desk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import roll_calls, rosters
from models.db.records.letters import ClaimedLetter
from models.db.records.roll_calls import AskedContact
from models.domain.cycles import Cycle
from models.domain.plan import Programme
from models.domain.roll_call import cycles_in_roll_call
from models.domain.roster import Contact
from models.domain.tokens import reply_address
from tasks.adapters.rendering import AskedUnit, ComingCycle, Envelope, RollCallContext
from tasks.ports import Letter
from tasks.runtime import Runtime
from tasks.titles import short_title


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCallFacts:
    """What a batch of roll-call letters is written from, fetched at once."""

    asked: Mapping[int, AskedContact]
    """By letter whom it asks about what."""
    coming: Mapping[str, Sequence[Cycle]]
    """By programme the cycles whose roll-call goes on."""
    names: Mapping[str, Mapping[str, str]]
    """By programme and code the units' names."""


def gather_roll_calls(runtime: Runtime, session: Session, letter_ids: Sequence[int], now: datetime) -> RollCallFacts:
    """Return what the letters are written from, whatever their number in the same few queries."""
    asked = roll_calls.asked_in(session, letter_ids) if letter_ids else {}
    units: dict[str, set[str]] = {}
    for each in asked.values():
        units.setdefault(each.programme_code, set()).update(each.unit_codes)
    known = {code: runtime.programmes[code] for code in units if code in runtime.programmes}
    return RollCallFacts(
        asked=asked,
        coming={code: cycles_in_roll_call(programme, now) for code, programme in known.items()},
        names={code: rosters.unit_names(session, code, units[code]) for code in known},
    )


def roll_call_letter(
    runtime: Runtime, facts: RollCallFacts, contacts: Mapping[str, Mapping[str, Sequence[Contact]]], item: ClaimedLetter
) -> Letter | None:
    """Return the letter; None when every cycle that it is about has opened since, or the address is no contact now.

    `contacts` gives by programme and unit those who can be written to.
    """
    asked = facts.asked.get(item.id)
    programme = runtime.programmes.get(asked.programme_code) if asked is not None else None
    if asked is None or programme is None:
        return None
    coming = [cycle for cycle in facts.coming[programme.code] if cycle.code in asked.cycle_codes]
    of_units = {code: contacts[programme.code].get(code, ()) for code in asked.unit_codes}
    own = {code: each for code, listed in of_units.items() for each in listed if each.email == item.recipient}
    if not coming or not own:
        return None
    names = facts.names[programme.code]
    contact = next(iter(own.values()))
    context = RollCallContext(
        programme=programme,
        address=item.recipient,
        contact_name=contact.name,
        phone=contact.phone,
        units=tuple(_asked_unit(names[code], of_units[code], item.recipient) for code in own),
        cycles=tuple(_coming(runtime, programme, cycle) for cycle in coming),
        token=asked.token,
    )
    reply_to = reply_address(runtime.settings.mail_from, asked.token)
    envelope = Envelope(to=item.recipient, message_id=item.message_id, reply_to=reply_to)
    return runtime.renderer.roll_call(context, envelope)


def _asked_unit(name: str, contacts: Sequence[Contact], address: str) -> AskedUnit:
    others = tuple(each.name or each.email for each in contacts if each.email != address)
    return AskedUnit(name=name, stand_ins=others)


def _coming(runtime: Runtime, programme: Programme, cycle: Cycle) -> ComingCycle:
    obligation = programme.obligation(cycle.obligation_code)
    return ComingCycle(
        title=cycle.title,
        short_title=short_title(cycle, obligation, programme, runtime.texts),
        opens_at=cycle.opens_at,
        due_at=cycle.due_at,
    )
