"""Writes the letters that tell a committee member, or a parent, which units to urge, as things stand then."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import cycles, editions, letters, member_notices, rosters
from models.db.records.letters import ClaimedLetter
from models.db.records.member_notices import MemberNotice
from models.domain.chasing import LadderDays, reason_to_keep_back
from models.domain.coverage import timeliness_row
from models.domain.cycles import Cycle
from models.domain.duties import Duty, late_at
from models.domain.roster import Contact, Member
from models.domain.succession import EndedUnit
from models.domain.vocabulary import OFFICE_ZONE, LetterKind
from tasks.adapters.asking import asked_by
from tasks.adapters.rendering import ChildrenCoverage, Envelope, MemberContext, MemberDuty, ParentContext
from tasks.adapters.workbooks import WORKBOOK_TYPE
from tasks.edition_files import edition_file
from tasks.parent_workbooks import workbook_of_parent
from tasks.parents import name_of_parent
from tasks.ports import Attachment, Letter
from tasks.runtime import Runtime
from tasks.titles import short_title


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldLetter:
    """The letter, None when nothing is left to tell; with the notices that have lost their reason."""

    letter: Letter | None
    lapsed: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFacts:
    """What a batch of such letters is written from, fetched at once."""

    notices: Mapping[int, Sequence[MemberNotice]]
    """By letter of what it tells."""
    records: Mapping[int, cycles.DutyRecord]
    cycles: Mapping[str, Cycle]
    days: Mapping[str, LadderDays]
    contacts: Mapping[str, Mapping[str, Sequence[Contact]]]
    """By programme and unit those who can be written to, the first to be written to first."""
    members: Mapping[str, Mapping[str, Member]]
    """By programme and code the committee members who serve."""
    ended: Mapping[str, Mapping[str, EndedUnit]]
    """By programme the units that have ended, by code."""
    n_letters: Mapping[int, int]
    below: Mapping[tuple[str, str], Sequence[Duty]]
    """By cycle and parent the duties of its children; of those whose parents are told."""
    editions: Mapping[str, editions.StoredEdition]
    """By cycle the newest edition, where parents are told and there is one."""


def gather_told(
    runtime: Runtime,
    session: Session,
    items: Sequence[ClaimedLetter],
    contacts: Mapping[str, Mapping[str, Sequence[Contact]]],
    now: datetime,
) -> ToldFacts:
    """Return what the letters are written from, whatever their number in the same few queries."""
    notices = member_notices.notices_in(session, [item.id for item in items]) if items else {}
    records = cycles.duties(session, {notice.duty_id for told in notices.values() for notice in told})
    known = {code: cycles.cycle(session, code) for code in {record.duty.cycle_code for record in records.values()}}
    programmes = {cycle.programme_code for cycle in known.values()}
    today = now.astimezone(OFFICE_ZONE).date()
    is_parents = {item.id for item in items if item.kind is LetterKind.PARENT}
    parents: dict[str, set[str]] = {}
    for notice in (each for letter_id in is_parents for each in notices.get(letter_id, ())):
        duty = records[notice.duty_id].duty
        parents.setdefault(duty.cycle_code, set()).add(duty.parent_code or "")
    newest = {code: editions.newest_edition(session, code) for code in parents}
    return ToldFacts(
        notices=notices,
        records=records,
        cycles=known,
        days={
            code: LadderDays(cycle.terms.ladder, runtime.programme_of(cycle).calendar) for code, cycle in known.items()
        },
        contacts=contacts,
        members={code: rosters.members_in_force(session, code, today) for code in programmes},
        ended={code: rosters.ended_units(session, code, today) for code in programmes},
        n_letters=letters.count_sent_by_duty(session, records),
        below=_below(session, parents),
        editions={code: edition for code, edition in newest.items() if edition is not None},
    )


def _below(session: Session, parents: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], list[Duty]]:
    found: dict[tuple[str, str], list[Duty]] = {}
    for cycle_code, codes in parents.items():
        for record in cycles.duties_below(session, cycle_code, sorted(codes)):
            found.setdefault((cycle_code, record.duty.parent_code or ""), []).append(record.duty)
    return found


def told_letter(runtime: Runtime, facts: ToldFacts, item: ClaimedLetter, now: datetime) -> ToldLetter:
    """Return the letter; units that have answered, promised or got more time since it was decided are left out."""
    notices = facts.notices.get(item.id, ())
    told = {notice.id: facts.records[notice.duty_id] for notice in notices if _holds(facts, notice, now)}
    lapsed = tuple(notice.id for notice in notices if notice.id not in told)
    if not told:
        return ToldLetter(letter=None, lapsed=lapsed)
    by_duty = {record.duty.id: record for record in told.values()}
    spoken = [_duty(runtime, facts, each, now) for each in by_duty.values()]
    if item.kind is LetterKind.MEMBER:
        letter = _to_member(runtime, facts, item, spoken, now)
    else:
        letter = _to_parent(runtime, facts, item, spoken, [each.duty for each in by_duty.values()])
    return ToldLetter(letter=letter, lapsed=lapsed)


def _holds(facts: ToldFacts, notice: MemberNotice, now: datetime) -> bool:
    duty = facts.records[notice.duty_id].duty
    rung = facts.cycles[duty.cycle_code].rung(notice.rung)
    return reason_to_keep_back(duty, rung, days=facts.days[duty.cycle_code], is_by_hand=False, as_of=now) is None


def _duty(runtime: Runtime, facts: ToldFacts, record: cycles.DutyRecord, now: datetime) -> MemberDuty:
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


def _to_member(
    runtime: Runtime, facts: ToldFacts, item: ClaimedLetter, duties: Sequence[MemberDuty], now: datetime
) -> Letter:
    programme = duties[0].programme
    today = now.astimezone(OFFICE_ZONE).date()
    members = facts.members[programme.code]
    wanted = {duty.member_code for duty in duties}
    away = [members[code] for code in wanted if code in members and members[code].is_away(today)]
    wanted |= {member.deputy_code for member in away if member.deputy_code is not None}
    names = tuple(member.name for code, member in members.items() if code in wanted and member.email == item.recipient)
    context = MemberContext(programme=programme, names=names, duties=tuple(duties), as_of=now)
    return runtime.renderer.member(context, _envelope(runtime, item))


def _to_parent(
    runtime: Runtime,
    facts: ToldFacts,
    item: ClaimedLetter,
    spoken: Sequence[MemberDuty],
    duties: Sequence[Duty],
) -> Letter:
    """Return the letter, with the newest workbook of each parent's own children where one has been made."""
    now = runtime.clock.now()
    programme = spoken[0].programme
    ended = facts.ended[programme.code]
    parents: dict[str, dict[str, None]] = {}
    for duty in duties:
        parents.setdefault(duty.cycle_code, {})[duty.parent_code or ""] = None
    context = ParentContext(
        programme=programme,
        names=tuple(dict.fromkeys(name_of_parent(duty, ended) for duty in duties)),
        duties=tuple(spoken),
        coverage=tuple(_coverage(facts, code, theirs, now) for code, theirs in parents.items()),
        as_of=now,
    )
    files = [file for code, theirs in parents.items() for file in _workbooks(runtime, facts, code, theirs)]
    return runtime.renderer.parent(context, replace(_envelope(runtime, item), attachments=tuple(files)))


def _coverage(facts: ToldFacts, cycle_code: str, parents: Iterable[str], now: datetime) -> ChildrenCoverage:
    rows = [timeliness_row(duty, now) for parent in parents for duty in facts.below.get((cycle_code, parent), ())]
    return ChildrenCoverage(
        cycle_code=cycle_code, n_reported=sum(row.is_reported for row in rows), n_expected=len(rows)
    )


def _workbooks(runtime: Runtime, facts: ToldFacts, cycle_code: str, parents: Iterable[str]) -> Iterator[Attachment]:
    edition = facts.editions.get(cycle_code)
    if edition is None:
        return
    for path in (workbook_of_parent(edition, parent) for parent in parents):
        with suppress(FileNotFoundError):
            content = edition_file(runtime, edition, path)
            yield Attachment(name=path.rpartition("/")[2], media_type=WORKBOOK_TYPE, content=content)


def _envelope(runtime: Runtime, item: ClaimedLetter) -> Envelope:
    return Envelope(to=item.recipient, message_id=item.message_id, reply_to=runtime.settings.mail_from)
