"""Takes a mail apart: who, to whom, what the sender wrote, the files at any depth, and whether a machine answered.

It never raises for what a mail holds: a mail that cannot be read comes back as findings. It does not know units or
duties, and opens no file that it finds.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import Final, Self
from urllib.parse import unquote_to_bytes

from flufl.bounce import all_failures
from imap_tools import MailMessage

from models.domain.forms import Finding, finding
from models.domain.replies import ReplyPhrases
from models.domain.roll_call import RollCallPhrases
from models.domain.secrecy import SecrecyWords
from models.domain.vietnamese import comparison_key, storable, tidy, tidy_lines
from tasks.adapters.texts import Texts
from tasks.ports import MailFile, ParsedMail
from tasks.settings import MEBIBYTE, LimitSettings

PARTS_READ: Final = 200
NESTING_READ: Final = 20
AUTHENTICATIONS_READ: Final = 20
CHARACTERS_OF_TEXT_READ: Final = 200_000
LINES_OF_HEADER_BLOCK: Final = 6
LONGEST_ADDRESS: Final = 320
"""Longer than any that mail can be sent to: it is no address, and would not fit into an index of the database."""
FALLBACK_CHARSETS: Final = ("utf-8", "cp1258")
RECIPIENT_HEADERS: Final = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
TNEF: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
SMIME: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted"})
DAEMONS: Final = ("mailer-daemon", "postmaster", "mail-daemon")
REPORT_ENDINGS: Final = (".xlsx", ".xls", ".xlsm", ".ods", ".zip", ".rar", ".7z", ".pdf", ".docx")
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,300}@[^<>\s]{1,300}>")
_ORIGINAL_ID: Final = re.compile(r"^message-id:\s*(<[^<>\s]+@[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)
_SIGNATURE: Final = re.compile(r"^--\s?$")
_RULE: Final = re.compile(r"^[-_*=\s]{10,}$")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPhrases:
    """The words by which quotations and automatic answers are known, as comparison keys."""

    quote_ends: tuple[str, ...]
    quote_begins: tuple[str, ...]
    quote_lines: tuple[str, ...]
    from_labels: tuple[str, ...]
    other_labels: tuple[str, ...]
    auto_subjects: tuple[str, ...]
    bounce_subjects: tuple[str, ...]

    @classmethod
    def of(cls, texts: Texts) -> Self:
        """Return the phrases of the message files."""
        return cls(**{name: tuple(map(comparison_key, _lines(texts, f"reading.{name}"))) for name in cls.__slots__})


def reply_phrases(texts: Texts) -> ReplyPhrases:
    """Return the phrases of one-line answers, for `models.domain.replies.read_reply`."""
    lists = (
        *("greetings", "nil", "nil_leads", "nil_tails", "promise", "done", "denials"),
        *("contest", "contest_denials", "explain", "explain_denials", "item_words"),
    )
    return ReplyPhrases(
        **{name: _lines(texts, f"reply.{name}") for name in lists},
        month_word=texts.say("reply.month_word"),
        year_word=texts.say("reply.year_word"),
    )


def secrecy_words(texts: Texts) -> SecrecyWords:
    """Return the markings of secrecy and their labels, for `models.domain.secrecy`."""
    return SecrecyWords(markings=_lines(texts, "secrecy.markings"), labels=_lines(texts, "secrecy.labels"))


def roll_call_phrases(texts: Texts) -> RollCallPhrases:
    """Return the phrases of answers to a roll-call, for `models.domain.roll_call.read_answer`."""
    lists = ("confirmations", "tails", "new_contacts", "stand_ins", "changes")
    return RollCallPhrases(
        greetings=_lines(texts, "reply.greetings"), **{name: _lines(texts, f"roll_call.{name}") for name in lists}
    )


class MailReader:
    """Reads mails with the phrases of the message files; it keeps nothing between two mails."""

    def __init__(self, texts: Texts, limits: LimitSettings) -> None:
        """Take the phrases from the texts, and the size that a cut mail went over."""
        self._phrases = ReadingPhrases.of(texts)
        self._limits = limits

    def read(self, content: bytes, *, is_cut: bool = False) -> ParsedMail:
        """Return what a mail says. `is_cut`: only its headers were fetched, because it was too large."""
        too_large = finding("mail_too_large", limit=self._limits.mail_bytes // MEBIBYTE)
        if not is_cut and len(content) > self._limits.mail_bytes:
            is_cut, content = True, content.partition(b"\r\n\r\n")[0][:MEBIBYTE]
        try:
            parsed = self._read(
                MailMessage.from_bytes(content).obj, is_cut=is_cut, extra=(too_large,) if is_cut else ()
            )
        except (RecursionError, MessageError, ValueError, LookupError, TypeError, AttributeError) as problem:
            _log.info("a mail could not be read: %r", problem)
            return ParsedMail(findings=(finding("mail_unreadable"),))
        return parsed

    def _read(self, mail: Message, *, is_cut: bool, extra: tuple[Finding, ...]) -> ParsedMail:
        contents = _Contents()
        if not is_cut:
            contents.collect(mail)
        sender_name, sender = _first_address(mail, "From")
        subject = tidy(_header(mail, "Subject"))
        is_bounce = self._is_bounce(mail, sender, subject)
        return ParsedMail(
            message_id=_first_id(_header(mail, "Message-ID")),
            sender=sender,
            sender_name=sender_name,
            recipients=_recipients(mail),
            subject=subject,
            in_reply_to=tuple(dict.fromkeys(_MESSAGE_ID.findall(_answered(mail)))),
            own_text=own_text(contents.text, self._phrases),
            files=tuple(contents.files),
            auto_reply_reason="bounce" if is_bounce else self._auto_reply_reason(mail, subject, contents.files),
            bounced_addresses=_bounced_addresses(mail) if is_bounce else (),
            bounced_message_id=_bounced_message_id(mail) if is_bounce else "",
            authentication=_authentication(mail),
            findings=(*extra, *dict.fromkeys(contents.findings)),
        )

    def _is_bounce(self, mail: Message, sender: str, subject: str) -> bool:
        if mail.get_content_type() == "multipart/report":
            return str(mail.get_param("report-type") or "delivery-status").lower() == "delivery-status"
        is_from_daemon = sender.partition("@")[0] in DAEMONS or _header(mail, "Return-Path").strip() == "<>"
        if "X-Failed-Recipients" in mail:
            return True
        return is_from_daemon and _starts_with_any(subject, self._phrases.bounce_subjects)

    def _auto_reply_reason(self, mail: Message, subject: str, files: list[MailFile]) -> str:
        """Return why a mail is no person's; but a weak sign never outweighs a report that came with it."""
        submitted = _header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
        if submitted.startswith("auto-replied") or any(name in mail for name in ("X-Autoreply", "X-Autorespond")):
            return "auto_submitted"
        if any(file.name.lower().endswith(REPORT_ENDINGS) for file in files):
            return ""
        return self._weak_reason(mail, subject, submitted)

    def _weak_reason(self, mail: Message, subject: str, submitted: str) -> str:
        if submitted not in {"", "no"}:
            return "auto_submitted"
        if _header(mail, "X-Auto-Response-Suppress").strip().lower() not in {"", "none"}:
            return "response_suppressed"
        if _header(mail, "Precedence").strip().lower() in {"auto_reply", "bulk", "junk", "list"}:
            return "precedence"
        is_receipt = mail.get_content_type() == "multipart/report"
        if is_receipt:
            return "read_receipt"
        return "out_of_office" if _starts_with_any(subject, self._phrases.auto_subjects) else ""


def own_text(text: str, phrases: ReadingPhrases) -> str:
    """Return what the sender wrote: what stands above the quotation, or below it when nothing stands above."""
    lines = tidy_lines(text[:CHARACTERS_OF_TEXT_READ]).splitlines()
    above = []
    for n, line in enumerate(lines):
        if _begins_quotation(lines, n, phrases) or _SIGNATURE.match(line):
            break
        above.append(line)
    while above and _RULE.match(above[-1]):
        above.pop()
    if any(above):
        return tidy_lines("\n".join(above))
    return tidy_lines("\n".join(_unquoted(lines, phrases)))


def html_to_text(html: str) -> str:
    """Return the text of an HTML body without the quotation that mail programs mark as one."""
    reader = _HtmlText()
    reader.feed(html[: 4 * CHARACTERS_OF_TEXT_READ])
    reader.close()
    return tidy_lines("".join(reader.pieces))


@dataclass(slots=True)
class _Contents:
    """What the walk through a mail's parts has found."""

    files: list[MailFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _plain: list[str] = field(default_factory=list)
    _html: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The body: as plain text when there is some, else made from the HTML."""
        plain = "\n".join(self._plain)
        return plain if plain.strip() else "\n".join(map(html_to_text, self._html))

    def collect(self, mail: Message) -> None:
        """Look at every part, nested mails included, up to the limits."""
        for n_parts, (part, depth, is_nested) in enumerate(_parts(mail)):
            if n_parts >= PARTS_READ or depth > NESTING_READ:
                self.findings.append(finding("mail_too_many_parts"))
                return
            self._look_at(part, is_nested=is_nested)

    def _look_at(self, part: Message, *, is_nested: bool) -> None:
        kind = part.get_content_type()
        name = file_name(part)
        if kind in SMIME:
            self.findings.append(finding("mail_encrypted"))
        elif kind in TNEF or name.lower() == "winmail.dat":
            self.findings.append(finding("winmail_dat"))
        elif part.is_multipart():
            return
        elif _is_body(part, name):
            if not is_nested:
                (self._html if kind == "text/html" else self._plain).append(_decoded_text(part))
        else:
            self.files.append(MailFile(name=name, media_type=kind, content=_payload(part)))


class _HtmlText(HTMLParser):
    """Collects the text of HTML; what mail programs mark as quotation is left out."""

    BLOCKS: Final = frozenset("p div br tr li h1 h2 h3 h4 table ul ol hr pre".split())  # noqa: SIM905 - shorter
    SILENT: Final = frozenset(("style", "script", "head", "title"))
    VOID: Final = frozenset(("br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marks = f"{dict(attrs).get('class') or ''} {dict(attrs).get('id') or ''}"
        if "divRplyFwdMsg" in marks or "appendonsend" in marks:
            self._is_over = True
        if tag in self.BLOCKS:
            self.pieces.append("\n")
        if tag not in self.VOID:
            is_silent = tag in self.SILENT or tag == "blockquote" or "gmail_quote" in marks or "moz-cite" in marks
            self._open.append((tag, is_silent))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.BLOCKS:
            self.pieces.append("\n")
        if tag in {name for name, _ in self._open}:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._is_over and not any(is_silent for _, is_silent in self._open):
            self.pieces.append(re.sub(r"\s+", " ", data))


def file_name(part: Message) -> str:
    """Return the name of a part as its sender wrote it, NFC, without folders; empty when it has none.

    Understands RFC 2231 (in pieces too), RFC 2047 within parameters, and raw 8-bit names.
    """
    for header, parameter in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        starred = _extended_parameter(_raw_header(part, header), parameter)
        found = starred or _parameter(part, header, parameter)
        if found:
            return tidy(re.split(r"[/\\]", _decode_words(found))[-1])
    return ""


def _parameter(part: Message, header: str, parameter: str) -> str:
    probe = Message()
    probe[header] = _mend(_raw_header(part, header))  # the part itself would give raw octets as question marks
    value = probe.get_param(parameter, header=header, unquote=True)
    if isinstance(value, tuple):
        charset, _, text = value
        return _decode_bytes(text.encode("utf-8" if text.isascii() else "latin-1", "replace"), charset or "utf-8")
    return _mend(str(value)) if value else ""


def _extended_parameter(raw: str, parameter: str) -> str:
    """Return an RFC 2231 parameter, put together from its pieces; it counts before the plain one beside it."""
    pattern = rf"{parameter}(?:\*(\d+))?\*\s*=\s*\"?([^;\"\s]+)"
    pieces = sorted((int(number or 0), value) for number, value in re.findall(pattern, raw, re.IGNORECASE))
    joined = "".join(value for _, value in pieces)
    charset, quote_mark, rest = joined.partition("'")
    if not quote_mark:
        return ""
    plain = re.findall(rf"{parameter}\*(\d+)\s*=", raw, re.IGNORECASE)
    return "" if plain else _decode_bytes(unquote_to_bytes(rest.partition("'")[2]), charset or "utf-8")


def _parts(mail: Message) -> Iterator[tuple[Message, int, bool]]:
    """Yield each part with its depth and whether it lies in a nested mail, in order, without recursion."""
    waiting: list[tuple[Message, int, bool]] = [(mail, 0, False)]
    while waiting:
        part, depth, is_nested = waiting.pop()
        yield part, depth, is_nested
        payload = part.get_payload()
        if part.is_multipart() and isinstance(payload, list):
            inside = is_nested or part.get_content_type() == "message/rfc822"
            waiting.extend((child, depth + 1, inside) for child in reversed(payload) if isinstance(child, Message))


def _is_body(part: Message, name: str) -> bool:
    is_text = part.get_content_type() in {"text/plain", "text/html"}
    return is_text and not name and part.get_content_disposition() != "attachment"


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decoded_text(part: Message) -> str:
    return _decode_bytes(_payload(part)[: 8 * CHARACTERS_OF_TEXT_READ], str(part.get_content_charset() or "utf-8"))


def _decode_bytes(content: bytes, charset: str) -> str:
    for name in (charset, *FALLBACK_CHARSETS):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("utf-8", "replace")


def _mend(text: str) -> str:
    """Return text whose raw octets the parser kept as surrogates, read as what they are."""
    octets = text.encode("utf-8", "surrogateescape")
    return _decode_bytes(octets, "utf-8")


def _raw_header(mail: Message, name: str) -> str:
    values = [value for key, value in mail._headers if key.lower() == name.lower()]  # type: ignore[attr-defined]  # noqa: SLF001 - the only way to the text before it is decoded
    return str(values[0]) if values else ""


def _header(mail: Message, name: str) -> str:
    return _decode_words(_raw_header(mail, name))


def _decode_words(raw: str) -> str:
    """Return a header's text with RFC 2047 words decoded; a broken word stays as it is."""
    mended = _mend(raw)
    if "=?" not in mended:
        return mended.replace("\r", "").replace("\n", "")
    try:
        pieces = decode_header(mended)
    except (MessageError, ValueError):
        return mended
    return "".join(
        piece if isinstance(piece, str) else _decode_bytes(piece, charset or "utf-8") for piece, charset in pieces
    )


def _first_address(mail: Message, name: str) -> tuple[str, str]:
    addresses = _addresses(_raw_header(mail, name))
    return addresses[0] if addresses else ("", "")


def _addresses(raw: str) -> list[tuple[str, str]]:
    """Return the (name, lower-case address) pairs; names are decoded after the split, so that they cannot add one."""
    pairs = getaddresses([_mend(raw)]) if raw else []
    return [
        (tidy(_decode_words(name)), storable(address.strip().lower())) for name, address in pairs if _is_one(address)
    ]


def _is_one(address: str) -> bool:
    return "@" in address and len(address) <= LONGEST_ADDRESS


def _recipients(mail: Message) -> tuple[str, ...]:
    found = []
    for name in RECIPIENT_HEADERS:
        for value in mail.get_all(name, []):
            found += [address for _, address in _addresses(str(value))]
    return tuple(dict.fromkeys(found))


def _authentication(mail: Message) -> tuple[str, ...]:
    found = mail.get_all("Authentication-Results", [])[:AUTHENTICATIONS_READ]
    return tuple(tidy(_mend(str(value))) for value in found)


def _answered(mail: Message) -> str:
    return f"{_header(mail, 'In-Reply-To')} {_header(mail, 'References')}"


def _first_id(text: str) -> str:
    found = _MESSAGE_ID.search(text)
    return found[0] if found else ""


def _bounced_addresses(mail: Message) -> tuple[str, ...]:
    named = [address for _, address in _addresses(_raw_header(mail, "X-Failed-Recipients"))]
    try:
        permanent = all_failures(mail)[1]
    except Exception as problem:  # noqa: BLE001 - the recogniser of bounces raises whatever it likes on broken ones
        _log.info("a bounce could not be read: %r", problem)
        permanent = frozenset()
    found = sorted(storable(_decode_bytes(octets, "ascii").lower()) for octets in permanent)
    return tuple(dict.fromkeys([*filter(_is_one, found), *named]))


def _bounced_message_id(mail: Message) -> str:
    """Return the Message-ID of the letter that came back: from the copy in the report, or from what it refers to."""
    for part, depth, is_nested in _parts(mail):
        if depth > NESTING_READ:
            break
        if is_nested and part.get("Message-ID"):
            return _first_id(_header(part, "Message-ID"))
        if part.get_content_type() in {"text/rfc822-headers", "text/plain"} and not part.is_multipart():
            found = _ORIGINAL_ID.search(_decoded_text(part))
            if found:
                return found[1]
    return _first_id(_answered(mail))


def _begins_quotation(lines: list[str], n: int, phrases: ReadingPhrases) -> bool:
    line = comparison_key(lines[n])
    if line.startswith(">"):
        return True
    bare = line.strip("-_*=> ")
    if bare in phrases.quote_lines or _introduces_quotation(line, lines[n + 1 : n + 3], phrases):
        return True
    return _is_label(line, phrases.from_labels) and any(
        _is_label(comparison_key(other), phrases.other_labels) for other in lines[n + 1 : n + LINES_OF_HEADER_BLOCK]
    )


def _introduces_quotation(line: str, following: list[str], phrases: ReadingPhrases) -> bool:
    """Say whether a line begins with "On … wrote:", which mail programs may break over up to three lines."""
    begins = any(line.startswith(f"{word} ") for word in phrases.quote_begins)
    if line.endswith(phrases.quote_ends):
        return begins or "@" in line or line in phrases.quote_ends
    joined = line
    for other in map(comparison_key, following):
        joined = f"{joined} {other}"
        if begins and "@" in joined and joined.endswith(phrases.quote_ends):
            return True
    return False


def _is_label(line: str, labels: tuple[str, ...]) -> bool:
    word, colon, _ = line.lstrip("*> ").partition(":")
    return bool(colon) and word.strip("* ") in labels


def _unquoted(lines: list[str], phrases: ReadingPhrases) -> Iterator[str]:
    """Yield what stands below a quotation whose lines are marked with ">"."""
    if not any(line.startswith(">") for line in lines):
        return
    for line in lines:
        if _SIGNATURE.match(line):
            return
        if not line.startswith(">") and not comparison_key(line).endswith(phrases.quote_ends):
            yield line


def _starts_with_any(subject: str, beginnings: tuple[str, ...]) -> bool:
    return comparison_key(subject).lstrip("[( ").startswith(beginnings)


def _lines(texts: Texts, code: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in texts.say(code).splitlines() if line.strip())
