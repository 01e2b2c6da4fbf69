from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.domain.editions import (
    Edition,
    PastTotal,
    SourceRow,
    differences,
    inputs_digest,
    sources_as_json,
    sources_from_json,
    totals_as_json,
    totals_from_json,
)
from models.domain.errors import AggregateMismatchError
from models.domain.forms import FieldSpec, FormSpec
from models.domain.tabulation import (
    Comparison,
    CountedUnit,
    figures_by_family,
    figures_of,
    tabulate,
    unit_figures,
)
from models.domain.tiers import nearest_above
from models.domain.vocabulary import Accrual, Aggregation, EditionKind, FieldKind

NOON = datetime(2025, 6, 20, 5, tzinfo=UTC)


def a_field(code: str, **facts: object) -> FieldSpec:
    values = {
        "code": code,
        "indicator": code,
        "label": f"Chỉ tiêu {code}",
        "unit_of_measure": "buổi",
        "kind": FieldKind.COUNT,
        "accrual": Accrual.FLOW,
        "aggregation": Aggregation.SUM,
        "row": 10,
    }
    return FieldSpec(**(values | facts))


SESSIONS = a_field("CT05")
REACHED = a_field("CT07.xong", denominator="CT07.tong", accrual=Accrual.STOCK)
ALL = a_field("CT07.tong", accrual=Accrual.STOCK)
CLASS = a_field(
    "CT21", kind=FieldKind.CHOICE, aggregation=Aggregation.COUNT, choices=("Xuất sắc", "Khá"), accrual=Accrual.STOCK
)


def a_form(*fields: FieldSpec, includes_children: bool = False) -> FormSpec:
    return FormSpec(
        code="bm",
        version="1",
        title="Biểu",
        figures_sheet="Biểu 1",
        narratives_sheet="Biểu 2",
        first_row=5,
        fields=fields or (SESSIONS, REACHED, ALL, CLASS),
        narratives=(),
        includes_children=includes_children,
    )


def a_unit(code: str, group: str = "G1", **facts: object) -> CountedUnit:
    return CountedUnit(code=code, name=f"Đơn vị {code}", group=group, **facts)


def amount(unit: str, field: str, value: int | None, *, is_estimate: bool = False):
    return (unit, field, value, None, is_estimate)


def summarise(rows, units, form=None, **more):
    form = form or a_form()
    tabulation = tabulate(form, figures_of(rows), units=units, groups=["G1", "G2"], **more)
    return {summary.spec.code: summary for summary in tabulation.fields}


def edition(totals=None, sources=(), number: int = 1) -> Edition:
    return Edition(
        cycle_code="bc-6t-2024",
        cycle_title="Báo cáo 6 tháng 2024",
        number=number,
        kind=EditionKind.FINAL,
        as_of=NOON,
        n_expected=3,
        n_reported=3,
        totals={code: PastTotal(amount=value, n_reported=3, n_expected=3) for code, value in (totals or {}).items()},
        sources=tuple(sources),
    )


def a_source(unit: str, version: int = 1, digest: str = "aa") -> SourceRow:
    return SourceRow(
        unit_code=unit,
        unit_name=f"Đơn vị {unit}",
        submission=f"{unit}/{version}",
        version=version,
        received_at=NOON,
        form_version="1",
        digest=digest,
    )


def test_a_total_says_how_many_of_the_expected_units_it_comes_from():
    rows = [amount("U1", "CT05", 7), amount("U2", "CT05", None)]
    whole = summarise(rows, [a_unit("U1"), a_unit("U2"), a_unit("U3")])["CT05"].whole
    assert (whole.amount, whole.n_reported, whole.n_expected) == (7, 1, 3)


def test_a_zero_that_was_typed_is_a_figure_and_a_blank_is_none():
    zero = summarise([amount("U1", "CT05", 0)], [a_unit("U1")])["CT05"].whole
    blank = summarise([amount("U1", "CT05", None)], [a_unit("U1")])["CT05"].whole
    assert (zero.amount, zero.n_reported) == (0, 1)
    assert (blank.amount, blank.n_reported) == (None, 0)


def test_a_nil_report_counts_as_an_answer_to_every_field_and_is_shown_apart():
    whole = summarise([amount("U1", "CT05", 7)], [a_unit("U1"), a_unit("U2", is_nil=True)])["CT05"].whole
    assert (whole.amount, whole.n_reported, whole.n_nil, whole.n_expected) == (7, 2, 1, 2)


def test_a_nil_unit_that_did_send_figures_is_counted_once():
    whole = summarise([amount("U1", "CT05", 7)], [a_unit("U1", is_nil=True)])["CT05"].whole
    assert (whole.n_reported, whole.n_nil) == (1, 0)


def test_estimates_are_counted():
    rows = [amount("U1", "CT05", 7, is_estimate=True), amount("U2", "CT05", 1)]
    assert summarise(rows, [a_unit("U1"), a_unit("U2")])["CT05"].whole.n_estimates == 1


def test_a_ratio_is_a_sum_over_a_sum_and_never_a_mean_of_percentages():
    rows = [
        amount("U1", "CT07.xong", 1),
        amount("U1", "CT07.tong", 1),
        amount("U2", "CT07.xong", 0),
        amount("U2", "CT07.tong", 99),
    ]
    share = summarise(rows, [a_unit("U1"), a_unit("U2")])["CT07.xong"].share
    assert share.value == pytest.approx(0.01)


def test_a_unit_that_gave_only_one_side_of_a_ratio_is_not_in_it():
    rows = [amount("U1", "CT07.xong", 5), amount("U1", "CT07.tong", 10), amount("U2", "CT07.xong", 100)]
    share = summarise(rows, [a_unit("U1"), a_unit("U2")])["CT07.xong"].share
    assert (share.numerator, share.denominator, share.n_units) == (5, 10, 1)


def test_nothing_is_divided_by_nothing():
    assert summarise([], [a_unit("U1")])["CT07.xong"].share.value is None


def test_choices_are_counted_with_the_forms_own_first_and_zeros_shown():
    rows = [("U1", "CT21", None, "Khá", False), ("U2", "CT21", None, "Chưa phân loại", False)]
    summary = summarise(rows, [a_unit("U1"), a_unit("U2", "G2")])["CT21"]
    assert list(summary.choices.items()) == [("Xuất sắc", 0), ("Khá", 1), ("Chưa phân loại", 1)]
    assert summary.choices_by_group["G1"]["Khá"] == 1
    assert summary.whole.amount is None


def test_a_figure_of_a_unit_that_is_not_expected_is_refused_by_name():
    with pytest.raises(AggregateMismatchError) as caught:
        summarise([amount("U-lạ", "CT05", 7)], [a_unit("U1")])
    assert caught.value.facts["units"] == "U-lạ"


def test_a_unit_whose_group_is_missing_is_refused_by_name():
    with pytest.raises(AggregateMismatchError) as caught:
        summarise([amount("U1", "CT05", 7)], [a_unit("U1", group="")])
    assert caught.value.facts["units"] == "U1"


def test_a_figure_that_stands_twice_is_refused():
    with pytest.raises(AggregateMismatchError) as caught:
        summarise([amount("U1", "CT05", 7), amount("U1", "CT05", 7)], [a_unit("U1")])
    assert caught.value.facts == {"units": "U1", "fields": "CT05"}


def test_a_unit_that_is_expected_twice_is_refused():
    with pytest.raises(AggregateMismatchError, match="U1"):
        summarise([], [a_unit("U1"), a_unit("U1")])


def test_a_field_the_form_does_not_have_is_refused():
    with pytest.raises(AggregateMismatchError, match="CT99"):
        summarise([amount("U1", "CT99", 7)], [a_unit("U1")])


def test_a_sum_too_large_to_add_is_refused_and_never_wraps_around():
    rows = [amount("U1", "CT05", 2**62), amount("U2", "CT05", 2**62)]
    with pytest.raises(AggregateMismatchError, match="CT05"):
        summarise(rows, [a_unit("U1"), a_unit("U2")])


def test_an_error_names_twenty_units_and_counts_the_rest():
    with pytest.raises(AggregateMismatchError, match=r"\(\+5\)"):
        summarise([amount(f"X{n:02}", "CT05", 1) for n in range(25)], [a_unit("U1")])


FAMILY = [a_unit("tỉnh"), a_unit("huyện", parent_code="tỉnh"), a_unit("xã", parent_code="huyện")]
FAMILY_ROWS = [amount("tỉnh", "CT05", 10), amount("xã", "CT05", 4)]


def test_a_parents_figures_that_hold_its_childrens_are_not_added_to_them():
    tabulation = tabulate(a_form(includes_children=True), figures_of(FAMILY_ROWS), units=FAMILY, groups=["G1"])
    whole = tabulation.fields[0].whole
    assert (whole.amount, whole.n_reported, tabulation.left_out) == (10, 2, ("xã",))


def test_a_childs_figures_count_where_no_parent_has_reported():
    tabulation = tabulate(
        a_form(includes_children=True), figures_of([amount("xã", "CT05", 4)]), units=FAMILY, groups=["G1"]
    )
    assert (tabulation.fields[0].whole.amount, tabulation.left_out) == (4, ())


PLACES = st.integers(min_value=0, max_value=7)
"""A small tree: unit n reports within unit (n - 1) // 2, unit 0 within none."""


def ancestors(n: int) -> set[int]:
    return set() if n == 0 else {(n - 1) // 2, *ancestors((n - 1) // 2)}


@settings(max_examples=150)
@given(expected=st.sets(PLACES, min_size=1), gave=st.dictionaries(PLACES, st.integers(0, 10**12)), nil=st.sets(PLACES))
def test_whatever_mix_of_parents_and_children_reported_no_unit_is_counted_twice(expected, gave, nil):
    parents = {str(n): None if n == 0 else str((n - 1) // 2) for n in range(8)}
    among = frozenset(map(str, expected))
    units = [
        a_unit(str(n), parent_code=nearest_above(str(n), parents, among), is_nil=n in nil) for n in sorted(expected)
    ]
    reported = expected & gave.keys()
    rows = [amount(str(n), "CT05", gave[n]) for n in reported]
    tabulation = tabulate(a_form(includes_children=True), figures_of(rows), units=units, groups=["G1"])
    whole = tabulation.fields[0].whole
    counted = {n for n in reported if not ancestors(n) & reported}
    assert (whole.amount or 0) == sum(gave[n] for n in counted)
    assert {int(code) for code in tabulation.left_out} == reported - counted
    assert (whole.n_reported, whole.n_expected) == (len(reported | (nil & expected)), len(expected))
    covered = [sum(n == m or n in ancestors(m) for n in counted) for m in range(8)]
    assert max(covered, default=0) <= 1


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.integers(0, 30), st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 10**15)), max_size=30
    )
)
def test_the_figures_of_families_are_those_of_the_whole_each_once(cells):
    rows = [amount(f"u{n}", "CT05", value) for n, (_, value) in cells.items()]
    family_of = {f"u{n}": family for n, (family, _) in cells.items() if family != "c"}
    families = figures_by_family(figures_of(rows), family_of)
    assert families.keys() == set(family_of.values())
    for family, figures in families.items():
        theirs = {f"u{n}": value for n, (each, value) in cells.items() if each == family}
        assert set(figures.frame["unit"].astype("object")) == theirs.keys()
        assert figures.entered == {"CT05": sum(value or 0 for value in theirs.values())}
        units = [a_unit(code) for code in theirs]
        assert tabulate(a_form(), figures, units=units, groups=["G1"]).n_expected == len(theirs)


def test_figures_without_those_of_children_are_all_added():
    assert summarise(FAMILY_ROWS, FAMILY)["CT05"].whole.amount == 14


def test_a_change_is_told_against_the_last_cycle_and_not_against_zero():
    more = {"comparison": Comparison(previous=edition({"CT05": 4}), last_year=edition({"CT05": 0}))}
    summary = summarise([amount("U1", "CT05", 5)], [a_unit("U1")], **more)["CT05"]
    assert summary.change_since(summary.previous) == pytest.approx(0.25)
    assert summary.change_since(summary.last_year) is None


def test_only_flows_accumulate():
    rows = [amount("U1", "CT05", 5), amount("U1", "CT07.tong", 5)]
    comparison = Comparison(earlier=(edition({"CT05": 4, "CT07.tong": 4}), edition({"CT05": 1})))
    summary = summarise(rows, [a_unit("U1")], comparison=comparison)
    assert (summary["CT05"].cumulative, summary["CT07.tong"].cumulative) == (10, None)


def test_every_expected_unit_has_a_row_even_when_it_sent_nothing():
    units = [a_unit("U2"), a_unit("U1"), a_unit("U3")]
    rows = [amount("U1", "CT05", 7, is_estimate=True), ("U2", "CT21", None, "Khá", False)]
    shown = list(unit_figures(a_form(), figures_of(rows), units))
    assert [(row.unit.code, row.values) for row in shown] == [
        ("U2", (None, None, None, "Khá")),
        ("U1", (7, None, None, None)),
        ("U3", (None, None, None, None)),
    ]
    assert [row.estimates for row in shown] == [frozenset(), frozenset({0}), frozenset()]


CELLS = st.dictionaries(
    st.tuples(st.sampled_from([f"U{n}" for n in range(6)]), st.sampled_from(["CT05", "CT07.xong", "CT07.tong"])),
    st.none() | st.integers(-(10**14), 10**14),
    max_size=18,
)


@settings(deadline=None, max_examples=60)
@given(cells=CELLS, groups=st.lists(st.sampled_from(["G1", "G2"]), min_size=6, max_size=6))
def test_the_groups_and_the_units_add_up_to_the_whole_for_any_data(cells, groups):
    units = [a_unit(f"U{n}", group) for n, group in enumerate(groups)]
    figures = figures_of([amount(unit, field, value) for (unit, field), value in cells.items()])
    tabulation = tabulate(a_form(), figures, units=units, groups=["G1", "G2"])
    by_unit = list(unit_figures(a_form(), figures, units))
    for n, summary in enumerate(tabulation.fields):
        told = [value for (_, code), value in cells.items() if code == summary.spec.code and value is not None]
        assert summary.whole.amount == (sum(told) if told else None)
        assert summary.whole.n_reported == len(told)
        assert sum(part.amount or 0 for part in summary.by_group.values()) == sum(told)
        assert sum(part.n_expected for part in summary.by_group.values()) == len(units)
        assert sum(row.values[n] or 0 for row in by_unit) == sum(told)


@settings(deadline=None, max_examples=30)
@given(cells=CELLS, data=st.data())
def test_the_order_in_which_rows_come_changes_nothing(cells, data):
    rows = [amount(unit, field, value) for (unit, field), value in cells.items()]
    units = [a_unit(f"U{n}", "G1" if n % 2 else "G2") for n in range(6)]
    shuffled = data.draw(st.permutations(rows))
    assert summarise(rows, units) == summarise(shuffled, units)


def test_two_editions_differ_in_totals_units_added_and_versions_replaced():
    before = edition({"CT05": 4, "CT08": 1}, [a_source("U1"), a_source("U2")])
    after = edition({"CT05": 6, "CT08": 1}, [a_source("U1"), a_source("U2", 2, "bb"), a_source("U3")], number=2)
    told = differences(before, after)
    assert [(change.field, change.before.amount, change.after.amount) for change in told.totals] == [("CT05", 4, 6)]
    assert [(c.unit_code, c.before and c.before.version, c.after.version) for c in told.sources] == [
        ("U2", 1, 2),
        ("U3", None, 1),
    ]


def test_an_edition_is_kept_as_plain_values_and_comes_back_equal():
    kept = edition({"CT05": 4, "CT21": None}, [a_source("U2"), a_source("U1")])
    assert totals_from_json(totals_as_json(kept.totals)) == kept.totals
    assert set(sources_from_json(sources_as_json(kept.sources))) == set(kept.sources)


def test_inputs_in_another_order_have_the_same_digest_and_another_version_has_not():
    sources = [a_source("U1"), a_source("U2")]

    def digest(rows):
        return inputs_digest(EditionKind.FINAL, rows, expected=["U1", "U2"], waived=[])

    assert digest(sources) == digest(sources[::-1])
    assert digest(sources) != digest([a_source("U1"), a_source("U2", 2, "bb")])
