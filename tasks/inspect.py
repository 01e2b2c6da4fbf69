"""What operators do about inspections: start one, record what was found, conclude it, close a remedy.

Everything is looked at before anything is written, and what is written is one transaction with its row of the audit.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, inspections
from models.db.records.audit import AuditEntry, note_action
from models.db.records.inspections import StoredInspection
from models.domain.assignments import Assignment, assigned_units
from models.domain.calendar import start_of
from models.domain.cycles import Cycle, plan_cycle
from models.domain.duties import Mark, answered_at
from models.domain.errors import ActionRefusedError, UnknownCycleError
from models.domain.inspections import (
    InspectionFinding,
    InspectionOrder,
    Problem,
    Proposal,
    Remedy,
    conclusion_problems,
    explanations_cycle,
    finding_problems,
    is_concluded_in_time,
    order_problems,
    propose_units,
    remedy_cycle,
    remedy_problems,
)
from models.domain.plan import AttachmentRule, Obligation, Programme
from models.domain.vocabulary import OFFICE_ZONE, Action, MarkKind, ObligationKind
from tasks.inspection_risks import default_seed, open_remedies, risk_facts
from tasks.names import run_name
from tasks.open_cycles import open_assigned_cycle, roster_in_use
from tasks.operators import Signature, sign
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
REMEDY_EVIDENCE = "remedy_evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionRequest:
    """What the form of an inspection brings; units are chosen, or so many are proposed by risk, never both."""

    obligation: str
    title: str
    scope: str
    basis: str
    leader: str
    explain_by: date
    starts_on: date
    ends_on: date
    conclude_by: date
    units: Sequence[str] = ()
    n_by_risk: int = 0
    seed: str = ""
    team: Sequence[str] = ()
    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRequest:
    """What the form of a finding brings; without `remedy` nothing is left to do."""

    inspection: str
    unit: str
    finding: str
    remedy: str = ""
    owner: str = ""
    remedy_by: date | None = None
    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConclusionRequest:
    """What the form of a conclusion brings: number and day of the paper that was signed and issued."""

    inspection: str
    number: str
    concluded_on: date
    summary: str
    operator: str
    reason: str


@task(name="start-inspection", task_run_name=run_name("start_inspection"), cache_policy=NO_CACHE)
def open_inspection(runtime: Runtime, request: InspectionRequest) -> str:
    """Record an inspection with the duties of its units to explain themselves, and return its code.

    The same order again changes nothing and gives the same code.

    Raises:
        ActionRefusedError: the order does not hold (everything wrong is named), the obligation is none of inspections,
            or there is another inspection of that title and day.
        UnknownObligationError: no programme has the obligation.
    """
    programme, obligation = _inspection_obligation(runtime, request.obligation)
    with runtime.sessions.begin() as session:
        now = runtime.clock.now()
        roster = roster_in_use(runtime, session, programme)
        seed, proposal = _proposed(runtime, session, programme, request)
        order = _order(session, request, proposal, runtime)
        both = (Problem("units_and_number"),) if request.units and request.n_by_risk else ()
        _refuse(runtime, "inspection_refused", (*both, *order_problems(order, roster)))
        signature = sign(runtime, request.operator, request.reason)
        known = inspections.like_order(session, obligation.code, order)
        if known is not None:
            return _same_again(runtime, session, known, replace(order, code=known.code), seed)

        cycle = replace(explanations_cycle(programme, obligation, order), content=_told_to_units(runtime, order))
        units = assigned_units(roster, order.unit_codes, now.astimezone(OFFICE_ZONE).date())
        cycle_id = open_assigned_cycle(session, cycle, units, opened_at=now)
        assert cycle_id is not None, "the code is a new one"  # noqa: S101 - else there is nothing to hang it on
        inspections.add_inspection(session, order, cycle_id=cycle_id, started_at=now, seed=seed, proposal=proposal)
        note_action(session, _started(signature, order, seed))
    texts = runtime.texts
    if proposal:
        logger.info(texts.say("inspection.log.proposed", n=len(proposal), seed=seed))
    logger.info(texts.say("inspection.log.started", title=order.title, inspection=order.code, n=len(units)))
    return order.code


@task(name="record-inspection", task_run_name=run_name("record_inspection"), cache_policy=NO_CACHE)
def record_finding(runtime: Runtime, request: FindingRequest) -> str | None:
    """Record what was found at a unit, and return the code of the cycle in which its remedy is owed, if one is asked.

    The same finding at the same unit again changes nothing.

    Raises:
        ActionRefusedError: the finding does not hold; everything wrong is named.
        UnknownInspectionError: there is no such inspection.
    """
    now = runtime.clock.now()
    today = now.astimezone(OFFICE_ZONE).date()
    with runtime.sessions.begin() as session:
        held = inspections.inspection(session, request.inspection)
        units = {record.duty.unit_code: record.duty.unit_name for record in _duties(session, held.code)}
        finding = _finding(request)
        undated = (Problem("remedy_without_day"),) if request.remedy.strip() and request.remedy_by is None else ()
        problems = finding_problems(
            finding, inspected=list(units), on=today, operator=request.operator, reason=request.reason
        )
        _refuse(runtime, "finding_refused", (*undated, *problems))
        signature = sign(runtime, request.operator, request.reason)
        known = inspections.findings_of(session, held.code)
        same = [each for each in known if (each.unit_code, each.text) == (finding.unit_code, finding.text)]
        if same:
            return same[0].remedy_cycle

        number = len(known) + 1
        remedy = _open_remedy(runtime, session, held, finding, number) if finding.remedy else None
        inspections.add_finding(
            session,
            held.code,
            finding,
            number=number,
            remedy_cycle_id=remedy[1] if remedy else None,
            at=now,
        )
        code = remedy[0].code if remedy else None
        note_action(
            session,
            signature.entry(
                Action.RECORD_INSPECTION,
                held.code,
                unit_code=finding.unit_code,
                number=number,
                finding=finding.text,
                remedy=code or "",
            ),
        )
    texts = runtime.texts
    logger.info(texts.say("inspection.log.found", number=number, unit=units[finding.unit_code]))
    if remedy:
        deadline = texts.deadline(remedy[0].due_at, runtime.programmes[held.programme_code].calendar)
        logger.info(texts.say("inspection.log.remedy_opened", remedy=remedy[0].code, deadline=deadline))
    return code


@task(name="conclude-inspection", task_run_name=run_name("conclude_inspection"), cache_policy=NO_CACHE)
def conclude(runtime: Runtime, request: ConclusionRequest) -> None:
    """Record the conclusion that was issued; a yearly inspection's lead has done its duty on the day of it.

    The same conclusion again changes nothing, but settles the lead's duty where its cycle had not been opened.

    Raises:
        ActionRefusedError: the conclusion does not hold, or there is another one already.
        UnknownInspectionError: there is no such inspection.
    """
    number, summary = request.number.strip(), request.summary.strip()
    with runtime.sessions.begin() as session:
        held = inspections.inspection(session, request.inspection)
        problems = conclusion_problems(
            request.concluded_on,
            starts_on=held.starts_on,
            today=runtime.clock.now().astimezone(OFFICE_ZONE).date(),
            words={"operator": request.operator, "reason": request.reason, "number": number, "summary": summary},
        )
        _refuse(runtime, "conclusion_refused", problems)
        signature = sign(runtime, request.operator, request.reason)
        if held.concluded_on is None:
            inspections.conclude(session, held.code, number=number, concluded_on=request.concluded_on, summary=summary)
            entry = signature.entry(
                Action.CONCLUDE_INSPECTION, held.code, number=number, concluded_on=request.concluded_on.isoformat()
            )
            note_action(session, entry)
        elif (held.concluded_on, held.conclusion_number, held.conclusion) != (request.concluded_on, number, summary):
            raise ActionRefusedError(
                "already_concluded",
                inspection=held.code,
                number=held.conclusion_number,
                day=runtime.texts.day(held.concluded_on),
            )
        held = inspections.inspection(session, held.code)
        _settle_lead(runtime, session, held, signature)
    in_time = is_concluded_in_time(request.concluded_on, held.conclude_by)
    logger.info(
        runtime.texts.say(
            "inspection.log.concluded",
            number=number,
            day=runtime.texts.day(request.concluded_on),
            inspection=held.code,
            standing=runtime.texts.say(f"inspection.log.{'in_time' if in_time else 'late'}"),
        )
    )


@task(name="close-remedy", task_run_name=run_name("close_remedy"), cache_policy=NO_CACHE)
def close(runtime: Runtime, remedy: str, *, done_on: date, operator: str, reason: str) -> str:
    """Record that a remedy was carried out on a day, and return the code of its inspection; once is enough.

    Raises:
        ActionRefusedError: the cycle is none of a remedy, or the day does not hold.
    """
    now = runtime.clock.now()
    with runtime.sessions.begin() as session:
        held = inspections.inspection_of_remedy(session, remedy)
        if held is None:
            known = [each.duty.cycle_code for code in runtime.programmes for each in open_remedies(session, code, now)]
            raise ActionRefusedError("not_a_remedy", remedy=remedy, known=", ".join(known) or "–")
        cycle = cycles.cycle(session, remedy)
        problems = remedy_problems(
            done_on,
            opened_on=cycle.opens_at.astimezone(OFFICE_ZONE).date(),
            today=now.astimezone(OFFICE_ZONE).date(),
            words={"operator": operator, "reason": reason},
        )
        _refuse(runtime, "remedy_refused", problems)
        signature = sign(runtime, operator, reason)
        (record,) = _duties(session, remedy)
        if answered_at(record.duty, now) is None:
            _mark_done(session, record, done_on, signature, signature.reason)
            entry = signature.entry(
                Action.CLOSE_TASK, remedy, unit_code=record.duty.unit_code, done_on=done_on.isoformat()
            )
            note_action(session, entry)
    logger.info(runtime.texts.say("inspection.log.remedy_closed", remedy=cycle.title, day=runtime.texts.day(done_on)))
    return held.code


def _inspection_obligation(runtime: Runtime, code: str) -> tuple[Programme, Obligation]:
    programme, obligation = runtime.programme_with(code)
    if obligation.kind is not ObligationKind.INSPECTION:
        known = [each.code for each in programme.obligations if each.kind is ObligationKind.INSPECTION]
        raise ActionRefusedError("not_an_inspection", obligation=obligation.code, known=", ".join(known))
    return programme, obligation


def _proposed(
    runtime: Runtime, session: Session, programme: Programme, request: InspectionRequest
) -> tuple[str, tuple[Proposal, ...]]:
    """Return the seed in use and the units proposed by risk; both empty where units were chosen."""
    if request.n_by_risk <= 0 or request.units:
        return "", ()
    now = runtime.clock.now()
    seed = request.seed.strip() or default_seed(now)
    facts = risk_facts(runtime, session, programme, roster_in_use(runtime, session, programme), now)
    return seed, propose_units(facts, request.n_by_risk, seed)


def _order(
    session: Session, request: InspectionRequest, proposal: Sequence[Proposal], runtime: Runtime
) -> InspectionOrder:
    now = runtime.clock.now()
    prefix = f"kt-{now.astimezone(OFFICE_ZONE):%Y%m%d}-"
    units = request.units or [each.unit_code for each in proposal]
    return InspectionOrder(
        code=f"{prefix}{inspections.n_with_code_like(session, prefix) + 1}",
        title=" ".join(request.title.split()),
        scope=request.scope.strip(),
        basis=request.basis.strip(),
        leader=request.leader.strip(),
        team=tuple(member.strip() for member in request.team if member.strip()),
        unit_codes=tuple(dict.fromkeys(units)),
        opens_at=now,
        explain_by=request.explain_by,
        starts_on=request.starts_on,
        ends_on=request.ends_on,
        conclude_by=request.conclude_by,
        operator=request.operator,
        reason=request.reason,
    )


def _same_again(runtime: Runtime, session: Session, known: StoredInspection, order: InspectionOrder, seed: str) -> str:
    """Return the code of the inspection that was started by the same order.

    Raises:
        ActionRefusedError: the order says something else.
    """
    cycle = cycles.cycle(session, known.code)
    units = {record.duty.unit_code for record in _duties(session, known.code)}
    is_same_choice = known.seed == seed if seed else units == set(order.unit_codes)
    kept = (known.scope, known.basis, known.leader, known.team, known.ends_on, known.conclude_by, cycle.last_day)
    asked = (order.scope, order.basis, order.leader, order.team, order.ends_on, order.conclude_by, order.explain_by)
    if kept != asked or not is_same_choice:
        raise ActionRefusedError(
            "inspection_exists", inspection=known.code, starts_on=runtime.texts.day(known.starts_on)
        )
    logger.info(runtime.texts.say("inspection.log.repeated", inspection=known.code))
    return known.code


def _told_to_units(runtime: Runtime, order: InspectionOrder) -> str:
    """Return what the letters say of the inspection beside its name: scope, dates, leader and decision."""
    texts = runtime.texts
    return texts.say(
        "inspection.content",
        scope=order.scope.rstrip("."),
        starts_on=texts.day(order.starts_on),
        ends_on=texts.day(order.ends_on),
        leader=order.leader,
        basis=order.basis,
    )


def _finding(request: FindingRequest) -> InspectionFinding:
    remedy = None
    if request.remedy.strip() and request.remedy_by is not None:
        remedy = Remedy(action=request.remedy.strip(), owner=request.owner.strip(), last_day=request.remedy_by)
    return InspectionFinding(unit_code=request.unit, text=request.finding.strip(), remedy=remedy)


def _open_remedy(
    runtime: Runtime, session: Session, held: StoredInspection, finding: InspectionFinding, number: int
) -> tuple[Cycle, int]:
    """Open the remedy of a finding as a duty of its unit, and return its cycle with the cycle's key."""
    assert finding.remedy is not None  # noqa: S101 - the caller asks only where there is one
    texts, now = runtime.texts, runtime.clock.now()
    programme, obligation = runtime.programme_with(held.obligation_code)
    assignment = Assignment(
        code=f"{held.code}-kn-{number:02}",
        title=texts.say("inspection.remedy.title", number=number, inspection=held.title),
        unit_codes=(finding.unit_code,),
        opens_at=now,
        last_day=finding.remedy.last_day,
        content=texts.say(
            "inspection.remedy.content",
            remedy=finding.remedy.action.rstrip("."),
            finding=finding.text.rstrip("."),
            owner=finding.remedy.owner,
        ),
    )
    evidence = AttachmentRule(code=REMEDY_EVIDENCE, title=texts.say("inspection.remedy.evidence"))
    cycle = remedy_cycle(programme, obligation, assignment, evidence=evidence)
    roster = roster_in_use(runtime, session, programme)
    units = assigned_units(roster, assignment.unit_codes, now.astimezone(OFFICE_ZONE).date())
    cycle_id = open_assigned_cycle(session, cycle, units, opened_at=now)
    assert cycle_id is not None, "the number is a new one"  # noqa: S101 - else there is nothing to hang it on
    return cycle, cycle_id


def _settle_lead(runtime: Runtime, session: Session, held: StoredInspection, signature: Signature) -> None:
    """Record that the lead of a yearly inspection has done what the year's cycle asks: a conclusion was issued."""
    programme, obligation = runtime.programme_with(held.obligation_code)
    if not obligation.is_scheduled or held.concluded_on is None:
        return
    texts, day = runtime.texts, held.concluded_on
    planned = plan_cycle(programme, obligation, held.started_at.astimezone(OFFICE_ZONE).year)
    try:
        owed = _duties(session, cycles.cycle(session, planned.code).code)
    except UnknownCycleError:
        logger.warning(texts.say("inspection.log.lead_not_open", cycle=planned.code))
        return
    reason = texts.say("inspection.settled", number=held.conclusion_number, day=texts.day(day), inspection=held.code)
    for record in owed:
        if answered_at(record.duty, signature.at) is None:
            _mark_done(session, record, day, signature, reason)
    logger.info(texts.say("inspection.log.lead_settled", cycle=planned.code, day=texts.day(day)))


def _mark_done(session: Session, record: cycles.DutyRecord, day: date, signature: Signature, reason: str) -> None:
    mark = Mark(kind=MarkKind.DONE, stated_at=start_of(day), reason=reason, operator=signature.operator)
    cycles.add_mark(session, record.duty.id, mark)


def _started(signature: Signature, order: InspectionOrder, seed: str) -> AuditEntry:
    return signature.entry(
        Action.START_INSPECTION,
        order.code,
        title=order.title,
        basis=order.basis,
        units=list(order.unit_codes),
        seed=seed,
        conclude_by=order.conclude_by.isoformat(),
    )


def _duties(session: Session, cycle_code: str) -> list[cycles.DutyRecord]:
    return [record for chunk in cycles.duties_in_chunks(session, cycle_code, size=500) for record in chunk]


def _refuse(runtime: Runtime, code: str, problems: Iterable[Problem]) -> None:
    """Raise an operator's error that names every problem in one sentence; nothing where there is none."""
    told = [_in_words(runtime, problem) for problem in problems]
    if told:
        raise ActionRefusedError(code, problems="; ".join(dict.fromkeys(told)) + ".")


def _in_words(runtime: Runtime, problem: Problem) -> str:
    texts = runtime.texts
    facts = {name: texts.day(fact) if isinstance(fact, date) else fact for name, fact in problem.facts}
    if "field" in facts:
        facts["field"] = texts.say(f"inspection.field.{facts['field']}")
    return texts.say(f"inspection.problem.{problem.code}", **facts)
