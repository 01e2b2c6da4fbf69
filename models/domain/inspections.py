"""Inspections: whether an order holds, which units a look at the risks proposes, and when a conclusion is in time.

Clauses II.6, II.7 and III.3; it knows no text that people read and draws no lot but by a seed that is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from random import Random
from typing import Final

from models.domain.assignments import Assignment, assigned_cycle
from models.domain.cycles import Cycle, rule_on, terms_of
from models.domain.errors import DondocError
from models.domain.plan import AttachmentRule, Obligation, ObligationRule, Programme, Rung
from models.domain.roster import Roster
from models.domain.vocabulary import Anchor, Audience, ObligationKind, RungAction

POINTS_PER_LATE_REPORT: Final = 3
POINTS_PER_RETURN: Final = 1
POINTS_PER_QUESTION: Final = 2
POINTS_PER_OPEN_REMEDY: Final = 4
POINTS_FOR_NEVER_INSPECTED: Final = 5
POINTS_FOR_LONG_AGO: Final = 3
POINTS_OF_ONE_REASON_AT_MOST: Final = 9
POINTS_BY_LOT: Final = 3
"""How far chance alone may lift a unit: about one late report, so that no unit is ever quite sure to be left out."""
DAYS_AFTER_WHICH_IS_LONG_AGO: Final = 730
WORKING_DAYS_BETWEEN_URGINGS: Final = 5
N_FURTHER_URGINGS: Final = 26
"""One each week for half a year; what is owed after that stays on the board, and is a matter for people."""
FIRST_FURTHER_URGING: Final = 3


class UnknownInspectionError(DondocError):
    """No inspection of that code has been started."""

    code = "error.unknown_inspection"


class RiskKind(StrEnum):
    """Why a unit is proposed for inspection."""

    LATE = "late"
    RETURNED = "returned"
    QUESTIONED = "questioned"
    NEVER_INSPECTED = "never_inspected"
    LONG_AGO = "long_ago"
    OPEN_REMEDIES = "open_remedies"
    BY_LOT = "by_lot"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an order: the code of its sentence, and the facts the sentence is made of."""

    code: str
    facts: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionOrder:
    """One inspection as it is ordered; every date is a whole day of the office, both ends included."""

    code: str
    """Code of the inspection and of the cycle of its explanations."""
    title: str
    scope: str
    basis: str
    """The decision or programme of work by which it is held."""
    leader: str
    team: tuple[str, ...] = ()
    unit_codes: tuple[str, ...]
    opens_at: datetime
    explain_by: date
    """Last day for the units' written explanations."""
    starts_on: date
    ends_on: date
    conclude_by: date
    """Last day for the conclusion: “xong” is when the conclusion is issued (clause II.6)."""
    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What a unit is to do about a fault that an inspection found, who sees to it, and until which day."""

    action: str
    owner: str
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionFinding:
    """One fault that an inspection found at a unit; `remedy` is None where nothing is left to do."""

    unit_code: str
    text: str
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """What is known of a unit when units are proposed; the caller chooses how far back the counts go."""

    unit_code: str
    n_late: int = 0
    """Duties answered late, or late and not answered."""
    n_returned: int = 0
    """Submissions that had to be returned."""
    n_questions: int = 0
    """Figures that were asked about: jumps against the last period, doubtful shares."""
    n_open_remedies: int = 0
    days_since_inspected: int | None = None
    """None: it has never been inspected."""


@dataclass(frozen=True, slots=True)
class RiskReason:
    """One reason why a unit is proposed: how many of it there are, and the points it gives."""

    kind: RiskKind
    n: int
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A unit that is proposed, with every reason; `points` is their sum."""

    unit_code: str
    reasons: tuple[RiskReason, ...]

    @property
    def points(self) -> float:
        """The sum of its reasons, the lot included."""
        return round(sum(reason.points for reason in self.reasons), 2)


def order_problems(order: InspectionOrder, roster: Roster) -> tuple[Problem, ...]:
    """Return everything that is wrong with an order, so that it is put right in one go; empty when it holds."""
    return (*_blank_words(order), *_wrong_units(order, roster), *_wrong_dates(order))


def finding_problems(
    finding: InspectionFinding, *, inspected: Sequence[str], on: date, operator: str, reason: str
) -> tuple[Problem, ...]:
    """Return everything that is wrong with a finding recorded on a day, given the units of its inspection."""
    words = {"operator": operator, "reason": reason, "finding": finding.text}
    problems = [*_blanks(words)]
    if finding.unit_code not in inspected:
        problems.append(Problem("not_inspected", (("unit", finding.unit_code),)))
    if finding.remedy is not None:
        problems += _blanks({"remedy": finding.remedy.action, "owner": finding.remedy.owner})
        if finding.remedy.last_day < on:
            problems.append(Problem("remedy_in_the_past", (("last_day", finding.remedy.last_day), ("today", on))))
    return tuple(problems)


def conclusion_problems(
    concluded_on: date, *, starts_on: date, today: date, words: dict[str, str]
) -> tuple[Problem, ...]:
    """Return everything that is wrong with a conclusion; `words` are what must not be blank, by name."""
    problems = [*_blanks(words)]
    if concluded_on < starts_on:
        problems.append(Problem("concluded_before_start", (("concluded_on", concluded_on), ("starts_on", starts_on))))
    if concluded_on > today:
        problems.append(Problem("concluded_in_the_future", (("concluded_on", concluded_on), ("today", today))))
    return tuple(problems)


def remedy_problems(done_on: date, *, opened_on: date, today: date, words: dict[str, str]) -> tuple[Problem, ...]:
    """Return everything that is wrong with the day on which a remedy is said to be done."""
    problems = [*_blanks(words)]
    if done_on < opened_on:
        problems.append(Problem("done_before_start", (("done_on", done_on), ("opened_on", opened_on))))
    if done_on > today:
        problems.append(Problem("done_in_the_future", (("done_on", done_on), ("today", today))))
    return tuple(problems)


def is_concluded_in_time(concluded_on: date, conclude_by: date) -> bool:
    """Say whether a conclusion of that day keeps its last day; 30/9 does for clause II.6, 01/10 does not."""
    return concluded_on <= conclude_by


def propose_units(facts: Sequence[UnitFacts], n: int, seed: str) -> tuple[Proposal, ...]:
    """Return the n units of the highest risk with every reason, the riskiest first.

    Each unit draws its own lot from the seed and its code: the same facts and seed give the same list in whatever
    order the facts come, and a unit that joins or leaves changes no other's lot.
    """
    proposals = [Proposal(unit_code=each.unit_code, reasons=(*_risks(each), _lot(each, seed))) for each in facts]
    ranked = sorted(proposals, key=lambda proposal: (-proposal.points, proposal.unit_code))
    return tuple(ranked[: max(n, 0)])


def explanations_cycle(programme: Programme, obligation: Obligation, order: InspectionOrder) -> Cycle:
    """Return the cycle in which the units of an inspection explain themselves, on the outline's form.

    An obligation whose own rule asks for the conclusion alone borrows form and ladder from an inspection of the
    programme that is opened by hand.

    Raises:
        AssignmentRefusedError: the last day for the explanations lies before the opening.
    """
    assignment = Assignment(
        code=order.code,
        title=order.title,
        unit_codes=order.unit_codes,
        opens_at=order.opens_at,
        last_day=order.explain_by,
        content=order.scope,
    )
    cycle = assigned_cycle(programme, obligation, assignment)
    rule = _explaining_rule(programme, obligation, order.opens_at.date())
    return replace(cycle, terms=replace(terms_of(programme, rule), expected_groups=(), expected_units=()))


def remedy_cycle(
    programme: Programme, obligation: Obligation, assignment: Assignment, *, evidence: AttachmentRule
) -> Cycle:
    """Return the cycle of a remedy: settled by a document that shows it, or by word, and chased until it is.

    Raises:
        AssignmentRefusedError: its last day lies before its opening.
    """
    cycle = assigned_cycle(programme, obligation, assignment)
    rule = _explaining_rule(programme, obligation, assignment.opens_at.date())
    terms = replace(
        terms_of(programme, rule),
        expected_groups=(),
        expected_units=(),
        form=None,
        required_attachments=(evidence,),
        ladder=ladder_until_closed(rule.ladder),
        is_settled_by_word=True,
    )
    return replace(cycle, terms=terms)


def ladder_until_closed(ladder: Sequence[Rung]) -> tuple[Rung, ...]:
    """Return the ladder without its closing, and with an urging each week after its last rung: a remedy stays owed."""
    kept = tuple(
        replace(rung, attach_form=False, official_letter=None) for rung in ladder if rung.action is RungAction.LETTER
    )
    last = max((rung.working_days for rung in kept if rung.anchor is Anchor.LATE_AT), default=0)
    further = tuple(
        Rung(
            code=f"urging-{FIRST_FURTHER_URGING + n}",
            anchor=Anchor.LATE_AT,
            working_days=max(last, 0) + (n + 1) * WORKING_DAYS_BETWEEN_URGINGS,
            audience=Audience.LATE,
            tell_member_in_charge=True,
        )
        for n in range(N_FURTHER_URGINGS)
    )
    return (*kept, *further)


def inspectable_units(programme: Programme, roster: Roster, on: date) -> tuple[str, ...]:
    """Return the codes of the units that a proposal chooses from: those that send reports of their own on that day."""
    groups = {
        group
        for obligation in programme.obligations
        if obligation.kind is ObligationKind.REPORT
        for rule in obligation.rules
        if rule.valid_from <= on and rule.form_code is not None
        for group in rule.expected_groups
    }
    return tuple(unit.code for unit in roster.expected(groups, on))


def _blank_words(order: InspectionOrder) -> Iterator[Problem]:
    yield from _blanks(
        {
            "operator": order.operator,
            "reason": order.reason,
            "title": order.title,
            "scope": order.scope,
            "basis": order.basis,
            "leader": order.leader,
        }
    )


def _blanks(words: dict[str, str]) -> Iterator[Problem]:
    for name, text in words.items():
        if not text.strip():
            yield Problem("blank", (("field", name),))


def _wrong_units(order: InspectionOrder, roster: Roster) -> Iterator[Problem]:
    if not order.unit_codes:
        yield Problem("no_unit")
    opens_on = order.opens_at.date()
    in_force = {unit.code for unit in roster.in_force(opens_on)}
    known = {unit.code for unit in roster.units}
    for code in dict.fromkeys(order.unit_codes):
        if code not in known:
            yield Problem("unit_unknown", (("unit", code),))
        elif code not in in_force:
            yield Problem("unit_not_in_force", (("unit", roster.unit(code, opens_on).name), ("day", opens_on)))


def _wrong_dates(order: InspectionOrder) -> Iterator[Problem]:
    opens_on = order.opens_at.date()
    if order.explain_by < opens_on:
        yield Problem("explained_before_opening", (("explain_by", order.explain_by), ("opens_on", opens_on)))
    if order.starts_on < opens_on:
        yield Problem("starts_before_opening", (("starts_on", order.starts_on), ("opens_on", opens_on)))
    if order.ends_on < order.starts_on:
        yield Problem("dates_reversed", (("starts_on", order.starts_on), ("ends_on", order.ends_on)))
    if order.conclude_by < max(opens_on, order.ends_on):
        yield Problem("concluded_before_end", (("conclude_by", order.conclude_by), ("ends_on", order.ends_on)))


def _risks(facts: UnitFacts) -> Iterator[RiskReason]:
    counted = (
        (RiskKind.LATE, facts.n_late, POINTS_PER_LATE_REPORT),
        (RiskKind.RETURNED, facts.n_returned, POINTS_PER_RETURN),
        (RiskKind.QUESTIONED, facts.n_questions, POINTS_PER_QUESTION),
        (RiskKind.OPEN_REMEDIES, facts.n_open_remedies, POINTS_PER_OPEN_REMEDY),
    )
    for kind, n, points in counted:
        if n > 0:
            yield RiskReason(kind, n, float(min(n * points, POINTS_OF_ONE_REASON_AT_MOST)))
    if facts.days_since_inspected is None:
        yield RiskReason(RiskKind.NEVER_INSPECTED, 1, float(POINTS_FOR_NEVER_INSPECTED))
    elif facts.days_since_inspected > DAYS_AFTER_WHICH_IS_LONG_AGO:
        yield RiskReason(RiskKind.LONG_AGO, facts.days_since_inspected, float(POINTS_FOR_LONG_AGO))


def _lot(facts: UnitFacts, seed: str) -> RiskReason:
    draw = Random(f"{seed}|{facts.unit_code}").random()  # noqa: S311 - a lot that can be drawn again, no secret
    return RiskReason(RiskKind.BY_LOT, 1, round(POINTS_BY_LOT * draw, 2))


def _explaining_rule(programme: Programme, obligation: Obligation, on: date) -> ObligationRule:
    own = rule_on(obligation, on)
    if own.form_code is not None:
        return own
    rules = (
        rule_on(other, on)
        for other in programme.obligations
        if other.kind is ObligationKind.INSPECTION and other.is_opened_by_hand
    )
    return next((rule for rule in rules if rule.form_code is not None), own)
