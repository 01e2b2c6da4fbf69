"""Keeps cycles and their duties: the frozen terms and expected set, and the facts a duty's standing is derived from."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, cast

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from models.db.among import is_among
from models.db.base import VIETNAMESE
from models.db.inserting import insert_all
from models.db.sessions import hold_rows, note_rows
from models.db.tables import ArrivalRow, CycleRow, DutyMarkRow, DutyRow, ReopeningRow
from models.domain.cycles import Cycle
from models.domain.duties import Duty, Mark, Reopening
from models.domain.errors import UnknownCycleError
from models.domain.plan import Terms
from models.domain.roster import Unit
from models.domain.vocabulary import MarkKind, Outcome, RowChange

_TERMS: Final = TypeAdapter(Terms)
_DUTY_COLUMNS: Final = (
    DutyRow.id,
    DutyRow.cycle_id,
    DutyRow.unit_code,
    DutyRow.unit_name,
    DutyRow.group_code,
    DutyRow.parent_code,
    DutyRow.parent_name,
    DutyRow.completed_at,
    DutyRow.accepted_at,
    DutyRow.token,
    DutyRow.member_in_charge,
    DutyRow.form_digest,
)
"""In the order in which `_record` takes them: a row asked for by names costs twice what becomes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRecord:
    """A duty with what its papers need beside its standing."""

    duty: Duty
    token: str
    member_in_charge: str | None
    form_digest: str | None


def open_cycle(session: Session, cycle: Cycle, *, opened_at: datetime) -> int | None:
    """Record a cycle as opened and return its key; None when it has been opened before."""
    if session.scalars(select(CycleRow.id).where(CycleRow.code == cycle.code)).first() is not None:
        return None
    row = CycleRow(
        code=cycle.code,
        programme_code=cycle.programme_code,
        obligation_code=cycle.obligation_code,
        clause=cycle.clause,
        title=cycle.title,
        year=cycle.year,
        opens_at=cycle.opens_at,
        due_at=cycle.due_at,
        late_at=cycle.late_at,
        period_start=cycle.period_start,
        period_end=cycle.period_end,
        terms=_TERMS.dump_json(cycle.terms).decode(),
        content=cycle.content,
        product=cycle.product,
        opened_at=opened_at,
    )
    session.add(row)
    session.flush()
    return row.id


def freeze_expected(
    session: Session,
    cycle_id: int,
    units: Sequence[Unit],
    tokens: Sequence[str],
    parent_names: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Make one duty per expected unit, with its name, group, parent and member in charge as they are that day.

    `parent_names` gives the parents' names of that day by their codes.
    """
    rows = [
        {
            "cycle_id": cycle_id,
            "unit_code": unit.code,
            "unit_name": unit.name,
            "group_code": unit.group,
            "parent_code": unit.parent_code,
            "parent_name": parent_names.get(unit.parent_code or "", ""),
            "member_in_charge": unit.member_in_charge,
            "token": token,
        }
        for unit, token in zip(units, tokens, strict=True)
    ]
    if rows:
        insert_all(session, DutyRow, rows)


def add_expected(
    session: Session, cycle_code: str, units: Sequence[Unit], tokens: Sequence[str], parent_names: Mapping[str, str]
) -> None:
    """Make duties in a cycle that is open already, for units that a person added."""
    cycle_id = session.scalars(select(CycleRow.id).where(CycleRow.code == cycle_code)).one()
    freeze_expected(session, cycle_id, units, tokens, parent_names)


def cycle(session: Session, code: str) -> Cycle:
    """Return an opened cycle with its frozen terms.

    Raises:
        UnknownCycleError: none of that code has been opened.
    """
    row = session.scalars(select(CycleRow).where(CycleRow.code == code)).first()
    if row is None:
        known = session.scalars(select(CycleRow.code).order_by(CycleRow.opens_at)).all()
        raise UnknownCycleError(cycle=code, known=", ".join(known) or "–")
    return _cycle(row)


def cycles_of(session: Session, obligation_code: str, *, opened_by: datetime) -> list[Cycle]:
    """Return the obligation's cycles that opened by the instant, the oldest first."""
    rows = session.scalars(
        select(CycleRow)
        .where(CycleRow.obligation_code == obligation_code, CycleRow.opens_at <= opened_by)
        .order_by(CycleRow.opens_at, CycleRow.code)
    )
    return [_cycle(row) for row in rows]


def codes_with_unanswered_duties(session: Session, obligation_codes: Collection[str]) -> set[str]:
    """Return the obligations' cycles in which some duty has no complete answer; one settled by word is among them."""
    query = (
        select(CycleRow.code)
        .join(DutyRow, DutyRow.cycle_id == CycleRow.id)
        .where(CycleRow.obligation_code.in_(list(obligation_codes)), DutyRow.completed_at.is_(None))
        .distinct()
    )
    return set(session.scalars(query))


def all_cycles(session: Session) -> list[Cycle]:
    """Return every cycle that has opened, the oldest first."""
    return [_cycle(row) for row in session.scalars(select(CycleRow).order_by(CycleRow.opens_at, CycleRow.code))]


def duties_in_chunks(session: Session, cycle_code: str, *, size: int) -> Iterator[list[DutyRecord]]:
    """Yield the cycle's duties in chunks, in the order they were frozen; memory does not grow with their number."""
    last_id = 0
    while chunk := _duty_records(
        session,
        select(DutyRow)
        .join(CycleRow)
        .where(CycleRow.code == cycle_code, DutyRow.id > last_id)
        .order_by(DutyRow.id)
        .limit(size),
    ):
        yield chunk
        last_id = chunk[-1].duty.id


def count_duties(session: Session, cycle_codes: Collection[str]) -> int:
    """Return how many duties these cycles have."""
    query = select(func.count()).select_from(DutyRow).join(CycleRow).where(CycleRow.code.in_(cycle_codes))
    return session.scalar(query) or 0


def duties(session: Session, ids: Iterable[int]) -> dict[int, DutyRecord]:
    """Return the duties of those keys."""
    query = select(DutyRow).where(is_among(DutyRow.id, ids)).order_by(DutyRow.id)
    return {record.duty.id: record for record in _duty_records(session, query)}


def duties_of_units(session: Session, cycle_code: str, unit_codes: Sequence[str]) -> dict[str, DutyRecord]:
    """Return by unit its duty in the cycle; a unit that is not expected in it is left out."""
    query = (
        select(DutyRow)
        .join(CycleRow)
        .where(CycleRow.code == cycle_code, DutyRow.unit_code.in_(unit_codes))
        .order_by(DutyRow.id)
    )
    return {record.duty.unit_code: record for record in _duty_records(session, query)}


def duties_below(session: Session, cycle_code: str, parent_codes: Sequence[str]) -> list[DutyRecord]:
    """Return the cycle's duties of the units that were below these parents when it froze."""
    query = (
        select(DutyRow)
        .join(CycleRow)
        .where(CycleRow.code == cycle_code, DutyRow.parent_code.in_(parent_codes))
        .order_by(DutyRow.id)
    )
    return _duty_records(session, query)


def duties_by_token(session: Session, tokens: Iterable[str]) -> dict[str, int]:
    """Return by token the duty it was made for."""
    rows = session.execute(select(DutyRow.token, DutyRow.id).where(is_among(DutyRow.token, tokens)))
    return {token: duty_id for token, duty_id in rows}  # noqa: C416 - a Row is no pair to dict()


def open_duties_of_units(session: Session, unit_codes: Iterable[str], as_of: datetime) -> dict[str, list[int]]:
    """Return by unit the duties that are open and not yet answered at the instant, the newest cycle last."""
    rows = session.execute(
        select(DutyRow.unit_code, DutyRow.id)
        .join(CycleRow)
        .where(is_among(DutyRow.unit_code, unit_codes), CycleRow.opens_at <= as_of, DutyRow.completed_at.is_(None))
        .order_by(CycleRow.opens_at, DutyRow.id)
    )
    found: dict[str, list[int]] = {}
    for unit_code, duty_id in rows:
        found.setdefault(unit_code, []).append(duty_id)
    return found


def units_with_duties(session: Session, *, limit: int) -> list[tuple[str, str]]:
    """Return code and newest name of the units that have a duty in any cycle, at most so many."""
    newest = select(func.max(DutyRow.id)).group_by(DutyRow.unit_code)
    rows = session.execute(
        select(DutyRow.unit_code, DutyRow.unit_name)
        .where(DutyRow.id.in_(newest))
        .order_by(DutyRow.unit_name.collate(VIETNAMESE), DutyRow.unit_code)
        .limit(limit)
    )
    return [(code, name) for code, name in rows]


def set_form(session: Session, digests: dict[int, str]) -> None:
    """Record the stamped form of each duty."""
    if digests:
        session.execute(update(DutyRow), [{"id": duty_id, "form_digest": d} for duty_id, d in digests.items()])


def settle(session: Session, completed: Mapping[int, datetime], *, accepted_at: datetime) -> None:
    """Record when duties were first complete; a duty that is complete already keeps its first instant."""
    if completed:
        table = cast("Table", DutyRow.__table__)
        guarded = update(table).where(table.c.id == bindparam("duty_id"), table.c.completed_at.is_(None))
        rows = [{"duty_id": key, "completed_at": at, "accepted_at": accepted_at} for key, at in completed.items()]
        # Locked before, for a statement of many rows does not return those that it changed.
        fit = hold_rows(session, DutyRow, list(completed), DutyRow.completed_at.is_(None))
        session.connection().execute(guarded, rows)
        note_rows(session, DutyRow, RowChange.CHANGED, fit)


def settle_sisters(
    session: Session,
    completed: Mapping[int, datetime],
    settled_along: Mapping[str, Sequence[str]],
    *,
    accepted_at: datetime,
) -> None:
    """Settle what the answers to these duties settle along: the same unit's duties of other obligations that year.

    `settled_along` gives by obligation the codes of the others; a sister that is complete already is left alone.
    """
    if not completed or not settled_along:
        return
    answered = session.execute(
        select(DutyRow.id, DutyRow.unit_code, CycleRow.year, CycleRow.obligation_code)
        .join(CycleRow)
        .where(is_among(DutyRow.id, completed), CycleRow.obligation_code.in_(list(settled_along)))
        .order_by(DutyRow.id)
    ).all()
    for duty_id, unit_code, year, obligation_code in answered:
        sisters = session.scalars(
            select(DutyRow.id)
            .join(CycleRow)
            .where(
                DutyRow.unit_code == unit_code,
                DutyRow.completed_at.is_(None),
                CycleRow.year == year,
                CycleRow.obligation_code.in_(list(settled_along[obligation_code])),
            )
        )
        settle(session, dict.fromkeys(sisters, completed[duty_id]), accepted_at=accepted_at)


def add_mark(session: Session, duty_id: int, mark: Mark) -> None:
    """Record what was stated of a duty; the same statement twice is recorded once."""
    known = select(DutyMarkRow.id).where(
        DutyMarkRow.duty_id == duty_id, DutyMarkRow.kind == mark.kind, DutyMarkRow.stated_at == mark.stated_at
    )
    if session.scalars(known).first() is None:
        session.add(
            DutyMarkRow(
                duty_id=duty_id,
                kind=mark.kind,
                stated_at=mark.stated_at,
                until=mark.until,
                reason=mark.reason,
                operator=mark.operator,
            )
        )


def reopen(session: Session, duty_id: int, reopening: Reopening, *, letter_id: int | None) -> None:
    """Give an answer back: keep when it was complete, and let the duty be owed again, with those it settled along.

    What waited for a person of ours is dealt with by this. Running again at the same instant does nothing.
    """
    row = session.get_one(DutyRow, duty_id)
    theirs = [row, *_settled_along(session, row)]
    for each in theirs:
        session.add(
            ReopeningRow(
                duty_id=each.id,
                reopened_at=reopening.reopened_at,
                completed_at=each.completed_at,
                accepted_at=each.accepted_at,
                comment=reopening.comment,
                letter_id=letter_id if each is row else None,
            )
        )
        each.completed_at = each.accepted_at = None
    dealt_with = session.scalars(
        update(ArrivalRow)
        .where(
            ArrivalRow.duty_id == duty_id,
            ArrivalRow.outcome == Outcome.QUARANTINED,
            ArrivalRow.resolved_at.is_(None),
        )
        .values(resolved_at=reopening.reopened_at)
        .returning(ArrivalRow.id)
    ).all()
    note_rows(session, ArrivalRow, RowChange.CHANGED, dealt_with)


def reopenings_in(session: Session, letter_ids: Sequence[int]) -> dict[int, tuple[int, Reopening]]:
    """Return by letter the duty that it gives back, and the reopening."""
    rows = session.scalars(select(ReopeningRow).where(ReopeningRow.letter_id.in_(letter_ids)).order_by(ReopeningRow.id))
    return {
        row.letter_id: (
            row.duty_id,
            Reopening(
                reopened_at=row.reopened_at,
                completed_at=row.completed_at,
                accepted_at=row.accepted_at,
                comment=row.comment,
            ),
        )
        for row in rows
        if row.letter_id is not None
    }


def _settled_along(session: Session, row: DutyRow) -> list[DutyRow]:
    """Return the unit's duties that one answer settled together with this one."""
    if row.completed_at is None:
        return []
    query = select(DutyRow).where(
        DutyRow.id != row.id,
        DutyRow.unit_code == row.unit_code,
        DutyRow.completed_at == row.completed_at,
        DutyRow.accepted_at == row.accepted_at,
    )
    return list(session.scalars(query.order_by(DutyRow.id)))


def _duty_records(session: Session, query: Select[tuple[DutyRow]]) -> list[DutyRecord]:
    """Return the records of duties; plain rows and one look at each cycle, for a cycle's terms are long."""
    rows = session.execute(query.with_only_columns(*_DUTY_COLUMNS)).all()
    times = _times_of_cycles(session, {cycle_id for _, cycle_id, *_ in rows})
    ids = [duty_id for duty_id, *_ in rows]
    marks = _marks(session, ids)
    reopenings = _reopenings(session, ids)
    held = _held(session, ids)
    return [
        _record(row, times, marks.get(duty_id, ()), reopenings.get(duty_id, ()), held.get(duty_id, ()))
        for row, duty_id in zip(rows, ids, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Times:
    """What a duty takes over from its cycle."""

    cycle_code: str
    opens_at: datetime
    due_at: datetime
    late_at: datetime


def _times_of_cycles(session: Session, ids: Iterable[int]) -> dict[int, _Times]:
    query = select(CycleRow.id, CycleRow.code, CycleRow.opens_at, CycleRow.due_at, CycleRow.late_at)
    rows = session.execute(query.where(CycleRow.id.in_(list(ids))))
    return {cycle_id: _Times(*times) for cycle_id, *times in rows}


def _marks(session: Session, ids: list[int]) -> dict[int, tuple[Mark, ...]]:
    rows = session.scalars(select(DutyMarkRow).where(is_among(DutyMarkRow.duty_id, ids)).order_by(DutyMarkRow.id))
    found: dict[int, tuple[Mark, ...]] = {}
    for row in rows:
        mark = Mark(
            kind=MarkKind(row.kind),
            stated_at=row.stated_at,
            until=row.until,
            reason=row.reason,
            operator=row.operator,
        )
        found[row.duty_id] = (*found.get(row.duty_id, ()), mark)
    return found


def _reopenings(session: Session, ids: list[int]) -> dict[int, tuple[Reopening, ...]]:
    rows = session.scalars(
        select(ReopeningRow).where(is_among(ReopeningRow.duty_id, ids)).order_by(ReopeningRow.reopened_at)
    )
    found: dict[int, tuple[Reopening, ...]] = {}
    for row in rows:
        reopening = Reopening(
            reopened_at=row.reopened_at,
            completed_at=row.completed_at,
            accepted_at=row.accepted_at,
            comment=row.comment,
        )
        found[row.duty_id] = (*found.get(row.duty_id, ()), reopening)
    return found


def _held(session: Session, ids: list[int]) -> dict[int, tuple[Row[Any], ...]]:
    """Return by duty when the arrivals that seem to answer it were received, and when a person dealt with each."""
    rows = session.execute(
        select(ArrivalRow.duty_id, ArrivalRow.received_at, ArrivalRow.resolved_at)
        .where(is_among(ArrivalRow.duty_id, ids), ArrivalRow.outcome == Outcome.QUARANTINED)
        .order_by(ArrivalRow.received_at, ArrivalRow.id)
    )
    found: dict[int, tuple[Row[Any], ...]] = {}
    for row in rows:
        found[row.duty_id] = (*found.get(row.duty_id, ()), row)
    return found


def _record(
    row: Row[Any],
    times: Mapping[int, _Times],
    marks: tuple[Mark, ...],
    reopenings: tuple[Reopening, ...],
    held: Sequence[Row[Any]],
) -> DutyRecord:
    duty_id, cycle_id, unit_code, unit_name, group, parent_code, parent_name, *facts, token, member, digest = row
    completed_at, accepted_at = facts
    cycle = times[cycle_id]
    duty = Duty(
        id=duty_id,
        cycle_code=cycle.cycle_code,
        unit_code=unit_code,
        unit_name=unit_name,
        group=group,
        parent_code=parent_code,
        parent_name=parent_name,
        opens_at=cycle.opens_at,
        due_at=cycle.due_at,
        late_at=cycle.late_at,
        completed_at=completed_at,
        accepted_at=accepted_at,
        held_since=_held_since(held) if held else None,
        held_before=_held_before(held) if held else (),
        marks=marks,
        reopenings=reopenings,
    )
    return DutyRecord(duty=duty, token=token, member_in_charge=member, form_digest=digest)


def _held_since(held: Sequence[Row[Any]]) -> datetime | None:
    return next((item.received_at for item in held if item.resolved_at is None), None)


def _held_before(held: Sequence[Row[Any]]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((item.received_at, item.resolved_at) for item in held if item.resolved_at is not None)


def _cycle(row: CycleRow) -> Cycle:
    return Cycle(
        code=row.code,
        programme_code=row.programme_code,
        obligation_code=row.obligation_code,
        clause=row.clause,
        title=row.title,
        year=row.year,
        opens_at=row.opens_at,
        due_at=row.due_at,
        late_at=row.late_at,
        period_start=row.period_start,
        period_end=row.period_end,
        terms=_TERMS.validate_json(row.terms),
        content=row.content,
        product=row.product,
    )
