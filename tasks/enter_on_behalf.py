"""Enters what a unit handed in on paper or by another system, as received when the operator says it was.

A workbook goes through the same guard and the same checks as one that came by mail.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles
from models.db.records.audit import note_action
from models.db.turns import Turn, take_turn
from models.domain.cycles import Cycle
from models.domain.duties import standing_at
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import OFFICE_ZONE, Action, Channel
from tasks.adapters.archive import sha256_of
from tasks.brought_files import brought_file
from tasks.handle_duties import SETTLED, Done, duties_of_units
from tasks.holding import hold
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
    brought = _brought(runtime, entry, received_at, signature)
    (unpacked,) = runtime.reader.unpack([brought])
    is_bare = not brought.file_name
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.JUDGING)
        cycle = cycles.cycle(session, entry.cycle_code)
        (record,) = duties_of_units(session, cycle, [entry.unit_code])
        duty = record.duty
        _require_receipt_within(runtime, cycle, received_at, signature.at)
        name = received_at.isoformat() if is_bare else sha256_of(brought.content)
        key = f"on-behalf:{duty.id}:{len(duty.reopenings)}:{name}"
        if arrivals.taken_by_key(session, key) is not None:
            return Done(action=Action.ENTER_ON_BEHALF, n_changed=0, cycle_codes=(cycle.code,))
        if is_bare and standing_at(duty, signature.at) in SETTLED:
            standing = runtime.texts.label(standing_at(duty, signature.at))
            raise ActionRefusedError("duty_settled", unit=duty.unit_name, standing=standing)
        arrival = _take(runtime, session, key, brought, _Receipt(received_at, signature))
        ruling = Ruling(duty_id=duty.id, is_accepted=is_bare, has_documents=entry.has_documents)
        verdict = judge_by_ruling(runtime, session, arrival, ruling, unpacked=unpacked, as_of=signature.at)
        note_action(
            session,
            signature.entry(
                Action.ENTER_ON_BEHALF,
                cycle.code,
                unit_code=duty.unit_code,
                received_at=received_at.isoformat(),
                file=brought.file_name,
                outcome=verdict.outcome.value,
            ),
        )
    return Done(action=Action.ENTER_ON_BEHALF, n_changed=1, cycle_codes=(cycle.code,), outcome=verdict.outcome)


@dataclass(frozen=True, slots=True)
class _Receipt:
    at: datetime
    signature: Signature


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


def _brought(runtime: Runtime, entry: Entry, received_at: datetime, signature: Signature) -> Brought:
    """Return the workbook's bytes, or a nameless note of the bare fact in their place: every arrival keeps some."""
    if not entry.file.strip():
        return Brought(content=_bare_fact(entry, received_at, signature), is_mail=False)
    path = brought_file(runtime, f"drop/{Path(entry.file.strip()).name}")
    brought = Brought(content=path.read_bytes(), is_mail=False, file_name=path.name)
    (look,) = runtime.reader.look([brought])
    if look.is_secret:
        raise ActionRefusedError("file_is_secret")
    return brought


def _bare_fact(entry: Entry, received_at: datetime, signature: Signature) -> bytes:
    fact = {
        "cycle": entry.cycle_code,
        "unit": entry.unit_code,
        "received_at": received_at.isoformat(),
        "operator": signature.operator,
        "reason": signature.reason,
    }
    return json.dumps(fact, ensure_ascii=False, indent=2).encode()


def _take(runtime: Runtime, session: Session, key: str, brought: Brought, receipt: _Receipt) -> arrivals.TakenArrival:
    row = {
        "key": key,
        "channel": Channel.ON_BEHALF,
        "received_at": receipt.at,
        "taken_at": receipt.signature.at,
        "digest": runtime.archive.keep(brought.content),
        "is_cut": False,
        "operator": receipt.signature.operator,
        "file_name": brought.file_name,
        "filed_at": receipt.signature.at,
    }
    arrivals.take(session, [row])
    hold(runtime, session, {str(row["digest"]): brought.content})
    taken = arrivals.taken_by_key(session, key)
    assert taken is not None  # noqa: S101 - it was taken in the line above
    return taken
