"""Drafts the papers of inspections, each once: what a person has changed in a draft is never written over."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, inspections
from models.db.records.inspections import StoredFinding, StoredInspection
from models.domain.calendar import last_day_before
from models.domain.cycles import Cycle
from models.domain.duties import answered_at, standing_at, timeliness
from models.domain.inspections import Proposal, propose_units
from models.domain.roster import Roster, Unit
from models.domain.vocabulary import OFFICE_ZONE, ObligationKind, Timeliness
from tasks.adapters.archive import write_whole
from tasks.adapters.inspection_papers import (
    ConclusionFacts,
    InspectedUnit,
    InspectionPaper,
    RemedyLine,
    write_conclusion,
    write_decision,
    write_notice,
)
from tasks.inspection_risks import OWED, risk_facts
from tasks.names import run_name
from tasks.open_cycles import roster_in_use
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
UNITS_PROPOSED: Final = 5
"""How many units the yearly inspection is proposed for; the person who decides takes fewer or more."""

Drafted = tuple[str, Callable[[IO[bytes]], None]]
"""The path of a draft below the home, and what writes it."""


@task(name="draft-inspection-papers", task_run_name=run_name("draft_inspection_papers"), cache_policy=NO_CACHE)
def draft_inspection_papers(runtime: Runtime, codes: Iterable[str], as_of: datetime) -> int:
    """Write the drafts of the inspections that are not there yet, and return how many are new.

    Decision and notices come with the start. A conclusion comes when the inspection has ended, and a new version of it
    with each further finding; none comes after the conclusion was issued.
    """
    n_new = 0
    for code in codes:
        with runtime.sessions() as session:
            n_here = sum(_write_once(runtime, draft) for draft in _drafts(runtime, session, code, as_of))
        if n_here:
            folder = runtime.settings.shared.resolve() / folder_of(code)
            logger.info(runtime.texts.say("inspection.log.drafted", n=n_here, folder=folder))
        n_new += n_here
    return n_new


@task(name="propose-inspection", task_run_name=run_name("propose_inspection"), cache_policy=NO_CACHE)
def propose_inspections(runtime: Runtime, obligation_code: str, as_of: datetime) -> dict[str, tuple[Proposal, ...]]:
    """Return by cycle the units proposed for a yearly inspection that is owed and not yet ordered; draft its decision.

    The seed is the cycle's code, so that the lot is the same all the quarter; the facts are those of the instant.
    """
    programme, obligation = runtime.programme_with(obligation_code)
    if not obligation.is_scheduled or obligation.kind is not ObligationKind.INSPECTION:
        return {}
    found: dict[str, tuple[Proposal, ...]] = {}
    with runtime.sessions() as session:
        roster = roster_in_use(runtime, session, programme)
        ordered = inspections.inspections_of(session, programme.code, started_by=as_of)
        years = {
            each.started_at.astimezone(OFFICE_ZONE).year for each in ordered if each.obligation_code == obligation.code
        }
        for cycle in cycles.cycles_of(session, obligation.code, opened_by=as_of):
            is_leads_own = not cycle.has_form and not cycle.content
            if not is_leads_own or cycle.year in years or not _is_owed(session, cycle, as_of):
                continue
            facts = risk_facts(runtime, session, programme, roster, as_of)
            found[cycle.code] = propose_units(facts, UNITS_PROPOSED, cycle.code)
            units = _units(roster, [each.unit_code for each in found[cycle.code]], as_of)
            paper = InspectionPaper(
                programme=programme, obligation=obligation, as_of=as_of, title=cycle.title, units=units
            )
            _write_once(runtime, _decision(runtime, cycle.code, paper))
    return found


def inspections_under(runtime: Runtime, obligation_code: str, as_of: datetime) -> list[str]:
    """Return the codes of the inspections that are held under an obligation and not concluded, the oldest first."""
    programme, obligation = runtime.programme_with(obligation_code)
    with runtime.sessions() as session:
        held = inspections.inspections_of(session, programme.code, started_by=as_of)
    return [each.code for each in held if each.obligation_code == obligation.code and each.concluded_on is None]


def folder_of(code: str) -> str:
    """Return where the drafts of an inspection lie below the home."""
    return f"results/{code}/du-thao"


def drafts_there(runtime: Runtime, code: str) -> list[Path]:
    """Return the drafts of an inspection that lie there, in the order of their names."""
    return sorted((runtime.settings.shared / folder_of(code)).glob("*.docx"))


def _is_owed(session: Session, cycle: Cycle, as_of: datetime) -> bool:
    chunks = cycles.duties_in_chunks(session, cycle.code, size=100)
    return any(standing_at(record.duty, as_of) in OWED for chunk in chunks for record in chunk)


def _drafts(runtime: Runtime, session: Session, code: str, as_of: datetime) -> Iterator[Drafted]:
    held = inspections.inspection(session, code)
    cycle = cycles.cycle(session, code)
    programme, _ = runtime.programme_with(held.obligation_code)
    records = [record for chunk in cycles.duties_in_chunks(session, code, size=500) for record in chunk]
    roster = roster_in_use(runtime, session, programme)
    units = _units(roster, [record.duty.unit_code for record in records], cycle.opens_at)
    paper = _paper(runtime, held, cycle, units, as_of)
    yield _decision(runtime, code, paper)
    for unit in units:
        name = runtime.texts.say("inspection.file.notice", inspection=code, unit=unit.code)
        yield f"{folder_of(code)}/{name}", _notice_writer(runtime, paper, unit, cycle)
    found = inspections.findings_of(session, code)
    has_ended = as_of.astimezone(OFFICE_ZONE).date() > held.ends_on
    if held.concluded_on is None and (found or has_ended):
        facts = _facts(runtime, records, found, as_of)
        name = runtime.texts.say("inspection.file.conclusion", inspection=code, version=len(found) + 1)
        yield f"{folder_of(code)}/{name}", lambda target: write_conclusion(target, paper, facts, runtime.texts)


def _paper(
    runtime: Runtime, held: StoredInspection, cycle: Cycle, units: Sequence[Unit], as_of: datetime
) -> InspectionPaper:
    programme, obligation = runtime.programme_with(held.obligation_code)
    return InspectionPaper(
        programme=programme,
        obligation=obligation,
        as_of=as_of,
        title=held.title,
        scope=held.scope,
        basis=held.basis,
        leader=held.leader,
        team=held.team,
        units=units,
        explain_by=cycle.last_day,
        starts_on=held.starts_on,
        ends_on=held.ends_on,
        conclude_by=held.conclude_by,
    )


def _decision(runtime: Runtime, code: str, paper: InspectionPaper) -> Drafted:
    name = runtime.texts.say("inspection.file.decision", inspection=code)
    return f"{folder_of(code)}/{name}", lambda target: write_decision(target, paper, runtime.texts)


def _notice_writer(runtime: Runtime, paper: InspectionPaper, unit: Unit, cycle: Cycle) -> Callable[[IO[bytes]], None]:
    return lambda target: write_notice(target, paper, unit, cycle.form, runtime.texts)


def _facts(
    runtime: Runtime, records: Sequence[cycles.DutyRecord], found: Sequence[StoredFinding], as_of: datetime
) -> ConclusionFacts:
    names = {record.duty.unit_code: record.duty.unit_name for record in records}
    units = [
        InspectedUnit(
            name=record.duty.unit_name,
            explained=_explained(runtime, record, as_of),
            findings=[each.text for each in found if each.unit_code == record.duty.unit_code],
        )
        for record in records
    ]
    remedies = [
        RemedyLine(
            unit_name=names[each.unit_code],
            remedy=each.remedy,
            owner=each.owner,
            last_day=last_day_before(each.remedy_due_at),
        )
        for each in found
        if each.remedy_due_at is not None
    ]
    return ConclusionFacts(
        units=units,
        remedies=remedies,
        n_explained=sum(answered_at(record.duty, as_of) is not None for record in records),
        n_late=sum(timeliness(record.duty, as_of) is Timeliness.LATE for record in records),
    )


def _explained(runtime: Runtime, record: cycles.DutyRecord, as_of: datetime) -> str:
    answered = answered_at(record.duty, as_of)
    if answered is None:
        return runtime.texts.say("inspection.explained.not")
    late = timeliness(record.duty, as_of) is Timeliness.LATE
    code = "late" if late else "in_time"
    return runtime.texts.say(f"inspection.explained.{code}", instant=runtime.texts.instant(answered))


def _units(roster: Roster, codes: Sequence[str], as_of: datetime) -> tuple[Unit, ...]:
    day = as_of.astimezone(OFFICE_ZONE).date()
    return tuple(roster.unit(code, day) for code in codes)


def _write_once(runtime: Runtime, draft: Drafted) -> bool:
    """Write a draft unless it is there, and say whether it was written."""
    path = runtime.settings.shared / draft[0]
    if path.exists():
        return False
    with BytesIO() as target:
        draft[1](target)
        write_whole(path, target.getvalue())
    return True
