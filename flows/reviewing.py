"""Reviews by hand: score the units, take and decide objections, freeze, enter classifications, freeze the dossier."""

from datetime import date, datetime
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.endings import told_to_the_operator
from flows.instants import instant_of_run
from models.domain.vocabulary import ContestDecision, Grade, LetterKind, ReviewKind
from tasks.choices import chosen
from tasks.classifications import ClassificationOrder, enter_classes
from tasks.contests import (
    ContestNote,
    ContestVerdict,
    contest_number,
    decide_objection,
    freeze_scores,
    record_objection,
)
from tasks.post import post_letters, say_what_is_left
from tasks.publish import publish_desk
from tasks.review import ReviewOrder, say_scores_wait, start_review
from tasks.review_board import publish_reviews
from tasks.review_papers import DossierOrder, draw_scores
from tasks.review_papers import make_dossier as write_dossier
from tasks.run_names import rename_run
from tasks.runtime import Runtime, open_runtime
from tasks.settings import Settings

WorkingDays = Annotated[int, Field(ge=1, le=60)]
Percent = Annotated[int, Field(ge=0, le=100)]
AtMostAll = Annotated[int, Field(ge=0, le=500)]


@flow(name="open-review")
def open_review(  # noqa: PLR0913 - one field of the form each
    *,
    review_kind: str,
    year: int,
    contest_days: WorkingDays,
    reason: str,
    operator: str,
    review_title: str = "",
    facts_as_of: datetime | None = None,
    lead_report_by: date | None = None,
) -> dict[str, int]:
    """Score every unit, tell each its score, and open the window to object. Safe to run again: there is one of each."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        order = ReviewOrder(
            kind=ReviewKind(chosen(review_kind)),
            year=year,
            title=review_title,
            contest_days=contest_days,
            operator=operator,
            reason=reason,
            as_of=_instant(runtime, facts_as_of),
            report_by=lead_report_by,
        )
        opened = start_review(runtime, order)
        counts = opened.counts | post_letters(runtime, [LetterKind.SCORE])
        say_scores_wait(runtime)
        rename_run(runtime.texts.say("run.open_review", review=opened.code, n=counts["queued"]))
        _show(runtime, opened.code)
        say_what_is_left(counts)
        return counts


@flow(name="record-contest")
def record_contest(  # noqa: PLR0913 - one field of the form each
    *,
    review: str,
    reviewed_unit: str,
    criterion: str,
    contest_words: str,
    reason: str,
    operator: str,
    raised_at: datetime | None = None,
) -> int:
    """Take down what a unit objects to, and return the objection's number. Safe to run again: it is taken once."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        note = ContestNote(
            review=chosen(review),
            unit=chosen(reviewed_unit),
            criterion=chosen(criterion),
            words=contest_words,
            received_at=_instant(runtime, raised_at),
            operator=operator,
            reason=reason,
        )
        number = record_objection(runtime, note)
        rename_run(runtime.texts.say("run.record_contest", review=note.review, number=number))
        _show(runtime, note.review)
        return number


@flow(name="decide-contest")
def decide_contest(
    *, contest: str, contest_decision: str, reason: str, operator: str, points_after: int | None = None
) -> int:
    """Record what a person decided of an objection, and return the points. Safe to run again: it is decided once."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        verdict = ContestVerdict(
            number=contest_number(chosen(contest)),
            decision=ContestDecision(chosen(contest_decision)),
            points=points_after,
            operator=operator,
            reason=reason,
        )
        decided = decide_objection(runtime, verdict)
        words = runtime.texts.label(verdict.decision)
        rename_run(runtime.texts.say("run.decide_contest", number=verdict.number, decision=words))
        _show(runtime, decided.review)
        return decided.points


@flow(name="freeze-review")
def freeze_review(*, review: str, reason: str, operator: str) -> str:
    """Let the scores stand for good, and return their SHA-256. Safe to run again: they are frozen once."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        code = chosen(review)
        digest = freeze_scores(runtime, code, operator, reason)
        rename_run(runtime.texts.say("run.freeze_review", review=code))
        _show(runtime, code)
        return digest


@flow(name="enter-classification")
def enter_classification(  # noqa: PLR0913 - one field of the form each
    *,
    year: int,
    reason: str,
    operator: str,
    classified_unit: str = "",
    grade: str = "",
    decision_number: str = "",
    classified_on: date | None = None,
    classification_file: str = "",
) -> dict[str, int]:
    """Enter how a signed decision classed one unit, or all of a workbook. Safe to run again."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        order = ClassificationOrder(
            year=year,
            operator=operator,
            reason=reason,
            unit=chosen(classified_unit),
            grade=Grade(chosen(grade)) if grade.strip() else None,
            decision_number=decision_number,
            signed_on=classified_on,
            file=classification_file,
        )
        counts = enter_classes(runtime, order)
        rename_run(runtime.texts.say("run.enter_classification", year=year, n=counts["classified"]))
        _show_all(runtime)
        return counts


@flow(name="make-dossier")
def make_dossier(
    *, review: str, reason: str, operator: str, top_per_group: AtMostAll = 0, at_least_percent: Percent = 0
) -> str:
    """Freeze the dossier of proposals, and return its folder. Safe to run again."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        order = DossierOrder(
            review=chosen(review),
            top_per_group=top_per_group or None,
            at_least_percent=at_least_percent or None,
            operator=operator,
            reason=reason,
        )
        dossier = write_dossier(runtime, order)
        rename_run(runtime.texts.say("run.make_dossier", review=order.review))
        _show_all(runtime)
        return str(dossier.folder)


def _instant(runtime: Runtime, given: datetime | None) -> datetime | None:
    """Return an instant of the form in the office's zone; None where nothing was given."""
    return instant_of_run(given, runtime.clock) if given is not None else None


def _show(runtime: Runtime, review_code: str) -> None:
    draw_scores(runtime, review_code)
    _show_all(runtime)


def _show_all(runtime: Runtime) -> None:
    publish_reviews(runtime, runtime.clock.now())
    publish_desk(runtime, runtime.clock.now(), {})
