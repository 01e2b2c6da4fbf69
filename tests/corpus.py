# ruff: noqa: E501 - the texts of servers stand as they write them
"""The project's own corpus: hostile archives, odd workbooks and odd mails, made in code, each with what becomes of it.

`corpus(kit)` gives the cases; `measured` opens one of them in a worker process and says what it cost there.
"""

import base64
import io
import quopri
import struct
import time
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.workbook.defined_name import DefinedName

from tasks.adapters.unpacking import unpack
from tests.adapters import test_foreign, test_guard
from tests.adapters.test_secrecy import a_pdf

MAIN = test_guard.MAIN
STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
FIGURES = "xl/worksheets/sheet1.xml"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OLE = test_guard.OLE
A_DAY = datetime(2025, 6, 12)  # noqa: DTZ001 - a cell knows no zone
MAC_EPOCH = datetime(1904, 1, 1)  # noqa: DTZ001 - nor does a workbook
READ = ("returned", ("attachment_missing",))
"""A form that was read without a finding: only the signed copy is missing."""
ACCEPTED = ("accepted", ())
STRANGE = ("ignored", ("stranger_without_form",))
UNREAD = ("quarantined", ("nothing_to_read",))


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What cases are made of: the stamped form of a unit, blank and filled, its signed copy, and where mail goes."""

    blank: bytes
    filled: bytes
    other_filled: bytes
    """The filled form of another unit."""
    signed: bytes
    sender: str
    ours: str
    """Our address with the unit's token in it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file: what it is called, its bytes, its outcome, and codes that are among its reasons."""

    file: str
    content: bytes
    outcome: str
    codes: tuple[str, ...] = ()
    name: str = field(default="")


def measured(brought, limits, reader):
    """Open an arrival and return what it held, the seconds it took, and the most memory the process ever had for it."""
    Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark of memory back to what is used now
    start = time.process_time()
    held = unpack(brought, reader, limits)
    seconds = time.process_time() - start
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return [item.code for form in held.forms for item in form.findings], seconds, peak / 1024


def corpus(kit: Kit) -> list[Case]:
    """Return every case, each under a file name of its own that says what it is."""
    cases = []
    for group, ending, make in (("tep", ".xlsx", _files(kit)), ("thu", ".eml", _mails(kit))):
        for number, (name, (content, (outcome, codes))) in enumerate(make.items(), start=1):
            made = content() if callable(content) else content
            file = name if "." in name else f"{name}{ending}"
            cases.append(
                Case(
                    file=f"{group}-{number:03}-{file.replace(' ', '-')}",
                    content=made,
                    outcome=outcome,
                    codes=codes,
                    name=name,
                )
            )
    return cases


# --- changing a workbook as programs and people do ---


def edited(content: bytes, change: Callable[[Workbook], object]) -> bytes:
    """Return the workbook as openpyxl saves it after a change."""
    workbook = load_workbook(io.BytesIO(content))
    change(workbook)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def with_cells(content: bytes, **cells: object) -> bytes:
    """Return the workbook with cells of the figures' sheet set."""

    def change(workbook: Workbook) -> None:
        for at, value in cells.items():
            workbook["Biểu 1"][at] = value

    return edited(content, change)


def without_members(content: bytes, *names: str) -> bytes:
    """Return the archive without members."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        return test_guard.a_zip(*((n, old.read(n)) for n in old.namelist() if n not in names))


def replaced(content: bytes, changes: Mapping[str, tuple[bytes, bytes]]) -> bytes:
    """Return the archive with bytes replaced in members, everywhere in each."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    for name, (before, after) in changes.items():
        assert before in members[name], (name, before)
        members[name] = members[name].replace(before, after)
    return test_guard.a_zip(*members.items())


def everywhere(content: bytes, change: Callable[[str, bytes], bytes], **how: int) -> bytes:
    """Return the archive with every member changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        return test_guard.a_zip(*((name, change(name, old.read(name))) for name in old.namelist()), **how)


def moved_sheet(content: bytes, target: bytes) -> bytes:
    """Return the workbook with the part of its first sheet called otherwise."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {n: old.read(n) for n in old.namelist()}
    members[target.decode().removeprefix("/")] = members.pop(FIGURES)
    for name in ("xl/_rels/workbook.xml.rels", "[Content_Types].xml"):
        members[name] = members[name].replace(b"/xl/worksheets/sheet1.xml", target)
    return test_guard.a_zip(*members.items())


def streamed(content: bytes) -> bytes:
    """Return the archive as a program writes it that cannot go back: sizes follow the data."""

    class OneWay(io.RawIOBase):
        def __init__(self) -> None:
            self.pieces: list[bytes] = []

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.pieces.append(bytes(data))
            return len(data)

    way = OneWay()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(way, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return b"".join(way.pieces)


def _prefixed(name: str, xml: bytes) -> bytes:
    if name != FIGURES:
        return xml
    text = xml.decode().replace('xmlns="', 'xmlns:x="', 1)
    head, _, body = text.partition("?>") if text.startswith("<?xml") else ("", "", text)
    body = body.replace("</", "\x00").replace("<", "<x:").replace("\x00", "</x:")
    return (f"{head}?>{body}" if head else body).encode()


def _in_wps(name: str, xml: bytes) -> bytes:
    if name != "xl/workbook.xml":
        return xml
    extra = (
        b'<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        b'<mc:Choice Requires="x15"/></mc:AlternateContent><bookViews>'
    )
    return xml.replace(b"<bookViews>", extra, 1)


def _at(workbook: Workbook, name: str = "Biểu 1"):
    return workbook[name]


def _unmerged(sheet) -> None:
    for merged in list(sheet.merged_cells.ranges):
        sheet.unmerge_cells(str(merged))


def _insert_rows(workbook: Workbook) -> None:
    sheet = _at(workbook)
    _unmerged(sheet)
    sheet.insert_rows(3, amount=2)


def _delete_row(workbook: Workbook) -> None:
    sheet = _at(workbook)
    _unmerged(sheet)
    sheet.delete_rows(7)


def _delete_column(letter: int) -> Callable[[Workbook], None]:
    def change(workbook: Workbook) -> None:
        _unmerged(_at(workbook))
        _at(workbook).delete_cols(letter)

    return change


def _insert_column(before: int) -> Callable[[Workbook], None]:
    def change(workbook: Workbook) -> None:
        _unmerged(_at(workbook))
        _at(workbook).insert_cols(before)

    return change


def _set(path: str, value: object, *, sheet: str = "Biểu 1") -> Callable[[Workbook], None]:
    def change(workbook: Workbook) -> None:
        *steps, last = path.split(".")
        target = workbook[sheet]
        for step in steps:
            target = target[step[1:-1]] if step.startswith("[") else getattr(target, step)
        setattr(target, last, value)

    return change


def _stamped(**values: str) -> Callable[[Workbook], None]:
    def change(workbook: Workbook) -> None:
        for row in workbook["_dondoc"].iter_rows():
            if row[0].value in values:
                row[1].value = values[row[0].value]

    return change


def _in_font(workbook: Workbook) -> None:
    cell = workbook["Biểu 2"]["C7"]
    cell.value, cell.font = "Céng hoµ x· héi chñ nghÜa ViÖt Nam", Font(name=".VnTime")


def _as_error(workbook: Workbook) -> None:
    cell = _at(workbook)["E7"]
    cell.value, cell.data_type = "#REF!", "e"


def _many(workbook: Workbook) -> None:
    for number in range(60):
        workbook.create_sheet(f"Phụ {number}")


def as_ods(content: bytes, *parts: tuple[str, bytes]) -> bytes:
    """Return the values of a workbook as an OpenDocument sheet, with further parts in its package."""
    sheets = []
    for sheet in load_workbook(io.BytesIO(content)).worksheets:
        rows = ["".join(map(_ods_cell, row)) for row in sheet.iter_rows(values_only=True)]
        lines = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
        sheets.append(f'<table:table table:name="{sheet.title}">{lines}</table:table>')
    return test_foreign.a_package(test_foreign.HEAD + "".join(sheets) + test_foreign.TAIL, *parts)


def _ods_cell(value: object) -> str:
    if value is None:
        return "<table:table-cell/>"
    kind = f'float" office:value="{value}' if isinstance(value, int | float) else "string"
    return f'<table:table-cell office:value-type="{kind}"><text:p>{escape(str(value))}</text:p></table:table-cell>'


def ole(*streams: str) -> bytes:
    """Return an OLE container in whose directory the streams are named."""
    return OLE + bytes(1000) + b"".join(name.encode("utf-16-le") + b"\0\0" for name in streams) + bytes(1000)


def _files(kit: Kit):
    good, blank = kit.filled, kit.blank
    guard = {
        # What the guard's own table refuses, an operator who brings it is told the same.
        f"{code} {name}": (make, ("quarantined", (code,)))
        for name, (make, code) in test_guard.HOSTILE.items()
        if name not in {"csv", "pdf", "word", "too large", "one gigabyte"}
    }
    saved = {
        "saved by openpyxl": (lambda: edited(good, lambda _: None), READ),
        "stamped and never saved": (lambda: blank, ("returned", ("blank_without_note", "attachment_missing"))),
        "stamp merely hidden": (lambda: edited(good, _set("sheet_state", "hidden", sheet="_dondoc")), READ),
        "stamp shown": (lambda: edited(good, _set("sheet_state", "visible", sheet="_dondoc")), READ),
        "stamp renamed": (lambda: edited(good, _set("title", "Sheet4", sheet="_dondoc")), READ),
        "sheets in another order": (lambda: edited(good, lambda w: w.move_sheet("_dondoc", -3)), READ),
        "sheet renamed": (lambda: edited(good, _set("title", "So lieu 2025")), READ),
        "sheet named in nfd": (lambda: edited(good, _set("title", unicodedata.normalize("NFD", "Biểu 1"))), READ),
        "another sheet": (lambda: edited(good, lambda w: w.create_sheet("Phụ lục", 0).append(["a", 1])), READ),
        "sixty more sheets": (lambda: edited(good, _many), READ),
        "hidden rows": (
            lambda: edited(good, lambda w: setattr(_at(w).row_dimensions[12], "hidden", True)),
            READ,
        ),
        "hidden column": (lambda: edited(good, lambda w: setattr(_at(w).column_dimensions["D"], "hidden", True)), READ),
        "a filter": (lambda: edited(good, _set("auto_filter.ref", "A6:G43")), READ),
        "rows inserted above": (lambda: edited(good, _insert_rows), READ),
        "rows appended below": (lambda: edited(good, lambda w: _at(w).append(["", "Người lập biểu"])), READ),
        "notes merged": (lambda: edited(good, lambda w: _at(w).merge_cells("F7:G7")), READ),
        "unprotected": (lambda: edited(good, _set("protection.sheet", False)), READ),
        "no validations": (lambda: edited(good, lambda w: _at(w).data_validations.dataValidation.clear()), READ),
        "comments": (lambda: edited(good, lambda w: setattr(_at(w)["E7"], "comment", Comment("xem", "ai"))), READ),
        "defined names": (
            lambda: edited(good, lambda w: w.defined_names.add(DefinedName("x", attr_text="'Biểu 1'!$A$7"))),
            READ,
        ),
        "conditional colours": (lambda: edited(good, lambda w: setattr(_at(w)["E7"], "style", "Good")), READ),
        "counted from 1904": (lambda: edited(good, lambda w: setattr(w, "epoch", MAC_EPOCH)), READ),
        "relations from the root": (lambda: moved_sheet(good, b"/xl/worksheets/sheet1.xml"), READ),
        "part called otherwise": (lambda: moved_sheet(good, b"/xl/worksheets/bieu_so_lieu.xml"), READ),
        "part in another folder": (lambda: moved_sheet(good, b"/xl/sheets/s.xml"), READ),
        "no properties": (
            lambda: without_members(
                replaced(good, {"_rels/.rels": (b"docProps/app.xml", b"docProps/none.xml")}), "docProps/app.xml"
            ),
            READ,
        ),
        "no theme": (lambda: without_members(good, "xl/theme/theme1.xml"), READ),
        "with a mark of utf-8": (
            lambda: everywhere(good, lambda n, x: b"\xef\xbb\xbf" + x if n == FIGURES else x),
            READ,
        ),
        "with a prefix": (lambda: everywhere(good, _prefixed), READ),
        "saved by wps": (lambda: everywhere(good, _in_wps), READ),
        "stored not packed": (lambda: everywhere(good, lambda _, x: x, method=zipfile.ZIP_STORED), READ),
        "streamed": (lambda: streamed(good), READ),
        "backward zip": (
            lambda: test_guard.a_zip(
                *reversed(
                    [
                        (n, zipfile.ZipFile(io.BytesIO(good)).read(n))
                        for n in zipfile.ZipFile(io.BytesIO(good)).namelist()
                    ]
                )
            ),
            READ,
        ),
        "template type": (
            lambda: replaced(
                good, {"[Content_Types].xml": (b"spreadsheetml.sheet.main", b"spreadsheetml.template.main")}
            ),
            READ,
        ),
        "wrong dimension": (
            lambda: everywhere(good, lambda n, x: x.replace(b"A1:G43", b"A1:A1") if n == FIGURES else x),
            READ,
        ),
        "formula with its value": (
            lambda: test_guard.replaced(good, FIGURES, b"<v>12</v>", b"<f>6*2</f><v>12</v>"),
            READ,
        ),
        "number as text": (lambda: with_cells(good, E7="1.234.567"), READ),
        "number as text in nfd": (lambda: with_cells(good, E7=unicodedata.normalize("NFD", " 12 văn bản ")), READ),
        "money as text": (lambda: with_cells(good, E38="1.500.000.000 đồng", E39="1.200.000.000"), READ),
        "a whole number as float": (lambda: with_cells(good, E7=12.0), READ),
        "spaces around": (lambda: with_cells(good, E7=" 12\u00a0"), READ),
        "code in small letters": (lambda: with_cells(good, A7="ct01"), READ),
        "answer in small letters": (lambda: with_cells(good, E11="có"), READ),
        "answer in nfd": (lambda: with_cells(good, E11=unicodedata.normalize("NFD", "Có")), READ),
        "tcvn3": (lambda: edited(good, _in_font), ("returned", ("attachment_missing", "legacy_font"))),
        "the list of findings came back": (lambda: edited(good, lambda w: w.create_sheet("Lỗi cần sửa", 0)), READ),
        "called xls.xls": (lambda: good, READ),
        "called zip.zip": (lambda: good, READ),
        "no ending at all.": (lambda: good, READ),
        "form in a zip.zip": (lambda: test_guard.a_zip(("Biểu Sở Y tế.xlsx", good)), READ),
        "form and copy in a zip.zip": (lambda: test_guard.a_zip(("a/b.xlsx", good), ("a/c.pdf", kit.signed)), ACCEPTED),
        "form and letter in a zip.zip": (
            lambda: test_guard.a_zip(("b.xlsx", good), ("c.doc", ole("WordDocument"))),
            READ,
        ),
        "cp437 names.zip": (lambda: _named("Bi\u00e9u.xlsx".encode("cp437"), good), READ),
        "windows names.zip": (lambda: _named("Biểu.xlsx".encode(), good), READ),
    }
    wrong = {
        "formula without value": (lambda: with_cells(good, E7="=6*2"), ("returned", ("uncalculated",))),
        "error value": (lambda: edited(good, _as_error), ("returned", ("uncalculated",))),
        "ambiguous number": (lambda: with_cells(good, E7="1.234"), ("returned", ("ambiguous_number",))),
        "negative": (lambda: with_cells(good, E7=-3), ("returned", ("negative",))),
        "half": (lambda: with_cells(good, E7=1.5), ("returned", ("not_whole",))),
        "words for a number": (lambda: with_cells(good, E7="nhiều"), ("returned", ("words_for_number",))),
        "in millions": (lambda: with_cells(good, E38="1,5 triệu"), ("returned", ("scaled_number",))),
        "percent": (lambda: with_cells(good, E7="12%"), ("returned", ())),
        "date for number": (lambda: with_cells(good, E7=A_DAY), ("returned", ("date_for_number",))),
        "date for number from 1904": (
            lambda: edited(with_cells(good, E7=A_DAY), lambda w: setattr(w, "epoch", MAC_EPOCH)),
            ("returned", ("date_for_number",)),
        ),
        "boolean for number": (lambda: with_cells(good, E7=True), ("returned", ())),
        "not in the list": (lambda: with_cells(good, E11="Có lẽ"), ("returned", ("not_in_list",))),
        "part beyond whole": (lambda: with_cells(good, E8=3, E9=5), ("returned", ("exceeds_whole",))),
        "blank without note": (lambda: with_cells(good, E7=None), ("returned", ("blank_without_note",))),
        "blank with note": (lambda: with_cells(good, E7=None, G7="Không phát sinh"), READ),
        "row deleted": (lambda: edited(good, _delete_row), ("returned", ("row_missing",))),
        "row twice": (
            lambda: edited(good, lambda w: _at(w).append(["CT01", "", "", "", 5])),
            ("returned", ("row_repeated",)),
        ),
        "codes deleted": (lambda: edited(good, _delete_column(1)), ("returned", ("sheet_missing",))),
        "column inserted": (
            lambda: edited(good, _insert_column(3)),
            ("returned", ("attachment_missing", "columns_moved")),
        ),
        "column deleted": (
            lambda: edited(good, _delete_column(2)),
            ("returned", ("attachment_missing", "columns_moved")),
        ),
        "values deleted": (lambda: edited(good, _delete_column(5)), ("returned", ("column_missing",))),
        "narratives deleted": (lambda: edited(good, lambda w: w.remove(w["Biểu 2"])), ("returned", ("sheet_missing",))),
        "figures deleted": (lambda: edited(good, lambda w: w.remove(w["Biểu 1"])), ("returned", ("sheet_missing",))),
        "other cycle": (lambda: edited(good, _stamped(cycle_code="bc-6t-2024")), ("returned", ("other_cycle",))),
        "old version": (lambda: edited(good, _stamped(form_version="2019.1")), ("returned", ("old_version",))),
        "other form": (lambda: edited(good, _stamped(form_code="bm_1")), ("returned", ("not_our_form",))),
        "other unit in the stamp": (
            lambda: edited(good, _stamped(unit_code="so-noi-vu")),
            ("quarantined", ("workbook_of_another_unit",)),
        ),
        "forged token": (lambda: edited(good, _stamped(token="a" * 16)), ("quarantined", ("token_unknown",))),
        "stamp lost": (lambda: edited(good, lambda w: w.remove(w["_dondoc"])), ("quarantined", ())),
        "strange workbook": (
            lambda: edited(blank, lambda w: [w.remove(s) for s in w.worksheets[1:]] and None),
            ("quarantined", ()),
        ),
        "a formula that calls out": (
            lambda: with_cells(good, G7='=HYPERLINK("http://x.invalid","a")'),
            ("returned", ("attachment_missing",)),
        ),
        "one form saved twice.zip": (
            lambda: test_guard.a_zip(("a.xlsx", good), ("b.xlsx", edited(good, lambda _: None))),
            ("returned", ("attachment_missing",)),
        ),
        "two versions of one form.zip": (
            lambda: test_guard.a_zip(("a.xlsx", good), ("b.xlsx", with_cells(good, E8=99))),
            ("quarantined", ("several_forms",)),
        ),
        "forms of two units.zip": (
            lambda: test_guard.a_zip(
                ("yte/a.xlsx", good),
                ("yte/a.pdf", kit.signed),
                ("noivu/a.xlsx", kit.other_filled),
                ("noivu/a.pdf", kit.signed),
            ),
            ACCEPTED,
        ),
        "forms of two units and one copy.zip": (
            lambda: test_guard.a_zip(("a.xlsx", good), ("b.xlsx", kit.other_filled), ("ky.pdf", kit.signed)),
            ("quarantined", ("documents_untold",)),
        ),
        "a form beside what is none.zip": (
            lambda: test_guard.a_zip(("a.xlsx", good), ("b.xlsx", kit.other_filled), ("c.xlsx", good[:400])),
            ("returned", ("not_among_the_forms", "attachment_missing")),
        ),
    }
    other = {
        "winmail.dat": (lambda: tnef((b"bieu.xlsx", kit.filled), (b"ky.pdf", kit.signed)), ACCEPTED),
        "our form as open document.ods": (lambda: as_ods(good), ("returned", ("attachment_missing", "read_from_ods"))),
        "our form as open document, marked.ods": (
            lambda: as_ods(with_cells(good, G8="TỐI MẬT")),
            ("returned", ("secrecy_marking",)),
        ),
        "our form as open document with macros.ods": (
            lambda: as_ods(good, ("Basic/Standard/Module1.xml", b"<x/>")),
            ("quarantined", ("workbook_has_macros",)),
        ),
        "old.xls": (lambda: ole("Workbook"), ("quarantined", ("file_is_old_xls",))),
        "older.xls": (lambda: ole("Book"), ("quarantined", ("file_is_old_xls",))),
        "oldest.xls": (lambda: b"\x09\x04\x06\x00" + bytes(100), ("quarantined", ("file_is_old_xls",))),
        "locked by password": (
            lambda: ole("EncryptionInfo", "EncryptedPackage"),
            ("quarantined", ("file_is_password_protected",)),
        ),
        "web page.xls": (lambda: b"<html><body><table/></body></html>", ("quarantined", ("file_is_web_page",))),
        "xml of 2003.xls": (lambda: b'<?xml version="1.0"?><Workbook/>', ("quarantined", ("file_is_web_page",))),
        "data.csv": ("Mã;Kỳ này\nCT01;12\n".encode, ("quarantined", ("nothing_to_read", "file_is_csv"))),
        "data in vietnamese windows.csv": (
            lambda: "Mã;Kỳ\n".encode("cp1258", "replace"),
            ("quarantined", ("file_is_csv",)),
        ),
        "letter.doc": (lambda: ole("WordDocument"), ("quarantined", ("file_is_word",))),
        "letter.docx": (
            lambda: test_guard.a_zip(("[Content_Types].xml", "<x/>"), ("word/document.xml", "<x/>")),
            ("quarantined", ("file_is_word",)),
        ),
        "letter.rtf": (lambda: b"{\\rtf1 x}", ("quarantined", ("file_is_word",))),
        "pack.rar": (lambda: b"Rar!\x1a\x07\x00" + bytes(50), ("quarantined", ("archive_is_not_zip",))),
        "pack of five.rar": (lambda: b"Rar!\x1a\x07\x01\x00" + bytes(50), ("quarantined", ("archive_is_not_zip",))),
        "pack.7z": (lambda: b"7z\xbc\xaf\x27\x1c" + bytes(50), ("quarantined", ("archive_is_not_zip",))),
        "rar called xlsx": (lambda: b"Rar!\x1a\x07\x00" + bytes(50), ("quarantined", ("archive_is_not_zip",))),
        "photo.jpg": (lambda: b"\xff\xd8\xff\xe0" + bytes(100), UNREAD),
        "program.exe": (lambda: b"MZ" + bytes(100), UNREAD),
        "nothing.txt": (b"", UNREAD),
        "note.txt": ("Đơn vị gửi báo cáo".encode, UNREAD),
        "signed copy.pdf": (kit.signed, ("quarantined", ())),
        "empty zip.zip": (test_guard.a_zip, ("quarantined", ())),
        "nested.zip": (
            lambda: test_guard.a_zip(("a.zip", test_guard.a_zip(("b.xlsx", good)))),
            ("quarantined", ("archive_is_nested",)),
        ),
        "locked.zip": (
            lambda: test_guard.with_flag(test_guard.a_zip(("b.xlsx", good)), 1),
            ("quarantined", ("archive_is_encrypted",)),
        ),
        "many small files.zip": (
            lambda: test_guard.a_zip(*((f"{n}.txt", b"x") for n in range(501))),
            ("quarantined", ("archive_too_many_members",)),
        ),
        "bomb.zip": (
            lambda: test_guard.a_zip(("a.xlsx", bytes(60_000_000))),
            ("quarantined", ("archive_inflates_too_much",)),
        ),
        "cut.zip": (lambda: test_guard.a_zip(("a.xlsx", good))[:-20], ("quarantined", ())),
        "path out of the folder.zip": (lambda: test_guard.a_zip(("../../../etc/x.xlsx", good)), READ),
        "half a form": (lambda: good[: len(good) // 2], ("quarantined", ("file_is_cut_off",))),
        "form with a tail": (lambda: good + b"\0" * 100, READ),
        "form with a head": (lambda: b"\r\n" + good, ("quarantined", ())),
        "zeros": (lambda: bytes(5000), ("quarantined", ("file_is_not_workbook",))),
        "noise": (lambda: bytes(n * n % 251 for n in range(5000)), ("quarantined", ("file_is_not_workbook",))),
        "only a header": (lambda: b"PK\x03\x04", ("quarantined", ("file_is_cut_off",))),
        "only an end": (lambda: b"PK\x05\x06" + bytes(18), ("quarantined", ())),
        "crossed sizes": (lambda: _with_sizes_crossed(good), ("quarantined", ())),
        "no sheets": (lambda: replaced(good, {"xl/workbook.xml": (b"<sheet ", b"<shoot ")}), ("quarantined", ())),
        "sheet of nothing": (lambda: test_guard.with_members(good, {FIGURES: b""}), ("quarantined", ())),
        "sheet of noise": (
            lambda: test_guard.with_members(good, {FIGURES: b"<worksheet><sheetData><row><c"}),
            ("quarantined", ()),
        ),
        "formulas without end": (_formulas, ("quarantined", ())),
        "two million strings": (_strings, ("quarantined", ("archive_inflates_too_much",))),
        "a hundred thousand cells": (_cells, ("quarantined", ("workbook_too_complex",))),
        "deep tags": (lambda: test_guard.with_sheet("<row>" + "<x>" * 100_000), ("quarantined", ())),
        "a long attribute": (lambda: test_guard.with_sheet(f'<row r="1" a="{"x y" * 300_000}"/>'), ("quarantined", ())),
    }
    return {**guard, **saved, **wrong, **other}


def _named(name: bytes, content: bytes) -> bytes:
    """Return a .zip whose member has a name in some code page, without a word about which."""
    plain = b"x" * len(name)
    return test_guard.a_zip((plain.decode(), content)).replace(plain, name)


def _with_sizes_crossed(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo(FIGURES).file_size
    return content.replace(struct.pack("<I", size), struct.pack("<I", 12))


def _formulas() -> bytes:
    rows = "".join(f'<row r="{n}">' + f'<c r="A{n}" t="e"><f>A{n}</f></c>' * 1 + "</row>" for n in range(1, 20_001))
    return test_guard.with_sheet(rows)


def _strings() -> bytes:
    strings = b"".join(b"<si><t>%d</t></si>" % (n * n % 1_000_003) for n in range(600_000))
    return test_guard.with_members(test_guard.a_workbook(), {"xl/sharedStrings.xml": b"<sst>" + strings + b"</sst>"})


def _cells() -> bytes:
    rows = (
        f'<row r="{n}">' + "".join(f'<c r="{c}{n}"><v>{n * n % 9973}</v></c>' for c in "ABCDEFGHIJK") + "</row>"
        for n in range(1, 10_000)
    )
    return test_guard.with_sheet("".join(rows))


# --- mails ---


def mail(
    kit: Kit, body: str = "Kính gửi báo cáo.", *, headers: str = "", kind: str = "text/plain; charset=utf-8"
) -> bytes:
    """Return a mail of the unit's desk to us, under its token."""
    said = headers.lower()
    lines = [] if "from:" in said else [f"From: <{kit.sender}>"]
    lines += [] if "\nto:" in f"\n{said}" else [f"To: {kit.ours}"]
    lines += [] if "message-id:" in said else ["Message-ID: <so-y-te-1@example.invalid>"]
    head = "\r\n".join([*lines, *headers.splitlines(), "MIME-Version: 1.0", f"Content-Type: {kind}"])
    return f"{head}\r\n\r\n{body}\r\n".encode("utf-8", "surrogateescape")


def part(
    content: bytes, disposition: str = 'Content-Disposition: attachment; filename="bieu.xlsx"', *, kind: str = XLSX
) -> str:
    """Return a part with a file, in base64."""
    text = base64.encodebytes(content).decode().replace("\n", "\r\n")
    return f"Content-Type: {kind}\r\n{disposition}\r\nContent-Transfer-Encoding: base64\r\n\r\n{text}"


def letter(
    kit: Kit, *parts: str, headers: str = "", text: str = "Kính gửi báo cáo.", kind: str = "multipart/mixed"
) -> bytes:
    """Return a mail with a text and parts."""
    all_parts = [f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}", *parts]
    body = "".join(f"--=x\r\n{each}\r\n" for each in all_parts) + "--=x--"
    return mail(kit, body, headers=headers, kind=f'{kind}; boundary="=x"')


def bounce(kit: Kit, text: str, *, headers: str, kind: str = "text/plain; charset=us-ascii") -> bytes:
    """Return what a mail server writes to us about a letter of ours."""
    return mail(kit, text, headers=headers, kind=kind)


def dsn(
    kit: Kit, *, status: str = "5.1.1", action: str = "failed", headers: str = "", original: str = "message/rfc822"
) -> bytes:
    """Return a delivery report by the standard."""
    body = (
        f"--b\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n--b\r\n"
        f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.invalid\r\n\r\n"
        f"Final-Recipient: rfc822; {kit.sender}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n--b\r\n"
        f"Content-Type: {original}\r\n\r\nMessage-ID: <letter@dondoc.example.invalid>\r\nSubject: x\r\n\r\nx\r\n--b--"
    )
    return mail(
        kit,
        body,
        headers=headers or "From: MAILER-DAEMON@mx.invalid\nSubject: Undelivered Mail Returned to Sender",
        kind='multipart/report; report-type=delivery-status; boundary="b"',
    )


def tnef(*files: tuple[bytes, bytes]) -> bytes:
    """Return a winmail.dat with files, as Outlook packs them."""

    def attribute(level: int, name: int, kind: int, data: bytes) -> bytes:
        return struct.pack("<BHHI", level, name, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    packed = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x9006, 8, struct.pack("<I", 0x10000))
    for name, content in files:
        packed += attribute(2, 0x9002, 6, bytes(14))
        packed += attribute(2, 0x8010, 1, name + b"\0") + attribute(2, 0x800F, 6, content)
    return packed


def _mails(kit: Kit):
    form, signed = (
        part(kit.filled),
        part(kit.signed, 'Content-Disposition: attachment; filename="ky.pdf"', kind="application/pdf"),
    )
    both = (form, signed)
    name = "Biểu Sở Y tế.xlsx"
    percent = "".join(f"%{octet:02X}" for octet in name.encode())
    word = base64.b64encode(name.encode()).decode()
    named = {
        "rfc 2231": f"filename*=UTF-8''{percent}",
        "rfc 2231 in pieces": f"filename*0*=utf-8''{percent[:30]};\r\n filename*1*={percent[30:]}",
        "rfc 2047": f'filename="=?utf-8?B?{word}?="',
        "raw utf-8": f'filename="{name}"',
        "raw nfd": f'filename="{unicodedata.normalize("NFD", name)}"',
        "no quotes": f"filename={name}",
        "unknown charset": f"filename*=klingon''{percent}",
        "a path": 'filename="C:\\\\bao cao\\\\..\\\\bieu.xlsx"',
        "no name": "x=y",
        "a name of a thousand letters": f'filename="{"x" * 1000}.xlsx"',
        "wrong ending": 'filename="bieu.dat"',
    }
    names = {
        f"name {what}": (letter(kit, part(kit.filled, f"Content-Disposition: attachment; {how}"), signed), ACCEPTED)
        for what, how in named.items()
    }
    return {
        **names,
        **_answers(kit, both, form, signed),
        **_odd_mails(kit, both, form),
        **_machines(kit, form),
        **_bounces(kit),
    }


def _answers(kit: Kit, both, form: str, signed: str):
    inner = letter(kit, *both, headers="From: <nhan.vien@example.invalid>\nSubject: bao cao").decode()
    mixed = "".join(f"--=y\r\n{each}\r\n" for each in both) + "--=y--"
    nested = f'Content-Type: multipart/mixed; boundary="=y"\r\n\r\n{mixed}'
    pack = part(
        test_guard.a_zip(("Biểu.xlsx", kit.filled), ("ky.pdf", kit.signed)),
        'Content-Disposition: attachment; filename="a.zip"',
    )
    winmail = part(
        tnef((b"bieu.xlsx", kit.filled), (b"ky.pdf", kit.signed)),
        'Content-Disposition: attachment; filename="winmail.dat"',
        kind="application/ms-tnef",
    )
    broken_tnef = part(
        b"\x78\x9f\x3e\x22" + bytes(40),
        'Content-Disposition: attachment; filename="winmail.dat"',
        kind="application/ms-tnef",
    )
    other = part(kit.other_filled, 'Content-Disposition: attachment; filename="khac.xlsx"')
    of_two = [letter(kit, form, signed).decode(), letter(kit, other, signed).decode()]
    return {
        "a good answer": (letter(kit, *both), ACCEPTED),
        "an answer without its copy": (letter(kit, form), READ),
        "parts within parts": (letter(kit, nested), ACCEPTED),
        "forwarded with the form inside": (letter(kit, f"Content-Type: message/rfc822\r\n\r\n{inner}"), ACCEPTED),
        "form as an inline part": (
            letter(kit, part(kit.filled, 'Content-Disposition: inline; filename="b.xlsx"'), signed),
            ACCEPTED,
        ),
        "form as octets": (letter(kit, part(kit.filled, kind="application/octet-stream"), signed), ACCEPTED),
        "form called a text": (letter(kit, part(kit.filled, kind="text/plain"), signed), ACCEPTED),
        "form in a zip": (letter(kit, pack), ACCEPTED),
        "winmail": (letter(kit, winmail), ACCEPTED),
        "winmail that is broken": (letter(kit, broken_tnef), ("returned", ("winmail_dat",))),
        "winmail of nothing": (
            letter(kit, part(tnef(), 'Content-Disposition: attachment; filename="winmail.dat"')),
            ("returned", ("winmail_dat",)),
        ),
        "the same form twice": (letter(kit, form, form, signed), ACCEPTED),
        "the blank form beside the filled one": (letter(kit, form, part(kit.blank), signed), ACCEPTED),
        "two units in one mail": (letter(kit, form, other, signed), ("quarantined", ("sender_of_another_unit",))),
        "two mails in one mail": (
            letter(
                kit,
                *(
                    f"Content-Type: message/rfc822\r\n\r\n{each.replace('=x', f'=y{n}')}"
                    for n, each in enumerate(of_two)
                ),
            ),
            ("quarantined", ("sender_of_another_unit",)),
        ),
        "two tokens": (
            letter(kit, *both, headers=f"To: {kit.ours}, {kit.ours.replace('+', '+aaaa')}"),
            ACCEPTED,
        ),
        "to several addresses": (letter(kit, *both, headers=f"To: a@b.invalid, {kit.ours}\nCc: c@d.invalid"), ACCEPTED),
        "token in the envelope only": (
            letter(
                kit,
                *both,
                headers=f"To: {kit.ours.partition('+')[0]}@{kit.ours.partition('@')[2]}\nDelivered-To: {kit.ours}",
            ),
            ACCEPTED,
        ),
        "no token in the mail": (
            letter(kit, *both, headers=f"To: {kit.ours.partition('+')[0]}@{kit.ours.partition('@')[2]}"),
            ACCEPTED,
        ),
        "of a stranger": (letter(kit, *both, headers="From: la@example.invalid"), ("quarantined", ("sender_unknown",))),
        "word with the form": (
            letter(kit, *both, part(b"{\\rtf1}", 'Content-Disposition: attachment; filename="a.doc"')),
            ACCEPTED,
        ),
        "word only": (
            letter(kit, part(ole("WordDocument"), 'Content-Disposition: attachment; filename="a.doc"')),
            ("returned", ("file_is_word",)),
        ),
        "rar only": (
            letter(kit, part(b"Rar!\x1a\x07\x00", 'Content-Disposition: attachment; filename="a.rar"')),
            ("returned", ("archive_is_not_zip",)),
        ),
        "csv only": (
            letter(kit, part(b"a;b", 'Content-Disposition: attachment; filename="a.csv"', kind="text/csv")),
            ("returned", ("file_is_csv",)),
        ),
        "locked form": (letter(kit, part(ole("EncryptedPackage"))), ("returned", ("file_is_password_protected",))),
        "old xls": (
            letter(kit, part(ole("Workbook"), 'Content-Disposition: attachment; filename="a.xls"')),
            ("returned", ("file_is_old_xls",)),
        ),
        "only a text": (mail(kit), UNREAD),
        "html only": (mail(kit, "<p>Kính gửi</p>", kind="text/html"), UNREAD),
        "a text of a stranger": (mail(kit, headers="From: la@example.invalid\nTo: x@y.invalid"), STRANGE),
    }


def _odd_mails(kit: Kit, both, form: str):
    good = letter(kit, *both)
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000))
    return {
        "lines end in lf": (good.replace(b"\r\n", b"\n"), ACCEPTED),
        "lines end in cr": (good.replace(b"\r\n", b"\r"), ACCEPTED),
        "a mark before": (b"\xef\xbb\xbf" + good, ACCEPTED),
        "blank lines before": (b"\r\n\r\n" + good, ACCEPTED),
        "a line of a mailbox before": (b"From x@y Mon Jun  9 08:00:00 2025\r\n" + good, ACCEPTED),
        "a delivery report of no mailer": (
            bounce(
                kit,
                f"--b\r\nContent-Type: text/plain\r\n\r\nA message that you sent could not be delivered.\r\n--b\r\n"
                f"Content-Type: message/rfc822\r\n\r\n{letter(kit, *both).decode()}\r\n--b--",
                headers="From: ndr@example.invalid\nSubject: Mail delivery failed: returning message to sender",
                kind='multipart/mixed; boundary="b"',
            ),
            ("ignored", ("bounce_of_nobody",)),
        ),
        "an absence as notes writes it": (
            bounce(kit, "I am away.", headers="Subject: AUTO: A B is out of the office (returning 05/01/2010)"),
            ("ignored", ("auto_reply",)),
        ),
        "a mail saved by outlook": (
            letter(kit, part(b"\xd0\xcf\x11\xe0" + bytes(600), 'Content-Disposition: attachment; filename="a.msg"')),
            ("returned", ("file_is_outlook_mail",)),
        ),
        "a signed copy with a marking": (
            letter(kit, both[0], part(a_pdf(["SỞ Y TẾ", "MẬT"]), 'Content-Disposition: attachment; filename="a.pdf"')),
            ("returned", ("secrecy_marking",)),
        ),
        "no end of parts": (good.removesuffix(b"--=x--\r\n"), ACCEPTED),
        "cut in the form": (good[: good.index(b"UEsDB") + 78 * 40], ("returned", ("file_is_cut_off",))),
        "cut between letters": (good[: good.index(b"UEsDB") + 78 * 40 + 1], ("returned", ("file_is_cut_off",))),
        "cut in the form and closed": (
            letter(kit, both[0][: len(both[0]) // 2 // 78 * 78 + 5]),
            ("returned", ("file_is_cut_off",)),
        ),
        "quoted printable": (
            letter(
                kit,
                f"Content-Type: {XLSX}\r\nContent-Transfer-Encoding: quoted-printable\r\n"
                f'Content-Disposition: attachment; filename="a.xlsx"\r\n\r\n'
                + quopri.encodestring(kit.filled).decode("ascii"),
                both[1],
            ),
            ACCEPTED,
        ),
        "unknown charset": (letter(kit, *both).replace(b"charset=utf-8", b"charset=x-klingon"), ACCEPTED),
        "unknown encoding": (
            letter(kit, *both).replace(b"text/plain; charset=utf-8", b"text/plain\r\nContent-Transfer-Encoding: x"),
            ACCEPTED,
        ),
        "broken subject": (letter(kit, *both, headers="Subject: =?utf-8?B?###?= =?x"), ACCEPTED),
        "subject of a million letters": (letter(kit, *both, headers=f"Subject: {'x' * 1_000_000}"), ACCEPTED),
        "ten thousand recipients": (
            letter(kit, *both, headers="Cc: " + ", ".join(f"u{n}@x.invalid" for n in range(10_000))),
            ACCEPTED,
        ),
        "ten thousand references": (
            letter(kit, *both, headers="References: " + " ".join(f"<{n}@x>" for n in range(10_000))),
            ACCEPTED,
        ),
        "thirty thousand headers": (letter(kit, *both, headers="X-A: b\n" * 30_000), ACCEPTED),
        "no headers at all": (b"\r\n\r\nx", STRANGE),
        "nothing": (b"", STRANGE),
        "zeros": (bytes(10_000), STRANGE),
        "three thousand parts": (
            letter(kit, *(["Content-Type: text/plain\r\n\r\nx"] * 3000)),
            ("returned", ("mail_too_many_parts",)),
        ),
        "three thousand parts within each other": (
            mail(kit, headers="X-A: b").split(b"MIME-Version")[0] + deep + b"x",
            ("returned", ("mail_too_many_parts",)),
        ),
        "three thousand mails within each other": (
            b"Content-Type: message/rfc822\r\n\r\n" * 3000 + b"Subject: x\r\n\r\nx",
            ("quarantined", ()),
        ),
        "a long html": (mail(kit, "<div>" * 150_000 + "</p>" * 50_000, kind="text/html"), UNREAD),
        "html of opened comments": (mail(kit, "<!--" * 100_000, kind="text/html"), UNREAD),
        "a long line": (mail(kit, "x" * 3_000_000), UNREAD),
        "a large mail": (
            letter(
                kit,
                *both,
                part(
                    bytes(range(256)) * 15_000, 'Content-Disposition: attachment; filename="a.jpg"', kind="image/jpeg"
                ),
            ),
            ACCEPTED,
        ),
        "a mail over the limit": (
            letter(kit, *both, part(bytes(20 * 1024 * 1024), 'Content-Disposition: attachment; filename="a.jpg"')),
            ("returned", ("mail_too_large",)),
        ),
        "encrypted": (
            mail(kit, "MIAG", kind="application/pkcs7-mime; smime-type=enveloped-data"),
            ("returned", ("mail_encrypted",)),
        ),
        "two from lines": (letter(kit, *both, headers=f"From: <{kit.sender}>\nFrom: evil@example.invalid"), ACCEPTED),
        "a name that holds an address": (
            letter(kit, *both, headers=f'From: "=?utf-8?Q?a=40evil.invalid=2C?=" <{kit.sender}>'),
            ACCEPTED,
        ),
        "no from": (
            letter(kit, *both, headers="X-From: y").replace(f"From: <{kit.sender}>\r\n".encode(), b""),
            ("quarantined", ("sender_unknown",)),
        ),
        "form within a hundred zips": (
            letter(
                kit,
                *(
                    part(
                        test_guard.a_zip((f"{n}.txt", bytes(60_000))),
                        f'Content-Disposition: attachment; filename="{n}.zip"',
                    )
                    for n in range(150)
                ),
            ),
            ("quarantined", ()),
        ),
    }


def _machines(kit: Kit, form: str):
    auto, robot = ("ignored", ("auto_reply",)), mail
    return {
        "out of office in english": (robot(kit, headers="Subject: Out of Office: bao cao"), auto),
        "out of office in vietnamese": (robot(kit, headers="Subject: Trả lời tự động: Báo cáo"), auto),
        "auto-replied": (robot(kit, headers="Subject: x\nAuto-Submitted: auto-replied"), auto),
        "auto-replied with the form": (letter(kit, form, headers="Auto-Submitted: auto-replied (vacation)"), auto),
        "auto-generated": (robot(kit, headers="Auto-Submitted: auto-generated"), auto),
        "auto-generated by a scanner": (letter(kit, form, headers="Auto-Submitted: auto-generated"), READ),
        "suppresses answers": (robot(kit, headers="X-Auto-Response-Suppress: All"), auto),
        "of a list": (robot(kit, headers="Precedence: list"), auto),
        "bulk": (robot(kit, headers="Precedence: bulk"), auto),
        "x-autoreply": (robot(kit, headers="X-Autoreply: yes"), auto),
        "x-autorespond": (robot(kit, headers="X-Autorespond: yes"), auto),
        "no return path": (robot(kit, headers="Return-Path: <>"), auto),
        "our own letter": (
            robot(kit, headers=f"From: {kit.ours.partition('+')[0]}@{kit.ours.partition('@')[2]}"),
            ("ignored", ("own_letter",)),
        ),
        "our own plus-address": (robot(kit, headers=f"From: {kit.ours}"), ("ignored", ("own_letter",))),
        "read receipt": (
            robot(
                kit,
                "--b\r\nContent-Type: text/plain\r\n\r\nread\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: manual-action; displayed\r\n--b--",
                kind='multipart/report; report-type=disposition-notification; boundary="b"',
            ),
            auto,
        ),
        "complaint": (
            robot(
                kit,
                "--b\r\nContent-Type: text/plain\r\n\r\nspam\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n--b--",
                kind='multipart/report; report-type=feedback-report; boundary="b"',
            ),
            auto,
        ),
    }


def _bounces(kit: Kit):
    bounced, unknown = ("ignored", ("bounce",)), ("ignored", ("bounce_of_nobody",))
    to, daemon = kit.sender, "From: MAILER-DAEMON@mx.invalid (Mail Delivery System)"
    texts = {
        "postfix": (
            f"This is the mail system at host mx.\n\n<{to}>: host mx said: 550 5.1.1 User unknown",
            f"{daemon}\nSubject: Undelivered Mail Returned to Sender",
        ),
        "sendmail": (
            f"   ----- The following addresses had permanent fatal errors -----\n<{to}>\n\n   ----- Transcript of session follows -----\n550 User unknown",
            f"{daemon}\nSubject: Returned mail: see transcript for details",
        ),
        "qmail": (
            f"Hi. This is the qmail-send program at mx.invalid.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<{to}>:\nSorry, no mailbox here by that name.\n\n--- Below this line is a copy of the message.\n",
            f"{daemon}\nSubject: failure notice",
        ),
        "exim": (
            f"A message that you sent could not be delivered to one or more of its recipients.\n\n  {to}\n    Unrouteable address\n",
            f"From: Mail Delivery System <Mailer-Daemon@mx.invalid>\nSubject: Mail delivery failed: returning message to sender\nX-Failed-Recipients: {to}",
        ),
        "exchange": (
            f"Your message did not reach some or all of the intended recipients.\n\n      Subject:\tx\n\nThe following recipient(s) could not be reached:\n\n      {to} on 6/9/2025 8:00 AM\n            The e-mail account does not exist\n",
            "From: postmaster@mx.invalid\nSubject: Undeliverable: bao cao",
        ),
        "google": (
            f"** Address not found **\n\nYour message wasn't delivered to {to}",
            "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nSubject: Delivery Status Notification (Failure)",
        ),
        "yahoo": (
            f"Message from yahoo.com.\nUnable to deliver message to the following address(es).\n\n<{to}>:\nThis user doesn't have an account.\n",
            "From: MAILER-DAEMON@yahoo.invalid\nSubject: Failure Notice",
        ),
        "notes": (
            "Your message was not delivered because: User not listed in Domino Directory",
            "From: Postmaster@mx.invalid\nSubject: DELIVERY FAILURE: User not listed",
        ),
        "groupwise": (
            "The message that you sent was undeliverable to the following: x (user not found)",
            "From: Mailer-Daemon@mx.invalid\nSubject: Message status - undeliverable",
        ),
        "zimbra": (
            f"<{to}>: mailbox over quota",
            "From: MAILER-DAEMON@mail.invalid\nSubject: Undelivered Mail Returned to Sender",
        ),
        "mdaemon": (
            "The following data may contain sections which represent BASE64",
            "From: MDaemon@mx.invalid\nSubject: Permanent Delivery Failure",
        ),
        "courier": (
            f"This is a delivery status notification from mx.\n\n<{to}>:\n     550 User unknown.\n",
            'From: "Courier mail server" <postmaster@mx.invalid>\nSubject: NOTICE: mail delivery status.',
        ),
        "opensmtpd": (
            "Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.",
            "From: Mailer Daemon <MAILER-DAEMON@mx.invalid>\nSubject: Delivery status notification: error",
        ),
        "dragonfly": (
            f"This is the DragonFly Mail Agent.\n\nThere was an error delivering your mail to <{to}>.",
            "From: MAILER-DAEMON <>\nSubject: Mail delivery failed",
        ),
        "no sender at all": ("Could not deliver.", "From: <>\nSubject: x"),
        "in vietnamese": (
            "Thư của bạn không gửi được.",
            "From: postmaster@mail.invalid\nSubject: Không gửi được: báo cáo",
        ),
        "over quota": (
            f"<{to}>: 552 5.2.2 mailbox full",
            f"{daemon}\nSubject: Warning: could not send message for past 4 hours",
        ),
        "imail": (
            "User mailbox exceeds allowed size: x@mx",
            'From: "Postmaster" <postmaster@mx.invalid>\nSubject: Undeliverable Mail\nReturn-Path: <>',
        ),
        "surfcontrol": (
            "Your Message could not be delivered",
            "From: Postmaster <postmaster@mx.invalid>\nSubject: Daemon: Mail was not delivered\nReturn-Path: <>",
        ),
        "an old daemon": ("unknown user", "From: Mail_Daemon@mx.invalid\nSubject: x"),
        "japanese carrier": (
            f"The user(s) account is disabled.\n\n<{to}>: 550 User unknown",
            "From: <Postmaster@ezweb.invalid>\nSubject: Mail System Error - Returned Mail\nReturn-Path: <>",
        ),
    }
    flat = {
        f"bounce of {name}": (bounce(kit, text, headers=headers), ("ignored", ()))
        for name, (text, headers) in texts.items()
    }
    return flat | {
        "bounce by the standard": (dsn(kit), bounced),
        "bounce by the standard of one's own postmaster": (
            dsn(kit, headers=f"From: <{kit.sender}>\nSubject: Undeliverable"),
            bounced,
        ),
        "bounce with headers only": (dsn(kit, original="text/rfc822-headers"), bounced),
        "bounce that only warns": (dsn(kit, status="4.4.1", action="delayed"), unknown),
        "bounce with no type of report": (dsn(kit).replace(b"report-type=delivery-status; ", b""), bounced),
        "bounce in a plain mixed mail": (dsn(kit).replace(b"multipart/report", b"multipart/mixed"), bounced),
        "bounce whose lines end in cr": (dsn(kit).replace(b"\r\n", b"\r"), bounced),
        "bounce whose lines end in lf": (dsn(kit).replace(b"\r\n", b"\n"), bounced),
        "bounce that brings our form back": (
            letter(
                kit,
                "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
                f"Final-Recipient: rfc822; {kit.sender}\r\nAction: failed\r\nStatus: 5.1.1\r\n",
                f"Content-Type: message/rfc822\r\n\r\nSubject: mo ky\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n{part(kit.blank)}\r\n--z--",
                headers="From: MAILER-DAEMON@mx.invalid\nSubject: Undelivered",
                kind="multipart/report; report-type=delivery-status",
            ),
            bounced,
        ),
        "a person who passes a bounce on": (
            mail(
                kit,
                f"Chúng tôi nhận được:\n\nThis is the mail system at host mx.\n\n<{kit.sender}>: 550 User unknown",
                headers="Subject: Fwd: loi",
            ),
            UNREAD,
        ),
    }
