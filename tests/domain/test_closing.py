"""When an aggregate is due, as what, and which earlier cycles it is added to."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from models.domain.closing import close_at, cycles_before, edition_due
from models.domain.cycles import plan_cycle
from models.domain.vocabulary import EditionKind
from tasks.adapters.programme import load_programme
from tests.builders import hanoi

FINAL, PROVISIONAL = EditionKind.FINAL, EditionKind.PROVISIONAL
LATE, CLOSES = hanoi("2025-06-17 00:00"), hanoi("2025-07-07 00:00")


@pytest.fixture(scope="module")
def programme():
    return load_programme(Path(__file__).parents[2] / "deployments" / "de_an_835")


def cycle(programme, code, year):
    return plan_cycle(programme, programme.obligation(code), year)


@pytest.mark.parametrize(
    ("as_of", "n_unanswered", "made", "due"),
    [
        ("2025-06-10 08:00", 5, [], None),
        ("2025-06-10 08:00", 0, [], FINAL),  # everybody has answered before the deadline
        ("2025-06-17 08:00", 5, [], PROVISIONAL),
        ("2025-06-18 08:00", 5, [PROVISIONAL], None),
        ("2025-07-04 08:00", 1, [PROVISIONAL], None),
        ("2025-07-07 08:00", 1, [PROVISIONAL], FINAL),
        (
            "2025-07-20 08:00",
            1,
            [PROVISIONAL, FINAL],
            FINAL,
        ),  # a late answer gives a new edition if it changes anything
    ],
)
def test_an_edition_is_made_when_the_deadline_is_over_when_all_are_in_and_at_the_close(as_of, n_unanswered, made, due):
    found = edition_due(as_of=hanoi(as_of), late_at=LATE, closes_at=CLOSES, n_unanswered=n_unanswered, made=made)
    assert found is due


def test_the_six_month_report_of_2025_closes_on_the_fifteenth_working_day_after_its_last(programme):
    assert close_at(cycle(programme, "O-20", 2025), programme.calendar) == hanoi("2025-07-07 00:00")


def test_a_ladder_without_a_close_never_closes(programme):
    report = cycle(programme, "O-20", 2025)
    without = replace(report, terms=replace(report.terms, ladder=report.terms.ladder[:-1]))
    assert close_at(without, programme.calendar) is None


def test_what_was_done_since_the_beginning_counts_each_day_once(programme):
    others = [cycle(programme, code, year) for year in (2025, 2026) for code in ("O-20", "O-21")]
    found = cycles_before(cycle(programme, "O-20", 2027), others)
    assert [each.code for each in found] == ["bc-nam-2025", "bc-nam-2026"]


def test_the_annual_report_is_not_added_to_the_six_months_within_it(programme):
    assert cycles_before(cycle(programme, "O-21", 2025), [cycle(programme, "O-20", 2025)]) == ()


def test_a_cycle_without_a_period_is_added_to_nothing(programme):
    report = cycle(programme, "O-20", 2027)
    bare = replace(report, period_start=None, period_end=None)
    assert cycles_before(bare, [cycle(programme, "O-20", 2025)]) == ()
    assert cycles_before(report, [replace(bare, period_end=date(2025, 1, 1))]) != ()
