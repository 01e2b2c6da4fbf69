"""A review's window, decisions and frozen list, and what may be proposed from it, and why."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.errors import ActionRefusedError
from models.domain.plan import Criterion
from models.domain.reviews import (
    Classification,
    Contest,
    Review,
    UnitScore,
    after_contests,
    check_classification,
    check_contest,
    check_decision,
    check_freeze,
    check_frozen,
    commendations,
    lowering_proposals,
    ranking,
    scores_digest,
    window_end,
)
from models.domain.roster import Member, Roster, Unit
from models.domain.scoring import CriterionScore, Evidence, Ground, ReportFact, UnitFacts, score_unit
from models.domain.vocabulary import ContestDecision, Grade, ReviewKind, ScoreMeasure
from tests.builders import CALENDAR, a_duty, hanoi

OPENED, UNTIL, AFTER = hanoi("2025-12-01 08:00"), hanoi("2025-12-13 00:00"), hanoi("2025-12-15 08:00")
ROSTER = Roster(
    units=(
        Unit(code="so-y-te", name="Sở Y tế", group="G1", valid_from=date(2024, 1, 1), member_in_charge="tv-01"),
        Unit(code="bcd-cu", name="BCĐ cũ", group="G3", valid_from=date(2024, 1, 1), valid_to=date(2025, 6, 30)),
    ),
    members=(Member(code="tv-01", name="Ủy viên 01", email="", field="Văn xã", valid_from=date(2024, 1, 1)),),
)
WEAK = Classification(
    unit_code="so-y-te", year=2025, grade=Grade.WEAK, decision_number="12/QĐ", signed_on=date(2025, 12, 10)
)


def a_review(**facts):
    return replace(
        Review(
            code="danh-gia-2025",
            programme_code="de_an_835",
            kind=ReviewKind.YEARLY,
            year=2025,
            title="Đánh giá năm 2025",
            as_of=OPENED,
            opened_at=OPENED,
            contest_until=UNTIL,
        ),
        **facts,
    )


def a_score(points=6, at_most=10, criterion="TC1"):
    evidence = (Evidence(ground=Ground.LATE, source="bc-6t-2025", at=OPENED),)
    return CriterionScore(criterion=criterion, title="", points=points, at_most=at_most, evidence=evidence)


def a_unit(code, points, *, at_most=10, group="G1"):
    return UnitScore(unit_code=code, unit_name=code, group=group, scores=(a_score(points, at_most),))


def a_contest(**facts):
    return replace(
        Contest(number=1, unit_code="so-y-te", criterion="TC1", raised_at=OPENED, reason="Đã nộp đúng hạn"), **facts
    )


def refused(what, *args, **facts):
    with pytest.raises(ActionRefusedError) as refusal:
        what(*args, **facts)
    return refusal.value.code


def test_ten_working_days_from_a_monday_end_on_the_friday_of_the_next_week_but_one():
    assert window_end(hanoi("2025-12-01 08:00"), 10, CALENDAR) == hanoi("2025-12-16 00:00")


def test_a_window_without_days_is_refused():
    assert refused(window_end, OPENED, 0, CALENDAR) == "error.contest_days_missing"


def test_an_objection_in_the_last_minute_of_the_window_is_heard():
    check_contest(a_review(), UNTIL - timedelta(minutes=1), AFTER)


@pytest.mark.parametrize(
    ("raised_at", "code"),
    [
        (UNTIL, "error.contest_too_late"),
        (OPENED - timedelta(days=1), "error.contest_too_early"),
        (AFTER + timedelta(days=1), "error.contest_in_the_future"),
    ],
)
def test_an_objection_outside_the_window_is_refused(raised_at, code):
    assert refused(check_contest, a_review(), raised_at, AFTER) == code


def test_nobody_objects_to_what_is_frozen():
    assert refused(check_contest, a_review(frozen_at=AFTER), OPENED, AFTER) == "error.review_frozen"


@pytest.mark.parametrize(
    ("decision", "points", "code"),
    [
        (ContestDecision.UPHELD, 11, "error.contest_points_outside"),
        (ContestDecision.UPHELD, 6, "error.contest_upheld_changes_nothing"),
        (ContestDecision.PARTLY_UPHELD, 5, "error.contest_upheld_changes_nothing"),
        (ContestDecision.REJECTED, 7, "error.contest_rejected_changes"),
    ],
)
def test_points_that_do_not_fit_the_decision_are_refused(decision, points, code):
    assert refused(check_decision, a_review(), a_contest(), a_score(6, 10), decision, points) == code


def test_an_objection_is_decided_once():
    decided = a_contest(decision=ContestDecision.REJECTED)
    assert refused(check_decision, a_review(), decided, a_score(), ContestDecision.UPHELD, 9) == "error.contest_decided"


def test_a_decision_changes_the_points_of_its_unit_and_criterion_alone():
    units = (a_unit("so-y-te", 6), a_unit("so-van-hoa", 6))
    decided = a_contest(decision=ContestDecision.UPHELD, points=9, decided_at=AFTER)
    assert [unit.points for unit in after_contests(units, [decided])] == [9, 6]


def test_a_review_is_not_frozen_before_its_window_ends():
    assert refused(check_freeze, a_review(), [], UNTIL - timedelta(minutes=1)) == "error.review_window_open"


def test_a_review_is_not_frozen_while_an_objection_waits():
    assert refused(check_freeze, a_review(), [a_contest()], AFTER) == "error.review_contests_undecided"


def test_a_frozen_review_is_not_frozen_again():
    assert refused(check_freeze, a_review(frozen_at=AFTER), [], AFTER) == "error.review_frozen"


def test_nothing_is_made_of_scores_that_are_not_frozen_or_were_changed_after():
    units = (a_unit("so-y-te", 6),)
    frozen = a_review(frozen_at=AFTER, digest=scores_digest(units))
    check_frozen(frozen, units)
    assert refused(check_frozen, a_review(), units) == "error.review_not_frozen"
    assert refused(check_frozen, frozen, (a_unit("so-y-te", 7),)) == "error.review_changed"


@given(st.permutations([a_unit("a", 1), a_unit("b", 2), a_unit("c", 3)]))
def test_the_digest_is_that_of_the_scores_whatever_their_order(units):
    assert scores_digest(units) == scores_digest(sorted(units, key=lambda unit: unit.unit_code))


def test_units_are_ranked_within_their_group_by_their_own_maximum():
    units = (a_unit("a", 6), a_unit("b", 6, at_most=6), a_unit("c", 6), a_unit("d", 1, group="G2"))
    places = {
        group: [(each.unit.unit_code, each.place) for each in members]
        for group, members in ranking(units, ["G2", "G1"]).items()
    }
    assert places == {"G2": [("d", 1)], "G1": [("b", 1), ("a", 2), ("c", 2)]}


def test_a_unit_that_could_not_be_scored_has_no_place():
    (each,) = ranking([a_unit("a", 0, at_most=0)], ["G1"])["G1"]
    assert each.place is None


def the_commended(units, **limits):
    limits = {"top_per_group": None, "at_least_percent": None} | limits
    return [each.unit.unit_code for each in commendations(ranking(units, ["G1", "G2"]), **limits)]


def test_the_best_of_each_group_are_proposed():
    units = (a_unit("a", 9), a_unit("b", 8), a_unit("c", 7, group="G2"))
    assert the_commended(units, top_per_group=1) == ["a", "c"]


def test_equal_places_are_proposed_together_or_not_at_all():
    units = (a_unit("a", 9), a_unit("b", 8), a_unit("c", 8))
    assert the_commended(units, top_per_group=2) == ["a"]
    assert the_commended(units, top_per_group=3) == ["a", "b", "c"]


def test_who_reaches_the_share_is_proposed():
    assert the_commended((a_unit("a", 9), a_unit("b", 8)), at_least_percent=90) == ["a"]


def test_nobody_is_commended_without_a_limit_that_a_person_set():
    assert refused(commendations, {}, top_per_group=None, at_least_percent=None) == "error.commendation_without_limit"


def test_a_unit_without_any_point_is_not_commended_though_its_group_is_small():
    ranked = ranking([a_unit("so-y-te", 0)], ["G1"])
    assert commendations(ranked, top_per_group=3, at_least_percent=None) == ()


def test_head_and_member_in_charge_of_a_unit_classed_weak_are_proposed():
    (proposal,) = lowering_proposals(2025, [WEAK], ROSTER)
    assert (proposal.unit_name, proposal.member_name, proposal.classification) == ("Sở Y tế", "Ủy viên 01", WEAK)


@pytest.mark.parametrize("grade", [Grade.EXCELLENT, Grade.GOOD, Grade.NOT_CLASSED])
def test_no_other_grade_proposes_anybody(grade):
    assert lowering_proposals(2025, [replace(WEAK, grade=grade)], ROSTER) == ()


def test_a_classification_of_another_year_proposes_nobody():
    assert lowering_proposals(2026, [WEAK], ROSTER) == ()


@given(st.lists(st.integers(1, 300), max_size=8), st.lists(st.sampled_from([Grade.EXCELLENT, Grade.GOOD]), max_size=1))
def test_no_row_of_late_reports_without_a_classification_proposes_anybody(days_late, grades):
    criterion = Criterion(code="TC1", title="", points=30, measure=ScoreMeasure.REPORTED_ON_TIME)
    reports = tuple(
        ReportFact(
            duty=replace(a_duty(), cycle_code=f"bc-{n}", completed_at=a_duty().late_at + timedelta(days=late)), title=""
        )
        for n, late in enumerate(days_late)
    )
    (score,) = score_unit([criterion], UnitFacts(reports=reports), hanoi("2027-01-01 08:00"))
    assert score.points == 0
    assert lowering_proposals(2025, [replace(WEAK, grade=grade) for grade in grades], ROSTER) == ()


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"unit_code": "so-khac"}, "error.classification_unit_unknown"),
        ({"unit_code": "bcd-cu", "year": 2026}, "error.classification_unit_unknown"),
        ({"decision_number": " "}, "error.classification_without_number"),
        ({"signed_on": date(2026, 1, 21)}, "error.classification_in_the_future"),
        ({"signed_on": date(2024, 12, 31)}, "error.classification_before_its_year"),
    ],
)
def test_a_classification_that_no_decision_can_have_made_is_refused(facts, code):
    assert refused(check_classification, replace(WEAK, **facts), ROSTER, None, date(2026, 1, 20)) == code


def test_a_unit_that_ended_within_the_year_may_still_be_classed():
    check_classification(replace(WEAK, unit_code="bcd-cu"), ROSTER, None, date(2026, 1, 20))


def test_a_later_decision_replaces_an_earlier_one_and_never_the_other_way_round():
    later = replace(WEAK, signed_on=date(2025, 12, 20))
    check_classification(later, ROSTER, WEAK, date(2026, 1, 20))
    assert refused(check_classification, WEAK, ROSTER, later, date(2026, 1, 20)) == "error.classification_older"
