"""Adds units to a cycle that is open because an operator says so: the one way in which an expected set changes."""

from collections.abc import Sequence
from datetime import date, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles
from models.db.records.audit import note_action
from models.domain.calendar import start_of
from models.domain.cycles import Cycle
from models.domain.duties import Mark
from models.domain.errors import ActionRefusedError, UnknownUnitError
from models.domain.roster import Roster, Unit
from models.domain.vocabulary import OFFICE_ZONE, Action, MarkKind
from tasks.handle_duties import Done
from tasks.names import run_name
from tasks.open_cycles import new_token, roster_in_use
from tasks.operators import Signature
from tasks.runtime import Runtime


@task(name="expect-units", task_run_name=run_name("expect_units"), cache_policy=NO_CACHE)
def expect_units(
    runtime: Runtime, cycle_code: str, unit_codes: Sequence[str], *, last_day: date | None, signature: Signature
) -> Done:
    """Let units that were founded since owe an answer in an open cycle; one that owes it already is left as it is.

    `last_day` gives them longer than the others; without it the cycle's own deadline holds. The next round stamps
    their forms and writes to them.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        ActionRefusedError: no unit is named, one does not exist today, or the term they would have is over.
    """
    today = signature.at.astimezone(OFFICE_ZONE).date()
    with runtime.sessions.begin() as session:
        cycle = cycles.cycle(session, cycle_code)
        _require_time(runtime, cycle, last_day, today)
        roster = roster_in_use(runtime, session, runtime.programme_of(cycle))
        units = _units_there(roster, unit_codes, today, runtime)
        present = cycles.duties_of_units(session, cycle_code, [unit.code for unit in units])
        added = [unit for unit in units if unit.code not in present]
        tokens = [new_token() for _ in added]
        cycles.add_expected(session, cycle_code, added, tokens, roster.parent_names(added, today))
        _note(session, cycle, added, last_day, signature)
    return Done(action=Action.EXPECT_UNITS, n_changed=len(added), cycle_codes=(cycle_code,))


def _note(session: Session, cycle: Cycle, added: Sequence[Unit], last_day: date | None, signature: Signature) -> None:
    duties = cycles.duties_of_units(session, cycle.code, [unit.code for unit in added])
    for code, record in duties.items():
        details = {}
        if last_day is not None:
            details["last_day"] = last_day.isoformat()
            mark = Mark(
                kind=MarkKind.EXTENSION,
                stated_at=signature.at,
                until=start_of(last_day + timedelta(days=1)),
                reason=signature.reason,
                operator=signature.operator,
            )
            cycles.add_mark(session, record.duty.id, mark)
        note_action(session, signature.entry(Action.EXPECT_UNITS, cycle.code, unit_code=code, **details))


def _require_time(runtime: Runtime, cycle: Cycle, last_day: date | None, today: date) -> None:
    last = last_day or (cycle.late_at - timedelta(microseconds=1)).astimezone(OFFICE_ZONE).date()
    if last < today:
        raise ActionRefusedError("no_time_for_unit", last=runtime.texts.day(last), today=runtime.texts.day(today))


def _units_there(roster: Roster, codes: Sequence[str], today: date, runtime: Runtime) -> list[Unit]:
    wanted = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    found: list[Unit] = []
    absent: list[str] = []
    for code in wanted:
        try:
            unit = roster.unit(code, today)
        except UnknownUnitError:
            absent.append(code)
            continue
        found.append(unit) if unit.is_in_force(today) else absent.append(unit.name)
    if absent or not wanted:
        raise ActionRefusedError("assignment_units", units=", ".join(absent) or "–", day=runtime.texts.day(today))
    return found
