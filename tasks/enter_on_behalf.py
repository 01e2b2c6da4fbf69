"""Enters what a unit handed in on paper or by another system, as received when the operator says it was.

A workbook goes through the same guard and the same checks as one that came by mail.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles
from models.db.records.audit import note_action
from models.domain.cycles import Cycle
from models.domain.duties import Duty, standing_at
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import OFFICE_ZONE, Action, Channel
from tasks.brought_files import brought_file
from tasks.handle_duties import SETTLED, Done, duties_of_units
from tasks.judge import judge_by_ruling
from tasks.names import run_name
from tasks.opened import Ruling
from tasks.operators import Signature
from tasks.ports import Brought
from tasks.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an operator enters for a unit; `file` is the name of a workbook in the drop folder, empty for the bare fact.

    `received_at` without an offset is read in the office's zone.
    """

    cycle_code: str
    unit_code: str
    received_at: datetime
    file: str = ""
    has_documents: bool = True
    """The required documents (the signed copy) are in the operator's hands."""


@task(name="enter-on-behalf", task_run_name=run_name("enter_on_behalf"), cache_policy=NO_CACHE)
def enter_on_behalf(runtime: Runtime, entry: Entry, *, signature: Signature) -> Done:
    """Take in what a unit handed in by another way, and judge it; without a file the duty counts as answered.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        ActionRefusedError: the receipt lies in the future or before the opening, the unit is not expected, its duty is
            settled and there is no file, or the file is not there.
    """
    received_at = _in_office_zone(entry.received_at)
    with runtime.sessions.begin() as session:
        cycle = cycles.cycle(session, entry.cycle_code)
        (record,) = duties_of_units(session, cycle, [entry.unit_code])
        duty = record.duty
        _require_receipt_within(runtime, cycle, received_at, signature.at)
        file = brought_file(runtime, f"drop/{Path(entry.file.strip()).name}") if entry.file.strip() else None
        content = _content(runtime, duty, received_at, signature, file)
        key = f"on-behalf:{duty.id}:{len(duty.reopenings)}:{_name_of(content, received_at, file)}"
        if arrivals.taken_by_key(session, key) is not None:
            return Done(action=Action.ENTER_ON_BEHALF, n_changed=0, cycle_codes=(cycle.code,))
        if file is None and standing_at(duty, signature.at) in SETTLED:
            standing = runtime.texts.label(standing_at(duty, signature.at))
            raise ActionRefusedError("duty_settled", unit=duty.unit_name, standing=standing)
        arrival = _take(runtime, session, key, content, _Facts(received_at, signature, file.name if file else ""))
        ruling = Ruling(duty_id=duty.id, is_accepted=file is None, has_documents=entry.has_documents)
        verdict = judge_by_ruling(runtime, session, arrival, ruling, as_of=signature.at)
        note_action(
            session,
            signature.entry(
                Action.ENTER_ON_BEHALF,
                cycle.code,
                unit_code=duty.unit_code,
                received_at=received_at.isoformat(),
                file=file.name if file else "",
                outcome=verdict.outcome.value,
            ),
        )
    return Done(action=Action.ENTER_ON_BEHALF, n_changed=1, cycle_codes=(cycle.code,), outcome=verdict.outcome)


@dataclass(frozen=True, slots=True)
class _Facts:
    received_at: datetime
    signature: Signature
    file_name: str


def _in_office_zone(instant: datetime) -> datetime:
    return instant.astimezone(OFFICE_ZONE) if instant.tzinfo else instant.replace(tzinfo=OFFICE_ZONE)


def _require_receipt_within(runtime: Runtime, cycle: Cycle, received_at: datetime, now: datetime) -> None:
    if not cycle.opens_at <= received_at <= now:
        raise ActionRefusedError(
            "receipt_out_of_range",
            received=runtime.texts.instant(received_at),
            opens=runtime.texts.instant(cycle.opens_at),
            now=runtime.texts.instant(now),
        )


def _content(runtime: Runtime, duty: Duty, received_at: datetime, signature: Signature, file: Path | None) -> bytes:
    """Return the workbook's bytes, or a note of the bare fact in their place: every arrival keeps some."""
    if file is not None:
        content = file.read_bytes()
        (look,) = runtime.reader.look([Brought(content=content, is_mail=False, file_name=file.name)])
        if look.is_secret:
            raise ActionRefusedError("file_is_secret")
        return content
    fact = {
        "cycle": duty.cycle_code,
        "unit": duty.unit_code,
        "received_at": received_at.isoformat(),
        "operator": signature.operator,
        "reason": signature.reason,
    }
    return json.dumps(fact, ensure_ascii=False, indent=2).encode()


def _name_of(content: bytes, received_at: datetime, file: Path | None) -> str:
    """Return what tells one entry from another: the workbook's digest, or when the bare fact was received."""
    return received_at.isoformat() if file is None else hashlib.sha256(content).hexdigest()


def _take(runtime: Runtime, session: Session, key: str, content: bytes, facts: _Facts) -> arrivals.TakenArrival:
    row = {
        "key": key,
        "channel": Channel.ON_BEHALF,
        "received_at": facts.received_at,
        "taken_at": facts.signature.at,
        "digest": runtime.archive.keep(content),
        "is_cut": False,
        "operator": facts.signature.operator,
        "file_name": facts.file_name,
        "filed_at": facts.signature.at,
    }
    arrivals.take(session, [row])
    taken = arrivals.taken_by_key(session, key)
    assert taken is not None  # noqa: S101 - it was taken in the line above
    return taken
