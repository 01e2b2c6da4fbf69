"""Writes the letter that hands an edition over, from what is recorded of it and of what went out before."""

from pathlib import PurePosixPath
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import cycles, editions, handovers
from models.db.records.editions import StoredEdition
from models.db.records.handovers import Handover
from models.db.records.letters import ClaimedLetter
from models.domain.vocabulary import LetterState
from tasks.adapters.rendering import Envelope, ResultContext
from tasks.edition_files import edition_file
from tasks.hand_over import newest_final
from tasks.ports import Attachment, Letter
from tasks.runtime import Runtime

MEDIA_TYPES: Final = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
HAS_LEFT: Final = frozenset({LetterState.SENT, LetterState.UNKNOWN})


def result_letter(runtime: Runtime, session: Session, item: ClaimedLetter) -> Letter | None:
    """Return the letter; None when a newer final edition has come, which its recipients get instead."""
    rows = handovers.handovers_in(session, item.id)
    to = next((row for row in rows if row.address == item.recipient), None)
    if to is None:
        return None
    made = editions.editions_of(session, to.cycle_code)
    edition = next(each for each in made if each.number == to.edition)
    newest = newest_final(made)
    if newest is not None and newest.number > edition.number:
        return None
    cycle = cycles.cycle(session, to.cycle_code)
    programme, obligation = runtime.programme_with(cycle.obligation_code)
    copies = [row for row in rows if row is not to]
    files = _files(runtime, edition)
    earlier = _replaced(session, to)
    context = ResultContext(
        programme=programme,
        name=to.name,
        copied=tuple(row.name for row in copies),
        cycle_title=cycle.title,
        short_title=f"{obligation.short_title} {cycle.year}",
        clause=cycle.clause,
        number=edition.number,
        kind=edition.kind,
        as_of=edition.as_of,
        n_reported=edition.n_reported,
        n_expected=edition.n_expected,
        document=to.document,
        signed_on=to.signed_on,
        replaced=earlier.edition if earlier else 0,
        replaced_at=earlier.at if earlier else None,
        files=tuple(file.name for file in files),
        folder=edition.workbook.rpartition("/")[0],
    )
    envelope = Envelope(
        to=item.recipient,
        message_id=item.message_id,
        reply_to=runtime.settings.mail_from,
        copies=tuple(row.address for row in copies),
        attachments=files,
    )
    return runtime.renderer.result(context, envelope)


def _files(runtime: Runtime, edition: StoredEdition) -> tuple[Attachment, ...]:
    """Return workbook and report; none of them where one is gone or together they are larger than a mail may be."""
    paths = [PurePosixPath(name) for name in (edition.workbook, edition.report)]
    try:
        contents = [edition_file(runtime, edition, str(path)) for path in paths]
    except FileNotFoundError:
        return ()
    if sum(map(len, contents)) > runtime.settings.result_bytes:
        return ()
    return tuple(
        Attachment(name=path.name, media_type=MEDIA_TYPES[path.suffix], content=content)
        for path, content in zip(paths, contents, strict=True)
    )


def _replaced(session: Session, to: Handover) -> Handover | None:
    """Return the newest earlier edition that went to the same address."""
    earlier = [
        each
        for each in handovers.handovers_of(session, to.cycle_code)
        if each.address == to.address and each.edition < to.edition and each.state in HAS_LEFT
    ]
    return max(earlier, key=lambda each: each.edition, default=None)
