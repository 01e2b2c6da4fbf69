"""Records what units object to in their scores, what a person decided of it, and that the scores stand for good."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.db.records import reviews
from models.db.records.audit import note_action
from models.domain.errors import ActionRefusedError
from models.domain.reviews import (
    Contest,
    UnitScore,
    after_contests,
    check_contest,
    check_decision,
    check_freeze,
    scores_digest,
)
from models.domain.vocabulary import Action, ContestDecision
from tasks.names import run_name
from tasks.operators import sign
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestNote:
    """An objection as an operator takes it down: whose, to which criterion, received when, and in what words."""

    review: str
    unit: str
    criterion: str
    words: str
    received_at: datetime | None
    """None: now."""
    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestVerdict:
    """What a person decided of an objection: the points from now on, and why."""

    number: int
    decision: ContestDecision
    points: int | None
    """None: as they are."""
    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Under which review an objection was decided, and the points from now on."""

    review: str
    points: int


def contest_number(written: str) -> int:
    """Return the number of an objection.

    Raises:
        ActionRefusedError: it is no number.
    """
    if not (written.isascii() and written.isdigit()):
        raise ActionRefusedError("contest_unknown", number=written)
    return int(written)


@task(name="record-contest", task_run_name=run_name("record_contest"), cache_policy=NO_CACHE)
def record_objection(runtime: Runtime, note: ContestNote) -> int:
    """Record an objection and return its number; the same one again is recorded once.

    Raises:
        ActionRefusedError: nobody answers for it, it came outside the window, says nothing, or the review did not score
            that unit under that criterion.
    """
    signature = sign(runtime, note.operator, note.reason)
    words = note.words.strip()
    if not words:
        raise ActionRefusedError("contest_says_nothing")
    with runtime.sessions.begin() as session:
        review = reviews.review(session, note.review)
        raised_at = note.received_at or signature.at
        check_contest(review, raised_at, signature.at)
        unit = _unit(reviews.scores(session, review.code), note.unit)
        criterion = unit.under(note.criterion).criterion
        for known in reviews.contests(session, review.code):
            if (known.unit_code, known.criterion, known.reason) == (unit.unit_code, criterion, words):
                return known.number
        contest = Contest(number=0, unit_code=unit.unit_code, criterion=criterion, raised_at=raised_at, reason=words)
        number = reviews.add_contest(session, review.code, contest)
        entry = signature.entry(
            Action.RECORD_CONTEST, review.code, unit_code=unit.unit_code, contest=number, criterion=criterion
        )
        note_action(session, entry)
    logger.info(runtime.texts.say("log.contest_recorded", number=number, unit=unit.unit_name))
    return number


@task(name="decide-contest", task_run_name=run_name("decide_contest"), cache_policy=NO_CACHE)
def decide_objection(runtime: Runtime, verdict: ContestVerdict) -> Decided:
    """Record a decision with its points and reason; the same decision again changes nothing.

    Raises:
        ActionRefusedError: nobody answers for it, there is no such objection, it is decided, or the points do not fit.
    """
    signature = sign(runtime, verdict.operator, verdict.reason)
    with runtime.sessions.begin() as session:
        code, contest = reviews.contest(session, verdict.number)
        review = reviews.review(session, code)
        units = after_contests(reviews.scores(session, code), reviews.contests(session, code))
        score = _unit(units, contest.unit_code).under(contest.criterion)
        points = score.points if verdict.points is None else verdict.points
        if (contest.decision, contest.points) == (verdict.decision, points):
            return Decided(review=code, points=points)
        check_decision(review, contest, score, verdict.decision, points)
        decided = replace(
            contest,
            decision=verdict.decision,
            points=points,
            decided_at=signature.at,
            decided_because=signature.reason,
            operator=signature.operator,
        )
        reviews.decide(session, decided)
        entry = signature.entry(
            Action.DECIDE_CONTEST,
            code,
            unit_code=contest.unit_code,
            contest=contest.number,
            criterion=contest.criterion,
            decision=verdict.decision.value,
            points=points,
            before=score.points,
        )
        note_action(session, entry)
    decision = runtime.texts.label(verdict.decision)
    logger.info(runtime.texts.say("log.contest_decided", number=contest.number, decision=decision))
    return Decided(review=code, points=points)


@task(name="freeze-review", task_run_name=run_name("freeze_review"), cache_policy=NO_CACHE)
def freeze_scores(runtime: Runtime, review_code: str, operator: str, reason: str) -> str:
    """Let the scores stand for good, and return their digest; what is frozen stays as it is.

    Raises:
        ActionRefusedError: nobody answers for it, the window is open, or objections are undecided.
    """
    signature = sign(runtime, operator, reason)
    with runtime.sessions.begin() as session:
        review = reviews.review(session, review_code)
        if review.is_frozen:
            return review.digest
        contests = reviews.contests(session, review.code)
        check_freeze(review, contests, signature.at)
        digest = scores_digest(after_contests(reviews.scores(session, review.code), contests))
        reviews.freeze(session, review.code, at=signature.at, digest=digest)
        note_action(session, signature.entry(Action.FREEZE_REVIEW, review.code, digest=digest))
    logger.info(runtime.texts.say("log.review_frozen", title=review.title))
    return digest


def _unit(units: tuple[UnitScore, ...], code: str) -> UnitScore:
    unit = next((each for each in units if each.unit_code == code), None)
    if unit is None:
        raise ActionRefusedError("contest_unit_unknown", unit=code)
    return unit
