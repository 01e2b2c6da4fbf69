"""The life of a review: scores, a window to object, decisions, a frozen list, and what is proposed from it.

It proposes and never decides. Lowering is proposed for one reason only: a signed decision that classes a unit's
movement Trung bình or Yếu (clause III.2); the functions that propose it are not given any score or deadline.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby
from typing import Final

from models.domain.calendar import ONE_DAY, WorkingCalendar, start_of
from models.domain.errors import ActionRefusedError
from models.domain.roster import Roster
from models.domain.scoring import CriterionScore
from models.domain.vietnamese import sort_key
from models.domain.vocabulary import OFFICE_ZONE, ContestDecision, Grade, ReviewKind

LOWERED_GRADES: Final = frozenset({Grade.AVERAGE, Grade.WEAK})
"""Clause III.2: "ở mức Trung bình, Yếu"."""
_CODES: Final[Mapping[ReviewKind, str]] = {
    ReviewKind.YEARLY: "danh-gia",
    ReviewKind.PHASE_1: "so-ket-gd1",
    ReviewKind.FINAL: "tong-ket",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review: yearly, of phase 1, or final. Instants are aware."""

    code: str
    programme_code: str
    kind: ReviewKind
    year: int
    title: str
    as_of: datetime
    """The facts are those of this instant."""
    opened_at: datetime
    contest_until: datetime
    """First instant at which a unit may no longer object."""
    frozen_at: datetime | None = None
    digest: str = ""

    @property
    def is_frozen(self) -> bool:
        """Say whether its scores stand for good."""
        return self.frozen_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitScore:
    """The score of one unit, criterion by criterion, in the order of the plan."""

    unit_code: str
    unit_name: str
    group: str
    scores: tuple[CriterionScore, ...]

    @property
    def points(self) -> int:
        """The sum of its points."""
        return sum(each.points for each in self.scores)

    @property
    def at_most(self) -> int:
        """Its own maximum: only what could be scored."""
        return sum(each.at_most for each in self.scores)

    @property
    def share(self) -> Fraction | None:
        """Points over its own maximum; None when nothing could be scored."""
        return Fraction(self.points, self.at_most) if self.at_most else None

    def under(self, criterion: str) -> CriterionScore:
        """Return the score under a criterion.

        Raises:
            ActionRefusedError: it was not scored under one of that code.
        """
        for score in self.scores:
            if score.criterion == criterion and score.is_scored:
                return score
        known = ", ".join(score.criterion for score in self.scores if score.is_scored)
        raise ActionRefusedError("criterion_unknown", criterion=criterion, unit=self.unit_name, known=known or "–")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A unit's objection to its points under one criterion, and what a person decided of it."""

    number: int
    unit_code: str
    criterion: str
    raised_at: datetime
    reason: str
    decision: ContestDecision | None = None
    points: int | None = None
    """The points after the decision."""
    decided_at: datetime | None = None
    decided_because: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A unit with its place within its group; equal shares have equal places, and what was not scored has none."""

    unit: UnitScore
    place: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """How a signed decision classed the movement of a unit in a year."""

    unit_code: str
    year: int
    grade: Grade
    decision_number: str
    signed_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweringProposal:
    """For whom lowering is proposed, and by which signed decision; a person hears them and decides."""

    unit_code: str
    unit_name: str
    classification: Classification
    member_name: str = ""
    """The committee member in charge; empty where nobody is named in the roster."""
    member_field: str = ""


def review_code(kind: ReviewKind, year: int) -> str:
    """Return the code of a review: there is one of a kind and year."""
    return f"{_CODES[kind]}-{year}"


def window_end(opened_at: datetime, working_days: int, calendar: WorkingCalendar) -> datetime:
    """Return the first instant after the window: the end of the last of so many working days after the opening.

    Raises:
        ActionRefusedError: there is not a single day.
    """
    if working_days < 1:
        raise ActionRefusedError("contest_days_missing", days=working_days)
    opened_on = opened_at.astimezone(OFFICE_ZONE).date()
    return start_of(calendar.add_working_days(opened_on, working_days) + ONE_DAY)


def check_contest(review: Review, raised_at: datetime, now: datetime) -> None:
    """Refuse an objection that came outside the window, or to scores that stand for good.

    Raises:
        ActionRefusedError: it is too early, too late, in the future, or the review is frozen.
    """
    _check_open(review)
    if raised_at > now:
        raise ActionRefusedError("contest_in_the_future", raised=_instant(raised_at), now=_instant(now))
    if raised_at < review.opened_at:
        raise ActionRefusedError("contest_too_early", raised=_instant(raised_at), opened=_instant(review.opened_at))
    if raised_at >= review.contest_until:
        raise ActionRefusedError("contest_too_late", raised=_instant(raised_at), until=_instant(review.contest_until))


def check_decision(
    review: Review, contest: Contest, score: CriterionScore, decision: ContestDecision, points: int
) -> None:
    """Refuse a decision that does not fit the objection; who objects never loses by it.

    Raises:
        ActionRefusedError: it is decided already, the review is frozen, or the points do not fit the decision.
    """
    _check_open(review)
    if contest.decision is not None:
        raise ActionRefusedError("contest_decided", number=contest.number)
    if not 0 <= points <= score.at_most:
        raise ActionRefusedError("contest_points_outside", points=points, at_most=score.at_most)
    if decision is ContestDecision.REJECTED and points != score.points:
        raise ActionRefusedError("contest_rejected_changes", points=points, present=score.points)
    if decision is not ContestDecision.REJECTED and points <= score.points:
        raise ActionRefusedError("contest_upheld_changes_nothing", points=points, present=score.points)


def after_contests(units: Iterable[UnitScore], contests: Iterable[Contest]) -> tuple[UnitScore, ...]:
    """Return the scores with the points that decided objections gave, the newest decision last."""
    decided = sorted((c for c in contests if c.decided_at is not None and c.points is not None), key=_when_decided)
    points = {(contest.unit_code, contest.criterion): contest.points for contest in decided}
    return tuple(_with_points(unit, points) for unit in units)


def check_freeze(review: Review, contests: Iterable[Contest], now: datetime) -> None:
    """Refuse to freeze before every unit has had its say and every objection its decision.

    Raises:
        ActionRefusedError: it is frozen, the window is open, or objections are undecided.
    """
    _check_open(review)
    if now < review.contest_until:
        raise ActionRefusedError("review_window_open", until=_instant(review.contest_until))
    waiting = [str(contest.number) for contest in contests if contest.decision is None]
    if waiting:
        raise ActionRefusedError("review_contests_undecided", numbers=", ".join(waiting))


def scores_digest(units: Iterable[UnitScore]) -> str:
    """Return the SHA-256 over every point and every fact it rests on, in an order of its own."""
    kept = [asdict(unit) for unit in sorted(units, key=lambda unit: unit.unit_code)]
    written = json.dumps(kept, ensure_ascii=False, sort_keys=True, default=_written)
    return hashlib.sha256(written.encode()).hexdigest()


def check_frozen(review: Review, units: Iterable[UnitScore]) -> None:
    """Refuse to work from scores that are not frozen, or no longer those that were.

    Raises:
        ActionRefusedError: the review is not frozen, or its scores have another digest.
    """
    if not review.is_frozen:
        raise ActionRefusedError("review_not_frozen", title=review.title)
    if scores_digest(units) != review.digest:
        raise ActionRefusedError("review_changed", title=review.title)


def ranking(units: Iterable[UnitScore], groups: Sequence[str]) -> dict[str, tuple[Ranked, ...]]:
    """Return by group, in the order of the plan, its units by share of their own maximum, the best first."""
    order = {code: place for place, code in enumerate(groups)}
    ordered = sorted(
        units,
        key=lambda unit: (order.get(unit.group, len(order)), unit.group, -_share(unit), sort_key(unit.unit_name)),
    )
    return {group: _placed(tuple(members)) for group, members in groupby(ordered, key=lambda unit: unit.group)}


def commendations(
    ranked: Mapping[str, Sequence[Ranked]], *, top_per_group: int | None, at_least_percent: int | None
) -> tuple[Ranked, ...]:
    """Return whom to propose for commendation: by place within the group, by share, or by both, as a person asks.

    Equal places are proposed together or not at all, so that nobody is chosen by the alphabet; who has no point is
    never proposed, however few its group has.

    Raises:
        ActionRefusedError: neither limit is given, or one makes no sense.
    """
    if top_per_group is None and at_least_percent is None:
        raise ActionRefusedError("commendation_without_limit")
    if top_per_group is not None and top_per_group < 1:
        raise ActionRefusedError("commendation_top_wrong", top=top_per_group)
    if at_least_percent is not None and not 1 <= at_least_percent <= 100:  # noqa: PLR2004 - per cent
        raise ActionRefusedError("commendation_percent_wrong", percent=at_least_percent)
    return tuple(
        each
        for members in ranked.values()
        for each in members
        if each.place is not None
        and each.unit.points
        and (top_per_group is None or _n_up_to(members, each.place) <= top_per_group)
        and (at_least_percent is None or _share(each.unit) * 100 >= at_least_percent)
    )


def check_classification(
    classification: Classification, roster: Roster, known: Classification | None, today: date
) -> None:
    """Refuse a classification that no signed decision can have made, or that an older decision made.

    Raises:
        ActionRefusedError: the unit is not in the roster of that year, the decision is unsigned, lies in the future or
            before the year, or a later one was entered.
    """
    year_end = date(classification.year, 12, 31)
    rows = [unit for unit in roster.units if unit.code == classification.unit_code]
    if not any(u.valid_from <= year_end and (u.valid_to is None or u.valid_to.year >= year_end.year) for u in rows):
        raise ActionRefusedError("classification_unit_unknown", unit=classification.unit_code, year=classification.year)
    if not classification.decision_number.strip():
        raise ActionRefusedError("classification_without_number", unit=classification.unit_code)
    signed = f"{classification.signed_on:%d/%m/%Y}"
    if classification.signed_on > today:
        raise ActionRefusedError("classification_in_the_future", unit=classification.unit_code, signed=signed)
    if classification.signed_on < date(classification.year, 1, 1):
        raise ActionRefusedError(
            "classification_before_its_year", unit=classification.unit_code, signed=signed, year=classification.year
        )
    if known is not None and known.signed_on > classification.signed_on:
        raise ActionRefusedError(
            "classification_older",
            unit=classification.unit_code,
            signed=signed,
            number=known.decision_number,
            known=f"{known.signed_on:%d/%m/%Y}",
        )


def lowering_proposals(
    year: int, classifications: Iterable[Classification], roster: Roster
) -> tuple[LoweringProposal, ...]:
    """Return for whom lowering is proposed: head and member in charge of each unit classed Trung bình or Yếu.

    Nothing else is looked at: no score, no deadline, no late report.
    """
    found = [_proposal(each, roster) for each in classifications if each.year == year and each.grade in LOWERED_GRADES]
    return tuple(sorted(found, key=lambda each: sort_key(each.unit_name)))


def _proposal(classification: Classification, roster: Roster) -> LoweringProposal:
    on = date(classification.year, 12, 31)
    unit = roster.unit(classification.unit_code, on)
    member = roster.member(unit.member_in_charge, min(on, unit.valid_to or on)) if unit.member_in_charge else None
    return LoweringProposal(
        unit_code=unit.code,
        unit_name=unit.name,
        classification=classification,
        member_name=member.name if member else "",
        member_field=member.field if member else "",
    )


def _check_open(review: Review) -> None:
    if review.is_frozen:
        raise ActionRefusedError("review_frozen", title=review.title)


def _with_points(unit: UnitScore, points: Mapping[tuple[str, str], int | None]) -> UnitScore:
    scores = tuple(
        replace(each, points=given) if (given := points.get((unit.unit_code, each.criterion))) is not None else each
        for each in unit.scores
    )
    return replace(unit, scores=scores)


def _placed(members: tuple[UnitScore, ...]) -> tuple[Ranked, ...]:
    shares = [_share(unit) for unit in members]
    return tuple(
        Ranked(unit=unit, place=shares.index(share) + 1 if unit.at_most else None)
        for unit, share in zip(members, shares, strict=True)
    )


def _n_up_to(members: Sequence[Ranked], place: int) -> int:
    return sum(each.place is not None and each.place <= place for each in members)


def _share(unit: UnitScore) -> Fraction:
    return Fraction(-1) if unit.share is None else unit.share


def _when_decided(contest: Contest) -> tuple[datetime, int]:
    assert contest.decided_at is not None  # noqa: S101 - chosen by it
    return contest.decided_at, contest.number


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(OFFICE_ZONE).isoformat()
    return str(value)


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(OFFICE_ZONE):%H:%M %d/%m/%Y}"
