"""Looks at a file from outside before any parser does, and says why it is refused; it understands no cell.

Standard library only, and nothing is inflated beyond the limits. What passes may still be hostile to a parser: that is
why `pool` reads it in a process of its own.
"""

import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from models.domain.forms import Finding, finding
from tasks.settings import MEBIBYTE, LimitSettings

ZIP_HEADER: Final = b"PK"
OLE_HEADER: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLDEST_HEADERS: Final = (b"\x09\x08", b"\x09\x04\x06\x00", b"\x09\x02\x06\x00", b"\x09\x00\x04\x00")
"""Excel 2 to 4, and Excel 5 without a container."""
WEB_BEGINNINGS: Final = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<style", b"<head", b"mime-version:")
"""What many programs export under the name .xls."""
ENCRYPTED_STREAM: Final = "EncryptedPackage".encode("utf-16-le")
OLD_STREAMS: Final = ("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le"))
WORKBOOK_MEMBER: Final = "xl/workbook.xml"
TYPES_MEMBER: Final = "[content_types].xml"
EXACT_MEMBERS: Final = frozenset({"[Content_Types].xml", "xl/workbook.xml"})
RELATIONS_MEMBER: Final = "xl/_rels/workbook.xml.rels"
SHEET_ELEMENT: Final = b"sheetData"
"""By this a worksheet is known, whatever its part is called."""
STYLES_MEMBER: Final = "xl/styles.xml"
SHEET_FOLDER: Final = "xl/worksheets/"
STRINGS_MEMBER: Final = "xl/sharedstrings.xml"
MEMBER_LIMITS: Final = (
    (WORKBOOK_MEMBER, 2 * MEBIBYTE),
    (STYLES_MEMBER, 4 * MEBIBYTE),
    (STRINGS_MEMBER, 8 * MEBIBYTE),
)
"""Parts whose every element costs a parser much more than their bytes."""
SMALL_MEMBER_BYTES: Final = 64 * 1024
"""Below this size a member may be packed as tightly as it likes."""
PARTS_KNOWN: Final = 64
"""So many parts of at most that size are known again, those of last: four megabytes in each worker."""
XML_ENDINGS: Final = (".xml", ".rels", ".vml")
XML_BEGINNINGS: Final = (b"<", b"\xff\xfe<", b"\xfe\xff\x00<")
BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
HEAD_BYTES: Final = 256
ENCRYPTED_FLAG: Final = 0x1
CLUTTER: Final = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")
LETTERS: Final = 26
END_OF_DIRECTORY: Final = b"PK\x05\x06"
END_OCTETS: Final = 66_000
"""The end of an archive's directory stands within so many octets of the archive's end."""
MERGED_CELLS_PER_ROW: Final = 10
"""Merges may cover this many times the rows a sheet may have; openpyxl makes an object of every cell of them."""

_ENCODING: Final = re.compile(rb"""encoding\s*=\s*["']\s*([^"']*)""")
_READABLE_ENCODINGS: Final = frozenset({b"utf-8", b"us-ascii", b"ascii"})
# These begin with a plain letter and look back from it, for then a search is many times as fast.
_FORMULA: Final = re.compile(rb"f(?<=[<:]f)[\s/>]")
_ERROR_CELL: Final = re.compile(rb"""e(?<=t="e)"|e(?<=t='e)'""")
_LEGACY_FONTS: Final = (b'".vn', b"'.vn")
_EMPTY_LAST_ROW: Final = re.compile(
    rb"""(?:\s+[\w:]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*\s*(?:/>|>\s*</(?:\w+:)?row\s*>)"""
    rb"""\s*<(?:/(?:\w+:)?sheetData|(?:\w+:)?row\s[^<]*?\br\s*=)"""
)
_WIDE_COLUMN: Final = re.compile(rb"""r(?<=\sr)\s*=\s*["']\s*[A-Za-z]{2}""")
_PLACE: Final = re.compile(rb"""r(?<=\sr)\s*=\s*["']\s*([A-Za-z]{0,4})(\d{0,9})\s*["']""")
_ROW: Final = re.compile(rb"<(?:\w+:)?row\b")
_CELL: Final = re.compile(rb"<(?:\w+:)?c[\s/>]")
_OTHER_CELL: Final = re.compile(rb"<c(?! r=)[\s/>]")
_CELL_WITH_PREFIX: Final = re.compile(rb":c")
"""As a pattern it is found three times as fast as `in` finds two octets."""
_MERGE: Final = re.compile(rb"""mergeCell\s[^<]*?\bref\s*=\s*["']([^"']*)""")
_RANGE: Final = re.compile(r"\s*\$?([A-Z]{1,4})\$?(\d{1,9}):\$?([A-Z]{1,4})\$?(\d{1,9})\s*")
_TARGET: Final = re.compile(rb"""\bTarget\s*=\s*["']([^"']+)""")
_SHEET: Final = re.compile(rf"{SHEET_FOLDER}[^/]+\.xml")
_STRICT: Final = b"http://purl.oclc.org/ooxml/"
_UNPACKING_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the guard found: the reason for refusal, if any, and whether the values alone will not tell everything."""

    refusal: Finding | None = None
    needs_second_look: bool = False
    """There are formulas, error values or TCVN3 fonts, which a reader of values cannot tell from blanks and text."""
    texts: tuple[tuple[str, bytes], ...] = ()
    """Of a workbook that is not refused: the parts in which cells and their texts stand, with their names."""


def guard(content: bytes, limits: LimitSettings) -> Finding | None:
    """Return why a workbook is refused, or None when a parser may be let near it."""
    return inspect(content, limits).refusal


def inspect(content: bytes, limits: LimitSettings) -> Inspection:
    """Look at a workbook from outside: size, kind, archive, and the XML of each part."""
    refusal = _wrong_file(content, limits)
    if refusal is not None:
        return Inspection(refusal)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            refusal = _wrong_archive(members, limits) or _wrong_parts(members)
            return Inspection(refusal) if refusal is not None else _inspect_parts(archive, members, limits)
    except _UNPACKING_ERRORS:
        return Inspection(_damage(content))


def unpack_archive(content: bytes, limits: LimitSettings) -> list[tuple[str, bytes]] | Finding:
    """Return the names with their folders (NFC, for showing only) and bytes of the files in a .zip, or why not.

    One level only: an archive within the archive is refused, unless it is an office file.
    """
    if len(content) > limits.file_bytes:
        return _too_large(content, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if not _is_clutter(info)]
            return _wrong_archive(members, limits) or _unpacked(archive, members)
    except _UNPACKING_ERRORS:
        return _damage(content)


def _damage(content: bytes) -> Finding:
    """Say what is wrong with an archive that cannot be read: without the directory at its end it came half."""
    has_end = END_OF_DIRECTORY in content[-END_OCTETS:]
    return finding("file_is_damaged" if has_end or not content.startswith(ZIP_HEADER) else "file_is_cut_off")


def _unpacked(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> list[tuple[str, bytes]] | Finding:
    files = []
    for info in members:
        name = _shown_name(info)
        if name.lower().endswith((".zip", ".rar", ".7z")):
            return finding("archive_is_nested", name=name)
        files.append((name, archive.read(info)))
    return files


def _wrong_file(content: bytes, limits: LimitSettings) -> Finding | None:
    if not content:
        return finding("file_empty")
    if len(content) > limits.file_bytes:
        return _too_large(content, limits)
    if content.startswith(OLE_HEADER):
        return _kind_of_ole(content)
    return None if content.startswith(ZIP_HEADER) else finding(_kind_of_flat_file(content))


def _kind_of_flat_file(content: bytes) -> str:
    if content.startswith(OLDEST_HEADERS):
        return "file_is_old_xls"
    head = content[:HEAD_BYTES].lstrip(BLANKS).lower()
    return "file_is_web_page" if head.startswith(WEB_BEGINNINGS) else "file_is_not_workbook"


def _too_large(content: bytes, limits: LimitSettings) -> Finding:
    size_mb, limit_mb = -(-len(content) // MEBIBYTE), limits.file_bytes // MEBIBYTE
    return finding("file_too_large", size_mb=size_mb, limit_mb=limit_mb)


def _kind_of_ole(content: bytes) -> Finding:
    if ENCRYPTED_STREAM in content:
        return finding("file_is_password_protected")
    return finding("file_is_old_xls" if any(name in content for name in OLD_STREAMS) else "file_is_not_workbook")


def _wrong_archive(members: Sequence[zipfile.ZipInfo], limits: LimitSettings) -> Finding | None:
    """Judge an archive by its directory alone; reading a member later never gives more than the directory says."""
    if len(members) > limits.archive_members:
        return finding("archive_too_many_members", n_members=len(members), limit=limits.archive_members)
    if len({_plain(info.filename) for info in members}) < len(members):
        return finding("archive_has_duplicates")
    if any(info.flag_bits & ENCRYPTED_FLAG for info in members):
        return finding("archive_is_encrypted")
    if any(info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for info in members):
        return finding("archive_has_unknown_compression")
    total = sum(info.file_size for info in members)
    if total > limits.inflated_bytes or any(_inflates_too_much(info, limits) for info in members):
        return finding("archive_inflates_too_much")
    return None


def _inflates_too_much(info: zipfile.ZipInfo, limits: LimitSettings) -> bool:
    limit = dict(MEMBER_LIMITS).get(_plain(info.filename), limits.member_bytes)
    if info.file_size > limit:
        return True
    return info.file_size > max(SMALL_MEMBER_BYTES, info.compress_size * limits.inflation_ratio)


def _wrong_parts(members: Sequence[zipfile.ZipInfo]) -> Finding | None:
    names = {_plain(info.filename) for info in members}
    if WORKBOOK_MEMBER not in names or TYPES_MEMBER not in names:
        return finding(_other_kind(names))
    forbidden = {
        "workbook_has_macros": ("vbaproject.bin", "xl/macrosheets/", "xl/dialogsheets/"),
        "workbook_has_embedded_objects": ("xl/embeddings/", "xl/activex/", "xl/ctrlprops/"),
        "workbook_has_external_links": ("xl/externallinks/", "xl/connections.xml", "xl/querytables/"),
    }
    for code, parts in forbidden.items():
        if any(part in name for name in names for part in parts):
            return finding(code)
    return None if {info.filename for info in members} >= EXACT_MEMBERS else finding("archive_has_odd_names")


def _other_kind(names: set[str]) -> str:
    if "xl/workbook.bin" in names:
        return "file_is_binary_workbook"
    if "mimetype" in names and "content.xml" in names:
        return "file_is_open_document"
    return "file_is_not_workbook"


def _inspect_parts(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], limits: LimitSettings) -> Inspection:
    """Inflate each part, which checks its CRC, and look through its XML."""
    needs_second_look = False
    texts = []
    names = {info.filename for info in members}
    look_through = _looking_through(limits)
    for info in members:
        name = _plain(info.filename)
        part = archive.read(info)
        if not name.endswith(XML_ENDINGS) and not part.lstrip(BLANKS).startswith(XML_BEGINNINGS):
            continue
        seen = look_through(name, part) if len(part) <= SMALL_MEMBER_BYTES else _look_through(name, part, limits)
        refusal = seen.refusal or (_hidden_part(part, names) if name == RELATIONS_MEMBER else None)
        if refusal is not None:
            return Inspection(refusal)
        needs_second_look = needs_second_look or seen.hides_something
        if name == STRINGS_MEMBER or _SHEET.fullmatch(name):
            texts.append((name, part))
    return Inspection(needs_second_look=needs_second_look, texts=tuple(texts))


@dataclass(frozen=True, slots=True)
class _PartSeen:
    """What the guard found in one part by itself."""

    refusal: Finding | None
    hides_something: bool


@lru_cache(maxsize=4)
def _looking_through(limits: LimitSettings) -> Callable[[str, bytes], _PartSeen]:
    """Return what looks through a part, and knows those of late: styles and guide are the same in form after form."""
    return lru_cache(maxsize=PARTS_KNOWN)(partial(_look_through, limits=limits))


def forget_parts() -> None:
    """Forget all parts that are known, after a file that bears a marking of secrecy."""
    _looking_through.cache_clear()


def _look_through(name: str, part: bytes, limits: LimitSettings) -> _PartSeen:
    odd_from = _first_odd_place(part, limits)
    refusal = _wrong_xml(name, part) or _too_far(part, odd_from, limits) or _merges_too_wide(part, limits)
    refusal = refusal or _too_much(name, part, odd_from, limits)
    return _PartSeen(refusal, refusal is None and _hides_something(name, part))


def _wrong_xml(name: str, part: bytes) -> Finding | None:
    head = part[:HEAD_BYTES]
    declared = _ENCODING.search(head.split(b"?>", 1)[0])
    if b"\x00" in head or (declared is not None and declared[1].strip().lower() not in _READABLE_ENCODINGS):
        return finding("workbook_has_wrong_encoding")
    # Most parts have no such sign at all, and looking for one byte costs next to nothing.
    if b"!" in part and (b"<!DOCTYPE" in part or b"<!ENTITY" in part):
        return finding("workbook_has_declarations")
    if name == WORKBOOK_MEMBER and _STRICT in part:
        return finding("workbook_is_strict")
    if name == TYPES_MEMBER and b"macroEnabled" in part:
        return finding("workbook_has_macros")
    return None


def _first_odd_place(part: bytes, limits: LimitSettings) -> int:
    """Return from where on a worksheet may have places worth a closer look; other parts, and most sheets, have none.

    Whatever `_suspicious_places` and `_WIDE_COLUMN` find begins at an odd place.
    """
    found = _odd_places(limits.rows).search(part) if SHEET_ELEMENT in part else None
    return found.start() if found is not None else len(part)


def _too_far(part: bytes, odd_from: int, limits: LimitSettings) -> Finding | None:
    """Refuse a cell beyond the limits: a parser makes room for everything between it and A1."""
    suspicious = _suspicious_places(limits.rows)
    for start in (found.start() for found in _odd_places(limits.rows).finditer(part, odd_from)):
        match = suspicious.match(part, start)
        if match is None:
            continue
        place = match[1].decode("ascii", "replace").upper()
        is_attribute = part[match.start() - 1 : match.start()].isspace()
        # LibreOffice ends its sheets with empty rows as far down as a sheet goes, which cost a parser nothing.
        is_empty_row = place.isdigit() and _EMPTY_LAST_ROW.match(part, match.end()) is not None
        if is_attribute and not is_empty_row and _is_beyond(place, limits):
            columns = _column_name(limits.columns)
            return finding("workbook_too_far", place=place, rows=limits.rows, columns=columns)
    return None


def _too_much(name: str, part: bytes, odd_from: int, limits: LimitSettings) -> Finding | None:
    """Refuse what costs a parser more than its bytes: a wide and long sheet, and styles beyond number."""
    if name == STYLES_MEMBER and part.count(b"<xf") + part.count(b"<font") > limits.styles:
        return finding("workbook_has_many_styles", limit=limits.styles)
    if SHEET_ELEMENT in part and _area(part, odd_from, limits.rows) > limits.area:
        return finding("workbook_too_wide", limit=limits.area)
    return None


def _area(part: bytes, odd_from: int, n_rows_allowed: int) -> int:
    """Return no less than the rectangle that the cells of a sheet need; 0 for the usual one, which is narrow.

    A row further down than is allowed is known to be empty by now.
    """
    is_plain = _has_only_plain_cells(part)
    if is_plain and _WIDE_COLUMN.search(part, odd_from) is None:
        return 0
    n_rows, n_columns = part.count(b"<row") + part.count(b":row"), 0
    for column, row in (found.groups() for found in _PLACE.finditer(part)):
        n_columns = max(n_columns, _column_number(column.decode().upper()))
        if int(row or 0) <= n_rows_allowed:
            n_rows = max(n_rows, int(row or 0))
    if not is_plain:
        n_columns = max(n_columns, *(sum(1 for _ in _CELL.finditer(row)) for row in _ROW.split(part)))
    return n_rows * n_columns


def _has_only_plain_cells(part: bytes) -> bool:
    """Say whether every cell begins with its address, as all but a few programs write it; the others count them."""
    return _OTHER_CELL.search(part) is None and _CELL_WITH_PREFIX.search(part) is None


@lru_cache(maxsize=8)
def _suspicious_places(n_rows: int) -> re.Pattern[bytes]:
    """Return what finds the few `r` attributes worth a closer look: two letters, many digits, or anything escaped."""
    digits = len(str(n_rows))
    return re.compile(
        rb"""r\s*=\s*["'](\s*[A-Za-z]{2,}[^"']*|\s*[A-Za-z]?[0-9]{%d,}[^"']*|[^"']*&[^"']*)["']""" % digits
    )


@lru_cache(maxsize=8)
def _odd_places(n_rows: int) -> re.Pattern[bytes]:
    """Return what passes over the plain places, such as `E12` and `12`, of which a sheet is full, and over little else.

    It takes a fraction of the time of what then looks more closely.
    """
    # It begins with a plain letter, not with the blank before it, for then the search is ten times as fast.
    return re.compile(rb"""r(?:\s*=\s*["'])(?![A-Za-z]?[0-9]{0,%d}["'])""" % (len(str(n_rows)) - 1))


def _is_beyond(place: str, limits: LimitSettings) -> bool:
    match = re.fullmatch(r"\s*([A-Z]{0,4})(\d{0,9})\s*", place)
    if match is None:
        return True
    return _column_number(match[1]) > limits.columns or int(match[2] or 0) > limits.rows


def _merges_too_wide(part: bytes, limits: LimitSettings) -> Finding | None:
    """Refuse merges that would keep openpyxl busy for hours, such as one over the whole sheet."""
    if b"mergeCell" not in part:
        return None
    n_cells = 0
    for written in _MERGE.findall(part):
        n_cells += _n_merged(written)
        if n_cells > limits.rows * MERGED_CELLS_PER_ROW:
            place = written.decode("ascii", "replace").upper().strip()
            return finding("workbook_has_wide_merges", place=place)
    return None


@lru_cache(maxsize=1024)
def _n_merged(written: bytes) -> int:
    """Return how many cells a range covers; the forms of one cycle all have the same ranges."""
    corners = _RANGE.fullmatch(written.decode("ascii", "replace").upper())
    if corners is None:
        return 0
    left, top, right, bottom = corners.groups()
    n_columns = _column_number(right) - _column_number(left) + 1
    return max(0, n_columns) * max(0, int(bottom) - int(top) + 1)


def _hidden_part(part: bytes, names: set[str]) -> Finding | None:
    """Refuse a sheet whose part is called otherwise, by capitals only: some readers see it and some do not."""
    lower = {name.lower() for name in names}
    for target in _TARGET.findall(part):
        written = target.decode("utf-8", "replace")
        name = written[1:] if written.startswith("/") else f"xl/{written}"
        if name not in names and name.lower() in lower:
            return finding("archive_has_odd_names")
    return None


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * LETTERS + ord(letter) - ord("A") + 1
    return number


def _column_name(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


def _hides_something(name: str, part: bytes) -> bool:
    if name == STYLES_MEMBER:
        small = part.lower()
        return any(sign in small for sign in _LEGACY_FONTS)
    if not name.startswith(SHEET_FOLDER):
        return False
    return _FORMULA.search(part) is not None or _ERROR_CELL.search(part) is not None


def _plain(name: str) -> str:
    """Return a member's name as parsers compare it: readers differ on capitals, slashes and a leading slash."""
    return name.replace("\\", "/").lstrip("/").lower()


def _is_clutter(info: zipfile.ZipInfo) -> bool:
    name = _plain(info.filename)
    return info.is_dir() or name.startswith(CLUTTER[0]) or name.rsplit("/", 1)[-1] in CLUTTER


def _shown_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; Windows writes UTF-8 without saying so, and zip then reads CP437."""
    name = info.filename
    if not info.flag_bits & 0x800:
        for candidate in _as_utf8(name):
            name = candidate
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _as_utf8(name: str) -> Iterator[str]:
    try:
        yield name.encode("cp437").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return
