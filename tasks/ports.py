"""The small protocols through which tasks meet the outside world; adapters satisfy them, and so do the tests' fakes.

What travels to the workers that open files, and back, has no slots: a frozen class with slots is taken apart and put
together again field by field, which costs more than to check what it holds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from models.domain.forms import Finding, RawForm, Stamp
from models.domain.vocabulary import Outcome


class Clock(Protocol):
    """Tells the time at which an effect happens; decisions never ask it."""

    def now(self) -> datetime:
        """Return the present instant, aware, in the office's zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a letter. `name` may hold Vietnamese; `content` is its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A rendered mail. Header values are single lines; a line break in one is refused, never folded into a header."""

    message_id: str
    """Deterministic, with its angle brackets, so that a second copy could be recognised."""
    to: str
    subject: str
    text: str
    html: str
    reply_to: str = ""
    copies: tuple[str, ...] = ()
    in_reply_to: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What the mail server said of one letter.

    Exactly one of the flags holds for a letter that did not go out: `is_permanent` (never try again), `is_unknown`
    (the connection was lost after the text had been handed over: it may have gone out), or neither (try again).
    """

    message_id: str
    is_sent: bool
    is_permanent: bool = False
    is_unknown: bool = False
    detail: str = ""
    refused_copies: tuple[str, ...] = ()


class MailTransport(Protocol):
    """Hands letters to the outgoing mail server over kept connections."""

    def deliver(self, letters: Sequence[Letter]) -> Iterator[Delivery]:
        """Yield one delivery a letter, as each is known, in any order; one refused letter never stops the rest.

        Raises:
            MailServerUnavailableError: no connection could be made at all; letters not yielded were not handed over.
        """

    def close(self) -> None:
        """Say goodbye to the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """One mail or file as it reached us. `key` names it for ever and is what keeps it from being taken twice."""

    key: str
    received_at: datetime
    """When our server had it whole (IMAP INTERNALDATE, or the file's time), aware."""
    content: bytes
    is_cut: bool = False
    """It was larger than the limit, and only its headers were fetched."""
    operator: str = ""
    file_name: str = ""


class Inbox(Protocol):
    """A place where arrivals wait: an IMAP mailbox or a drop folder."""

    def waiting(self, *, limit: int, taken: AbstractSet[str] = frozenset()) -> Iterable[InboxItem]:
        """Yield what waits, the oldest first, without taking it away; what was `taken` in before is passed over.

        Raises:
            MailboxUnavailableError: the place cannot be reached.
        """

    def file_away(self, keys: Sequence[str], outcome: Outcome, *, is_secret: bool = False) -> None:
        """Move what was taken to the folder of its outcome, what bears a marking of secrecy to one of its own.

        Moving it again does nothing.
        """

    def close(self) -> None:
        """Let go of the place."""


class Archive(Protocol):
    """Keeps files under the SHA-256 of their bytes, until somebody removes them."""

    def keep(self, content: bytes) -> str:
        """Store the bytes unless they are stored already, and return their SHA-256 in hex."""

    def keep_all(self, contents: Iterable[bytes]) -> list[str]:
        """Store each of them as `keep` does, several at once, and return their digests in order."""

    def read(self, digest: str) -> bytes:
        """Return the bytes kept under the digest."""

    def size(self, digest: str) -> int:
        """Return how many bytes are kept under the digest."""

    def remove(self, digest: str) -> None:
        """Take the bytes away; where none are kept this does nothing."""


class Spread(Protocol):
    """Has heavy steps done in pieces by several processes or machines."""

    def each(
        self, work: Any, orders: Iterable[Mapping[str, Any]], *, octets: Callable[[Any], int] = ...
    ) -> Iterator[Any]:
        """Yield what comes of each order, in their order; `octets` says how many bytes of files an order carries.

        Raises:
            SpreadingRefusedError: those who would do it are gone; what was yielded counts, the rest was not done.
        """


@dataclass(frozen=True, kw_only=True)
class MailFile:
    """A file found in a mail, at any depth; `name` is as the sender wrote it (NFC), for showing only."""

    name: str
    media_type: str
    content: bytes
    place: tuple[str, ...] = ()
    """The mail within the mail, the archive and the folders that it lay in, outermost first; empty on top."""


@dataclass(frozen=True, kw_only=True)
class OfficialDocument:
    """What the signed document says of itself that a file came with; empty and None where it says nothing."""

    number: str = ""
    signed_on: date | None = None
    """May lie days before the receipt; what counts is the receipt."""
    signer: str = ""


@dataclass(frozen=True, kw_only=True)
class ParsedMail:
    """What a mail says, after parsing; text is NFC. A mail that cannot be parsed has `findings` and little else."""

    message_id: str = ""
    sender: str = ""
    sender_name: str = ""
    recipients: tuple[str, ...] = ()
    """Every address it was sent or delivered to, plus-addresses kept."""
    subject: str = ""
    in_reply_to: tuple[str, ...] = ()
    """Message-IDs that it answers or refers to."""
    own_text: str = ""
    """What the sender wrote, quotations removed."""
    files: tuple[MailFile, ...] = ()
    auto_reply_reason: str = ""
    """Code of the reason why it is an automatic answer, empty when a person wrote it."""
    bounced_addresses: tuple[str, ...] = ()
    """Addresses that a delivery report says it cannot reach for good."""
    bounced_message_id: str = ""
    authentication: tuple[str, ...] = ()
    """What servers say they found out about the sender (`Authentication-Results`), the topmost first."""
    document: OfficialDocument = OfficialDocument()
    marks: tuple[str, ...] = ()
    """Short texts outside of body and subject, in which a marking of secrecy may stand."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReadForm:
    """What came of reading a workbook in the guarded worker: the raw form, or the findings why not.

    With a form, the findings say what was done in reading it.
    """

    form: RawForm | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def stamp(self) -> Stamp | None:
        """What a form of ours says of itself; None of any other workbook."""
        return self.form.stamp if self.form is not None else None


@dataclass(frozen=True, kw_only=True)
class Enclosures:
    """The files of one arrival, sorted; `others` are neither and are kept with the original only."""

    workbooks: tuple[MailFile, ...] = ()
    documents: tuple[MailFile, ...] = ()
    """Files that are PDF by their content."""
    others: tuple[MailFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    unusable: tuple[Finding, ...] = ()
    """What to do about files that may hold the answer, but as Word, CSV or RAR; said when nothing else is there."""


@dataclass(frozen=True, kw_only=True)
class Brought:
    """An arrival's bytes, as they are handed over to be unpacked."""

    content: bytes = field(repr=False)
    """Never shown: a log that tells of a piece of work must not hold what bears a marking of secrecy."""
    is_mail: bool
    file_name: str = ""
    is_cut: bool = False
    """The content is not whole, because the arrival was too large."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An arrival by what the archive has of it: as `Brought`, with the digest in the place of the bytes."""

    digest: str
    is_mail: bool
    file_name: str = ""
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class FirstLook:
    """What must be known of an arrival before any of its bytes are kept."""

    sender: str = ""
    is_automatic: bool = False
    """A machine sent it: an automatic reply, or a letter of ours that came back."""
    is_secret: bool = False
    """It bears a marking of secrecy."""


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """What an arrival holds: the mail, its files sorted, and one result for each workbook among them, in order.

    Of the files only those have their bytes that are asked for again: the first workbook, and the forms of ours.
    """

    mail: ParsedMail
    enclosures: Enclosures = field(default_factory=Enclosures)
    forms: tuple[ReadForm, ...] = ()
    is_lost: bool = False
    """Its bytes are not in the store any more, or are no longer what they were."""


class FormReader(Protocol):
    """Opens mails and workbooks that strangers sent, guarded and in a process of its own."""

    def prepare(self) -> None:
        """Say that files will come: whatever takes time to start may start now."""

    def look(self, arrivals: Iterable[Brought]) -> Iterator[FirstLook]:
        """Yield one result an arrival, in order; of a hostile one nothing is known yet. Some are asked for ahead."""

    def recall(self, stored: Stored) -> Unpacked | None:
        """Return what an arrival holds that was looked at a while ago; None when it must be opened again."""

    def remember(self, brought: Brought, unpacked: Unpacked) -> None:
        """Remember what an arrival holds that somebody else has looked at, as if it had been done here."""

    def unpack(self, arrivals: Iterable[Brought]) -> list[Unpacked]:
        """Return one result an arrival, in order; a hostile one costs its own result only."""

    def read(self, contents: Iterable[bytes]) -> list[ReadForm]:
        """Return one result a workbook, in order; a hostile one costs its own result only."""

    def mark(self, content: bytes, findings: Sequence[Finding], texts: Any) -> bytes:
        """Return the sender's own workbook with the findings marked in it, in the words of the templates.

        Raises:
            WorkbookNotMarkableError: it cannot be held; the letter goes without it.
        """

    def close(self) -> None:
        """End the worker processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousFigure:
    """What a unit reported in a field in the last cycle, shown beside the cell to fill."""

    amount: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredFigures:
    """The sums of a unit's children by field code, which of them hold estimates, and what they rest on, in words."""

    amounts: dict[str, int]
    estimates: frozenset[str]
    coverage: str
    """Such as "8/10"."""
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StampOrder:
    """One form to be stamped: for whom, and by field code the figures of last time and the year's targets."""

    unit_code: str
    unit_name: str
    token: str
    previous: dict[str, PreviousFigure] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
    """Only where the annual plan sets any: without one the form has no column of targets."""
    parent_name: str = ""
    """Of a unit that reports to it."""
    gathered: GatheredFigures | None = None
    """Only where children have reported: what stands in the cells to fill, for a person to confirm."""
