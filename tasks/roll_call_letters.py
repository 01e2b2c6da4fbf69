"""Writes the letter that asks a contact, before cycles open, whether mail still finds the right desk."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import roll_calls, rosters
from models.db.records.letters import ClaimedLetter
from models.domain.cycles import Cycle
from models.domain.plan import Programme
from models.domain.roll_call import cycles_in_roll_call
from models.domain.roster import Contact
from models.domain.tokens import reply_address
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.rendering import AskedUnit, ComingCycle, Envelope, RollCallContext
from tasks.ports import Letter
from tasks.runtime import Runtime
from tasks.titles import short_title


def roll_call_letter(runtime: Runtime, session: Session, item: ClaimedLetter, now: datetime) -> Letter | None:
    """Return the letter; None when every cycle that it is about has opened since, or the address is no contact now."""
    asked = roll_calls.asked_in(session, [item.id]).get(item.id)
    programme = runtime.programmes.get(asked.programme_code) if asked is not None else None
    if asked is None or programme is None:
        return None
    coming = [cycle for cycle in cycles_in_roll_call(programme, now) if cycle.code in asked.cycle_codes]
    today = now.astimezone(OFFICE_ZONE).date()
    contacts = rosters.working_contacts(session, programme.code, today, unit_codes=asked.unit_codes)
    own = {code: each for code, listed in contacts.items() for each in listed if each.email == item.recipient}
    if not coming or not own:
        return None
    names = rosters.unit_names(session, programme.code, own)
    contact = next(iter(own.values()))
    context = RollCallContext(
        programme=programme,
        address=item.recipient,
        contact_name=contact.name,
        phone=contact.phone,
        units=tuple(_asked_unit(names[code], contacts[code], item.recipient) for code in own),
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
