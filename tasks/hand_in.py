"""Takes files from the command line as if they had arrived, and says what became of each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.db.records import arrivals
from models.domain.vocabulary import Channel
from tasks.judge import Judged, judged_in_chunks
from tasks.ports import InboxItem
from tasks.receive import keep_arrivals
from tasks.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of one file; `unit` and `cycle` are a guess when it was quarantined."""

    file: str
    outcome: str
    unit: str | None
    cycle: str | None
    reasons: list[dict[str, str]]


def hand_in(
    runtime: Runtime, files: Sequence[Path], *, operator: str, as_of: datetime, dry_run: bool = False
) -> list[HandedIn]:
    """Take the files in as received at the instant and judge them; with `dry_run` nothing stays behind.

    A mail (.eml) is judged by its sender, any other file by the operator who brought it.
    """
    items = {str(path): _item(path, operator, as_of, dry_run=dry_run) for path in files}
    keep_arrivals(runtime, items.values(), Channel.COMMAND)
    judged = {
        item.opened.arrival.key: item for chunk in judged_in_chunks(runtime, as_of, dry_run=dry_run) for item in chunk
    }
    if dry_run:
        _forget(runtime, [item.key for item in items.values()])
    return [_result(runtime, path, items[path].key, judged.get(items[path].key)) for path in items]


def _item(path: Path, operator: str, as_of: datetime, *, dry_run: bool) -> InboxItem:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return InboxItem(
        key=f"{'rehearsal' if dry_run else 'command'}:{operator}:{digest}",
        received_at=as_of,
        content=content,
        operator=operator,
        file_name=path.name,
    )


def _forget(runtime: Runtime, keys: Sequence[str]) -> None:
    with runtime.sessions.begin() as session:
        arrivals.forget_unjudged(session, keys)


def _result(runtime: Runtime, path: str, key: str, judged: Judged | None) -> HandedIn:
    if judged is None:
        return _known_result(runtime, path, key)
    verdict = judged.verdict
    return HandedIn(
        file=path,
        outcome=verdict.outcome.value,
        unit=verdict.unit_code,
        cycle=verdict.cycle_code,
        reasons=[
            {
                "code": reason.code,
                "sheet": reason.sheet,
                "cell": reason.cell,
                "message": runtime.texts.placed_finding(reason),
            }
            for reason in verdict.reasons
        ],
    )


def _known_result(runtime: Runtime, path: str, key: str) -> HandedIn:
    """Say what became of a file when it was handed in before."""
    with runtime.sessions() as session:
        outcome = arrivals.outcome_of(session, key)
    message = runtime.texts.finding(arrivals.REPEATED)
    reason = {"code": arrivals.REPEATED.code, "sheet": "", "cell": "", "message": message}
    return HandedIn(file=path, outcome=outcome.value if outcome else "", unit=None, cycle=None, reasons=[reason])
