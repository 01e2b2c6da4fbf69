"""Keeps editions and drafts, and hands out what an aggregate is made of: the newest sound submission of each duty."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from models.db.records.arrivals import finding_from_json
from models.db.records.explanations import explained
from models.db.tables import (
    ArrivalRow,
    CycleRow,
    DraftRow,
    DutyMarkRow,
    DutyRow,
    EditionFileRow,
    EditionRow,
    FigureRow,
    NarrativeRow,
    ReopeningRow,
    SubmissionRow,
)
from models.domain.editions import (
    Edition,
    Narrative,
    PutQuestion,
    SourceRow,
    sources_as_json,
    sources_from_json,
    totals_as_json,
    totals_from_json,
)
from models.domain.estimates import GivenFigure
from models.domain.forms import FormSpec
from models.domain.questions import explanation_of, questions_in
from models.domain.submissions import ReportedFigure
from models.domain.vocabulary import Channel, EditionKind, MarkKind

ROWS_AT_A_TIME = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEdition:
    """An edition that was written: its digest, and where its files lie below the shared folder."""

    edition: Edition
    inputs_digest: str
    workbook: str
    report: str
    files: Mapping[str, str]
    """By path the digest under which the store keeps each; empty for one that was made before it kept any."""

    @property
    def number(self) -> int:
        """Its number within the cycle."""
        return self.edition.number

    @property
    def kind(self) -> EditionKind:
        """Provisional or final."""
        return self.edition.kind

    @property
    def as_of(self) -> datetime:
        """The instant it speaks about."""
        return self.edition.as_of

    @property
    def n_reported(self) -> int:
        """How many units it is made of."""
        return self.edition.n_reported

    @property
    def n_expected(self) -> int:
        """How many units were expected."""
        return self.edition.n_expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An official letter that waits for signature."""

    rung: str
    as_of: datetime
    n_units: int
    path: str


def editions_of(session: Session, cycle_code: str) -> list[StoredEdition]:
    """Return the editions of a cycle, the first one first."""
    rows = session.execute(
        select(EditionRow, CycleRow).join(CycleRow).where(CycleRow.code == cycle_code).order_by(EditionRow.number)
    )
    made = [tuple(row) for row in rows]
    files = _files_of(session, [row.id for row, _ in made])
    return [_stored(row, cycle, files.get(row.id, {})) for row, cycle in made]


def count_editions(session: Session, cycle_code: str) -> int:
    """Return how many editions a cycle has."""
    query = select(func.count()).select_from(EditionRow).join(CycleRow).where(CycleRow.code == cycle_code)
    return session.scalar(query) or 0


def newest_edition(session: Session, cycle_code: str) -> StoredEdition | None:
    """Return the newest edition of a cycle, or None when there is none."""
    return next(reversed(editions_of(session, cycle_code)), None)


def finals(session: Session) -> dict[str, list[datetime]]:
    """Return by cycle the instants that its final editions speak about."""
    rows = session.execute(
        select(CycleRow.code, EditionRow.as_of)
        .join(CycleRow, CycleRow.id == EditionRow.cycle_id)
        .where(EditionRow.kind == EditionKind.FINAL)
        .order_by(EditionRow.id)
    )
    found: dict[str, list[datetime]] = {}
    for code, as_of in rows:
        found.setdefault(code, []).append(as_of)
    return found


def add_edition(session: Session, edition: StoredEdition) -> None:
    """Record an edition whose files lie ready."""
    facts = edition.edition
    cycle_id = session.scalars(select(CycleRow.id).where(CycleRow.code == facts.cycle_code)).one()
    row = EditionRow(
        cycle_id=cycle_id,
        number=facts.number,
        kind=facts.kind,
        as_of=facts.as_of,
        inputs_digest=edition.inputs_digest,
        n_expected=facts.n_expected,
        n_reported=facts.n_reported,
        totals=totals_as_json(facts.totals),
        sources=sources_as_json(facts.sources),
        workbook=edition.workbook,
        report=edition.report,
    )
    session.add(row)
    session.flush()
    kept = [{"edition_id": row.id, "path": path, "digest": digest} for path, digest in edition.files.items()]
    if kept:
        session.execute(insert(EditionFileRow), kept)


def drafts_of(session: Session, cycle_code: str) -> list[Draft]:
    """Return the official letters drafted for a cycle, in the order they were drafted."""
    rows = session.scalars(
        select(DraftRow).join(CycleRow).where(CycleRow.code == cycle_code).order_by(DraftRow.as_of, DraftRow.id)
    )
    return [Draft(rung=row.rung, as_of=row.as_of, n_units=row.n_units, path=row.path) for row in rows]


def add_draft(session: Session, cycle_code: str, draft: Draft) -> None:
    """Record an official letter that lies ready."""
    cycle_id = session.scalars(select(CycleRow.id).where(CycleRow.code == cycle_code)).one()
    session.add(DraftRow(cycle_id=cycle_id, rung=draft.rung, as_of=draft.as_of, n_units=draft.n_units, path=draft.path))


def sources(session: Session, cycle_code: str, as_of: datetime) -> list[SourceRow]:
    """Return what counts at the instant: the newest sound submission of each complete duty, and the nil reports."""
    counted = session.execute(_counted(cycle_code, as_of, SubmissionRow, DutyRow, ArrivalRow).order_by(DutyRow.id))
    rows = [
        SourceRow(
            unit_code=duty.unit_code,
            unit_name=duty.unit_name,
            submission=f"{duty.id}-{submission.number}",
            version=submission.number,
            received_at=submission.received_at,
            form_version=submission.form_version,
            digest=submission.workbook_digest or arrival.digest,
            is_on_behalf=arrival.channel is Channel.ON_BEHALF,
            document=arrival.document_number,
            signed_on=arrival.signed_on.isoformat() if arrival.signed_on is not None else "",
        )
        for submission, duty, arrival in counted
    ]
    for more in (_bare_entries(session, cycle_code, as_of), _nil_reports(session, cycle_code, as_of)):
        known = {row.unit_code for row in rows}
        rows += [row for row in more if row.unit_code not in known]
    return rows


def figures(
    session: Session, cycle_code: str, as_of: datetime, *, parent_codes: Sequence[str] | None = None
) -> Iterator[ReportedFigure]:
    """Yield every figure that counts at the instant, as a stream: memory does not grow with the units.

    With `parent_codes` they are those of the units below these parents.
    """
    query = (
        _counted(
            cycle_code,
            as_of,
            DutyRow.unit_code,
            FigureRow.field,
            FigureRow.amount,
            FigureRow.text,
            FigureRow.is_estimate,
        )
        .join(FigureRow, FigureRow.submission_id == SubmissionRow.id)
        .order_by(DutyRow.id)
        .execution_options(yield_per=ROWS_AT_A_TIME)
    )
    if parent_codes is not None:
        query = query.where(DutyRow.parent_code.in_(parent_codes))
    for unit_code, field, amount, text, is_estimate in session.execute(query):
        yield ReportedFigure(unit_code, field, amount, text, is_estimate)


def versions_of_estimates(session: Session, cycle_code: str, as_of: datetime) -> Iterator[GivenFigure]:
    """Yield every version of the figures that were ever an estimate, of the answers that count at the instant."""
    marked = aliased(FigureRow)
    sent = aliased(SubmissionRow)
    was_estimated = (
        select(marked.submission_id)
        .join(sent, sent.id == marked.submission_id)
        .where(sent.duty_id == SubmissionRow.duty_id, marked.field == FigureRow.field, marked.is_estimate)
        .correlate(SubmissionRow, FigureRow)
        .exists()
    )
    query = (
        select(DutyRow.unit_code, FigureRow.field, SubmissionRow.number, FigureRow.amount, FigureRow.is_estimate)
        .select_from(FigureRow)
        .join(SubmissionRow, SubmissionRow.id == FigureRow.submission_id)
        .join(DutyRow, DutyRow.id == SubmissionRow.duty_id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(CycleRow.code == cycle_code, _is_accepted(as_of), SubmissionRow.judged_at <= as_of, was_estimated)
        .order_by(DutyRow.id, FigureRow.field, SubmissionRow.number)
    )
    for row in session.execute(query):
        yield GivenFigure(*row)


def narratives(session: Session, form: FormSpec, cycle_code: str, as_of: datetime) -> Iterator[Narrative]:
    """Yield what units wrote, section by section in the order of the form."""
    for section in form.narratives:
        query = (
            _counted(cycle_code, as_of, DutyRow.unit_code, DutyRow.unit_name, NarrativeRow.text)
            .join(NarrativeRow, NarrativeRow.submission_id == SubmissionRow.id)
            .where(NarrativeRow.section == section.code)
            .order_by(DutyRow.id)
            .execution_options(yield_per=ROWS_AT_A_TIME)
        )
        for unit_code, unit_name, text in session.execute(query):
            if text:
                yield Narrative(section=section.code, unit_code=unit_code, unit_name=unit_name, text=text)


def questions(session: Session, cycle_code: str, as_of: datetime) -> list[PutQuestion]:
    """Return the questions put to units about the submissions that count, each with what was said to it by then."""
    columns = (DutyRow.id, DutyRow.unit_code, DutyRow.unit_name, ArrivalRow.reasons)
    asked = [
        (duty_id, unit_code, unit_name, found)
        for duty_id, unit_code, unit_name, reasons in session.execute(
            _counted(cycle_code, as_of, *columns).order_by(DutyRow.id)
        )
        for found in questions_in(map(finding_from_json, reasons))
    ]
    told = explained(session, {duty_id for duty_id, *_ in asked}, by=as_of)
    return [
        PutQuestion(
            unit_code=unit_code,
            unit_name=unit_name,
            finding=found,
            explanation=explanation_of(found, told.get(duty_id, {})),
        )
        for duty_id, unit_code, unit_name, found in asked
    ]


def _counted(cycle_code: str, as_of: datetime, *columns: Any) -> Select[Any]:
    newer = aliased(SubmissionRow)
    newest = (
        select(func.max(newer.number))
        .where(newer.duty_id == DutyRow.id, newer.has_sound_form, newer.judged_at <= as_of)
        .correlate(DutyRow)
        .scalar_subquery()
    )
    is_newest: ColumnElement[bool] = and_(SubmissionRow.duty_id == DutyRow.id, SubmissionRow.number == newest)
    return (
        select(*columns)
        .select_from(DutyRow)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .join(SubmissionRow, is_newest)
        .join(ArrivalRow, ArrivalRow.id == SubmissionRow.arrival_id)
        .where(CycleRow.code == cycle_code, _is_accepted(as_of))
    )


def _is_accepted(as_of: datetime) -> ColumnElement[bool]:
    """Say whether a duty's answer had been accepted by the instant, and not been given back by then."""
    given_back_later = (
        select(ReopeningRow.id)
        .where(ReopeningRow.duty_id == DutyRow.id)
        .where(ReopeningRow.accepted_at <= as_of, ReopeningRow.reopened_at > as_of)
        .correlate(DutyRow)
        .exists()
    )
    return or_(DutyRow.accepted_at <= as_of, given_back_later)


def _is_given_back(as_of: datetime) -> ColumnElement[bool]:
    """Say whether what was stated of a duty had been given back by the instant."""
    return (
        select(ReopeningRow.id)
        .where(ReopeningRow.duty_id == DutyMarkRow.duty_id)
        .where(ReopeningRow.reopened_at >= DutyMarkRow.stated_at, ReopeningRow.reopened_at <= as_of)
        .correlate(DutyMarkRow)
        .exists()
    )


def _bare_entries(session: Session, cycle_code: str, as_of: datetime) -> list[SourceRow]:
    """Return what operators entered for units without figures: it is reported, and the manifest says on what."""
    rows = session.execute(
        select(SubmissionRow, DutyRow, ArrivalRow)
        .join(DutyRow, DutyRow.id == SubmissionRow.duty_id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .join(ArrivalRow, ArrivalRow.id == SubmissionRow.arrival_id)
        .where(CycleRow.code == cycle_code, _is_accepted(as_of), ArrivalRow.channel == Channel.ON_BEHALF)
        .where(SubmissionRow.has_sound_form.is_(False), SubmissionRow.judged_at <= as_of)
        .order_by(DutyRow.id, SubmissionRow.number.desc())
    )
    return [
        SourceRow(
            unit_code=duty.unit_code,
            unit_name=duty.unit_name,
            submission=f"{duty.id}-{submission.number}",
            version=submission.number,
            received_at=submission.received_at,
            form_version="",
            digest=arrival.digest,
            is_on_behalf=True,
        )
        for submission, duty, arrival in rows
    ]


def _nil_reports(session: Session, cycle_code: str, as_of: datetime) -> list[SourceRow]:
    rows = session.execute(
        select(DutyRow, func.min(DutyMarkRow.stated_at))
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .join(DutyMarkRow, DutyMarkRow.duty_id == DutyRow.id)
        .where(CycleRow.code == cycle_code, DutyMarkRow.kind == MarkKind.NIL, DutyMarkRow.stated_at <= as_of)
        .where(~_is_given_back(as_of))
        .group_by(DutyRow.id)
        .order_by(DutyRow.id)
    )
    return [
        SourceRow(
            unit_code=duty.unit_code,
            unit_name=duty.unit_name,
            submission=f"{duty.id}-0",
            version=0,
            received_at=stated_at,
            form_version="",
            digest="",
            is_nil=True,
        )
        for duty, stated_at in rows
    ]


def _files_of(session: Session, edition_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    rows = session.scalars(
        select(EditionFileRow).where(EditionFileRow.edition_id.in_(edition_ids)).order_by(EditionFileRow.path)
    )
    found: dict[int, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.edition_id, {})[row.path] = row.digest
    return found


def _stored(row: EditionRow, cycle: CycleRow, files: Mapping[str, str]) -> StoredEdition:
    totals: dict[str, Any] = dict(row.totals)
    kept: Sequence[dict[str, Any]] = row.sources
    return StoredEdition(
        edition=Edition(
            cycle_code=cycle.code,
            cycle_title=cycle.title,
            number=row.number,
            kind=EditionKind(row.kind),
            as_of=row.as_of,
            n_expected=row.n_expected,
            n_reported=row.n_reported,
            totals=totals_from_json(totals),
            sources=sources_from_json(kept),
        ),
        inputs_digest=row.inputs_digest,
        workbook=row.workbook,
        report=row.report,
        files=files,
    )
