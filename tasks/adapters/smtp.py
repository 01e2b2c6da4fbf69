"""Hands letters to the outgoing mail server over kept connections; it decides nothing about who is written to.

The port is synchronous and aiosmtplib is not: an event loop in a thread of its own lies between them. One letter is one
transaction, and what the server said of it is one `Delivery`:

- the recipient, or the text, is refused for good (5xx): permanent; for now (4xx): try again;
- the connection is lost before the server has asked for the text: once more on a new connection, then try again;
- the connection is lost after the text was handed over and before the reply: unknown. It may have gone out.
"""

import asyncio
import logging
import queue
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiosmtplib

from models.domain.errors import MailServerUnavailableError
from tasks.adapters.mime import LetterInvalidError, build_message, checked_address
from tasks.ports import Clock, Delivery, Letter
from tasks.settings import SmtpSettings

GO_AHEAD: Final = 354
ACCEPTED: Final = frozenset({250, 251})
CLOSING: Final = 421
PERMANENT_FROM: Final = 500
SPEAKS_OF_US: Final = frozenset({500, 502, 503, 530, 534, 535, 538})
"""Refusals for want of a login or by a misunderstanding; they say nothing of the letter, which is tried again later."""
TROUBLE: Final = (aiosmtplib.SMTPException, OSError)
SECONDS_TO_SAY_GOODBYE: Final = 5.0

_log = logging.getLogger(__name__)


class SmtpTransport:
    """The outgoing mail server, reached over up to `settings.connections` connections that are kept between batches."""

    def __init__(
        self, settings: SmtpSettings, *, sender: str, sender_name: str, clock: Clock, journal_to: str = ""
    ) -> None:
        """Keep the settings; nothing is connected before the first letter.

        Args:
            settings: where the server is.
            sender: our address: envelope sender and From.
            sender_name: name shown beside it.
            clock: gives the Date of each letter.
            journal_to: address that gets a blind copy of each letter in the same transaction; empty: none.
        """
        self._settings = settings
        self._sender = checked_address(sender)
        self._sender_name = sender_name
        self._clock = clock
        self._journal_to = journal_to
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._idle: list[aiosmtplib.SMTP] = []

    def deliver(self, letters: Sequence[Letter]) -> Iterator[Delivery]:
        """Yield one delivery a letter, as each is known, in any order; one refused letter never stops the rest.

        A caller that stops listening stops the sending: letters in hand are finished, the others are not begun.

        Raises:
            MailServerUnavailableError: no connection could be made; letters not yielded were not handed over.
        """
        if not letters:
            return
        batch = _Batch(waiting=deque(letters), said=queue.SimpleQueue())
        sending = asyncio.run_coroutine_threadsafe(self._send_batch(batch), self._started_loop())
        n_yielded = 0
        try:
            while (delivery := batch.said.get()) is not None:
                n_yielded += 1
                yield delivery
        finally:
            batch.waiting.clear()
            sending.result()
        if n_yielded < len(letters):
            raise MailServerUnavailableError(
                host=self._settings.host, port=self._settings.port, detail=batch.why_unreachable
            )

    def close(self) -> None:
        """Say goodbye to the server on every connection."""
        if self._loop is None or self._thread is None:
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._quit_all(), self._loop).result(SECONDS_TO_SAY_GOODBYE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS_TO_SAY_GOODBYE)
        self._loop.close()
        self._loop = self._thread = None

    def _started_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="smtp")
            self._thread.start()
        return self._loop

    async def _send_batch(self, batch: "_Batch") -> None:
        n_connections = min(self._settings.connections, len(batch.waiting))
        results = await asyncio.gather(*(self._send_from(batch) for _ in range(n_connections)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                batch.why_unreachable = f"{type(result).__name__}: {result}"
                _log.error("a mail connection ended by %r", result, extra={"action": "look at the mail server"})
        batch.said.put(None)

    async def _send_from(self, batch: "_Batch") -> None:
        """Send letters of the batch over one connection until none waits or the server cannot be reached."""
        client = self._idle.pop() if self._idle else None
        try:
            while batch.waiting:
                client = client or await self._connect(batch)
                letter = None if client is None else batch.next_letter()
                if client is None or letter is None:
                    break
                client, delivery = await self._send_one(letter, client, batch)
                batch.said.put(delivery)
        finally:
            if client is not None:
                self._idle.append(client)

    async def _send_one(
        self, letter: Letter, client: aiosmtplib.SMTP, batch: "_Batch"
    ) -> tuple[aiosmtplib.SMTP | None, Delivery]:
        """Send a letter, once more on a new connection if the first is lost before the text was asked for."""
        try:
            message = self._message(letter)
        except LetterInvalidError as problem:
            return client, _not_sent(letter, str(problem), is_permanent=True)
        try:
            return await self._try_twice(letter, message, client, batch)
        except Exception as bug:  # noqa: BLE001 - a letter that was begun is never called one that was not
            _log.exception("a letter's sending broke off", extra={"action": "report this"})
            _hang_up(client)
            return None, _not_sent(letter, f"{type(bug).__name__}: {bug}", is_unknown=True)

    async def _try_twice(
        self, letter: Letter, message: bytes, client: aiosmtplib.SMTP, batch: "_Batch"
    ) -> tuple[aiosmtplib.SMTP | None, Delivery]:
        connection: aiosmtplib.SMTP | None = client
        detail = ""
        for _ in range(2):
            if connection is None:
                break
            try:
                return connection, await self._transact(letter, message, connection)
            except _LostAfterTextError as loss:
                _hang_up(connection)
                return None, _not_sent(letter, str(loss), is_unknown=True)
            except TROUBLE as loss:
                _hang_up(connection)
                detail = f"{type(loss).__name__}: {loss}"
                connection = await self._connect(batch)
        return connection, _not_sent(letter, detail or batch.why_unreachable)

    async def _transact(self, letter: Letter, message: bytes, client: aiosmtplib.SMTP) -> Delivery:
        refusal = await self._envelope(letter, client)
        if refusal.delivery is not None:
            await _reset(client)
            return refusal.delivery
        ready = await _command(client, b"DATA")
        if ready.code != GO_AHEAD:
            await _reset(client)
            return _refused(letter, ready)
        said = await self._hand_over(message, client)
        if said.code not in ACCEPTED:
            return _refused(letter, said)
        return Delivery(
            message_id=letter.message_id, is_sent=True, detail=said.message, refused_copies=refusal.refused_copies
        )

    async def _envelope(self, letter: Letter, client: aiosmtplib.SMTP) -> "_Envelope":
        """Name sender and recipients; the main one must be taken, a copy that is not is only told of."""
        said = await _command(client, b"MAIL", f"FROM:<{self._sender}>".encode("ascii"))
        if said.code not in ACCEPTED:
            return _Envelope(delivery=_not_sent(letter, _words(said)))  # it refuses us, not the letter
        said = await _recipient(client, letter.to)
        if said.code not in ACCEPTED:
            return _Envelope(delivery=_refused(letter, said))
        copies = dict.fromkeys((*letter.copies, *([self._journal_to] if self._journal_to else [])))
        copies.pop(letter.to, None)
        refused = [address for address in copies if (await _recipient(client, address)).code not in ACCEPTED]
        return _Envelope(refused_copies=tuple(refused))

    async def _hand_over(self, message: bytes, client: aiosmtplib.SMTP) -> aiosmtplib.SMTPResponse:
        """Send the text, which holds no line with a leading dot, and wait for what the server says."""
        protocol = client.protocol
        try:
            if protocol is None:
                raise aiosmtplib.SMTPServerDisconnected("lost before the text")
            protocol.write(message + b".\r\n")
            return await protocol.read_response(timeout=self._settings.timeout_seconds)
        except TROUBLE as loss:
            raise _LostAfterTextError(f"{type(loss).__name__}: {loss}") from loss

    def _message(self, letter: Letter) -> bytes:
        return build_message(letter, sender=self._sender, sender_name=self._sender_name, sent_at=self._clock.now())

    async def _connect(self, batch: "_Batch") -> aiosmtplib.SMTP | None:
        """Return a new connection, greeted and logged in, or None with the reason kept."""
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.timeout_seconds,
            local_hostname=self._sender.rpartition("@")[2],
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=_tls_context(settings) if settings.security != "none" else None,
            username=settings.username or None,
            password=settings.password.get_secret_value() if settings.username else None,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except TROUBLE as problem:
            _hang_up(client)
            batch.why_unreachable = f"{type(problem).__name__}: {problem}"
            return None
        return client

    async def _quit_all(self) -> None:
        for client in self._idle:
            with suppress(*TROUBLE):
                await client.quit(timeout=1)
            _hang_up(client)
        self._idle.clear()


@dataclass(slots=True)
class _Batch:
    """The letters of one call that nobody has begun, and what was said of the others; None ends it."""

    waiting: deque[Letter]
    said: "queue.SimpleQueue[Delivery | None]"
    why_unreachable: str = ""

    def next_letter(self) -> Letter | None:
        """Take the next letter; None when the caller has stopped listening meanwhile."""
        try:
            return self.waiting.popleft()
        except IndexError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    """What came of naming the recipients: the delivery when the letter cannot go, else the copies that were refused."""

    delivery: Delivery | None = None
    refused_copies: tuple[str, ...] = ()


class _LostAfterTextError(Exception):
    """The connection was lost between handing the text over and the server's answer."""


async def _command(client: aiosmtplib.SMTP, *words: bytes) -> aiosmtplib.SMTPResponse:
    """Say a command; a server that answers that it closes the connection has lost it."""
    said = await client.execute_command(*words)
    if said.code == CLOSING:
        raise aiosmtplib.SMTPServerDisconnected(_words(said))
    return said


async def _recipient(client: aiosmtplib.SMTP, address: str) -> aiosmtplib.SMTPResponse:
    return await _command(client, b"RCPT", f"TO:<{address}>".encode("ascii"))


def _hang_up(client: aiosmtplib.SMTP) -> None:
    """Let a connection go at once; a polite close of TLS would wait for a server that may be gone."""
    if isinstance(client.transport, asyncio.WriteTransport):
        client.transport.abort()
    client.close()


async def _reset(client: aiosmtplib.SMTP) -> None:
    """Clear a refused transaction; a connection that is lost here is noticed at its next letter."""
    with suppress(*TROUBLE):
        await client.execute_command(b"RSET")


def _tls_context(settings: SmtpSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))


def _refused(letter: Letter, said: aiosmtplib.SMTPResponse) -> Delivery:
    is_permanent = said.code >= PERMANENT_FROM and said.code not in SPEAKS_OF_US
    return _not_sent(letter, _words(said), is_permanent=is_permanent)


def _words(said: aiosmtplib.SMTPResponse) -> str:
    return f"{said.code} {said.message}"


def _not_sent(letter: Letter, detail: str, *, is_permanent: bool = False, is_unknown: bool = False) -> Delivery:
    return Delivery(
        message_id=letter.message_id, is_sent=False, is_permanent=is_permanent, is_unknown=is_unknown, detail=detail
    )
