"""Cycles made of an obligation's rules; the shipped plan's own twelve are in `adapters/test_programme_de_an_835.py`."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.domain.calendar import BeforeDay, DataWindow, OfficeHours, WorkingCalendar, YearDay
from models.domain.cycles import cycles_to_open, plan_cycle, planned_cycles
from models.domain.forms import FormSpec
from models.domain.plan import Desk, Obligation, ObligationRule, Programme
from models.domain.roster import Roster
from models.domain.vocabulary import OFFICE_ZONE, ObligationKind, Roll

FIRST_YEAR, LAST_YEAR = 2025, 2030


def hanoi(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OFFICE_ZONE)


def a_rule(**changes) -> ObligationRule:
    rule = ObligationRule(
        valid_from=date(2024, 9, 23),
        decision="first decision",
        due=BeforeDay(15, 11),
        opens=timedelta(days=30),
        roll=Roll.NEXT_WORKING_DAY,
        window=DataWindow(starts=YearDay(15, 11, -1), ends=YearDay(31, 10), continues="year"),
        expected_groups=("G1",),
        form_code="form",
        required_attachments=(),
        ladder=(),
    )
    return replace(rule, **changes)


def an_obligation(*rules: ObligationRule, code: str = "year", **changes) -> Obligation:
    obligation = Obligation(
        code=code,
        slug=f"slug-{code}",
        title="t",
        short_title="t",
        clause="III.1-d",
        quotation="q",
        kind=ObligationKind.REPORT,
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        cycle_code=f"{code}-{{year}}",
        cycle_title="cycle {year}",
        lead="l",
        coordinators=(),
        receivers=("r",),
        rules=rules or (a_rule(),),
    )
    return replace(obligation, **changes)


def a_programme(*obligations: Obligation) -> Programme:
    form = FormSpec(
        code="form",
        version="1",
        title="f",
        figures_sheet="1",
        narratives_sheet="2",
        first_row=7,
        fields=(),
        narratives=(),
    )
    desk = Desk(**dict.fromkeys(Desk.__slots__, "x"))
    return Programme(
        code="p",
        title="t",
        short_title="t",
        basis="b",
        plan_document="d",
        desk=desk,
        groups={"G1": "g"},
        obligations=obligations,
        forms={"form": form},
        calendar=WorkingCalendar(),
        office_hours=OfficeHours(((time(7, 30), time(12)),)),
        roster=Roster(),
    )


def test_a_new_rule_reaches_only_cycles_that_open_on_its_day_or_later():
    new = a_rule(valid_from=date(2026, 10, 16), decision="second decision", due=BeforeDay(1, 12))
    obligation = an_obligation(a_rule(), new)
    programme = a_programme(obligation)

    decisions = {year: plan_cycle(programme, obligation, year).terms.decision for year in range(2025, 2028)}

    assert decisions == {2025: "first decision", 2026: "second decision", 2027: "second decision"}


def test_a_rule_of_the_day_after_the_opening_leaves_the_open_cycle_alone():
    late = a_rule(valid_from=date(2026, 10, 17), decision="second decision")
    obligation = an_obligation(a_rule(), late)

    cycle = plan_cycle(a_programme(obligation), obligation, 2026)

    assert cycle.opens_at == hanoi("2026-10-16")
    assert cycle.terms.decision == "first decision"


def test_a_cycle_that_opened_before_every_rule_takes_the_first():
    obligation = an_obligation(a_rule(valid_from=date(2026, 1, 1)))
    assert plan_cycle(a_programme(obligation), obligation, 2025).terms.decision == "first decision"


def test_cycles_come_in_the_order_they_fall_due_and_only_in_their_years():
    half = an_obligation(a_rule(due=BeforeDay(15, 6)), code="half", first_year=2026)
    programme = a_programme(an_obligation(), half)

    codes = [cycle.code for cycle in planned_cycles(programme, first_year=2020, last_year=2026)]

    assert codes == ["year-2025", "half-2026", "year-2026"]


def test_a_cycle_is_opened_from_its_first_instant_until_it_is_late():
    obligation = an_obligation()
    programme = a_programme(obligation)

    def to_open(text: str) -> list[str]:
        return [cycle.code for cycle in cycles_to_open(programme, obligation, hanoi(text))]

    assert to_open("2025-10-15T23:59:59") == []
    assert to_open("2025-10-16T00:00:00") == ["year-2025"]
    assert to_open("2026-11-16T23:59:59") == ["year-2026"]  # 14/11/2026 is a Saturday
    assert to_open("2026-11-17T00:00:00") == []


def test_a_last_day_on_a_saturday_leaves_grace_to_the_end_of_monday():
    obligation = an_obligation()
    programme = a_programme(obligation)
    cycle = plan_cycle(programme, obligation, 2026)  # Sat 14/11/2026: admissible to Mon 16/11

    assert cycle.last_day == date(2026, 11, 14)
    assert cycle.last_day_of_grace == date(2026, 11, 16)


def test_the_first_data_window_starts_where_the_plan_says():
    obligation = an_obligation()
    cycle = plan_cycle(a_programme(obligation), obligation, FIRST_YEAR)
    assert (cycle.period_start, cycle.period_end) == (date(2024, 11, 15), date(2025, 10, 31))


def test_a_window_without_figures_stays_empty():
    obligation = an_obligation(a_rule(window=None))
    cycle = plan_cycle(a_programme(obligation), obligation, FIRST_YEAR)
    assert (cycle.period_start, cycle.period_end) == (None, None)


@given(cutoffs=st.lists(st.dates(date(2025, 8, 1), date(2025, 11, 14)), min_size=1, max_size=6))
def test_however_cut_offs_move_no_day_is_lost_or_counted_twice(cutoffs):
    rules = [
        a_rule(
            valid_from=date(2024 + n, 12, 1) if n else date(2024, 9, 23),
            window=DataWindow(starts=YearDay(15, 11, -1), ends=YearDay(day.day, day.month), continues="year"),
        )
        for n, day in enumerate(cutoffs)
    ]
    obligation = an_obligation(*rules)
    programme = a_programme(obligation)

    cycles = [plan_cycle(programme, obligation, year) for year in range(FIRST_YEAR, LAST_YEAR + 1)]

    for earlier, later in pairwise(cycles):
        assert later.period_start == earlier.period_end + timedelta(days=1)
