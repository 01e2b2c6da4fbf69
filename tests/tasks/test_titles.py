"""What the subject of a letter calls a cycle."""

from pathlib import Path

from models.domain.cycles import cycles_of_years
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.titles import short_title

PROGRAMME = load_programme(Path(__file__).parents[2] / "deployments" / "de_an_835")


def titles(code):
    obligation = PROGRAMME.obligation(code)
    cycles = cycles_of_years(PROGRAMME, obligation, first_year=2025, last_year=2025)
    return [short_title(cycle, obligation, PROGRAMME, vietnamese()) for cycle in cycles]


def test_a_cycle_goes_by_its_obligation_and_year():
    assert titles("O-20") == ["BC 6T 2025"]


def test_what_follows_another_report_names_the_report_that_it_follows():
    found = titles("O-26")
    assert "Báo cáo cấp trên sau BC 6T 2025" in found
    assert len(set(found)) == len(found) > 1
