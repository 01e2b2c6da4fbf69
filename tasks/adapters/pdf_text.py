"""Reads the text of a PDF's first pages, where a marking of secrecy stands; a scan has none, and that is no fault.

It runs in a worker process only: a hostile PDF may keep any reader busy, and costs its worker then. The library is
written in Python, for what a stranger sent is not to be let near a parser in C.
"""

import io
import logging
from collections.abc import Iterator
from itertools import islice
from typing import Final

PDF: Final = b"%PDF-"
HEAD_BYTES: Final = 1024
SIGNS_OF_TEXT: Final = (b"/Font", b"/ObjStm")
"""A text is set in a font, which is named in plain octets or in a packed stream; a bare scan has neither."""
PAGES_READ: Final = 3
OCTETS_OF_PAGE_READ: Final = 1024 * 1024
"""A page whose drawing takes more is a drawing, and no text that anybody set."""

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of each odd file at length
_log = logging.getLogger(__name__)


def is_pdf(content: bytes) -> bool:
    """Say whether octets are a PDF by what they begin with."""
    return PDF in content[:HEAD_BYTES]


def first_pages_of(content: bytes) -> list[list[str]]:
    """Return the lines of each of the first pages; none of a page without text, or of a PDF that cannot be read."""
    pages: list[list[str]] = []
    if not any(sign in content for sign in SIGNS_OF_TEXT):
        return pages
    try:
        pages.extend(_lines_of_pages(content))
    except MemoryError:
        raise
    except Exception as problem:  # noqa: BLE001 - a broken PDF makes the library raise anything
        _log.info("a PDF could not be read: %r", problem)
    return pages


def _lines_of_pages(content: bytes) -> Iterator[list[str]]:
    from pypdf import PdfReader  # noqa: PLC0415 - most signed copies are scans, and every poll would wait for it

    reader = PdfReader(io.BytesIO(content), strict=False)
    for page in islice(reader.pages, PAGES_READ):
        drawn = page.get_contents()
        is_text = drawn is not None and len(drawn.get_data()) <= OCTETS_OF_PAGE_READ
        yield page.extract_text().splitlines() if is_text else []
