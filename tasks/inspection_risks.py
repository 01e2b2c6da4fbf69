"""Gathers what is known of each unit, so that units can be proposed for inspection by risk; the domain chooses."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from models.db.records import cycles, editions, inspections, letters
from models.domain.calendar import start_of
from models.domain.duties import standing_at
from models.domain.inspections import Proposal, RiskKind, RiskReason, UnitFacts, inspectable_units
from models.domain.plan import Programme
from models.domain.reach import CALLED_LATE, was_reached
from models.domain.roster import Roster
from models.domain.vocabulary import OFFICE_ZONE, Standing
from tasks.runtime import Runtime

LOOKS_BACK: Final = timedelta(days=730)
"""How far back late reports, returns and questions count: two reporting years."""
OWED: Final = frozenset({Standing.NOT_OPEN, Standing.OPEN, Standing.IN_GRACE, Standing.EXTENDED, Standing.LATE})


def risk_facts(
    runtime: Runtime, session: Session, programme: Programme, roster: Roster, as_of: datetime
) -> list[UnitFacts]:
    """Return the facts of every unit that may be proposed on the day, in the order of the roster."""
    today, since = as_of.astimezone(OFFICE_ZONE).date(), as_of - LOOKS_BACK
    late, questions = _history(runtime, session, programme, since, as_of)
    returned = inspections.n_returned(session, programme.code, since=since, by=as_of)
    remedies = open_remedies(session, programme.code, as_of)
    inspected = inspections.last_inspected_on(session, programme.code, today)
    owed = Counter(record.duty.unit_code for record in remedies)
    return [
        UnitFacts(
            unit_code=code,
            n_late=late[code],
            n_returned=returned.get(code, 0),
            n_questions=questions[code],
            n_open_remedies=owed[code],
            days_since_inspected=(today - inspected[code]).days if code in inspected else None,
        )
        for code in inspectable_units(programme, roster, today)
    ]


def open_remedies(session: Session, programme_code: str, as_of: datetime) -> list[cycles.DutyRecord]:
    """Return the duties of remedies that are still owed at the instant, the oldest first."""
    return [
        record
        for code in inspections.remedy_cycles(session, programme_code)
        for chunk in cycles.duties_in_chunks(session, code, size=1)
        for record in chunk
        if standing_at(record.duty, as_of) in OWED
    ]


def reasons_in_words(runtime: Runtime, proposal: Proposal) -> str:
    """Return why a unit is proposed, in one row of words, the weightiest reason first."""
    ranked = sorted(proposal.reasons, key=lambda reason: (reason.kind is RiskKind.BY_LOT, -reason.points))
    return "; ".join(_in_words(runtime, reason) for reason in ranked)


def points_in_words(runtime: Runtime, points: float) -> str:
    """Return points as an office writes them, whole ones without a fraction."""
    return runtime.texts.number(int(points) if points == int(points) else points)


def default_seed(as_of: datetime) -> str:
    """Return the seed that a day gives, for an operator who writes none; it is shown and kept."""
    return f"{start_of(as_of.astimezone(OFFICE_ZONE).date()):%Y%m%d}"


def _history(
    runtime: Runtime, session: Session, programme: Programme, since: datetime, as_of: datetime
) -> tuple[Counter[str], Counter[str]]:
    """Return by unit how many duties were late that it knew of, and how many figures were asked about."""
    late: Counter[str] = Counter()
    questions: Counter[str] = Counter()
    for cycle in cycles.all_cycles(session):
        if cycle.programme_code != programme.code or not since <= cycle.due_at or cycle.opens_at > as_of:
            continue
        for chunk in cycles.duties_in_chunks(session, cycle.code, size=runtime.settings.units_per_chunk):
            overdue = [record.duty for record in chunk if standing_at(record.duty, as_of) in CALLED_LATE]
            told = letters.dispatches_of_duties(session, [duty.id for duty in overdue])
            late.update(duty.unit_code for duty in overdue if was_reached(duty, told.get(duty.id, ()), as_of))
        asked = editions.questions(session, cycle.code, as_of)
        questions.update(each.unit_code for each in asked if not each.explanation)
    return late, questions


def _in_words(runtime: Runtime, reason: RiskReason) -> str:
    texts = runtime.texts
    kind, points = texts.label(reason.kind), points_in_words(runtime, reason.points)
    match reason.kind:
        case RiskKind.NEVER_INSPECTED | RiskKind.BY_LOT:
            return texts.say("inspection.reason.bare", kind=kind, points=points)
        case RiskKind.LONG_AGO:
            return texts.say("inspection.reason.days", kind=kind, n=reason.n, points=points)
        case RiskKind.LATE | RiskKind.RETURNED | RiskKind.QUESTIONED | RiskKind.OPEN_REMEDIES:
            return texts.say("inspection.reason.counted", kind=kind, n=reason.n, points=points)
