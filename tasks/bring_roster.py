"""Loads a roster that an operator laid into the home: shows what it would change, then all of it or nothing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from models.db.records import rosters
from models.domain.errors import ActionRefusedError, Fault
from models.domain.roster import Roster, Unit
from models.domain.vocabulary import OFFICE_ZONE, Action
from tasks.adapters.programme import read_roster
from tasks.brought_files import brought_file
from tasks.handle_duties import Done
from tasks.import_roster import first_programme, import_roster, roster_in_force
from tasks.names import run_name
from tasks.operators import Signature
from tasks.runtime import Runtime

PREVIEW_KEY = "nap-danh-sach-don-vi"


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterChange:
    """What a new roster would change of one unit, or a fault of its file; `what` is a code of `roster.change`."""

    what: str
    unit: str = ""
    detail: str = ""


@task(name="preview-roster", task_run_name=run_name("preview_roster"), cache_policy=NO_CACHE)
def preview_roster(runtime: Runtime, name: str, *, signature: Signature) -> list[RosterChange]:
    """Show in the run's pages what the file would change as of today, and its faults; nothing is written."""
    changes = roster_changes(runtime, name, signature=signature)
    rows = [
        {
            runtime.texts.say("roster.preview.what"): runtime.texts.say(f"roster.change.{change.what}"),
            runtime.texts.say("roster.preview.unit"): change.unit or "–",
            runtime.texts.say("roster.preview.detail"): change.detail or "–",
        }
        for change in changes
    ]
    description = runtime.texts.say("roster.preview.heading", file=name, n=len(changes))
    create_table_artifact(key=PREVIEW_KEY, table=rows, description=description)
    return changes


@task(name="import-roster", task_run_name=run_name("import_roster"), cache_policy=NO_CACHE)
def bring_roster(runtime: Runtime, name: str, *, signature: Signature) -> Done:
    """Load the file's roster, all of it or nothing; the file that was loaded last does nothing new.

    Raises:
        ActionRefusedError: the file is not there, lies outside the home, or has faults; the first one is named.
    """
    path = brought_file(runtime, name)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    programme = first_programme(runtime)
    with runtime.sessions() as session:
        if rosters.last_import_digest(session, programme.code) == digest:
            return Done(action=Action.IMPORT_ROSTER, n_changed=0)
    entry = signature.entry(Action.IMPORT_ROSTER, path.name, digest=digest)
    result = import_roster(runtime, path, operator=signature.operator, entry=entry)
    if result.faults:
        raise _refused(runtime, path, result.faults)
    return Done(action=Action.IMPORT_ROSTER, n_changed=result.n_units)


def roster_changes(runtime: Runtime, name: str, *, signature: Signature) -> list[RosterChange]:
    """Return the faults of a roster's file, else what it would change today: units, names, addresses."""
    path = brought_file(runtime, name)
    reading = read_roster(path, groups=first_programme(runtime).groups, file=path.name)
    if reading.faults:
        return [RosterChange(what="fault", detail=_written(runtime, fault)) for fault in reading.faults]
    today = signature.at.astimezone(OFFICE_ZONE).date()
    before = {unit.code: unit for unit in roster_in_force(runtime, today)}
    after = {unit.code: unit for unit in reading.roster.in_force(today)}
    remarks = [RosterChange(what="remark", detail=_written(runtime, fault)) for fault in reading.remarks]
    return [*_differences(before, after), *_new_addresses(runtime, reading.roster), *remarks]


def _differences(before: dict[str, Unit], after: dict[str, Unit]) -> list[RosterChange]:
    changes = [RosterChange(what="added", unit=unit.name) for code, unit in after.items() if code not in before]
    changes += [RosterChange(what="removed", unit=unit.name) for code, unit in before.items() if code not in after]
    changes += [
        RosterChange(what="renamed", unit=before[code].name, detail=unit.name)
        for code, unit in after.items()
        if code in before and before[code].name != unit.name
    ]
    return changes


def _new_addresses(runtime: Runtime, roster: Roster) -> list[RosterChange]:
    programme = first_programme(runtime)
    with runtime.sessions() as session:
        present = rosters.load_roster(session, programme.code)
    known = {(contact.unit_code, contact.email.lower()) for contact in present.contacts}
    brought = {(contact.unit_code, contact.email.lower()) for contact in roster.contacts}
    changes = [("address_added", pair) for pair in sorted(brought - known)]
    changes += [("address_removed", pair) for pair in sorted(known - brought)]
    return [RosterChange(what=what, unit=unit, detail=address) for what, (unit, address) in changes]


def _refused(runtime: Runtime, path: Path, faults: Sequence[Fault]) -> ActionRefusedError:
    return ActionRefusedError(
        "roster_has_faults", file=path.name, n=len(faults), first=_written(runtime, faults[0]).rstrip(".")
    )


def _written(runtime: Runtime, fault: Fault) -> str:
    sentence = runtime.texts.fault(fault)
    return (
        runtime.texts.say("roster.preview.row", sheet=fault.sheet, row=fault.line, text=sentence)
        if fault.line
        else sentence
    )
