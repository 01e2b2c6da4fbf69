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
from models.domain.roster import roster_changes
from models.domain.vocabulary import Action
from tasks.adapters.programme import change_in_words
from tasks.brought_files import brought_file
from tasks.handle_duties import Done
from tasks.import_roster import first_programme, import_roster, present_roster, read_roster_for
from tasks.names import run_name
from tasks.operators import Signature
from tasks.runtime import Runtime

PREVIEW_KEY = "nap-danh-sach-don-vi"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLine:
    """What a new roster would change, in words, or a fault of its file."""

    what: str
    unit: str = ""
    detail: str = ""


@task(name="preview-roster", task_run_name=run_name("preview_roster"), cache_policy=NO_CACHE)
def preview_roster(runtime: Runtime, name: str) -> list[PreviewLine]:
    """Show in the run's pages what the file would change, and its faults; nothing is written."""
    path = brought_file(runtime, name)
    changes = preview_lines(runtime, path)
    rows = [
        {
            runtime.texts.say("roster.preview.what"): change.what,
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


def preview_lines(runtime: Runtime, path: Path) -> list[PreviewLine]:
    """Return every fault of a roster's file, else all that it would change of the present roster, and its remarks."""
    texts = runtime.texts
    reading = read_roster_for(first_programme(runtime), path)
    if reading.faults:
        fault = texts.say("roster.change.fault")
        return [PreviewLine(what=fault, detail=_written(runtime, each)) for each in reading.faults]
    present = present_roster(runtime)
    names = {unit.code: unit.name for unit in (*present.units, *reading.roster.units)}
    lines = [
        PreviewLine(
            what=texts.label(change.kind),
            unit=names.get(change.code, change.code),
            detail=change_in_words(change, texts),
        )
        for change in roster_changes(present, reading.roster)
    ]
    remark = texts.say("roster.change.remark")
    return [*lines, *(PreviewLine(what=remark, detail=_written(runtime, each)) for each in reading.remarks)]


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
