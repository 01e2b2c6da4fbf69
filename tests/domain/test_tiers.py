"""Two tiers: which cycle is below which, what its figures make of a parent's form, and who is whose child."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.chasing import LadderDays, rung_for_member, rung_for_parent
from models.domain.checks import PastFigures, check_form
from models.domain.closing import cycles_before
from models.domain.coverage import timeliness_rows
from models.domain.cycles import Cycle
from models.domain.forms import FieldSpec, FormSpec, FormWords, RawForm
from models.domain.plan import Terms
from models.domain.tiers import by_parent, cycle_below, fields_to_fill, gather, nearest_above
from models.domain.vocabulary import Accrual, Aggregation, FieldKind, FindingLevel, MarkKind, ReportsTo, Roll
from tests.builders import CALENDAR, a_duty, a_ladder, a_mark, hanoi

NOON = hanoi("2025-06-20 12:00")
WORDS = FormWords(yes="Có", no="Không", actual="Thực", estimate="Ước")


def a_field(code: str, **facts: object) -> FieldSpec:
    values = {
        "code": code,
        "indicator": code,
        "label": code,
        "unit_of_measure": "buổi",
        "kind": FieldKind.COUNT,
        "accrual": Accrual.FLOW,
        "aggregation": Aggregation.SUM,
        "row": 5,
    }
    return FieldSpec(**(values | facts))


def a_form(*fields: FieldSpec, includes_children: bool = True) -> FormSpec:
    return FormSpec(
        code="bm",
        version="1",
        title="Biểu",
        figures_sheet="Biểu 1",
        narratives_sheet="Biểu 2",
        first_row=5,
        fields=fields or (a_field("T01"),),
        narratives=(),
        includes_children=includes_children,
    )


def a_cycle(obligation: str, **facts: object) -> Cycle:
    terms = Terms(
        decision="",
        roll=Roll.NONE,
        expected_groups=(),
        form=a_form(),
        required_attachments=(),
        ladder=(),
        reports_to=facts.pop("reports_to", ReportsTo.DESK),
        filled_from=facts.pop("filled_from", None),
    )
    values = {
        "code": obligation,
        "programme_code": "p",
        "obligation_code": obligation,
        "clause": "",
        "title": "",
        "year": 2025,
        "opens_at": hanoi("2025-05-01 00:00"),
        "due_at": hanoi("2025-06-01 00:00"),
        "late_at": hanoi("2025-06-01 00:00"),
        "period_start": date(2024, 11, 15),
        "period_end": date(2025, 5, 14),
        "terms": terms,
    }
    return Cycle(**(values | facts))


def a_child(unit: str, parent: str | None, *, completed: str | None = None, nil: str | None = None):
    marks = (a_mark(MarkKind.NIL, nil),) if nil else ()
    duty = a_duty(completed=completed, marks=marks)
    return replace(duty, unit_code=unit, parent_code=parent, parent_name=f"Tên {parent}")


def children(*duties):
    return [(duty.parent_code, row) for duty, row in zip(duties, timeliness_rows(duties, NOON), strict=True)]


UPPER = a_cycle("K-02", filled_from="K-01")
LOWER = a_cycle("K-01", reports_to=ReportsTo.PARENT)


@pytest.mark.parametrize(
    "other",
    [
        a_cycle("K-01"),  # reports to the desk
        a_cycle("K-03", reports_to=ReportsTo.PARENT),
        a_cycle("K-01", reports_to=ReportsTo.PARENT, period_end=date(2025, 10, 31)),
        a_cycle("K-01", reports_to=ReportsTo.PARENT, year=2024),
    ],
)
def test_the_cycle_below_is_that_of_the_children_in_the_same_period(other):
    assert cycle_below(UPPER, [other]) is None
    assert cycle_below(UPPER, [other, LOWER]) is LOWER
    assert cycle_below(a_cycle("K-04"), [LOWER]) is None


def test_what_communes_told_their_district_is_never_added_to_what_districts_have_told():
    later = a_cycle("K-02", period_start=date(2026, 1, 1), period_end=date(2026, 6, 30))
    assert cycles_before(later, [LOWER, UPPER]) == (UPPER,)


def test_only_fields_that_both_forms_add_up_in_one_measure_are_filled():
    upper = a_form(
        a_field("A"),
        a_field("B", kind=FieldKind.MONEY, unit_of_measure="đồng"),
        a_field("C", kind=FieldKind.YES_NO, aggregation=Aggregation.COUNT),
        a_field("D"),
    )
    lower = a_form(a_field("A"), a_field("B"), a_field("C"), includes_children=False)
    assert fields_to_fill(upper, lower) == ("A",)
    assert fields_to_fill(replace(upper, includes_children=False), lower) == ()


def test_a_parents_proposal_says_from_how_many_children_it_comes_and_what_is_estimated():
    family = children(
        a_child("x1", "h1", completed="2025-06-01 08:00"),
        a_child("x2", "h1", nil="2025-06-01 08:00"),
        a_child("x3", "h1"),
        a_child("y1", "h2", completed="2025-06-01 08:00"),
    )
    rows = [("x1", "T01", 5, None, True), ("x1", "T09", 1, None, False), ("y1", "T01", None, None, False)]
    found = gather(["T01"], family, rows)
    assert (found["h1"].n_reported, found["h1"].n_expected, found["h1"].amounts) == (2, 3, {"T01": 5})
    assert found["h1"].estimates == {"T01"}
    assert (found["h2"].n_reported, found["h2"].amounts) == (1, {})


@given(st.dictionaries(st.integers(0, 20), st.tuples(st.sampled_from(["h1", "h2"]), st.integers(0, 10**15))))
def test_each_childs_figure_is_in_the_sum_of_one_parent(cells):
    family = children(*(a_child(f"x{n}", parent) for n, (parent, _) in cells.items()))
    found = gather(["T01"], family, [(f"x{n}", "T01", value, None, False) for n, (_, value) in cells.items()])
    assert sum(each.amounts["T01"] for each in found.values()) == sum(value for _, value in cells.values())
    assert sum(each.n_expected for each in found.values()) == len(cells)


def test_units_are_put_to_their_parents_and_one_without_is_in_none():
    duties = [a_child("x1", "h1", completed="2025-06-01 08:00"), a_child("x2", "h1"), a_child("z", None)]
    (family,) = by_parent(duties, timeliness_rows(duties, NOON))
    assert (family.parent_code, family.parent_name, family.n_reported) == ("h1", "Tên h1", 1)
    assert [row.unit_code for row in family.missing] == ["x2"]


def test_a_unit_counts_within_the_nearest_expected_one_above_it_and_a_circle_ends():
    parents = {"xã": "huyện", "huyện": "tỉnh", "tỉnh": None, "a": "b", "b": "a"}
    assert nearest_above("xã", parents, frozenset({"tỉnh"})) == "tỉnh"
    assert nearest_above("xã", parents, frozenset({"tỉnh", "huyện"})) == "huyện"
    assert nearest_above("a", parents, frozenset({"tỉnh"})) is None


@pytest.mark.parametrize(
    ("value", "note", "codes"),
    [(9, None, ["less_than_children"]), (10, None, []), (11, None, []), (9, "Xã nhập trùng", [])],
)
def test_less_than_the_children_have_reported_is_a_question_unless_a_note_says_why(value, note, codes):
    family = children(a_child("x1", "h1", completed="2025-06-01 08:00"), a_child("x2", "h1"))
    gathered = gather(["T01"], family, [("x1", "T01", 10, None, False)])["h1"]
    cells = {("Biểu 1", "A5"): "T01", ("Biểu 1", "E5"): value} | ({("Biểu 1", "G5"): note} if note else {})
    raw = RawForm(stamp=None, sheets=("Biểu 1",), cells=cells)
    checked = check_form(a_form(), raw, words=WORDS, past=PastFigures(children=gathered))
    assert [found.code for found in checked.findings] == codes
    assert all(found.level is FindingLevel.QUESTION and found.cell == "E5" for found in checked.findings)


def test_the_parent_is_told_at_its_own_rungs_each_once():
    ladder = tuple(replace(rung, tell_parent=rung.code == "overdue") for rung in a_ladder())
    days = LadderDays(ladder, CALENDAR)
    late = hanoi("2025-06-17 08:00")  # 14/6 is a Saturday: late from the 17th
    ask = {"days": days, "already_told": frozenset()}
    assert rung_for_parent(a_duty(), as_of=late - timedelta(days=1), **ask) is None
    assert rung_for_parent(a_duty(), as_of=late, **ask).rung.code == "overdue"
    assert rung_for_parent(a_duty(), days=days, already_told={"overdue"}, as_of=late) is None
    assert rung_for_parent(a_duty(completed="2025-06-17 07:00"), as_of=late, **ask) is None
    assert rung_for_member(a_duty(), as_of=late, **ask) is None
