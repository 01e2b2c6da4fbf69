"""Simulated reporting units for the demo: each reads its real letters, opens the real workbook, fills it, and answers.

What a unit does is decided by its place in the roster, so that two replays are the same. It knows the program only by
the mail it gets.
"""

import asyncio
import hashlib
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import Final

import aiosmtplib
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from models.domain.forms import FieldSpec, FormSpec
from models.domain.vocabulary import FieldKind
from tasks.adapters.texts import Texts

ANSWERED_BY_DOCUMENT: Final = frozenset({"send_evidence"})
"""What a unit does about its newest letter, whether a form came with it or not."""
WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Habit(StrEnum):
    """How a unit answers."""

    EARLY = "early"
    ON_TIME = "on_time"
    IN_GRACE = "in_grace"
    LATE = "late"
    WRONG_CELLS = "wrong_cells"
    """Wrong cells first; corrects its own marked workbook when it comes back."""
    WRONG_FORM = "wrong_form"
    """A workbook of its own making first; then the right form that came with the answer."""
    WITHOUT_COPY = "without_copy"
    """Without the signed copy first; the copy follows alone."""
    STRANGE_ADDRESS = "strange_address"
    AUTO_REPLY = "auto_reply"
    """Out of office at the opening; answers on time."""
    NIL = "nil"
    PROMISE_KEPT = "promise_kept"
    PROMISE_BROKEN = "promise_broken"
    AFTER_THE_CLOSE = "after_the_close"
    NEVER = "never"


RARE_HABITS: Final[Sequence[tuple[Habit, int]]] = (
    (Habit.WRONG_CELLS, 5),
    (Habit.WRONG_FORM, 2),
    (Habit.WITHOUT_COPY, 3),
    (Habit.STRANGE_ADDRESS, 1),
    (Habit.AUTO_REPLY, 2),
    (Habit.NIL, 2),
    (Habit.PROMISE_KEPT, 2),
    (Habit.PROMISE_BROKEN, 1),
    (Habit.IN_GRACE, 8),
    (Habit.LATE, 6),
    (Habit.AFTER_THE_CLOSE, 1),
    (Habit.NEVER, 3),
    (Habit.EARLY, 12),
)
"""How many units of a province have each habit; all the others answer on time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something a unit does on a day; `name` makes its mail's Message-ID, so that doing it again is seen."""

    unit_code: str
    day: str
    """MM-DD HH:MM of the year of the replay."""
    name: str


ACTS: Final[Mapping[Habit, Sequence[tuple[str, str]]]] = {
    Habit.EARLY: (("06-03 09:10", "answer"),),
    Habit.ON_TIME: (("06-11 14:20", "answer"),),
    Habit.IN_GRACE: (("06-16 15:40", "answer"),),
    Habit.LATE: (("06-20 10:05", "answer"),),
    Habit.WRONG_CELLS: (("06-10 08:50", "answer_wrongly"), ("06-12 10:30", "correct")),
    Habit.WRONG_FORM: (("06-10 09:25", "answer_in_own_form"), ("06-12 15:10", "answer")),
    Habit.WITHOUT_COPY: (("06-11 10:15", "answer_without_copy"), ("06-13 09:45", "send_copy")),
    Habit.STRANGE_ADDRESS: (("06-11 16:05", "answer_from_elsewhere"),),
    Habit.AUTO_REPLY: (("05-16 08:31", "say_out_of_office"), ("06-12 09:15", "answer")),
    Habit.NIL: (("06-09 10:00", "say_nil"),),
    Habit.PROMISE_KEPT: (("06-13 11:00", "promise_the_20th"), ("06-20 14:30", "answer")),
    Habit.PROMISE_BROKEN: (("06-17 10:30", "promise_the_20th"), ("06-27 09:30", "answer")),
    Habit.AFTER_THE_CLOSE: (("07-08 09:20", "answer"),),
    Habit.NEVER: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedUnit:
    """One unit of the replay."""

    code: str
    address: str
    habit: Habit


def habits_of(codes: Sequence[str]) -> dict[str, Habit]:
    """Return the habit of each unit; with fewer units than habits each habit still occurs, the rarest ones first."""
    order = sorted(codes, key=lambda code: hashlib.sha256(code.encode()).hexdigest())
    wanted = [habit for habit, n in RARE_HABITS for _ in range(n)]
    if len(codes) < len(wanted):
        wanted = [habit for habit, _ in RARE_HABITS]
    rare = wanted[: len(order)]
    return {code: rare[place] if place < len(rare) else Habit.ON_TIME for place, code in enumerate(order)}


def acts_of(units: Sequence[SimulatedUnit]) -> list[Act]:
    """Return everything the units will do, in the order of time."""
    acts = [Act(unit_code=unit.code, day=day, name=name) for unit in units for day, name in ACTS[unit.habit]]
    return sorted(acts, key=lambda act: (act.day, act.unit_code, act.name))


class Correspondent:
    """Reads a unit's letters and writes its answers."""

    def __init__(self, form: FormSpec, texts: Texts) -> None:
        """Keep the form, for a clerk knows where its cells are, and the words a clerk would write."""
        self._form = form
        self._texts = texts

    def write(self, act: Act, unit: SimulatedUnit, letters: Sequence[bytes], at: datetime) -> EmailMessage | None:
        """Return the mail that the unit sends; None when it has no letter to answer."""
        inbox = [message_from_bytes(letter, policy=policy.default) for letter in letters]
        needs_form = act.name not in ANSWERED_BY_DOCUMENT
        asked = next((x for x in reversed(inbox) if not needs_form or _workbook_of(x, unit) is not None), None)
        if asked is None:
            return None
        answer = _reply(asked, unit, act, at)
        getattr(self, f"_{act.name}")(answer, asked, unit)
        return answer

    def _answer(self, answer: EmailMessage, asked: EmailMessage, unit: SimulatedUnit) -> None:
        self._say(answer, "report")
        self._attach_form(answer, asked, unit)
        self._attach_copy(answer, unit)

    def _answer_wrongly(self, answer: EmailMessage, asked: EmailMessage, unit: SimulatedUnit) -> None:
        self._say(answer, "report")
        self._attach_form(answer, asked, unit, is_wrong=True)
        self._attach_copy(answer, unit)

    def _correct(self, answer: EmailMessage, asked: EmailMessage, unit: SimulatedUnit) -> None:
        """Fill the marked workbook that came back, findings' sheet and all."""
        self._answer(answer, asked, unit)

    def _answer_in_own_form(self, answer: EmailMessage, _asked: EmailMessage, unit: SimulatedUnit) -> None:
        self._say(answer, "report")
        own = Workbook()
        sheet = own.active
        assert isinstance(sheet, Worksheet)  # noqa: S101 - a new workbook has a sheet
        for row in self._texts.say("demo.own_form").splitlines():
            sheet.append(row.split("|"))
        _attach(answer, _saved(own), "so-lieu-don-vi.xlsx", WORKBOOK)
        self._attach_copy(answer, unit)

    def _answer_without_copy(self, answer: EmailMessage, asked: EmailMessage, unit: SimulatedUnit) -> None:
        self._say(answer, "report")
        self._attach_form(answer, asked, unit)

    def _send_copy(self, answer: EmailMessage, _asked: EmailMessage, unit: SimulatedUnit) -> None:
        self._say(answer, "copy")
        self._attach_copy(answer, unit)

    def _send_evidence(self, answer: EmailMessage, _asked: EmailMessage, unit: SimulatedUnit) -> None:
        """Answer a task that asks for no form: the document alone shows that it is done."""
        self._say(answer, "evidence")
        self._attach_copy(answer, unit)

    def _answer_from_elsewhere(self, answer: EmailMessage, asked: EmailMessage, unit: SimulatedUnit) -> None:
        answer.replace_header("From", f"canbo.{unit.code}@hopthu-canhan.example.invalid")
        self._answer(answer, asked, unit)

    def _say_out_of_office(self, answer: EmailMessage, _asked: EmailMessage, _unit: SimulatedUnit) -> None:
        answer["Auto-Submitted"] = "auto-replied"
        self._say(answer, "away")

    def _say_nil(self, answer: EmailMessage, _asked: EmailMessage, _unit: SimulatedUnit) -> None:
        self._say(answer, "nil")

    def _promise_the_20th(self, answer: EmailMessage, _asked: EmailMessage, _unit: SimulatedUnit) -> None:
        self._say(answer, "promise")

    def _say(self, answer: EmailMessage, what: str) -> None:
        answer.set_content(self._texts.say(f"demo.text.{what}"))

    def _attach_form(
        self, answer: EmailMessage, asked: EmailMessage, unit: SimulatedUnit, *, is_wrong: bool = False
    ) -> None:
        found = _workbook_of(asked, unit)
        assert found is not None  # noqa: S101 - the letter was chosen because it has one
        name, content = found
        workbook = load_workbook(io.BytesIO(content))
        self._fill(workbook, random.Random(unit.code), is_wrong=is_wrong)  # noqa: S311 - the same in each replay
        _attach(answer, _saved(workbook), name, WORKBOOK)

    def _fill(self, workbook: Workbook, chance: random.Random, *, is_wrong: bool) -> None:
        figures = workbook[self._form.figures_sheet]
        amounts: dict[str, int] = {}
        for field in sorted(self._form.fields, key=lambda each: each.denominator is not None):
            figures[f"{self._form.value_column}{field.row}"] = self._value(field, amounts, chance)
        if is_wrong:
            for column_row, value in _mistakes(self._form, amounts):
                figures[column_row] = value
        texts = workbook[self._form.narratives_sheet]
        for narrative in self._form.narratives:
            text = self._texts.by_code.get(f"demo.narrative.{narrative.code.replace('.', '-')}")
            if text:
                texts[f"{self._form.narrative_column}{narrative.row}"] = chance.choice(text.splitlines())

    def _value(self, field: FieldSpec, amounts: dict[str, int], chance: random.Random) -> int | str:
        if field.kind is FieldKind.CHOICE:
            return chance.choice(field.choices)
        if field.kind is FieldKind.YES_NO:
            return self._texts.say("form.words.yes")
        if field.denominator is not None and field.denominator in amounts:
            amount = chance.randint(amounts[field.denominator] // 2, amounts[field.denominator])
        elif field.at_most is not None and field.at_most in amounts:
            amount = amounts[field.at_most] * chance.randint(50, 100) // 100
        elif field.kind is FieldKind.MONEY:
            amount = chance.randint(20, 400) * 1_000_000
        else:
            amount = chance.randint(1, 60)
        amounts[field.code] = amount
        return amount

    def _attach_copy(self, answer: EmailMessage, unit: SimulatedUnit) -> None:
        _attach(answer, signed_copy(unit.code), f"bao-cao-{unit.code}-da-ky.pdf", "application/pdf")


async def _post_all(messages: Sequence[EmailMessage], port: int) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False) as server:
        for message in messages:
            await server.send_message(message)


def post(messages: Sequence[EmailMessage], *, port: int) -> None:
    """Send mails through the post office of this machine."""
    if messages:
        asyncio.run(_post_all(messages, port))


def signed_copy(title: str) -> bytes:
    """Return a one-page PDF as a scanner makes it: one picture and no text; the title decides the picture's dots."""
    dots = hashlib.sha256(title.encode()).digest()
    drawing = b"q 595 0 0 842 0 0 cm /Scan Do Q"
    picture = b"<< /Type /XObject /Subtype /Image /Width 16 /Height 16 /ColorSpace /DeviceGray /BitsPerComponent 1"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        picture + b" /Length %d >>\nstream\n%s\nendstream" % (len(dots), dots),
        b"<< /XObject << /Scan 5 0 R >> >>",
    )
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + trailer


def _reply(asked: EmailMessage, unit: SimulatedUnit, act: Act, at: datetime) -> EmailMessage:
    answer = EmailMessage(policy=policy.SMTP)
    answer["From"] = unit.address
    answer["To"] = str(asked["Reply-To"] or asked["From"])
    answer["Subject"] = f"Re: {asked['Subject']}"
    answer["Date"] = at
    answer["Message-ID"] = f"<{unit.code}.{act.name}.{at:%Y%m%d}@units.example.invalid>"
    answer["In-Reply-To"] = str(asked["Message-ID"])
    return answer


def _workbook_of(letter: EmailMessage, unit: SimulatedUnit) -> tuple[str, bytes] | None:
    """Return the unit's own workbook: a desk that serves two units gets the forms of both in one letter."""
    found = [
        (part.get_filename() or "form.xlsx", content)
        for part in letter.walk()
        if part.get_content_type() == WORKBOOK and isinstance(content := part.get_payload(decode=True), bytes)
    ]
    return next((each for each in found if unit.code in each[0]), found[0] if found else None)


def _mistakes(form: FormSpec, amounts: Mapping[str, int]) -> Iterator[tuple[str, int | str | None]]:
    """Yield what clerks really do: a negative number, a number in words, a part above its whole, a blank."""
    counts = [field for field in form.fields if field.kind is FieldKind.COUNT and field.denominator is None]
    shares = [field for field in form.fields if field.denominator is not None]
    yield form.value_cell(counts[0]), -3
    yield form.value_cell(counts[2]), "1.234"
    yield form.value_cell(counts[3]), None
    for field in shares[:1]:
        yield form.value_cell(field), amounts[field.denominator or ""] + 5


def _attach(answer: EmailMessage, content: bytes, name: str, media_type: str) -> None:
    kind, _, subtype = media_type.partition("/")
    answer.add_attachment(content, maintype=kind, subtype=subtype, filename=name)


def _saved(workbook: Workbook) -> bytes:
    with io.BytesIO() as target:
        workbook.save(target)
        return target.getvalue()
