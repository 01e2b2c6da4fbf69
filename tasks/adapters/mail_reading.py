"""Takes a mail apart: who, to whom, what the sender wrote, the files at any depth, and whether a machine answered.

It never raises for what a mail holds: a mail that cannot be read comes back as findings. It does not know units or
duties, and opens no file that it finds.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.errors import MessageError
from email.message import Message
from html.parser import HTMLParser
from typing import Final, Self

from models.domain.forms import Finding, finding
from models.domain.replies import ReplyPhrases
from models.domain.roll_call import RollCallPhrases
from models.domain.secrecy import SecrecyWords
from models.domain.vietnamese import comparison_key, tidy, tidy_lines
from tasks.adapters.automatic_mail import AutomaticPhrases, automatic
from tasks.adapters.mail_parts import (
    CHARACTERS_OF_HEADER_READ,
    CHARACTERS_OF_TEXT_READ,
    NESTING_READ,
    PARTS_READ,
    addresses_in,
    addresses_of,
    decoded_text,
    file_name,
    first_id,
    has_too_many_parts,
    header,
    message_ids,
    parse,
    parts_of,
    payload_of,
    raw_header,
)
from tasks.adapters.texts import Texts
from tasks.adapters.winmail import files_in_winmail
from tasks.ports import MailFile, ParsedMail
from tasks.settings import MEBIBYTE, LimitSettings

AUTHENTICATIONS_READ: Final = 20
REFERENCES_READ: Final = 100
LINES_OF_HEADER_BLOCK: Final = 6
TAGS_OPEN_AT_ONCE: Final = 200
RECIPIENT_HEADERS: Final = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
TNEF: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
SMIME: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted"})
_END_OF_HEADERS: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_SIGNATURE: Final = re.compile(r"^--\s?$")
_RULE: Final = re.compile(r"^[-_*=\s]{10,}$")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPhrases:
    """The words by which quotations are known, as comparison keys."""

    quote_ends: tuple[str, ...]
    quote_begins: tuple[str, ...]
    quote_lines: tuple[str, ...]
    from_labels: tuple[str, ...]
    other_labels: tuple[str, ...]

    @classmethod
    def of(cls, texts: Texts) -> Self:
        """Return the phrases of the message files."""
        return cls(**{name: tuple(map(comparison_key, texts.lines(f"reading.{name}"))) for name in cls.__slots__})


def reply_phrases(texts: Texts) -> ReplyPhrases:
    """Return the phrases of one-line answers, for `models.domain.replies.read_reply`."""
    lists = (
        *("greetings", "nil", "nil_leads", "nil_tails", "promise", "done", "denials"),
        *("contest", "contest_denials", "explain", "explain_denials", "item_words"),
    )
    return ReplyPhrases(
        **{name: texts.lines(f"reply.{name}") for name in lists},
        month_word=texts.say("reply.month_word"),
        year_word=texts.say("reply.year_word"),
    )


def secrecy_words(texts: Texts) -> SecrecyWords:
    """Return the markings of secrecy and their labels, for `models.domain.secrecy`."""
    return SecrecyWords(markings=texts.lines("secrecy.markings"), labels=texts.lines("secrecy.labels"))


def roll_call_phrases(texts: Texts) -> RollCallPhrases:
    """Return the phrases of answers to a roll-call, for `models.domain.roll_call.read_answer`."""
    lists = ("confirmations", "tails", "new_contacts", "stand_ins", "changes")
    return RollCallPhrases(
        greetings=texts.lines("reply.greetings"), **{name: texts.lines(f"roll_call.{name}") for name in lists}
    )


class MailReader:
    """Reads mails with the phrases of the message files; it keeps nothing between two mails, and can travel."""

    def __init__(self, texts: Texts, limits: LimitSettings) -> None:
        """Take the phrases from the texts, and the size that a cut mail went over."""
        self._phrases = ReadingPhrases.of(texts)
        self._automatic_phrases = AutomaticPhrases.of(texts)
        self._limits = limits

    def read(self, content: bytes, *, is_cut: bool = False, opens_winmail: bool = True) -> ParsedMail:
        """Return what a mail says. `is_cut`: only its headers were fetched, because it was too large."""
        too_large = finding("mail_too_large", limit=self._limits.mail_bytes // MEBIBYTE)
        if not is_cut and len(content) > self._limits.mail_bytes:
            is_cut, content = True, head_of(content)
        contents = _Contents(opens_winmail=opens_winmail, findings=[too_large] if is_cut else [])
        if not is_cut and has_too_many_parts(content):
            is_cut, content = True, head_of(content)
            contents.findings.append(finding("mail_too_many_parts"))
        try:
            return self._read(parse(content), contents, is_cut=is_cut)
        except (
            RecursionError,
            AssertionError,
            MessageError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
        ) as problem:
            _log.info("a mail could not be read: %r", problem)
            return ParsedMail(findings=(finding("mail_unreadable"),))

    def read_envelope(self, content: bytes) -> ParsedMail:
        """Return who wrote a mail and to whom, when nothing more of it can be read."""
        said = self.read(head_of(content), is_cut=True)
        return replace(said, findings=(finding("mail_unreadable"),))

    def _read(self, mail: Message, contents: "_Contents", *, is_cut: bool) -> ParsedMail:
        if not is_cut:
            contents.collect(mail)
        sender_name, sender = next(iter(addresses_in(raw_header(mail, "From"))), ("", ""))
        subject = tidy(header(mail, "Subject"))
        machine = automatic(mail, subject=subject, files=contents.files, phrases=self._automatic_phrases)
        return ParsedMail(
            message_id=first_id(header(mail, "Message-ID")),
            sender=sender,
            sender_name=sender_name,
            recipients=addresses_of(mail, RECIPIENT_HEADERS),
            subject=subject,
            in_reply_to=_answered(mail),
            own_text=own_text(contents.text, self._phrases),
            files=tuple(contents.files),
            auto_reply_reason=machine.reason,
            bounced_addresses=machine.bounced_addresses,
            bounced_message_id=machine.bounced_message_id,
            authentication=_authentication(mail),
            findings=tuple(dict.fromkeys(contents.findings)),
        )


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
    html = html[: 2 * CHARACTERS_OF_TEXT_READ]
    unclosed = html.find("<!--", html.rfind("-->") + 1)  # the parser would look for its end from every place
    with suppress(AssertionError):  # what the parser says of a broken "<![": what stands before it is read
        reader.feed(html if unclosed < 0 else html[:unclosed])
        reader.close()
    return tidy_lines("".join(reader.pieces))


@dataclass(slots=True)
class _Contents:
    """What the walk through a mail's parts has found."""

    opens_winmail: bool = True
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
        for n_parts, (part, depth, place) in enumerate(parts_of(mail)):
            if n_parts >= PARTS_READ or depth > NESTING_READ:
                self.findings.append(finding("mail_too_many_parts"))
                return
            self._look_at(part, place)

    def _look_at(self, part: Message, place: tuple[str, ...]) -> None:
        kind = part.get_content_type()
        name = file_name(part)
        if kind in SMIME:
            self.findings.append(finding("mail_encrypted"))
        elif kind in TNEF or name.lower() == "winmail.dat":
            self._open_winmail(part, place)
        elif part.is_multipart():
            return
        elif _is_body(part, name):
            if not place:
                (self._html if kind == "text/html" else self._plain).append(decoded_text(part))
        else:
            self.files.append(MailFile(name=name, media_type=kind, content=payload_of(part), place=place))

    def _open_winmail(self, part: Message, place: tuple[str, ...]) -> None:
        files = files_in_winmail(payload_of(part)) if self.opens_winmail else []
        self.files += (replace(file, place=place) for file in files)
        if not files:
            self.findings.append(finding("winmail_dat"))


class _HtmlText(HTMLParser):
    """Collects the text of HTML; what mail programs mark as quotation is left out."""

    BLOCKS: Final = frozenset("p div br tr li h1 h2 h3 h4 table ul ol hr pre".split())  # noqa: SIM905 - shorter
    SILENT: Final = frozenset(("style", "script", "head", "title"))
    VOID: Final = frozenset(("br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._n_open: Counter[str] = Counter()
        self._n_silent = 0
        self._is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marks = f"{dict(attrs).get('class') or ''} {dict(attrs).get('id') or ''}"
        if "divRplyFwdMsg" in marks or "appendonsend" in marks:
            self._is_over = True
        if tag in self.BLOCKS:
            self.pieces.append("\n")
        if tag not in self.VOID and len(self._open) < TAGS_OPEN_AT_ONCE:
            is_silent = tag in self.SILENT or tag == "blockquote" or "gmail_quote" in marks or "moz-cite" in marks
            self._open.append((tag, is_silent))
            self._n_open[tag] += 1
            self._n_silent += is_silent

    def handle_endtag(self, tag: str) -> None:
        if tag in self.BLOCKS:
            self.pieces.append("\n")
        closed = "" if self._n_open[tag] else tag
        while closed != tag:
            closed, was_silent = self._open.pop()
            self._n_open[closed] -= 1
            self._n_silent -= was_silent

    def handle_data(self, data: str) -> None:
        if not self._is_over and not self._n_silent:
            self.pieces.append(re.sub(r"\s+", " ", data))


def _is_body(part: Message, name: str) -> bool:
    is_text = part.get_content_type() in {"text/plain", "text/html"}
    return is_text and not name and part.get_content_disposition() != "attachment"


def head_of(content: bytes) -> bytes:
    """Return the headers of a mail, whatever ends its lines, and no more than a mebibyte of them."""
    found = _END_OF_HEADERS.search(content, 1, MEBIBYTE)
    return content[: found.end() if found else MEBIBYTE]


def _answered(mail: Message) -> tuple[str, ...]:
    """Return the letters that a mail answers; of a long list the newest, which stand last, for each is looked up."""
    direct = message_ids(header(mail, "In-Reply-To"))[:REFERENCES_READ]
    earlier = message_ids(header(mail, "References"))[-REFERENCES_READ:]
    return tuple(dict.fromkeys((*direct, *earlier)))


def _authentication(mail: Message) -> tuple[str, ...]:
    """Return what mail servers said of the sender, the topmost first."""
    found = mail.get_all("Authentication-Results", [])[:AUTHENTICATIONS_READ]
    return tuple(tidy(str(value))[:CHARACTERS_OF_HEADER_READ] for value in found)


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
