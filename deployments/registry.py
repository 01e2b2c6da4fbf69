"""One table from plan to Prefect: which deployments there are, when each runs, and what the operator reads of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, cast
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from deployments.manual import ManualDeployment, every_obligation, manual_deployments
from flows.calendars import publish_calendar
from flows.digesting import send_digests
from flows.inspecting import inspection_round
from flows.receiving import poll_mailbox
from flows.reporting import annual_plan_cycle, milestone_cycle, report_cycle, review_cycle
from models.domain.calendar import last_day_before
from models.domain.cycles import cycles_of_years
from models.domain.plan import Obligation, Programme
from models.domain.roll_call import roll_call_day
from models.domain.vocabulary import OFFICE_ZONE, ObligationKind
from tasks.adapters.texts import Texts
from tasks.choices import Choice, Offers, offer_in
from tasks.descriptions import description_of

WORK_POOL: Final = "van-phong"
"""The pool of process workers: on one machine `dondoc serve` starts its worker, on several each starts its own."""
ROUND_HOURS: Final = "8,14"
"""The hours at which a report's round runs: once each half-day, within office hours."""
POLL_MINUTES: Final = 5
DIGEST_CRON: Final = "40 7 * * *"
"""Every morning, soon after the office opens: a Saturday may be worked, and the program knows which."""
CALENDAR_CRON: Final = "30 6 * * 1"
"""Monday before the office opens."""
EVERY_MONTH: Final = "*"
DAYS_AFTER_THE_LAST_RUNG: Final = 60
"""How long after a cycle fell late its round still runs, for late units and their editions."""
ROUNDS: Final[Mapping[ObligationKind, Flow[Any, Any]]] = {
    ObligationKind.REPORT: report_cycle,
    ObligationKind.MILESTONE: milestone_cycle,
    ObligationKind.ANNUAL_PLAN: annual_plan_cycle,
    ObligationKind.INSPECTION: inspection_round,
    ObligationKind.REVIEW: review_cycle,
}
"""The flow of the rounds of a kind of obligation; a continuous one has none, its evidence is in the reports."""
ONE_AT_A_TIME: Final = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
"""Missed runs are never dropped by Prefect: on return all would start at once. One at a time, no queue."""
NOT_EMPTY: Final[Mapping[str, dict[str, object]]] = {
    "string": {"minLength": 1, "pattern": r"\S"},
    "array": {"minItems": 1},
}
"""What Prefect holds required fields of a form to before it starts a run, by their type."""
WRITTEN_SO: Final[Mapping[str, dict[str, object]]] = {"date": {"pattern": r"^\d{4}-\d{2}-\d{2}$"}}
"""How a required field is written, by its format: Prefect knows the formats and does not hold anybody to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What is registered with Prefect: the flow, its Vietnamese name and description, schedule and parameters."""

    code: str
    """By which the program knows it: the code of the obligation whose round it is, else that of its messages."""
    flow: Flow[Any, Any]
    name: str
    description: str
    tags: tuple[str, ...]
    crons: tuple[str, ...]
    parameters: dict[str, object] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """By parameter the kind of choice that its field offers."""
    is_by_hand: bool = False
    """An operator starts it, and is never turned away because another run of it goes on."""


def every_deployment(programmes: Sequence[Programme], texts: Texts, today: date) -> Iterator[Deployment]:
    """Yield everything that a home registers: the mailbox, the rounds of its programmes, and what is done by hand."""
    yield poll_of_mailbox(texts)
    yield calendar_of_years(texts)
    yield digests(texts)
    for programme in programmes:
        yield from deployments_of(programme, texts, today)
    yield from started_by_hand(programmes, texts)


def deployments_of(programme: Programme, texts: Texts, today: date) -> Iterator[Deployment]:
    """Yield the programme's rounds, in the order of the plan: one for each obligation that has cycles of its own."""
    for position, obligation in enumerate(programme.obligations, start=1):
        if not (obligation.is_scheduled or obligation.is_opened_by_hand):
            continue
        yield Deployment(
            code=obligation.code,
            flow=ROUNDS.get(obligation.kind, report_cycle),
            name=texts.say(
                "deployment.obligation.name",
                position=f"{position:02}",
                title=obligation.short_title,
                clause=obligation.clause,
            ),
            description=description_of(programme, obligation, texts, today),
            tags=(programme.code, obligation.code, texts.label(obligation.kind)),
            crons=_crons(programme, obligation, today),
            parameters={"obligation": obligation.code},
        )


def round_for(programmes: Iterable[Programme], code: str) -> Flow[Any, Any]:
    """Return the flow of an obligation's round by its code or slug; an unknown one is the flow's to refuse."""
    obligations = (obligation for programme in programmes for obligation in programme.obligations)
    kinds = [each.kind for each in obligations if code in {each.code, each.slug}]
    return ROUNDS.get(kinds[0], report_cycle) if kinds else report_cycle


def _crons(programme: Programme, obligation: Obligation, today: date) -> tuple[str, ...]:
    """Return when an obligation's round runs; once its last cycle is done with, only when a person asks for it."""
    cycles = cycles_of_years(programme, obligation, first_year=obligation.first_year, last_year=obligation.last_year)
    ends = [last_day_before(cycle.late_at) + timedelta(days=DAYS_AFTER_THE_LAST_RUNG) for cycle in cycles]
    if ends and max(ends) < today:
        return ()
    return tuple(f"0 {ROUND_HOURS} * {months} *" for months in months_of_rounds(programme, obligation))


def poll_of_mailbox(texts: Texts) -> Deployment:
    """Return the deployment that polls the mailbox; one serves every programme."""
    return Deployment(
        code="poll",
        flow=poll_mailbox,
        name=texts.say("deployment.poll.name"),
        description=texts.say("deployment.poll.description", minutes=POLL_MINUTES),
        tags=(texts.say("deployment.poll.tag"),),
        crons=(f"*/{POLL_MINUTES} * * * *",),
    )


def calendar_of_years(texts: Texts) -> Deployment:
    """Return the deployment that shows the calendars of this year and the next; one serves every programme."""
    return Deployment(
        code="calendar",
        flow=publish_calendar,
        name=texts.say("deployment.calendar.name"),
        description=texts.say("deployment.calendar.description"),
        tags=(texts.say("deployment.calendar.tag"),),
        crons=(CALENDAR_CRON,),
    )


def digests(texts: Texts) -> Deployment:
    """Return the deployment of the digests and the morning's status board; one serves every programme."""
    return Deployment(
        code="digest",
        flow=send_digests,
        name=texts.say("deployment.digest.name"),
        description=texts.say("deployment.digest.description"),
        tags=(texts.say("deployment.digest.tag"),),
        crons=(DIGEST_CRON,),
    )


def started_by_hand(programmes: Sequence[Programme], texts: Texts) -> Iterator[Deployment]:
    """Yield what operators start by hand: no schedule, a typed form, and the obligations it serves as tags."""
    obligations = [obligation for programme in programmes for obligation in programme.obligations]
    for manual in manual_deployments():
        yield Deployment(
            code=manual.code,
            flow=manual.flow,
            name=texts.say(f"deployment.{manual.code}.name"),
            description=texts.say(f"deployment.{manual.code}.description"),
            tags=(texts.say("deployment.by_hand"), *_served(manual, obligations)),
            crons=(),
            choices=manual.choices,
            is_by_hand=True,
        )


def months_of_rounds(programme: Programme, obligation: Obligation) -> list[str]:
    """Return the months in which an obligation's contacts are asked and its cycles open or chased, for a cron line.

    A range that crosses the new year is split in two, for a cron line cannot. What a person opens may run at any time:
    so may any inspection, for its remedies are chased until they are closed.
    """
    if obligation.is_opened_by_hand or obligation.kind is ObligationKind.INSPECTION:
        return ["*"]
    months: set[int] = set()
    for cycle in cycles_of_years(
        programme, obligation, first_year=obligation.first_year, last_year=obligation.last_year
    ):
        day = roll_call_day(cycle, programme.calendar) or cycle.opens_at.date()
        last = last_day_before(cycle.late_at) + timedelta(days=DAYS_AFTER_THE_LAST_RUNG)
        months |= {(day + timedelta(days=n)).month for n in range((last - day).days + 1)}
    return list(_ranges(sorted(months)))


def make_work_pool() -> None:
    """Make the pool of process workers, unless it is there."""
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process"), overwrite=True)


def forget_others(names: Iterable[str]) -> int:
    """Take out of the pool what it once ran and is registered no more, such as a round that was renamed."""
    kept = set(names)
    in_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[WORK_POOL]))
    with get_client(sync_client=True) as client:
        others = [each for each in client.read_deployments(work_pool_filter=in_pool) if each.name not in kept]
        for each in others:
            client.delete_deployment(each.id)
    return len(others)


def register(deployment: Deployment, texts: Texts, offers: Offers | None = None) -> UUID:
    """Create the deployment or bring it up to date, and return its id; its schedules keep their identity."""
    return cast(UUID, prepared(deployment, texts, offers or {}).apply())


def prepared(deployment: Deployment, texts: Texts, offers: Offers) -> RunnerDeployment:
    """Return the deployment as Prefect takes it, with a form in Vietnamese that offers what there is to choose from."""
    timezone = str(OFFICE_ZONE)
    made = cast(
        RunnerDeployment,
        deployment.flow.to_deployment(
            name=deployment.name,
            description=deployment.description,
            tags=list(deployment.tags),
            schedules=[
                Cron(cron, timezone=timezone, slug=f"lich-{number}")
                for number, cron in enumerate(deployment.crons, start=1)
            ],
            parameters=deployment.parameters,
            work_pool_name=WORK_POOL,
            entrypoint_type=EntrypointType.MODULE_PATH,
            concurrency_limit=None if deployment.is_by_hand else ONE_AT_A_TIME,
        ),
    )
    schema = made._parameter_openapi_schema  # noqa: SLF001 - Prefect has no door for titles of single parameters
    for name, described in schema.properties.items():
        described["title"] = texts.say(f"parameter.{name}.title")
        described["description"] = texts.say(f"parameter.{name}.description")
        if name in deployment.choices:
            offer_in(described, deployment.choices[name], offers)
        if deployment.is_by_hand and name in (schema.required or ()):
            described.update(NOT_EMPTY.get(described.get("type", ""), {}))
            described.update(WRITTEN_SO.get(described.get("format", ""), {}))
    return made


def _served(manual: ManualDeployment, obligations: Sequence[Obligation]) -> tuple[str, ...]:
    """Return the codes of the obligations that a manual deployment serves; none stands for all of them."""
    return () if manual.serves is every_obligation else tuple(o.code for o in obligations if manual.serves(o))


def _ranges(months: list[int]) -> Iterator[str]:
    start = None
    for month in months:
        start = month if start is None else start
        if month + 1 not in months:
            yield str(start) if start == month else f"{start}-{month}"
            start = None
