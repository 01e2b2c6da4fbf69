"""What is written into a workbook that goes back: the findings in words, and where. No workbook is touched here."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.domain.errors import DondocError
from models.domain.forms import Finding
from models.domain.vocabulary import FindingLevel
from tasks.adapters.texts import Texts


class WorkbookNotMarkableError(DondocError):
    """The unit's workbook cannot be loaded and saved; the letter lists the cells without it."""

    code = "error.workbook_not_markable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One finding as the unit reads it, and where."""

    sheet: str
    cell: str
    level: FindingLevel
    level_label: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """Everything that is written into a returned workbook, in Vietnamese; small enough to be handed to a worker."""

    marks: tuple[Mark, ...]
    sheet: str
    title: str
    intro: str
    columns: tuple[str, ...]
    whole_file: str
    author: str


def marking_of(findings: Sequence[Finding], texts: Texts) -> Marking:
    """Return what is to be written for the findings."""
    return Marking(
        marks=tuple(
            Mark(
                sheet=item.sheet,
                cell=item.cell,
                level=item.level,
                level_label=texts.label(item.level),
                sentence=texts.finding(item),
            )
            for item in findings
        ),
        sheet=texts.say("form.sheet.findings"),
        title=texts.say("form.marking.title"),
        intro=texts.say("form.marking.intro"),
        columns=tuple(texts.say(f"form.marking.{name}") for name in ("number", "sheet", "cell", "level", "what")),
        whole_file=texts.say("form.marking.whole_file"),
        author=texts.say("form.marking.author"),
    )
