"""Lays what a review has brought into the home: the workbook of scores, and the frozen dossier of proposals."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import audit, reviews
from models.db.records.audit import note_action
from models.domain.errors import ActionRefusedError
from models.domain.plan import Obligation, Programme
from models.domain.reviews import (
    Classification,
    LoweringProposal,
    Ranked,
    Review,
    after_contests,
    check_frozen,
    commendations,
    lowering_proposals,
    ranking,
)
from models.domain.vocabulary import Action, Proposed
from tasks.adapters.archive import sha256_of, write_whole
from tasks.adapters.review_papers import Commended, Lowered, ReviewPaper, write_commendations, write_lowering
from tasks.adapters.score_workbook import ScoreBook, write_score_workbook
from tasks.names import run_name
from tasks.open_cycles import roster_in_use
from tasks.operators import Signature, sign
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
MANIFEST: Final = "SHA256SUMS.txt"
"""Written last: a dossier without it was cut off, and is finished by the next run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierOrder:
    """Of which review, by which limits units are proposed for commendation (None: not limited so), and who asks."""

    review: str
    top_per_group: int | None
    at_least_percent: int | None
    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What an order has come to."""

    folder: Path
    n_commended: int
    n_lowered: int
    n_classified: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposals:
    """What is proposed, with everything it is read from."""

    book: ScoreBook
    commended: tuple[Ranked, ...]
    classified: Mapping[str, Classification]
    lowered: tuple[LoweringProposal, ...]


@task(name="draw-scores", task_run_name=run_name("draw_scores"), cache_policy=NO_CACHE)
def draw_scores(runtime: Runtime, review_code: str) -> Path:
    """Write the workbook of scores as they stand, in the place of an older one, and return where it lies."""
    with runtime.sessions() as session:
        book = _book(runtime, session, reviews.review(session, review_code))
    path = runtime.settings.shared.resolve() / folder_of(review_code) / _scores_name(runtime, book.review)
    content = _bytes(lambda target: write_score_workbook(target, book, runtime.texts))
    if not path.is_file() or path.read_bytes() != content:
        write_whole(path, content)
    return path


@task(name="make-dossier", task_run_name=run_name("make_dossier"), cache_policy=NO_CACHE)
def make_dossier(runtime: Runtime, order: DossierOrder) -> Dossier:
    """Freeze a dossier: the scores, the proposals for commendation, and those for lowering where one was classed so.

    The folder is named by the SHA-256 of its manifest: the same scores, limits and decisions are the same dossier,
    and others are another one beside it. What a person has changed in a draft is never written over.

    Raises:
        ActionRefusedError: nobody answers for it, the review is not frozen or has changed since, the limits make no
            sense, or the plan has no clause to propose under; nothing was written.
    """
    signature = sign(runtime, order.operator, order.reason)
    with runtime.sessions.begin() as session:
        proposals = _proposals(runtime, session, order)
        review = proposals.book.review
        files = _files(runtime, proposals, order)
        manifest = _manifest(runtime, review, files)
        folder = runtime.settings.shared.resolve() / folder_of(review.code) / f"ho-so-{sha256_of(manifest)[:12]}"
        for name, content in (files | {MANIFEST: manifest}).items():
            if not (folder / name).exists():
                write_whole(folder / name, content)
        is_new = _note(session, signature, proposals, order, folder.name)
    dossier = Dossier(
        folder=folder,
        n_commended=len(proposals.commended),
        n_lowered=len(proposals.lowered),
        n_classified=len(proposals.classified),
        is_new=is_new,
    )
    _tell(runtime, review, dossier)
    return dossier


def folder_of(review_code: str) -> str:
    """Return where the papers of a review lie below the home."""
    return f"results/{review_code}"


def papers_there(runtime: Runtime, review_code: str) -> list[Path]:
    """Return the papers of a review that lie there, in the order of their names."""
    folder = runtime.settings.shared.resolve() / folder_of(review_code)
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _book(runtime: Runtime, session: Session, review: Review) -> ScoreBook:
    return ScoreBook(
        programme=runtime.programmes[review.programme_code],
        review=review,
        units=reviews.scores(session, review.code),
        contests=reviews.contests(session, review.code),
    )


def _proposals(runtime: Runtime, session: Session, order: DossierOrder) -> _Proposals:
    book = _book(runtime, session, reviews.review(session, order.review))
    review, programme = book.review, book.programme
    units = after_contests(book.units, book.contests)
    check_frozen(review, units)
    commended = commendations(
        ranking(units, list(programme.groups)),
        top_per_group=order.top_per_group,
        at_least_percent=order.at_least_percent,
    )
    classified = reviews.classifications(session, programme.code, review.year)
    roster = roster_in_use(runtime, session, programme)
    lowered = lowering_proposals(review.year, classified.values(), roster)
    return _Proposals(book=book, commended=commended, classified=classified, lowered=lowered)


def _files(runtime: Runtime, proposals: _Proposals, order: DossierOrder) -> dict[str, bytes]:
    book, texts = proposals.book, runtime.texts
    scores_file = _scores_name(runtime, book.review)
    commended = Commended(
        ranked=proposals.commended,
        top_per_group=order.top_per_group,
        at_least_percent=order.at_least_percent,
        classifications=proposals.classified,
        n_contests=len(book.contests),
        scores_file=scores_file,
    )
    paper = _paper(book, Proposed.COMMENDATION)
    files = {
        scores_file: _bytes(lambda target: write_score_workbook(target, book, texts)),
        texts.say("review.file.commendations", review=book.review.code): _bytes(
            lambda target: write_commendations(target, paper, commended, texts)
        ),
    }
    if proposals.lowered:
        lowered = Lowered(proposals=proposals.lowered, classifications=tuple(proposals.classified.values()))
        under = _paper(book, Proposed.LOWERING)
        name = texts.say("review.file.lowering", year=book.review.year)
        files[name] = _bytes(lambda target: write_lowering(target, under, lowered, texts))
    return files


def _paper(book: ScoreBook, what: Proposed) -> ReviewPaper:
    return ReviewPaper(programme=book.programme, obligation=_clause(book.programme, what), review=book.review)


def _clause(programme: Programme, what: Proposed) -> Obligation:
    obligation = programme.proposing(what)
    if obligation is None:
        raise ActionRefusedError("review_without_clause", proposes=what.value, programme=programme.short_title)
    return obligation


def _manifest(runtime: Runtime, review: Review, files: Mapping[str, bytes]) -> bytes:
    """Return the lines that `sha256sum -c` understands, under one that names the frozen scores."""
    lines = [runtime.texts.say("review.file.manifest", title=review.title, digest=review.digest)]
    lines += [f"{sha256_of(content)}  {name}" for name, content in sorted(files.items())]
    return ("\n".join(lines) + "\n").encode()


def _note(session: Session, signature: Signature, proposals: _Proposals, order: DossierOrder, folder: str) -> bool:
    """Note the dossier once; say whether it is a new one."""
    code = proposals.book.review.code
    made = [entry for entry in audit.actions_on(session, code) if entry.action is Action.MAKE_DOSSIER]
    if any(entry.details.get("folder") == folder for entry in made):
        return False
    entry = signature.entry(
        Action.MAKE_DOSSIER,
        code,
        folder=folder,
        top_per_group=order.top_per_group,
        at_least_percent=order.at_least_percent,
        commended=[each.unit.unit_code for each in proposals.commended],
        lowered=[each.unit_code for each in proposals.lowered],
    )
    note_action(session, entry)
    return True


def _tell(runtime: Runtime, review: Review, dossier: Dossier) -> None:
    say = runtime.texts.say
    logger.info(say("log.dossier_made", title=review.title, n=dossier.n_commended, folder=dossier.folder))
    if dossier.n_classified:
        logger.info(say("log.lowering_proposed", n=dossier.n_lowered, n_classified=dossier.n_classified))
    else:
        logger.info(say("log.lowering_waits", year=review.year))


def _scores_name(runtime: Runtime, review: Review) -> str:
    return runtime.texts.say("review.file.scores", review=review.code)


def _bytes(write: Callable[[IO[bytes]], None]) -> bytes:
    with BytesIO() as target:
        write(target)
        return target.getvalue()
