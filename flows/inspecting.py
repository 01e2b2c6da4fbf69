"""Inspections: their daily round, and what operators do by hand: start one, record, conclude, close a remedy."""

from datetime import date, datetime
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.endings import mail_the_operator, told_to_the_operator
from flows.instants import instant_of_run
from flows.rounds import do_round
from tasks.choices import chosen, refresh_choices
from tasks.inspect import (
    ConclusionRequest,
    FindingRequest,
    InspectionRequest,
    close,
    conclude,
    open_inspection,
    record_finding,
)
from tasks.inspection_board import name_inspection_run, publish_inspections, publish_proposals
from tasks.inspection_drafts import draft_inspection_papers, inspections_under, propose_inspections
from tasks.post import say_what_is_left
from tasks.publish import publish_cycles, publish_day
from tasks.run_names import name_round_by_its_work
from tasks.runtime import Runtime, open_runtime
from tasks.send_opened import send_opened
from tasks.settings import Settings
from tasks.status_board import make_status_board

AtMostAll = Annotated[int, Field(ge=0, le=500)]


@flow(name="inspection-round", on_failure=[mail_the_operator], on_crashed=[mail_the_operator])
def inspection_round(obligation: str, as_of: datetime | None = None, dry_run: bool = False) -> dict[str, int]:
    """Do whatever the obligation's inspections need at the instant, their remedies included; return how many of each.

    What is opened, written, drafted and compiled is what a report's round does; beside it units are proposed for a
    yearly inspection that is owed. Safe to run again at any hour. With `dry_run` the counts say what would be.
    """
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        instant = instant_of_run(as_of, runtime.clock)
        codes, counts = do_round(runtime, obligation, instant, dry_run=dry_run)
        if not dry_run:
            held = inspections_under(runtime, obligation, instant)
            counts["drafted"] += draft_inspection_papers(runtime, held, instant)
        name_round_by_its_work(runtime, obligation, codes, instant, counts, dry_run=dry_run)
        if not dry_run:
            publish_proposals(runtime, propose_inspections(runtime, obligation, instant), instant)
            publish_cycles(runtime, codes, instant, counts)
            publish_inspections(runtime, instant)
            make_status_board(runtime, instant, codes)
        say_what_is_left(counts)
        return counts


@flow(name="start-inspection")
def start_inspection(  # noqa: PLR0913 - Prefect draws a flow's parameters as a form
    *,
    inspection_obligation: str,
    inspection_title: str,
    inspected_units: list[str] = [],  # noqa: B006 - Prefect's form shows the default, and nobody changes it
    n_by_risk: AtMostAll = 0,
    seed: str = "",
    scope: str,
    basis: str,
    leader: str,
    team: list[str] = [],  # noqa: B006 - as above
    explain_by: date,
    starts_on: date,
    ends_on: date,
    conclude_by: date,
    operator: str,
    reason: str,
) -> dict[str, int]:
    """Start an inspection: record it, stamp the outline for each unit, draft its papers, and send the notices.

    The same form again does only what is still to do. Outside office hours the notices go out with the next round.
    """
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        now = runtime.clock.now()
        request = InspectionRequest(
            obligation=chosen(inspection_obligation),
            title=inspection_title,
            scope=scope,
            basis=basis,
            leader=leader,
            explain_by=explain_by,
            starts_on=starts_on,
            ends_on=ends_on,
            conclude_by=conclude_by,
            units=[chosen(unit) for unit in inspected_units],
            n_by_risk=n_by_risk,
            seed=seed,
            team=team,
            operator=operator,
            reason=reason,
        )
        code = open_inspection(runtime, request)
        name_inspection_run(runtime, "started", code, now)
        counts = {"drafted": draft_inspection_papers(runtime, [code], now)} | send_opened(runtime, code, now)
        publish_cycles(runtime, [code], now, counts)
        _show(runtime, now)
        say_what_is_left(counts)
        return counts


@flow(name="record-inspection-findings")
def record_inspection_findings(  # noqa: PLR0913 - Prefect draws a flow's parameters as a form
    *,
    inspection: str,
    inspected_unit: str,
    finding: str,
    remedy_action: str = "",
    owner: str = "",
    remedy_by: date | None = None,
    operator: str,
    reason: str,
) -> str:
    """Record what was found at a unit and give it the remedy as a duty; return the code of that duty's cycle, or ""."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        now = runtime.clock.now()
        request = FindingRequest(
            inspection=chosen(inspection),
            unit=chosen(inspected_unit),
            finding=finding,
            remedy=remedy_action,
            owner=owner,
            remedy_by=remedy_by,
            operator=operator,
            reason=reason,
        )
        remedy = record_finding(runtime, request)
        name_inspection_run(runtime, "recorded", request.inspection, now)
        draft_inspection_papers(runtime, [request.inspection], now)
        counts = send_opened(runtime, remedy, now) if remedy else {}
        _show(runtime, now)
        say_what_is_left(counts)
        return remedy or ""


@flow(name="conclude-inspection")
def conclude_inspection(
    *, inspection: str, conclusion_number: str, concluded_on: date, summary: str, operator: str, reason: str
) -> None:
    """Record the conclusion that was signed and issued; a yearly inspection's lead has then done its duty."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        request = ConclusionRequest(
            inspection=chosen(inspection),
            number=conclusion_number,
            concluded_on=concluded_on,
            summary=summary,
            operator=operator,
            reason=reason,
        )
        conclude(runtime, request)
        name_inspection_run(runtime, "concluded", request.inspection, runtime.clock.now())
        _show(runtime, runtime.clock.now())


@flow(name="close-remedy")
def close_remedy(*, remedy: str, remedied_on: date, operator: str, reason: str) -> None:
    """Record that a remedy was carried out, so that its unit is chased no more."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        code = close(runtime, chosen(remedy), done_on=remedied_on, operator=operator, reason=reason)
        name_inspection_run(runtime, "closed", code, runtime.clock.now())
        _show(runtime, runtime.clock.now())


def _show(runtime: Runtime, now: datetime) -> None:
    publish_inspections(runtime, now)
    publish_day(runtime, now, {})  # with the board of a remedy that has just been opened
    refresh_choices(runtime, now)
