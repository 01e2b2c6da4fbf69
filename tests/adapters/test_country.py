"""The made-up country of the benches: always the same, in the shape of the real one, and a programme that is sound."""

from collections import Counter

from bench.country import COMMUNE, HABITS, PROVINCE, SCHOOL, Answers, a_country, write_programme
from tasks.adapters.programme import load_programme


def test_the_same_seed_makes_the_same_country_and_another_one_another():
    assert a_country(500) == a_country(500)
    assert a_country(500) != a_country(500, seed=1)


def test_a_country_has_as_many_units_as_asked_for_in_three_levels():
    country = a_country(10_000)
    by_code = {unit.code: unit for unit in country.roster.units}
    assert len(by_code) == 10_000
    assert Counter(unit.group for unit in by_code.values()) == {PROVINCE: 3, COMMUNE: 332, SCHOOL: 9_665}
    above = {SCHOOL: COMMUNE, COMMUNE: PROVINCE}
    assert all(by_code[unit.parent_code].group == above[unit.group] for unit in by_code.values() if unit.parent_code)
    assert len({unit.name for unit in by_code.values()}) == 10_000


def test_answers_come_in_the_proportions_that_are_stated():
    counts = Counter(a_country(10_000).habits.values())
    assert {habit: round(counts[habit] / 10_000, 2) for habit in Answers} == dict(HABITS)


def test_the_countrys_programme_is_read_without_a_fault(tmp_path):
    programme = load_programme(write_programme(tmp_path / "country", 300))
    assert len(programme.roster.units) == 300
    assert set(programme.groups) == {PROVINCE, COMMUNE, SCHOOL}
