"""Gives each arrival its one outcome: reads it, finds its duty by three signals, checks it, writes it down."""

import gc
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles, editions, explanations, letters, roll_calls, rosters
from models.db.records.roll_calls import AskedContact, Confirmation
from models.db.tables import LetterRow
from models.db.turns import Turn, take_turn
from models.domain.attribution import DutyIdentity, attribute
from models.domain.authentication import failed_check
from models.domain.checks import PastFigures, check_form, identify, not_asked_for
from models.domain.closing import close_at, is_alike
from models.domain.cycles import Cycle
from models.domain.duties import Duty, Mark, answered_at, promise_until
from models.domain.errors import ActionRefusedError
from models.domain.forms import CheckedForm, Finding, RawForm, finding, note
from models.domain.judgement import UNCHANGED_VERSION, Evidence, judge, judge_version, reply_that_counts
from models.domain.questions import explanation_of, still_asked
from models.domain.replies import read_reply
from models.domain.submissions import Contribution, Reply, Signals, Verdict, completed_at
from models.domain.tokens import is_own_address, token_in_address, token_in_subject
from models.domain.versions import CountedVersion, is_locked
from models.domain.vocabulary import (
    OFFICE_ZONE,
    Channel,
    FindingLevel,
    LetterKind,
    LetterState,
    MarkKind,
    Outcome,
)
from tasks.adapters.archive import sha256_of
from tasks.adapters.automatic_mail import BOUNCE, PERHAPS_BOUNCE
from tasks.adapters.enclosures import attachments_brought
from tasks.ahead import one_ahead
from tasks.gathering import gathered_for
from tasks.holding import hold
from tasks.opened import Known, Opened, Ruling
from tasks.pieces import opened_arrivals
from tasks.ports import ParsedMail, Unpacked
from tasks.receive import OCTETS_PER_CHUNK
from tasks.roll_call_answers import judge_roll_call, look_up_roll_calls
from tasks.runtime import Runtime
from tasks.several_forms import in_parts, the_part

logger = logging.getLogger(__name__)
ARRIVALS_PER_CHUNK: Final = 400
ARRIVALS_PER_TRIAL: Final = 25
ONE_HOUR: Final = timedelta(hours=1)
OWN_LETTER: Final = "own_letter"
ANSWERED_BY: Final[Mapping[Outcome, LetterKind]] = {
    Outcome.ACCEPTED: LetterKind.RECEIPT,
    Outcome.RETURNED: LetterKind.RETURN,
    Outcome.QUARANTINED: LetterKind.HELD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An arrival with its verdict and what is to be written down."""

    opened: Opened
    verdict: Verdict
    checked: CheckedForm | None = None
    attachments: frozenset[str] = frozenset()
    reply: Reply | None = None
    is_answerable: bool = False
    confirmed: str = ""
    """Address that its contact has confirmed in it."""

    @property
    def is_own(self) -> bool:
        """Say whether it is a blind copy of our own letter: kept, and not worth counting among what arrived."""
        return [reason.code for reason in self.verdict.reasons] == [OWN_LETTER]


@dataclass(frozen=True, slots=True)
class _SoFar:
    """What the arrivals of a chunk have brought to each duty, beside what the database holds, and what counts now."""

    brought: dict[int, list[Contribution]]
    counted: dict[int, CountedVersion]

    def note(self, judged: Judged, duty_id: int) -> None:
        """Take in what an arrival brought."""
        self.brought.setdefault(duty_id, []).append(_contribution(judged))
        form = judged.checked
        if judged.verdict.outcome is Outcome.ACCEPTED and form is not None and not form.has_blocking:
            received_at = judged.opened.arrival.received_at
            self.counted[duty_id] = CountedVersion(received_at=received_at, form=form)


def judged_in_chunks(runtime: Runtime, waiting: "Waiting", *, dry_run: bool = False) -> Iterator[list[Judged]]:
    """Yield the chunks of arrivals as they are judged and, unless it is a dry run, written down.

    While a chunk is judged the next one is being opened, for that is mostly waiting for the workers that read.
    """
    for opened in one_ahead(waiting.opened_in_chunks()):
        with runtime.sessions() as session:
            left = opened if dry_run else _left_to_us(session, opened)
            judged = _judge_chunk(runtime, session, left, waiting.as_of, dry_run=dry_run) if left else []
        yield judged


def _left_to_us(session: Session, opened: Sequence[Opened]) -> list[Opened]:
    """Return what no other run has judged since it was opened; until the transaction ends no other can."""
    take_turn(session.connection(), Turn.JUDGING)
    unjudged = arrivals.still_unjudged(session, [item.arrival.id for item in opened])
    return [item for item in opened if item.arrival.id in unjudged]


def _judge_chunk(
    runtime: Runtime, session: Session, opened: Sequence[Opened], as_of: datetime, *, dry_run: bool
) -> list[Judged]:
    fresh = _with_repeats_marked(session, opened)
    known = _look_up(runtime, session, fresh, as_of)
    parts = [part for item in fresh for part in _in_parts(runtime, item, known)]
    if not dry_run:
        parts = _with_rows(session, parts, as_of)
    judged = _judge_all(runtime, parts, known)
    if not dry_run:
        _write_down(runtime, session, judged, known=known, as_of=as_of)
        session.commit()
    return judged


def _in_parts(runtime: Runtime, opened: Opened, known: Known) -> list[Opened]:
    """Divide an arrival that brings several forms; one that breaks the program there stays whole, for a person."""
    if len(opened.ours) < 2:  # noqa: PLR2004 - several are more than one
        return [opened]
    try:
        is_known = _signals(runtime, opened, known).is_from_a_contact
        return [opened] if _ignorable(runtime, opened, is_known=is_known) is not None else in_parts(opened, known)
    except Exception:
        logger.exception(runtime.texts.say("log.arrival_broken", key=opened.arrival.key))
        return [opened]


def _with_rows(session: Session, parts: Sequence[Opened], at: datetime) -> list[Opened]:
    """Give each further part of an arrival a row beside the arrival's own, which is that of the first part."""
    further: dict[arrivals.TakenArrival, list[int]] = {}
    for part in parts:
        if part.whole is not None:
            further.setdefault(part.whole, []).append(part.arrival.part)
    rows = {whole.id: arrivals.add_parts(session, whole, numbers[1:], at=at) for whole, numbers in further.items()}
    return [
        replace(part, arrival=rows[part.whole.id].get(part.arrival.part, part.arrival)) if part.whole else part
        for part in parts
    ]


def tried_out(runtime: Runtime, waiting: Iterable[arrivals.TakenArrival]) -> Iterator[list[Judged]]:
    """Yield what would become of each arrival, in its parts, that only the runtime's archive knows; nothing is written.

    Each is judged by itself, as having come when it says: what came before in the same trial has no bearing on it.
    """
    taken = iter(waiting)
    while chunk := list(islice(taken, ARRIVALS_PER_TRIAL)):
        left: Sequence[arrivals.TakenArrival] = chunk
        while left:
            opened = _open(runtime, _chunk_of(runtime, left))
            left = left[len(opened) :]
            with runtime.sessions() as session:
                seen = arrivals.judged_digests(session, [item.arrival.digest for item in opened])
                fresh = [replace(item, is_repeated=_is_repeated(item.arrival, seen)) for item in opened]
                known = _look_up(runtime, session, fresh, chunk[0].received_at)
            for item in fresh:
                parts = _in_parts(runtime, item, known)
                yield [_judge_safely(runtime, part, known, _SoFar(brought={}, counted={})) for part in parts]


@contextmanager
def garbage_left_lying() -> Iterator[None]:
    """Let the collector of cycles rest meanwhile: it would go through all that is being judged again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def judge_by_ruling(
    runtime: Runtime,
    session: Session,
    arrival: arrivals.TakenArrival,
    ruling: Ruling,
    *,
    unpacked: Unpacked,
    as_of: datetime,
) -> Verdict:
    """Judge one arrival as a person ruled and write it down in the session's transaction, answer included.

    The caller has the turn of judging since before it looked at anything, and had the arrival unpacked before that:
    the workers may take seconds, in which nobody else could write.
    """
    opened = [_opened(arrival, unpacked, ruling)]
    known = _look_up(runtime, session, opened, as_of)
    judged = [_judge_one(runtime, the_part(item, known), known) for item in opened]
    if ruling.is_accepted:
        judged = [_accepted(item, known) for item in judged]
    _write_down(runtime, session, judged, known=known, as_of=as_of)
    return judged[0].verdict


def _accepted(judged: Judged, known: Known) -> Judged:
    """Return the arrival as accepted: what would have been returned is asked about instead."""
    assert judged.opened.ruling is not None  # noqa: S101 - only what a person ruled comes here
    duty = known.duties[judged.opened.ruling.duty_id].duty
    checked = judged.checked
    if checked is not None:
        checked = replace(checked, findings=tuple(map(_as_question, checked.findings)))
    questions = tuple(
        _as_question(reason) for reason in judged.verdict.reasons if reason.level is not FindingLevel.NOTE
    )
    verdict = Verdict(
        outcome=Outcome.ACCEPTED,
        reasons=(note("accepted_by_operator"), *questions),
        duty_id=duty.id,
        unit_code=duty.unit_code,
        cycle_code=duty.cycle_code,
    )
    return replace(judged, verdict=verdict, checked=checked)


def _as_question(found: Finding) -> Finding:
    return replace(found, level=FindingLevel.QUESTION) if found.is_blocking else found


class _Quota:
    """Lets so many mails of one address through within an hour; the others keep no outcome, and wait for their turn."""

    def __init__(self, runtime: Runtime, as_of: datetime) -> None:
        """Count what was judged in the hour before the instant."""
        self._limit = runtime.settings.arrivals_per_sender_hour
        self._own = runtime.settings.mail_from
        with runtime.sessions() as session:
            self._counts = Counter(arrivals.count_by_sender(session, as_of - ONE_HOUR))

    def lets_through(self, arrival: arrivals.TakenArrival) -> bool:
        """Say whether it is an arrival's turn, and count it."""
        is_rated = arrival.channel is Channel.MAIL and arrival.sender and not is_own_address(arrival.sender, self._own)
        if not is_rated or not self._limit:
            return True
        self._counts[arrival.sender] += 1
        return self._counts[arrival.sender] <= self._limit


class Waiting:
    """The arrivals without outcome in their order, as far as it is their turn."""

    def __init__(self, runtime: Runtime, as_of: datetime) -> None:
        """Begin with the first; `as_of` is when they are judged."""
        self.as_of: Final = as_of
        self._runtime = runtime
        self._quota = _Quota(runtime, as_of)
        self._after_id = 0

    def opened_in_chunks(self) -> Iterator[list[Opened]]:
        """Yield what waits after the last that was yielded, opened; asked again, what has come since."""
        while True:
            with self._runtime.sessions() as session:
                taken = arrivals.unjudged(session, limit=ARRIVALS_PER_CHUNK, after_id=self._after_id)
            if not taken:
                return
            chunk = _chunk_of(self._runtime, taken)
            self._after_id = chunk[-1].id
            in_turn = [arrival for arrival in chunk if self._quota.lets_through(arrival)]
            if in_turn:
                yield _open(self._runtime, in_turn)
            if len(chunk) == len(taken) < ARRIVALS_PER_CHUNK:
                return


def _chunk_of(runtime: Runtime, taken: Sequence[arrivals.TakenArrival]) -> Sequence[arrivals.TakenArrival]:
    """Return as many of the arrivals as may be in memory together: at least one."""
    n_octets = 0
    for n, arrival in enumerate(taken):
        n_octets += _size(runtime, arrival)
        if n and n_octets > OCTETS_PER_CHUNK:
            return taken[:n]
    return taken


def _size(runtime: Runtime, arrival: arrivals.TakenArrival) -> int:
    try:
        return runtime.archive.size(arrival.digest) if arrival.digest else 0
    except FileNotFoundError:
        return 0  # it is lost, and will be told so


def _open(runtime: Runtime, taken: Sequence[arrivals.TakenArrival]) -> list[Opened]:
    """Open arrivals: take mails apart, sort their files, and read the workbooks."""
    kept = [arrival for arrival in taken if not arrival.is_secret]
    unpacked = iter(opened_arrivals(runtime, kept))
    found = [Unpacked(mail=ParsedMail(sender=each.sender)) if each.is_secret else next(unpacked) for each in taken]
    return [_opened(arrival, each) for arrival, each in zip(taken, found, strict=True)]


def unpacked_again(runtime: Runtime, arrival_id: int) -> Unpacked:
    """Return what an arrival holds that was taken in before, for a person's ruling of it.

    Raises:
        ActionRefusedError: there is no such arrival.
    """
    with runtime.sessions() as session:
        taken = arrivals.taken(session, arrival_id)
    if taken is None:
        raise ActionRefusedError("arrival_unknown", arrival=arrival_id)
    (opened,) = _open(runtime, [taken])
    return Unpacked(mail=opened.mail, enclosures=opened.enclosures, forms=opened.forms, is_lost=opened.is_lost)


def _opened(arrival: arrivals.TakenArrival, unpacked: Unpacked, ruling: Ruling | None = None) -> Opened:
    return Opened(
        arrival=arrival,
        mail=unpacked.mail,
        enclosures=unpacked.enclosures,
        forms=unpacked.forms,
        is_lost=unpacked.is_lost,
        ruling=ruling,
    )


def _with_repeats_marked(session: Session, opened: Sequence[Opened]) -> list[Opened]:
    """Mark what came before byte for byte, in this chunk or any earlier one."""
    seen = arrivals.judged_digests(session, [item.arrival.digest for item in opened])
    marked = []
    for item in opened:
        marked.append(replace(item, is_repeated=_is_repeated(item.arrival, seen)))
        seen.add(item.arrival.digest)
    return marked


def _is_repeated(arrival: arrivals.TakenArrival, seen: AbstractSet[str]) -> bool:
    """Say whether the same bytes came before; what was too large or secret has none that would tell."""
    return bool(arrival.digest) and not arrival.is_cut and arrival.digest in seen


def _judge_all(runtime: Runtime, opened: Sequence[Opened], known: Known) -> list[Judged]:
    """Judge each arrival in the light of those before it; `known` itself stays as the database has it."""
    so_far = _SoFar(
        brought={key: list(value) for key, value in known.contributions.items()}, counted=dict(known.counted)
    )
    lit = replace(known, contributions=so_far.brought, counted=so_far.counted)
    return [_judge_safely(runtime, item, lit, so_far) for item in opened]


def _judge_safely(runtime: Runtime, opened: Opened, known: Known, so_far: _SoFar) -> Judged:
    """Judge one arrival; one that breaks the program goes to a person and never stops the others."""
    try:
        judged = _judge_one(runtime, opened, known)
    except Exception:  # the arrival is kept, shown and looked at: nothing is lost
        logger.exception(runtime.texts.say("log.arrival_broken", key=opened.arrival.key))
        reasons = (note("arrival_broken"),)
        return Judged(opened=opened, verdict=Verdict(outcome=Outcome.QUARANTINED, reasons=reasons))
    if judged.verdict.duty_id is not None and judged.verdict.outcome in {Outcome.ACCEPTED, Outcome.RETURNED}:
        so_far.note(judged, judged.verdict.duty_id)
    return judged


def _look_up(runtime: Runtime, session: Session, opened: Sequence[Opened], as_of: datetime) -> Known:
    tokens = {token for item in opened for token in _tokens(runtime, item)}
    by_token = cycles.duties_by_token(session, tokens)
    by_message = letters.duties_of_messages(session, {m for item in opened for m in item.mail.in_reply_to})
    senders = {item.mail.sender.lower() for item in opened if item.mail.sender}
    newest_at = max(item.arrival.received_at for item in opened)
    newest = newest_at.astimezone(OFFICE_ZONE).date()
    by_sender = rosters.units_of_addresses(session, list(runtime.programmes), senders, on=newest)
    units = {unit for found in by_sender.values() for unit in found}
    units |= {stamp.unit_code for item in opened for stamp in item.stamps}
    waiting = cycles.open_duties_of_units(session, units, newest_at)
    ids = {*by_token.values(), *(i for found in by_message.values() for i in found)}
    ids |= {item.ruling.duty_id for item in opened if item.ruling is not None}
    ids |= {duty_id for found in waiting.values() for duty_id in found}
    duties = cycles.duties(session, ids)
    every_cycle = {cycle.code: cycle for cycle in cycles.all_cycles(session)}
    has_forms = any(item.ours for item in opened)
    letters_answered = letters.arrivals_of_messages(session, {m for item in opened for m in item.mail.in_reply_to})
    asked = explanations.asked_in(session, letters_answered.values())
    return Known(
        by_token=by_token,
        by_message=by_message,
        by_sender=by_sender,
        open_duties={unit: tuple(found) for unit, found in waiting.items()},
        duties=duties,
        identities={key: _identity(record) for key, record in duties.items()},
        cycles=every_cycle,
        contributions=arrivals.contributions(session, sorted(ids)),
        past=_past_figures(session, duties.values(), every_cycle, newest_at) if has_forms else {},
        explained=explanations.explained(session, ids),
        asked_in_letters={message: asked[arrival_id] for message, arrival_id in letters_answered.items()},
        asked_newest=explanations.newest_asking(session, ids) if _any_explains(runtime, opened) else {},
        counted=arrivals.counted_versions(session, duties) if has_forms else {},
        locked=_locked(runtime, session, duties.values(), every_cycle, as_of) if has_forms else frozenset(),
        roll_calls=look_up_roll_calls(session, tokens, {m for item in opened for m in item.mail.in_reply_to}),
    )


def _locked(
    runtime: Runtime,
    session: Session,
    records: Iterable[cycles.DutyRecord],
    every_cycle: Mapping[str, Cycle],
    as_of: datetime,
) -> frozenset[int]:
    finals = editions.finals(session)
    duties = [record.duty for record in records]
    closes_at = {code: _closes_at(runtime, every_cycle[code]) for code in {duty.cycle_code for duty in duties}}
    return frozenset(
        duty.id
        for duty in duties
        if is_locked(
            duty.accepted_at or answered_at(duty, as_of),
            finals=finals.get(duty.cycle_code, ()),
            closes_at=closes_at[duty.cycle_code],
            as_of=as_of,
        )
    )


def _closes_at(runtime: Runtime, cycle: Cycle) -> datetime | None:
    programme = runtime.programmes.get(cycle.programme_code)  # one that is no more leaves its cycles closed
    return close_at(cycle, programme.calendar) if programme is not None else cycle.late_at


def _any_explains(runtime: Runtime, opened: Sequence[Opened]) -> bool:
    replies = [_reply(runtime, item) for item in opened]
    return any(reply is not None and reply.given for reply in replies)


def _asked(opened: Opened, record: cycles.DutyRecord | None, known: Known) -> tuple[Finding, ...]:
    """Return the questions of the letter that is answered, as it numbered them; of the newest when it quotes none."""
    if record is None:
        return ()
    quoted = [known.asked_in_letters[m] for m in opened.mail.in_reply_to if m in known.asked_in_letters]
    return tuple(quoted[0] if quoted else known.asked_newest.get(record.duty.id, ()))


def _tokens(runtime: Runtime, opened: Opened) -> list[str]:
    return [*_mail_tokens(runtime, opened.mail), *(stamp.token for stamp in opened.stamps)]


def _mail_tokens(runtime: Runtime, mail: ParsedMail) -> list[str]:
    in_addresses = [token_in_address(address, runtime.settings.mail_from) for address in mail.recipients]
    found = [*in_addresses, token_in_subject(mail.subject)]
    return [token for token in found if token is not None]


def _judge_unseen(opened: Opened, known: Known) -> Judged:
    """Refuse what bears a marking of secrecy: a contact is told what to do, nobody else; hold what is lost."""
    if opened.is_lost:
        return Judged(opened=opened, verdict=Verdict(outcome=Outcome.QUARANTINED, reasons=(note("original_lost"),)))
    verdict = Verdict(outcome=Outcome.RETURNED, reasons=(finding("secrecy_marking"),))
    return Judged(opened=opened, verdict=verdict, is_answerable=opened.mail.sender.lower() in known.by_sender)


def _judge_one(runtime: Runtime, opened: Opened, known: Known) -> Judged:
    if opened.arrival.is_secret or opened.is_lost:
        return _judge_unseen(opened, known)
    signals = _signals(runtime, opened, known)
    ignorable = _ignorable(runtime, opened, is_known=signals.is_from_a_contact)
    called = _roll_call_answered(runtime, opened, known, signals) if ignorable is None else None
    if called is not None:
        return _judge_roll_call(runtime, opened, known, called)
    reply = _reply(runtime, opened)
    attribution = attribute(
        signals,
        duties=known.identities,
        open_duties=known.open_duties,
        needs_workbook=bool(opened.ours) or (reply is None and not opened.enclosures.documents),
    )
    record = known.duties.get(attribution.duty_id) if attribution.duty_id is not None else None
    cycle = known.cycles[record.duty.cycle_code] if record is not None else None
    asked = _asked(opened, record, known) if reply is not None and reply.given else ()
    reply = reply if cycle is None else reply_that_counts(reply, cycle.terms, asked=asked)
    # Whose it is, is a guess where tokens of two units meet: nobody is told that it is not the form of that guess.
    told_by = None if signals.tokens_disagree else cycle
    file_findings = _file_findings(opened, told_by, known) if ignorable is None else ()
    checked = None
    if record is not None and cycle is not None and attribution.is_certain and opened.ours and not file_findings:
        checked = _check(runtime, opened.ours[0], record, cycle, known)
    rules = cycle.terms.required_attachments if cycle is not None else ()
    attachments = attachments_brought(rules, opened.enclosures.documents)
    if opened.ruling is not None and opened.ruling.has_documents:
        attachments |= {rule.code for rule in rules}
    evidence = Evidence(
        received_at=opened.arrival.received_at,
        attribution=attribution,
        cycle_code=cycle.code if cycle is not None else None,
        ignorable=ignorable,
        file_findings=file_findings,
        unusable=opened.enclosures.unusable,
        n_forms=len(opened.ours),
        is_from_a_contact=signals.is_from_a_contact,
        checked=checked,
        attachments=attachments,
        reply=reply,
        asked=_still_open(asked, record, known),
        untold=tuple(file.name for file in opened.untold),
    )
    earlier = known.contributions.get(record.duty.id, ()) if record is not None else ()
    verdict = judge(evidence, required=rules, earlier=earlier, needs_form=cycle is None or cycle.has_form)
    if record is not None:
        verdict = _judge_version(opened, verdict, checked, record, known)
    return Judged(
        opened=opened,
        verdict=replace(verdict, reasons=(*verdict.reasons, *opened.told, *opened.told_in_reading)),
        checked=checked,
        attachments=attachments,
        reply=reply,
        is_answerable=not signals.failed_check and (signals.token_duty is not None or bool(signals.sender_units)),
    )


def _judge_version(
    opened: Opened, verdict: Verdict, checked: CheckedForm | None, record: cycles.DutyRecord, known: Known
) -> Verdict:
    """Say what a further version is to the one that counts; what a person ruled is never locked."""
    locked = record.duty.id in known.locked and opened.ruling is None
    return judge_version(verdict, checked, known.counted.get(record.duty.id), locked=locked)


def _roll_call_answered(runtime: Runtime, opened: Opened, known: Known, signals: Signals) -> AskedContact | None:
    """Return the roll-call that an arrival answers; None when it answers a duty or brings a form, or may be forged."""
    if opened.ruling is not None or opened.ours or signals.token_duty is not None or signals.failed_check:
        return None
    return known.roll_calls.answered_by(opened.mail, _mail_tokens(runtime, opened.mail))


def _judge_roll_call(runtime: Runtime, opened: Opened, known: Known, asked: AskedContact) -> Judged:
    has_files = bool(opened.enclosures.documents or opened.enclosures.workbooks)
    phrases = runtime.roll_call_phrases
    judged = judge_roll_call(asked, opened.mail, known.roll_calls, phrases, has_files=has_files)
    return Judged(opened=opened, verdict=judged.verdict, is_answerable=True, confirmed=judged.confirmed)


def _ignorable(runtime: Runtime, opened: Opened, *, is_known: bool) -> Finding | None:
    """Say why nobody waits for an answer. `is_known`: a contact wrote it, or an operator brought it."""
    if opened.ruling is not None:
        return None
    mail = opened.mail
    if mail.sender and is_own_address(mail.sender, runtime.settings.mail_from):
        return note(OWN_LETTER)
    if mail.auto_reply_reason == BOUNCE:
        addresses = ", ".join(mail.bounced_addresses)
        return note("bounce", addresses=addresses) if addresses else note("bounce_of_nobody")
    if mail.auto_reply_reason and not (mail.auto_reply_reason == PERHAPS_BOUNCE and is_known):
        return note("auto_reply")
    return note("repeated") if opened.is_repeated else None


def _reply(runtime: Runtime, opened: Opened) -> Reply | None:
    if opened.ours or not opened.mail.own_text:
        return None
    today = opened.arrival.received_at.astimezone(OFFICE_ZONE).date()
    return read_reply(opened.mail.own_text, phrases=runtime.reply_phrases, today=today)


def _signals(runtime: Runtime, opened: Opened, known: Known) -> Signals:
    if opened.ruling is not None:
        unit = known.duties[opened.ruling.duty_id].duty.unit_code
        operator = opened.arrival.operator
        return Signals(token_duty=opened.ruling.duty_id, operator=operator, workbook_unit=unit)
    # Of several forms in one mail each speaks for itself: what the mail names is one of their duties, or another.
    mail_tokens = _mail_tokens(runtime, opened.mail) if opened.whole is None else []
    stamps = opened.stamps
    by_mail = {known.by_token[token] for token in mail_tokens if token in known.by_token}
    by_sheet = {known.by_token[stamp.token] for stamp in stamps if stamp.token in known.by_token}
    by_thread = {key for m in opened.mail.in_reply_to for key in known.by_message.get(m, ())}
    if len(by_thread) > 1 or opened.whole is not None:
        by_thread = set()
    named = by_mail or by_sheet or by_thread
    return Signals(
        token_duty=min(named, default=None),
        token_is_bad=not named and bool(mail_tokens or stamps),
        tokens_disagree=len(named) > 1 or _disagree(by_mail, by_sheet, known),
        sender_units=known.by_sender.get(opened.mail.sender.lower(), frozenset()),
        failed_check=failed_check(opened.mail.authentication, runtime.settings.imap.authserv_id),
        operator=opened.arrival.operator,
        workbook_unit=stamps[0].unit_code if stamps else None,
    )


def _disagree(by_mail: set[int], by_sheet: set[int], known: Known) -> bool:
    """Two cycles of one unit are no disagreement about who sent it: the form is of another cycle, and is told so."""
    units = {known.duties[key].duty.unit_code for key in by_mail | by_sheet if key in known.duties}
    return bool(by_mail and by_sheet) and len(units) > 1


def _file_findings(opened: Opened, cycle: Cycle | None, known: Known) -> tuple[Finding, ...]:
    refused = [found for read in opened.forms if read.form is None for found in read.findings]
    found = (*opened.mail.findings, *opened.enclosures.findings, *refused)
    if opened.ours or found:
        wrong = _not_this_form(opened, cycle, known) if opened.ours else ()
        return (*wrong, *(item for item in found if item.is_blocking and not opened.ours))
    strange = [read.form for read in opened.forms if read.form is not None]
    if strange and cycle is not None and cycle.terms.form is not None:
        return _refusals(identify(strange[0], cycle.form, cycle_code=cycle.code, cycle_titles={}))
    return ()


def _not_this_form(opened: Opened, cycle: Cycle | None, known: Known) -> tuple[Finding, ...]:
    if cycle is None:
        return ()
    titles = {code: each.title for code, each in known.cycles.items()}
    if cycle.terms.form is None:
        return (not_asked_for(opened.ours[0], cycle_title=cycle.title, cycle_titles=titles),)
    return _refusals(identify(opened.ours[0], cycle.form, cycle_code=cycle.code, cycle_titles=titles))


def _refusals(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(item for item in findings if item.is_blocking)


def _check(runtime: Runtime, form: RawForm, record: cycles.DutyRecord, cycle: Cycle, known: Known) -> CheckedForm:
    past = known.past.get(record.duty.id)
    checked = check_form(cycle.form, form, words=runtime.form_words, past=past)
    return replace(checked, findings=still_asked(checked.findings, known.explained.get(record.duty.id, {})))


def _still_open(asked: Sequence[Finding], record: cycles.DutyRecord | None, known: Known) -> tuple[Finding, ...]:
    explained = known.explained.get(record.duty.id, {}) if record is not None else {}
    return tuple(item for item in asked if not explanation_of(item, explained))


def _past_figures(
    session: Session, duties: Iterable[cycles.DutyRecord], every_cycle: Mapping[str, Cycle], as_of: datetime
) -> dict[int, PastFigures]:
    """Return by duty what its unit reported before, earlier in the same year, and its children by the instant."""
    by_cycle: dict[str, list[cycles.DutyRecord]] = {}
    for record in duties:
        by_cycle.setdefault(record.duty.cycle_code, []).append(record)
    found = {}
    for code, records in by_cycle.items():
        before, earlier = _reported_before(session, every_cycle[code], records, every_cycle.values())
        units = [record.duty.unit_code for record in records]
        children = gathered_for(session, every_cycle[code], every_cycle.values(), units, as_of)
        for record in records:
            unit = record.duty.unit_code
            found[record.duty.id] = PastFigures(
                previous=_amounts(before.get(unit, {})),
                earlier_this_year=_amounts(earlier.get(unit, {})),
                children=children.get(unit),
            )
    return found


def _reported_before(
    session: Session, cycle: Cycle, records: Sequence[cycles.DutyRecord], every_cycle: Iterable[Cycle]
) -> tuple[arrivals.FiguresByUnit, arrivals.FiguresByUnit]:
    units = [record.duty.unit_code for record in records]
    before = arrivals.figures_of_earlier_cycle(
        session, obligation_code=cycle.obligation_code, before=cycle.due_at, unit_codes=units
    )
    same_year = [
        other.code
        for other in every_cycle
        if other.year == cycle.year and other.due_at < cycle.due_at and is_alike(other, cycle)
    ]
    return before, arrivals.figures_of_cycle(session, same_year[-1], units) if same_year else {}


def _amounts(figures: Mapping[str, tuple[int | None, str | None]]) -> dict[str, int]:
    return {field: amount for field, (amount, _) in figures.items() if amount is not None}


def _write_down(runtime: Runtime, session: Session, judged: Sequence[Judged], *, known: Known, as_of: datetime) -> None:
    """Write what came of a chunk, each table at once; `known` is what the database held before."""
    envelopes = {item.opened.arrival.id: _envelope(runtime, item) for item in judged}
    outcomes = [
        arrivals.NewOutcome(
            arrival_id=item.opened.arrival.id,
            verdict=item.verdict,
            envelope=envelopes[item.opened.arrival.id],
            part=item.opened.arrival.part,
        )
        for item in judged
    ]
    arrivals.record_outcomes(session, outcomes, at=as_of)
    hold(runtime, session, dict(_kept_on_their_own(judged, envelopes)))
    _note_what_mails_say(session, judged, as_of)
    _note_confirmations(session, judged)
    _credit(runtime, session, judged, known=known, envelopes=envelopes, as_of=as_of)
    _queue_answers(runtime, session, judged, known=known, as_of=as_of)


def _kept_on_their_own(
    judged: Sequence[Judged], envelopes: Mapping[int, arrivals.Envelope]
) -> Iterator[tuple[str, bytes]]:
    """Yield the workbooks that are to go back marked, which are kept beside their mails, by digest."""
    for item in judged:
        workbook, digest = item.opened.main_workbook, envelopes[item.opened.arrival.id].workbook_digest
        if workbook is not None and digest is not None and item.verdict.outcome is Outcome.RETURNED:
            yield digest, workbook.content


def _envelope(runtime: Runtime, judged: Judged) -> arrivals.Envelope:
    """Return what the outside says; a workbook that is to go back marked is kept on its own, beside its mail."""
    opened = judged.opened
    workbook = opened.main_workbook
    keep = runtime.archive.keep if judged.verdict.outcome is Outcome.RETURNED else sha256_of
    return arrivals.Envelope(
        sender=opened.mail.sender,
        subject=opened.mail.subject,
        message_id=opened.mail.message_id,
        workbook_digest=keep(workbook.content) if workbook else None,
        workbook_name=workbook.name if workbook else "",
        document_number=opened.mail.document.number,
        signed_on=opened.mail.document.signed_on,
        signer=opened.mail.document.signer,
    )


def _note_what_mails_say(session: Session, judged: Sequence[Judged], as_of: datetime) -> None:
    mails = [item.opened.mail for item in judged]
    bounced: dict[str, str] = {}
    for mail in mails:
        for address in mail.bounced_addresses:
            bounced.setdefault(address.lower(), mail.subject)
    if bounced:
        rosters.note_bounces(session, bounced, at=as_of)
    message_ids = [mail.message_id for mail in mails if mail.message_id]
    if message_ids:
        letters.confirm_sent(session, message_ids, at=as_of)


def _note_confirmations(session: Session, judged: Sequence[Judged]) -> None:
    confirmations = [
        Confirmation(
            arrival_id=item.opened.arrival.id, address=item.confirmed, confirmed_at=item.opened.arrival.received_at
        )
        for item in judged
        if item.confirmed
    ]
    roll_calls.note_confirmations(session, confirmations)


def _credit(
    runtime: Runtime,
    session: Session,
    judged: Sequence[Judged],
    *,
    known: Known,
    envelopes: Mapping[int, arrivals.Envelope],
    as_of: datetime,
) -> None:
    """Put to its duty what each arrival brings: a submission, or what a unit said of it."""
    credited = [
        (item, item.verdict.duty_id)
        for item in judged
        if item.verdict.duty_id is not None and item.verdict.outcome in {Outcome.ACCEPTED, Outcome.RETURNED}
    ]
    bringing = [(item, duty_id) for item, duty_id in credited if _brings_something(item)]
    for item, duty_id in credited:
        if not _brings_something(item) and item.reply is not None:
            _note_reply(session, duty_id, item.opened.arrival, item.reply)
    submissions = [
        arrivals.NewSubmission(
            arrival_id=item.opened.arrival.id,
            duty_id=duty_id,
            received_at=item.opened.arrival.received_at,
            judged_at=as_of,
            form=item.checked,
            form_version=_version(item.opened),
            attachments=item.attachments,
            workbook_digest=envelopes[item.opened.arrival.id].workbook_digest,
        )
        for item, duty_id in bringing
    ]
    arrivals.add_submissions(session, submissions)
    completed = _completed(bringing, known)
    cycles.settle(session, completed, accepted_at=as_of)
    cycles.settle_sisters(session, completed, runtime.settled_along, accepted_at=as_of)


def _note_reply(session: Session, duty_id: int, arrival: arrivals.TakenArrival, reply: Reply) -> None:
    if reply.explained:
        at = arrival.received_at
        explanations.explain(session, duty_id, reply.explained, arrival_id=arrival.id, at=at)
    else:
        cycles.add_mark(session, duty_id, _mark_of(reply, arrival.received_at))


def _brings_something(judged: Judged) -> bool:
    if any(reason.code == UNCHANGED_VERSION for reason in judged.verdict.reasons):
        return False
    return judged.checked is not None or bool(judged.attachments) or _is_accepted_by_hand(judged)


def _is_accepted_by_hand(judged: Judged) -> bool:
    return judged.opened.ruling is not None and judged.opened.ruling.is_accepted


def _completed(bringing: Sequence[tuple[Judged, int]], known: Known) -> dict[int, datetime]:
    """Return by duty when it was complete, as its first accepted arrival of the chunk found it."""
    brought: dict[int, list[Contribution]] = {}
    found: dict[int, datetime] = {}
    for item, duty_id in bringing:
        contributions = brought.setdefault(duty_id, list(known.contributions.get(duty_id, ())))
        contributions.append(_contribution(item))
        if item.verdict.outcome is not Outcome.ACCEPTED or duty_id in found:
            continue
        if _is_accepted_by_hand(item):
            found[duty_id] = item.opened.arrival.received_at
            continue
        cycle = known.cycles[known.duties[duty_id].duty.cycle_code]
        required = frozenset(rule.code for rule in cycle.terms.required_attachments)
        instant = completed_at(contributions, required, needs_form=cycle.has_form)
        if instant is not None:
            found[duty_id] = instant
    return found


def _contribution(judged: Judged) -> Contribution:
    return Contribution(
        received_at=judged.opened.arrival.received_at,
        has_sound_form=judged.checked is not None and not judged.checked.has_blocking,
        attachments=judged.attachments,
    )


def _queue_answers(
    runtime: Runtime, session: Session, judged: Sequence[Judged], *, known: Known, as_of: datetime
) -> None:
    """Queue the one answer of each arrival; who is no contact and has no token of ours gets none.

    A mail with several forms has one answer that speaks of all of them. Of a file with several that was carried here
    by hand each is answered to its own unit's desk, for no unit is told of another's.
    """
    answerable = [item for item in judged if item.is_answerable and item.verdict.outcome in ANSWERED_BY]
    answerable = list({_answered_as(item).key: item for item in reversed(answerable)}.values())[::-1]
    desks = _desks(session, [item for item in answerable if not item.opened.mail.sender], known, as_of)
    domain = runtime.settings.mail_from.rpartition("@")[2]
    answers: list[LetterRow] = []
    left = _AnswersLeft(runtime, session, {item.opened.mail.sender for item in answerable}, as_of)
    for item in answerable:
        to = item.opened.mail.sender or desks.get(item.verdict.duty_id or 0, "")
        if not to or not left.take(to):
            continue
        answered = _answered_as(item)
        is_of_several = item.opened.whole is not None and answered == item.opened.whole
        key = f"answer|{answered.key}"
        answer = LetterRow(
            key=key,
            message_id=letters.message_id_of(key, domain),
            kind=LetterKind.SEVERAL if is_of_several else ANSWERED_BY[item.verdict.outcome],
            recipient=to,
            day=as_of.astimezone(OFFICE_ZONE).date(),
            state=LetterState.QUEUED,
            queued_at=as_of,
            arrival_id=answered.id,
        )
        answers.append(answer)
    letters.queue_letters(session, answers)


def _answered_as(judged: Judged) -> arrivals.TakenArrival:
    """Return the arrival that the answer is to: the whole one where a mail brought several forms."""
    opened = judged.opened
    return opened.whole if opened.whole is not None and opened.mail.sender else opened.arrival


class _AnswersLeft:
    """How many automatic answers each address may still get today: two machines must never write to each other."""

    def __init__(self, runtime: Runtime, session: Session, senders: Iterable[str], as_of: datetime) -> None:
        """Count those of today."""
        self._texts = runtime.texts
        self._limit = runtime.settings.answers_per_sender_day
        self._counts = Counter(letters.count_answers(session, as_of.astimezone(OFFICE_ZONE).date(), senders))

    def take(self, address: str) -> bool:
        """Say whether the address may have one more, and count it."""
        self._counts[address] += 1
        is_left = not self._limit or self._counts[address] <= self._limit
        if not is_left:
            logger.warning(self._texts.say("log.answers_capped", address=address, limit=self._limit))
        return is_left


def _desks(session: Session, judged: Sequence[Judged], known: Known, as_of: datetime) -> dict[int, str]:
    """Return by duty the address of its unit's first desk, for what was carried here by hand."""
    ids = [item.verdict.duty_id for item in judged if item.verdict.duty_id is not None]
    by_programme: dict[str, list[Duty]] = {}
    for duty in (known.duties[key].duty for key in ids):
        by_programme.setdefault(known.cycles[duty.cycle_code].programme_code, []).append(duty)
    found: dict[int, str] = {}
    for programme_code, theirs in by_programme.items():
        units = [duty.unit_code for duty in theirs]
        today = as_of.astimezone(OFFICE_ZONE).date()
        contacts = rosters.working_contacts(session, programme_code, today, unit_codes=units)
        found |= {duty.id: contacts[duty.unit_code][0].email for duty in theirs if duty.unit_code in contacts}
    return found


def _mark_of(reply: Reply, stated_at: datetime) -> Mark:
    if reply.done_on is not None:
        return Mark(kind=MarkKind.DONE, stated_at=stated_at, reason=reply.reason)
    if reply.promised_on is None:
        return Mark(kind=MarkKind.NIL, stated_at=stated_at, reason=reply.reason)
    return Mark(kind=MarkKind.PROMISE, stated_at=stated_at, until=promise_until(reply.promised_on), reason=reply.reason)


def _version(opened: Opened) -> str:
    return next((stamp.form_version for stamp in opened.stamps), "")


def _identity(record: cycles.DutyRecord) -> DutyIdentity:
    duty = record.duty
    return DutyIdentity(id=duty.id, unit_code=duty.unit_code, cycle_code=duty.cycle_code)
