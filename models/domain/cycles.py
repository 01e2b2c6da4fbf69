"""Makes the cycles of an obligation from its rules: when each opens, falls due, and what its figures cover."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models.domain.calendar import DataWindow, last_day_before, start_of
from models.domain.plan import Obligation, ObligationRule, Programme, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One occurrence of an obligation. Instants are aware and in `OFFICE_ZONE`; the data window includes both days."""

    code: str
    programme_code: str
    obligation_code: str
    clause: str
    title: str
    year: int
    opens_at: datetime
    due_at: datetime
    late_at: datetime
    period_start: date | None
    period_end: date | None
    terms: Terms

    @property
    def last_day(self) -> date:
        """The last calendar day on which a submission is on time."""
        return last_day_before(self.due_at)

    @property
    def last_day_of_grace(self) -> date:
        """The last calendar day on which a submission is not late."""
        return last_day_before(self.late_at)


def planned_cycles(programme: Programme, *, first_year: int, last_year: int) -> tuple[Cycle, ...]:
    """Return the programme's cycles of the years, both included, in the order in which they fall due."""
    cycles = [
        plan_cycle(programme, obligation, year)
        for obligation in programme.obligations
        for year in _years(obligation, first_year, last_year)
    ]
    return tuple(sorted(cycles, key=lambda cycle: (cycle.due_at, cycle.code)))


def plan_cycle(programme: Programme, obligation: Obligation, year: int) -> Cycle:
    """Return the cycle of one year by the rule that is in force on the day it opens."""
    rule = rule_for(obligation, year)
    due_at = rule.due.due_at(year)
    start, end = _period(programme, rule.window, year) if rule.window else (None, None)
    return Cycle(
        code=obligation.cycle_code.format(year=year),
        programme_code=programme.code,
        obligation_code=obligation.code,
        clause=obligation.clause,
        title=obligation.cycle_title.format(year=year),
        year=year,
        opens_at=_opens_at(rule, year),
        due_at=due_at,
        late_at=programme.calendar.late_at(due_at, rule.roll),
        period_start=start,
        period_end=end,
        terms=_terms(programme, rule),
    )


def rule_for(obligation: Obligation, year: int) -> ObligationRule:
    """Return the newest rule that is in force on the very day on which it would open the cycle, else the first."""
    for rule in reversed(obligation.rules):
        if start_of(rule.valid_from) <= _opens_at(rule, year):
            return rule
    return obligation.rules[0]


def cycles_to_open(programme: Programme, obligation: Obligation, as_of: datetime) -> list[Cycle]:
    """Return the cycles that take submissions at the instant; one that is late already is opened by hand."""
    cycles = [plan_cycle(programme, obligation, year) for year in _years(obligation, as_of.year - 1, as_of.year + 1)]
    return [cycle for cycle in cycles if cycle.opens_at <= as_of < cycle.late_at]


def _terms(programme: Programme, rule: ObligationRule) -> Terms:
    return Terms(
        decision=rule.decision,
        roll=rule.roll,
        expected_groups=rule.expected_groups,
        form=programme.forms[rule.form_code],
        required_attachments=rule.required_attachments,
        ladder=rule.ladder,
    )


def _opens_at(rule: ObligationRule, year: int) -> datetime:
    return rule.due.due_at(year) - rule.opens_before


def _years(obligation: Obligation, first_year: int, last_year: int) -> range:
    return range(max(first_year, obligation.first_year), min(last_year, obligation.last_year) + 1)


def _period(programme: Programme, window: DataWindow, year: int) -> tuple[date, date]:
    return _period_start(programme, window, year), window.ends.on(year)


def _period_start(programme: Programme, window: DataWindow, year: int) -> date:
    if window.continues is None:
        return window.starts.on(year)
    earlier = programme.obligation(window.continues)
    if year - 1 < earlier.first_year:
        return window.starts.on(year)
    earlier_window = rule_for(earlier, year - 1).window
    if earlier_window is None:
        return window.starts.on(year)
    return earlier_window.ends.on(year - 1) + timedelta(days=1)
