"""Reads a document of the e-office trunk (edXML, QCVN 102:2016): its number, date, signer and the files it carries.

Elements are known by their local names, for offices write them with and without a namespace, and roots `EdXML`,
`edXML` and `EdXMLEnvelope`. No declaration of any kind is read, depth and number of elements are bounded, and nothing
is fetched from anywhere.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePath
from typing import Final
from xml.parsers import expat

from models.domain.forms import Finding, finding
from models.domain.vietnamese import tidy
from tasks.ports import MailFile, OfficialDocument, ParsedMail
from tasks.settings import LimitSettings

ROOTS: Final = frozenset({"edxml", "edxmlenvelope"})
HEAD_BYTES: Final = 1024
DEPTH_READ: Final = 40
ELEMENTS_READ: Final = 20_000
FILES_READ: Final = 100
CHARACTERS_OF_FIELD: Final = 2_000
ATTACHMENT: Final = "attachment"
CONTENTS: Final = frozenset({"contenttransferencoded", "attachcontent", "filecontent"})
FILE_FIELDS: Final = frozenset({"attachmentname", "filename", "contentid"}) | CONTENTS
_HEAD: Final = re.compile(rb"<(?:[\w.-]+:)?(?:EdXML|EdXMLEnvelope)[\s>]", re.IGNORECASE)
_ISO_DAY: Final = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?!\d)")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)")


class _RefusedError(Exception):
    """The document holds what no e-office writes."""


@dataclass(slots=True)
class _File:
    name: str = ""
    content_id: str = ""
    pieces: list[str] = field(default_factory=list)


def is_edxml(content: bytes) -> bool:
    """Say whether bytes begin as a document of the trunk does."""
    head = content[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"<") and _HEAD.search(head) is not None


def read_edxml(content: bytes, limits: LimitSettings) -> ParsedMail:
    """Return what a document says and carries, as a mail would have; what cannot be read is a finding."""
    if len(content) > limits.mail_bytes:
        return ParsedMail(findings=(finding("edxml_unreadable"),))
    reader = _Reader()
    try:
        reader.read(content)
        files = tuple(_file(each, reader.names) for each in reader.files)
    except (_RefusedError, expat.ExpatError, ValueError, binascii.Error, LookupError):
        # What was read by then is kept, for it may say that nothing of the document is to be.
        marks = tuple(reader.short_fields())
        return ParsedMail(subject=reader.field("subject"), marks=marks, findings=(finding("edxml_unreadable"),))
    findings: tuple[Finding, ...] = () if files else (finding("edxml_without_files"),)
    return ParsedMail(
        subject=reader.field("subject"),
        files=files,
        document=_document(reader),
        marks=tuple(reader.short_fields()),
        findings=findings,
    )


def with_documents(mail: ParsedMail, limits: LimitSettings) -> ParsedMail:
    """Return a mail with the e-office documents among its files opened: what they carry stands in their place."""
    if not any(is_edxml(file.content) for file in mail.files):
        return mail
    files: list[MailFile] = []
    for n, file in enumerate(mail.files):
        if not is_edxml(file.content):
            files.append(file)
            continue
        inside = read_edxml(file.content, limits)
        files.extend(replace(each, place=(*file.place, f"{n} {file.name}")) for each in inside.files)
        mail = replace(
            mail,
            document=inside.document,
            marks=(*mail.marks, PurePath(file.name).stem, inside.subject, *inside.marks),
            findings=(*mail.findings, *inside.findings),
        )
    return replace(mail, files=tuple(files))


class _Reader:
    """Collects the texts of the header and the files; holds no tree."""

    def __init__(self) -> None:
        self.files: list[_File] = []
        self.names: dict[str, str] = {}
        """By content id the name that the manifest gives."""
        self._fields: dict[str, str] = {}
        self._open: list[str] = []
        self._text: list[str] = []
        self._reference = _File()
        self._n_elements = 0

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(content, True)  # noqa: FBT003 - expat's own way to say that this is all

    def field(self, name: str) -> str:
        return self._fields.get(name, "")

    def short_fields(self) -> list[str]:
        return [text for name, text in self._fields.items() if name != "subject" and text]

    def _refuse(self, *_declared: object) -> None:
        raise _RefusedError

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._n_elements += 1
        if len(self._open) >= DEPTH_READ or self._n_elements > ELEMENTS_READ or len(self.files) > FILES_READ:
            raise _RefusedError
        local = name.rpartition(":")[2].lower()
        if not self._open and local not in ROOTS:
            raise _RefusedError
        self._open.append(local)
        self._text = []
        if local == ATTACHMENT:
            self.files.append(_File())
        if local == "reference":
            self._reference = _File()

    def _characters(self, text: str) -> None:
        self._text.append(text)

    def _end(self, _name: str) -> None:
        local = self._open.pop()
        pieces, self._text = self._text, []
        if ATTACHMENT in self._open and local in FILE_FIELDS:
            _fill(self.files[-1], local, pieces)
        elif "reference" in self._open:
            _fill(self._reference, local, pieces)
            self.names[self._reference.content_id] = self._reference.name
        elif ATTACHMENT not in self._open and local not in self._fields:
            self._fields[local] = tidy("".join(pieces)[:CHARACTERS_OF_FIELD])


def _fill(file: _File, local: str, pieces: list[str]) -> None:
    if local in CONTENTS:
        file.pieces = pieces
    elif local in {"attachmentname", "filename"}:
        file.name = tidy("".join(pieces)[:CHARACTERS_OF_FIELD])
    elif local == "contentid":
        file.content_id = "".join(pieces).strip().removeprefix("cid:")


def _file(file: _File, names: dict[str, str]) -> MailFile:
    content = base64.b64decode("".join("".join(file.pieces).split()), validate=True)
    name = file.name or names.get(file.content_id, "")
    return MailFile(name=re.split(r"[/\\]", name)[-1], media_type="", content=content)


def _document(reader: _Reader) -> OfficialDocument:
    number, notation = reader.field("codenumber"), reader.field("codenotation")
    is_whole = not number or notation.startswith(number)
    return OfficialDocument(
        number=(notation if is_whole else f"{number}/{notation.lstrip('/')}".rstrip("/"))[:300],
        signed_on=_day(reader.field("promulgationdate")),
        signer=(reader.field("fullname") or reader.field("signer"))[:300],
    )


def _day(text: str) -> date | None:
    """Return a date as offices of the trunk write it, the year first or last; None when it is none."""
    iso, day_first = _ISO_DAY.match(text), _DAY_FIRST.match(text)
    try:
        if iso is not None:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        return date(int(day_first[3]), int(day_first[2]), int(day_first[1])) if day_first is not None else None
    except ValueError:
        return None
