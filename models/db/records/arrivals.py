"""Keeps what arrived, its one outcome, and the submissions, figures and narratives that came of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final, cast

from sqlalchemy import Row, Table, and_, bindparam, func, select, update
from sqlalchemy.orm import Session, aliased

from models.db.among import is_among
from models.db.inserting import insert_all, insert_new, insert_plain
from models.db.sessions import hold_rows, note_rows
from models.db.tables import (
    ArrivalRow,
    CycleRow,
    DutyRow,
    FigureRow,
    Jsonable,
    NarrativeRow,
    ReopeningRow,
    SubmissionRow,
)
from models.domain.forms import CheckedForm, Figure, Finding, note
from models.domain.judgement import NOT_OUR_DUTY, VERSION_LOCKED
from models.domain.parts import outcome_of_whole
from models.domain.submissions import Contribution, Verdict
from models.domain.versions import CountedVersion
from models.domain.vocabulary import Channel, FindingLevel, Outcome, RowChange

FiguresByUnit = dict[str, dict[str, tuple[int | None, str | None]]]
REPEATED: Final = note("repeated")
"""The reason of what came before, byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenArrival:
    """An arrival that was taken in; its bytes are in the archive under `digest`."""

    id: int
    key: str
    channel: Channel
    received_at: datetime
    digest: str
    is_cut: bool
    operator: str
    file_name: str
    sender: str = ""
    """Known when it was taken in; empty for what a machine sent, and for files."""
    is_secret: bool = False
    """It bore a marking of secrecy, and no bytes of it were kept: `digest` is empty."""
    part: int = 0
    """Place of its form among the workbooks of its bytes, where they hold several; 0: not divided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the outside of an arrival says, kept beside its outcome."""

    sender: str = ""
    subject: str = ""
    message_id: str = ""
    workbook_digest: str | None = None
    workbook_name: str = ""
    document_number: str = ""
    signed_on: date | None = None
    """Day of the signed document that it came with; the receipt may lie days later."""
    signer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutcome:
    """The outcome that an arrival is given."""

    arrival_id: int
    verdict: Verdict
    envelope: Envelope
    part: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedArrival:
    """An arrival with its outcome, for the letter that answers it and for the board."""

    id: int
    received_at: datetime
    digest: str
    envelope: Envelope
    outcome: Outcome
    duty_id: int | None
    reasons: tuple[Finding, ...]
    submission_number: int | None = None
    part: int = 0

    @property
    def whence(self) -> str:
        """Who sent it, and the name of its file where the mail brought several forms; empty when nothing is known."""
        names = (self.envelope.sender, self.envelope.workbook_name)
        return ", ".join(filter(None, names)) if self.part else self.envelope.sender


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubmission:
    """What an arrival brings to a duty."""

    arrival_id: int
    duty_id: int
    received_at: datetime
    judged_at: datetime
    form: CheckedForm | None
    form_version: str
    attachments: frozenset[str]
    workbook_digest: str | None

    @property
    def has_sound_form(self) -> bool:
        """Say whether its form counts: it was read, and no finding is blocking."""
        return self.form is not None and not self.form.has_blocking


def take(session: Session, arrivals: Sequence[Mapping[str, object]]) -> int:
    """Record arrivals that are not known by their key yet, and return how many are new; two polls may do so at once."""
    return insert_new(session, ArrivalRow, arrivals)


def count_by_sender(session: Session, since: datetime) -> dict[str, int]:
    """Return by sender how many mails that were not ignored have been judged after the instant."""
    rows = session.execute(
        select(ArrivalRow.sender, func.count())
        .where(ArrivalRow.channel == Channel.MAIL, ArrivalRow.sender != "", ArrivalRow.judged_at > since)
        .where(ArrivalRow.outcome.is_not(None), ArrivalRow.outcome != Outcome.IGNORED, ArrivalRow.whole_id.is_(None))
        .group_by(ArrivalRow.sender)
    )
    return {sender: n for sender, n in rows}  # noqa: C416 - a Row is no pair to dict()


def unjudged_by_sender(session: Session) -> list[tuple[str, int]]:
    """Return who has sent mails that have no outcome yet, and how many, the most first."""
    rows = session.execute(
        select(ArrivalRow.sender, func.count())
        .where(ArrivalRow.channel == Channel.MAIL, ArrivalRow.sender != "", ArrivalRow.outcome.is_(None))
        .group_by(ArrivalRow.sender)
        .order_by(func.count().desc(), ArrivalRow.sender)
    )
    return [(sender, n) for sender, n in rows]


def unjudged_keys(session: Session, channel: Channel) -> frozenset[str]:
    """Return the keys of what was taken in and has no outcome yet: it need not be fetched again."""
    query = select(ArrivalRow.key).where(ArrivalRow.channel == channel, ArrivalRow.outcome.is_(None))
    return frozenset(session.scalars(query))


def unjudged(session: Session, *, limit: int, after_id: int = 0) -> list[TakenArrival]:
    """Return arrivals without an outcome beyond a number, in the order they were taken: the oldest first."""
    columns = [getattr(ArrivalRow, each.name) for each in fields(TakenArrival)]
    rows = session.execute(
        select(*columns)
        .where(ArrivalRow.outcome.is_(None), ArrivalRow.id > after_id)
        .order_by(ArrivalRow.id)
        .limit(limit)
    )
    return [_taken(row) for row in rows]


def still_unjudged(session: Session, ids: Sequence[int]) -> set[int]:
    """Return which of these arrivals have no outcome yet."""
    return set(session.scalars(select(ArrivalRow.id).where(is_among(ArrivalRow.id, ids), ArrivalRow.outcome.is_(None))))


def outcome_of(session: Session, key: str) -> Outcome | None:
    """Return the outcome of the arrival of that key, its parts together; None when it has none yet, or is unknown."""
    found = session.execute(select(ArrivalRow.id, ArrivalRow.outcome).where(ArrivalRow.key == key)).first()
    if found is None or found.outcome is None:
        return None
    parts = _outcomes_of_parts(session, [found.id])
    return outcome_of_whole([found.outcome, *parts.get(found.id, ())])


def add_parts(session: Session, whole: TakenArrival, parts: Sequence[int], *, at: datetime) -> dict[int, TakenArrival]:
    """Record the further parts of an arrival that brings several forms, and return them by place; known ones stay.

    They are taken in when their outcomes are written, in one transaction, and lie nowhere: nothing of them is filed.
    """
    rows = [
        {
            "key": f"part:{whole.id}:{part}",
            "channel": whole.channel,
            "received_at": whole.received_at,
            "taken_at": at,
            "digest": whole.digest,
            "is_cut": whole.is_cut,
            "operator": whole.operator,
            "file_name": whole.file_name,
            "filed_at": at,
            "part": part,
            "whole_id": whole.id,
        }
        for part in parts
    ]
    take(session, rows)
    kept = session.scalars(select(ArrivalRow).where(ArrivalRow.whole_id == whole.id, ArrivalRow.part.in_(parts)))
    return {row.part: _taken(row) for row in kept}


def further_parts(session: Session, ids: Iterable[int]) -> dict[int, list[int]]:
    """Return by arrival the numbers of its further parts, in the order of their forms."""
    found: dict[int, list[int]] = {}
    query = select(ArrivalRow.whole_id, ArrivalRow.id).where(ArrivalRow.whole_id.in_(list(ids)))
    for whole_id, part_id in session.execute(query.order_by(ArrivalRow.part)):
        found.setdefault(whole_id, []).append(part_id)
    return found


def _outcomes_of_parts(session: Session, ids: Sequence[int]) -> dict[int, list[Outcome]]:
    found: dict[int, list[Outcome]] = {}
    query = select(ArrivalRow.whole_id, ArrivalRow.outcome)
    for whole_id, outcome in session.execute(
        query.where(ArrivalRow.whole_id.in_(ids), ArrivalRow.outcome.is_not(None))
    ):
        found.setdefault(whole_id, []).append(Outcome(outcome))
    return found


def judged_digests(session: Session, digests: Iterable[str]) -> set[str]:
    """Return which of these bytes have had an outcome already: the same thing twice is taken once."""
    query = select(ArrivalRow.digest).where(is_among(ArrivalRow.digest, digests), ArrivalRow.outcome.is_not(None))
    return set(session.scalars(query))


def record_outcomes(session: Session, outcomes: Sequence[NewOutcome], *, at: datetime) -> None:
    """Give arrivals their one outcome; one that has an outcome already keeps it."""
    rows = [
        {
            "arrival_id": new.arrival_id,
            "outcome": new.verdict.outcome,
            "judged_at": at,
            "duty_id": new.verdict.duty_id,
            "reasons": [_as_json(reason) for reason in new.verdict.reasons],
            "sender": new.envelope.sender,
            "subject": new.envelope.subject,
            "message_id": new.envelope.message_id,
            "workbook_digest": new.envelope.workbook_digest,
            "workbook_name": new.envelope.workbook_name,
            "document_number": new.envelope.document_number,
            "signed_on": new.envelope.signed_on,
            "signer": new.envelope.signer,
            "part": new.part,
        }
        for new in outcomes
    ]
    if rows:
        table = cast("Table", ArrivalRow.__table__)
        # Locked before, for a statement of many rows does not return those that it changed.
        fit = hold_rows(session, ArrivalRow, [new.arrival_id for new in outcomes], ArrivalRow.outcome.is_(None))
        guarded = update(table).where(table.c.id == bindparam("arrival_id"), table.c.outcome.is_(None))
        session.connection().execute(guarded, rows)
        note_rows(session, ArrivalRow, RowChange.CHANGED, fit)


def add_submissions(session: Session, submissions: Sequence[NewSubmission]) -> None:
    """Record what arrivals bring to their duties, numbered within each duty in the order given."""
    numbers = _last_numbers(session, {new.duty_id for new in submissions})
    rows = []
    for new in submissions:
        numbers[new.duty_id] = numbers.get(new.duty_id, 0) + 1
        row = {
            "arrival_id": new.arrival_id,
            "duty_id": new.duty_id,
            "number": numbers[new.duty_id],
            "received_at": new.received_at,
            "judged_at": new.judged_at,
            "has_sound_form": new.has_sound_form,
            "attachments": sorted(new.attachments),
            "form_version": new.form_version,
            "workbook_digest": new.workbook_digest,
        }
        rows.append(row)
    insert_all(session, SubmissionRow, rows)
    sound = {new.arrival_id: new.form for new in submissions if new.form is not None and new.has_sound_form}
    brought_by = select(SubmissionRow.arrival_id, SubmissionRow.id).where(is_among(SubmissionRow.arrival_id, sound))
    _add_answers(
        session, {submission_id: sound[arrival_id] for arrival_id, submission_id in session.execute(brought_by)}
    )


def contributions(session: Session, duty_ids: Sequence[int]) -> dict[int, list[Contribution]]:
    """Return by duty what each of its submissions brought, in the order of receipt; what was given back counts not."""
    given_back_at = (
        select(func.max(ReopeningRow.reopened_at))
        .where(ReopeningRow.duty_id == SubmissionRow.duty_id)
        .correlate(SubmissionRow)
        .scalar_subquery()
    )
    rows = session.scalars(
        select(SubmissionRow)
        .where(is_among(SubmissionRow.duty_id, duty_ids))
        .where(given_back_at.is_(None) | (SubmissionRow.judged_at > given_back_at))
        .order_by(SubmissionRow.received_at)
    )
    found: dict[int, list[Contribution]] = {}
    for row in rows:
        contribution = Contribution(
            received_at=row.received_at,
            has_sound_form=row.has_sound_form,
            attachments=frozenset(row.attachments),
        )
        found.setdefault(row.duty_id, []).append(contribution)
    return found


def counted_versions(session: Session, duty_ids: Iterable[int]) -> dict[int, CountedVersion]:
    """Return by duty the version that counts: the newest sound form of a duty whose answer was accepted."""
    newer = aliased(SubmissionRow)
    newest = (
        select(func.max(newer.number))
        .where(newer.duty_id == SubmissionRow.duty_id, newer.has_sound_form)
        .correlate(SubmissionRow)
        .scalar_subquery()
    )
    rows = session.execute(
        select(SubmissionRow.id, SubmissionRow.duty_id, SubmissionRow.received_at)
        .join(DutyRow, DutyRow.id == SubmissionRow.duty_id)
        .where(is_among(SubmissionRow.duty_id, duty_ids), DutyRow.accepted_at.is_not(None))
        .where(SubmissionRow.number == newest)
        .order_by(SubmissionRow.id)
    ).all()
    forms = _forms(session, [row.id for row in rows])
    return {row.duty_id: CountedVersion(received_at=row.received_at, form=forms[row.id]) for row in rows}


def _forms(session: Session, submission_ids: Sequence[int]) -> dict[int, CheckedForm]:
    """Return what submissions said, without the findings of then."""
    figures: dict[int, list[Figure]] = {}
    for row in session.scalars(select(FigureRow).where(is_among(FigureRow.submission_id, submission_ids))):
        figures.setdefault(row.submission_id, []).append(
            Figure(field=row.field, amount=row.amount, text=row.text, is_estimate=row.is_estimate, note=row.note)
        )
    narratives: dict[int, dict[str, str]] = {}
    for written in session.scalars(select(NarrativeRow).where(is_among(NarrativeRow.submission_id, submission_ids))):
        narratives.setdefault(written.submission_id, {})[written.section] = written.text
    return {
        key: CheckedForm(figures=tuple(figures.get(key, ())), narratives=narratives.get(key, {}), findings=())
        for key in submission_ids
    }


def judged_to_file_away(session: Session, channel: Channel) -> dict[tuple[Outcome, bool], list[str]]:
    """Return the keys of arrivals that still lie where they arrived, by outcome and whether they bear a marking.

    One with several forms goes where the one of them belongs that most needs somebody's work.
    """
    rows = session.execute(
        select(ArrivalRow.id, ArrivalRow.outcome, ArrivalRow.part, ArrivalRow.is_secret, ArrivalRow.key)
        .where(ArrivalRow.channel == channel, ArrivalRow.outcome.is_not(None), ArrivalRow.filed_at.is_(None))
        .order_by(ArrivalRow.id)
    ).all()
    parts = _outcomes_of_parts(session, [row.id for row in rows if row.part])
    found: dict[tuple[Outcome, bool], list[str]] = {}
    for row in rows:
        if row.outcome is not None:
            outcome = outcome_of_whole([Outcome(row.outcome), *parts.get(row.id, ())])
            found.setdefault((outcome, row.is_secret), []).append(row.key)
    return found


def secret_since(session: Session, since: datetime) -> list[JudgedArrival]:
    """Return what was refused for a marking of secrecy from the instant on, the oldest first."""
    rows = session.scalars(
        select(ArrivalRow)
        .where(ArrivalRow.is_secret, ArrivalRow.outcome.is_not(None), ArrivalRow.received_at >= since)
        .order_by(ArrivalRow.received_at, ArrivalRow.id)
    )
    return [_judged(row, None) for row in rows]


def note_filed(session: Session, keys: Sequence[str], *, at: datetime) -> None:
    """Record that arrivals were moved to the folder of their outcome."""
    filed = update(ArrivalRow).where(is_among(ArrivalRow.key, keys)).values(filed_at=at)
    session.execute(filed, execution_options={"synchronize_session": False})


def judged(session: Session, ids: Sequence[int]) -> dict[int, JudgedArrival]:
    """Return arrivals with their outcome."""
    rows = session.execute(
        select(ArrivalRow, SubmissionRow.number)
        .outerjoin(SubmissionRow, SubmissionRow.arrival_id == ArrivalRow.id)
        .where(ArrivalRow.id.in_(ids), ArrivalRow.outcome.is_not(None))
        .order_by(ArrivalRow.id)
    )
    return {row.id: _judged(row, number) for row, number in rows}


def count_outcomes_since(session: Session, since: datetime, until: datetime) -> dict[tuple[str, Outcome], int]:
    """Return by title of cycle and outcome how much was judged after the first instant and by the second.

    What was put to no duty stands under an empty title; what was ignored is left out.
    """
    rows = session.execute(
        select(CycleRow.title, ArrivalRow.outcome, func.count())
        .outerjoin(DutyRow, DutyRow.id == ArrivalRow.duty_id)
        .outerjoin(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(ArrivalRow.judged_at > since, ArrivalRow.judged_at <= until, ArrivalRow.outcome != Outcome.IGNORED)
        .group_by(CycleRow.title, ArrivalRow.outcome)
        .order_by(CycleRow.title, ArrivalRow.outcome)
    )
    return {(title or "", Outcome(outcome)): n for title, outcome, n in rows if outcome is not None}


def count_outcomes_of_cycles(
    session: Session, cycle_codes: Collection[str], since: datetime, until: datetime
) -> dict[Outcome, int]:
    """Return how much of the cycles was judged after the first instant and by the second, by outcome."""
    rows = session.execute(
        select(ArrivalRow.outcome, func.count())
        .join(DutyRow, DutyRow.id == ArrivalRow.duty_id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(CycleRow.code.in_(cycle_codes), ArrivalRow.judged_at > since, ArrivalRow.judged_at <= until)
        .group_by(ArrivalRow.outcome)
        .order_by(ArrivalRow.outcome)
    )
    return {Outcome(outcome): n for outcome, n in rows if outcome is not None}


def in_quarantine(session: Session) -> list[JudgedArrival]:
    """Return what waits for a person, the oldest first.

    What its unit has answered since waits no more; a version that would change a closed report does.
    """
    rows = session.execute(
        select(ArrivalRow, DutyRow.accepted_at)
        .outerjoin(DutyRow, DutyRow.id == ArrivalRow.duty_id)
        .where(ArrivalRow.outcome == Outcome.QUARANTINED, ArrivalRow.resolved_at.is_(None))
        .order_by(ArrivalRow.received_at, ArrivalRow.id)
    )
    return [_judged(row, None) for row, accepted_at in rows if accepted_at is None or _is_locked_out(row)]


def _is_locked_out(row: ArrivalRow) -> bool:
    return any(reason["code"] == VERSION_LOCKED for reason in row.reasons)


def unaccepted(session: Session, *, limit: int) -> list[JudgedArrival]:
    """Return what was returned, or is held, and answers a duty that nothing has settled yet; the newest first."""
    rows = session.scalars(
        select(ArrivalRow)
        .join(DutyRow, DutyRow.id == ArrivalRow.duty_id)
        .where(ArrivalRow.outcome.in_([Outcome.RETURNED, Outcome.QUARANTINED]), DutyRow.completed_at.is_(None))
        .where(ArrivalRow.resolved_at.is_(None))
        .order_by(ArrivalRow.received_at.desc(), ArrivalRow.id.desc())
        .limit(limit)
    )
    return [_judged(row, None) for row in rows]


def outcomes_since(session: Session, since: datetime, *, own_address: str) -> dict[Outcome, int]:
    """Return how many arrivals were judged from the instant on, by outcome; blind copies of our own are left out."""
    rows = session.execute(
        select(ArrivalRow.outcome, func.count())
        .where(ArrivalRow.judged_at >= since, ArrivalRow.outcome.is_not(None), ArrivalRow.sender != own_address)
        .group_by(ArrivalRow.outcome)
        .order_by(ArrivalRow.outcome)
    )
    return {Outcome(outcome): n for outcome, n in rows if outcome is not None}


def figures_of_earlier_cycle(
    session: Session, *, obligation_code: str, before: datetime, unit_codes: Sequence[str]
) -> FiguresByUnit:
    """Return by unit and field what was reported in the obligation's newest cycle due before the instant."""
    cycle_id = session.scalars(
        select(CycleRow.id)
        .where(CycleRow.obligation_code == obligation_code, CycleRow.due_at < before)
        .order_by(CycleRow.due_at.desc())
        .limit(1)
    ).first()
    if cycle_id is None:
        return {}
    return _figures(session, cycle_id, unit_codes)


def figures_of_cycle(session: Session, cycle_code: str, unit_codes: Sequence[str]) -> FiguresByUnit:
    """Return by unit and field what the newest sound submission of the cycle reports."""
    cycle_id = session.scalars(select(CycleRow.id).where(CycleRow.code == cycle_code)).first()
    return {} if cycle_id is None else _figures(session, cycle_id, unit_codes)


def taken(session: Session, arrival_id: int) -> TakenArrival | None:
    """Return an arrival with its bytes' digest, whatever its outcome; None when there is none of that number."""
    row = session.get(ArrivalRow, arrival_id)
    return None if row is None else _taken(row)


def resolve(session: Session, arrival_id: int, *, at: datetime) -> None:
    """Record that a person dealt with an arrival that waited; one dealt with before keeps its instant."""
    resolved = session.scalars(
        update(ArrivalRow)
        .where(ArrivalRow.id == arrival_id, ArrivalRow.resolved_at.is_(None))
        .values(resolved_at=at)
        .returning(ArrivalRow.id)
    )
    note_rows(session, ArrivalRow, RowChange.CHANGED, resolved.all())


def contests_of(session: Session, duty_id: int) -> list[JudgedArrival]:
    """Return the arrivals that say that a duty is not its unit's own, and wait for a person."""
    rows = session.scalars(
        select(ArrivalRow)
        .where(ArrivalRow.duty_id == duty_id, ArrivalRow.outcome == Outcome.QUARANTINED)
        .where(ArrivalRow.resolved_at.is_(None))
        .order_by(ArrivalRow.id)
    )
    waiting = [_judged(row, None) for row in rows]
    return [each for each in waiting if any(reason.code == NOT_OUR_DUTY for reason in each.reasons)]


def is_resolved(session: Session, arrival_id: int) -> bool:
    """Say whether a person has dealt with an arrival."""
    return session.get_one(ArrivalRow, arrival_id).resolved_at is not None


def taken_by_key(session: Session, key: str) -> TakenArrival | None:
    """Return the arrival of a key; None when there is none."""
    row = session.scalars(select(ArrivalRow).where(ArrivalRow.key == key)).first()
    return None if row is None else _taken(row)


def _figures(session: Session, cycle_id: int, unit_codes: Sequence[str]) -> FiguresByUnit:
    newer = aliased(SubmissionRow)
    newest = (
        select(func.max(newer.number))
        .where(newer.duty_id == SubmissionRow.duty_id, newer.has_sound_form)
        .scalar_subquery()
    )
    rows = session.execute(
        select(DutyRow.unit_code, FigureRow.field, FigureRow.amount, FigureRow.text)
        .select_from(DutyRow)
        .join(SubmissionRow, and_(SubmissionRow.duty_id == DutyRow.id, SubmissionRow.number == newest))
        .join(FigureRow, FigureRow.submission_id == SubmissionRow.id)
        .where(DutyRow.cycle_id == cycle_id, is_among(DutyRow.unit_code, unit_codes), DutyRow.completed_at.is_not(None))
        .order_by(DutyRow.unit_code, FigureRow.field)
    )
    found: FiguresByUnit = {}
    for unit_code, field, amount, text in rows:
        found.setdefault(unit_code, {})[field] = (amount, text)
    return found


def _last_numbers(session: Session, duty_ids: Iterable[int]) -> dict[int, int]:
    rows = session.execute(
        select(SubmissionRow.duty_id, func.max(SubmissionRow.number))
        .where(is_among(SubmissionRow.duty_id, duty_ids))
        .group_by(SubmissionRow.duty_id)
    )
    return {duty_id: number for duty_id, number in rows}  # noqa: C416 - a Row is no pair to dict()


def _add_answers(session: Session, forms: Mapping[int, CheckedForm]) -> None:
    figures = [
        (submission_id, figure.field, figure.amount, figure.text, figure.is_estimate, figure.note)
        for submission_id, form in forms.items()
        for figure in form.figures
    ]
    narratives = [
        (submission_id, section, text)
        for submission_id, form in forms.items()
        for section, text in form.narratives.items()
    ]
    insert_plain(session, FigureRow, figures)
    insert_plain(session, NarrativeRow, narratives)


def _taken(row: ArrivalRow | Row[Any]) -> TakenArrival:
    return TakenArrival(
        id=row.id,
        key=row.key,
        channel=Channel(row.channel),
        received_at=row.received_at,
        digest=row.digest,
        is_cut=row.is_cut,
        operator=row.operator,
        file_name=row.file_name,
        sender=row.sender,
        is_secret=row.is_secret,
        part=row.part,
    )


def _judged(row: ArrivalRow, number: int | None) -> JudgedArrival:
    return JudgedArrival(
        id=row.id,
        received_at=row.received_at,
        digest=row.digest,
        envelope=Envelope(
            sender=row.sender,
            subject=row.subject,
            message_id=row.message_id,
            workbook_digest=row.workbook_digest,
            workbook_name=row.workbook_name,
            document_number=row.document_number,
            signed_on=row.signed_on,
            signer=row.signer,
        ),
        outcome=Outcome(row.outcome or Outcome.IGNORED),
        duty_id=row.duty_id,
        reasons=tuple(finding_from_json(reason) for reason in row.reasons),
        submission_number=number,
        part=row.part,
    )


def _as_json(finding: Finding) -> Jsonable:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "sheet": finding.sheet,
        "cell": finding.cell,
        "facts": dict(finding.facts),
    }


def finding_from_json(stored: Mapping[str, object]) -> Finding:
    """Return a finding as it was kept with its arrival."""
    facts = stored["facts"]
    return Finding(
        code=str(stored["code"]),
        level=FindingLevel(str(stored["level"])),
        sheet=str(stored["sheet"]),
        cell=str(stored["cell"]),
        facts=tuple((str(k), str(v)) for k, v in facts.items()) if isinstance(facts, dict) else (),
    )
