"""Writes the letter that tells a unit its score, from what the review keeps and what was decided since."""

from sqlalchemy.orm import Session

from models.db.records import reviews
from models.db.records.letters import ClaimedLetter
from models.domain.reviews import after_contests
from tasks.adapters.rendering import Envelope, ScoreContext, ScoreLine
from tasks.adapters.score_words import evidence_sentence, points_words, total_words
from tasks.ports import Letter
from tasks.runtime import Runtime


def score_letter(runtime: Runtime, session: Session, item: ClaimedLetter) -> Letter | None:
    """Return the letter; None when the window to object is over by now, for it would invite what is refused."""
    found = reviews.score_letter(session, item.id)
    if found is None:
        return None
    code, unit_code = found
    review = reviews.review(session, code)
    if review.is_frozen or runtime.clock.now() >= review.contest_until:
        return None
    units = after_contests(reviews.scores(session, code), reviews.contests(session, code))
    unit = next(each for each in units if each.unit_code == unit_code)
    texts = runtime.texts
    context = ScoreContext(
        programme=runtime.programmes[review.programme_code],
        unit_name=unit.unit_name,
        title=review.title,
        total=total_words(unit, texts),
        as_of=review.as_of,
        contest_until=review.contest_until,
        lines=tuple(
            ScoreLine(
                code=score.criterion,
                title=score.title,
                points=points_words(score, texts),
                grounds=tuple(evidence_sentence(each, texts) for each in score.evidence),
            )
            for score in unit.scores
        ),
    )
    envelope = Envelope(to=item.recipient, message_id=item.message_id, reply_to=runtime.settings.mail_from)
    return runtime.renderer.score(context, envelope)
