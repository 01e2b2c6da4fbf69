"""Gives out the tasks of an annex from a workbook, all of it or nothing, and closes what is known to be done."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles
from models.db.records.audit import note_action
from models.domain.assigned_tasks import AnnexTask, differences_to, has_annex, task_code, task_cycle
from models.domain.assignments import assigned_units
from models.domain.calendar import start_of
from models.domain.cycles import Cycle
from models.domain.duties import Mark, answered_at
from models.domain.errors import ActionRefusedError, Fault
from models.domain.plan import Obligation, Programme
from models.domain.roster import Roster
from models.domain.vocabulary import OFFICE_ZONE, Action, MarkKind
from tasks.adapters.programme.annex_file import AnnexSource, read_annex
from tasks.brought_files import brought_file, brought_workbook
from tasks.names import run_name
from tasks.open_cycles import open_assigned_cycle, roster_in_use
from tasks.operators import Signature, sign
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
MOST_FAULTS_SHOWN: Final = 50
BETWEEN: Final = "/"
"""Between the code of a task and that of its owner, where both name one duty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnexOrder:
    """What an operator asks for: the workbook below the home, the year of its tasks, and who answers for it."""

    file: str
    year: int
    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksImport:
    """What came of an import, by codes of cycles: tasks given out now, and given-out ones whose rows say otherwise."""

    opened: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By code in what the row differs (`annex.changed.…`); the task itself was left as it is."""
    missing: tuple[str, ...] = ()
    """Given out before, and no longer in the workbook; they are chased all the same."""


@task(name="import-tasks", task_run_name=run_name("import_tasks"), cache_policy=NO_CACHE)
def import_annex(runtime: Runtime, order: AnnexOrder) -> TasksImport:
    """Give out the tasks of a workbook that are new, in one transaction, and say in what the others differ.

    A task that was given out is never touched: importing again opens nothing twice.

    Raises:
        ActionRefusedError: nobody answers for it, the file cannot be read, no obligation has an annex, or something in
            the workbook is at fault; every fault is named, and nothing was given out.
    """
    signature = sign(runtime, order.operator, order.reason)
    programme, obligation = _annexed(runtime)
    content = brought_file(runtime, order.file).read_bytes()
    with runtime.sessions.begin() as session:
        roster = roster_in_use(runtime, session, programme)
        known = {cycle.code: cycle for cycle in cycles.cycles_of(session, obligation.code, opened_by=signature.at)}
        tasks = {
            task_code(obligation, order.year, each.number): each
            for each in _read(runtime, order, content, roster=roster, known=_numbered(obligation, order.year, known))
        }
        new = [
            task_cycle(programme, obligation, each, year=order.year, opens_at=signature.at)
            for code, each in tasks.items()
            if code not in known
        ]
        for cycle in new:
            _give_out(session, cycle, tasks[cycle.code], roster, signature)
        report = TasksImport(
            opened=tuple(cycle.code for cycle in new),
            changed=_changed(session, tasks, known),
            missing=tuple(sorted(_of_year(obligation, order.year, known) - tasks.keys())),
        )
        if new:
            entry = signature.entry(
                Action.IMPORT_TASKS,
                obligation.code,
                file=order.file,
                digest=hashlib.sha256(content).hexdigest(),
                opened=list(report.opened),
                changed={code: list(names) for code, names in report.changed.items()},
            )
            note_action(session, entry)
    logger.info(runtime.texts.say("log.tasks_given_out", n=len(report.opened), n_changed=len(report.changed)))
    return report


@task(name="close-task", task_run_name=run_name("close_task"), cache_policy=NO_CACHE)
def close_owed_task(runtime: Runtime, owed: str, *, done_on: date, operator: str, reason: str) -> str:
    """Record that the owner of a task has done it on a day, and return the task's code; once is enough.

    `owed` is the code of the task and that of its owner, such as `pl1-2025-3/so-y-te`.

    Raises:
        ActionRefusedError: nobody answers for it, there is no such task of that owner, or the day does not hold.
    """
    signature = sign(runtime, operator, reason)
    _, obligation = _annexed(runtime)
    code, _, unit_code = owed.partition(BETWEEN)
    with runtime.sessions.begin() as session:
        given_out = {each.code: each for each in cycles.cycles_of(session, obligation.code, opened_by=signature.at)}
        records = list(_duties(session, code)) if code in given_out else []
        record = next((each for each in records if each.duty.unit_code == unit_code), None)
        if record is None:
            raise ActionRefusedError("no_such_task", task=owed)
        _require_day(runtime, done_on, given_out[code], signature)
        if answered_at(record.duty, signature.at) is None:
            mark = Mark(
                kind=MarkKind.DONE, stated_at=start_of(done_on), reason=signature.reason, operator=signature.operator
            )
            cycles.add_mark(session, record.duty.id, mark)
            entry = signature.entry(Action.CLOSE_TASK, code, unit_code=unit_code, done_on=done_on.isoformat())
            note_action(session, entry)
    return code


def owed_tasks(runtime: Runtime, session: Session, as_of: datetime) -> list[tuple[str, str, str]]:
    """Return the tasks that are not answered at the instant, for choosing: task and owner, title, name of the owner."""
    obligations = [each for programme in runtime.programmes.values() for each in programme.obligations]
    return [
        (f"{cycle.code}{BETWEEN}{record.duty.unit_code}", cycle.title, record.duty.unit_name)
        for obligation in obligations
        if has_annex(obligation)
        for cycle in cycles.cycles_of(session, obligation.code, opened_by=as_of)
        for record in _duties(session, cycle.code)
        if answered_at(record.duty, as_of) is None
    ]


def _annexed(runtime: Runtime) -> tuple[Programme, Obligation]:
    """Return the first obligation whose tasks come from an annex, with its programme."""
    for programme in runtime.programmes.values():
        for obligation in programme.obligations:
            if has_annex(obligation):
                return programme, obligation
    raise ActionRefusedError("no_annex")


def _read(
    runtime: Runtime, order: AnnexOrder, content: bytes, *, roster: Roster, known: Mapping[str, Cycle]
) -> tuple[AnnexTask, ...]:
    source = AnnexSource(
        file=order.file,
        raw=brought_workbook(runtime, order.file, content),
        roster=roster,
        opens_on=runtime.clock.now().astimezone(OFFICE_ZONE).date(),
        given_out={number: cycle.opens_at.astimezone(OFFICE_ZONE).date() for number, cycle in known.items()},
    )
    reading = read_annex(source, runtime.texts)
    if reading.faults:
        n = len(reading.faults)
        raise ActionRefusedError("annex_at_fault", file=order.file, n=n, faults=_listed(runtime, reading.faults))
    return reading.tasks


def _listed(runtime: Runtime, faults: tuple[Fault, ...]) -> str:
    say = runtime.texts.say
    lines = [
        say("annex.fault", sheet=fault.sheet, row=fault.line, text=runtime.texts.fault(fault))
        if fault.line
        else say("annex.fault_of_file", text=runtime.texts.fault(fault))
        for fault in faults[:MOST_FAULTS_SHOWN]
    ]
    rest = len(faults) - len(lines)
    return "\n".join([*lines, say("annex.more_faults", n=rest)] if rest else lines)


def _numbered(obligation: Obligation, year: int, known: Mapping[str, Cycle]) -> dict[str, Cycle]:
    before, _, after = task_code(obligation, year, "\n").partition("\n")
    codes = _of_year(obligation, year, known)
    return {code.removeprefix(before).removesuffix(after): known[code] for code in codes}


def _of_year(obligation: Obligation, year: int, known: Mapping[str, Cycle]) -> set[str]:
    before, _, after = task_code(obligation, year, "\n").partition("\n")
    return {code for code in known if code.startswith(before) and code.endswith(after)}


def _give_out(session: Session, cycle: Cycle, given: AnnexTask, roster: Roster, signature: Signature) -> None:
    units = assigned_units(roster, given.unit_codes, cycle.opens_at.astimezone(OFFICE_ZONE).date())
    open_assigned_cycle(session, cycle, units, opened_at=signature.at)


def _changed(
    session: Session, tasks: Mapping[str, AnnexTask], known: Mapping[str, Cycle]
) -> dict[str, tuple[str, ...]]:
    found = {}
    for code in tasks.keys() & known.keys():
        owners = {record.duty.unit_code for record in _duties(session, code)}
        found[code] = differences_to(tasks[code], known[code], owners)
    return {code: names for code, names in sorted(found.items()) if names}


def _duties(session: Session, code: str) -> list[cycles.DutyRecord]:
    return [record for chunk in cycles.duties_in_chunks(session, code, size=500) for record in chunk]


def _require_day(runtime: Runtime, done_on: date, cycle: Cycle, signature: Signature) -> None:
    today = signature.at.astimezone(OFFICE_ZONE).date()
    opened_on = cycle.opens_at.astimezone(OFFICE_ZONE).date()
    if not opened_on <= done_on <= today:
        raise ActionRefusedError(
            "task_done_on",
            done_on=runtime.texts.day(done_on),
            opened_on=runtime.texts.day(opened_on),
            today=runtime.texts.day(today),
        )
