"""Fills the Word templates of the report and of official letters; numbers, signers and sending are left to people.

Templates are in `templates/documents/*.docx` and are edited in Word. Equal values give equal bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docxtpl import DocxTemplate
from jinja2 import Environment, StrictUndefined

from models.domain.coverage import Counts, MissingUnit, TimelinessRow
from models.domain.cycles import Cycle
from models.domain.editions import Narrative
from models.domain.errors import DondocError
from models.domain.evidence import EvidenceLine
from models.domain.forms import FormSpec, NarrativeSpec
from models.domain.plan import Obligation, Programme
from models.domain.tabulation import FieldSummary
from models.domain.targets import FieldProgress, Progress
from models.domain.vocabulary import OFFICE_ZONE, Aggregation, Standing, TargetState, Timeliness
from tasks.adapters.aggregate_pages import clean
from tasks.adapters.aggregate_tasks import tasks_told
from tasks.adapters.aggregates import AggregateContent, evidence_lacking, evidence_looked_at
from tasks.adapters.texts import TEMPLATES, Texts

DOCUMENTS: Final = TEMPLATES / "documents"
REPORT: Final = "report"
OUTLINE: Final = ("I", "II", "III", "IV", "V")
"""The parts of a report; a form's section belongs to the part its code begins with, such as II.3 to II."""
N_NAMED_IN_REPORT: Final = 40
"""How many units the report names in one place before it counts the rest; the workbook names them all."""
N_NAMED_TOGETHER: Final = 6
"""Of so many units that wrote the same all are named; of more the names would be longer than the text."""
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

Context = dict[str, object]


class MissingDocumentError(DondocError):
    """The plan names a document template that the templates' folder does not have."""

    code = "error.missing_document"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialLetter:
    """What a draft for signature says. `missing` may hold any unit that owes its report: only overdue ones are listed.

    `new_due_at` is the first instant after the new limit, as every deadline.
    """

    programme: Programme
    obligation: Obligation
    cycle: Cycle
    as_of: datetime
    missing: Sequence[MissingUnit]
    new_due_at: datetime


def write_report(target: IO[bytes], content: AggregateContent, texts: Texts) -> None:
    """Write the report of an edition in the layout of Decree 30/2020; `content.narratives` is read once."""
    fill_template(target, REPORT, _report_context(content, texts), as_of=content.edition.as_of)


def write_official_letter(target: IO[bytes], template: str, letter: OfficialLetter, texts: Texts) -> None:
    """Write a draft of the letter that a rung calls for; `template` is the rung's `official_letter`.

    Raises:
        MissingDocumentError: there is no template of that name.
    """
    fill_template(target, template, _letter_context(letter, texts), as_of=letter.as_of)


def listed_units(missing: Iterable[MissingUnit]) -> tuple[MissingUnit, ...]:
    """Return the units that an official letter names: those whose time has run out, extensions included."""
    return tuple(unit for unit in missing if unit.row.standing is Standing.LATE)


def fill_template(target: IO[bytes], template: str, context: Context, *, as_of: datetime) -> None:
    """Fill a template of `templates/documents`; it is dated by the instant, and equal values give equal bytes.

    Raises:
        MissingDocumentError: there is no template of that name.
    """
    document = DocxTemplate(_template(template))
    document.render(context, Environment(undefined=StrictUndefined, autoescape=True), autoescape=True)
    properties = document.docx.core_properties  # get_docx() would load the template anew
    properties.created = properties.modified = as_of.astimezone(OFFICE_ZONE).replace(tzinfo=None)
    scratch = BytesIO()
    document.save(scratch)
    target.write(_with_one_date(scratch))


def _template(name: str) -> Path:
    known = {path.stem: path for path in sorted(DOCUMENTS.glob("*.docx"))}
    if name not in known:
        raise MissingDocumentError(template=name, known=", ".join(known))
    return known[name]


def _with_one_date(docx: BytesIO) -> bytes:
    # python-docx dates the members of the archive by the clock, which would make every file another one.
    target = BytesIO()
    with ZipFile(docx) as before, ZipFile(target, "w") as after:
        for member in before.infolist():
            after.writestr(ZipInfo(member.filename, _ZIP_EPOCH), before.read(member), ZIP_DEFLATED)
    return target.getvalue()


def _common_context(programme: Programme, cycle: Cycle, as_of: datetime, texts: Texts) -> Context:
    desk, local = programme.desk, as_of.astimezone(OFFICE_ZONE)
    return {
        "parent_body": ending_together(desk.parent_body, n_words=3),
        "issuing_body": desk.issuing_body,
        "place": desk.place,
        "symbol": desk.document_symbol,
        # The desk's symbol is that of official letters, body and drafter; a report bears the body's alone.
        "body_symbol": desk.document_symbol.partition("-")[0],
        "signatory_authority": desk.signatory_authority,
        "sender_name": desk.sender_name,
        "address": desk.address,
        "phone": desk.phone,
        "programme": programme.title,
        "programme_short": programme.short_title,
        "basis": programme.basis,
        "plan_document": programme.plan_document,
        "cycle_title": _lowered(cycle.title),
        "deadline": texts.deadline(cycle.due_at, programme.calendar),
        "as_of": texts.instant(as_of),
        "month": texts.day(local.date()).split("/")[1],
        "year": str(local.year),
    }


def ending_together(text: str, *, n_words: int) -> str:
    """Return a text whose last words stay on one line: the name of a province is not torn apart."""
    words = text.split(" ")
    kept = max(1, len(words) - n_words + 1)
    return " ".join([*words[: kept - 1], "\u00a0".join(words[kept - 1 :])])


def _report_context(content: AggregateContent, texts: Texts) -> Context:
    start, end = content.cycle.period_start, content.cycle.period_end
    groups = content.programme.groups
    return _common_context(content.programme, content.cycle, content.edition.as_of, texts) | {
        "edition_mark": texts.say("aggregate.edition_mark", kind=texts.label(content.edition.kind)),
        "edition_number": str(content.edition.number),
        "period_start": texts.day(start) if start else "",
        "period_end": texts.day(end) if end else "",
        "counts": _counts(content.coverage.whole),
        "groups": [
            {"name": groups.get(code, code), **_counts(counts)} for code, counts in content.coverage.by_group.items()
        ],
        "indicators": [row for summary in content.tabulation.fields for row in _indicator_rows(summary, texts)],
        "outline": _outline(content.cycle.form, content.narratives, texts),
        "tasks": tasks_told(content.tasks, texts),
        "goals": _goals_told(content.progress, texts),
        "targets": [_target_row(row, texts) for row in content.progress.fields] if content.progress else [],
        "evidence": [_evidence_row(line, texts) for line in content.evidence],
        "missing": [_missing_row(n, unit, texts) for n, unit in enumerate(content.missing, start=1)],
        "late": _late_rows(content.timeliness, texts),
        "receivers": content.obligation.receivers,
    }


def _letter_context(letter: OfficialLetter, texts: Texts) -> Context:
    listed = listed_units(letter.missing)
    return _common_context(letter.programme, letter.cycle, letter.as_of, texts) | {
        "clause": letter.obligation.clause,
        "report_title_caps": letter.cycle.title.upper(),
        "n_listed": f"{len(listed):02}",
        "new_deadline": texts.deadline(letter.new_due_at, letter.programme.calendar),
        "receivers": (),
        "listed": [
            {
                "number": str(n),
                "name": clean(unit.row.unit_name),
                "days_late": str(unit.row.days_late),
                "note": clean(unit.row.reason),
            }
            for n, unit in enumerate(listed, start=1)
        ],
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "expected": counts.n_expected,
        "reported": counts.n_reported,
        "nil": counts.n_nil,
        "held": counts.n_held,
        "waived": counts.n_waived,
        "missing": counts.n_missing,
        "on_time": counts.n_on_time,
        "in_grace": counts.n_in_grace,
        "late": counts.n_late,
    }


def _indicator_rows(summary: FieldSummary, texts: Texts) -> list[dict[str, str]]:
    whole, past = summary.whole, summary.previous
    change = summary.change_since(past)
    row = {
        "label": summary.spec.label,
        "measure": summary.spec.unit_of_measure,
        "amount": _number(whole.amount, texts),
        "n_units": f"{whole.n_reported}/{whole.n_expected}",
        "share": _percent(summary.share.value if summary.share else None, texts),
        "previous": _number(past.amount if past else None, texts),
        "change": ("+" if change and change > 0 else "") + _percent(change, texts),
    }
    return [row, *_choice_rows(summary, texts)] if summary.spec.aggregation is Aggregation.COUNT else [row]


def _goals_told(progress: Progress | None, texts: Texts) -> str:
    if progress is None:
        return ""
    goals = progress.goals
    phase_1, final = (
        texts.label(TargetState.REACHED if is_passed else TargetState.NOT_REACHED)
        for is_passed in (goals.passes_phase_1, goals.passes_final)
    )
    return texts.say(
        "aggregate.goals_told",
        year=progress.year,
        n_reached=texts.number(goals.n_reached),
        n_goals=texts.number(goals.n_goals),
        share=_percent(goals.value, texts) or "–",
        phase_1=phase_1,
        final=final,
    )


def _target_row(row: FieldProgress, texts: Texts) -> dict[str, str]:
    return {
        "label": row.spec.label,
        "measure": row.spec.unit_of_measure,
        "target": _number(row.target, texts),
        "result": _number(row.result, texts),
        "share": _percent(row.share, texts),
        "n_reached": f"{row.n_reached}/{row.n_units}",
    }


def _evidence_row(line: EvidenceLine, texts: Texts) -> dict[str, str]:
    is_nobody = not line.is_joint and line.n_shown == 0 < line.n_reported
    lacking = texts.say("aggregate.shown_by_nobody", n=line.n_reported) if is_nobody else None
    return {
        "clause": line.obligation.clause,
        "title": clean(line.obligation.title),
        "looked_at": evidence_looked_at(line, texts),
        "n_shown": f"{line.n_shown}/{line.n_reported}",
        "not_shown": clean(lacking or evidence_lacking(line, texts, n_named=N_NAMED_IN_REPORT)),
    }


def _choice_rows(summary: FieldSummary, texts: Texts) -> list[dict[str, str]]:
    blank = {"n_units": "", "share": "", "previous": "", "change": ""}
    measure = texts.say("aggregate.choice_measure")
    return [
        {
            "label": clean(texts.say("aggregate.choice", choice=choice)),
            "measure": measure,
            "amount": texts.number(n_units),
            **blank,
        }
        for choice, n_units in summary.choices.items()
    ]


def _outline(form: FormSpec, narratives: Iterable[Narrative], texts: Texts) -> Mapping[str, list[Context]]:
    by_section: dict[str, list[Narrative]] = {}
    for narrative in narratives:
        by_section.setdefault(narrative.section, []).append(narrative)
    parts: dict[str, list[Context]] = {part: [] for part in (*OUTLINE, "other")}
    for spec in form.narratives:
        told = by_section.get(spec.code, [])
        if told:
            part = spec.code.split(".")[0]
            parts[part if part in OUTLINE else "other"].append(_section(spec, told, texts))
    return parts


def _section(spec: NarrativeSpec, told: Sequence[Narrative], texts: Texts) -> Context:
    part, _, number = spec.code.partition(".")
    # Part I opens with a section of the report's own, so its first narrative is the second there.
    own = number or ("2" if part == "I" else "")
    return {
        "number": f"{own}. " if own else "",
        "title": spec.title.removeprefix(f"{spec.code}.").strip(),
        "units": [
            {"name": _named_together(names, texts), "paragraphs": paragraphs}
            for paragraphs, names in _told_alike(told).items()
        ],
    }


def _told_alike(told: Sequence[Narrative]) -> dict[tuple[str, ...], list[str]]:
    """Return by what was written who wrote it: the report quotes it once, where the first of them stands."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in told:
        alike.setdefault(tuple(_paragraphs(one.text)), []).append(clean(one.unit_name))
    return alike


def _named_together(names: Sequence[str], texts: Texts) -> str:
    named = "; ".join(names[:N_NAMED_TOGETHER])
    n = len(names)
    return texts.say("aggregate.written_by", named=named, n=n) if n > N_NAMED_TOGETHER else named


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in clean(text).split("\n") if line.strip()]


def _missing_row(number: int, unit: MissingUnit, texts: Texts) -> Context:
    return {
        "number": str(number),
        "name": clean(unit.row.unit_name),
        "standing": texts.label(unit.row.standing),
        "last_rung": unit.chase.last_rung,
    }


def _late_rows(rows: Iterable[TimelinessRow], texts: Texts) -> list[Context]:
    late = [row for row in rows if row.timeliness is Timeliness.LATE and row.answered_at is not None]
    return [
        {
            "number": str(n),
            "name": clean(row.unit_name),
            "answered_at": texts.instant(row.answered_at) if row.answered_at else "",
            "days_late": str(row.days_late),
        }
        for n, row in enumerate(late, start=1)
    ]


def _number(amount: int | None, texts: Texts) -> str:
    return "" if amount is None else texts.number(amount)


def _percent(share: float | None, texts: Texts) -> str:
    return "" if share is None else texts.number(100 * share)


def _lowered(title: str) -> str:
    return title[:1].lower() + title[1:]
