"""Finds what waits in the mailbox and in the drop folder, and files it away by outcome; it reads no mail's contents.

An arrival's key names it for ever: account, folder, UIDVALIDITY and UID in the mailbox; operator and SHA-256 in the
drop folder. What is filed away is moved, never deleted.
"""

import hashlib
import imaplib
import logging
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxExpungeError, MailboxFlagError
from imap_tools.utils import check_command_status

from models.domain.errors import MailboxUnavailableError
from models.domain.vocabulary import OFFICE_ZONE, Outcome
from tasks.adapters.texts import vietnamese
from tasks.ports import Clock, InboxItem
from tasks.settings import ImapSettings, LimitSettings

logger = logging.getLogger(__name__)
FOLDERS: Final[Mapping[Outcome, str]] = {
    Outcome.ACCEPTED: "Tiep-nhan",
    Outcome.RETURNED: "Tra-lai",
    Outcome.QUARANTINED: "Cho-xac-minh",
    Outcome.IGNORED: "Khong-xu-ly",
}
"""Folder of each outcome, without accents because old mail programs show others garbled."""
MARKED_FOLDER: Final = "Co-dau-mat"
"""Folder of what bears a marking of secrecy: left where it is, every poll would fetch it to this machine again."""
DONE_FOLDER: Final = "_da-xu-ly"
MAILS_PER_FETCH: Final = 20
OCTETS_PER_FETCH: Final = 16 * 1024 * 1024
UIDS_PER_MOVE: Final = 500
SECONDS_UNTIL_STABLE: Final = 3
"""A file in the drop folder that changed more recently may still be being written."""
UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".partial")
TROUBLE: Final = (imaplib.IMAP4.error, ImapToolsError, OSError)
_FACT: Final = {
    "uid": re.compile(rb"\bUID (\d+)"),
    "size": re.compile(rb"\bRFC822\.SIZE (\d+)"),
    "date": re.compile(rb'\bINTERNALDATE "([^"]+)"'),
}


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What the server tells of a mail before it is fetched."""

    uid: int
    size: int
    received_at: datetime


class ImapInbox:
    """The mailbox to which units send."""

    def __init__(self, settings: ImapSettings, limits: LimitSettings) -> None:
        """Keep the settings; nothing is connected before it is asked for."""
        self._settings = settings
        self._limits = limits
        self._mailbox: BaseMailBox | None = None

    def waiting(self, *, limit: int, taken: AbstractSet[str] = frozenset()) -> Iterator[InboxItem]:
        """Yield what waits in the mailbox, the oldest first, a batch in memory at a time; a mail over the limit is cut.

        Raises:
            MailboxUnavailableError: the server cannot be reached or refuses us.
        """
        mailbox, validity = self._selected()
        try:
            prefix = self._prefix(validity)
            new = [mail for mail in _described(mailbox) if f"{prefix}{mail.uid}" not in taken]
            for batch in _batches(new[:limit], self._limits.mail_bytes):
                contents = self._fetched(mailbox, batch)
                for mail in batch:
                    if mail.uid in contents:
                        yield self._item(mail, validity, contents[mail.uid])
        except TROUBLE as problem:
            raise self._unavailable(problem) from problem

    def file_away(self, keys: Sequence[str], outcome: Outcome, *, is_secret: bool = False) -> None:
        """Move mails to the folder of their outcome; keys of another UIDVALIDITY and mails that are gone do nothing.

        Raises:
            MailboxUnavailableError: the server cannot be reached or refuses us.
        """
        mailbox, validity = self._selected()
        prefix = self._prefix(validity)
        uids = {int(key.removeprefix(prefix)) for key in keys if key.startswith(prefix)}
        try:
            present = [str(mail.uid) for mail in _described(mailbox) if mail.uid in uids]
            if present:
                folder = _ensured_folder(mailbox, _folder_of(outcome, is_secret=is_secret))
                for first in range(0, len(present), UIDS_PER_MOVE):
                    _move(mailbox, present[first : first + UIDS_PER_MOVE], folder)
        except TROUBLE as problem:
            raise self._unavailable(problem) from problem

    def close(self) -> None:
        """Log out."""
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            try:
                mailbox.logout()
            except TROUBLE:
                mailbox.client.shutdown()

    def _selected(self) -> tuple[BaseMailBox, int]:
        """Return the mailbox with our folder selected anew, and its UIDVALIDITY; a dead connection is made again."""
        if self._mailbox is not None:
            try:
                return self._mailbox, _select(self._mailbox, self._settings.folder)
            except TROUBLE:
                self.close()
        try:
            self._mailbox = self._logged_in()
            return self._mailbox, _select(self._mailbox, self._settings.folder)
        except TROUBLE as problem:
            raise self._unavailable(problem) from problem

    def _logged_in(self) -> BaseMailBox:
        settings = self._settings
        where = {"host": settings.host, "port": settings.port, "timeout": settings.timeout_seconds}
        mailbox: BaseMailBox
        if settings.security == "none":
            mailbox = MailBoxUnencrypted(**where)
        else:
            context = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
            kind = MailBox if settings.security == "tls" else MailBoxStartTls
            mailbox = kind(**where, ssl_context=context)
        try:
            mailbox.login(settings.username, settings.password.get_secret_value(), initial_folder=None)
            # Most servers say only now what they can do; without MOVE, what others marked as deleted would be lost.
            mailbox.client.capabilities = tuple(mailbox.client.capability()[1][-1].decode("ascii").upper().split())
        except TROUBLE:
            mailbox.client.shutdown()
            raise
        return mailbox

    def _fetched(self, mailbox: BaseMailBox, batch: Sequence[_Waiting]) -> dict[int, bytes]:
        whole = [mail.uid for mail in batch if mail.size <= self._limits.mail_bytes]
        cut = [mail.uid for mail in batch if mail.size > self._limits.mail_bytes]
        return _fetch_texts(mailbox, whole, "BODY.PEEK[]") | _fetch_texts(mailbox, cut, "BODY.PEEK[HEADER]")

    def _item(self, mail: _Waiting, validity: int, content: bytes) -> InboxItem:
        return InboxItem(
            key=f"{self._prefix(validity)}{mail.uid}",
            received_at=mail.received_at,
            content=content,
            is_cut=mail.size > self._limits.mail_bytes,
        )

    def _prefix(self, validity: int) -> str:
        return f"imap:{self._settings.username}@{self._settings.host}:{self._settings.folder}:{validity}:"

    def _unavailable(self, problem: BaseException) -> MailboxUnavailableError:
        where = self._settings
        return MailboxUnavailableError(host=where.host, port=where.port, folder=where.folder, detail=str(problem))


class DropFolder:
    """A folder in which files carried by hand are laid: `<folder>/<operator>/…`; the operator stands for the sender."""

    def __init__(self, folder: Path, limits: LimitSettings, *, clock: Clock) -> None:
        """Keep the folder; it is made when it is missing. The clock tells whether a file is still being written."""
        self._folder = folder
        self._limits = limits
        self._clock = clock
        self._seen: dict[str, Path] = {}

    def waiting(self, *, limit: int, taken: AbstractSet[str] = frozenset()) -> Iterator[InboxItem]:
        """Yield the files that lie finished in an operator's folder, the oldest first; a file over the limit is cut.

        Raises:
            MailboxUnavailableError: the folder cannot be read.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path, operator in islice(self._finished(), limit):
                try:
                    item = self._item(path, operator)
                except FileNotFoundError:
                    continue  # another run has filed it away meanwhile
                except PermissionError as problem:
                    logger.warning(vietnamese().say("log.drop_unreadable", path=problem.filename))
                    continue
                if item.key in taken:
                    continue
                self._seen[item.key] = path
                yield item
        except OSError as problem:
            raise self._unavailable(problem) from problem

    def file_away(self, keys: Sequence[str], outcome: Outcome, *, is_secret: bool = False) -> None:
        """Move files to `<operator>/_da-xu-ly/<outcome>/`, under another name when theirs is taken.

        Raises:
            MailboxUnavailableError: a file cannot be moved.
        """
        try:
            for key in keys:
                path = self._seen.pop(key, None) or self._found_again(key)
                if path is not None and path.is_file():
                    folder = path.relative_to(self._folder).parts[0]
                    target = self._folder / folder / DONE_FOLDER / _folder_of(outcome, is_secret=is_secret)
                    target.mkdir(parents=True, exist_ok=True)
                    with suppress(FileNotFoundError):  # another run has done it meanwhile
                        path.rename(_free_name(target / path.name))
        except OSError as problem:
            raise self._unavailable(problem) from problem

    def close(self) -> None:
        """Forget where the files were."""
        self._seen.clear()

    def _finished(self) -> list[tuple[Path, str]]:
        """Return the files that are wholly written, the oldest first, each with the name of its operator's folder."""
        now = self._clock.now().timestamp()
        found = []
        for operator in sorted(self._folder.iterdir()):
            if not operator.is_dir() or operator.is_symlink():
                continue
            for path in _files(operator):
                with suppress(FileNotFoundError):  # another run has filed it away meanwhile
                    changed_at = path.stat().st_mtime
                    if not _is_fresh(changed_at, now):
                        found.append((changed_at, path, operator.name))
        return [(path, operator_name) for _, path, operator_name in sorted(found)]

    def _item(self, path: Path, operator: str) -> InboxItem:
        facts = path.stat()
        is_cut = facts.st_size > self._limits.mail_bytes
        content = b"" if is_cut else path.read_bytes()
        return InboxItem(
            key=self._key(path, operator) if is_cut else _key_of(operator, hashlib.sha256(content)),
            received_at=min(datetime.fromtimestamp(facts.st_mtime, OFFICE_ZONE), self._clock.now()),
            content=content,
            is_cut=is_cut,
            operator=operator,
            file_name=path.name,
        )

    def _key(self, path: Path, operator: str) -> str:
        with path.open("rb") as file:
            return _key_of(operator, hashlib.file_digest(file, "sha256"))

    def _found_again(self, key: str) -> Path | None:
        if not self._folder.is_dir():
            return None
        for path, operator in self._finished():
            with suppress(FileNotFoundError):  # another run has filed it away meanwhile
                if self._key(path, operator) == key:
                    return path
        return None

    def _unavailable(self, problem: OSError) -> MailboxUnavailableError:
        return MailboxUnavailableError(host=str(self._folder), port=0, folder=str(self._folder), detail=str(problem))


def _folder_of(outcome: Outcome, *, is_secret: bool) -> str:
    return MARKED_FOLDER if is_secret else FOLDERS[outcome]


def _key_of(operator: str, digest: "hashlib._Hash") -> str:
    return f"drop:{operator}:{digest.hexdigest()}"


def _select(mailbox: BaseMailBox, folder: str) -> int:
    mailbox.folder.set(folder)
    validity = mailbox.client.response("UIDVALIDITY")[1]
    return int(validity[0] or 0) if validity else 0


def _described(mailbox: BaseMailBox) -> list[_Waiting]:
    """Return every mail of the selected folder, in the order in which our server had it."""
    answer = mailbox.client.uid("FETCH", "1:*", "(UID INTERNALDATE RFC822.SIZE)")
    mails = [_read_facts(line) for line in answer[1] if isinstance(line, bytes)]
    return sorted((mail for mail in mails if mail is not None), key=lambda mail: (mail.received_at, mail.uid))


def _read_facts(line: bytes) -> _Waiting | None:
    facts = {name: pattern.search(line) for name, pattern in _FACT.items()}
    uid, size, date = facts["uid"], facts["size"], facts["date"]
    if uid is None or size is None or date is None:
        return None
    received_at = datetime.strptime(date[1].decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z")
    return _Waiting(uid=int(uid[1]), size=int(size[1]), received_at=received_at.astimezone(OFFICE_ZONE))


def _batches(mails: Iterable[_Waiting], most_octets: int) -> Iterator[list[_Waiting]]:
    """Cut the mails into batches bounded in number and size, so that a full mailbox does not fill the memory."""
    batch: list[_Waiting] = []
    for mail in mails:
        octets = sum(min(one.size, most_octets) for one in (*batch, mail))
        if batch and (len(batch) == MAILS_PER_FETCH or octets > OCTETS_PER_FETCH):
            yield batch
            batch = []
        batch.append(mail)
    if batch:
        yield batch


def _fetch_texts(mailbox: BaseMailBox, uids: Sequence[int], part: str) -> dict[int, bytes]:
    if not uids:
        return {}
    answer = mailbox.client.uid("FETCH", ",".join(map(str, uids)), f"(UID {part})")
    contents: dict[int, bytes] = {}
    pieces = answer[1]
    for n, piece in enumerate(pieces):
        if isinstance(piece, tuple):
            tail = pieces[n + 1] if n + 1 < len(pieces) else b""
            uid = _FACT["uid"].search(piece[0]) or _FACT["uid"].search(tail if isinstance(tail, bytes) else b"")
            if uid is not None:
                contents[int(uid[1])] = piece[1]
    return contents


def _ensured_folder(mailbox: BaseMailBox, name: str) -> str:
    """Return the folder of that name, made when it is missing; some servers allow folders only beneath INBOX."""
    known = {folder.name: folder.delim for folder in mailbox.folder.list()}
    beneath = f"INBOX{next(iter(known.values()), '/')}{name}"
    for candidate in (name, beneath):
        if candidate in known:
            return candidate
    try:
        mailbox.folder.create(name)
    except ImapToolsError:
        mailbox.folder.create(beneath)
        return beneath
    return name


def _move(mailbox: BaseMailBox, uids: Sequence[str], folder: str) -> None:
    """Move mails, and no other: a server that cannot move copies, and takes away what was copied."""
    can = mailbox.client.capabilities
    if "MOVE" in can:
        mailbox.move(uids, folder)
        return
    mailbox.copy(uids, folder)
    others = [] if "UIDPLUS" in can else [uid for uid in mailbox.uids("DELETED") if uid not in uids]
    _mark_deleted(mailbox, others, sign="-")
    _mark_deleted(mailbox, uids, sign="+")
    expunged = mailbox.client.uid("EXPUNGE", ",".join(uids)) if "UIDPLUS" in can else mailbox.client.expunge()
    _mark_deleted(mailbox, others, sign="+")
    check_command_status(expunged, MailboxExpungeError)


def _mark_deleted(mailbox: BaseMailBox, uids: Sequence[str], *, sign: str) -> None:
    """Set the mark, or take it away; the library's own way would then expunge whatever bears it."""
    if uids:
        stored = mailbox.client.uid("STORE", ",".join(uids), f"{sign}FLAGS.SILENT", r"(\Deleted)")
        check_command_status(stored, MailboxFlagError)


def _files(operator: Path) -> Iterator[Path]:
    for path in sorted(operator.iterdir()):
        is_ours = not path.name.startswith((".", "~", "_")) and path.suffix.lower() not in UNFINISHED
        if is_ours and path.is_file() and not path.is_symlink():
            yield path


def _is_fresh(changed_at: float, now: float) -> bool:
    """Say whether a file may still be being written; a time in the future tells nothing and is not waited for."""
    return 0 <= now - changed_at < SECONDS_UNTIL_STABLE


def _free_name(path: Path) -> Path:
    candidates = (path, *(path.with_stem(f"{path.stem}-{n}") for n in range(2, 10_000)))
    return next(candidate for candidate in candidates if not candidate.exists())
