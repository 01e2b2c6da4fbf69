"""Fills the Word drafts that follow a review: whom to commend, and for whom lowering is proposed; it decides nothing.

The templates are `templates/documents/to_trinh_*.docx`, in the layout of Decree 30/2020; numbers, dates of issue,
signers and seals are left blank. The same facts give the same bytes on whatever day they are written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final

from models.domain.calendar import start_of
from models.domain.plan import Obligation, Programme
from models.domain.reviews import Classification, LoweringProposal, Ranked, Review
from models.domain.scoring import CriterionScore
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.aggregate_pages import clean
from tasks.adapters.documents import Context, ending_together, fill_template
from tasks.adapters.score_words import total_words
from tasks.adapters.texts import Texts

COMMENDATIONS: Final = "to_trinh_khen_thuong"
LOWERING: Final = "to_trinh_ha_phan_loai"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPaper:
    """What both papers share: the frozen review, and the obligation whose clause they rest on."""

    programme: Programme
    obligation: Obligation
    review: Review


@dataclass(frozen=True, slots=True, kw_only=True)
class Commended:
    """Whom the dossier proposes for commendation, by which limits, and what else a person must know."""

    ranked: Sequence[Ranked]
    top_per_group: int | None
    at_least_percent: int | None
    classifications: Mapping[str, Classification]
    n_contests: int
    scores_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """For whom lowering is proposed, with the signed decisions that were entered; scores are no part of it."""

    proposals: Sequence[LoweringProposal]
    classifications: Sequence[Classification]


def write_commendations(target: IO[bytes], paper: ReviewPaper, commended: Commended, texts: Texts) -> None:
    """Write the draft that proposes units for commendation, each with its points and its classification."""
    review = paper.review
    frozen_at = review.frozen_at or review.as_of
    context = _common(paper, frozen_at) | {
        "review_title": clean(review.title),
        "review_title_lowered": clean(review.title[:1].lower() + review.title[1:]),
        "as_of": texts.instant(review.as_of),
        "frozen_at": texts.instant(frozen_at),
        "n_contests": f"{commended.n_contests:02}",
        "n_units": f"{len(commended.ranked):02}",
        "limits": _limits(commended, texts),
        "criteria": "; ".join(f"{each.code}: {clean(each.title)}" for each in paper.programme.criteria),
        "scores_file": commended.scores_file,
        "digest": review.digest,
        "units": [_commended_row(n, each, paper, commended, texts) for n, each in enumerate(commended.ranked, start=1)],
    }
    fill_template(target, COMMENDATIONS, context, as_of=frozen_at)


def write_lowering(target: IO[bytes], paper: ReviewPaper, lowered: Lowered, texts: Texts) -> None:
    """Write the draft that proposes lowering, each line with the signed decision that is its only ground."""
    signed_on = max(each.signed_on for each in lowered.classifications)
    context = _common(paper, start_of(signed_on)) | {
        "quotation": clean(paper.obligation.quotation),
        "review_year": str(paper.review.year),
        "n_classified": f"{len(lowered.classifications):02}",
        "n_units": f"{len(lowered.proposals):02}",
        "units": [_lowered_row(n, each, texts) for n, each in enumerate(lowered.proposals, start=1)],
    }
    fill_template(target, LOWERING, context, as_of=start_of(signed_on))


def _common(paper: ReviewPaper, as_of: datetime) -> Context:
    programme = paper.programme
    desk = programme.desk
    return {
        "parent_body": ending_together(desk.parent_body, n_words=3),
        "issuing_body": desk.issuing_body,
        "place": desk.place,
        "body_symbol": desk.document_symbol.partition("-")[0],
        "signatory_authority": desk.signatory_authority,
        "standing_agency": desk.standing_agency,
        "programme": programme.title,
        "programme_short": programme.short_title,
        "programme_basis": programme.basis,
        "plan_document": programme.plan_document,
        "clause": paper.obligation.clause,
        "receivers": paper.obligation.receivers,
        "year": str(as_of.astimezone(OFFICE_ZONE).year),
    }


def _limits(commended: Commended, texts: Texts) -> str:
    parts = []
    if commended.top_per_group is not None:
        parts.append(texts.say("review.limit.top", n=commended.top_per_group))
    if commended.at_least_percent is not None:
        parts.append(texts.say("review.limit.percent", percent=commended.at_least_percent))
    return texts.say("review.limit.both").join(parts)


def _commended_row(number: int, each: Ranked, paper: ReviewPaper, commended: Commended, texts: Texts) -> Context:
    unit = each.unit
    classed = commended.classifications.get(unit.unit_code)
    return {
        "number": str(number),
        "unit": clean(unit.unit_name),
        "group": clean(paper.programme.groups.get(unit.group, unit.group)),
        "total": total_words(unit, texts),
        "points": _points(unit.scores, texts),
        "place": str(each.place),
        "note": clean(_grade_words(classed, texts)) if classed is not None else "",
    }


def _points(scores: Iterable[CriterionScore], texts: Texts) -> str:
    return "; ".join(
        texts.say("review.short.points", criterion=each.criterion, points=each.points, at_most=each.at_most)
        if each.is_scored
        else texts.say("review.short.not_scored", criterion=each.criterion)
        for each in scores
    )


def _grade_words(classed: Classification, texts: Texts) -> str:
    return texts.say("review.short.grade", grade=texts.label(classed.grade), decision=_decision(classed, texts))


def _decision(classed: Classification, texts: Texts) -> str:
    return texts.say("review.short.decision", number=classed.decision_number, day=texts.day(classed.signed_on))


def _lowered_row(number: int, each: LoweringProposal, texts: Texts) -> Context:
    classed = each.classification
    member = (
        texts.say("review.short.member", name=each.member_name, field=each.member_field)
        if each.member_name
        else texts.say("review.short.no_member")
    )
    return {
        "number": str(number),
        "unit": clean(each.unit_name),
        "grade": texts.label(classed.grade),
        "decision": clean(_decision(classed, texts)),
        "head": clean(texts.say("review.short.head", unit=each.unit_name)),
        "member": clean(member),
    }
