"""Who exists, and who is written to, on a day."""

from datetime import date

import pytest

from models.domain.errors import UnknownUnitError
from models.domain.roster import Contact, Member, Roster, Unit

START = date(2024, 9, 23)


def a_unit(code: str, **changes) -> Unit:
    return Unit(**{"code": code, "name": code, "group": "G3", "valid_from": START, **changes})


def a_contact(unit: str, email: str, **changes) -> Contact:
    return Contact(**{"unit_code": unit, "name": "desk", "email": email, "valid_from": START, **changes})


def test_both_days_of_a_span_belong_to_it():
    unit = a_unit("yen-dung", valid_to=date(2024, 12, 31))
    assert [unit.is_in_force(day) for day in (date(2024, 9, 22), START, date(2024, 12, 31), date(2025, 1, 1))] == [
        False,
        True,
        True,
        False,
    ]


def test_the_expected_are_those_of_the_groups_who_exist_that_day():
    roster = Roster(
        units=(
            a_unit("yen-dung", valid_to=date(2024, 12, 31)),
            a_unit("chu", valid_from=date(2025, 1, 1)),
            a_unit("bao", group="G6"),
        )
    )
    assert [unit.code for unit in roster.expected(["G3"], date(2024, 12, 31))] == ["yen-dung"]
    assert [unit.code for unit in roster.expected(["G3"], date(2025, 1, 1))] == ["chu"]


def test_units_stand_by_group_and_then_in_the_order_of_the_alphabet():
    roster = Roster(
        units=(
            a_unit("z", name="Ủy ban", group="G2"),
            a_unit("y", name="Yên Thế"),
            a_unit("d", name="Đoàn", group="G2"),
        )
    )
    assert [unit.code for unit in roster.in_force(START)] == ["d", "z", "y"]


def test_a_renamed_unit_has_the_name_of_the_day_and_its_last_one_after_the_end():
    roster = Roster(
        units=(
            a_unit("so", name="old", valid_to=date(2025, 2, 28)),
            a_unit("so", name="new", valid_from=date(2025, 3, 1), valid_to=date(2026, 1, 1)),
        )
    )
    assert roster.unit("so", date(2025, 2, 28)).name == "old"
    assert roster.unit("so", date(2025, 3, 1)).name == "new"
    assert roster.unit("so", date(2027, 1, 1)).name == "new"


def test_a_code_that_no_row_has_is_an_error():
    with pytest.raises(UnknownUnitError):
        Roster().unit("nowhere", START)


def test_the_contact_of_the_lowest_rank_is_written_to_first_and_former_ones_never():
    roster = Roster(
        units=(a_unit("so"),),
        contacts=(
            a_contact("so", "second@example.invalid", rank=2),
            a_contact("so", "former@example.invalid", valid_to=date(2024, 12, 31)),
            a_contact("so", "first@example.invalid", valid_from=date(2025, 1, 1)),
            a_contact("other", "other@example.invalid"),
        ),
    )
    emails = [contact.email for contact in roster.contacts_of("so", date(2025, 6, 1))]
    assert emails == ["first@example.invalid", "second@example.invalid"]


def test_a_member_who_has_left_is_nobody():
    member = Member(
        code="uv", name="m", email="uv@example.invalid", field="f", valid_from=START, valid_to=date(2025, 1, 1)
    )
    roster = Roster(members=(member,))
    assert roster.member("uv", date(2025, 1, 1)) is member
    assert roster.member("uv", date(2025, 1, 2)) is None


def test_a_name_is_recognised_in_any_spelling_but_never_without_its_accents():
    roster = Roster(
        units=(a_unit("a", name="Xã Phượng Sơn", aliases=("UBND xã Phượng Sơn",)), a_unit("b", name="Xã Phương Sơn"))
    )
    assert [unit.code for unit in roster.units_named("XÃ PHƯỢNG SƠN", START)] == ["a"]
    assert [unit.code for unit in roster.units_named("ubnd xã phượng sơn", START)] == ["a"]
    assert roster.units_named("xa phuong son", START) == ()


def test_a_name_that_two_units_bear_is_answered_with_both():
    roster = Roster(
        units=(a_unit("a", name="Xã Đồng Tiến", parent_code="p"), a_unit("b", name="Xã Đồng Tiến", parent_code="q"))
    )
    assert len(roster.units_named("xã Đồng Tiến", START)) == 2
