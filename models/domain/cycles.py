"""Makes the cycles of an obligation from its rules: when each opens, falls due, and what its figures cover."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import assert_never

from models.domain.calendar import (
    ONE_DAY,
    AfterCycle,
    BeforeDay,
    ByDay,
    DataWindow,
    WithinMonth,
    WithinQuarter,
    YearDay,
    last_day_before,
    start_of,
)
from models.domain.errors import NoFormError
from models.domain.forms import FormSpec
from models.domain.plan import Obligation, ObligationRule, Programme, Rung, Terms
from models.domain.vocabulary import ReportsTo


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
    content: str = ""
    """What is to be done, where a person set it as a task of its own: a line of an annex, a remedy, an inspection."""
    product: str = ""
    """What shows that such a task is done, such as a document."""

    @property
    def form(self) -> FormSpec:
        """The form that its duties are answered with.

        Raises:
            NoFormError: it asks for a document or an act, not for a form.
        """
        if self.terms.form is None:
            raise NoFormError(title=self.title)
        return self.terms.form

    @property
    def has_form(self) -> bool:
        """Say whether its duties are answered with a form."""
        return self.terms.form is not None

    @property
    def form_code(self) -> str | None:
        """Code of its form, None when it has none: cycles are compared by it."""
        return self.terms.form.code if self.terms.form is not None else None

    def rung(self, code: str) -> Rung:
        """Return the rung of that code of its frozen ladder."""
        return next(rung for rung in self.terms.ladder if rung.code == code)

    @property
    def is_of_children(self) -> bool:
        """Say whether its units report to their parents: a tier below that of cycles whose units report to the desk."""
        return self.terms.reports_to is ReportsTo.PARENT

    @property
    def is_filled_from_below(self) -> bool:
        """Say whether what children have reported stands in its forms, for a person to confirm."""
        return self.terms.filled_from is not None and self.terms.form is not None and self.terms.form.includes_children

    @property
    def last_day(self) -> date:
        """The last calendar day on which a submission is on time."""
        return last_day_before(self.due_at)

    @property
    def last_day_of_grace(self) -> date:
        """The last calendar day on which a submission is not late."""
        return last_day_before(self.late_at)


def planned_cycles(programme: Programme, *, first_year: int, last_year: int) -> tuple[Cycle, ...]:
    """Return every cycle that comes by the calendar in the years, both included, in the order of their deadlines."""
    cycles = [
        cycle
        for obligation in programme.obligations
        for cycle in cycles_of_years(programme, obligation, first_year=first_year, last_year=last_year)
    ]
    return tuple(sorted(cycles, key=lambda cycle: (cycle.due_at, cycle.code)))


def cycles_of_years(
    programme: Programme, obligation: Obligation, *, first_year: int, last_year: int
) -> tuple[Cycle, ...]:
    """Return an obligation's cycles that come by the calendar in the years, both included; none for what does not."""
    years = range(max(first_year, obligation.first_year), min(last_year, obligation.last_year) + 1)
    return tuple(cycle for year in years for cycle in _cycles_of(programme, obligation, year))


def plan_cycle(programme: Programme, obligation: Obligation, year: int) -> Cycle:
    """Return the one cycle of a year of an obligation that falls due once a year by the calendar."""
    (cycle,) = _cycles_of(programme, obligation, year)
    return cycle


def rule_for(obligation: Obligation, year: int) -> ObligationRule:
    """Return the newest rule that is in force on the very day on which it would open the cycle, else the first."""
    for rule in reversed(obligation.rules):
        opens_at = _opens_at(rule, year)
        if opens_at is not None and start_of(rule.valid_from) <= opens_at:
            return rule
    return obligation.rules[0]


def rule_on(obligation: Obligation, day: date) -> ObligationRule:
    """Return the newest rule in force on a day, else the first: what a cycle that a person opens goes by."""
    return next((rule for rule in reversed(obligation.rules) if rule.valid_from <= day), obligation.rules[0])


def terms_of(programme: Programme, rule: ObligationRule) -> Terms:
    """Return what a rule lays down for one cycle, with its form."""
    return Terms(
        decision=rule.decision,
        roll=rule.roll,
        expected_groups=rule.expected_groups,
        expected_units=rule.expected_units,
        form=programme.asked_form(rule.form_code) if rule.form_code is not None else None,
        required_attachments=rule.required_attachments,
        ladder=rule.ladder,
        is_settled_by_word=rule.is_settled_by_word,
        reports_to=rule.reports_to,
        filled_from=rule.filled_from,
        roll_call_working_days=rule.roll_call_working_days,
    )


def cycles_to_open(programme: Programme, obligation: Obligation, as_of: datetime) -> list[Cycle]:
    """Return the cycles that take submissions at the instant; one that is late already is opened by hand."""
    if not obligation.is_scheduled:
        return []
    near = cycles_of_years(programme, obligation, first_year=as_of.year - 1, last_year=as_of.year + 1)
    return [cycle for cycle in near if cycle.opens_at <= as_of < cycle.late_at]


def followed_obligation(programme: Programme, obligation: Obligation, cycle: Cycle) -> Obligation | None:
    """Return the obligation whose cycle this one follows; None for a cycle that has a date of its own."""
    rules = [rule.due for rule in obligation.rules if isinstance(rule.due, AfterCycle)]
    followed = [programme.obligation(code) for due in rules for code in due.obligations]
    codes = {
        obligation.cycle_code.format(after=each.cycle_code.format(year=cycle.year)): each
        for each in followed
        if "{after}" not in each.cycle_code
    }
    return codes.get(cycle.code)


def _cycles_of(programme: Programme, obligation: Obligation, year: int) -> tuple[Cycle, ...]:
    if not obligation.rules:
        return ()
    rule = rule_for(obligation, year)
    match rule.due:
        case None:
            return ()
        case AfterCycle():
            followed = [each for code in rule.due.obligations for each in _followed(programme, code, year)]
            return tuple(_cycle_after(programme, obligation, rule, each) for each in followed)
        case BeforeDay() | ByDay() | WithinMonth() | WithinQuarter():
            return (_cycle_of_year(programme, obligation, rule, year),)
        case unknown:
            assert_never(unknown)


def _followed(programme: Programme, code: str, year: int) -> tuple[Cycle, ...]:
    return cycles_of_years(programme, programme.obligation(code), first_year=year, last_year=year)


def _cycle_of_year(programme: Programme, obligation: Obligation, rule: ObligationRule, year: int) -> Cycle:
    assert rule.due is not None and not isinstance(rule.due, AfterCycle)  # noqa: S101, PT018 - matched by the caller
    due_at = rule.due.due_at(year)
    start, end = _period(programme, rule.window, year) if rule.window else (None, None)
    return Cycle(
        code=obligation.cycle_code.format(year=year),
        programme_code=programme.code,
        obligation_code=obligation.code,
        clause=obligation.clause,
        title=obligation.cycle_title.format(year=year),
        year=year,
        opens_at=_opens_at(rule, year) or due_at,
        due_at=due_at,
        late_at=programme.calendar.late_at(due_at, rule.roll),
        period_start=start,
        period_end=end,
        terms=terms_of(programme, rule),
    )


def _cycle_after(programme: Programme, obligation: Obligation, rule: ObligationRule, followed: Cycle) -> Cycle:
    """Return the cycle that follows another one: it opens when that one is late, and counts working days from then."""
    assert isinstance(rule.due, AfterCycle)  # noqa: S101 - matched by the caller
    last_day = programme.calendar.add_working_days(followed.last_day_of_grace, rule.due.working_days)
    due_at = start_of(last_day + ONE_DAY)
    return Cycle(
        code=obligation.cycle_code.format(after=followed.code),
        programme_code=programme.code,
        obligation_code=obligation.code,
        clause=obligation.clause,
        title=obligation.cycle_title.format(after=followed.title),
        year=followed.year,
        opens_at=followed.late_at,
        due_at=due_at,
        late_at=programme.calendar.late_at(due_at, rule.roll),
        period_start=followed.period_start,
        period_end=followed.period_end,
        terms=terms_of(programme, rule),
    )


def _opens_at(rule: ObligationRule, year: int) -> datetime | None:
    """Return when a rule opens the cycle of a year; None when that hangs on something else than the year."""
    if isinstance(rule.opens, YearDay):
        return start_of(rule.opens.on(year))
    if rule.due is None or isinstance(rule.due, AfterCycle):
        return None
    return rule.due.due_at(year) - rule.opens


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
