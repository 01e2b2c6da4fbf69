"""Takes files from the command line as if they had arrived, and says what became of each."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from models.db.records import arrivals
from models.domain.parts import outcome_of_whole
from models.domain.vocabulary import Channel, Outcome
from tasks.adapters.archive import FolderArchive
from tasks.ahead import short_turns
from tasks.judge import Judged, Waiting, garbage_left_lying, judged_in_chunks, tried_out
from tasks.pieces import MAIL_ENDING
from tasks.ports import InboxItem
from tasks.receive import brought_by, kept_in_chunks
from tasks.runtime import Runtime

OCTETS_OF_A_CUT_MAIL: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of one file; `unit` and `cycle` are a guess when it was quarantined.

    Of a file with several forms `outcome` is the one that most needs work, and `parts` says what became of each.
    """

    file: str
    outcome: str
    unit: str | None
    cycle: str | None
    reasons: list[dict[str, str]]
    parts: list["HandedIn"] = field(default_factory=list)


def hand_in(
    runtime: Runtime,
    files: Sequence[Path],
    *,
    operator: str,
    as_of: datetime,
    dry_run: bool = False,
    heard: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[HandedIn]:
    """Take the files in as received at the instant and judge them; with `dry_run` nothing stays behind.

    A mail (.eml) is judged by its sender, any other file by the operator who brought it. Each file has one result, in
    order. `heard` is told how many files are judged, and of how many.
    """
    if dry_run:
        return _try_out(runtime, files, operator=operator, as_of=as_of, heard=heard)
    keys: dict[Path, str] = {}

    def items() -> Iterator[InboxItem]:
        for path in files:
            item = _item(runtime, path, operator, as_of)
            keys[path] = item.key
            yield item

    judged: dict[str, list[_Outcome]] = {}
    with garbage_left_lying(), short_turns():
        sum(kept_in_chunks(runtime, items(), Channel.COMMAND))
        for item in chain.from_iterable(judged_in_chunks(runtime, Waiting(runtime, as_of))):
            whole = item.opened.whole or item.opened.arrival
            judged.setdefault(whole.key, []).append(_outcome_of(runtime, item))
            heard(len(judged), len(files))
    return [_handed_in(path, judged.get(keys[path]) or [_known_outcome(runtime, keys[path])]) for path in files]


def _try_out(
    runtime: Runtime, files: Sequence[Path], *, operator: str, as_of: datetime, heard: Callable[[int, int], None]
) -> list[HandedIn]:
    """Judge files that are kept in a folder which is gone afterwards; the database is read only."""
    with TemporaryDirectory(prefix="dondoc-") as folder:
        trial = runtime.with_archive(FolderArchive(Path(folder)))

        def taken() -> Iterator[arrivals.TakenArrival]:
            for number, path in enumerate(files):
                item = _item(runtime, path, operator, as_of)
                (look,) = runtime.reader.look([brought_by(item, Channel.COMMAND)])
                yield arrivals.TakenArrival(
                    id=-1 - number,
                    key=item.key,
                    channel=Channel.COMMAND,
                    received_at=as_of,
                    digest="" if look.is_secret else trial.archive.keep(item.content),
                    is_cut=item.is_cut,
                    operator=operator,
                    file_name=item.file_name,
                    sender=look.sender,
                    is_secret=look.is_secret,
                )

        results: list[HandedIn] = []
        for path, parts in zip(files, tried_out(trial, taken()), strict=True):
            results.append(_handed_in(path, [_outcome_of(runtime, part) for part in parts]))
            heard(len(results), len(files))
        return results


def _item(runtime: Runtime, path: Path, operator: str, as_of: datetime) -> InboxItem:
    """Return a file as an arrival; of one over the limit only as much is read as its answer needs."""
    is_cut = path.stat().st_size > runtime.settings.limits.mail_bytes
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        most = -1 if not is_cut else OCTETS_OF_A_CUT_MAIL if path.suffix.lower() == MAIL_ENDING else 0
        content = file.read(most)
    return InboxItem(
        key=f"command:{operator}:{digest}",
        received_at=as_of,
        content=content,
        is_cut=is_cut,
        operator=operator,
        file_name=path.name,
    )


_Outcome = tuple[Outcome, str | None, str | None, list[dict[str, str]]]
"""Outcome, unit, cycle and reasons, without the bytes that an arrival was judged by."""


def _outcome_of(runtime: Runtime, judged: Judged) -> _Outcome:
    verdict = judged.verdict
    reasons = [
        {
            "code": reason.code,
            "sheet": reason.sheet,
            "cell": reason.cell,
            "message": runtime.texts.placed_finding(reason),
        }
        for reason in verdict.reasons
    ]
    return verdict.outcome, verdict.unit_code, verdict.cycle_code, reasons


def _known_outcome(runtime: Runtime, key: str) -> _Outcome:
    """Return what became of a file when it was handed in before; another run may be judging it at this moment."""
    with runtime.sessions() as session:
        outcome = arrivals.outcome_of(session, key) or Outcome.QUARANTINED
    message = runtime.texts.finding(arrivals.REPEATED)
    return outcome, None, None, [{"code": arrivals.REPEATED.code, "sheet": "", "cell": "", "message": message}]


def _handed_in(path: Path, outcomes: Sequence[_Outcome]) -> HandedIn:
    parts = [
        HandedIn(file=str(path), outcome=word.value, unit=unit, cycle=cycle, reasons=reasons)
        for word, unit, cycle, reasons in outcomes
    ]
    if len(parts) == 1:
        return parts[0]
    return HandedIn(
        file=str(path),
        outcome=outcome_of_whole(word for word, *_ in outcomes).value,
        unit=_common(part.unit for part in parts),
        cycle=_common(part.cycle for part in parts),
        reasons=[reason for part in parts for reason in part.reasons],
        parts=parts,
    )


def _common(codes: Iterable[str | None]) -> str | None:
    found = set(codes)
    return found.pop() if len(found) == 1 else None
