"""Builds the bytes of a letter; it opens no connection and reads no clock.

`EmailMessage(policy=SMTP)` takes 3 ms for a letter with a 20 KB workbook. Here every part is base64 in one go and an
attachment that several letters share is encoded once. What that class guards against is guarded here as well: no value
can begin a header of its own, no line is longer than the standard allows, and no boundary can stand in a part.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from tasks.ports import Attachment, Letter

CRLF: Final = b"\r\n"
OCTETS_PER_ENCODED_WORD: Final = 42
"""Octets of UTF-8 in one RFC 2047 word, so that the word stays under its limit of 75 characters."""
CHARACTERS_PER_LINE: Final = 76
LONGEST_PLAIN_VALUE: Final = 200
LONGEST_FILE_NAME: Final = 80
"""Characters; a character may take twelve octets when percent-encoded, and a line holds 998."""
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,250}")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_HEADER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]+(; [a-z]+=[A-Za-z0-9.-]+)*")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN: Final = re.compile(r"[!-~]+( [!-~]+)*")
_UNSAFE_IN_NAME: Final = re.compile(r"[^A-Za-z0-9 ._()+-]")
_OWN_HEADERS: Final = frozenset(
    {
        *("from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references"),
        *("mime-version", "content-type", "content-transfer-encoding", "content-disposition", "auto-submitted"),
    }
)


class LetterInvalidError(ValueError):
    """A letter has a value that cannot stand in a header; it would never be accepted and is not tried again."""


def build_message(letter: Letter, *, sender: str, sender_name: str, sent_at: datetime) -> bytes:
    """Return the whole message, ASCII with CRLF, no line that begins with a dot.

    Raises:
        LetterInvalidError: an address, Message-ID or header value is malformed or holds a line break.
    """
    boundary = f"=_{hashlib.sha256(letter.message_id.encode('utf-8', 'replace')).hexdigest()[:24]}"
    header_lines = CRLF.join(_headers(letter, sender, sender_name, sent_at))
    parts = [_alternative(letter, f"{boundary}_a"), *map(_attachment, letter.attachments)]
    return b"".join((header_lines, CRLF, *_multipart("mixed", f"{boundary}_m", parts)))


def checked_address(address: str) -> str:
    """Return the address when it may stand in an envelope and a header.

    Raises:
        LetterInvalidError: it is no plain ASCII address.
    """
    if not _ADDRESS.fullmatch(address):
        raise LetterInvalidError(f"not an address: {address!r}")
    return address


def encoded_value(text: str) -> str:
    """Return a text as a header may hold it: as it is when it is plain, else in RFC 2047 words on folded lines.

    Raises:
        LetterInvalidError: it holds a line break or another control character.
    """
    if _CONTROL.search(text):
        raise LetterInvalidError(f"a control character in {text!r}")
    if not text or (_PLAIN.fullmatch(text) and "=?" not in text and len(text) <= LONGEST_PLAIN_VALUE):
        return text
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(piece).decode()}?=" for piece in _pieces(text))


def ascii_name(name: str) -> str:
    """Return a file name without accents and signs, for programs that read no other."""
    plain = unicodedata.normalize("NFKD", name.replace("đ", "d").replace("Đ", "D")).encode("ascii", "ignore").decode()
    return _UNSAFE_IN_NAME.sub("_", plain).strip(" .") or "tep"


def _headers(letter: Letter, sender: str, sender_name: str, sent_at: datetime) -> Iterator[bytes]:
    yield _header("From", _mailbox(sender, sender_name))
    yield _header("To", checked_address(letter.to))
    if letter.copies:
        yield _header("Cc", ",\r\n ".join(map(checked_address, letter.copies)))
    if letter.reply_to:
        yield _header("Reply-To", checked_address(letter.reply_to))
    yield _header("Subject", encoded_value(letter.subject))
    yield _header("Date", format_datetime(sent_at))
    yield _header("Message-ID", _message_id(letter.message_id))
    if letter.in_reply_to:
        yield _header("In-Reply-To", _message_id(letter.in_reply_to))
        yield _header("References", _message_id(letter.in_reply_to))
    yield _header("Auto-Submitted", "auto-generated")
    for name, value in letter.headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise LetterInvalidError(f"not a header of a letter's own: {name!r}")
        yield _header(name, encoded_value(value))
    yield b"MIME-Version: 1.0"


def _header(name: str, value: str) -> bytes:
    return f"{name}: {value}".encode("ascii")


def _mailbox(address: str, name: str) -> str:
    if not name:
        return checked_address(address)
    is_plain = re.fullmatch(r"[A-Za-z0-9]+( [A-Za-z0-9]+)*", name) is not None
    shown = name if is_plain else "\r\n ".join(_words(name))
    return f"{shown} <{checked_address(address)}>"


def _words(text: str) -> Iterator[str]:
    if _CONTROL.search(text):
        raise LetterInvalidError(f"a control character in {text!r}")
    for piece in _pieces(text):
        yield f"=?utf-8?B?{base64.b64encode(piece).decode()}?="


def _message_id(message_id: str) -> str:
    if not _MESSAGE_ID.fullmatch(message_id) or len(message_id) > LONGEST_PLAIN_VALUE:
        raise LetterInvalidError(f"not a Message-ID: {message_id!r}")
    return message_id


def _pieces(text: str) -> Iterator[bytes]:
    """Cut a text into short pieces of UTF-8, never within a character."""
    piece = b""
    for character in text:
        octets = character.encode()
        if len(piece) + len(octets) > OCTETS_PER_ENCODED_WORD:
            yield piece
            piece = b""
        piece += octets
    if piece:
        yield piece


def _multipart(subtype: str, boundary: str, parts: Iterable[bytes]) -> Iterator[bytes]:
    yield f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    line = f"--{boundary}".encode()
    for part in parts:
        yield b"".join((line, CRLF, part, CRLF))
    yield line + b"--\r\n"


def _alternative(letter: Letter, boundary: str) -> bytes:
    texts = [_text_part("plain", letter.text)]
    if letter.html:
        texts.append(_text_part("html", letter.html))
    return b"".join(_multipart("alternative", boundary, texts))


def _text_part(subtype: str, text: str) -> bytes:
    content = "\r\n".join(text.splitlines()).encode("utf-8", "replace")
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + _base64_lines(content)


@lru_cache(maxsize=64)
def _attachment(attachment: Attachment) -> bytes:
    if not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise LetterInvalidError(f"not a media type: {attachment.media_type!r}")
    name = _short_name(attachment.name)
    head = (
        f"Content-Type: {attachment.media_type};\r\n {_name_parameter(name)}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n {_file_name_parameters(name)}\r\n\r\n"
    )
    return head.encode("ascii") + _base64_lines(attachment.content)


def _name_parameter(name: str) -> str:
    """Return the old `name` parameter: Outlook reads RFC 2047 words there, though the standard knows none."""
    if ascii_name(name) == name:
        return f'name="{name}"'
    return 'name="{}"'.format("\r\n ".join(_words(name)))


def _file_name_parameters(name: str) -> str:
    """Return the name twice: by RFC 2231 first, which counts, and without accents for programs that know no better."""
    plain = ascii_name(name)
    if plain == name:
        return f'filename="{name}"'
    if _CONTROL.search(name):
        raise LetterInvalidError(f"a control character in {name!r}")
    return f"filename*=utf-8''{quote(name, safe='')};\r\n filename=\"{plain}\""


def _short_name(name: str) -> str:
    """Return a name that fits a line of 998 octets when percent-encoded, with its ending kept."""
    stem, dot, ending = name.rpartition(".")
    excess = len(name) - LONGEST_FILE_NAME
    return name if excess <= 0 else f"{stem[: -excess or None]}{dot}{ending}"[-LONGEST_FILE_NAME:]


def _base64_lines(content: bytes) -> bytes:
    encoded = base64.b64encode(content)
    return CRLF.join(
        encoded[start : start + CHARACTERS_PER_LINE] for start in range(0, len(encoded), CHARACTERS_PER_LINE)
    )
