"""Takes one arrival apart as far as may be: the mail, its files, the cells of its workbooks; runs in a worker process.

What kills the worker at one effort is tried again at a lesser one, so that at least who wrote is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import IntEnum

from models.domain.forms import finding
from tasks.adapters.edxml import is_edxml, read_edxml, with_documents
from tasks.adapters.enclosures import sort_enclosures
from tasks.adapters.mail_reading import MailReader
from tasks.adapters.secrecy import Scrutiny, SecrecyScreen, forget_texts
from tasks.adapters.winmail import files_in_winmail
from tasks.adapters.workbooks.guard import Inspection, forget_parts, inspect
from tasks.adapters.workbooks.reading import read_workbook
from tasks.ports import Brought, Enclosures, FirstLook, MailFile, ParsedMail, Unpacked
from tasks.settings import MEBIBYTE, LimitSettings

TNEF = b"\x78\x9f\x3e\x22"


class Effort(IntEnum):
    """How far an arrival is taken apart."""

    ALL = 0
    FILES_ONLY = 1
    """Workbooks are found but not read, and winmail.dat stays shut."""
    ENVELOPE_ONLY = 2


def look_at(
    brought: Brought,
    reader: MailReader,
    screen: SecrecyScreen,
    limits: LimitSettings,
    scrutiny: Scrutiny = Scrutiny.EVERYTHING,
) -> FirstLook:
    """Return who sent an arrival and whether it may be kept, as far as is looked."""
    mail = _contents(brought, reader, limits, opens_winmail=True)
    return _look_at_secret(mail) if screen.is_marked(mail, scrutiny) else _look(mail)


def look_and_unpack(
    brought: Brought, reader: MailReader, screen: SecrecyScreen, limits: LimitSettings, *, guide_sheet: str = ""
) -> tuple[FirstLook, Unpacked | None]:
    """Return what `look_at` does, and with the same opening what the arrival holds; of a secret one nothing.

    `guide_sheet`: the name of the sheet in which nobody answers.
    """
    mail = _contents(brought, reader, limits, opens_winmail=True)
    enclosures = sort_enclosures(mail.files, limits)
    inspections = [inspect(file.content, limits) for file in enclosures.workbooks]
    if _is_marked(mail, enclosures, inspections, screen):
        return _look_at_secret(mail), None
    workbooks = zip(enclosures.workbooks, inspections, strict=True)
    forms = tuple(
        read_workbook(file.content, limits, inspection, guide_sheet=guide_sheet) for file, inspection in workbooks
    )
    foreign = (read.form for read in forms if read.form is not None and read.findings)
    if any(screen.are_cells_marked(form.cells.values()) for form in foreign):
        return _look_at_secret(mail), None
    return _look(mail), _lightened(Unpacked(mail=mail, enclosures=enclosures, forms=forms))


def _is_marked(
    mail: ParsedMail, enclosures: Enclosures, inspections: Sequence[Inspection], screen: SecrecyScreen
) -> bool:
    """Say what `SecrecyScreen.is_marked` says, over the files as they are sorted: no workbook is opened twice."""
    workbooks = enclosures.workbooks
    left = [file for file, inspection in zip(workbooks, inspections, strict=True) if not inspection.texts]
    left += [*enclosures.documents, *enclosures.others]
    return (
        screen.is_marked_outside(mail)
        or screen.is_name_marked([*workbooks, *left])
        or any(screen.are_texts_marked(inspection.texts) for inspection in inspections)
        or any(screen.is_file_marked(file) for file in left)
    )


def unpack(
    brought: Brought, reader: MailReader, limits: LimitSettings, effort: Effort = Effort.ALL, *, guide_sheet: str = ""
) -> Unpacked:
    """Return what an arrival holds, as far as the effort goes; of the sheet called `guide_sheet` no cell."""
    if effort is Effort.ENVELOPE_ONLY:
        return Unpacked(mail=_envelope(brought, reader))
    mail = _contents(brought, reader, limits, opens_winmail=effort is Effort.ALL)
    enclosures = sort_enclosures(mail.files, limits)
    if effort is not Effort.ALL:
        return Unpacked(mail=mail, enclosures=enclosures)
    forms = tuple(read_workbook(file.content, limits, guide_sheet=guide_sheet) for file in enclosures.workbooks)
    return _lightened(Unpacked(mail=mail, enclosures=enclosures, forms=forms))


def _lightened(unpacked: Unpacked) -> Unpacked:
    """Return it without the bytes that nobody asks for any more: the arrival itself is kept whole.

    Asked for are those of the forms of ours, which are told from blank ones by them, and of the first workbook.
    """
    files = unpacked.enclosures
    asked_for = {0} | {number for number, read in enumerate(unpacked.forms) if read.stamp is not None}
    workbooks = tuple(
        file if number in asked_for else replace(file, content=b"") for number, file in enumerate(files.workbooks)
    )
    lighter = replace(files, workbooks=workbooks, documents=_emptied(files.documents), others=_emptied(files.others))
    return replace(unpacked, enclosures=lighter, mail=replace(unpacked.mail, files=_emptied(unpacked.mail.files)))


def _emptied(files: Iterable[MailFile]) -> tuple[MailFile, ...]:
    return tuple(replace(file, content=b"") for file in files)


def _look(mail: ParsedMail) -> FirstLook:
    is_automatic = bool(mail.auto_reply_reason or mail.bounced_message_id)
    return FirstLook(sender=mail.sender, is_automatic=is_automatic)


def _look_at_secret(mail: ParsedMail) -> FirstLook:
    """Return the look at what bears a marking, and let nothing that was known of its parts stay in this process."""
    forget_parts()
    forget_texts()
    return replace(_look(mail), is_secret=True)


def _contents(brought: Brought, reader: MailReader, limits: LimitSettings, *, opens_winmail: bool) -> ParsedMail:
    if brought.is_mail:
        mail = reader.read(brought.content, is_cut=brought.is_cut, opens_winmail=opens_winmail)
        return with_documents(mail, limits)
    if brought.is_cut:
        return ParsedMail(findings=(finding("file_over_limit", limit_mb=limits.mail_bytes // MEBIBYTE),))
    if is_edxml(brought.content):
        return read_edxml(brought.content, limits)
    if not brought.file_name:
        return ParsedMail()
    packed = files_in_winmail(brought.content) if brought.content.startswith(TNEF) and opens_winmail else []
    if packed:
        return ParsedMail(files=tuple(packed))
    return ParsedMail(files=(MailFile(name=brought.file_name, media_type="", content=brought.content),))


def _envelope(brought: Brought, reader: MailReader) -> ParsedMail:
    if brought.is_mail:
        return reader.read_envelope(brought.content)
    return ParsedMail(findings=(finding("workbook_unreadable"),))
