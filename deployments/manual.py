"""The table of what operators do by hand: one entry a flow; it knows which form each gets, and nothing of the doing.

To add one:

1. A flow in `flows/<topic>.py` (add the module to the contract "Flows are independent" in `pyproject.toml`). Each
   parameter without a default is required in the form, a text among them may not be blank. Every flow takes `operator`
   and `reason`; its task signs by `tasks.operators.sign` and writes `signature.entry(...)` with
   `models.db.records.audit.note_action` in the transaction of the act. A parameter with choices is a `str` or a
   `list[str]`, and the flow takes the codes by `tasks.choices.chosen`.
2. An entry below. `choices` says which parameters are lists to choose from (`tasks.choices.Choice`).
3. In the topic's messages: `deployment.<code>.name` ("50 · Gia hạn": numbers from 50), `deployment.<code>.description`,
   and for each new parameter `parameter.<name>.title` and `.description`; one name means the same everywhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prefect import Flow

from flows import handling
from flows.assigning import close_task, import_tasks
from flows.handing_over import send_result
from flows.inspecting import close_remedy, conclude_inspection, record_inspection_findings, start_inspection
from flows.planning import prepare_target_sheet, set_targets
from flows.reviewing import (
    decide_contest,
    enter_classification,
    freeze_review,
    make_dossier,
    open_review,
    record_contest,
)
from models.domain.calendar import AfterCycle
from models.domain.plan import Obligation
from models.domain.vocabulary import ObligationKind, Proposed
from tasks.choices import Choice

Serves = Callable[[Obligation], bool]
"""Says which obligations a deployment is there for, by what they are: no code of a programme stands here."""


def every_obligation(_obligation: Obligation) -> bool:
    """Say that a deployment is there for all of them."""
    return True


def inspections(obligation: Obligation) -> bool:
    """Say whether it is inspected under the obligation."""
    return obligation.kind is ObligationKind.INSPECTION


def annual_plans(obligation: Obligation) -> bool:
    """Say whether the obligation gives out the year's targets."""
    return obligation.kind is ObligationKind.ANNUAL_PLAN


def assigned_tasks(obligation: Obligation) -> bool:
    """Say whether the obligation's tasks are given out from an annex."""
    return obligation.kind is ObligationKind.MILESTONE and obligation.is_opened_by_hand


def reviews(obligation: Obligation) -> bool:
    """Say whether units are reviewed under the obligation."""
    return obligation.kind is ObligationKind.REVIEW and obligation.proposes is None


def proposals(obligation: Obligation) -> bool:
    """Say whether something is proposed under the obligation when a review is over."""
    return obligation.proposes is not None


def lowerings(obligation: Obligation) -> bool:
    """Say whether lowering is proposed under the obligation."""
    return obligation.proposes is Proposed.LOWERING


def reported_upward(obligation: Obligation) -> bool:
    """Say whether the obligation hands on what other obligations' cycles have brought."""
    return any(isinstance(rule.due, AfterCycle) for rule in obligation.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualDeployment:
    """One thing that operators do by hand."""

    flow: Flow[Any, Any]
    code: str
    """Code of its messages."""
    serves: Serves = every_obligation
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """By parameter the kind of choice that its field offers."""


def manual_deployments() -> Iterator[ManualDeployment]:
    """Yield what operators do by hand, in the order of their numbers."""
    yield from _handling()
    yield ManualDeployment(
        flow=start_inspection,
        code="start_inspection",
        serves=inspections,
        choices={
            "inspection_obligation": Choice.INSPECTION_OBLIGATIONS,
            "inspected_units": Choice.UNITS_IN_FORCE,
        },
    )
    yield ManualDeployment(
        flow=record_inspection_findings,
        code="record_inspection",
        serves=inspections,
        choices={"inspection": Choice.INSPECTIONS, "inspected_unit": Choice.INSPECTED_UNITS},
    )
    yield ManualDeployment(
        flow=conclude_inspection,
        code="conclude_inspection",
        serves=inspections,
        choices={"inspection": Choice.INSPECTIONS},
    )
    yield ManualDeployment(
        flow=close_remedy, code="close_remedy", serves=inspections, choices={"remedy": Choice.OPEN_REMEDIES}
    )
    yield ManualDeployment(flow=import_tasks, code="import_tasks", serves=assigned_tasks)
    yield ManualDeployment(
        flow=close_task, code="close_task", serves=assigned_tasks, choices={"owed_task": Choice.OWED_TASKS}
    )
    yield ManualDeployment(
        flow=send_result, code="send_result", serves=reported_upward, choices={"cycle": Choice.OPENED_CYCLES}
    )
    yield ManualDeployment(
        flow=handling.add_units_to_cycle,
        code="expect_units",
        choices={"cycle": Choice.OPENED_CYCLES, "added_units": Choice.UNITS_IN_FORCE},
    )
    yield ManualDeployment(flow=prepare_target_sheet, code="target_sheet", serves=annual_plans)
    yield ManualDeployment(flow=set_targets, code="set_targets", serves=annual_plans)
    yield from _reviewing()


def _reviewing() -> Iterator[ManualDeployment]:
    """Yield what is done to the units' scores, to objections, and to what is proposed in the end."""
    of_a_review = {"review": Choice.REVIEWS}
    yield ManualDeployment(
        flow=open_review, code="open_review", serves=reviews, choices={"review_kind": Choice.REVIEW_KINDS}
    )
    yield ManualDeployment(
        flow=record_contest,
        code="record_contest",
        serves=reviews,
        choices=of_a_review | {"reviewed_unit": Choice.REVIEWED_UNITS, "criterion": Choice.CRITERIA},
    )
    yield ManualDeployment(
        flow=decide_contest,
        code="decide_contest",
        serves=reviews,
        choices={"contest": Choice.OPEN_CONTESTS, "contest_decision": Choice.CONTEST_DECISIONS},
    )
    yield ManualDeployment(flow=freeze_review, code="freeze_review", serves=reviews, choices=of_a_review)
    yield ManualDeployment(
        flow=enter_classification,
        code="enter_classification",
        serves=lowerings,
        choices={"classified_unit": Choice.UNITS_WITH_DUTIES, "grade": Choice.GRADES},
    )
    yield ManualDeployment(flow=make_dossier, code="make_dossier", serves=proposals, choices=of_a_review)


def _handling() -> Iterator[ManualDeployment]:
    """Yield what is done to duties, arrivals, cycles and the roster of any obligation."""
    of_a_cycle = {"cycle": Choice.OPENED_CYCLES}
    with_units = of_a_cycle | {"units": Choice.UNITS_WITH_DUTIES}
    with_a_unit = of_a_cycle | {"unit": Choice.UNITS_WITH_DUTIES}
    yield ManualDeployment(flow=handling.extend_deadline, code="extend", choices=with_units)
    yield ManualDeployment(flow=handling.waive_duty, code="waive", choices=with_units)
    yield ManualDeployment(
        flow=handling.accept_arrival, code="accept", choices={"unaccepted_arrival": Choice.UNACCEPTED_ARRIVALS}
    )
    yield ManualDeployment(flow=handling.return_answer, code="return", choices=with_a_unit)
    yield ManualDeployment(flow=handling.enter_for_unit, code="enter_on_behalf", choices=with_a_unit)
    yield ManualDeployment(
        flow=handling.chase_units_now,
        code="chase_now",
        choices=of_a_cycle | {"chased_units": Choice.UNITS_WITH_DUTIES},
    )
    yield ManualDeployment(flow=handling.mute_units, code="mute", choices=with_units)
    yield ManualDeployment(
        flow=handling.compile_cycle_now,
        code="compile_now",
        choices=of_a_cycle | {"edition_kind": Choice.EDITION_KINDS},
    )
    yield ManualDeployment(flow=handling.load_roster, code="import_roster")
    yield ManualDeployment(
        flow=handling.resolve_arrival,
        code="resolve_quarantine",
        choices={
            "held_arrival": Choice.QUARANTINED_ARRIVALS,
            "held_cycle": Choice.OPENED_CYCLES,
            "held_unit": Choice.UNITS_WITH_DUTIES,
        },
    )
