"""Keeps reviews with their scores, the objections to them, and what signed decisions classed; it judges nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.db.tables import ClassificationRow, ContestRow, LetterRow, ReviewRow, ReviewScoreRow, ScoreLetterRow
from models.domain.errors import ActionRefusedError
from models.domain.reviews import Classification, Contest, Review, UnitScore
from models.domain.scoring import CriterionScore, Evidence
from models.domain.vocabulary import ContestDecision, Grade, ReviewKind

_EVIDENCE: Final = TypeAdapter(tuple[Evidence, ...])


def open_review(session: Session, review: Review, units: Sequence[UnitScore]) -> None:
    """Record a review with the scores of its units."""
    row = ReviewRow(
        code=review.code,
        programme_code=review.programme_code,
        kind=review.kind,
        year=review.year,
        title=review.title,
        as_of=review.as_of,
        opened_at=review.opened_at,
        contest_until=review.contest_until,
    )
    session.add(row)
    session.flush()
    session.add_all(
        ReviewScoreRow(
            review_id=row.id,
            unit_code=unit.unit_code,
            unit_name=unit.unit_name,
            group_code=unit.group,
            criterion=score.criterion,
            criterion_title=score.title,
            points=score.points,
            at_most=score.at_most,
            evidence=_EVIDENCE.dump_python(score.evidence, mode="json"),
        )
        for unit in units
        for score in unit.scores
    )
    session.flush()


def find_review(session: Session, code: str) -> Review | None:
    """Return the review of that code; None when it has not been opened."""
    row = session.scalars(select(ReviewRow).where(ReviewRow.code == code)).first()
    return _review(row) if row is not None else None


def review(session: Session, code: str) -> Review:
    """Return the review of that code.

    Raises:
        ActionRefusedError: none of that code has been opened.
    """
    return _review(_row(session, code))


def reviews_of(session: Session, programme_code: str) -> list[Review]:
    """Return every review of a programme, the first opened first."""
    query = select(ReviewRow).where(ReviewRow.programme_code == programme_code).order_by(ReviewRow.id)
    return [_review(row) for row in session.scalars(query)]


def scores(session: Session, code: str) -> tuple[UnitScore, ...]:
    """Return the scores as they were worked out, in the order they were recorded; decisions change none of them."""
    rows = session.scalars(
        select(ReviewScoreRow).join(ReviewRow).where(ReviewRow.code == code).order_by(ReviewScoreRow.id)
    )
    units: dict[str, UnitScore] = {}
    for row in rows:
        known = units.get(row.unit_code)
        units[row.unit_code] = UnitScore(
            unit_code=row.unit_code,
            unit_name=row.unit_name,
            group=row.group_code,
            scores=(*(known.scores if known else ()), _score(row)),
        )
    return tuple(units.values())


def freeze(session: Session, code: str, *, at: datetime, digest: str) -> None:
    """Record that the scores stand for good."""
    row = _row(session, code)
    row.frozen_at, row.digest = at, digest


def add_contest(session: Session, code: str, contest: Contest) -> int:
    """Record an objection, and return its number."""
    row = ContestRow(
        review_id=_row(session, code).id,
        unit_code=contest.unit_code,
        criterion=contest.criterion,
        raised_at=contest.raised_at,
        reason=contest.reason,
    )
    session.add(row)
    session.flush()
    return row.id


def contests(session: Session, code: str) -> list[Contest]:
    """Return the objections to a review's scores, the first raised first."""
    rows = session.scalars(
        select(ContestRow).join(ReviewRow).where(ReviewRow.code == code).order_by(ContestRow.raised_at, ContestRow.id)
    )
    return [_contest(row) for row in rows]


def contest(session: Session, number: int) -> tuple[str, Contest]:
    """Return an objection by its number, with the code of its review.

    Raises:
        ActionRefusedError: there is none of that number.
    """
    found = session.execute(select(ContestRow, ReviewRow.code).join(ReviewRow).where(ContestRow.id == number)).first()
    if found is None:
        raise ActionRefusedError("contest_unknown", number=number)
    row, code = found
    return code, _contest(row)


def decide(session: Session, decided: Contest) -> None:
    """Record what a person decided of an objection."""
    row = session.get_one(ContestRow, decided.number)
    row.decision, row.points = decided.decision, decided.points
    row.decided_at, row.decided_because, row.operator = decided.decided_at, decided.decided_because, decided.operator


def classifications(session: Session, programme_code: str, year: int) -> dict[str, Classification]:
    """Return by unit how its movement was classed in a year."""
    rows = session.scalars(
        select(ClassificationRow)
        .where(ClassificationRow.programme_code == programme_code, ClassificationRow.year == year)
        .order_by(ClassificationRow.unit_code)
    )
    return {row.unit_code: _classification(row) for row in rows}


def classify(
    session: Session, programme_code: str, classification: Classification, *, operator: str, at: datetime
) -> None:
    """Record a classification in the place of the one that is there."""
    row = session.scalars(
        select(ClassificationRow).where(
            ClassificationRow.programme_code == programme_code,
            ClassificationRow.year == classification.year,
            ClassificationRow.unit_code == classification.unit_code,
        )
    ).first()
    if row is None:
        row = ClassificationRow(
            programme_code=programme_code, year=classification.year, unit_code=classification.unit_code
        )
        session.add(row)
    row.grade, row.decision_number = classification.grade, classification.decision_number
    row.signed_on, row.entered_at, row.operator = classification.signed_on, at, operator


def add_score_letter(session: Session, code: str, unit_code: str, letter_id: int) -> None:
    """Record which letter tells a unit its score."""
    session.add(ScoreLetterRow(letter_id=letter_id, review_id=_row(session, code).id, unit_code=unit_code))


def score_letter(session: Session, letter_id: int) -> tuple[str, str] | None:
    """Return the review and the unit whose score a letter tells; None where it tells none."""
    found = session.execute(
        select(ReviewRow.code, ScoreLetterRow.unit_code).join(ReviewRow).where(ScoreLetterRow.letter_id == letter_id)
    ).first()
    return (found[0], found[1]) if found is not None else None


def units_told(session: Session, code: str) -> dict[str, list[str]]:
    """Return by unit the addresses that its score was queued to, whatever became of the letters."""
    rows = session.execute(
        select(ScoreLetterRow.unit_code, LetterRow.recipient)
        .join(ReviewRow, ReviewRow.id == ScoreLetterRow.review_id)
        .join(LetterRow, LetterRow.id == ScoreLetterRow.letter_id)
        .where(ReviewRow.code == code)
        .order_by(LetterRow.id)
    )
    found: dict[str, list[str]] = {}
    for unit_code, recipient in rows:
        found.setdefault(unit_code, []).append(recipient)
    return found


def _row(session: Session, code: str) -> ReviewRow:
    row = session.scalars(select(ReviewRow).where(ReviewRow.code == code)).first()
    if row is None:
        known = session.scalars(select(ReviewRow.code).order_by(ReviewRow.id)).all()
        raise ActionRefusedError("review_unknown", review=code, known=", ".join(known) or "–")
    return row


def _review(row: ReviewRow) -> Review:
    return Review(
        code=row.code,
        programme_code=row.programme_code,
        kind=ReviewKind(row.kind),
        year=row.year,
        title=row.title,
        as_of=row.as_of,
        opened_at=row.opened_at,
        contest_until=row.contest_until,
        frozen_at=row.frozen_at,
        digest=row.digest,
    )


def _score(row: ReviewScoreRow) -> CriterionScore:
    return CriterionScore(
        criterion=row.criterion,
        title=row.criterion_title,
        points=row.points,
        at_most=row.at_most,
        evidence=_EVIDENCE.validate_python(row.evidence),
    )


def _contest(row: ContestRow) -> Contest:
    return Contest(
        number=row.id,
        unit_code=row.unit_code,
        criterion=row.criterion,
        raised_at=row.raised_at,
        reason=row.reason,
        decision=ContestDecision(row.decision) if row.decision else None,
        points=row.points,
        decided_at=row.decided_at,
        decided_because=row.decided_because,
        operator=row.operator,
    )


def _classification(row: ClassificationRow) -> Classification:
    return Classification(
        unit_code=row.unit_code,
        year=row.year,
        grade=Grade(row.grade),
        decision_number=row.decision_number,
        signed_on=row.signed_on,
    )
