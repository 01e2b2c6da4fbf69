"""Tells what a machine wrote: bounces of many servers, automatic answers, receipts; a person's mail has no reason.

It knows the standards (RFC 3464, RFC 3834) and what servers do that keep to none. It reads what `mail_parts` gives and
decides nothing of units or duties.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Final, Self

from flufl.bounce import all_failures

from models.domain.vietnamese import comparison_key, storable
from tasks.adapters.mail_parts import (
    NESTING_READ,
    PARTS_READ,
    addresses_in,
    decoded_text,
    first_id,
    header,
    is_address,
    message_ids,
    octets_as_text,
    parts_of,
    raw_header,
)
from tasks.adapters.texts import Texts
from tasks.ports import MailFile

BOUNCE: Final = "bounce"
PERHAPS_BOUNCE: Final = "perhaps_bounce"
"""It reads like a delivery report, but nothing of its outside says so: it may be a person who passes one on."""
DAEMONS: Final = frozenset(
    ("mailer-daemon", "mailerdaemon", "mailer_daemon", "mail-daemon", "maildaemon", "mail_daemon", "mdaemon")
)
POSTMASTERS: Final = frozenset(
    (
        *("postmaster", "post_master", "post.master", "mailadmin", "mail-admin", "bounce", "bounces", "ndr"),
        *("no-reply", "noreply", "no_reply", "donotreply", "do-not-reply"),
    )
)
REPORT_TYPES: Final = frozenset(("message/delivery-status", "message/global-delivery-status"))
ORIGINAL_TYPES: Final = frozenset(("text/rfc822-headers", "text/rfc822-header", "message/rfc822", "message/global"))
REPORT_ENDINGS: Final = (".xlsx", ".xls", ".xlsm", ".ods", ".zip", ".rar", ".7z", ".pdf", ".docx")
PARTS_OF_A_REPORT: Final = 20
CHARACTERS_OF_A_REPORT: Final = 50_000
CHARACTERS_OF_A_LINE: Final = 1_000
MAILS_OF_LISTS: Final = frozenset(("auto_reply", "bulk", "junk", "list"))
_ORIGINAL_ID: Final = re.compile(r"^message-id:\s*(<[^<>\s]{1,300}@[^<>\s]{1,300}>)", re.IGNORECASE | re.MULTILINE)

_log = logging.getLogger(__name__)
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it prints a traceback for each odd mail


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticPhrases:
    """The beginnings of subjects by which machines are known, as comparison keys."""

    auto_subjects: tuple[str, ...]
    bounce_subjects: tuple[str, ...]

    @classmethod
    def of(cls, texts: Texts) -> Self:
        """Return the phrases of the message files."""
        return cls(**{name: tuple(map(comparison_key, texts.lines(f"reading.{name}"))) for name in cls.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """Why a mail is no person's, empty when it is one's; a bounce says which addresses and which letter it is about."""

    reason: str = ""
    bounced_addresses: tuple[str, ...] = ()
    bounced_message_id: str = ""


def automatic(mail: Message, *, subject: str, files: Sequence[MailFile], phrases: AutomaticPhrases) -> Automatic:
    """Return whether a machine wrote the mail, and why; a weak sign never outweighs a report that came with it."""
    permanent, temporary = _failures(mail)
    sender = next((address for _, address in addresses_in(raw_header(mail, "From"))), "")
    if _is_bounce(
        mail, sender, _starts_with_any(subject, phrases.bounce_subjects), is_told=bool(permanent | temporary)
    ):
        named = [address for _, address in addresses_in(raw_header(mail, "X-Failed-Recipients"))]
        return Automatic(
            reason=BOUNCE,
            bounced_addresses=tuple(dict.fromkeys([*sorted(permanent), *named])),
            bounced_message_id=_bounced_message_id(mail),
        )
    reason = _strong_reason(mail)
    if not reason and not any(file.name.lower().endswith(REPORT_ENDINGS) for file in files):
        reason = _weak_reason(mail, subject, phrases) or (PERHAPS_BOUNCE if permanent or temporary else "")
    return Automatic(reason=reason)


def _is_bounce(mail: Message, sender: str, has_subject: bool, *, is_told: bool) -> bool:  # noqa: FBT001 - one of three signs
    if mail.get_content_type() == "multipart/report":
        kind = str(mail.get_param("report-type") or "delivery-status").lower()
        if kind == "delivery-status":
            return True
    if "X-Failed-Recipients" in mail or _has_delivery_report(mail):
        return True
    if _is_of_a_daemon(mail, sender):
        return True
    is_of_a_machine = _has_null_path(mail) or sender.partition("@")[0] in POSTMASTERS
    return is_of_a_machine and (has_subject or is_told)


def _is_of_a_daemon(mail: Message, sender: str) -> bool:
    """Say whether the mailer itself wrote it: nobody else calls itself so, or has no address at all ("<>")."""
    if sender:
        return sender.partition("@")[0] in DAEMONS
    written = comparison_key(header(mail, "From"))
    return written.endswith("<>") or any(written.startswith(name) for name in DAEMONS)


def _has_null_path(mail: Message) -> bool:
    return header(mail, "Return-Path").strip() == "<>"


def _has_delivery_report(mail: Message) -> bool:
    """Say whether a part of the mail itself, not of a mail within it, is a delivery report."""
    for n, (part, depth, place) in enumerate(parts_of(mail)):
        if n >= PARTS_READ or depth > NESTING_READ:
            return False
        if not place and part.get_content_type() in REPORT_TYPES:
            return True
    return False


def _failures(mail: Message) -> tuple[frozenset[str], frozenset[str]]:
    """Return the addresses that a report calls unreachable for good, and for now."""
    _make_light(mail)
    try:
        temporary, permanent = all_failures(mail)
    except Exception as problem:  # noqa: BLE001 - the recogniser of bounces raises whatever it likes on broken ones
        _log.info("a bounce could not be read: %r", problem)
        return frozenset(), frozenset()
    return _as_addresses(permanent), _as_addresses(temporary)


def _make_light(mail: Message) -> None:
    """Take out what no report is written in: the recogniser would go through every line of every file, many times."""
    for n, (part, _, _) in enumerate(parts_of(mail)):
        inner = part.get_payload()
        if isinstance(inner, list):
            del inner[max(0, PARTS_OF_A_REPORT - n) :]
        elif part.get_content_maintype() != "text" or not isinstance(inner, str):
            part.set_payload("")
        else:
            lines = inner[:CHARACTERS_OF_A_REPORT].splitlines()
            part.set_payload("\n".join(line[:CHARACTERS_OF_A_LINE] for line in lines))


def _as_addresses(found: object) -> frozenset[str]:
    octets = [each for each in found if isinstance(each, bytes)] if isinstance(found, set | frozenset) else []
    return frozenset(filter(is_address, (storable(octets_as_text(each, "ascii").lower()) for each in octets)))


def _bounced_message_id(mail: Message) -> str:
    """Return the Message-ID of the letter that came back: from the copy in the report, or from what it refers to."""
    for n, (part, depth, place) in enumerate(parts_of(mail)):
        if n >= PARTS_READ or depth > NESTING_READ:
            break
        if place and part.get("Message-ID"):
            return first_id(header(part, "Message-ID"))
        if part.get_content_type() in {"text/rfc822-headers", "text/plain"} and not part.is_multipart():
            found = _ORIGINAL_ID.search(decoded_text(part))
            if found:
                return found[1]
    return next(iter(message_ids(f"{header(mail, 'In-Reply-To')} {header(mail, 'References')}")), "")


def _strong_reason(mail: Message) -> str:
    if _submitted(mail).startswith("auto-replied"):
        return "auto_submitted"
    return "auto_submitted" if any(name in mail for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder")) else ""


def _weak_reason(mail: Message, subject: str, phrases: AutomaticPhrases) -> str:
    if _submitted(mail) not in {"", "no"}:
        return "auto_submitted"
    if header(mail, "X-Auto-Response-Suppress").strip().lower() not in {"", "none"}:
        return "response_suppressed"
    if header(mail, "Precedence").strip().lower() in MAILS_OF_LISTS:
        return "precedence"
    if mail.get_content_type() == "multipart/report":
        return "read_receipt"
    if _has_null_path(mail):
        return "null_path"
    return "out_of_office" if _starts_with_any(subject, phrases.auto_subjects) else ""


def _submitted(mail: Message) -> str:
    return header(mail, "Auto-Submitted").partition(";")[0].strip().lower()


def _starts_with_any(subject: str, beginnings: tuple[str, ...]) -> bool:
    return comparison_key(subject).lstrip("[( *").startswith(beginnings)
