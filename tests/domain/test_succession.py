"""Who inherits what a unit owes, through mergers, divisions and ends; days are those of 2025."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.domain.succession import Relation, Succession
from models.domain.vocabulary import RelationKind

JANUARY, MARCH, JULY = date(2025, 1, 1), date(2025, 3, 1), date(2025, 7, 1)
DAY = timedelta(days=1)


def merged(unit: str, into: str, on: date) -> Relation:
    return Relation(kind=RelationKind.MERGED_INTO, unit_code=unit, other_code=into, on=on)


def split(unit: str, source: str, on: date) -> Relation:
    return Relation(kind=RelationKind.SPLIT_FROM, unit_code=unit, other_code=source, on=on)


def abolished(unit: str, on: date, *, to: str | None = None) -> Relation:
    return Relation(kind=RelationKind.ABOLISHED, unit_code=unit, other_code=to, on=on)


def succession(*relations: Relation) -> Succession:
    ends = {each.unit_code: each.on - DAY for each in relations if each.kind is not RelationKind.SPLIT_FROM}
    return Succession.of(relations, ends)


def test_a_unit_answers_for_itself_to_its_last_day():
    known = succession(merged("so-ngoai-vu", "van-phong", MARCH))
    assert known.heir("so-ngoai-vu", MARCH - DAY) == "so-ngoai-vu"
    assert known.heir("so-ngoai-vu", MARCH) == "van-phong"
    assert known.inherited_by("van-phong", MARCH - DAY) == frozenset()
    assert known.inherited_by("van-phong", MARCH) == {"so-ngoai-vu"}


def test_what_was_inherited_is_inherited_again():
    known = succession(merged("xa-cu", "xa-giua", JANUARY), merged("xa-giua", "xa-moi", JULY))
    assert known.heir("xa-cu", MARCH) == "xa-giua"
    assert known.heir("xa-cu", JULY) == "xa-moi"
    assert known.inherited_by("xa-moi", JULY) == {"xa-cu", "xa-giua"}


def test_an_abolished_unit_has_an_heir_only_if_somebody_was_named():
    known = succession(abolished("huyen-a", JULY), abolished("huyen-b", JULY, to="cong-an-tinh"))
    assert known.heir("huyen-a", JULY) is None
    assert known.heir("huyen-b", JULY) == "cong-an-tinh"
    assert known.heirs(JULY) == {"huyen-b": "cong-an-tinh"}


def test_a_unit_that_gave_a_part_away_goes_on_owing_for_itself():
    known = succession(split("chu", "luc-ngan", JANUARY), merged("luc-ngan", "xa-x", JULY))
    assert known.heir("luc-ngan", MARCH) == "luc-ngan"
    assert known.heir("luc-ngan", JULY) == "xa-x"
    assert known.was_divided("luc-ngan", JANUARY - DAY, MARCH)
    assert not known.was_divided("luc-ngan", JANUARY, MARCH)


def test_a_unit_that_was_divided_at_its_end_has_no_heir():
    known = Succession.of(
        [merged("a", "b", JULY), split("c", "a", JULY)],
        {"a": JULY - DAY, "b": None, "c": None},
    )
    assert known.heir("a", JULY) is None
    assert known.successors("a", JULY) == ("b", "c")


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.dates(JANUARY, JULY)), max_size=12))
def test_asking_for_an_heir_ends_whatever_the_relations_say(pairs):
    known = succession(*(merged(f"u{one}", f"u{other}", on) for one, other, on in pairs))
    for n in range(9):
        heir = known.heir(f"u{n}", JULY + DAY)
        assert heir is None or not known.has_ended(heir, JULY + DAY)
