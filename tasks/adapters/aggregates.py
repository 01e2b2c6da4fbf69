"""Writes the aggregate of a cycle as a workbook, row by row in flat memory; it adds nothing up and decides nothing.

Text from a unit is written as text whatever it begins with. Equal contents give equal bytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any, Final

import xlsxwriter

from models.domain.assigned_tasks import TaskSummary
from models.domain.coverage import Coverage, MissingUnit, TimelinessRow
from models.domain.cycles import Cycle
from models.domain.editions import Differences, Edition, Narrative, PastTotal, PutQuestion, SourceChange, TotalChange
from models.domain.errors import AggregateMismatchError
from models.domain.estimates import EstimateLine
from models.domain.evidence import EvidenceLine
from models.domain.forms import FieldSpec
from models.domain.plan import Obligation, Programme
from models.domain.present_basis import PresentBasis
from models.domain.tabulation import CountedUnit, FieldSummary, Figures, Tabulation, Total, unit_figures
from models.domain.targets import Progress
from models.domain.vocabulary import Aggregation, FieldKind
from tasks.adapters.aggregate_charts import add_cover
from tasks.adapters.aggregate_estimates import add_estimates
from tasks.adapters.aggregate_pages import (
    Book,
    Column,
    Estimate,
    Headings,
    Look,
    OutOf,
    Page,
    Value,
    clean,
    plain_options,
)
from tasks.adapters.aggregate_present import add_present_units
from tasks.adapters.aggregate_targets import add_targets, add_unit_targets
from tasks.adapters.aggregate_tasks import add_tasks
from tasks.adapters.texts import Texts

N_NAMED_UNITS: Final = 1_000
"""How many units a page names in one place before it counts the rest."""
CHARACTERS_PER_ROW: Final = 1_500
"""A longer narrative goes on in the next row: a row is at most 409 points high, and a cell holds 32,767 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateContent:
    """Everything an edition says. Units, rows and missing units come in the order in which they are to be shown.

    `narratives` may be a stream, sorted by section and unit; it is read once.
    """

    programme: Programme
    obligation: Obligation
    cycle: Cycle
    edition: Edition
    coverage: Coverage
    tabulation: Tabulation
    units: Sequence[CountedUnit]
    figures: Figures
    timeliness: Sequence[TimelinessRow]
    missing: Sequence[MissingUnit]
    narratives: Iterable[Narrative] = ()
    questions: Sequence[PutQuestion] = ()
    differences: Differences | None = None
    progress: Progress | None = None
    """Results against the year's targets; None where the cycle's units have none."""
    estimates: Sequence[EstimateLine] = ()
    """Figures that are estimates, or were, held against what came of them."""
    evidence: Sequence[EvidenceLine] = ()
    """What the reports show of the continuous obligations."""
    present: PresentBasis | None = None
    """The figures by the units as they are now; None where no unit has changed since the cycle froze them."""
    tasks: TaskSummary | None = None
    """What became of the tasks that were given out; None where nothing is said of any."""


def write_aggregate(target: IO[bytes], content: AggregateContent, texts: Texts) -> None:
    """Write the workbook of an edition; nothing is written unless the sheet of units adds up to what came in.

    Raises:
        AggregateMismatchError: the rows of the units do not add up to the sums of the figures as they came in.
    """
    with TemporaryFile() as scratch:
        workbook = xlsxwriter.Workbook(scratch, plain_options())
        try:
            _write_pages(workbook, content, texts)
        finally:
            # Also after a refusal: the pages' own temporary files are let go of by closing.
            workbook.close()
        scratch.seek(0)
        copyfileobj(scratch, target)


def _write_pages(workbook: Any, content: AggregateContent, texts: Texts) -> None:
    book = Book(workbook, texts, _headings(content, texts))
    _set_properties(workbook, content)
    add_cover(book, content.coverage, content.tabulation, content.programme.groups, content.missing)
    _summary_page(book, content)
    _groups_page(book, content)
    _units_page(book, content)
    if content.present is not None:
        add_present_units(book, content.present, content.cycle.form.fields)
    if content.progress is not None:
        add_targets(book, content.progress)
        add_unit_targets(book, content.progress, content.units, content.programme.groups)
    if content.evidence:
        _evidence_page(book, content.evidence)
    if content.tasks is not None:
        add_tasks(book, content.tasks)
    if content.estimates:
        names = {unit.code: unit.name for unit in content.units}
        add_estimates(book, content.estimates, content.cycle.form, names)
    _timeliness_page(book, content)
    _missing_page(book, content)
    _narratives_page(book, content)
    _questions_page(book, content)
    _differences_page(book, content)
    _sources_page(book, content)


def narrative_pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that a row can show, divided between paragraphs, and within one only when it must be."""
    piece = ""
    for paragraph in clean(text).split("\n"):
        for part in _cut(paragraph):
            if piece and len(piece) + len(part) > CHARACTERS_PER_ROW:
                yield piece
                piece = ""
            piece = f"{piece}\n{part}" if piece else part
    if piece.strip():
        yield piece


def _cut(paragraph: str) -> Iterator[str]:
    while len(paragraph) > CHARACTERS_PER_ROW:
        end = paragraph.rfind(" ", 1, CHARACTERS_PER_ROW)
        end = end if end > 0 else CHARACTERS_PER_ROW
        yield paragraph[:end]
        paragraph = paragraph[end:].lstrip(" ")
    yield paragraph


def _headings(content: AggregateContent, texts: Texts) -> Headings:
    counts = content.coverage.whole
    edition = texts.say(
        "aggregate.edition",
        kind=texts.label(content.edition.kind),
        number=content.edition.number,
        instant=texts.instant(content.edition.as_of),
    )
    coverage = texts.say(
        "aggregate.coverage",
        reported=counts.n_reported,
        expected=counts.n_expected,
        nil=counts.n_nil,
        held=counts.n_held,
        waived=counts.n_waived,
        missing=counts.n_missing,
    )
    start, end = content.cycle.period_start, content.cycle.period_end
    period = texts.say("aggregate.period", start=texts.day(start), end=texts.day(end)) if start and end else ""
    return Headings(
        programme=content.programme.title,
        cycle=content.cycle.title,
        edition=f"{edition} {coverage} {period}".strip(),
    )


def _set_properties(workbook: Any, content: AggregateContent) -> None:
    workbook.set_properties(
        {
            "title": content.cycle.title,
            "subject": content.programme.short_title,
            "author": content.programme.desk.standing_agency,
            "created": content.edition.as_of.astimezone(UTC).replace(tzinfo=None),
        }
    )


def _summary_page(book: Book, content: AggregateContent) -> None:
    columns = (
        Column("code", Look.TEXT, 16),
        Column("indicator", Look.TEXT, 44),
        Column("measure", Look.TEXT, 12),
        Column("accrual", Look.TEXT, 18),
        Column("amount", Look.NUMBER, 17),
        Column("coverage", Look.COVERAGE, 9),
        Column("estimates", Look.NUMBER, 8),
        Column("share", Look.SHARE, 8),
        Column("previous", Look.NUMBER, 17),
        Column("previous_coverage", Look.COVERAGE, 9),
        Column("change", Look.CHANGE, 9),
        Column("last_year", Look.NUMBER, 17),
        Column("change_last_year", Look.CHANGE, 9),
        Column("cumulative", Look.NUMBER, 17),
        Column("clause", Look.TEXT, 8),
        Column("estimated_amount", Look.NUMBER, 17),
    )
    page = Page(book, "summary", columns, n_frozen=2)
    for summary in content.tabulation.fields:
        page.row(_summary_row(book, summary))
        for choice, n_units in summary.choices.items():
            page.row(_choice_row(book, choice, n_units))
    page.close()
    if content.tabulation.left_out:
        page.line(book.say("left_out", units=", ".join(content.tabulation.left_out)))


def _summary_row(book: Book, summary: FieldSummary) -> list[Value]:
    spec, whole = summary.spec, summary.whole
    return [
        spec.code,
        spec.label,
        spec.unit_of_measure,
        book.texts.label(spec.accrual),
        whole.amount,
        _out_of(whole),
        whole.n_estimates or None,
        summary.share.value if summary.share else None,
        summary.previous.amount if summary.previous else None,
        _out_of(summary.previous),
        summary.change_since(summary.previous),
        summary.last_year.amount if summary.last_year else None,
        summary.change_since(summary.last_year),
        summary.cumulative,
        spec.clause,
        whole.estimated or None,
    ]


def _choice_row(book: Book, choice: str, n_units: int) -> list[Value]:
    told: list[Value] = [None, book.say("choice", choice=choice), book.say("choice_measure"), None, n_units]
    return told + [None] * 11


def _groups_page(book: Book, content: AggregateContent) -> None:
    names = content.programme.groups
    columns = [Column("code", Look.TEXT, 16), Column("indicator", Look.TEXT, 44), Column("measure", Look.TEXT, 12)]
    for code in content.tabulation.groups:
        name = names.get(code, code)
        columns.append(Column(name, Look.NUMBER, 17, is_said=True))
        columns.append(Column(book.say("column.group_coverage", group=name), Look.COVERAGE, 14, is_said=True))
    columns += [Column("whole", Look.NUMBER, 17), Column("whole_coverage", Look.COVERAGE, 11)]
    page = Page(book, "groups", columns, n_frozen=2)
    for summary in content.tabulation.fields:
        parts = (*summary.by_group.values(), summary.whole)
        values: list[Value] = [summary.spec.code, summary.spec.label, summary.spec.unit_of_measure]
        page.row(values + [value for total in parts for value in (total.amount, _out_of(total))])
        for choice, n_units in summary.choices.items():
            by_group = [summary.choices_by_group[code].get(choice, 0) for code in content.tabulation.groups]
            told: list[Value] = [None, book.say("choice", choice=choice), book.say("choice_measure")]
            page.row(told + [value for n in (*by_group, n_units) for value in (n, None)])
    page.close()


def _units_page(book: Book, content: AggregateContent) -> None:
    fields = content.cycle.form.fields
    columns = [
        Column("number", Look.NUMBER, 6),
        Column("unit", Look.TEXT, 34),
        Column("group", Look.TEXT, 22),
        *(_field_column(spec) for spec in fields),
    ]
    page = Page(book, "units", columns, n_frozen=2, fit=False)
    sums = dict.fromkeys((spec.code for spec in fields), 0)
    for n, row in enumerate(unit_figures(content.cycle.form, content.figures, content.units), start=1):
        group = content.programme.groups.get(row.unit.group, row.unit.group)
        values: list[Value] = list(row.values)
        for spec, value in zip(fields, row.values, strict=True):
            sums[spec.code] += value if isinstance(value, int) else 0
        for position in row.estimates:
            amount = row.values[position]
            values[position] = Estimate(amount) if isinstance(amount, int) else amount
        page.row([n, row.unit.name, group, *values])
    _refuse_sums_that_differ(sums, content.figures.entered)
    page.close()


def _field_column(spec: FieldSpec) -> Column:
    look = Look.NUMBER if spec.aggregation is not Aggregation.COUNT else Look.TEXT
    width = 18 if spec.kind is FieldKind.MONEY else 14
    return Column(f"{spec.code}\n{spec.label} ({spec.unit_of_measure})", look, width, is_said=True)


def _refuse_sums_that_differ(sums: Mapping[str, int], entered: Mapping[str, int]) -> None:
    wrong = [code for code, amount in entered.items() if sums.get(code, 0) != amount]
    if wrong:
        raise AggregateMismatchError(units="", fields=", ".join(sorted(wrong)))


def evidence_looked_at(line: EvidenceLine, texts: Texts) -> str:
    """Return where evidence of an obligation is looked for, as the plan names it."""
    rule = line.obligation.evidence
    indicators, sections = (rule.indicators, rule.sections) if rule else ((), ())
    parts = [texts.say("aggregate.evidence_indicators", codes=", ".join(indicators)) if indicators else ""]
    parts.append(texts.say("aggregate.evidence_sections", codes=", ".join(sections)) if sections else "")
    return "; ".join(part for part in parts if part)


def evidence_lacking(line: EvidenceLine, texts: Texts, *, n_named: int) -> str:
    """Return what is not shown: the units by name, so many at most, or that one conclusion is there or lacking."""
    if line.is_joint:
        code = "aggregate.conclusions" if line.is_shown else "aggregate.no_conclusion"
        return texts.say(code, n=line.n_conclusions, n_units=line.n_shown)
    named = "; ".join(line.not_shown[:n_named])
    rest = len(line.not_shown) - n_named
    return texts.say("aggregate.named_and_more", named=named, n=rest) if rest > 0 else named


def _evidence_page(book: Book, lines: Sequence[EvidenceLine]) -> None:
    columns = (
        Column("clause", Look.TEXT, 8),
        Column("obligation", Look.TEXT, 46),
        Column("evidence", Look.TEXT, 26),
        Column("units_showing", Look.COVERAGE, 12),
        Column("expected", Look.NUMBER, 10),
        Column("not_shown", Look.TEXT, 84),
    )
    page = Page(book, "evidence", columns, n_frozen=2)
    for line in lines:
        told: list[Value] = [line.obligation.clause, line.obligation.title, evidence_looked_at(line, book.texts)]
        told += [OutOf(line.n_shown, line.n_reported), line.n_expected]
        for piece in tuple(narrative_pieces(evidence_lacking(line, book.texts, n_named=N_NAMED_UNITS))) or ("",):
            page.row([*told, piece])
            told = [None] * len(told)
    page.close()


def _timeliness_page(book: Book, content: AggregateContent) -> None:
    columns = (
        Column("number", Look.NUMBER, 6),
        Column("unit", Look.TEXT, 36),
        Column("group", Look.TEXT, 24),
        Column("standing", Look.TEXT, 22),
        Column("timeliness", Look.TEXT, 18),
        Column("due_at", Look.INSTANT, 17),
        Column("late_at", Look.INSTANT, 17),
        Column("answered_at", Look.INSTANT, 17),
        Column("accepted_at", Look.INSTANT, 17),
        Column("days_late", Look.NUMBER, 8),
        Column("extended_until", Look.INSTANT, 17),
        Column("promised_until", Look.INSTANT, 17),
        Column("reason", Look.TEXT, 30),
    )
    page = Page(book, "timeliness", columns, n_frozen=2)
    for n, row in enumerate(content.timeliness, start=1):
        page.row(
            [
                n,
                row.unit_name,
                content.programme.groups.get(row.group, row.group),
                book.texts.label(row.standing),
                book.texts.label(row.timeliness) if row.timeliness else None,
                row.due_at,
                row.late_at,
                row.answered_at,
                row.accepted_at,
                row.days_late or None,
                row.extended_until,
                row.promised_until,
                row.reason,
            ]
        )
    page.close()


def _missing_page(book: Book, content: AggregateContent) -> None:
    columns = (
        Column("number", Look.NUMBER, 6),
        Column("unit", Look.TEXT, 36),
        Column("group", Look.TEXT, 24),
        Column("standing", Look.TEXT, 20),
        Column("days_late", Look.NUMBER, 8),
        Column("contact", Look.TEXT, 26),
        Column("email", Look.TEXT, 32),
        Column("phone", Look.TEXT, 15),
        Column("last_rung", Look.TEXT, 24),
        Column("last_sent_at", Look.INSTANT, 17),
        Column("reason", Look.TEXT, 28),
    )
    page = Page(book, "missing", columns, n_frozen=2)
    for n, unit in enumerate(content.missing, start=1):
        row, chase = unit.row, unit.chase
        group = content.programme.groups.get(row.group, row.group)
        whom: list[Value] = [chase.contact, chase.email, chase.phone, chase.last_rung, chase.last_sent_at, row.reason]
        page.row([n, row.unit_name, group, book.texts.label(row.standing), row.days_late or None, *whom])
    page.close()
    if not content.missing:
        page.line(book.say("none_missing"))


def _narratives_page(book: Book, content: AggregateContent) -> None:
    columns = (
        Column("section", Look.TEXT, 8),
        Column("section_title", Look.TEXT, 28),
        Column("unit", Look.TEXT, 30),
        Column("text", Look.TEXT, 100),
    )
    titles = {section.code: section.title for section in content.cycle.form.narratives}
    page = Page(book, "narratives", columns, n_frozen=0)
    first = page.next_row
    for narrative in content.narratives:
        title = titles.get(narrative.section, narrative.section)
        for piece in narrative_pieces(narrative.text):
            page.row([narrative.section, title, narrative.unit_name, piece])
    is_empty = page.next_row == first
    page.close()
    if is_empty:
        page.line(book.say("none_written"))


def _questions_page(book: Book, content: AggregateContent) -> None:
    columns = (
        Column("number", Look.NUMBER, 6),
        Column("unit", Look.TEXT, 36),
        Column("question", Look.TEXT, 80),
        Column("explanation", Look.TEXT, 60),
    )
    page = Page(book, "questions", columns)
    for n, question in enumerate(content.questions, start=1):
        told = question.explanation or book.say("not_explained")
        page.row([n, question.unit_name, book.texts.placed_finding(question.finding), told])
    page.close()
    if not content.questions:
        page.line(book.say("none_open"))


_CHANGED_TOTALS: Final = (
    Column("code", Look.TEXT, 14),
    Column("indicator", Look.TEXT, 50),
    Column("before", Look.NUMBER, 18),
    Column("after", Look.NUMBER, 18),
    Column("difference", Look.NUMBER, 18),
    Column("coverage_before", Look.COVERAGE, 14),
    Column("coverage_after", Look.COVERAGE, 14),
)
_CHANGED_SOURCES: Final = (
    Column("unit_code", Look.TEXT, 14),
    Column("unit", Look.TEXT, 50),
    Column("source_change", Look.TEXT, 18),
    Column("version_before", Look.NUMBER, 18),
    Column("version_after", Look.NUMBER, 18),
    Column("received_at", Look.INSTANT, 14),
    Column("form_version", Look.TEXT, 14),
)


def _differences_page(book: Book, content: AggregateContent) -> None:
    page = Page(book, "differences", _CHANGED_TOTALS)
    told = content.differences
    labels = {spec.code: spec.label for spec in content.cycle.form.fields}
    for change in told.totals if told else ():
        page.row(_total_change(change, labels))
    page.line("")
    page.line(_what_is_compared(book, told))
    if told and told.sources:
        page.line(book.say("sources_changed"), bold=True)
        page.header(_CHANGED_SOURCES, height=20)
        for source in told.sources:
            page.row(_source_change(book, source), looks=[column.look for column in _CHANGED_SOURCES])
    page.close(is_filtered=False)


def _what_is_compared(book: Book, told: Differences | None) -> str:
    if told is None:
        return book.say("first_edition")
    before = told.before
    if not (told.totals or told.sources):
        return book.say("no_difference", number=before.number)
    instant = book.texts.instant(before.as_of)
    return book.say("compared_with", number=before.number, kind=book.texts.label(before.kind), instant=instant)


def _total_change(change: TotalChange, labels: Mapping[str, str]) -> list[Value]:
    before = change.before.amount if change.before else None
    after = change.after.amount if change.after else None
    difference = None if before is None and after is None else (after or 0) - (before or 0)
    label = labels.get(change.field, "")
    return [change.field, label, before, after, difference, _out_of(change.before), _out_of(change.after)]


def _source_change(book: Book, change: SourceChange) -> list[Value]:
    before, after = change.before, change.after
    code = "source_removed" if after is None else "source_added" if before is None else "source_replaced"
    return [
        change.unit_code,
        change.unit_name,
        book.say(code),
        before.version if before else None,
        after.version if after else None,
        after.received_at if after else None,
        after.form_version if after else None,
    ]


def _sources_page(book: Book, content: AggregateContent) -> None:
    columns = (
        Column("number", Look.NUMBER, 6),
        Column("unit_code", Look.TEXT, 18),
        Column("unit", Look.TEXT, 40),
        Column("submission", Look.TEXT, 20),
        Column("version", Look.NUMBER, 9),
        Column("received_at", Look.INSTANT, 17),
        Column("form_version", Look.TEXT, 14),
        Column("digest", Look.TEXT, 68),
        Column("document", Look.TEXT, 18),
        Column("signed_on", Look.TEXT, 12),
    )
    page = Page(book, "sources", columns, n_frozen=3)
    for n, row in enumerate(content.edition.sources, start=1):
        digest = row.digest or (book.say("nil_report") if row.is_nil else "")
        if row.is_on_behalf:
            digest = book.say("on_behalf", digest=digest)
        told: list[Value] = [n, row.unit_code, row.unit_name, row.submission, row.version]
        signed_on = book.texts.day(date.fromisoformat(row.signed_on)) if row.signed_on else ""
        page.row([*told, row.received_at, row.form_version, digest, row.document, signed_on])
    page.close()
    if not content.edition.sources:
        page.line(book.say("no_source"))


def _out_of(total: Total | PastTotal | None) -> OutOf | None:
    return OutOf(total.n_reported, total.n_expected) if total else None
