"""A mail server on loopback for the demo and the tests: takes every mail over SMTP and shows our own mailbox over IMAP.

It keeps each mail on disk before it says 250, so that it may be killed and started again on the same home. It knows
nothing of reports. In the home: `mail/<address>/<n>-<id>.eml` for every recipient, `mailbox/<folder>/<uid>.eml` for our
mailbox (the file's time is the INTERNALDATE), `spool/` (accepted, and being handed out), `index.jsonl` (one line a
mail), `ports.json` when it is ready; `now` (an ISO instant) and `faults.json` are read when they exist.
"""

import argparse
import asyncio
import json
import os
import re
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self
from uuid import uuid4

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet, Message
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import Passwords, UserMetadata
from pysasl.hashing import BuiltinHash

from models.domain.tokens import is_own_address
from tasks.adapters.clock import SystemClock

LOOPBACK: Final = "127.0.0.1"
UNSAFE: Final = re.compile(r"[^A-Za-z0-9@._+-]")
SECONDS_TO_START: Final = 30
HEAD_BYTES: Final = 1_000
HASH_ROUNDS: Final = 1_000
"""Few, because the one password is public and the server is started by every test."""
MAIL_SIZE_LIMIT: Final = 64 * 1024 * 1024


class FaultKind(StrEnum):
    """What a mail server may do to us."""

    REFUSE = "refuse"
    """550 to the recipient."""
    GREYLIST = "greylist"
    """451 to the recipient."""
    REFUSE_TEXT = "refuse_text"
    """554 after the text."""
    DROP_BEFORE_TEXT = "drop_before_text"
    """The connection is lost when DATA is asked for."""
    DROP_IN_TEXT = "drop_in_text"
    """The connection is lost while the text is on its way; nothing is kept."""
    DROP_AFTER_TEXT = "drop_after_text"
    """The text is kept, and the connection is lost before the answer."""
    LIE = "lie"
    """The text is answered with 250 and thrown away."""
    SLOW = "slow"
    """Each recipient is answered after half a second."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for one recipient (`*`: for all), so many times; -1: always."""

    address: str
    kind: FaultKind
    times: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Our own mailbox: its address, and the name and password for IMAP (and for SMTP when `smtp_login`)."""

    address: str = "baocao@dondoc.example.invalid"
    username: str = "baocao"
    password: str = "loopback"  # noqa: S105 - a server that listens on loopback only
    smtp_login: bool = False


@dataclass
class Counts:
    """What the server saw, for tests."""

    smtp_connections: int = 0
    mails: int = 0
    commands: Counter[str] = field(default_factory=Counter)


def mails_for(home: Path, address: str) -> list[bytes]:
    """Return every mail that was accepted for the address, in the order of arrival; plus-addresses stand apart."""
    return [path.read_bytes() for path in _numbered(home / "mail" / _folder_name(address))]


def write_faults(home: Path, faults: Iterable[Fault]) -> None:
    """Make the post office of this home misbehave from now on; no faults: behave."""
    _write_whole(home / "faults.json", json.dumps([asdict(fault) for fault in faults]).encode())


def write_now(home: Path, instant: datetime) -> None:
    """Set the time of arrival of the mails to come."""
    _write_whole(home / "now", instant.isoformat().encode())


class Servers(Protocol):
    """Mail servers that an office writes to and reads from, whichever they are."""

    @property
    def account(self) -> Account:
        """Return the account of our own mailbox."""

    @property
    def smtp_port(self) -> int:
        """Return where mail is taken."""

    @property
    def imap_port(self) -> int:
        """Return where our mailbox is read."""

    def settle(self) -> None:
        """Wait until all that was accepted is delivered."""


class PostOffice:
    """The two servers in a thread of their own, for tests and rehearsals; used in a `with` statement."""

    def __init__(
        self,
        home: Path,
        *,
        account: Account | None = None,
        smtp_port: int = 0,
        imap_port: int = 0,
        certificate: ssl.SSLContext | None = None,
        security: str = "none",
    ) -> None:
        """Keep the settings; `security` is `none`, `starttls` or `tls` and needs a certificate unless `none`."""
        self.home = home
        self.account = account or Account()
        self.smtp_port = smtp_port
        self.imap_port = imap_port
        self.counts = Counts()
        self._certificate = certificate
        self._security = security
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True, name="post office")
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        """Start both servers and wait until they listen."""
        self._thread.start()
        self._ready.wait(SECONDS_TO_START)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop both servers; mails stay on disk."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(SECONDS_TO_START)

    def misbehave(self, *faults: Fault) -> None:
        """Behave as the faults say from the next mail on; without faults: behave."""
        write_faults(self.home, faults)

    def mails_for(self, address: str) -> list[bytes]:
        """Return every mail accepted for the address, in the order of arrival."""
        return mails_for(self.home, address)

    def settle(self) -> None:
        """Wait until all that was accepted is delivered: here it is, before it is accepted."""

    def put_in_mailbox(self, content: bytes, received_at: datetime | None = None) -> None:
        """Lay a mail into our own mailbox, past SMTP, as hostile as it is."""
        when = received_at or _now(self.home)
        asyncio.run_coroutine_threadsafe(self._mailboxes.deliver(content, when), self._loop).result(SECONDS_TO_START)

    def forget_uids(self) -> None:
        """Give the mailbox a new UIDVALIDITY and new UIDs, as a server that was restored from a backup does."""
        asyncio.run_coroutine_threadsafe(self._mailboxes.renumber(), self._loop).result(SECONDS_TO_START)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as failure:  # noqa: BLE001 - the thread that waits raises it again
            self._failure = failure
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        async with AsyncExitStack() as stack:
            await self._start_imap(stack)
            await self._start_smtp(stack)
            ports = {"smtp": self.smtp_port, "imap": self.imap_port}
            _write_whole(self.home / "ports.json", json.dumps(ports).encode())
            self._ready.set()
            await self._stop.wait()
        await _end_other_tasks()

    async def _start_smtp(self, stack: AsyncExitStack) -> None:
        counter = _Letterbox(self.home, self.account, self._mailboxes, self.counts)
        await counter.hand_out_what_was_left()
        is_implicit = self._security == "tls"

        def connection() -> SMTP:
            self.counts.smtp_connections += 1
            return stack.enter_context(
                _hung_up(
                    _FaultySmtp(
                        counter,
                        data_size_limit=MAIL_SIZE_LIMIT,
                        hostname="localhost",
                        tls_context=self._certificate if self._security == "starttls" else None,
                        require_starttls=self._security == "starttls",
                        authenticator=counter.authenticate if self.account.smtp_login else None,
                        auth_require_tls=self._security == "starttls",
                    )
                )
            )

        context = self._certificate if is_implicit else None
        server = await self._loop.create_server(connection, LOOPBACK, self.smtp_port, ssl=context)
        self.smtp_port = server.sockets[0].getsockname()[1]
        stack.callback(server.close)

    async def _start_imap(self, stack: AsyncExitStack) -> None:
        config = _imap_config(self._certificate, self._security)
        config.apply_context()
        login = Login(config)
        self._mailboxes = _DiskMailboxSet(self.home / "mailbox")
        config.set_cache[self.account.username] = (self._mailboxes, FilterSet())
        password = await Passwords(config).hash_password(self.account.password)
        login.users_dict[self.account.username] = UserMetadata(config, self.account.username, password=password)
        callback = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(login, config))
        context = self._certificate if self._security == "tls" else None
        server = await asyncio.start_server(callback, LOOPBACK, self.imap_port, ssl=context)
        self.imap_port = server.sockets[0].getsockname()[1]
        stack.callback(server.close)


def main(arguments: Sequence[str] | None = None, *, wait: Callable[[], object] = sys.stdin.read) -> None:
    """Serve until standard input ends, so that the post office dies with the process that started it."""
    parser = argparse.ArgumentParser(prog="python -m deployments.postoffice", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--imap-port", type=int, default=0)
    parser.add_argument("--address", default=Account().address)
    given = parser.parse_args(arguments)
    ports = {"smtp_port": given.smtp_port, "imap_port": given.imap_port}
    (given.home / "ports.json").unlink(missing_ok=True)
    with PostOffice(given.home, account=Account(address=given.address), **ports):
        print("ready", flush=True)  # noqa: T201 - whoever started the process waits for this line
        wait()


class _Letterbox:
    """The SMTP server's hooks: keeps each mail for each recipient, unless a fault is laid on."""

    def __init__(self, home: Path, account: Account, mailboxes: "_DiskMailboxSet", counts: Counts) -> None:
        self._home = home
        self._account = account
        self._mailboxes = mailboxes
        self._counts = counts
        self._done: Counter[Fault] = Counter()
        self._n_in: dict[Path, int] = {}

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: object
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == (self._account.username, self._account.password))

    async def handle_MAIL(  # noqa: N802 - aiosmtpd names the hooks and their arguments
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._account.smtp_login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names the hooks and their arguments
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.strikes(FaultKind.SLOW, [address]):
            await asyncio.sleep(0.5)
        if self.strikes(FaultKind.REFUSE, [address]):
            return "550 5.1.1 No such mailbox here"
        if self.strikes(FaultKind.GREYLIST, [address]):
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.strikes(FaultKind.REFUSE_TEXT, envelope.rcpt_tos):
            return "554 5.7.1 Refused for its content"
        if self.strikes(FaultKind.LIE, envelope.rcpt_tos):
            return "250 Kept"
        await self._keep(envelope)
        if self.strikes(FaultKind.DROP_AFTER_TEXT, envelope.rcpt_tos):
            _cut(server)
        return "250 Kept"

    def strikes(self, kind: FaultKind, addresses: Iterable[str]) -> bool:
        """Say whether a fault of that kind is laid on one of the addresses, and count it."""
        for fault in _faults(self._home):
            is_meant = fault.kind is kind and (fault.address == "*" or fault.address in addresses)
            if is_meant and (fault.times < 0 or self._done[fault] < fault.times):
                self._done[fault] += 1
                return True
        return False

    async def _keep(self, envelope: Envelope) -> None:
        """Accept a mail by one file in the spool, for all its recipients or for none, then hand it out."""
        mail = _Spooled(
            id=uuid4().hex,
            sender=envelope.mail_from or "",
            to=tuple(dict.fromkeys(envelope.rcpt_tos)),
            at=_now(self._home),
            content=envelope.original_content or b"",
        )
        spool = self._home / "spool" / f"{mail.id}.mail"
        _write_whole(spool, mail.written())
        await self._hand_out(mail, spool)

    async def hand_out_what_was_left(self) -> None:
        """Hand out what was accepted before the office was killed; no recipient gets a mail twice."""
        for spool in sorted((self._home / "spool").glob("*.mail")):
            await self._hand_out(_Spooled.read(spool.read_bytes()), spool, is_left=True)

    async def _hand_out(self, mail: "_Spooled", spool: Path, *, is_left: bool = False) -> None:
        for address in mail.to:
            folder = self._home / "mail" / _folder_name(address)
            if not (is_left and any(folder.glob(f"*-{mail.id}.eml"))):
                _write_whole(folder / f"{self._next_number(folder):06}-{mail.id}.eml", mail.content)
            if is_own_address(address, self._account.address) and not (is_left and self._mailboxes.has(mail.id)):
                marked = _delivered_to(address) + f"X-Spool-Id: {mail.id}\r\n".encode()
                await self._mailboxes.deliver(marked + mail.content, mail.at)
        self._counts.mails += 1
        entry = {"at": mail.at.isoformat(), "from": mail.sender, "to": mail.to, "bytes": len(mail.content)}
        with (self._home / "index.jsonl").open("a", encoding="utf-8") as index:
            index.write(json.dumps(entry) + "\n")
        os.unlink(spool)  # noqa: PTH108 - the file system of a test is quick enough for the loop

    def _next_number(self, folder: Path) -> int:
        """Return the number of a mail in a folder; counted once, for our own holds tens of thousands in a load test."""
        if folder not in self._n_in:
            self._n_in[folder] = len(_numbered(folder))
        self._n_in[folder] += 1
        return self._n_in[folder]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spooled:
    """A mail that was accepted: one line of JSON, then its text."""

    id: str
    sender: str
    to: tuple[str, ...]
    at: datetime
    content: bytes

    def written(self) -> bytes:
        outside = {"id": self.id, "sender": self.sender, "to": self.to, "at": self.at.isoformat()}
        return json.dumps(outside).encode() + b"\n" + self.content

    @classmethod
    def read(cls, written: bytes) -> Self:
        line, _, content = written.partition(b"\n")
        outside = json.loads(line)
        at = datetime.fromisoformat(outside["at"])
        return cls(id=outside["id"], sender=outside["sender"], to=tuple(outside["to"]), at=at, content=content)


class _FaultySmtp(SMTP):
    """aiosmtpd's server, which can also lose the connection where no hook is called."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds commands by name
        recipients = self.envelope.rcpt_tos if self.envelope else []
        if recipients and self.event_handler.strikes(FaultKind.DROP_BEFORE_TEXT, recipients):
            _cut(self)
            return
        if recipients and self.event_handler.strikes(FaultKind.DROP_IN_TEXT, recipients):
            await self.push("354 Go on")
            await self._reader.read(100)
            _cut(self)
            return
        await super().smtp_DATA(arg)


class _DiskMailbox(MailboxData):
    """pymap's mailbox in memory, with every message also on disk, so that it survives a kill."""

    def __init__(self, folder: Path, caches: tuple[Any, Any]) -> None:
        super().__init__(*caches)
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        validity = folder / "uidvalidity"
        if validity.exists():
            self._uid_validity, self._max_uid = map(int, validity.read_text().split())
        self.note_uids()

    async def load(self) -> None:
        """Take up what lies on disk under the UIDs it had."""
        highest = self._max_uid
        for path in _numbered(self._folder):
            self._max_uid = int(path.stem) - 1
            when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            await super().append(AppendMessage(path.read_bytes(), when))
        self._max_uid = max(highest, self._max_uid)

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        message = await super().append(append_msg, recent=recent)
        self.note_uids()
        path = self.path_of(message.uid)
        _write_whole(path, append_msg.literal, at=message.internal_date)
        return message

    async def move(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        new_uid = await super().move(uid, destination, recent=recent)
        if new_uid is not None and isinstance(destination, _DiskMailbox):
            destination.note_uids()
            self.path_of(uid).rename(destination.path_of(new_uid))
        return new_uid

    async def copy(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        new_uid = await super().copy(uid, destination, recent=recent)
        if new_uid is not None and isinstance(destination, _DiskMailbox):
            destination.note_uids()
            destination.path_of(new_uid).hardlink_to(self.path_of(uid))
        return new_uid

    async def delete(self, uids: Iterable[int]) -> None:
        gone = list(uids)
        await super().delete(gone)
        for uid in gone:
            self.path_of(uid).unlink(missing_ok=True)

    async def renumber(self) -> None:
        """Throw the UIDs away and give new ones under a new UIDVALIDITY."""
        kept = [(path, path.read_bytes(), path.stat().st_mtime) for path in _numbered(self._folder)]
        await self.delete([int(path.stem) for path, _, _ in kept])
        self._uid_validity, self._max_uid = self._uid_validity + 1, 0
        for _, content, modified in kept:
            await self.append(AppendMessage(content, datetime.fromtimestamp(modified, UTC)))

    def path_of(self, uid: int) -> Path:
        """Return where the message of a UID lies."""
        return self._folder / f"{uid:06}.eml"

    def note_uids(self) -> None:
        """Write down which UIDs were given, so that none is given twice."""
        _write_whole(self._folder / "uidvalidity", f"{self._uid_validity} {self._max_uid}".encode())


class _DiskMailboxSet(MailboxSet):
    """Every folder of our mailbox; a folder of the mailbox is a folder on disk."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home
        self._is_loaded = False
        self._inbox = self._mailbox("INBOX")
        for folder in sorted(path for path in home.iterdir() if path.is_dir()):
            if folder.name != "INBOX":
                self._set[folder.name.replace("%2F", "/")] = self._mailbox(folder.name)

    async def deliver(self, content: bytes, when: datetime) -> None:
        """Put a new mail into the inbox."""
        inbox = await self.get_mailbox("INBOX")
        await inbox.append(AppendMessage(content, when), recent=True)

    def has(self, spool_id: str) -> bool:
        """Say whether a mail is in the mailbox already, in whatever folder."""
        mark = f"X-Spool-Id: {spool_id}".encode()
        return any(mark in path.read_bytes()[:HEAD_BYTES] for path in self._home.glob("*/*.eml"))

    async def renumber(self) -> None:
        """Give the inbox new UIDs."""
        await self._load()
        if isinstance(self._inbox, _DiskMailbox):
            await self._inbox.renumber()

    async def get_mailbox(self, name: str) -> MailboxData:
        await self._load()
        return await super().get_mailbox(name)

    async def add_mailbox(self, name: str) -> Any:
        if name in self._set:
            raise ValueError(name)
        self._set[name] = mailbox = self._mailbox(name.replace("/", "%2F"))
        return mailbox.mailbox_id

    def _mailbox(self, folder_name: str) -> _DiskMailbox:
        return _DiskMailbox(self._home / folder_name, (self._content_cache, self._thread_cache))

    async def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        for mailbox in [self._inbox, *self._set.values()]:
            if isinstance(mailbox, _DiskMailbox):
                await mailbox.load()


def _imap_config(certificate: ssl.SSLContext | None, security: str) -> Config:
    args = argparse.Namespace(
        host=LOOPBACK, port=0, debug=False, cert=None, key=None, tls=security == "starttls", passlib_cfg=None,
        proxy_protocol="noop", demo_data=False, demo_user="", demo_password="",
    )  # fmt: skip
    context = certificate or ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    return Config.from_args(args, ssl_context=context, hash_context=BuiltinHash(rounds=HASH_ROUNDS))


def _faults(home: Path) -> list[Fault]:
    path = home / "faults.json"
    if not path.exists():
        return []
    return [Fault(item["address"], FaultKind(item["kind"]), item["times"]) for item in json.loads(path.read_bytes())]


def _now(home: Path) -> datetime:
    path = home / "now"
    return datetime.fromisoformat(path.read_text("ascii").strip()) if path.exists() else SystemClock().now()


def _delivered_to(address: str) -> bytes:
    return f"Delivered-To: {address}\r\n".encode()


def _folder_name(address: str) -> str:
    return UNSAFE.sub("_", address.lower())


def _numbered(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.eml")) if folder.is_dir() else []


def _write_whole(path: Path, content: bytes, *, at: datetime | None = None) -> None:
    """Write a file so that nobody sees half of it, kill or no kill."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    with part.open("wb") as file:
        file.write(content)
    if at is not None:
        os.utime(part, (at.timestamp(), at.timestamp()))
    part.replace(path)


def _cut(connection: SMTP) -> None:
    if isinstance(connection.transport, asyncio.WriteTransport):
        connection.transport.abort()


@contextmanager
def _hung_up(connection: SMTP) -> Iterator[SMTP]:
    """Give a connection that is cut when the office closes."""
    yield connection
    _cut(connection)


async def _end_other_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*others, return_exceptions=True)


if __name__ == "__main__":
    main()
