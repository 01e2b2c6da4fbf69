"""Draws the table of the README from the plan itself: clause, obligation, deployment, flow; a test holds it true.

`python -m deployments.plan_table` writes it anew between the two marks of `README.md`.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from deployments.manual import every_obligation, manual_deployments
from deployments.registry import deployments_of
from models.domain.plan import Obligation, Programme
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import Texts, vietnamese
from tasks.settings import PROJECT

BEGIN: Final = "<!-- plan table: begin -->"
END: Final = "<!-- plan table: end -->"
HEADER: Final = (
    "| clause | obligation | how it is followed up | deployment | flow |",
    "|---|---|---|---|---|",
)
README: Final = PROJECT / "README.md"
PROGRAMME: Final = PROJECT / "deployments" / "de_an_835"


def plan_table(programme: Programme, texts: Texts) -> str:
    """Return the table in Markdown: at least one line an obligation, in the order of the plan."""
    names = _rounds(programme, texts)
    lines = [line for obligation in programme.obligations for line in _lines(obligation, names, texts)]
    return "\n".join([*HEADER, *lines])


def with_table(readme: str, table: str) -> str:
    """Return the README with the table between its two marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _rounds(programme: Programme, texts: Texts) -> dict[str, tuple[str, str]]:
    """Return by obligation the name and the flow of its round; names do not hang on the day."""
    return {
        str(each.parameters["obligation"]): (each.name, each.flow.name)
        for each in deployments_of(programme, texts, date(programme.obligations[0].first_year, 1, 1))
    }


def _lines(obligation: Obligation, rounds: dict[str, tuple[str, str]], texts: Texts) -> Iterator[str]:
    ways = list(_ways(obligation, rounds, texts))
    for n, (how, name, flow) in enumerate(ways):
        clause, title = (obligation.clause, f"`{obligation.code}` {obligation.title}") if n == 0 else ("", "")
        yield f"| {clause} | {title} | {how} | {name} | `{flow}` |"


def _ways(obligation: Obligation, rounds: dict[str, tuple[str, str]], texts: Texts) -> Iterator[tuple[str, str, str]]:
    """Yield each way in which an obligation is followed up: how, by which deployment, by which flow."""
    if obligation.code in rounds:
        yield (
            "scheduled" if obligation.is_scheduled else "daily round of what a person opens",
            *rounds[obligation.code],
        )
    if obligation.answered_with is not None:
        yield ("answered with", *rounds[obligation.answered_with])
    if obligation.evidence is not None:
        reports = [rounds[code] for code in obligation.evidence.reports]
        yield ("coverage check in the aggregate of", "<br>".join(name for name, _ in reports), reports[0][1])
    for manual in manual_deployments():
        if manual.serves is not every_obligation and manual.serves(obligation):
            yield ("by hand", texts.say(f"deployment.{manual.code}.name"), manual.flow.name)


def _write(readme: Path) -> None:
    table = plan_table(load_programme(PROGRAMME), vietnamese())
    readme.write_text(with_table(readme.read_text("utf-8"), table), "utf-8")


if __name__ == "__main__":
    _write(README)
