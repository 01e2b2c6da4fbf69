"""What a unit's year earns, criterion by criterion, and what may never be held against it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.plan import Criterion
from models.domain.scoring import (
    FigureFact,
    GoalsFact,
    Ground,
    ReportFact,
    TaskFact,
    UnitFacts,
    points_for,
    score_unit,
)
from models.domain.vocabulary import MarkKind, ScoreMeasure
from tests.builders import a_duty, a_mark, hanoi

YEAR_END = hanoi("2025-12-20 08:00")
LATE, IN_TIME, GRACE = "2025-07-01 09:00", "2025-06-10 09:00", "2025-06-16 09:00"


def a_criterion(measure, points=30, indicators=()):
    return Criterion(code="TC1", title="", points=points, measure=measure, indicators=indicators)


ON_TIME = a_criterion(ScoreMeasure.REPORTED_ON_TIME)
SELDOM = a_criterion(ScoreMeasure.RETURNED_SELDOM)
GOALS = a_criterion(ScoreMeasure.TARGETS_REACHED)
PRESENT = a_criterion(ScoreMeasure.INDICATOR_PRESENT, indicators=("CT12", "CT13.so"))
TASKS = a_criterion(ScoreMeasure.TASKS_CLOSED)


def a_report(completed=None, *, marks=(), held=None, was_written_to=True, n_returned=0, number=1):
    duty = replace(a_duty(completed=completed, marks=marks, held=held, duty_id=number), cycle_code=f"bc-{number}")
    return ReportFact(duty=duty, title="", was_written_to=was_written_to, n_returned=n_returned)


def a_task(completed=None, *, was_written_to=True, **facts):
    return TaskFact(duty=a_duty(completed=completed, **facts), title="", was_written_to=was_written_to)


def a_figure(field, *, indicator="", is_present=True, is_whole=False):
    return FigureFact(
        source="bc-6t-2025",
        title="",
        submission="1-1",
        field=field,
        indicator=indicator or field,
        label="",
        figure="3",
        is_present=is_present,
        is_whole=is_whole,
    )


def the_score(criterion, as_of=YEAR_END, **facts):
    (score,) = score_unit([criterion], UnitFacts(**facts), as_of)
    return score


def earned(criterion, as_of=YEAR_END, **facts):
    score = the_score(criterion, as_of, **facts)
    return score.points, score.at_most


def grounds(criterion, as_of=YEAR_END, **facts):
    return [line.ground for line in the_score(criterion, as_of, **facts).evidence]


@pytest.mark.parametrize(("n", "of", "points"), [(0, 3, 0), (1, 3, 3), (2, 3, 7), (1, 4, 3), (3, 4, 8), (3, 3, 10)])
def test_points_are_the_share_of_ten_with_a_half_rounded_up(n, of, points):
    assert points_for(10, n, of) == points


def test_one_report_of_two_on_time_earns_half_the_points():
    assert earned(ON_TIME, reports=(a_report(IN_TIME), a_report(LATE, number=2))) == (15, 30)


def test_a_report_within_the_grace_of_a_weekend_is_on_time():
    assert earned(ON_TIME, reports=(a_report(GRACE),)) == (30, 30)
    assert grounds(ON_TIME, reports=(a_report(GRACE),)) == [Ground.IN_GRACE]


def test_a_report_within_its_extension_is_on_time():
    extended = a_report(LATE, marks=(a_mark(MarkKind.EXTENSION, "2025-06-10 08:00", "2025-07-02 00:00"),))
    assert earned(ON_TIME, reports=(extended,)) == (30, 30)


def test_a_waived_report_does_not_count_even_if_it_comes_late_after_all():
    waiver = (a_mark(MarkKind.WAIVER, "2025-06-20 08:00"),)
    assert earned(ON_TIME, reports=(a_report(IN_TIME), a_report(marks=waiver, number=2))) == (30, 30)
    assert earned(ON_TIME, reports=(a_report(IN_TIME), a_report(LATE, marks=waiver, number=2))) == (30, 30)


def test_a_report_that_came_in_time_and_lies_with_us_is_on_time():
    assert grounds(ON_TIME, reports=(a_report(held=IN_TIME),)) == [Ground.HELD_IN_TIME]
    assert earned(ON_TIME, reports=(a_report(held=IN_TIME),)) == (30, 30)


def test_a_unit_that_no_letter_reached_is_not_scored_late():
    unreached = a_report(was_written_to=False)
    assert grounds(ON_TIME, reports=(unreached,)) == [Ground.NO_MAIL]
    assert earned(ON_TIME, reports=(unreached,)) == (0, 0)
    assert earned(ON_TIME, reports=(a_report(LATE, was_written_to=False), a_report(IN_TIME, number=2))) == (30, 30)


def test_a_task_that_no_letter_told_the_unit_of_is_not_held_against_it():
    untold = a_task(was_written_to=False)
    assert grounds(TASKS, tasks=(untold,)) == [Ground.NO_MAIL]
    assert earned(TASKS, tasks=(untold,)) == (0, 0)
    assert earned(TASKS, tasks=(untold, a_task(IN_TIME, was_written_to=False))) == (30, 30)
    assert grounds(TASKS, tasks=(a_task(),)) == [Ground.OPEN]


def test_a_report_that_never_came_earns_nothing():
    assert earned(ON_TIME, reports=(a_report(),)) == (0, 30)
    assert grounds(ON_TIME, reports=(a_report(),)) == [Ground.NEVER_CAME]


def test_a_report_that_is_not_due_yet_does_not_count():
    assert earned(ON_TIME, hanoi("2025-06-01 08:00"), reports=(a_report(),)) == (0, 0)


def test_what_came_after_the_instant_of_the_review_is_not_looked_at():
    assert earned(ON_TIME, hanoi("2025-06-20 08:00"), reports=(a_report(LATE),)) == (0, 30)


def test_every_line_names_its_cycle_and_when_it_was_received():
    (line,) = the_score(ON_TIME, reports=(a_report(LATE),)).evidence
    assert (line.source, line.at, line.until) == ("bc-1", hanoi(LATE), hanoi("2025-06-17 00:00"))


def test_returned_reports_lower_the_points_and_those_that_never_came_are_not_counted_here():
    reports = (a_report(IN_TIME), a_report(IN_TIME, number=2, n_returned=2), a_report(number=3))
    assert earned(SELDOM, reports=reports) == (15, 30)
    assert earned(SELDOM, reports=(a_report(),)) == (0, 0)


def test_goals_earn_their_share():
    assert earned(GOALS, goals=GoalsFact(n_reached=3, n_goals=4)) == (23, 30)


def test_without_goals_the_maximum_shrinks():
    assert earned(GOALS) == (0, 0)
    assert grounds(GOALS) == [Ground.NO_GOALS]


def test_one_figure_above_zero_earns_all_the_points():
    figures = (a_figure("CT12", is_present=False), a_figure("CT13.so", indicator="CT13"))
    assert earned(PRESENT, reports=(a_report(IN_TIME),), figures=figures) == (30, 30)


@pytest.mark.parametrize(
    "figure",
    [
        a_figure("CT12", is_present=False),
        a_figure("CT13.khac", indicator="CT13"),
        a_figure("CT12.tong", indicator="CT12", is_whole=True),
    ],
    ids=["zero", "another field of the indicator", "the whole it is a share of"],
)
def test_a_figure_that_shows_nothing_earns_nothing(figure):
    assert earned(PRESENT, reports=(a_report(IN_TIME),), figures=(figure,)) == (0, 30)


def test_a_unit_that_was_asked_for_no_report_is_not_asked_for_its_figures():
    assert earned(PRESENT) == (0, 0)
    assert earned(PRESENT, reports=(a_report(was_written_to=False),)) == (0, 0)


def test_a_task_done_late_is_done_and_one_that_is_overdue_is_not():
    assert earned(TASKS, tasks=(a_task(LATE), a_task())) == (15, 30)


def test_without_tasks_the_maximum_shrinks():
    assert earned(TASKS) == (0, 0)


INSTANTS = st.sampled_from([None, IN_TIME, GRACE, LATE])
MARKS = st.sampled_from([(), (a_mark(MarkKind.WAIVER, "2025-06-20 08:00"),), (a_mark(MarkKind.NIL, IN_TIME),)])
REPORTS = st.lists(
    st.builds(
        a_report,
        INSTANTS,
        marks=MARKS,
        held=INSTANTS,
        was_written_to=st.booleans(),
        n_returned=st.integers(0, 3),
        number=st.integers(1, 999),
    ),
    max_size=5,
    unique_by=lambda report: report.duty.cycle_code,
).map(tuple)
ALL = (ON_TIME, SELDOM, GOALS, PRESENT, TASKS)


@given(REPORTS, st.randoms(use_true_random=False))
def test_the_same_facts_give_the_same_points_in_any_order(reports, random):
    shuffled = list(reports)
    random.shuffle(shuffled)
    assert score_unit(ALL, UnitFacts(reports=reports), YEAR_END) == score_unit(
        ALL, UnitFacts(reports=tuple(shuffled)), YEAR_END
    )


@given(REPORTS)
def test_points_lie_between_nothing_and_the_most_and_every_score_has_evidence(reports):
    for score in score_unit(ALL, UnitFacts(reports=reports), YEAR_END):
        assert 0 <= score.points <= score.at_most
        assert score.evidence


@given(REPORTS)
def test_what_was_waived_lies_with_us_or_never_had_mail_is_held_against_nobody(reports):
    (score,) = score_unit([ON_TIME], UnitFacts(reports=reports), YEAR_END)
    against = {line.source for line in score.evidence if line.counts is False}
    for report in reports:
        waived = any(mark.kind is MarkKind.WAIVER for mark in report.duty.marks)
        is_with_us = report.duty.held_since is not None and report.duty.completed_at is None
        if waived or is_with_us or not report.was_written_to:
            assert report.duty.cycle_code not in against


@given(REPORTS, st.integers(0, 4))
def test_sending_a_report_in_time_never_costs_points(reports, which):
    if not reports:
        return
    n = which % len(reports)
    duty = replace(reports[n].duty, completed_at=hanoi(IN_TIME))
    better = (*reports[:n], replace(reports[n], duty=duty), *reports[n + 1 :])
    (before,), (after,) = (score_unit([ON_TIME], UnitFacts(reports=each), YEAR_END) for each in (reports, better))
    assert after.points * max(before.at_most, 1) >= before.points * max(after.at_most, 1) or not after.at_most
