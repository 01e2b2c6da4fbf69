"""Makes the one-page card for the clerks of reporting units, from the programme's plan: a page that prints on A4."""

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.domain.cycles import planned_cycles
from models.domain.plan import Programme
from tasks.adapters.texts import TEMPLATES, Texts


def unit_card(programme: Programme, year: int, texts: Texts) -> str:
    """Return the card as HTML: how to answer, and the year's deadlines of the reports that many units owe."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "card"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    deadlines = [
        {
            "title": cycle.title,
            "opens": texts.day(cycle.opens_at.date()),
            "deadline": texts.deadline(cycle.due_at, programme.calendar),
        }
        for cycle in planned_cycles(programme, first_year=year, last_year=year)
        if cycle.has_form and programme.obligation(cycle.obligation_code).is_scheduled
    ]
    return environment.get_template("unit_card.html.j2").render(
        programme=programme, desk=programme.desk, deadlines=deadlines, year=year
    )
