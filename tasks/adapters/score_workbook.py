"""Writes the workbook of a review: each unit's points, each of which opens the facts it rests on; it scores nobody."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from tempfile import TemporaryFile
from typing import IO, Any, Final

import xlsxwriter
from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell

from models.domain.plan import Criterion, Programme
from models.domain.reviews import Contest, Ranked, Review, UnitScore, after_contests, ranking
from models.domain.scoring import CriterionScore
from tasks.adapters.aggregate_pages import HEADING_ROWS, Book, Column, Headings, Link, Look, Page, Value, plain_options
from tasks.adapters.score_words import decision_sentence, evidence_sentence, points_words
from tasks.adapters.texts import Texts

FIRST_ROW: Final = HEADING_ROWS + 1
"""0-based row under the header of each sheet."""
UNIT_COLUMN: Final = 2
_COUNTS: Final[Mapping[bool | None, str]] = {True: "for", False: "against", None: "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBook:
    """A review with its scores as they were worked out, and the objections to them, the first raised first."""

    programme: Programme
    review: Review
    units: Sequence[UnitScore]
    contests: Sequence[Contest]


@dataclass(frozen=True, slots=True)
class _Ground:
    """One row of the sheet of facts."""

    unit: UnitScore
    score: CriterionScore
    counts: str
    sentence: str
    source: str = ""
    receipt: str = ""


def write_score_workbook(target: IO[bytes], book: ScoreBook, texts: Texts) -> None:
    """Write the workbook: points, facts, objections, criteria. Equal values give equal bytes."""
    ranked = [
        each
        for members in ranking(after_contests(book.units, book.contests), list(book.programme.groups)).values()
        for each in members
    ]
    with TemporaryFile() as scratch:
        workbook = xlsxwriter.Workbook(scratch, plain_options())
        workbook.set_properties(_properties(book))
        pages = Book(workbook, texts, _headings(book, texts))
        grounds = list(_grounds(book, ranked, texts))
        _scores_page(pages, book, ranked, grounds)
        _grounds_page(pages, ranked, grounds)
        _contests_page(pages, book)
        _criteria_page(pages, book.programme.criteria)
        workbook.close()
        scratch.seek(0)
        target.write(scratch.read())


def _properties(book: ScoreBook) -> dict[str, object]:
    return {
        "title": book.review.title,
        "subject": book.programme.short_title,
        "author": book.programme.desk.standing_agency,
        "created": book.review.as_of.astimezone(UTC).replace(tzinfo=None),
    }


def _headings(book: ScoreBook, texts: Texts) -> Headings:
    review = book.review
    if review.frozen_at is None:
        until = texts.deadline(review.contest_until, book.programme.calendar)
        edition = texts.say("review.book.open", as_of=texts.instant(review.as_of), until=until)
    else:
        frozen_at = texts.instant(review.frozen_at)
        edition = texts.say(
            "review.book.frozen", as_of=texts.instant(review.as_of), frozen_at=frozen_at, digest=review.digest
        )
    return Headings(programme=book.programme.title, cycle=review.title, edition=edition)


def _grounds(book: ScoreBook, ranked: Iterable[Ranked], texts: Texts) -> Iterator[_Ground]:
    """Yield the facts of each unit under each criterion, and the decisions that changed its points."""
    decided = [contest for contest in book.contests if contest.decision is not None]
    for unit in (each.unit for each in ranked):
        for score in unit.scores:
            for each in score.evidence:
                counts = texts.say(f"review.counts.{_COUNTS[each.counts]}")
                yield _Ground(unit, score, counts, evidence_sentence(each, texts), each.source, each.submission)
            for contest in decided:
                if (contest.unit_code, contest.criterion) == (unit.unit_code, score.criterion):
                    yield _Ground(unit, score, texts.say("review.counts.decided"), decision_sentence(contest, texts))


def _scores_page(book: Book, content: ScoreBook, ranked: Sequence[Ranked], grounds: Sequence[_Ground]) -> None:
    criteria = content.programme.criteria
    columns = (
        _column(book, "place", Look.COVERAGE, 8),
        _column(book, "group", Look.TEXT, 26),
        _column(book, "unit", Look.TEXT, 36),
        *(Column(_criterion_header(book, each), Look.COVERAGE, 17, is_said=True) for each in criteria),
        _column(book, "points", Look.NUMBER, 10),
        _column(book, "at_most", Look.NUMBER, 10),
        _column(book, "share", Look.SHARE, 10),
    )
    first: dict[tuple[str, str], int] = {}
    for n, ground in enumerate(grounds):
        first.setdefault((ground.unit.unit_code, ground.score.criterion), n)
    page = Page(book, "scores", columns, n_frozen=UNIT_COLUMN + 1)
    for each in ranked:
        unit, scores = each.unit, {score.criterion: score for score in each.unit.scores}
        cells = [_points_cell(book, scores.get(c.code), first.get((unit.unit_code, c.code))) for c in criteria]
        share = float(unit.share) if unit.share is not None else None
        place = "–" if each.place is None else str(each.place)
        group = content.programme.groups.get(unit.group, unit.group)
        page.row([place, group, unit.unit_name, *cells, unit.points, unit.at_most, share])
    page.close()


def _points_cell(book: Book, score: CriterionScore | None, n_ground: int | None) -> Value:
    if score is None or n_ground is None:
        return None
    target = _place(book, "score_grounds", FIRST_ROW + n_ground, UNIT_COLUMN)
    if not score.is_scored:
        return Link(book.texts.say("review.not_scored"), target)
    return Link(score.points, target, score.at_most)


def _grounds_page(book: Book, ranked: Sequence[Ranked], grounds: Sequence[_Ground]) -> None:
    columns = (
        _column(book, "unit", Look.TEXT, 34),
        _column(book, "criterion", Look.TEXT, 32),
        _column(book, "points", Look.COVERAGE, 13),
        _column(book, "counts", Look.COVERAGE, 13),
        _column(book, "ground", Look.TEXT, 74),
        _column(book, "source", Look.TEXT, 18),
        _column(book, "receipt", Look.COVERAGE, 12),
    )
    rows = {each.unit.unit_code: FIRST_ROW + n for n, each in enumerate(ranked)}
    page = Page(book, "score_grounds", columns, n_frozen=1)
    for ground in grounds:
        back = _place(book, "scores", rows[ground.unit.unit_code], UNIT_COLUMN)
        criterion = f"{ground.score.criterion}. {ground.score.title}"
        points = points_words(ground.score, book.texts)
        unit = Link(ground.unit.unit_name, back)
        page.row([unit, criterion, points, ground.counts, ground.sentence, ground.source, ground.receipt])
    page.close()


def _contests_page(book: Book, content: ScoreBook) -> None:
    columns = (
        _column(book, "number", Look.COVERAGE, 8),
        _column(book, "unit", Look.TEXT, 34),
        _column(book, "criterion", Look.COVERAGE, 12),
        _column(book, "raised_at", Look.INSTANT, 18),
        _column(book, "words", Look.TEXT, 52),
        _column(book, "decision", Look.TEXT, 18),
        _column(book, "points_after", Look.NUMBER, 12),
        _column(book, "decided_at", Look.INSTANT, 18),
        _column(book, "because", Look.TEXT, 46),
        _column(book, "decided_by", Look.TEXT, 22),
    )
    names = {unit.unit_code: unit.unit_name for unit in content.units}
    page = Page(book, "contests", columns)
    for each in content.contests:
        decision = each.decision
        page.row(
            [
                each.number,
                names.get(each.unit_code, each.unit_code),
                each.criterion,
                each.raised_at,
                each.reason,
                book.texts.label(decision) if decision else book.texts.say("review.book.undecided"),
                each.points,
                each.decided_at,
                each.decided_because,
                each.operator,
            ]
        )
    if not content.contests:
        page.line(book.texts.say("review.book.no_contest"))
    page.close(is_filtered=bool(content.contests))


def _criteria_page(book: Book, criteria: Sequence[Criterion]) -> None:
    columns = (
        _column(book, "criterion", Look.COVERAGE, 12),
        _column(book, "title", Look.TEXT, 60),
        _column(book, "at_most", Look.NUMBER, 12),
        _column(book, "measure", Look.TEXT, 44),
        _column(book, "indicators", Look.TEXT, 22),
        _column(book, "clause", Look.COVERAGE, 14),
    )
    page = Page(book, "score_criteria", columns)
    for each in criteria:
        measure = book.texts.label(each.measure)
        page.row([each.code, each.title, each.points, measure, ", ".join(each.indicators), each.clause])
    page.close(is_filtered=False)


def _criterion_header(book: Book, criterion: Criterion) -> str:
    return book.texts.say("review.book.criterion", criterion=criterion.code, title=criterion.title)


def _column(book: Book, name: str, look: Look, width: float) -> Column:
    return Column(book.texts.say(f"review.column.{name}"), look, width, is_said=True)


def _place(book: Book, sheet: str, row: int, column: int) -> str:
    """Return a cell's address in another sheet; row and column are 0-based."""
    address: Any = xl_rowcol_to_cell(row, column)
    return f"{quote_sheetname(book.say(f'sheet.{sheet}.name'))}!{address}"
