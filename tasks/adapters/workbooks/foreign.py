"""Guards a form that was saved as .xls or .ods, which is read as it is; anything else in these formats is refused.

What such a file may hold that a reader of values does not show is refused as before, with how to save it as .xlsx:
macros, objects, passwords, and text that seems to be in a TCVN3 font, for nobody here sees the fonts.
"""

import io
import re
import zipfile
from typing import Final

from models.domain.forms import Finding, RawForm, finding, note
from models.domain.tcvn3 import looks_like_tcvn3

OLD: Final = "file_is_old_xls"
OPEN: Final = "file_is_open_document"
READ_ALL_THE_SAME: Final = frozenset({OLD, OPEN})
"""Codes of the guard's refusals of which a form is tried all the same."""
TOLD: Final = {OLD: note("read_from_xls"), OPEN: note("read_from_ods")}
BIFF8_STREAM: Final = "Workbook".encode("utf-16-le")
MACROS: Final = tuple(name.encode("utf-16-le") for name in ("_VBA_PROJECT", "Macros"))
OBJECTS: Final = re.compile("MBD".encode("utf-16-le") + rb"(?:[0-9A-F]\x00){8}")
ENCRYPTION: Final = b"encryption-data"
MANIFEST: Final = "META-INF/manifest.xml"
DECLARATION: Final = b"<!DOCTYPE"


def refusal_of(content: bytes, code: str) -> Finding | None:
    """Return why a file that the guard calls `code` is not read either; None when a reader of values may see it."""
    return _refusal_of_xls(content) if code == OLD else _refusal_of_ods(content)


def reads_safely(form: RawForm) -> bool:
    """Say whether what was read is a form of ours whose every text is what its unit wrote."""
    texts = (value for value in form.cells.values() if isinstance(value, str))
    return form.stamp is not None and not any(map(looks_like_tcvn3, texts))


def _refusal_of_xls(content: bytes) -> Finding | None:
    if any(name in content for name in MACROS):
        return finding("workbook_has_macros")
    if OBJECTS.search(content):
        return finding("workbook_has_embedded_objects")
    return None if BIFF8_STREAM in content else finding(OLD)


def _refusal_of_ods(content: bytes) -> Finding | None:
    """Look at a package that the guard has measured, and whose parts it has not inflated."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        names = {info.filename for info in package.infolist()}
        if any(name.startswith(("Basic/", "Scripts/")) for name in names):
            return finding("workbook_has_macros")
        if any(name.startswith("Object") for name in names):
            return finding("workbook_has_embedded_objects")
        if MANIFEST in names and ENCRYPTION in package.read(MANIFEST):
            return finding("file_is_password_protected")
        if any(DECLARATION in package.read(name) for name in names if name.endswith(".xml")):
            return finding("workbook_has_declarations")
    return None
