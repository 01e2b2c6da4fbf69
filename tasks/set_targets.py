"""Sets the year's targets from a workbook, all of it or nothing, and lays the empty workbook ready for the clerk."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.db.records import targets
from models.db.records.audit import note_action
from models.domain.errors import ActionRefusedError, Fault
from models.domain.plan import Obligation, Programme
from models.domain.roster import Roster
from models.domain.targets import Target, reporting_groups
from models.domain.vocabulary import Action, ObligationKind
from tasks.adapters.archive import write_whole
from tasks.adapters.target_sheet import TargetSource, draw_target_sheet, read_targets
from tasks.brought_files import brought_file, brought_workbook
from tasks.names import run_name
from tasks.open_cycles import roster_in_use
from tasks.operators import sign
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
MOST_FAULTS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOrder:
    """What an operator asks for: the workbook below the home, for which year, and who answers for it."""

    file: str
    year: int
    operator: str
    reason: str


@task(name="import-targets", task_run_name=run_name("import_targets"), cache_policy=NO_CACHE)
def import_targets(runtime: Runtime, order: TargetOrder) -> dict[str, int]:
    """Put the workbook's targets in the place of those of its year; the same targets again change nothing.

    Returns:
        How many targets of how many units there are now, and how many of them are new or have another amount.

    Raises:
        ActionRefusedError: nobody answers for it, the file cannot be read, or something in it is at fault; every fault
            is named, and nothing was changed.
    """
    signature = sign(runtime, order.operator, order.reason)
    programme, obligation = _annual_plan(runtime, order.year)
    content = brought_file(runtime, order.file).read_bytes()
    with runtime.sessions.begin() as session:
        roster = roster_in_use(runtime, session, programme)
        read = _read(runtime, order, programme, roster, content)
        before = _by_place(targets.targets_of_year(session, programme.code, order.year))
        after = _by_place(read)
        changed = {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}
        if changed:
            targets.replace_targets(session, programme.code, order.year, read, set_at=signature.at)
            note_action(
                session,
                signature.entry(
                    Action.IMPORT_TARGETS,
                    obligation.cycle_code.format(year=order.year),
                    file=order.file,
                    digest=hashlib.sha256(content).hexdigest(),
                    n_targets=len(read),
                    n_changed=len(changed),
                ),
            )
    counts = {"targets": len(after), "units": len({unit for unit, _ in after}), "changed": len(changed)}
    logger.info(runtime.texts.say("log.targets_set", year=order.year, **counts))
    return counts


@task(name="write-target-sheet", task_run_name=run_name("write_target_sheet"), cache_policy=NO_CACHE)
def write_target_sheet(runtime: Runtime, year: int, operator: str, reason: str) -> Path:
    """Lay the workbook for a year's targets into the home, with what is set already, and return where it lies.

    Raises:
        ActionRefusedError: nobody answers for it, the plan has no such year, or a workbook that somebody has filled
            lies there already.
    """
    signature = sign(runtime, operator, reason)
    programme, obligation = _annual_plan(runtime, year)
    with runtime.sessions.begin() as session:
        roster = roster_in_use(runtime, session, programme)
        groups, codes = reporting_groups(programme, year)
        units = roster.expected(groups, _day_of(runtime, year), units=codes)
        known: dict[str, dict[str, int]] = {}
        for target in targets.targets_of_year(session, programme.code, year):
            known.setdefault(target.unit_code, {})[target.field] = target.amount
    order = {code: place for place, code in enumerate(programme.groups)}
    content = draw_target_sheet(
        programme, year, sorted(units, key=lambda unit: order.get(unit.group, len(order))), known, runtime.texts
    )
    path = runtime.settings.shared / runtime.texts.say("targets.file", year=year)
    if path.exists() and path.read_bytes() != content:
        raise ActionRefusedError("target_sheet_there", file=path.name)
    write_whole(path, content)
    with runtime.sessions.begin() as session:
        subject = obligation.cycle_code.format(year=year)
        note_action(session, signature.entry(Action.PREPARE_TARGETS, subject, file=path.name, n_units=len(units)))
    logger.info(runtime.texts.say("log.target_sheet_written", file=path.name, n=len(units)))
    return path


def _annual_plan(runtime: Runtime, year: int) -> tuple[Programme, Obligation]:
    """Return the programme whose annual plan sets the targets of a year; the first one that has such a plan."""
    plans = [
        (programme, obligation)
        for programme in runtime.programmes.values()
        for obligation in programme.obligations
        if obligation.kind is ObligationKind.ANNUAL_PLAN
    ]
    found = next((each for each in plans if each[1].first_year <= year <= each[1].last_year), None)
    if found is None:
        years = ", ".join(f"{obligation.first_year}–{obligation.last_year}" for _, obligation in plans) or "–"
        raise ActionRefusedError("targets_of_other_year", year=year, years=years)
    return found


def _read(
    runtime: Runtime, order: TargetOrder, programme: Programme, roster: Roster, content: bytes
) -> tuple[Target, ...]:
    source = TargetSource(
        file=order.file,
        year=order.year,
        raw=brought_workbook(runtime, order.file, content),
        roster=roster,
        on=_day_of(runtime, order.year),
        programme=programme,
        words=runtime.form_words,
    )
    reading = read_targets(source, runtime.texts)
    if reading.faults:
        raise ActionRefusedError(
            "targets_at_fault", file=order.file, n=len(reading.faults), faults=_listed(runtime, reading.faults)
        )
    if not reading.targets:
        raise ActionRefusedError("targets_empty", file=order.file)
    return reading.targets


def _listed(runtime: Runtime, faults: tuple[Fault, ...]) -> str:
    say = runtime.texts.say
    lines = [
        say("targets.fault", sheet=fault.sheet, row=fault.line, text=runtime.texts.fault(fault))
        if fault.line
        else f"- {runtime.texts.fault(fault)}"
        for fault in faults[:MOST_FAULTS_SHOWN]
    ]
    rest = len(faults) - len(lines)
    return "\n".join([*lines, say("targets.more_faults", n=rest)] if rest else lines)


def _day_of(runtime: Runtime, year: int) -> date:
    """Return the day on which a unit must be in force to be given a target: today, within the year of the plan."""
    return min(max(runtime.clock.now().date(), date(year, 1, 1)), date(year, 12, 31))


def _by_place(given: list[Target] | tuple[Target, ...]) -> dict[tuple[str, str], int]:
    return {(target.unit_code, target.field): target.amount for target in given}
