from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.calendar import last_day_before
from models.domain.inspections import (
    InspectionFinding,
    InspectionOrder,
    Remedy,
    RiskKind,
    UnitFacts,
    conclusion_problems,
    finding_problems,
    is_concluded_in_time,
    ladder_until_closed,
    order_problems,
    propose_units,
)
from models.domain.roster import Roster, Unit
from models.domain.vocabulary import RungAction
from tests.builders import a_ladder, hanoi

ROSTER = Roster(
    units=(
        Unit(code="so-y-te", name="Sở Y tế", group="G1", valid_from=date(2024, 1, 1)),
        Unit(
            code="bcd-huyen",
            name="Ban Chỉ đạo huyện",
            group="G3",
            valid_from=date(2024, 1, 1),
            valid_to=date(2025, 6, 30),
        ),
    )
)


def an_order(**changes) -> InspectionOrder:
    """Return an order of 4/8/2025 that holds."""
    usual = {
        "code": "kt-20250804-1",
        "title": "Kiểm tra đột xuất",
        "scope": "Việc thực hiện Đề án",
        "basis": "Chương trình công tác năm",
        "leader": "Phó Trưởng ban",
        "unit_codes": ("so-y-te",),
        "opens_at": hanoi("2025-08-04 09:00"),
        "explain_by": date(2025, 8, 15),
        "starts_on": date(2025, 8, 20),
        "ends_on": date(2025, 8, 22),
        "conclude_by": date(2025, 9, 12),
        "operator": "Trực ban",
        "reason": "Theo chỉ đạo",
    }
    return InspectionOrder(**usual | changes)


def codes(problems) -> list[str]:
    return [problem.code for problem in problems]


def facts_of(n: int, **changes) -> list[UnitFacts]:
    return [UnitFacts(unit_code=f"dv-{k:03}", **changes) for k in range(n)]


def test_an_order_with_units_dates_and_names_holds():
    assert order_problems(an_order(), ROSTER) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"unit_codes": ()}, "no_unit"),
        ({"unit_codes": ("so-y-te", "so-nao-do")}, "unit_unknown"),
        ({"unit_codes": ("bcd-huyen",)}, "unit_not_in_force"),  # the district level ended on 30/6/2025
        ({"operator": "  "}, "blank"),
        ({"basis": ""}, "blank"),
        ({"explain_by": date(2025, 8, 3)}, "explained_before_opening"),
        ({"starts_on": date(2025, 8, 1)}, "starts_before_opening"),
        ({"ends_on": date(2025, 8, 19)}, "dates_reversed"),
        ({"conclude_by": date(2025, 8, 21)}, "concluded_before_end"),
        ({"conclude_by": date(2025, 7, 1)}, "concluded_before_end"),
    ],
)
def test_a_wrong_order_is_told_what_is_wrong(changes, expected):
    assert codes(order_problems(an_order(**changes), ROSTER)) == [expected]


def test_the_last_day_of_a_unit_is_still_a_day_on_which_it_can_be_named():
    order = an_order(unit_codes=("bcd-huyen",), opens_at=hanoi("2025-06-30 15:00"))
    assert order_problems(order, ROSTER) == ()


def test_everything_that_is_wrong_is_said_at_once():
    wrong = an_order(
        unit_codes=(), operator="", ends_on=date(2025, 8, 1), starts_on=date(2025, 8, 5), conclude_by=date(2025, 7, 1)
    )
    assert codes(order_problems(wrong, ROSTER)) == ["blank", "no_unit", "dates_reversed", "concluded_before_end"]


@pytest.mark.parametrize(
    ("concluded", "in_time"), [(date(2025, 9, 30), True), (date(2025, 10, 1), False)], ids=["30/9", "01/10"]
)
def test_the_third_quarter_ends_for_a_conclusion_with_the_30th_of_september(concluded, in_time):
    assert is_concluded_in_time(concluded, last_day_before(hanoi("2025-10-01 00:00"))) is in_time


@pytest.mark.parametrize(
    ("concluded", "expected"),
    [
        (date(2025, 8, 19), ["concluded_before_start"]),
        (date(2025, 8, 20), []),
        (date(2025, 9, 10), []),
        (date(2025, 9, 11), ["concluded_in_the_future"]),
    ],
)
def test_a_conclusion_comes_after_the_first_day_and_not_from_the_future(concluded, expected):
    problems = conclusion_problems(
        concluded, starts_on=date(2025, 8, 20), today=date(2025, 9, 10), words={"number": "12/TB-BCĐ"}
    )
    assert codes(problems) == expected


def test_a_finding_belongs_to_a_unit_that_is_inspected_and_its_remedy_has_owner_and_a_day_to_come():
    finding = InspectionFinding(
        unit_code="so-khac", text="", remedy=Remedy(action="Bổ sung", owner=" ", last_day=date(2025, 8, 20))
    )
    problems = finding_problems(
        finding, inspected=["so-y-te"], on=date(2025, 8, 21), operator="Trực ban", reason="Biên bản"
    )
    assert codes(problems) == ["blank", "not_inspected", "blank", "remedy_in_the_past"]


def test_a_remedy_may_be_due_on_the_day_it_is_recorded():
    finding = InspectionFinding(
        unit_code="so-y-te",
        text="Thiếu",
        remedy=Remedy(action="Bổ sung", owner="Văn phòng", last_day=date(2025, 8, 21)),
    )
    assert finding_problems(finding, inspected=["so-y-te"], on=date(2025, 8, 21), operator="a", reason="b") == ()


def test_a_remedy_is_urged_each_week_and_never_closed_by_the_ladder():
    ladder = ladder_until_closed(a_ladder())
    assert all(rung.action is RungAction.LETTER for rung in ladder)
    urgings = [rung.working_days for rung in ladder if rung.code.startswith("urging")]
    assert urgings[:5] == [3, 7, 12, 17, 22]
    assert len(urgings) == 28
    assert len({rung.code for rung in ladder}) == len(ladder)
    assert not any(rung.attach_form for rung in ladder)


def test_a_unit_that_is_always_late_comes_before_one_that_never_is_whatever_the_lot():
    good, bad = (
        UnitFacts(unit_code="tot", days_since_inspected=30),
        UnitFacts(unit_code="cham", n_late=2, days_since_inspected=30),
    )
    firsts = {propose_units([good, bad], 1, f"hạt giống {n}")[0].unit_code for n in range(200)}
    assert firsts == {"cham"}


def test_units_alike_in_everything_are_told_apart_by_the_lot_alone():
    firsts = {propose_units(facts_of(5), 1, f"{n}")[0].unit_code for n in range(60)}
    assert firsts == {f"dv-{k:03}" for k in range(5)}


def test_every_reason_is_named_with_its_points():
    facts = UnitFacts(
        unit_code="u", n_late=1, n_returned=2, n_questions=10, n_open_remedies=1, days_since_inspected=800
    )
    (proposal,) = propose_units([facts], 3, "x")
    told = {reason.kind: (reason.n, reason.points) for reason in proposal.reasons if reason.kind is not RiskKind.BY_LOT}
    assert told == {
        RiskKind.LATE: (1, 3.0),
        RiskKind.RETURNED: (2, 2.0),
        RiskKind.QUESTIONED: (10, 9.0),
        RiskKind.OPEN_REMEDIES: (1, 4.0),
        RiskKind.LONG_AGO: (800, 3.0),
    }


UNIT_FACTS = st.builds(
    UnitFacts,
    unit_code=st.sampled_from([f"dv-{k:02}" for k in range(30)]),
    n_late=st.integers(0, 12),
    n_returned=st.integers(0, 12),
    n_questions=st.integers(0, 12),
    n_open_remedies=st.integers(0, 5),
    days_since_inspected=st.none() | st.integers(0, 3000),
)
FACTS = st.lists(UNIT_FACTS, unique_by=lambda facts: facts.unit_code, max_size=20)


@given(facts=FACTS, n=st.integers(-2, 25), seed=st.text(max_size=12), shuffle=st.randoms())
def test_the_same_facts_and_seed_give_the_same_list_in_whatever_order_they_come(facts, n, seed, shuffle):
    shuffled = list(facts)
    shuffle.shuffle(shuffled)
    proposed = propose_units(facts, n, seed)
    assert proposed == propose_units(shuffled, n, seed)
    assert len(proposed) == min(max(n, 0), len(facts))
    assert len({proposal.unit_code for proposal in proposed}) == len(proposed)
    assert [p.points for p in proposed] == sorted((p.points for p in proposed), reverse=True)


@given(facts=FACTS.filter(lambda each: len(each) > 1), n=st.integers(1, 5), seed=st.text(max_size=12))
def test_a_unit_that_is_not_proposed_changes_nothing_by_leaving(facts, n, seed):
    proposed = propose_units(facts, n, seed)
    chosen = {proposal.unit_code for proposal in proposed}
    rest = [each for each in facts if each.unit_code in chosen]
    assert propose_units(rest, n, seed) == proposed
