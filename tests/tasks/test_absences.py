"""Who is written to while somebody is away: the next desk of a unit, and a member's deputy."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.adapters.programme import write_roster
from tasks.import_roster import first_programme, import_roster, present_roster
from tests.tasks.conftest import address_of

UNIT, MEMBER, DEPUTY = "so-y-te", "uv-van-hoa-xa-hoi", "uv-kinh-te"
SECOND = "phong-tong-hop@example.invalid"


def change_roster(office, instant, change):
    with office.at(instant) as runtime:
        path = office.home / "vang.xlsx"
        write_roster(change(present_roster(runtime)), first_programme(runtime).groups, runtime.texts, path)
        assert import_roster(runtime, path, operator="Bàn trực").faults == ()


def second_desk_while_the_first_is_away(roster):
    first = next(each for each in roster.contacts if each.unit_code == UNIT)
    away = replace(first, away_from=date(2025, 6, 2), away_to=date(2025, 6, 13))
    others = [each for each in roster.contacts if each != first]
    return replace(roster, contacts=(*others, away, replace(first, email=SECOND, rank=2)))


def test_a_desk_that_is_away_is_passed_over_until_it_is_back(opened_office):
    change_roster(opened_office, "2025-05-20 08:00", second_desk_while_the_first_is_away)
    n_before = len(opened_office.letters_to(address_of(UNIT)))
    opened_office.round("2025-06-05 08:00")
    assert len(opened_office.letters_to(SECOND)) == 1
    assert len(opened_office.letters_to(address_of(UNIT))) == n_before
    opened_office.round("2025-06-17 08:00")
    assert len(opened_office.letters_to(SECOND)) == 1
    assert len(opened_office.letters_to(address_of(UNIT))) == n_before + 1


@pytest.mark.parametrize(("deputy", "n_letters"), [(DEPUTY, 1), (None, 0)])
def test_a_member_who_is_away_is_stood_in_for_by_the_deputy(opened_office, deputy, n_letters):
    def away(roster):
        members = tuple(
            replace(each, away_from=date(2025, 6, 1), deputy_code=deputy) if each.code == MEMBER else each
            for each in roster.members
        )
        return replace(roster, members=members)

    change_roster(opened_office, "2025-05-20 08:00", away)
    opened_office.round("2025-06-19 08:00")
    assert opened_office.letters_to(f"{MEMBER}@example.invalid") == []
    [letter] = opened_office.letters_to(f"{DEPUTY}@example.invalid")
    assert ("Sở Y tế" in letter.get_body(("plain",)).get_content()) == bool(n_letters)
