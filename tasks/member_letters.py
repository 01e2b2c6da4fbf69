"""Writes the letter that tells a committee member which units are to be urged, as things stand when it leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import cycles, letters, member_notices, rosters
from models.db.records.letters import ClaimedLetter
from models.db.records.member_notices import MemberNotice
from models.domain.chasing import LadderDays, reason_to_keep_back
from models.domain.cycles import Cycle
from models.domain.duties import late_at
from models.domain.roster import Contact
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.asking import asked_by
from tasks.adapters.rendering import Envelope, MemberContext, MemberDuty
from tasks.ports import Letter
from tasks.runtime import Runtime
from tasks.titles import short_title


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLetter:
    """The letter, None when nothing is left to tell; with the notices that have lost their reason."""

    letter: Letter | None
    lapsed: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    cycles: Mapping[str, Cycle]
    days: Mapping[str, LadderDays]
    contacts: Mapping[str, Mapping[str, Sequence[Contact]]]
    """By programme and unit those who can be written to, the first to be written to first."""
    n_letters: Mapping[int, int]


def member_letter(runtime: Runtime, session: Session, item: ClaimedLetter, now: datetime) -> MemberLetter:
    """Return the letter; units that have answered, promised or got more time since it was decided are left out."""
    notices = member_notices.notices_in(session, [item.id]).get(item.id, [])
    records = cycles.duties(session, [notice.duty_id for notice in notices])
    facts = _gather(runtime, session, records, now)
    told = {notice.id: records[notice.duty_id] for notice in notices if _holds(facts, records, notice, now)}
    lapsed = tuple(notice.id for notice in notices if notice.id not in told)
    if not told:
        return MemberLetter(letter=None, lapsed=lapsed)
    by_duty = {record.duty.id: record for record in told.values()}
    letter = _letter(runtime, session, item, [_duty(runtime, facts, each, now) for each in by_duty.values()])
    return MemberLetter(letter=letter, lapsed=lapsed)


def _gather(runtime: Runtime, session: Session, records: Mapping[int, cycles.DutyRecord], now: datetime) -> _Facts:
    known = {code: cycles.cycle(session, code) for code in {record.duty.cycle_code for record in records.values()}}
    today = now.astimezone(OFFICE_ZONE).date()
    units = [record.duty.unit_code for record in records.values()]
    return _Facts(
        cycles=known,
        days={
            code: LadderDays(cycle.terms.ladder, runtime.programme_of(cycle).calendar) for code, cycle in known.items()
        },
        contacts={
            code: rosters.working_contacts(session, code, today, unit_codes=units)
            for code in {cycle.programme_code for cycle in known.values()}
        },
        n_letters=letters.count_sent_by_duty(session, records),
    )


def _holds(facts: _Facts, records: Mapping[int, cycles.DutyRecord], notice: MemberNotice, now: datetime) -> bool:
    duty = records[notice.duty_id].duty
    rung = facts.cycles[duty.cycle_code].rung(notice.rung)
    return reason_to_keep_back(duty, rung, days=facts.days[duty.cycle_code], is_by_hand=False, as_of=now) is None


def _duty(runtime: Runtime, facts: _Facts, record: cycles.DutyRecord, now: datetime) -> MemberDuty:
    duty = record.duty
    cycle = facts.cycles[duty.cycle_code]
    programme, obligation = runtime.programme_with(cycle.obligation_code)
    desk = next(iter(facts.contacts[cycle.programme_code].get(duty.unit_code, ())), None)
    return MemberDuty(
        unit_name=duty.unit_name,
        member_code=record.member_in_charge or "",
        programme=programme,
        cycle_code=cycle.code,
        cycle_title=cycle.title,
        short_title=short_title(cycle, obligation, programme, runtime.texts),
        asked=asked_by(obligation.kind, paper=obligation.paper, asks_for_form=cycle.has_form, content=cycle.content),
        due_at=duty.due_at,
        late_at=late_at(duty, now),
        n_letters=facts.n_letters.get(duty.id, 0),
        contact_name=desk.name if desk else "",
        phone=desk.phone if desk else "",
    )


def _letter(runtime: Runtime, session: Session, item: ClaimedLetter, duties: Sequence[MemberDuty]) -> Letter:
    now = runtime.clock.now()
    programme = duties[0].programme
    today = now.astimezone(OFFICE_ZONE).date()
    members = rosters.members_in_force(session, programme.code, today)
    wanted = {duty.member_code for duty in duties}
    away = [members[code] for code in wanted if code in members and members[code].is_away(today)]
    wanted |= {member.deputy_code for member in away if member.deputy_code is not None}
    names = tuple(member.name for code, member in members.items() if code in wanted and member.email == item.recipient)
    context = MemberContext(programme=programme, names=names, duties=tuple(duties), as_of=now)
    envelope = Envelope(to=item.recipient, message_id=item.message_id, reply_to=runtime.settings.mail_from)
    return runtime.renderer.member(context, envelope)
