"""Sorts the files of a mail by what they are, not by what they are called: workbooks, documents, and the rest."""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.domain.forms import Finding
from models.domain.plan import AttachmentRule
from models.domain.vietnamese import without_marks
from tasks.adapters.workbooks.guard import unpack_archive
from tasks.ports import MailFile
from tasks.settings import LimitSettings

ZIP: Final = b"PK"
OLE: Final = b"\xd0\xcf\x11\xe0"
PDF: Final = b"%PDF-"
PDF_TYPE: Final = "application/pdf"
HEAD_BYTES: Final = 1024
WORKBOOK_NAMES: Final = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosures:
    """The files of one arrival, sorted; `others` are neither and are kept with the original only."""

    workbooks: tuple[MailFile, ...] = ()
    documents: tuple[MailFile, ...] = ()
    """Files that are PDF by their content."""
    others: tuple[MailFile, ...] = ()
    findings: tuple[Finding, ...] = ()


class _Kind(StrEnum):
    WORKBOOK = "workbook"
    DOCUMENT = "document"
    ARCHIVE = "archive"
    OTHER = "other"


def sort_enclosures(files: Iterable[MailFile], limits: LimitSettings) -> Enclosures:
    """Return the files sorted; an archive that is no office file is opened, one level deep, within the limits."""
    sorted_files: dict[_Kind, list[MailFile]] = {kind: [] for kind in _Kind}
    findings: list[Finding] = []
    for file in files:
        kind = _kind_of(file)
        if kind is not _Kind.ARCHIVE:
            sorted_files[kind].append(file)
            continue
        members = unpack_archive(file.content, limits)
        if isinstance(members, Finding):
            findings.append(members)
            continue
        for name, content in members:
            member = MailFile(name=name, media_type="", content=content)
            sorted_files[_kind_of(member)].append(member)
    return Enclosures(
        workbooks=tuple(sorted_files[_Kind.WORKBOOK]),
        documents=tuple(sorted_files[_Kind.DOCUMENT]),
        others=(*sorted_files[_Kind.OTHER], *sorted_files[_Kind.ARCHIVE]),
        findings=tuple(findings),
    )


def attachments_brought(rules: Sequence[AttachmentRule], documents: Sequence[MailFile]) -> frozenset[str]:
    """Return which required documents are there: one document settles one rule.

    A document whose name says what it is settles that rule; those that say nothing settle the rest in their order.
    """
    left = list(documents)
    brought: list[str] = []
    for rule in rules:
        named = next((file for file in left if _is_called(file, rule)), None)
        if named is not None:
            left.remove(named)
            brought.append(rule.code)
    for rule in rules:
        if left and rule.code not in brought and PDF_TYPE in rule.media_types:
            left.pop(0)
            brought.append(rule.code)
    return frozenset(brought)


def _is_called(file: MailFile, rule: AttachmentRule) -> bool:
    name = f" {_plain_words(file.name)} "
    is_named = any(f" {_plain_words(words)} " in name for words in rule.name_words)
    return is_named and PDF_TYPE in rule.media_types


def _plain_words(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", without_marks(text)).split())


def _kind_of(file: MailFile) -> _Kind:
    """Tell by the content; the name decides only what the content leaves open."""
    if PDF in file.content[:HEAD_BYTES]:
        return _Kind.DOCUMENT
    has_workbook_name = file.name.lower().endswith(WORKBOOK_NAMES)
    if file.content.startswith(OLE):
        is_other = file.name.lower().endswith((".doc", ".ppt", ".msg"))
        return _Kind.OTHER if is_other else _Kind.WORKBOOK
    if file.content.startswith(ZIP):
        return _kind_of_package(_member_names(file), has_workbook_name=has_workbook_name)
    return _Kind.WORKBOOK if has_workbook_name else _Kind.OTHER


def _kind_of_package(names: Sequence[str], *, has_workbook_name: bool) -> _Kind:
    if any(name.startswith(("word/", "ppt/")) for name in names):
        return _Kind.OTHER
    is_office_file = any(name.startswith(("[content_types].xml", "mimetype")) for name in names)
    return _Kind.WORKBOOK if has_workbook_name or is_office_file else _Kind.ARCHIVE


def _member_names(file: MailFile) -> list[str]:
    """Look at the names alone; a damaged archive has none, and the guard says so."""
    try:
        return [name.lower() for name in zipfile.ZipFile(io.BytesIO(file.content)).namelist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        return []
