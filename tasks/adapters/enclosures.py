"""Sorts the files of a mail by what they are, not by what they are called: workbooks, documents, and the rest."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from models.domain.forms import Finding, finding
from models.domain.plan import AttachmentRule
from models.domain.vietnamese import plain_words
from tasks.adapters.workbooks.guard import unpack_archive
from tasks.ports import Enclosures, MailFile
from tasks.settings import LimitSettings

ZIP: Final = b"PK"
OLE: Final = b"\xd0\xcf\x11\xe0"
PDF: Final = b"%PDF-"
PDF_TYPE: Final = "application/pdf"
HEAD_BYTES: Final = 1024
RAR: Final = b"Rar!\x1a\x07"
SEVEN_ZIP: Final = b"7z\xbc\xaf\x27\x1c"
WORD_STREAM: Final = "WordDocument".encode("utf-16-le")
WORD_NAMES: Final = (".doc", ".docx", ".docm", ".rtf", ".odt", ".wps")
TABLE_NAMES: Final = (".csv", ".tsv")
WORKBOOK_NAMES: Final = (".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlt", ".xlsb", ".ods", ".et")


class _Kind(StrEnum):
    WORKBOOK = "workbook"
    DOCUMENT = "document"
    ARCHIVE = "archive"
    OTHER = "other"


def sort_enclosures(files: Iterable[MailFile], limits: LimitSettings) -> Enclosures:
    """Return the files sorted; an archive that is no office file is opened, one level deep, within the limits.

    All archives of one mail together may inflate to what one of them may.
    """
    sorted_files: dict[_Kind, list[MailFile]] = {kind: [] for kind in _Kind}
    findings: list[Finding] = []
    left = limits.inflated_bytes
    for n, file in enumerate(files):
        kind = _kind_of(file)
        if kind is not _Kind.ARCHIVE:
            sorted_files[kind].append(file)
            continue
        members = unpack_archive(file.content, limits.model_copy(update={"inflated_bytes": left}))
        if isinstance(members, Finding):
            findings.append(members)
            continue
        left -= sum(len(content) for _, content in members)
        for name, content in members:
            *folders, shown = name.split("/")
            place = (*file.place, f"{n} {file.name}", *folders)
            member = MailFile(name=shown, media_type="", content=content, place=place)
            sorted_files[_kind_of(member)].append(member)
    unusable = (_unusable(file) for file in sorted_files[_Kind.OTHER])
    return Enclosures(
        workbooks=tuple(sorted_files[_Kind.WORKBOOK]),
        documents=tuple(sorted_files[_Kind.DOCUMENT]),
        others=(*sorted_files[_Kind.OTHER], *sorted_files[_Kind.ARCHIVE]),
        findings=tuple(findings),
        unusable=tuple(dict.fromkeys(item for item in unusable if item is not None)),
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
    name = f" {plain_words(file.name)} "
    is_named = any(f" {plain_words(words)} " in name for words in rule.name_words)
    return is_named and PDF_TYPE in rule.media_types


def _kind_of(file: MailFile) -> _Kind:
    """Tell by the content; the name decides only what the content leaves open."""
    if PDF in file.content[:HEAD_BYTES]:
        return _Kind.DOCUMENT
    has_workbook_name = file.name.lower().endswith(WORKBOOK_NAMES)
    if file.content.startswith(OLE):
        return _Kind.OTHER if _is_other_ole(file) else _Kind.WORKBOOK
    if file.content.startswith(ZIP):
        return _kind_of_package(_member_names(file), has_workbook_name=has_workbook_name)
    return _Kind.WORKBOOK if has_workbook_name and not _is_foreign_archive(file) else _Kind.OTHER


def _is_other_ole(file: MailFile) -> bool:
    """Say whether an OLE container is known to be no workbook; one with a password does not tell, but by its name."""
    return file.name.lower().endswith((*WORD_NAMES, ".ppt", ".msg")) or WORD_STREAM in file.content


def _is_foreign_archive(file: MailFile) -> bool:
    return file.content.startswith((RAR, SEVEN_ZIP))


def _unusable(file: MailFile) -> Finding | None:
    """Say what to do about a file that may well hold the unit's answer, but in a form that nobody reads by program."""
    name = file.name.lower()
    if _is_foreign_archive(file) or name.endswith((".rar", ".7z")):
        return finding("archive_is_not_zip", name=file.name)
    if name.endswith(".msg"):
        return finding("file_is_outlook_mail", name=file.name)
    if name.endswith(WORD_NAMES) or WORD_STREAM in file.content:
        return finding("file_is_word", name=file.name)
    return finding("file_is_csv", name=file.name) if name.endswith(TABLE_NAMES) else None


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
