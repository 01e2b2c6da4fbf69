"""Writes the letters of the outbox from what is recorded: chasing letters from their duties, answers from arrivals."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles, letters, rosters
from models.db.records.arrivals import JudgedArrival
from models.db.records.letters import ClaimedLetter, QueuedReminder
from models.domain.chasing import LadderDays, reason_to_keep_back
from models.domain.cycles import Cycle
from models.domain.duties import Reopening, answered_at, late_at, timeliness
from models.domain.forms import finding
from models.domain.judgement import NOT_OUR_DUTY
from models.domain.plan import Obligation, Programme, Rung
from models.domain.roster import Contact
from models.domain.succession import EndedUnit
from models.domain.tokens import reply_address
from models.domain.vocabulary import OFFICE_ZONE, Anchor, LetterKind, Outcome, SkipReason
from tasks.adapters.asking import Asked, asked_by
from tasks.adapters.invitations import invitation
from tasks.adapters.rendering import (
    OPENING,
    OVERDUE,
    AnswerContext,
    ChaseContext,
    ChaseDuty,
    Envelope,
    Inherited,
    ParentDesk,
    SeveralContext,
)
from tasks.adapters.workbooks import WORKBOOK_TYPE
from tasks.adapters.workbooks.marks import WorkbookNotMarkableError
from tasks.digests import digest_letter
from tasks.parents import parent_desk
from tasks.ports import Attachment, Letter
from tasks.result_letters import result_letter
from tasks.roll_call_letters import RollCallFacts, gather_roll_calls, roll_call_letter
from tasks.runtime import Runtime
from tasks.score_letters import score_letter
from tasks.titles import short_title
from tasks.told_letters import ToldFacts, gather_told, told_letter
from tasks.trouble_letters import trouble_letter

logger = logging.getLogger(__name__)

CALENDAR_TYPE: Final = "text/calendar; method=PUBLISH; charset=utf-8"
ANSWERED_WITH_THE_FORM: Final = frozenset({"not_our_form", "other_cycle", "old_version", "form_missing"})
"""Reasons that the right form, fresh, is the best answer to."""
CONTEST_DECISIONS: Final = {LetterKind.RECEIPT: "upheld", LetterKind.RETURN: "rejected"}
"""By the letter that tells it what became of the word that a duty is not the unit's own."""
OF_THEIR_OWN: Final[Mapping[LetterKind, Callable[[Runtime, Session, ClaimedLetter], Letter | None]]] = {
    LetterKind.RESULT: result_letter,
    LetterKind.SCORE: score_letter,
    LetterKind.DAILY: digest_letter,
    LetterKind.WEEKLY: digest_letter,
    LetterKind.OPERATOR: trouble_letter,
}
"""Letters that speak of neither duties to chase nor one arrival, each with what writes it; None: nothing to tell."""
TOLD: Final = frozenset({LetterKind.MEMBER, LetterKind.PARENT})
"""Letters that tell somebody else of units that owe an answer."""
OF_MANY_UNITS: Final = TOLD | {LetterKind.ROLL_CALL}
"""Letters that speak of units beside those of the duties they were queued for."""
SHARED_RUNGS: Final = frozenset({OPENING, OVERDUE})
"""Rungs of which the coordinating units get a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a batch of claimed letters is written from, fetched at once."""

    reminders: Mapping[int, Sequence[QueuedReminder]]
    arrivals: Mapping[int, JudgedArrival]
    parts: Mapping[int, Sequence[int]]
    """By arrival its further parts, where it brought several forms."""
    duties: Mapping[int, cycles.DutyRecord]
    cycles: Mapping[str, Cycle]
    contact_names: Mapping[str, str]
    contacts: Mapping[str, Mapping[str, Sequence[Contact]]]
    """By programme and unit those who can be written to, the first to be written to first."""
    members: Mapping[str, AbstractSet[str]]
    """By programme the codes of the committee members who can be told of their units."""
    days: Mapping[str, LadderDays]
    """By cycle the days of its ladder."""
    told_before: AbstractSet[int]
    """Duties of which a letter has left already."""
    told_today: Mapping[str, AbstractSet[str]]
    """By obligation who has a letter of their own about it today."""
    ended: Mapping[str, Mapping[str, EndedUnit]]
    """By programme the units that have ended, by code."""
    given_back: Mapping[int, tuple[int, Reopening]]
    """By letter the duty whose answer an operator gives back in it."""
    roll_calls: RollCallFacts
    told: ToldFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A letter that is ready, or None; with the reminders and notices that have lost their reason."""

    claimed: ClaimedLetter
    letter: Letter | None
    lapsed: tuple[tuple[QueuedReminder, SkipReason], ...] = ()
    lapsed_notices: tuple[int, ...] = ()
    problem: str = ""
    """Why it could not be written though there is something to say; it waits for the next run, and the others leave."""


def write_letters(runtime: Runtime, session: Session, claimed: Sequence[ClaimedLetter], now: datetime) -> list[Written]:
    """Write each claimed letter; a chasing letter leaves out the duties that it has lost its reason for."""
    batch = _gather(runtime, session, claimed, now)
    return [_written_safely(runtime, session, batch, item, now) for item in claimed]


def _written_safely(runtime: Runtime, session: Session, batch: Batch, item: ClaimedLetter, now: datetime) -> Written:
    """Write one letter; one that breaks the program, or whose files are out of reach, never keeps the others back."""
    try:
        return _written(runtime, session, batch, item, now)
    except Exception as problem:  # the letter stays in the ledger, and the run that leaves it there is seen
        logger.exception(runtime.texts.say("log.letter_broken", recipient=item.recipient))
        return Written(claimed=item, letter=None, problem=f"{type(problem).__name__}: {problem}")


def _written(runtime: Runtime, session: Session, batch: Batch, item: ClaimedLetter, now: datetime) -> Written:
    if item.kind is LetterKind.CHASE:
        return _chase(runtime, batch, item, now)
    if item.kind in OF_THEIR_OWN:
        return Written(claimed=item, letter=OF_THEIR_OWN[item.kind](runtime, session, item))
    if item.kind is LetterKind.ROLL_CALL:
        return Written(claimed=item, letter=roll_call_letter(runtime, batch.roll_calls, batch.contacts, item))
    if item.kind in TOLD:
        told = told_letter(runtime, batch.told, item, now)
        return Written(claimed=item, letter=told.letter, lapsed_notices=told.lapsed)
    return _answer(runtime, batch, item, now)


def _gather(runtime: Runtime, session: Session, claimed: Sequence[ClaimedLetter], now: datetime) -> Batch:
    reminders = letters.reminders_in(session, [item.id for item in claimed])
    answered = [item.arrival_id for item in claimed if item.arrival_id is not None]
    parts = arrivals.further_parts(session, answered)
    judged = arrivals.judged(session, [*answered, *(part for found in parts.values() for part in found)])
    ids = {reminder.duty_id for group in reminders.values() for reminder in group}
    ids |= {arrival.duty_id for arrival in judged.values() if arrival.duty_id is not None}
    given_back = cycles.reopenings_in(session, _ids(claimed, LetterKind.RETURN))
    ids |= {duty_id for duty_id, _ in given_back.values()}
    records = cycles.duties(session, ids)
    known = {code: cycles.cycle(session, code) for code in {record.duty.cycle_code for record in records.values()}}
    today = now.astimezone(OFFICE_ZONE).date()
    names: dict[str, str] = {}
    concerned = _units_concerned(runtime, claimed, records.values(), known)
    contacts = {
        code: rosters.working_contacts(session, code, today, unit_codes=concerned) for code in runtime.programmes
    }
    for by_unit in contacts.values():
        for listed in by_unit.values():
            names |= {contact.email: contact.name for contact in listed}
    members = {code: frozenset(rosters.members_who_can_be_told(session, code, today)) for code in runtime.programmes}
    return Batch(
        reminders=reminders,
        arrivals=judged,
        parts=parts,
        duties=records,
        cycles=known,
        contact_names=names,
        contacts=contacts,
        members=members,
        days={code: LadderDays(each.terms.ladder, runtime.programme_of(each).calendar) for code, each in known.items()},
        ended={code: rosters.ended_units(session, code, today) for code in runtime.programmes},
        told_before=letters.count_sent_by_duty(session, ids).keys(),
        told_today=letters.recipients_by_obligation(session, today) if _is_any_led(runtime, records, known) else {},
        given_back=given_back,
        roll_calls=gather_roll_calls(runtime, session, _ids(claimed, LetterKind.ROLL_CALL), now),
        told=gather_told(runtime, session, [each for each in claimed if each.kind in TOLD], contacts, now),
    )


def _is_any_led(runtime: Runtime, records: Mapping[int, cycles.DutyRecord], known: Mapping[str, Cycle]) -> bool:
    """Say whether a letter may bring copies for who coordinates: only then it matters who has one of their own."""
    leads = {code: runtime.programme_with(cycle.obligation_code)[1].lead_unit for code, cycle in known.items()}
    return any(record.duty.unit_code == leads[record.duty.cycle_code] for record in records.values())


def _units_concerned(
    runtime: Runtime,
    claimed: Sequence[ClaimedLetter],
    records: Collection[cycles.DutyRecord],
    known: Mapping[str, Cycle],
) -> list[str] | None:
    """Return the units whose contacts a batch asks for; None where it may ask for any.

    A batch is a few dozen letters, and a roster thousands of units: to fetch all of it each time would cost ten times
    what the letters do.
    """
    if any(item.kind in OF_MANY_UNITS for item in claimed):
        return None
    obligations = [runtime.programme_with(cycle.obligation_code)[1] for cycle in known.values()]
    duties = [record.duty for record in records]
    asked = {duty.unit_code for duty in duties} | {duty.parent_code for duty in duties if duty.parent_code}
    return sorted(asked | {unit for each in obligations for unit in each.coordinating_units})


def _ids(claimed: Sequence[ClaimedLetter], kind: LetterKind) -> list[int]:
    return [item.id for item in claimed if item.kind is kind]


def _chase(runtime: Runtime, batch: Batch, item: ClaimedLetter, now: datetime) -> Written:
    lapsed: list[tuple[QueuedReminder, SkipReason]] = []
    spoken: dict[int, QueuedReminder] = {}
    for reminder in sorted(batch.reminders.get(item.id, ()), key=lambda each: _place(batch, each)):
        reason = _reason_to_keep_back(batch, reminder, now)
        if reason is not None:
            lapsed.append((reminder, reason))
            continue
        if reminder.duty_id in spoken:
            lapsed.append((spoken.pop(reminder.duty_id), SkipReason.SUPERSEDED))
        spoken[reminder.duty_id] = reminder
    told = [(each, batch.duties[each.duty_id]) for each in sorted(spoken.values(), key=lambda each: each.id)]
    letter = _chasing_letter(runtime, batch, item, told, now) if told else None
    return Written(claimed=item, letter=letter, lapsed=tuple(lapsed))


def _place(batch: Batch, reminder: QueuedReminder) -> tuple[int, int]:
    """Return where a reminder's rung stands in the ladder: the newest of a duty is the one that is said."""
    cycle = batch.cycles[batch.duties[reminder.duty_id].duty.cycle_code]
    return cycle.terms.ladder.index(cycle.rung(reminder.rung)), reminder.id


def _reason_to_keep_back(batch: Batch, reminder: QueuedReminder, now: datetime) -> SkipReason | None:
    duty = batch.duties[reminder.duty_id].duty
    cycle = batch.cycles[duty.cycle_code]
    return reason_to_keep_back(
        duty,
        cycle.rung(reminder.rung),
        days=batch.days[cycle.code],
        is_by_hand=reminder.is_by_hand,
        as_of=now,
    )


def _chasing_letter(
    runtime: Runtime,
    batch: Batch,
    item: ClaimedLetter,
    spoken: Sequence[tuple[QueuedReminder, cycles.DutyRecord]],
    now: datetime,
) -> Letter:
    first = batch.cycles[spoken[0][1].duty.cycle_code]
    programme = runtime.programme_of(first)
    rungs = [batch.cycles[record.duty.cycle_code].rung(reminder.rung) for reminder, record in spoken]
    duties = tuple(
        _duty(runtime, batch, record, rung, to=item.recipient, now=now)
        for (_, record), rung in zip(spoken, rungs, strict=True)
    )
    coordinating = [
        address
        for (_, record), rung in zip(spoken, rungs, strict=True)
        for address in _coordinating(runtime, batch, record, rung, to=item.recipient)
    ]
    forms = [_form(runtime, record) for (_, record), duty in zip(spoken, duties, strict=True) if duty.has_form]
    events = [
        _event(runtime, duty, programme, now)
        for duty, rung in zip(duties, rungs, strict=True)
        if rung.anchor is Anchor.OPENS_AT
    ]
    envelope = Envelope(
        to=item.recipient,
        message_id=item.message_id,
        reply_to=_reply_to(runtime, [duty.token for duty in duties]),
        copies=tuple(dict.fromkeys(coordinating)),
        attachments=(*forms, *events),
    )
    context = ChaseContext(
        programme=programme,
        contact_name=batch.contact_names.get(item.recipient, ""),
        duties=duties,
        as_of=now,
    )
    return runtime.renderer.chase(context, envelope)


def _duty(
    runtime: Runtime, batch: Batch, record: cycles.DutyRecord, rung: Rung, *, to: str, now: datetime
) -> ChaseDuty:
    cycle = batch.cycles[record.duty.cycle_code]
    programme, obligation = runtime.programme_with(cycle.obligation_code)
    settling = obligation.also_settled_by
    inherited = _inherited(batch, record, cycle)
    return ChaseDuty(
        duty_id=record.duty.id,
        unit_name=record.duty.unit_name,
        rung=rung.code,
        cycle_code=cycle.code,
        cycle_title=cycle.title,
        short_title=short_title(cycle, obligation, programme, runtime.texts),
        clause=cycle.clause,
        quotation=obligation.quotation,
        decision=cycle.terms.decision,
        due_at=record.duty.due_at,
        late_at=late_at(record.duty, now),
        period_start=cycle.period_start,
        period_end=cycle.period_end,
        required=tuple(rule.title for rule in cycle.terms.required_attachments),
        token=record.token,
        answer_to=reply_address(runtime.settings.mail_from, record.token),
        # Whoever has no letter with the form yet gets it: an heir, a unit added later, one that an outage kept waiting.
        has_form=record.form_digest is not None
        and (rung.attach_form or inherited is not None or record.duty.id not in batch.told_before),
        kind=obligation.kind,
        paper=obligation.paper,
        asks_for_form=cycle.has_form,
        is_settled_by_word=cycle.terms.is_settled_by_word,
        content=cycle.content,
        product=cycle.product,
        is_led=obligation.lead_unit == record.duty.unit_code,
        coordinators=", ".join(obligation.coordinators),
        is_shared=bool(_coordinating(runtime, batch, record, rung, to=to)),
        receivers=obligation.receivers,
        inherited=inherited,
        parent=_parent(batch, record, cycle),
        is_filled_from_below=cycle.is_filled_from_below,
        is_told_to_member=rung.tell_member_in_charge and record.member_in_charge in batch.members[cycle.programme_code],
        settled_with=programme.obligation(settling).title if settling is not None else "",
    )


def _parent(batch: Batch, record: cycles.DutyRecord, cycle: Cycle) -> ParentDesk | None:
    return parent_desk(record.duty, cycle, batch.contacts[cycle.programme_code], batch.ended[cycle.programme_code])


def _inherited(batch: Batch, record: cycles.DutyRecord, cycle: Cycle) -> Inherited | None:
    ended = batch.ended[cycle.programme_code].get(record.duty.unit_code)
    if ended is None or ended.heir_code is None:
        return None
    return Inherited(heir=ended.heir_name, ended_on=ended.last_day, document=ended.document)


def _coordinating(runtime: Runtime, batch: Batch, record: cycles.DutyRecord, rung: Rung, *, to: str) -> list[str]:
    """Return who coordinates and gets a copy of what the lead is told when it opens and when it is late.

    One of the lead's desks brings the copies, so that nobody gets the same letter twice; whoever has a letter of
    today about the same obligation needs no copy.
    """
    cycle = batch.cycles[record.duty.cycle_code]
    _, obligation = runtime.programme_with(cycle.obligation_code)
    contacts = batch.contacts[cycle.programme_code]
    leads = obligation.lead_unit == record.duty.unit_code
    own = contacts.get(record.duty.unit_code, ())
    if not leads or rung.code not in SHARED_RUNGS or (own and own[0].email != to):
        return []
    desks = [contacts[unit][0].email for unit in obligation.coordinating_units if unit in contacts]
    told = batch.told_today.get(obligation.code, frozenset())
    return [desk for desk in dict.fromkeys(desks) if desk != to and desk not in told]


def _answer(runtime: Runtime, batch: Batch, item: ClaimedLetter, now: datetime) -> Written:
    if item.id in batch.given_back:
        return Written(claimed=item, letter=_returning_letter(runtime, batch, item, now))
    arrival = batch.arrivals.get(item.arrival_id or 0)
    if arrival is None:
        return Written(claimed=item, letter=None)
    if item.kind is LetterKind.SEVERAL:
        return Written(claimed=item, letter=_answer_to_several(runtime, batch, item, arrival, now))
    record = batch.duties.get(arrival.duty_id or 0)
    context, attachments = _about_arrival(runtime, batch, arrival, now, contest=_contest(item, arrival))
    envelope = Envelope(
        to=item.recipient,
        message_id=item.message_id,
        # Who is being checked is not told the duty's token: whoever has it would pass for the unit.
        reply_to=_reply_to(runtime, [record.token] if record and item.kind is not LetterKind.HELD else []),
        in_reply_to=arrival.envelope.message_id,
        attachments=attachments,
    )
    return Written(claimed=item, letter=_render_answer(runtime, item.kind, context, envelope))


def _answer_to_several(
    runtime: Runtime, batch: Batch, item: ClaimedLetter, whole: JudgedArrival, now: datetime
) -> Letter:
    """Return the one answer to a mail with several forms; what is to be sent again goes to each one's own address."""
    parts = [whole, *(batch.arrivals[part] for part in batch.parts.get(whole.id, ()) if part in batch.arrivals)]
    told = []
    attachments: list[Attachment] = []
    for number, part in enumerate(parts, start=1):
        context, theirs = _about_arrival(runtime, batch, part, now)
        is_named = part.outcome is not Outcome.QUARANTINED and context.token
        answer_to = reply_address(runtime.settings.mail_from, context.token) if is_named else ""
        told.append((part.outcome, context, answer_to))
        attachments += (replace(each, name=f"{number}-{each.name}") for each in theirs)
    envelope = Envelope(
        to=item.recipient,
        message_id=item.message_id,
        reply_to=_reply_to(runtime, []),
        in_reply_to=whole.envelope.message_id,
        attachments=tuple(attachments),
    )
    several = SeveralContext(
        programme=told[0][1].programme,
        received_at=whole.received_at,
        original_subject=whole.envelope.subject,
        forms=tuple(told),
    )
    return runtime.renderer.several(several, envelope)


def _about_arrival(
    runtime: Runtime, batch: Batch, arrival: JudgedArrival, now: datetime, *, contest: str = ""
) -> tuple[AnswerContext, tuple[Attachment, ...]]:
    """Return what is to be said of an arrival, and the workbooks that go with it."""
    record = batch.duties.get(arrival.duty_id or 0)
    cycle = batch.cycles[record.duty.cycle_code] if record else None
    programme = runtime.programme_of(cycle) if cycle else _programme_named(runtime, arrival)
    marked = _marked_workbook(runtime, arrival)
    is_to_be_marked = arrival.outcome is Outcome.RETURNED and any(reason.cell for reason in arrival.reasons)
    needs_form = _asks_for_a_form(arrival) or (is_to_be_marked and marked is None)
    fresh = _form(runtime, record) if record and record.form_digest and needs_form else None
    obligation = runtime.programme_with(cycle.obligation_code)[1] if cycle else None
    context = AnswerContext(
        programme=programme,
        unit_name=record.duty.unit_name if record else "",
        cycle_title=cycle.title if cycle else "",
        short_title=short_title(cycle, obligation, programme, runtime.texts) if cycle and obligation else "",
        due_at=record.duty.due_at if record else None,
        late_at=late_at(record.duty, now) if record else None,
        received_at=arrival.received_at,
        as_of=now,
        number=f"{record.duty.id}-{arrival.submission_number}" if record and arrival.submission_number else "",
        timeliness=timeliness(record.duty, now) if record and arrival.outcome is Outcome.ACCEPTED else None,
        findings=arrival.reasons,
        token=record.token if record else "",
        has_marked_workbook=marked is not None,
        has_form=fresh is not None,
        file_name=arrival.envelope.workbook_name,
        original_subject=arrival.envelope.subject,
        contest=contest,
        document=arrival.envelope.document_number,
        signed_on=arrival.envelope.signed_on,
        signer=arrival.envelope.signer,
        asked=_asked(cycle, obligation) if cycle and obligation else Asked.REPORT,
        asks_for_form=cycle is None or cycle.has_form,
        parent=_parent(batch, record, cycle) if record and cycle else None,
    )
    return context, tuple(attachment for attachment in (marked, fresh) if attachment is not None)


def _programme_named(runtime: Runtime, arrival: JudgedArrival) -> Programme:
    """Return the programme that a reason names, where an arrival answers no duty; else the first."""
    named = (runtime.programmes.get(str(dict(reason.facts).get("programme", ""))) for reason in arrival.reasons)
    return next((each for each in named if each is not None), next(iter(runtime.programmes.values())))


def _returning_letter(runtime: Runtime, batch: Batch, item: ClaimedLetter, now: datetime) -> Letter:
    """Return the letter in which an operator gives an answer back, with what is to be made better."""
    duty_id, reopening = batch.given_back[item.id]
    record = batch.duties[duty_id]
    cycle = batch.cycles[record.duty.cycle_code]
    programme, obligation = runtime.programme_with(cycle.obligation_code)
    context = AnswerContext(
        programme=programme,
        unit_name=record.duty.unit_name,
        cycle_title=cycle.title,
        short_title=short_title(cycle, obligation, programme, runtime.texts),
        due_at=record.duty.due_at,
        late_at=late_at(record.duty, now),
        received_at=answered_at(record.duty, reopening.reopened_at - datetime.resolution) or reopening.reopened_at,
        as_of=now,
        number="",
        timeliness=None,
        findings=(finding("given_back", comment=reopening.comment),),
        token=record.token,
        has_marked_workbook=False,
        has_form=False,
        file_name="",
        original_subject="",
        asked=_asked(cycle, obligation),
        asks_for_form=cycle.has_form,
        is_given_back=True,
        parent=_parent(batch, record, cycle),
    )
    reply_to = _reply_to(runtime, [record.token])
    return runtime.renderer.returned(
        context, Envelope(to=item.recipient, message_id=item.message_id, reply_to=reply_to)
    )


def _contest(item: ClaimedLetter, arrival: JudgedArrival) -> str:
    """Return what a person decided of a contest, when this letter tells it."""
    is_contested = any(reason.code == NOT_OUR_DUTY for reason in arrival.reasons)
    return CONTEST_DECISIONS.get(item.kind, "") if is_contested else ""


def _asked(cycle: Cycle, obligation: Obligation) -> Asked:
    return asked_by(obligation.kind, paper=obligation.paper, asks_for_form=cycle.has_form, content=cycle.content)


def _render_answer(runtime: Runtime, kind: LetterKind, context: AnswerContext, envelope: Envelope) -> Letter:
    render = {
        LetterKind.RECEIPT: runtime.renderer.receipt,
        LetterKind.RETURN: runtime.renderer.returned,
        LetterKind.HELD: runtime.renderer.held,
    }
    return render[kind](context, envelope)


def _marked_workbook(runtime: Runtime, arrival: JudgedArrival) -> Attachment | None:
    """Return the unit's own workbook with the wrong cells marked; None when there is nothing in it to mark."""
    digest = arrival.envelope.workbook_digest
    if arrival.outcome is not Outcome.RETURNED or digest is None or not any(r.cell for r in arrival.reasons):
        return None
    try:
        content = runtime.reader.mark(runtime.archive.read(digest), arrival.reasons, runtime.texts)
    except WorkbookNotMarkableError as error:
        logger.warning(runtime.texts.error(error))
        return None
    return Attachment(
        name=arrival.envelope.workbook_name or f"{arrival.digest[:8]}.xlsx",
        media_type=WORKBOOK_TYPE,
        content=content,
    )


def _asks_for_a_form(arrival: JudgedArrival) -> bool:
    return arrival.outcome is Outcome.RETURNED and any(r.code in ANSWERED_WITH_THE_FORM for r in arrival.reasons)


def _form(runtime: Runtime, record: cycles.DutyRecord) -> Attachment:
    name = runtime.texts.say("file.form", unit=record.duty.unit_code, cycle=record.duty.cycle_code)
    return Attachment(name=name, media_type=WORKBOOK_TYPE, content=runtime.archive.read(record.form_digest or ""))


def _event(runtime: Runtime, duty: ChaseDuty, programme: Programme, now: datetime) -> Attachment:
    content = invitation(duty, programme, as_of=now, organizer=runtime.settings.mail_from)
    return Attachment(name=f"{duty.cycle_code}.ics", media_type=CALENDAR_TYPE, content=content)


def _reply_to(runtime: Runtime, tokens: Sequence[str]) -> str:
    return reply_address(runtime.settings.mail_from, tokens[0]) if len(tokens) == 1 else runtime.settings.mail_from
