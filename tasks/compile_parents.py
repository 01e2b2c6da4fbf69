"""Makes the aggregate of each parent's own children beside the whole one of the same edition, by the same code.

It holds them against the whole: what the parents' workbooks add up to is what the whole adds up to.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from models.db.records.editions import StoredEdition
from models.domain.coverage import MissingUnit, coverage_of
from models.domain.duties import Duty
from models.domain.editions import Narrative, PutQuestion, SourceRow
from models.domain.errors import AggregateMismatchError
from models.domain.tabulation import CountedUnit, Figures, Tabulation, figures_by_family, figures_of, tabulate
from models.domain.tiers import ChildrenRow, by_parent
from tasks.adapters.aggregates import AggregateContent, write_aggregate
from tasks.parent_workbooks import workbook_of_parent
from tasks.runtime import Runtime

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the whole is made of, by parent: gone through once, however many parents there are."""

    figures: Mapping[str, Figures]
    units: Mapping[str, list[CountedUnit]]
    missing: Mapping[str, list[MissingUnit]]
    narratives: Mapping[str, list[Narrative]]
    questions: Mapping[str, list[PutQuestion]]
    sources: Mapping[str, list[SourceRow]]


def files_of_parents(
    runtime: Runtime, whole: AggregateContent, duties: Sequence[Duty], edition: StoredEdition
) -> Iterator[tuple[str, bytes]]:
    """Yield where the workbook of each parent of a cycle's units is to lie, and its bytes.

    Raises:
        AggregateMismatchError: the parents' sums are not those of the whole.
    """
    families = by_parent(duties, whole.timeliness)
    parent_of = {row.unit_code: family.parent_code for family in families for row in family.rows}
    parts = _parts(whole, parent_of)
    made = {}
    for family in families:
        content = _content_of(runtime, whole, family, parts)
        made[family.parent_code] = content.tabulation
        with io.BytesIO() as target:
            write_aggregate(target, content, runtime.texts)
            yield workbook_of_parent(edition, family.parent_code), target.getvalue()
    # Units without a parent, and those that are within one of the same cycle, are in the whole in another way.
    if len(parent_of) == len(whole.units) and not whole.tabulation.left_out:
        _refuse_other_sums(whole.tabulation, made)


def _parts(whole: AggregateContent, parent_of: Mapping[str, str]) -> _Parts:
    def grouped(items: Iterable[Item], code_of: Callable[[Item], str]) -> dict[str, list[Item]]:
        found: dict[str, list[Item]] = {}
        for item in items:
            found.setdefault(parent_of.get(code_of(item), ""), []).append(item)
        return found

    return _Parts(
        figures=figures_by_family(whole.figures, parent_of),
        units=grouped(whole.units, lambda unit: unit.code),
        missing=grouped(whole.missing, lambda missing: missing.row.unit_code),
        narratives=grouped(whole.narratives, lambda narrative: narrative.unit_code),
        questions=grouped(whole.questions, lambda question: question.unit_code),
        sources=grouped(whole.edition.sources, lambda source: source.unit_code),
    )


def _content_of(runtime: Runtime, whole: AggregateContent, family: ChildrenRow, parts: _Parts) -> AggregateContent:
    """Return what a parent's workbook says; targets, evidence and comparisons are those of the whole, and left out."""
    parent = family.parent_code
    units, figures = parts.units[parent], parts.figures.get(parent) or figures_of(())
    tabulation = tabulate(whole.cycle.form, figures, units=units, groups=whole.programme.groups)
    title = runtime.texts.say("aggregate.of_parent", title=whole.cycle.title, parent=family.parent_name)
    return replace(
        whole,
        cycle=replace(whole.cycle, title=title),
        edition=replace(
            whole.edition,
            cycle_title=title,
            n_expected=len(family.rows),
            n_reported=family.n_reported,
            totals=tabulation.totals(),
            sources=tuple(parts.sources.get(parent, ())),
        ),
        coverage=coverage_of(family.rows, whole.programme.groups, whole.edition.as_of),
        tabulation=tabulation,
        units=units,
        figures=figures,
        timeliness=family.rows,
        missing=parts.missing.get(parent, ()),
        narratives=parts.narratives.get(parent, ()),
        questions=parts.questions.get(parent, ()),
        differences=None,
        progress=None,
        evidence=(),
        present=None,
        tasks=None,
    )


def _refuse_other_sums(whole: Tabulation, parts: Mapping[str, Tabulation]) -> None:
    sums: dict[str, int] = {}
    for part in parts.values():
        for code, total in part.totals().items():
            sums[code] = sums.get(code, 0) + (total.amount or 0)
    wrong = [code for code, total in whole.totals().items() if (total.amount or 0) != sums.get(code, 0)]
    if wrong:
        raise AggregateMismatchError(units=", ".join(sorted(parts)[:20]), fields=", ".join(sorted(wrong)))
