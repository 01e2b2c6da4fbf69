"""Keeps what units explained, by duty and by the figure that was asked about; a note beside the figure counts, too."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.db.among import is_among
from models.db.inserting import insert_new
from models.db.records.arrivals import finding_from_json
from models.db.tables import ArrivalRow, ExplanationRow, FigureRow, SubmissionRow
from models.domain.forms import Finding
from models.domain.questions import Explanation, QuestionKey, explanation_of, questions_in
from models.domain.reading import grouped
from models.domain.vocabulary import Outcome

ExplainedByDuty = dict[int, dict[QuestionKey, str]]


def explain(
    session: Session, duty_id: int, explanations: Iterable[Explanation], *, arrival_id: int, at: datetime
) -> None:
    """Record what a unit said to questions about a duty; what was said to the same question before stays."""
    rows: list[dict[str, object]] = [
        {
            "duty_id": duty_id,
            "question": given.key.code,
            "subject": given.key.subject,
            "value": given.key.value,
            "text": given.text,
            "given_at": at,
            "arrival_id": arrival_id,
        }
        for given in explanations
    ]
    if rows:
        insert_new(session, ExplanationRow, rows)


def explained(session: Session, duty_ids: Iterable[int], *, by: datetime | None = None) -> ExplainedByDuty:
    """Return by duty what was explained of its figures, in replies and in notes of its submissions, by an instant."""
    ids = list(duty_ids)
    found = _noted(session, ids, by)
    query = select(ExplanationRow).where(is_among(ExplanationRow.duty_id, ids)).order_by(ExplanationRow.id)
    if by is not None:
        query = query.where(ExplanationRow.given_at <= by)
    for row in session.scalars(query):
        found.setdefault(row.duty_id, {})[QuestionKey(row.question, row.subject, row.value)] = row.text
    return found


def asked_in(session: Session, arrival_ids: Iterable[int]) -> dict[int, tuple[Finding, ...]]:
    """Return by arrival the questions that its answer put, in their order."""
    rows = session.execute(select(ArrivalRow.id, ArrivalRow.reasons).where(ArrivalRow.id.in_(list(arrival_ids))))
    return {arrival_id: questions_in(map(finding_from_json, reasons)) for arrival_id, reasons in rows}


def newest_asking(session: Session, duty_ids: Iterable[int]) -> dict[int, tuple[Finding, ...]]:
    """Return by duty the questions of the newest arrival that was put to it and asked any."""
    rows = session.execute(
        select(ArrivalRow.duty_id, ArrivalRow.reasons)
        .where(is_among(ArrivalRow.duty_id, duty_ids), ArrivalRow.outcome.in_([Outcome.ACCEPTED, Outcome.RETURNED]))
        .order_by(ArrivalRow.id)
    )
    found: dict[int, tuple[Finding, ...]] = {}
    for duty_id, reasons in rows:
        asked = questions_in(map(finding_from_json, reasons))
        if duty_id is not None and asked:
            found[duty_id] = asked
    return found


def count_questions(session: Session, duty_ids: Sequence[int], as_of: datetime) -> dict[int, tuple[int, int]]:
    """Return by duty how many questions about its newest form are open at the instant, and how many are explained."""
    rows = session.execute(
        select(SubmissionRow.duty_id, ArrivalRow.reasons)
        .join(ArrivalRow, ArrivalRow.id == SubmissionRow.arrival_id)
        .where(is_among(SubmissionRow.duty_id, duty_ids), SubmissionRow.form_version != "")
        .where(SubmissionRow.judged_at <= as_of)
        .order_by(SubmissionRow.duty_id, SubmissionRow.number)
    )
    newest: dict[int, tuple[Finding, ...]] = {}
    for duty_id, reasons in rows:
        newest[duty_id] = questions_in(map(finding_from_json, reasons))
    told = explained(session, [duty_id for duty_id, asked in newest.items() if asked], by=as_of)
    return {duty_id: _counts(asked, told.get(duty_id, {})) for duty_id, asked in newest.items() if asked}


def _counts(asked: Sequence[Finding], told: Mapping[QuestionKey, str]) -> tuple[int, int]:
    n_explained = sum(bool(explanation_of(item, told)) for item in asked)
    return len(asked) - n_explained, n_explained


def _noted(session: Session, duty_ids: Sequence[int], by: datetime | None) -> ExplainedByDuty:
    query = (
        select(SubmissionRow.duty_id, FigureRow.field, FigureRow.amount, FigureRow.note)
        .join(FigureRow, FigureRow.submission_id == SubmissionRow.id)
        .where(is_among(SubmissionRow.duty_id, duty_ids), FigureRow.note != "", FigureRow.amount.is_not(None))
        .order_by(SubmissionRow.id)
    )
    if by is not None:
        query = query.where(SubmissionRow.judged_at <= by)
    found: ExplainedByDuty = {}
    for duty_id, field, amount, note in session.execute(query):
        if amount is not None:
            found.setdefault(duty_id, {})[QuestionKey("", field, grouped(amount))] = note
    return found
