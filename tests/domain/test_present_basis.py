"""A cycle of June 2025 shown by the units of July: whole heirs get the sums, what was divided stays by itself."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.errors import AggregateMismatchError
from models.domain.forms import FieldSpec
from models.domain.present_basis import Reorganised, Span, on_present_basis, refuse_other_sums
from models.domain.succession import Relation, Succession
from models.domain.tabulation import CountedUnit, UnitFigures
from models.domain.vocabulary import Accrual, Aggregation, FieldKind, NotComparable, RelationKind

JUNE, JULY = date(2025, 5, 16), date(2025, 7, 9)
REORGANISED = date(2025, 7, 1)


def a_field(code: str, aggregation: Aggregation = Aggregation.SUM) -> FieldSpec:
    return FieldSpec(
        code=code,
        indicator=code,
        label=code,
        unit_of_measure="",
        kind=FieldKind.COUNT,
        accrual=Accrual.FLOW,
        aggregation=aggregation,
        row=1,
        clause="",
    )


FIELDS = (a_field("CT01"), a_field("CT21", Aggregation.COUNT), a_field("CT05"))


def a_row(code: str, *values) -> UnitFigures:
    return UnitFigures(unit=CountedUnit(code=code, name=code, group="G"), values=values, estimates=frozenset())


def merged(unit, into, on=REORGANISED) -> Relation:
    return Relation(kind=RelationKind.MERGED_INTO, unit_code=unit, other_code=into, on=on)


def split(unit, source, on=REORGANISED) -> Relation:
    return Relation(kind=RelationKind.SPLIT_FROM, unit_code=unit, other_code=source, on=on)


def succession(*relations) -> Succession:
    ended = [each for each in relations if each.kind is not RelationKind.SPLIT_FROM]
    return Succession.of(relations, {each.unit_code: each.on - timedelta(days=1) for each in ended})


def shown(rows, known, **names):
    return on_present_basis(
        FIELDS,
        rows,
        since_then=Reorganised(succession=known, names=names, span=Span(since=JUNE, until=JULY)),
        reported=[row.unit.code for row in rows if any(value is not None for value in row.values)],
        left_out=(),
    )


def test_figures_of_merged_units_are_added_in_their_heir():
    rows = [a_row("a", 1, "Khá", None), a_row("b", 2, None, 5), a_row("c", None, None, None)]
    basis = shown(rows, succession(merged("a", "b"), merged("c", "b")), b="Sở B (mới)")
    [unit] = basis.units
    assert (unit.name, unit.sources, unit.n_reported, unit.amounts) == ("Sở B (mới)", ("a", "b", "c"), 2, (3, None, 5))
    assert basis.lost == ()


def test_a_divided_unit_and_one_that_left_nobody_are_added_to_none():
    relations = (split("x", "a"), Relation(kind=RelationKind.ABOLISHED, unit_code="b", on=REORGANISED))
    basis = shown([a_row("a", 7, None, 1), a_row("b", 8, None, 2)], succession(*relations))
    assert basis.units == ()
    assert [(row.name, row.why, row.amounts) for row in basis.lost] == [
        ("a", NotComparable.DIVIDED, (7, None, 1)),
        ("b", NotComparable.NO_HEIR, (8, None, 2)),
    ]


def test_an_heir_that_was_divided_itself_is_no_heir_to_compare_with():
    known = succession(merged("a", "b"), split("c", "b", REORGANISED + timedelta(days=3)))
    basis = shown([a_row("a", 7, None, 1), a_row("b", 8, None, 2)], known)
    assert [row.why for row in basis.lost] == [NotComparable.DIVIDED] * 2


def test_what_was_divided_before_the_cycle_opened_is_comparable():
    known = succession(split("c", "a", JUNE))
    assert [unit.code for unit in shown([a_row("a", 7, None, 1)], known).units] == ["a"]


def test_a_basis_that_lost_something_is_refused():
    basis = shown([a_row("a", 7, None, 1)], succession())
    refuse_other_sums(basis, FIELDS, {"CT01": 7, "CT05": 1})
    with pytest.raises(AggregateMismatchError):
        refuse_other_sums(basis, FIELDS, {"CT01": 8, "CT05": 1})


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=10),
    st.lists(st.one_of(st.none(), st.integers(0, 10**12)), min_size=10, max_size=10),
)
def test_both_bases_add_up_to_the_same_whatever_was_reorganised(changes, amounts):
    relations = [(split if parted else merged)(f"u{one}", f"u{other}") for one, other, parted in changes]
    rows = [a_row(f"u{n}", amount, None, None) for n, amount in enumerate(amounts)]
    basis = shown(rows, succession(*relations))
    refuse_other_sums(basis, FIELDS, {"CT01": sum(amount or 0 for amount in amounts), "CT05": None})
    assert sum(len(unit.sources) for unit in basis.units) + len(basis.lost) == len(rows)
