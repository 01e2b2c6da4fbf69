"""Shows reviews in Prefect's pages: how far each is, who objects, who cannot be told, and where its papers lie."""

from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import reviews
from models.domain.reviews import Contest, Review
from tasks.artifacts import artifact_key, show_page
from tasks.choices import refresh_choices
from tasks.names import run_name
from tasks.publish_actions import publish_book
from tasks.review_papers import papers_there
from tasks.runtime import Runtime


@task(name="publish-reviews", task_run_name=run_name("publish_reviews"), cache_policy=NO_CACHE)
def publish_reviews(runtime: Runtime, as_of: datetime) -> None:
    """Show a page of each review, the book of acts, and the choices of the forms anew."""
    with runtime.sessions() as session:
        pages = {
            review.code: review_page(runtime, session, review, as_of)
            for code in runtime.programmes
            for review in reviews.reviews_of(session, code)
        }
    for code, page in pages.items():
        show_page(artifact_key("danh-gia", code), page)
    publish_book(runtime)
    refresh_choices(runtime, as_of)


def review_page(runtime: Runtime, session: Session, review: Review, as_of: datetime) -> str:
    """Return the page of one review: its dates, objections and decisions, units that were not told, papers."""
    texts = runtime.texts
    units = {unit.unit_code: unit.unit_name for unit in reviews.scores(session, review.code)}
    told = reviews.units_told(session, review.code)
    lines = [
        texts.say(
            "review.page.heading",
            title=review.title,
            n=len(units),
            n_told=len(told),
            as_of=texts.instant(review.as_of),
            state=_state(runtime, review, as_of),
        )
    ]
    lines += [texts.say("review.page.untold", unit=name) for code, name in units.items() if code not in told]
    contests = reviews.contests(session, review.code)
    lines += ["", texts.say("review.page.contests", n=len(contests)), ""]
    lines += [_contest_line(runtime, contest, units[contest.unit_code]) for contest in contests]
    lines += ["", texts.say("review.page.papers"), ""]
    lines += [texts.say("review.page.paper", path=path) for path in papers_there(runtime, review.code)]
    return "\n".join(lines)


def _state(runtime: Runtime, review: Review, as_of: datetime) -> str:
    texts = runtime.texts
    if review.frozen_at is not None:
        return texts.say("review.page.frozen", at=texts.instant(review.frozen_at), digest=review.digest)
    if as_of >= review.contest_until:
        return texts.say("review.page.to_freeze")
    calendar = runtime.programmes[review.programme_code].calendar
    return texts.say("review.page.open", until=texts.deadline(review.contest_until, calendar))


def _contest_line(runtime: Runtime, contest: Contest, unit: str) -> str:
    texts = runtime.texts
    if contest.decision is None:
        return texts.say(
            "review.page.undecided",
            number=contest.number,
            unit=unit,
            criterion=contest.criterion,
            raised=texts.instant(contest.raised_at),
        )
    return texts.say(
        "review.page.decided",
        number=contest.number,
        unit=unit,
        criterion=contest.criterion,
        decision=texts.label(contest.decision),
        points=contest.points,
        because=contest.decided_because,
    )
