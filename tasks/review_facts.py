"""Gathers what the scores of a review rest on, for every unit at once, as it was known at an instant."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import cycles, editions, letters, outages, score_facts, targets
from models.db.records.cycles import DutyRecord
from models.domain.cycles import Cycle
from models.domain.duties import late_at
from models.domain.outages import credit_until
from models.domain.plan import Obligation, Programme
from models.domain.reach import was_reached
from models.domain.scoring import FigureFact, GoalsFact, ReportFact, TaskFact, UnitFacts
from models.domain.targets import goals_of, results_of, targetable_fields
from models.domain.vocabulary import ObligationKind
from tasks.receive import MAILBOX_POLLED
from tasks.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSpan:
    """Of which years, both included, and as of when facts are gathered."""

    programme: Programme
    first_year: int
    last_year: int
    as_of: datetime


@dataclass(slots=True)
class _Gathered:
    """What was found of each unit so far."""

    reports: dict[str, list[ReportFact]] = field(default_factory=lambda: defaultdict(list))
    figures: dict[str, list[FigureFact]] = field(default_factory=lambda: defaultdict(list))
    tasks: dict[str, list[TaskFact]] = field(default_factory=lambda: defaultdict(list))
    goals: dict[str, GoalsFact] = field(default_factory=dict)


def facts_of_units(runtime: Runtime, session: Session, span: ReviewSpan) -> dict[str, UnitFacts]:
    """Return by unit the facts of its score, for every unit that a report with a form was asked of in the span.

    Reports without a form are the standing agency's own, which nobody scores here.
    """
    found = _Gathered()
    explanations = score_facts.inspection_cycles(session)
    for cycle in _cycles_in(session, span):
        obligation = span.programme.obligation(cycle.obligation_code)
        records = _records(runtime, session, cycle)
        if obligation.kind is ObligationKind.REPORT and obligation.is_scheduled and cycle.has_form:
            _add_reports(session, cycle, records, span, found)
            _add_figures(runtime, session, cycle, span, found)
        elif _sets_tasks(obligation) and cycle.code not in explanations:
            _add_tasks(session, cycle, records, span, found)
    for year in range(span.first_year, span.last_year + 1):
        _add_goals(session, year, span, found)
    return {
        code: UnitFacts(
            reports=tuple(reports),
            figures=tuple(found.figures[code]),
            tasks=tuple(found.tasks[code]),
            goals=found.goals.get(code, GoalsFact(n_reached=0, n_goals=0)),
        )
        for code, reports in found.reports.items()
    }


def _sets_tasks(obligation: Obligation) -> bool:
    return obligation.kind is not ObligationKind.REVIEW and not obligation.is_scheduled


def _cycles_in(session: Session, span: ReviewSpan) -> list[Cycle]:
    return [
        cycle
        for cycle in cycles.all_cycles(session)
        if cycle.programme_code == span.programme.code
        and span.first_year <= cycle.year <= span.last_year
        and cycle.opens_at <= span.as_of
    ]


def _records(runtime: Runtime, session: Session, cycle: Cycle) -> list[DutyRecord]:
    chunks = cycles.duties_in_chunks(session, cycle.code, size=runtime.settings.units_per_chunk)
    return [record for chunk in chunks for record in chunk]


def _add_reports(
    session: Session, cycle: Cycle, records: Sequence[DutyRecord], span: ReviewSpan, found: _Gathered
) -> None:
    ids = [record.duty.id for record in records]
    receipts = score_facts.receipts(session, ids, span.as_of)
    n_returned = score_facts.n_returned(session, ids, span.as_of)
    dispatches = letters.dispatches_of_duties(session, ids)
    deaf = outages.outages_of(session, MAILBOX_POLLED)
    for record in records:
        duty = record.duty
        given_back = sum(each.reopened_at <= span.as_of for each in duty.reopenings)
        found.reports[duty.unit_code].append(
            ReportFact(
                duty=duty,
                title=cycle.title,
                submission=receipts.get(duty.id, ""),
                n_returned=n_returned.get(duty.id, 0) + given_back,
                was_written_to=was_reached(duty, dispatches.get(duty.id, ()), span.as_of),
                credit_until=credit_until(late_at(duty, span.as_of), deaf, span.programme.calendar, span.as_of),
            )
        )


def _add_figures(runtime: Runtime, session: Session, cycle: Cycle, span: ReviewSpan, found: _Gathered) -> None:
    """Add the figures that a criterion looks at; the others show nothing that is scored."""
    wanted = {code for criterion in span.programme.criteria for code in criterion.indicators}
    specs = {spec.code: spec for spec in cycle.form.fields if spec.code in wanted or spec.indicator in wanted}
    wholes = {spec.denominator for spec in cycle.form.fields}
    numbers = {source.unit_code: source.submission for source in editions.sources(session, cycle.code, span.as_of)}
    for reported in editions.figures(session, cycle.code, span.as_of):
        spec = specs.get(reported.field)
        if spec is None:
            continue
        text = (reported.text or "").strip()
        found.figures[reported.unit_code].append(
            FigureFact(
                source=cycle.code,
                title=cycle.title,
                submission=numbers.get(reported.unit_code, ""),
                field=spec.code,
                indicator=spec.indicator,
                label=spec.label,
                figure=text if reported.amount is None else str(reported.amount),
                is_present=(reported.amount or 0) > 0 or text not in {"", runtime.form_words.no},
                is_whole=spec.code in wholes,
            )
        )


def _add_tasks(
    session: Session, cycle: Cycle, records: Sequence[DutyRecord], span: ReviewSpan, found: _Gathered
) -> None:
    dispatches = letters.dispatches_of_duties(session, [record.duty.id for record in records])
    for record in records:
        duty = record.duty
        is_told = was_reached(duty, dispatches.get(duty.id, ()), span.as_of)
        found.tasks[duty.unit_code].append(TaskFact(duty=duty, title=cycle.title, was_written_to=is_told))


def _add_goals(session: Session, year: int, span: ReviewSpan, found: _Gathered) -> None:
    asked = targets.targets_of_year(session, span.programme.code, year)
    if not asked:
        return
    figures = [
        figure
        for cycle in _cycles_in(session, span)
        if cycle.year == year and cycle.period_end is not None
        for figure in targets.targeted_figures(session, cycle, span.as_of)
    ]
    results = results_of(asked, figures, targetable_fields(span.programme, year))
    for unit_code in dict.fromkeys(result.target.unit_code for result in results):
        goals = goals_of(result for result in results if result.target.unit_code == unit_code)
        known = found.goals.get(unit_code, GoalsFact(n_reached=0, n_goals=0))
        found.goals[unit_code] = GoalsFact(
            n_reached=known.n_reached + goals.n_reached, n_goals=known.n_goals + goals.n_goals
        )


def years_of(programme: Programme, year: int, *, is_yearly: bool) -> Mapping[str, int]:
    """Return the first and last year that a review looks at: its own, or all since the programme began."""
    first = year if is_yearly else min(obligation.first_year for obligation in programme.obligations)
    return {"first_year": min(first, year), "last_year": year}
