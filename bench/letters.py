"""Sends personal letters with a 20 KB workbook each to a sink on loopback, beside what most people write.

Ours and the baseline render with the same templates. The baseline builds each letter with `EmailMessage(policy=SMTP)`
and opens a connection for it; it is measured on a sample in the same run, in turns with ours, and scaled.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import aiosmtplib  # noqa: E402 - the programme's folder is found first

from models.domain.vocabulary import OFFICE_ZONE  # noqa: E402
from tasks.adapters.clock import FixedClock  # noqa: E402
from tasks.adapters.programme import load_programme  # noqa: E402
from tasks.adapters.rendering import ChaseContext, ChaseDuty, Envelope, Renderer  # noqa: E402
from tasks.adapters.smtp import SmtpTransport  # noqa: E402
from tasks.adapters.texts import Texts  # noqa: E402
from tasks.ports import Attachment, Letter  # noqa: E402
from tasks.settings import SmtpSettings  # noqa: E402

N_LETTERS = 5_000
N_ROUNDS = 5
SAMPLE_A_ROUND = 60
TIMES_FASTER = 3
WORKBOOK_OCTETS = 20_000
OURS = "baocao@dondoc.example.invalid"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CLOCK = FixedClock(datetime(2025, 6, 5, 8, 0, tzinfo=OFFICE_ZONE))


class Sink(asyncio.Protocol):
    """The smallest server that takes every mail and throws it away, each answer after so many seconds."""

    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._buffer = b""
        self._is_text = False
        self._answer(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every command and text that is there whole."""
        self._buffer += data
        while self._is_text or b"\r\n" in self._buffer:
            if not self._step():
                return

    def _step(self) -> bool:
        end = b"\r\n.\r\n" if self._is_text else b"\r\n"
        line, found, rest = self._buffer.partition(end)
        if not found:
            return False
        self._buffer = rest
        answer = b"354 Go on\r\n" if not self._is_text and line.upper() == b"DATA" else b"250 OK\r\n"
        self._is_text = answer.startswith(b"354")
        self._answer(b"221 Bye\r\n" if line.upper() == b"QUIT" else answer)
        return True

    def _answer(self, answer: bytes) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


class Writer:
    """Renders the letters, one for each number."""

    def __init__(self) -> None:
        self._programme = load_programme(ROOT / "deployments" / "de_an_835")
        self._renderer = Renderer(Texts.load())

    def write(self, number: int) -> Letter:
        """Return the opening letter of a unit, with a workbook of its own."""
        duty = ChaseDuty(
            duty_id=number,
            unit_name=f"Xã số {number}",
            rung="opening",
            cycle_code="bc-6t-2025",
            cycle_title="Báo cáo 06 tháng năm 2025",
            short_title="BC 6T 2025",
            clause="III.1-c",
            quotation="Báo cáo 06 tháng (trước ngày 15/6)",
            decision="Kế hoạch ngày 23/9/2024 của Ban Chỉ đạo tỉnh",
            due_at=datetime(2025, 6, 15, tzinfo=OFFICE_ZONE),
            late_at=datetime(2025, 6, 17, tzinfo=OFFICE_ZONE),
            period_start=(CLOCK.now() - timedelta(days=180)).date(),
            period_end=(CLOCK.now() - timedelta(days=20)).date(),
            required=("Báo cáo có chữ ký",),
            token="abcdefgh234567ab",
            has_form=True,
        )
        context = ChaseContext(programme=self._programme, contact_name="", duties=(duty,), as_of=CLOCK.now())
        form = Attachment(name=f"Biểu xã số {number}.xlsx", media_type=XLSX, content=os.urandom(WORKBOOK_OCTETS))
        return self._renderer.chase(
            context,
            Envelope(
                to=f"xa{number}@bacgiang.example.invalid",
                message_id=f"<letter-{number}-{time.perf_counter_ns()}@dondoc.example.invalid>",
                attachments=(form,),
            ),
        )


@contextmanager
def sink(delay: float = 0.0) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, __file__, "--sink", str(delay)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


async def serve_sink() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def send_ours(writer: Writer, transport: SmtpTransport, numbers: range) -> None:
    assert all(delivery.is_sent for delivery in transport.deliver([writer.write(number) for number in numbers]))


async def send_one_by_one(writer: Writer, port: int, numbers: range) -> None:
    for number in numbers:
        letter = writer.write(number)
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"], message["Subject"] = OURS, letter.to, letter.subject
        message["Message-ID"] = letter.message_id
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        for attachment in letter.attachments:
            main_type, _, subtype = attachment.media_type.partition("/")
            message.add_attachment(attachment.content, maintype=main_type, subtype=subtype, filename=attachment.name)
        await aiosmtplib.send(message, hostname="127.0.0.1", port=port)


def main(n: int = N_LETTERS) -> int:
    writer = Writer()
    ours = baseline = 0.0
    with sink() as port:
        settings = SmtpSettings(host="127.0.0.1", port=port)
        transport = SmtpTransport(settings, sender=OURS, sender_name="Tổ thư ký", clock=CLOCK)
        share = n // N_ROUNDS
        sample = min(SAMPLE_A_ROUND, share)
        for number in range(N_ROUNDS):
            started = time.perf_counter()
            for first in range(number * share, (number + 1) * share, 50):
                send_ours(writer, transport, range(first, min(first + 50, (number + 1) * share)))
            ours += time.perf_counter() - started
            started = time.perf_counter()
            asyncio.run(send_one_by_one(writer, port, range(sample)))
            baseline += (time.perf_counter() - started) * share / sample
        transport.close()
    ratio = baseline / ours
    print(f"{n:,} letters: ours {ours:.1f} s baseline {baseline:.1f} s ratio {ratio:.1f}")
    return int(ratio < TIMES_FASTER)


if __name__ == "__main__":
    if "--sink" in sys.argv:
        Sink.delay = float(sys.argv[2])
        asyncio.run(serve_sink())
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
