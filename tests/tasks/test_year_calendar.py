from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from models.domain.rehearsal import SCENARIOS, answer_at, scenario_of
from models.domain.year_calendar import Happening, cycles_by_calendar, days_of_cycle, days_of_year
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.year_calendar import year_as_markdown
from tests.meta.source_code import ROOT


@pytest.fixture(scope="module")
def programme():
    return load_programme(ROOT / "deployments" / "de_an_835")


def of(programme, code):
    cycle = next(cycle for cycle in cycles_by_calendar(programme) if cycle.code == code)
    return [(each.day, each.rung or each.happening.value) for each in days_of_cycle(cycle, programme.calendar)]


def test_a_year_shows_every_rung_the_deadline_and_the_day_that_is_late(programme):
    assert sorted(of(programme, "bc-6t-2026")) == [
        (date(2026, 5, 4), "roll_call"),
        (date(2026, 5, 18), "opening"),  # 16/5 is a Saturday
        (date(2026, 6, 4), "reminder-1"),
        (date(2026, 6, 11), "reminder-2"),
        (date(2026, 6, 14), "deadline"),
        (date(2026, 6, 16), "late"),
        (date(2026, 6, 16), "overdue"),
        (date(2026, 6, 18), "urging-1"),
        (date(2026, 6, 24), "urging-2"),
        (date(2026, 7, 1), "criticism"),
        (date(2026, 7, 6), "close"),
    ]


def test_a_reminder_that_would_come_before_the_opening_is_not_shown(programme):
    assert "reminder-1" not in {rung for _, rung in of(programme, "th-bc-6t-2026")}


def test_letters_drafts_and_closings_stand_on_working_days(programme):
    for year in range(2024, 2031):
        for each in days_of_year(programme, year):
            if each.happening not in {Happening.DEADLINE, Happening.LATE}:
                assert programme.calendar.is_working_day(each.day), each


def test_years_leave_no_day_out_and_show_none_twice(programme):
    shown = [each for year in range(2024, 2032) for each in days_of_year(programme, year)]
    whole = [each for cycle in cycles_by_calendar(programme) for each in days_of_cycle(cycle, programme.calendar)]
    assert len(shown) == len(whole)
    assert all(one.day <= other.day for one, other in pairwise(shown))


def test_the_page_of_a_year_goes_month_by_month_and_names_clauses(programme):
    page = year_as_markdown([programme], 2026, vietnamese(), Path("lich-2026.ics"))
    months = [line for line in page.splitlines() if line.startswith("## ")]
    assert months == [f"## Tháng {month}/2026" for month in (1, 3, 4, 5, 6, 7, 9, 10, 11, 12)]
    half, whole = "Báo cáo 06 tháng năm 2026", "Kế hoạch năm 2026"
    assert f"| Thứ Năm, 18/6/2026 | {half} | Đôn đốc lần 1 (thư) | III.1-c |" in page
    assert f"| Thứ Hai, 06/7/2026 | {half} | Khóa sổ, lập bản chính thức | III.1-c |" in page
    on_sunday = "**Hết hạn lúc 24 giờ** (ngày nghỉ; ngày làm việc cuối: 12/6/2026)"
    assert f"| Chủ nhật, 14/6/2026 | {half} | {on_sunday} | III.1-c |" in page
    assert f"| Thứ Ba, 31/3/2026 | {whole} | **Hết hạn lúc 24 giờ** | II.5 |" in page
    assert f"| Thứ Ba, 21/4/2026 | {whole} | Khóa sổ | II.5 |" in page


def test_a_year_without_cycles_says_so(programme):
    assert vietnamese().say("calendar.no_event", year=2035) in year_as_markdown(
        [programme], 2035, vietnamese(), Path("lich-2035.ics")
    )


@pytest.mark.parametrize("n_units", [1, 2, 66, 500])
def test_answers_come_on_working_days_on_time_or_late_as_the_scenario_says(programme, n_units):
    for cycle in cycles_by_calendar(programme):
        for place in range(n_units):
            early, late = (
                answer_at(scenario_of(code), cycle, programme.calendar, place=place, n_units=n_units)
                for code in ("all-on-time", "all-late")
            )
            assert cycle.opens_at < early < cycle.due_at
            assert cycle.late_at < late < cycle.late_at + timedelta(days=30)
            assert all(programme.calendar.is_working_day(at.date()) for at in (early, late))


def test_the_week_without_the_program_is_in_june_of_any_year():
    outage = scenario_of("outage")
    for year in range(2024, 2031):
        silent = [day for n in range(366) if not outage.runs_on(day := date(year, 1, 1) + timedelta(days=n))]
        assert [min(silent), max(silent), len(silent)] == [date(year, 6, 15), date(year, 6, 21), 7]
    assert all(scenario.runs_on(date(2026, 6, 18)) for scenario in SCENARIOS if scenario.outage is None)
