"""Reads a programme's folder as a whole: all of it or nothing, and every fault at once.

`plan.yaml`, `forms/*.yaml`, `holidays.csv` and `roster.xlsx` are read here; what they mean is the domain's business.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from models.domain.errors import Fault, ProgrammeInvalidError
from models.domain.forms import FormSpec
from models.domain.plan import Programme
from tasks.adapters.programme.faults import understood
from tasks.adapters.programme.form_file import FormWritten
from tasks.adapters.programme.holidays_file import Override, build_calendar, read_overrides, unconfirmed_years
from tasks.adapters.programme.located_yaml import MAX_BYTES, LocatedDocument, read_yaml
from tasks.adapters.programme.order_checks import names_in, order_faults_of_form, order_faults_of_plan
from tasks.adapters.programme.plan_file import PlanWritten
from tasks.adapters.programme.reference_checks import unknown_indicators, unknown_units
from tasks.adapters.programme.roster_file import MAX_BYTES as MAX_ROSTER_BYTES
from tasks.adapters.programme.roster_file import RosterReading, roster_in
from tasks.adapters.programme.tier_checks import (
    TierFault,
    children_without_parent,
    filled_from_no_children,
    forms_not_filled,
    parents_never_told,
    parents_without_contact,
)

PLAN: Final = "plan.yaml"
HOLIDAYS: Final = "holidays.csv"
ROSTER: Final = "roster.xlsx"
FORMS: Final = "forms"


@dataclass(frozen=True, slots=True)
class ProgrammeReading:
    """What came of reading a folder: the programme when there is no fault, and remarks that do not stop it."""

    programme: Programme | None
    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]


@dataclass(slots=True)
class _Folder:
    """The files of a folder as they are read: their digests and their faults."""

    path: Path
    sources: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def read(self, name: str, *, max_bytes: int) -> bytes | None:
        """Return a file's bytes (never more than one byte over the limit), or note that it is missing."""
        try:
            with (self.path / name).open("rb") as stream:
                content = stream.read(max_bytes + 1)
        except OSError:
            self.faults.append(Fault.at(name, 0, "file_missing", found=name))
            return None
        self.sources[name] = hashlib.sha256(content).hexdigest()
        return content

    def yaml(self, name: str) -> LocatedDocument | None:
        """Return a YAML file of the folder, noting its faults."""
        content = self.read(name, max_bytes=MAX_BYTES)
        if content is None:
            return None
        document, faults = read_yaml(content, name)
        self.faults += faults
        return document


def load_programme(folder: Path) -> Programme:
    """Return the programme of a folder; one whose files are the same to the byte is read once in a process.

    Raises:
        ProgrammeInvalidError: the folder has faults; all of them are carried.
    """
    return _programme_of(folder.resolve(), _fingerprint(folder))


@lru_cache(maxsize=8)
def _programme_of(folder: Path, _fingerprint: str) -> Programme:
    reading = read_programme(folder)
    if reading.programme is None:
        raise ProgrammeInvalidError(reading.faults)
    return reading.programme


def _fingerprint(folder: Path) -> str:
    """Return what changes with every byte of the folder's files, and with their names."""
    digest = hashlib.sha256()
    names = [PLAN, HOLIDAYS, ROSTER, *(f"{FORMS}/{path.name}" for path in sorted((folder / FORMS).glob("*.yaml")))]
    for name in names:
        content = _beginning(folder / name)
        digest.update(f"{name}|{len(content)}|".encode() + content)
    return digest.hexdigest()


def _beginning(path: Path) -> bytes:
    """Return as much of a file as is ever read of one; nothing of one that is not there."""
    if not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(MAX_ROSTER_BYTES + 1)


def check_programme(folder: Path) -> list[Fault]:
    """Return every fault of a folder, in the order of its files and lines; none means that it can be loaded."""
    return list(read_programme(folder).faults)


def read_programme(folder: Path) -> ProgrammeReading:
    """Return the programme of a folder if it has no fault, its faults, and remarks on what may be amiss."""
    files = _Folder(folder)
    document = files.yaml(PLAN)
    form_documents = _form_documents(files)
    names = _names(document, form_documents)
    plan = _plan(files, document, names)
    forms = _forms(files, form_documents, names)
    overrides = _overrides(files)
    roster = _roster(files, names_in(document, "groups"))
    if document is not None and roster is not None and not roster.faults:
        files.faults += unknown_units(document, {unit.code for unit in roster.roster.units})
        files.faults += [_placed(document, each) for each in _tier_faults(plan, roster)]
    if document is not None and len(forms) == len(form_documents):
        files.faults += unknown_indicators(document, _codes_in(forms))
    if files.faults or document is None or plan is None or roster is None:
        return ProgrammeReading(None, _sorted(files.faults), ())
    years = range(
        min(written.first_year for written in plan.obligations),
        max(written.last_year for written in plan.obligations) + 2,
    )
    programme = Programme(
        code=plan.code,
        title=plan.title,
        short_title=plan.short_title,
        basis=plan.basis,
        plan_document=plan.plan_document,
        desk=plan.desk.to_domain(),
        groups=dict(plan.groups),
        obligations=plan.obligations_in_domain(),
        forms=forms,
        calendar=build_calendar(years, overrides),
        office_hours=plan.hours(),
        roster=roster.roster,
        distribution=tuple(written.to_domain() for written in plan.distribution),
        criteria=tuple(written.to_domain() for written in plan.criteria),
        sources=files.sources,
    )
    return ProgrammeReading(
        programme,
        (),
        (
            *(_placed(document, each) for each in _tier_remarks(programme)),
            *unconfirmed_years(years, overrides, HOLIDAYS),
            *roster.remarks,
        ),
    )


def _tier_faults(plan: PlanWritten | None, roster: RosterReading) -> Iterator[TierFault]:
    if plan is not None:
        obligations = plan.obligations_in_domain()
        yield from children_without_parent(obligations, roster.roster)
        yield from filled_from_no_children(obligations)


def _tier_remarks(programme: Programme) -> Iterator[TierFault]:
    yield from parents_without_contact(programme.obligations, programme.roster)
    yield from parents_never_told(programme.obligations)
    yield from forms_not_filled(programme)


def _placed(document: LocatedDocument, amiss: TierFault) -> Fault:
    place = ("obligations", amiss.obligation, "rules", amiss.rule, amiss.key)
    return document.fault(place, amiss.code, **amiss.facts)


def _form_documents(files: _Folder) -> dict[str, LocatedDocument | None]:
    """Return each form's document by the name of its file, which is the form's code."""
    return {path.stem: files.yaml(f"{FORMS}/{path.name}") for path in sorted((files.path / FORMS).glob("*.yaml"))}


def _names(
    document: LocatedDocument | None, form_documents: Mapping[str, LocatedDocument | None]
) -> dict[str, Collection[str]]:
    names: dict[str, Collection[str]] = {"forms": list(form_documents)}
    for key in ("groups", "ladders", "attachments", "obligations"):
        found = names_in(document, key)
        if found is not None:
            names[key] = found
    if document is not None:
        names.setdefault("attachments", ())
    return names


def _plan(files: _Folder, document: LocatedDocument | None, names: Mapping[str, Collection[str]]) -> PlanWritten | None:
    if document is None:
        return None
    plan, faults = understood(PlanWritten, document, names)
    files.faults += [*faults, *order_faults_of_plan(document)]
    return plan


def _forms(
    files: _Folder, documents: Mapping[str, LocatedDocument | None], names: Mapping[str, Collection[str]]
) -> dict[str, FormSpec]:
    forms: dict[str, FormSpec] = {}
    for code, document in documents.items():
        if document is None:
            continue
        own_names = {**names, "fields": names_in(document, "fields") or ()}
        form, faults = understood(FormWritten, document, own_names)
        files.faults += [*faults, *order_faults_of_form(document, code)]
        if form is not None:
            forms[code] = form.to_domain()
    return forms


def _codes_in(forms: Mapping[str, FormSpec]) -> set[str]:
    """Return every code by which a plan may name something of a form."""
    fields = {code for form in forms.values() for field in form.fields for code in (field.code, field.indicator)}
    return fields | {section.code for form in forms.values() for section in form.narratives}


def _overrides(files: _Folder) -> tuple[Override, ...]:
    content = files.read(HOLIDAYS, max_bytes=MAX_BYTES)
    if content is None:
        return ()
    overrides, faults = read_overrides(content, HOLIDAYS)
    files.faults += faults
    return overrides


def _roster(files: _Folder, groups: Collection[str] | None) -> RosterReading | None:
    content = files.read(ROSTER, max_bytes=MAX_ROSTER_BYTES)
    if content is None:
        return None
    reading = roster_in(content, groups=groups, file=ROSTER)
    files.faults += reading.faults
    return reading


def _sorted(faults: list[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (fault.file, fault.sheet, fault.line, fault.code)))
