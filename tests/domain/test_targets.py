"""Targets of the annual plan against results: what counts, what is a goal, and the marks of clause II.5."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.forms import FieldSpec
from models.domain.targets import (
    DatedFigure,
    GoalShare,
    Target,
    TargetResult,
    goals_of,
    progress_of,
    result_so_far,
    results_of,
)
from models.domain.vocabulary import Accrual, Aggregation, FieldKind, TargetState
from tests.builders import hanoi

SIX_MONTHS = {
    "due_at": hanoi("2026-06-15"),
    "period_start": date(2025, 11, 1),
    "period_end": date(2026, 5, 14),
}
YEAR = {"due_at": hanoi("2026-11-15"), "period_start": date(2025, 11, 1), "period_end": date(2026, 10, 31)}
SECOND_HALF = {"due_at": hanoi("2026-11-15"), "period_start": date(2026, 5, 15), "period_end": date(2026, 10, 31)}


def a_figure(amount, window, unit="u", field="CT05"):
    return DatedFigure(unit_code=unit, field=field, amount=amount, **window)


def a_target(amount, unit="u", field="CT05"):
    return Target(unit_code=unit, year=2026, field=field, amount=amount)


def a_field(code="CT05", accrual=Accrual.FLOW):
    return FieldSpec(
        code=code,
        indicator=code,
        label=code,
        unit_of_measure="buổi",
        kind=FieldKind.COUNT,
        accrual=accrual,
        aggregation=Aggregation.SUM,
        row=7,
    )


def a_result(target, result, unit="u", field="CT05"):
    return TargetResult(target=a_target(target, unit, field), result=result)


@pytest.mark.parametrize(
    ("accrual", "figures", "result"),
    [
        (Accrual.FLOW, [a_figure(4, SIX_MONTHS)], 4),
        (Accrual.FLOW, [a_figure(4, SIX_MONTHS), a_figure(9, YEAR)], 9),
        (Accrual.FLOW, [a_figure(9, YEAR), a_figure(4, SIX_MONTHS)], 9),
        (Accrual.FLOW, [a_figure(4, SIX_MONTHS), a_figure(5, SECOND_HALF)], 9),
        (Accrual.STOCK, [a_figure(9, SIX_MONTHS), a_figure(4, YEAR)], 4),
        (Accrual.STOCK, [a_figure(9, SIX_MONTHS)], 9),
        (Accrual.FLOW, [], None),
        (Accrual.STOCK, [], None),
    ],
)
def test_a_flow_is_the_annual_reports_own_figure_and_a_stock_the_newest_one(accrual, figures, result):
    assert result_so_far(accrual, figures) == result


@pytest.mark.parametrize(
    ("target", "result", "state", "share"),
    [
        (10, 10, TargetState.REACHED, 1.0),
        (10, 25, TargetState.REACHED, 2.5),
        (10, 9, TargetState.NOT_REACHED, 0.9),
        (10, 0, TargetState.NOT_REACHED, 0.0),
        (10, None, TargetState.NO_RESULT, None),
        (0, 5, TargetState.NOTHING_ASKED, None),
        (0, None, TargetState.NOTHING_ASKED, None),
    ],
)
def test_a_target_of_zero_is_no_goal_and_a_blank_figure_is_not_zero(target, result, state, share):
    met = a_result(target, result)
    assert (met.state, met.share) == (state, share)


@pytest.mark.parametrize(
    ("n_reached", "n_goals", "passes_phase_1", "passes_final", "n_short"),
    [
        (5, 10, False, False, 1),
        (6, 10, True, False, 0),
        (10, 10, True, True, 0),
        (1, 3, False, False, 1),
        (2, 3, True, False, 0),
        (0, 0, False, False, 0),
    ],
)
def test_just_half_of_the_goals_does_not_pass_the_mark_of_more_than_half(
    n_reached, n_goals, passes_phase_1, passes_final, n_short
):
    share = GoalShare(n_reached=n_reached, n_goals=n_goals)
    assert (share.passes_phase_1, share.passes_final) == (passes_phase_1, passes_final)
    assert (share.n_short_of_phase_1, share.n_short_of_final) == (n_short, n_goals - n_reached)


def test_the_share_of_an_indicator_is_the_sum_of_results_over_the_sum_of_all_targets():
    results = [a_result(100, 10, "a"), a_result(10, 10, "b"), a_result(90, None, "c"), a_result(0, 70, "d")]
    progress = progress_of(2026, results, [a_field()], ["a", "b", "c", "d"])
    (row,) = progress.fields
    assert (row.target, row.result, row.share) == (200, 20, 0.1)
    assert (row.n_units, row.n_with_result, row.n_reached) == (3, 2, 1)
    assert progress.goals == GoalShare(n_reached=1, n_goals=3)


def test_a_unit_within_its_parents_figures_is_shown_but_added_to_no_sum():
    results = [a_result(100, 80, "parent"), a_result(10, 10, "child")]
    progress = progress_of(2026, results, [a_field()], ["parent", "child"], left_out=["child"])
    assert (progress.fields[0].target, progress.fields[0].result) == (100, 80)
    assert [unit.unit_code for unit in progress.units] == ["parent", "child"]


def test_targets_of_units_that_the_cycle_does_not_expect_are_told_apart():
    progress = progress_of(2026, [a_result(1, 1, "a"), a_result(1, 1, "gone")], [a_field()], ["a"])
    assert (progress.goals, progress.n_elsewhere) == (GoalShare(n_reached=1, n_goals=1), 1)
    assert progress_of(2026, [a_result(1, 1, "gone")], [a_field()], ["a"]) is None


def test_a_target_in_a_field_that_the_form_has_no_more_is_left_out():
    assert results_of([a_target(3, field="CT99")], [], [a_field()]) == ()


AMOUNTS = st.one_of(st.none(), st.integers(0, 10**12))
RESULTS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["CT01", "CT05"]), st.integers(0, 50), AMOUNTS),
    unique_by=lambda row: row[:2],
    max_size=12,
)


@given(RESULTS)
def test_the_goals_of_the_units_add_up_to_those_of_the_whole_in_any_order(rows):
    results = [a_result(target, result, unit, field) for unit, field, target, result in rows]
    fields = [a_field("CT01"), a_field("CT05", Accrual.STOCK)]
    progress = progress_of(2026, results, fields, "abcdef")
    again = progress_of(2026, results[::-1], fields, "abcdef")
    assert progress == again
    if progress is None:
        assert rows == []
        return
    assert sum(unit.goals.n_goals for unit in progress.units) == progress.goals.n_goals
    assert sum(unit.goals.n_reached for unit in progress.units) == progress.goals.n_reached
    assert sum(row.n_reached for row in progress.fields) == progress.goals.n_reached
    assert sum(row.n_units for row in progress.fields) == progress.goals.n_goals


@given(RESULTS)
def test_a_share_is_never_the_mean_of_shares_and_the_marks_agree_with_it(rows):
    results = [a_result(target, result, unit, field) for unit, field, target, result in rows]
    goals = goals_of(results)
    assert (goals.value is None) == (goals.n_goals == 0)
    if goals.value is not None:
        exact = Fraction(goals.n_reached, goals.n_goals)
        assert goals.value == float(exact)
        assert goals.passes_phase_1 == (exact > Fraction(1, 2)) == (goals.n_short_of_phase_1 == 0)
        assert goals.passes_final == (goals.n_short_of_final == 0)


@given(st.sampled_from(Accrual), st.lists(st.tuples(st.integers(0, 99), st.sampled_from([SIX_MONTHS, YEAR]))))
def test_the_order_in_which_reports_come_in_makes_no_difference(accrual, given_figures):
    figures = [a_figure(amount, window) for amount, window in {w["due_at"]: (a, w) for a, w in given_figures}.values()]
    assert result_so_far(accrual, figures) == result_so_far(accrual, figures[::-1])
