"""Looks for a marking of secrecy in what has arrived, before a byte of it is kept; it keeps and tells nothing.

Looked at are the subject, the names of files, the fields of an e-office document, the head of the body, and the head of
Word, Excel, OpenDocument and PDF files, also within one archive. A scan has no text, and is not looked at.
"""

import io
import lzma
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from html import unescape
from itertools import islice
from pathlib import PurePath
from string import ascii_letters
from typing import Final

from models.domain.forms import Finding
from models.domain.secrecy import SecrecyWords, marking_in_lines, marking_in_title
from tasks.adapters.pdf_text import first_pages_of, is_pdf
from tasks.adapters.workbooks.guard import unpack_archive
from tasks.ports import MailFile, ParsedMail
from tasks.settings import MEBIBYTE, LimitSettings

ZIP: Final = b"PK"
NUMBER: Final = b"&#"
HEXADECIMAL: Final = b"&#x"
"""How XML may write a sign as its number."""
BYTES_OF_PART: Final = 2 * MEBIBYTE
"""So much of each part is looked at: a marking stands at the head."""
PARTS_OF_OFFICE_FILES: Final = re.compile(
    r"xl/sharedstrings\.xml|xl/worksheets/[^/]+\.xml|word/(?:document|header\d*|footer\d*)\.xml|content\.xml"
)
PARTS_READ: Final = 60
PARTS_KNOWN: Final = 8
"""So many parts with such a word are known again, those of last: sixteen megabytes at most."""
_TAG: Final = re.compile(rb"<[^>]*>")
_ENDS: Final = re.compile(rb"</(?:\w+:)?(?:si|is|p|h|c)>")
"""Where a cell's text or a paragraph ends, in any of these formats."""
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, ValueError, NotImplementedError, OSError, RuntimeError),
)


class Scrutiny(IntEnum):
    """How closely an arrival is looked at: less closely where more has cost a worker its life."""

    EVERYTHING = 0
    NO_PDF = 1
    OUTSIDE_ONLY = 2
    """Words of the mail and names of its files."""


class SecrecyScreen:
    """Knows the markings, and looks for them in mails and files."""

    def __init__(self, words: SecrecyWords, limits: LimitSettings) -> None:
        """Keep the words, and how large an archive may be to be opened."""
        self._words = words
        self._limits = limits
        # Without accents a marking stands in names only: "mat" is in every "format" of a workbook.
        stems = {marking.split()[-1].casefold() for marking in words.markings if not marking.isascii()}
        # Looked for first: plain letters are everywhere, and a search that begins with one takes ten times as long.
        self._by_sign: dict[bytes, list[bytes]] = {}
        for octets in _octets_of(stems):
            self._by_sign.setdefault(octets.strip(ascii_letters.encode()), []).append(octets)
        self._by_beginning: dict[bytes, list[bytes]] = {}
        for sign in self._by_sign:
            self._by_beginning.setdefault(_beginning(sign), []).append(sign)

    def is_marked(self, mail: ParsedMail, scrutiny: Scrutiny = Scrutiny.EVERYTHING) -> bool:
        """Say whether a mail, or a file that came alone, bears a marking anywhere that is looked at."""
        is_marked = self.is_marked_outside(mail)
        if is_marked or scrutiny is Scrutiny.OUTSIDE_ONLY:
            return is_marked
        reads_pdf = scrutiny is Scrutiny.EVERYTHING
        return any(self.is_file_marked(file, reads_pdf=reads_pdf) for file in mail.files)

    def is_marked_outside(self, mail: ParsedMail) -> bool:
        """Say whether a mail bears a marking in its words or in the names of its files; none of them is opened."""
        titles = (mail.subject, *mail.marks)
        if any(marking_in_title(title, self._words) for title in titles if title) or self.is_name_marked(mail.files):
            return True
        return bool(
            marking_in_lines(mail.own_text.splitlines(), self._words) or marking_in_lines(mail.marks, self._words)
        )

    def is_name_marked(self, files: Iterable[MailFile]) -> bool:
        """Say whether one of the files is called by a marking."""
        return any(marking_in_title(stem, self._words) for stem in (_stem(file.name) for file in files) if stem)

    def are_texts_marked(self, parts: Iterable[tuple[str, bytes]]) -> bool:
        """Say whether a marking stands in one of a workbook's parts, each given with its name in small letters."""
        return any(self._is_part_marked(name, part[:BYTES_OF_PART]) for name, part in islice(parts, PARTS_READ))

    def are_cells_marked(self, values: Iterable[object]) -> bool:
        """Say whether a marking stands in one of a workbook's cells, for a file that cannot be looked into unread."""
        return any(marking_in_lines([value], self._words) for value in values if isinstance(value, str))

    def is_file_marked(self, file: MailFile, *, reads_pdf: bool = True) -> bool:
        """Say whether a marking stands in an office file or a PDF, or in one within an archive."""
        if is_pdf(file.content):
            return reads_pdf and self._is_pdf_marked(file.content)
        if not file.content.startswith(ZIP):
            return False
        parts = list(_parts(file.content))
        if parts:
            return any(self._is_part_marked(name, part) for name, part in parts)
        members = unpack_archive(file.content, self._limits)
        if isinstance(members, Finding):
            return False
        return any(
            marking_in_title(_stem(name), self._words)
            or any(self._is_part_marked(*part) for part in _parts(content))
            or (reads_pdf and is_pdf(content) and self._is_pdf_marked(content))
            for name, content in members
        )

    def _is_pdf_marked(self, content: bytes) -> bool:
        return any(marking_in_lines(lines, self._words) for lines in first_pages_of(content))

    def _is_part_marked(self, name: str, part: bytes) -> bool:
        likely = (octets for sign in self._signs_in(part) for octets in self._by_sign[sign])
        spelled = [octets for octets in likely if octets in part]
        if not spelled:
            return False  # almost every part there is: nothing need be decoded
        if name.startswith("xl/"):
            return _is_any_text_marked(part, tuple(spelled), self._words)
        return bool(marking_in_lines(_lines(_ENDS.split(part)), self._words))

    def _signs_in(self, part: bytes) -> Iterator[bytes]:
        """Yield the signs that stand in a part; of those with a common beginning none is looked for without it."""
        for beginning, signs in self._by_beginning.items():
            if beginning[:1] in part and beginning in part:
                yield from (sign for sign in signs if sign in part)


# The guide of a form speaks of such words, too, and is the same in file after file.
@lru_cache(maxsize=PARTS_KNOWN)
def _is_any_text_marked(part: bytes, spelled: Sequence[bytes], words: SecrecyWords) -> bool:
    """Say whether a marking stands in one of a workbook's texts; their order says nothing of their place in it."""
    suspects = [piece for piece in _ENDS.split(part) if any(octets in piece for octets in spelled)]
    return any(marking_in_lines(_lines([piece]), words) for piece in suspects)


def forget_texts() -> None:
    """Forget all parts that are known, after a file that bears a marking."""
    _is_any_text_marked.cache_clear()


def _stem(name: str) -> str:
    """Return a file's name without its ending, so that a marking may be all of it."""
    return PurePath(name).stem


def _beginning(sign: bytes) -> bytes:
    """Return what a sign begins with: one octet of UTF-8, which is found at once, or the notation of numbers."""
    if not sign.startswith(NUMBER):
        return sign[:1]
    return HEXADECIMAL if sign.startswith(HEXADECIMAL) else NUMBER


def _octets_of(stems: Iterable[str]) -> tuple[bytes, ...]:
    """Return the stems as they may stand in XML: small, capital or mixed, composed or not, or as numbers of signs."""
    written = {form(stem) for stem in stems for form in (str.lower, str.upper, str.title)}
    spelled = {unicodedata.normalize(form, word) for word in written for form in ("NFC", "NFD")}
    plain = {word.encode() for word in spelled}
    decimal = {word.encode("ascii", "xmlcharrefreplace") for word in spelled}
    hexadecimal = {
        "".join(sign if sign.isascii() else f"&#x{ord(sign):{case}};" for sign in word).encode()
        for word in spelled
        for case in ("x", "X")
    }
    return tuple(sorted(plain | decimal | hexadecimal))


def _parts(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the parts of an office file in which text stands, each up to a limit; nothing for anything else."""
    if not content.startswith(ZIP):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            wanted = [info for info in package.infolist() if PARTS_OF_OFFICE_FILES.fullmatch(info.filename.lower())]
            for info in wanted[:PARTS_READ]:
                with package.open(info) as part:
                    yield info.filename.lower(), part.read(BYTES_OF_PART)
    except _BROKEN:
        return


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    for piece in pieces:
        line = unescape(_TAG.sub(b"", piece).decode("utf-8", "ignore")).strip()
        if line:
            yield unicodedata.normalize("NFC", line)
