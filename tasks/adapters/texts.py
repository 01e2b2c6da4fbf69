"""Finds the Vietnamese for codes: labels of closed sets, messages to operators, findings to units; and writes dates.

Messages are in `templates/messages/*.vi.yaml`, one file a subject; a code that is missing is an error, never a blank.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Final, Self

from ruamel.yaml import YAML

from models.domain.calendar import WorkingCalendar, last_day_before
from models.domain.errors import DondocError, Fault
from models.domain.forms import Finding
from models.domain.unit_names import NameWords
from models.domain.vocabulary import OFFICE_ZONE

TEMPLATES: Final = Path(__file__).resolve().parent.parent.parent / "templates"


class MissingTextError(LookupError):
    """A code has no Vietnamese; a test looks for these, so that no operator meets one."""


@dataclass(frozen=True)
class Texts:
    """Every sentence the program can say, by code. Labels have the codes `label.<set>.<value>`."""

    by_code: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path = TEMPLATES) -> Self:
        """Read every message file of the templates' folder; a code that stands in two files is an error."""
        by_code: dict[str, str] = {}
        for path in sorted((folder / "messages").glob("*.vi.yaml")):
            document = YAML(typ="safe").load(path.read_text("utf-8")) or {}
            for code, text in _flatten(document, ""):
                if code in by_code:
                    raise MissingTextError(f"{code} stands twice, the second time in {path.name}")
                by_code[code] = text
        return cls(by_code)

    def say(self, code: str, **facts: object) -> str:
        """Return the sentence of a code with its facts filled in; a missing code or fact is an error."""
        try:
            return self.by_code[code].format_map(facts)
        except KeyError as missing:
            raise MissingTextError(f"{code}: {missing}") from missing

    def label(self, value: StrEnum) -> str:
        """Return the Vietnamese for a member of a closed set."""
        return self.say(f"label.{_snake(type(value).__name__)}.{value.value}")

    def error(self, error: DondocError) -> str:
        """Return what an operator reads of an error: what is wrong and what to do."""
        return self.say(error.code, **error.facts)

    def fault(self, fault: Fault) -> str:
        """Return what an operator reads of a fault in a programme's folder, without its place."""
        return self.say(f"fault.{fault.code}", **dict(fault.facts))

    def lines(self, code: str) -> tuple[str, ...]:
        """Return a list that is written one entry a line, without blanks."""
        return tuple(line.strip() for line in self.say(code).splitlines() if line.strip())

    def finding(self, finding: Finding) -> str:
        """Return the sentence of a finding: what is wrong and what to do, without its place."""
        return self.say(f"finding.{finding.code}", **dict(finding.facts))

    def placed_finding(self, finding: Finding) -> str:
        """Return a finding with its place, such as "Biểu 1, ô E12: …"."""
        sentence = self.finding(finding)
        if finding.cell:
            return self.say("place.cell", sheet=finding.sheet, cell=finding.cell, text=sentence)
        return self.say("place.sheet", sheet=finding.sheet, text=sentence) if finding.sheet else sentence

    @cached_property
    def name_words(self) -> NameWords:
        """The words that stand before the name of a unit, as people write them."""
        kinds: dict[str, str] = {}
        for code, line in self.by_code.items():
            if code.startswith("roster.words.kinds."):
                written, _, meant = line.partition("=")
                kinds |= {word.strip(): meant.strip() for word in written.split(";")}
        bodies = tuple(word.strip() for word in self.say("roster.words.bodies").split(";"))
        return NameWords(bodies=bodies, kinds=kinds)

    @cached_property
    def weekdays(self) -> tuple[str, ...]:
        """The names of the days of the week, Monday first."""
        return tuple(self.say(f"weekday.{n}") for n in range(7))

    def day(self, day: date) -> str:
        """Return a date as an office writes it: 05/6/2025 (a zero before days under 10 and before months 1 and 2)."""
        month = f"{day.month:02}" if day.month < 3 else str(day.month)  # noqa: PLR2004 - Decree 30/2020, appendix I
        return f"{day.day:02}/{month}/{day.year}"

    def day_with_weekday(self, day: date) -> str:
        """Return a date with its weekday, such as "Chủ nhật, 14/6/2026"."""
        return self.say("date.with_weekday", weekday=self.weekdays[day.weekday()], day=self.day(day))

    def instant(self, instant: datetime) -> str:
        """Return an instant in the office's zone, such as "08 giờ 05 ngày 05/6/2025"."""
        local = instant.astimezone(OFFICE_ZONE)
        return self.say(
            "date.instant", hour=f"{local.hour:02}", minute=f"{local.minute:02}", day=self.day(local.date())
        )

    def deadline(self, due_at: datetime, calendar: WorkingCalendar) -> str:
        """Return both forms of a deadline and its last working day.

        Such as "trước ngày 15/6/2026 (chậm nhất 24 giờ ngày 14/6/2026, Chủ nhật; ngày làm việc cuối cùng là …)".
        """
        last = last_day_before(due_at)
        working = calendar.last_working_day(last)
        code = "date.deadline" if working == last else "date.deadline_on_day_off"
        return self.say(
            code,
            due=self.day(last + timedelta(days=1)),
            last=self.day(last),
            weekday=self.weekdays[last.weekday()],
            working=self.day_with_weekday(working),
        )

    def number(self, value: float) -> str:
        """Return a number in Vietnamese writing: 1.234.567 or 12,5."""
        written = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
        return written.translate(str.maketrans(",.", ".,"))


@cache
def vietnamese() -> Texts:
    """Return every sentence the program can say; read once, for the templates do not change while it runs."""
    return Texts.load()


def _flatten(node: object, prefix: str) -> list[tuple[str, str]]:
    if isinstance(node, Mapping):
        return [
            pair for key, child in node.items() for pair in _flatten(child, f"{prefix}.{key}" if prefix else str(key))
        ]
    return [(prefix, str(node))]


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
