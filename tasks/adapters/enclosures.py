"""Sorts the files of a mail by what they are, not by what they are called: workbooks, documents, and the rest."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from models.domain.forms import Finding
from models.domain.plan import AttachmentRule
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


def sort_enclosures(files: Iterable[MailFile], limits: LimitSettings) -> Enclosures:
    """Return the files sorted; an archive that is no office file is opened, one level deep, within the limits."""
    unpacked: list[MailFile] = []
    findings: list[Finding] = []
    for file in files:
        if not _is_plain_archive(file):
            unpacked.append(file)
            continue
        members = unpack_archive(file.content, limits)
        if isinstance(members, Finding):
            findings.append(members)
        else:
            unpacked += [MailFile(name=name, media_type="", content=content) for name, content in members]
    return Enclosures(
        workbooks=tuple(file for file in unpacked if _is_workbook(file)),
        documents=tuple(file for file in unpacked if _is_pdf(file)),
        others=tuple(file for file in unpacked if not _is_workbook(file) and not _is_pdf(file)),
        findings=tuple(findings),
    )


def attachments_brought(rules: Sequence[AttachmentRule], documents: Sequence[MailFile]) -> frozenset[str]:
    """Return which required documents are there: one document settles one rule, in the order of the rules."""
    left = [PDF_TYPE for _ in documents]
    brought = []
    for rule in rules:
        fitting = next((media_type for media_type in left if media_type in rule.media_types), None)
        if fitting is not None:
            left.remove(fitting)
            brought.append(rule.code)
    return frozenset(brought)


def _is_pdf(file: MailFile) -> bool:
    return PDF in file.content[:HEAD_BYTES]


def _is_workbook(file: MailFile) -> bool:
    if file.content.startswith(OLE):
        return not file.name.lower().endswith((".doc", ".ppt", ".msg"))
    if file.content.startswith(ZIP):
        return not _has_member(file, "word/") and not _has_member(file, "ppt/")
    return file.name.lower().endswith(WORKBOOK_NAMES)


def _is_plain_archive(file: MailFile) -> bool:
    if not file.content.startswith(ZIP) or file.name.lower().endswith(WORKBOOK_NAMES):
        return False
    return not _has_member(file, "[content_types].xml") and not _has_member(file, "mimetype")


def _has_member(file: MailFile, beginning: str) -> bool:
    """Look at the names alone; a damaged archive has none, and the guard says so."""
    try:
        names = zipfile.ZipFile(io.BytesIO(file.content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        return False
    return any(name.lower().startswith(beginning) for name in names)
