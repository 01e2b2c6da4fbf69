"""Reads the pieces of a mail as mail programs really write them: parts, headers, file names, octets in any encoding.

Nothing here raises for what a mail holds, and no header is read beyond a length that people need.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from email.errors import InvalidBase64LengthDefect, MessageError
from email.feedparser import BytesFeedParser
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from itertools import islice
from typing import Final
from urllib.parse import unquote_to_bytes

from models.domain.vietnamese import storable, tidy

PARTS_READ: Final = 200
NESTING_READ: Final = 20
CHARACTERS_OF_TEXT_READ: Final = 200_000
CHARACTERS_OF_HEADER_READ: Final = 20_000
HEADERS_KEPT: Final = 1_000
HEADERS_READ: Final = 50
"""So many headers of one name are looked at."""
OCTETS_A_BITE: Final = 64 * 1024
LONGEST_ADDRESS: Final = 320
MAILS_WITHIN: Final = frozenset(("message/rfc822", "message/global"))
FALLBACK_CHARSETS: Final = ("utf-8", "cp1258")
_BEFORE_THE_HEADERS: Final = b"\xef\xbb\xbf\r\n"
_BOUNDARY: Final = re.compile(rb"boundary\s*=", re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,300}@[^<>\s]{1,300}>")


def parse(content: bytes) -> Message:
    """Return a mail taken apart, in bites: at once it would take ten times its size."""
    parser = BytesFeedParser()
    start = len(content) - len(content.lstrip(_BEFORE_THE_HEADERS)) if content[:1] in _BEFORE_THE_HEADERS else 0
    for at in range(start, len(content), OCTETS_A_BITE):
        parser.feed(content[at : at + OCTETS_A_BITE])
    mail = parser.close()
    del mail._headers[HEADERS_KEPT:]  # type: ignore[attr-defined]  # noqa: SLF001 - each look-up goes through all of them
    return mail


def has_too_many_parts(content: bytes) -> bool:
    """Say whether a mail announces more parts within parts than anybody sends: to take them apart would never end."""
    return sum(1 for _ in islice(_BOUNDARY.finditer(content), PARTS_READ + 1)) > PARTS_READ


def parts_of(mail: Message) -> Iterator[tuple[Message, int, tuple[str, ...]]]:
    """Yield each part with its depth and the nested mails that it lies in, in order, without recursion."""
    waiting: list[tuple[Message, int, tuple[str, ...]]] = [(mail, 0, ())]
    n_nested = 0
    while waiting:
        part, depth, place = waiting.pop()
        yield part, depth, place
        inner = part.get_payload()
        if part.is_multipart() and isinstance(inner, list):
            inside = place
            if part.get_content_type() in MAILS_WITHIN:
                n_nested += 1
                inside = (*place, f"mail {n_nested}")
            waiting.extend((child, depth + 1, inside) for child in reversed(inner) if isinstance(child, Message))


def payload_of(part: Message) -> bytes:
    """Return the octets of a part, its transfer encoding undone as far as it can be."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return b""
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects):
        # Cut within four letters, which Python gives back as letters: what came of the file is what stands before.
        return b64decode(b"".join(payload.split())[:-1] + b"==", validate=False)
    return payload


def decoded_text(part: Message) -> str:
    """Return the text of a part, in its charset or the likeliest other one."""
    return octets_as_text(payload_of(part)[: 8 * CHARACTERS_OF_TEXT_READ], str(part.get_content_charset() or "utf-8"))


def octets_as_text(content: bytes, charset: str) -> str:
    """Return octets read in a charset, or where that fails in the ones that Vietnamese mails are written in."""
    for name in (charset, *FALLBACK_CHARSETS):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("utf-8", "replace")


def file_name(part: Message) -> str:
    """Return the name of a part as its sender wrote it, NFC, without folders; empty when it has none.

    Understands RFC 2231 (in pieces too), RFC 2047 within parameters, and raw 8-bit names.
    """
    for name, parameter in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        starred = _extended_parameter(raw_header(part, name), parameter)
        found = starred or _parameter(part, name, parameter)
        if found:
            return tidy(re.split(r"[/\\]", decode_words(found))[-1])
    return ""


def raw_header(mail: Message, name: str) -> str:
    """Return a header as it stands, not decoded and not longer than people write one; empty when there is none."""
    wanted = name.lower()
    values = (value for key, value in mail._headers if key.lower() == wanted)  # type: ignore[attr-defined]  # noqa: SLF001 - the only way to the text before it is decoded
    return str(next(values, ""))[:CHARACTERS_OF_HEADER_READ]


def header(mail: Message, name: str) -> str:
    """Return a header with its RFC 2047 words decoded."""
    return decode_words(raw_header(mail, name))


def decode_words(raw: str) -> str:
    """Return a header's text with RFC 2047 words decoded; a broken word stays as it is."""
    mended = _mend(raw)
    if "=?" not in mended:
        return mended.replace("\r", "").replace("\n", "")
    try:
        pieces = decode_header(mended)
    except (MessageError, ValueError):
        return mended
    return "".join(
        piece if isinstance(piece, str) else octets_as_text(piece, charset or "utf-8") for piece, charset in pieces
    )


def addresses_in(raw: str) -> list[tuple[str, str]]:
    """Return the (name, lower-case address) pairs; names are decoded after the split, so that they cannot add one."""
    pairs = getaddresses([_mend(raw)]) if raw else []
    return [
        (tidy(decode_words(name)), storable(address.strip().lower())) for name, address in pairs if is_address(address)
    ]


def is_address(text: str) -> bool:
    """Say whether a text may be an address: one longer than the standard allows would not fit into the database."""
    return "@" in text and len(text) <= LONGEST_ADDRESS


def addresses_of(mail: Message, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return every address of the headers of those names, each once."""
    found = []
    for name in names:
        for value in mail.get_all(name, [])[:HEADERS_READ]:
            found += [address for _, address in addresses_in(str(value)[:CHARACTERS_OF_HEADER_READ])]
    return tuple(dict.fromkeys(found))


def message_ids(text: str) -> tuple[str, ...]:
    """Return the Message-IDs in a text, each once."""
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(text)))


def first_id(text: str) -> str:
    """Return the first Message-ID in a text, empty when there is none."""
    found = _MESSAGE_ID.search(text)
    return found[0] if found else ""


def _parameter(part: Message, name: str, parameter: str) -> str:
    probe = Message()
    probe[name] = _mend(raw_header(part, name))  # the part itself would give raw octets as question marks
    value = probe.get_param(parameter, header=name, unquote=True)
    if isinstance(value, tuple):
        charset, _, text = value
        return octets_as_text(text.encode("utf-8" if text.isascii() else "latin-1", "replace"), charset or "utf-8")
    return _mend(str(value)) if value else ""


def _extended_parameter(raw: str, parameter: str) -> str:
    """Return an RFC 2231 parameter, put together from its pieces; it counts before the plain one beside it."""
    pattern = rf"{parameter}(?:\*(\d{{1,4}}))?\*\s*=\s*\"?([^;\"\s]+)"
    pieces = sorted((int(number or 0), value) for number, value in re.findall(pattern, raw, re.IGNORECASE))
    joined = "".join(value for _, value in pieces)
    charset, quote_mark, rest = joined.partition("'")
    if not quote_mark:
        return ""
    plain = re.findall(rf"{parameter}\*(\d+)\s*=", raw, re.IGNORECASE)
    return "" if plain else octets_as_text(unquote_to_bytes(rest.partition("'")[2]), charset or "utf-8")


def _mend(text: str) -> str:
    """Return text whose raw octets the parser kept as surrogates, read as what they are."""
    octets = text.encode("utf-8", "surrogateescape")
    return octets_as_text(octets, "utf-8")
