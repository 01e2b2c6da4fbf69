"""The hours before a deadline: which units answer, when each does, and its mail. Seeded, so always the same.

Arrivals become ever denser towards the deadline: with the square of the time that has passed, so that an eighth of them
come in the first half and, of six hours, two fifths in the last.
"""

import random
from base64 import encodebytes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Final

from openpyxl import load_workbook

from bench.country import HABITS, Answers
from bench.intake import fill, readdressed
from deployments.simulated_units import WORKBOOK, signed_copy
from models.domain.forms import FormSpec
from models.domain.vocabulary import FieldKind

N_KINDS: Final = 20
"""So many forms are filled; all others are one of these under another unit's name."""
DENSER: Final = 3
"""Of the arrivals before a share x of the time there are x to this power."""
SHARE_WRONG: Final = HABITS[Answers.WRONG] / (HABITS[Answers.WRONG] + HABITS[Answers.ON_TIME])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A unit with a duty: what stands in its form, and where its mails come from."""

    code: str
    token: str

    @property
    def address(self) -> str:
        """The address of its first desk."""
        return f"{self.code}@example.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A mail that a unit sends at an instant."""

    sender: Sender
    at: datetime
    is_wrong: bool
    kind: int

    @property
    def message_id(self) -> str:
        """By which it is found again."""
        return f"<{self.sender.code}@rush.example.invalid>"


def dealt_out(senders: Sequence[Sender], n: int, *, due_at: datetime, hours: float, seed: int = 835) -> list[Sent]:
    """Return which of the units send a mail within the hours before the deadline, in the order of time."""
    chance = random.Random(seed)
    window = timedelta(hours=hours)
    shares = sorted(chance.random() ** (1 / DENSER) for _ in range(n))
    wrong = set(chance.sample(range(n), round(n * SHARE_WRONG)))
    return [
        Sent(sender=sender, at=due_at - window + share * window, is_wrong=place in wrong, kind=place % N_KINDS)
        for place, (sender, share) in enumerate(zip(chance.sample(senders, n), shares, strict=True))
    ]


class Clerks:
    """Who fills the forms and writes the mails."""

    def __init__(self, spec: FormSpec, first: Sender, form: bytes, *, to: str) -> None:
        """Fill one unit's form in every way, rightly and wrongly; whoever else answers does it in one of these."""
        self._first, self._to = first, to
        right = [fill(form, spec, number) for number in range(N_KINDS)]
        self._filled = {False: right, True: [spoilt(each, spec) for each in right]}

    def mail(self, sent: Sent) -> bytes:
        """Return the mail, with the form and its signed copy."""
        sender = sent.sender
        names = {
            self._first.token.encode(): sender.token.encode(),
            self._first.code.encode(): sender.code.encode(),
        }
        form = readdressed(self._filled[sent.is_wrong][sent.kind], names)
        parts = (
            (WORKBOOK, f"bieu-{sender.code}.xlsx", form),
            ("application/pdf", f"bao-cao-{sender.code}-da-ky.pdf", signed_copy(sender.code)),
        )
        return b"".join(_written(sent, self._to, parts))


def spoilt(form: bytes, spec: FormSpec) -> bytes:
    """Return a filled form with what clerks get wrong: a negative number, and a blank."""
    workbook = load_workbook(BytesIO(form))
    figures = workbook[spec.figures_sheet]
    counts = [field for field in spec.fields if field.kind is FieldKind.COUNT]
    figures[spec.value_cell(counts[0])] = -3
    figures[spec.value_cell(counts[1])] = None
    with BytesIO() as target:
        workbook.save(target)
        return target.getvalue()


def in_turns(mails: Iterable[Sent], polls: Sequence[datetime]) -> Mapping[datetime, list[Sent]]:
    """Return the mails by the first of the polls that finds them."""
    waiting = iter(sorted(mails, key=lambda sent: sent.at))
    turns: dict[datetime, list[Sent]] = {}
    following = next(waiting, None)
    for poll in polls:
        turns[poll] = []
        while following is not None and following.at <= poll:
            turns[poll].append(following)
            following = next(waiting, None)
    return turns


def _written(sent: Sent, to: str, parts: Iterable[tuple[str, str, bytes]]) -> Iterator[bytes]:
    """Yield a mail piece by piece, for the standard library takes three times as long to write twenty thousand."""
    edge = f"=_{sent.sender.code}"
    head = (
        f"From: {sent.sender.address}",
        f"To: {to}",
        "Subject: Bao cao 6 thang",
        f"Date: {sent.at:%a, %d %b %Y %H:%M:%S %z}",
        f"Message-ID: {sent.message_id}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{edge}"',
        "",
        f"--{edge}",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Kinh gui bao cao cua don vi.",
        "",
    )
    yield "\r\n".join(head).encode()
    for media_type, name, content in parts:
        about = (
            f"--{edge}",
            f'Content-Type: {media_type}; name="{name}"',
            f'Content-Disposition: attachment; filename="{name}"',
            "Content-Transfer-Encoding: base64",
            "",
            "",
        )
        yield "\r\n".join(about).encode()
        yield encodebytes(content).replace(b"\n", b"\r\n")
    yield f"--{edge}--\r\n".encode()
