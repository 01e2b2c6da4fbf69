"""Puts together what board and `dondoc status` show of a cycle: each duty's standing, last and next rung, why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles, explanations, letters, roll_calls, rosters
from models.domain.calendar import WorkingCalendar
from models.domain.chasing import LadderDays, Skip, decide, next_rung
from models.domain.cycles import Cycle
from models.domain.duties import Duty, answered_at, late_at, standing_at, timeliness
from models.domain.errors import NoChildrenError
from models.domain.reach import was_never_reached
from models.domain.roll_call import contact_health
from models.domain.roster import Contact
from models.domain.succession import EndedUnit
from models.domain.vietnamese import sort_key
from models.domain.vocabulary import OFFICE_ZONE, ContactHealth, LetterState, Standing, Timeliness
from tasks.runtime import Runtime

WILL_SEND: Final = "send"
NEVER_REACHED: Final = "never_reached"
NEEDS_A_PERSON_FIRST: Sequence[Standing] = (
    Standing.SUBMITTED,
    Standing.LATE,
    Standing.IN_GRACE,
    Standing.EXTENDED,
    Standing.OPEN,
    Standing.NOT_OPEN,
    Standing.DONE_LATE,
    Standing.NIL,
    Standing.WAIVED,
    Standing.DONE,
)


N_NAMED_PARENTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyLine:
    """One duty as the board shows it at an instant."""

    duty_id: int
    unit_code: str
    unit_name: str
    group: str
    standing: Standing
    timeliness: Timeliness | None
    due_at: datetime
    late_at: datetime
    received_at: datetime | None
    last_rung: str
    last_rung_at: datetime | None
    next_rung: str
    next_rung_on: date | None
    why: str
    """Code of the reason why nothing more is sent now; `send` when the next round will write, and `never_reached` of a
    late duty that no letter had told the unit of in time."""
    contact: str
    phone: str
    """Of whoever is written to; where nobody can be, of a contact who serves there all the same."""
    health: ContactHealth = ContactHealth.REACHABLE
    is_never_reached: bool = False
    """It stands late, and no letter about it had reached the unit before: that is not held against it."""
    parent_code: str | None = None
    parent_name: str = ""
    n_open_questions: int = 0
    """What is asked about its newest form and not explained."""
    n_explained: int = 0
    ended: EndedUnit | None = None
    """Set when the unit has ended since: who answers for it now, if anybody."""

    @property
    def cannot_be_reached(self) -> bool:
        """Say whether the unit still owes an answer and no contact works: nothing we write would reach it."""
        return not self.contact and self.received_at is None and self.standing is not Standing.WAIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A cycle at an instant: its duties, who needs a person first, and what waits in quarantine."""

    cycle: Cycle
    as_of: datetime
    lines: tuple[DutyLine, ...]
    n_in_quarantine: int

    @property
    def n_answered(self) -> int:
        """How many units have answered in full."""
        return sum(line.received_at is not None for line in self.lines)


def board_of(runtime: Runtime, cycle_code: str, as_of: datetime, *, parent_code: str = "") -> Board:
    """Return the board of a cycle at the instant, those that need a person first; with a parent, of its children only.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        NoChildrenError: no unit of the cycle was below that parent when it froze.
    """
    with runtime.sessions() as session:
        cycle = cycles.cycle(session, cycle_code)
        programme = runtime.programme_of(cycle)
        days = LadderDays(cycle.terms.ladder, programme.calendar)
        today = as_of.astimezone(OFFICE_ZONE).date()
        desks = _Desks(
            contacts=rosters.working_contacts(session, programme.code, today),
            confirmed=roll_calls.confirmed_by(session, as_of),
            cycle=cycle,
            calendar=programme.calendar,
        )
        ended = rosters.ended_units(session, programme.code, today)
        lines = [
            line
            for chunk in cycles.duties_in_chunks(session, cycle_code, size=runtime.settings.units_per_chunk)
            for line in _lines(session, _below(chunk, parent_code), days, desks, as_of)
        ]
        if parent_code and not lines:
            raise NoChildrenError(parent=parent_code, cycle=cycle_code, known=_parents(runtime, session, cycle_code))
        lines = _with_phones(session, programme.code, lines, today)
        lines = [replace(line, ended=ended.get(line.unit_code)) for line in lines] if ended else lines
        held = _held(session, lines if parent_code else None)
    order = {standing: place for place, standing in enumerate(NEEDS_A_PERSON_FIRST)}
    lines.sort(
        key=lambda line: (not line.cannot_be_reached, order[line.standing], line.group, sort_key(line.unit_name))
    )
    return Board(cycle=cycle, as_of=as_of, lines=tuple(lines), n_in_quarantine=len(held))


def _below(chunk: Sequence[cycles.DutyRecord], parent_code: str) -> list[Duty]:
    return [record.duty for record in chunk if not parent_code or record.duty.parent_code == parent_code]


def _held(session: Session, lines: Sequence[DutyLine] | None) -> set[int | None]:
    """Return the duties that something in quarantine seems to answer: of these lines, or all."""
    waiting = arrivals.in_quarantine(session)
    if lines is None:
        return {item.duty_id for item in waiting}
    ours = {line.duty_id for line in lines}
    return {item.duty_id for item in waiting if item.duty_id in ours}


def _parents(runtime: Runtime, session: Session, cycle_code: str) -> str:
    chunks = cycles.duties_in_chunks(session, cycle_code, size=runtime.settings.units_per_chunk)
    parents = dict.fromkeys(record.duty.parent_code for chunk in chunks for record in chunk)
    known = [code for code in parents if code is not None]
    more = f", … (+{len(known) - N_NAMED_PARENTS})" if len(known) > N_NAMED_PARENTS else ""
    return ", ".join(known[:N_NAMED_PARENTS]) + more or "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desks:
    """Who can be written to, by unit, and when each address was confirmed last."""

    contacts: Mapping[str, Sequence[Contact]]
    confirmed: Mapping[str, datetime]
    cycle: Cycle
    calendar: WorkingCalendar

    def health(self, unit_code: str, as_of: datetime) -> ContactHealth:
        working = [contact.email for contact in self.contacts.get(unit_code, ())]
        return contact_health(self.cycle, self.calendar, working, self.confirmed, as_of)


def _with_phones(session: Session, programme_code: str, lines: Sequence[DutyLine], today: date) -> list[DutyLine]:
    """Return the lines, those of units that nobody can write to with a telephone to call."""
    unreachable = [line.unit_code for line in lines if not line.contact]
    if not unreachable:
        return list(lines)
    phones = rosters.phones_of(session, programme_code, today, unreachable)
    return [line if line.contact else replace(line, phone=phones.get(line.unit_code, "")) for line in lines]


def _lines(
    session: Session, duties: Sequence[Duty], days: LadderDays, desks: _Desks, as_of: datetime
) -> list[DutyLine]:
    ids = [duty.id for duty in duties]
    sent, decided = letters.rungs_of_duties(session, ids), letters.decided_rungs(session, ids)
    dispatches = letters.dispatches_of_duties(session, ids)
    questions = explanations.count_questions(session, ids, as_of)
    lines = []
    for duty in duties:
        line = _line(
            duty,
            days=days,
            sent=[rung for rung in sent.get(duty.id, []) if rung.at is None or rung.at <= as_of],
            decided=decided.get(duty.id, frozenset()),
            contacts=desks.contacts.get(duty.unit_code, ()),
            as_of=as_of,
        )
        n_open, n_explained = questions.get(duty.id, (0, 0))
        health = desks.health(duty.unit_code, as_of)
        line = replace(line, health=health, n_open_questions=n_open, n_explained=n_explained)
        is_never_reached = was_never_reached(duty, dispatches.get(duty.id, ()), as_of)
        lines.append(_never_reached(line) if is_never_reached else line)
    return lines


def _never_reached(line: DutyLine) -> DutyLine:
    """Return the line with that as its reason, unless the next round will write."""
    return replace(line, is_never_reached=True, why=line.why if line.why == WILL_SEND else NEVER_REACHED)


def _line(
    duty: Duty,
    *,
    days: LadderDays,
    sent: Sequence[letters.SentRung],
    decided: frozenset[str],
    contacts: Sequence[Contact],
    as_of: datetime,
) -> DutyLine:
    addresses = [contact.email for contact in contacts]
    decision = decide(duty, days=days, already_sent=decided, contacts=addresses, as_of=as_of)
    coming = next_rung(duty, days, decided, as_of)
    delivered = [rung for rung in sent if rung.state is LetterState.SENT]
    first = contacts[0] if contacts else None
    return DutyLine(
        duty_id=duty.id,
        unit_code=duty.unit_code,
        unit_name=duty.unit_name,
        group=duty.group,
        standing=standing_at(duty, as_of),
        timeliness=timeliness(duty, as_of),
        due_at=duty.due_at,
        late_at=late_at(duty, as_of),
        received_at=answered_at(duty, as_of),
        last_rung=delivered[-1].rung if delivered else "",
        last_rung_at=delivered[-1].at if delivered else None,
        next_rung=coming.rung.code if coming else "",
        next_rung_on=coming.day if coming else None,
        why=decision.reason.value if isinstance(decision, Skip) else WILL_SEND,
        contact=first.email if first else "",
        phone=first.phone if first else "",
        parent_code=duty.parent_code,
        parent_name=duty.parent_name,
    )
