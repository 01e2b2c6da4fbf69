"""Says in Vietnamese what a score rests on: one sentence a fact, the same in letter, workbook and papers."""

from fractions import Fraction

from models.domain.calendar import last_day_before
from models.domain.reviews import Contest, UnitScore
from models.domain.scoring import CriterionScore, Evidence
from tasks.adapters.texts import Texts


def evidence_sentence(evidence: Evidence, texts: Texts) -> str:
    """Return the sentence of one fact, with its receipt, instant and figure."""
    receipt = texts.say("review.receipt", number=evidence.submission) if evidence.submission else ""
    figure = evidence.figure
    return texts.say(
        f"review.ground.{evidence.ground.value}",
        title=evidence.title,
        at=texts.instant(evidence.at) if evidence.at else "–",
        until=texts.day(last_day_before(evidence.until)) if evidence.until else "–",
        label=evidence.label,
        field=evidence.field,
        figure=texts.number(int(figure)) if figure.isascii() and figure.isdigit() else figure,
        n=evidence.n,
        of=evidence.of,
        receipt=receipt,
    )


def decision_sentence(contest: Contest, texts: Texts) -> str:
    """Return the sentence of a decision about an objection; it is the ground of the points it gave."""
    return texts.say(
        "review.decided",
        number=contest.number,
        decision=texts.label(contest.decision) if contest.decision else "–",
        at=texts.instant(contest.decided_at) if contest.decided_at else "–",
        points=contest.points,
        because=contest.decided_because,
    )


def points_words(score: CriterionScore, texts: Texts) -> str:
    """Return the points under a criterion, such as "15/30 điểm", or that it was not scored."""
    if not score.is_scored:
        return texts.say("review.not_scored")
    return texts.say("review.points", points=score.points, at_most=score.at_most)


def total_words(unit: UnitScore, texts: Texts) -> str:
    """Return a unit's points with its own maximum and the share, such as "57/70 điểm (81,4%)"."""
    if unit.share is None:
        return texts.say("review.nothing_scored")
    return texts.say("review.total", points=unit.points, at_most=unit.at_most, percent=percent_words(unit.share, texts))


def percent_words(share: Fraction, texts: Texts) -> str:
    """Return a share as per cent with one digit, a half rounded up."""
    tenths = (2000 * share.numerator + share.denominator) // (2 * share.denominator)
    return texts.number(tenths / 10)
