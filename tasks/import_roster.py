"""Loads a roster's workbook, all of it or nothing, and shows who is in force on a day."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from models.db.records import rosters
from models.db.records.audit import AuditEntry, note_action
from models.domain.errors import ActionRefusedError, Fault
from models.domain.plan import Programme
from models.domain.roster import Roster, Unit
from tasks.adapters.programme import (
    RosterReading,
    children_without_parent,
    parents_without_contact,
    read_roster,
    write_roster,
)
from tasks.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterImport:
    """What came of an import: with faults nothing was loaded; remarks name what a person should look at."""

    n_units: int
    n_contacts: int
    faults: Sequence[Fault]
    remarks: Sequence[Fault]


def import_roster(runtime: Runtime, file: Path, *, operator: str, entry: AuditEntry | None = None) -> RosterImport:
    """Put the workbook's roster in the place of the one that is there; open cycles keep what they froze.

    The roster belongs to the first programme of the home. `entry` is written into the audit with it.
    """
    programme = first_programme(runtime)
    reading = read_roster_for(programme, file)
    if not reading.faults:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        with runtime.sessions.begin() as session:
            rosters.replace_roster(session, programme.code, reading.roster)
            rosters.note_import(session, programme.code, digest=digest, operator=operator, at=runtime.clock.now())
            if entry is not None:
                note_action(session, entry)
    return RosterImport(
        n_units=len(reading.roster.units),
        n_contacts=len(reading.roster.contacts),
        faults=reading.faults,
        remarks=reading.remarks,
    )


def read_roster_for(programme: Programme, file: Path) -> RosterReading:
    """Return a workbook's roster with its faults and remarks, those against the programme's own rules among them."""
    reading = read_roster(file, groups=programme.groups, file=file.name)
    if reading.faults:
        return reading
    orphans = children_without_parent(programme.obligations, reading.roster)
    silent = parents_without_contact(programme.obligations, reading.roster)
    return replace(
        reading,
        faults=tuple(each.in_roster(file.name) for each in orphans),
        remarks=(*reading.remarks, *(each.in_roster(file.name) for each in silent)),
    )


def roster_in_force(runtime: Runtime, on: date, *, limit: int | None = None) -> tuple[Unit, ...]:
    """Return the units in force on a day: of the roster that was imported, else of the programme's folder.

    With a limit at most so many, any of them: enough to know that there are more than somebody wants to read.
    """
    programme = first_programme(runtime)
    with runtime.sessions() as session:
        if rosters.last_import_digest(session, programme.code) is None:
            return programme.roster.in_force(on)[:limit]
        return Roster(tuple(rosters.units_in_force(session, programme.code, on, limit=limit)), ()).in_force(on)


def present_roster(runtime: Runtime) -> Roster:
    """Return the roster that was imported last, else that of the first programme's folder."""
    programme = first_programme(runtime)
    with runtime.sessions() as session:
        if rosters.last_import_digest(session, programme.code) is None:
            return programme.roster
        return rosters.load_roster(session, programme.code)


def export_roster(runtime: Runtime, file: Path) -> Roster:
    """Write the present roster as a workbook that can be imported again, and return it.

    Raises:
        ActionRefusedError: there is something at that place already; nothing was written.
    """
    if file.exists():
        raise ActionRefusedError("file_in_the_way", file=str(file))
    roster = present_roster(runtime)
    write_roster(roster, first_programme(runtime).groups, runtime.texts, file)
    return roster


def first_programme(runtime: Runtime) -> Programme:
    """Return the programme that the home's roster belongs to."""
    return next(iter(runtime.programmes.values()))
