"""What an operator may choose from in the forms of Prefect's pages: units, cycles, arrivals, as they are now.

A choice reads `code · name`; a flow takes the code (`chosen`). To offer a new kind of choice, add a member to `Choice`
and its function to `_OFFERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.runtime import flow_run
from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles, inspections, reviews
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import ContestDecision, EditionKind, Grade, ObligationKind, ReviewKind
from tasks.assign_tasks import owed_tasks
from tasks.import_roster import roster_in_force
from tasks.inspection_risks import open_remedies
from tasks.runtime import Runtime

SEPARATOR: Final = " · "
CHOICES_KEY: Final = "x-choices"
"""The property of a form's field that says which kind of choice it offers, so that it can be brought up to date."""
MOST_CHOICES: Final = 2000
"""Beyond so many a list helps nobody: the field becomes one into which a code is written."""


class Choice(StrEnum):
    """A kind of choice that a field of a form may offer."""

    UNITS_IN_FORCE = "units_in_force"
    UNITS_WITH_DUTIES = "units_with_duties"
    OPENED_CYCLES = "opened_cycles"
    QUARANTINED_ARRIVALS = "quarantined_arrivals"
    UNACCEPTED_ARRIVALS = "unaccepted_arrivals"
    EDITION_KINDS = "edition_kinds"
    INSPECTION_OBLIGATIONS = "inspection_obligations"
    INSPECTIONS = "inspections"
    INSPECTED_UNITS = "inspected_units"
    OPEN_REMEDIES = "open_remedies"
    OWED_TASKS = "owed_tasks"
    REVIEWS = "reviews"
    REVIEWED_UNITS = "reviewed_units"
    REVIEW_KINDS = "review_kinds"
    CRITERIA = "criteria"
    OPEN_CONTESTS = "open_contests"
    CONTEST_DECISIONS = "contest_decisions"
    GRADES = "grades"


Offers = Mapping[Choice, Sequence[str]]


def chosen(choice: str) -> str:
    """Return the code of a choice, or what was written in its place."""
    return choice.split(SEPARATOR, 1)[0].strip()


def number_of(choice: str) -> int:
    """Return the number of an arrival that was chosen.

    Raises:
        ActionRefusedError: it is no number.
    """
    code = chosen(choice)
    if not (code.isascii() and code.isdigit()):
        raise ActionRefusedError("arrival_unknown", arrival=code)
    return int(code)


def labelled(code: object, name: str) -> str:
    """Return a choice as a form shows it."""
    return f"{code}{SEPARATOR}{name}"


def offers_at(runtime: Runtime, as_of: datetime) -> dict[Choice, list[str]]:
    """Return every kind of choice as it stands at the instant; an empty one says so in its only line."""
    with runtime.sessions() as session:
        found = {kind: offer(runtime, session, as_of) for kind, offer in _OFFERS.items()}
    nothing = labelled("–", runtime.texts.say("choice.nothing"))
    return {kind: offered or [nothing] for kind, offered in found.items()}


def offer_in(described: dict[str, object], kind: Choice, offers: Offers) -> None:
    """Let a field of a form offer a kind of choice; the field of a list offers it for each of its members."""
    described[CHOICES_KEY] = kind.value
    _flatten(described)
    items = described.get("items")
    member = items if isinstance(items, dict) else described
    if len(offers[kind]) > MOST_CHOICES:
        member.pop("enum", None)
    else:
        blank = described.get("default")  # what may be left empty is offered empty, too
        member["enum"] = [blank, *offers[kind]] if blank == "" else list(offers[kind])


def _flatten(described: dict[str, object]) -> None:
    """Let a list that may be left out be an empty list: the pages draw one field for it, not two."""
    ways = described.get("anyOf")
    lists = [way for way in ways if "items" in way] if isinstance(ways, list) else []
    if lists:
        del described["anyOf"]
        described.update(lists[0])
        described["default"] = []


def refresh_choices(runtime: Runtime, as_of: datetime) -> int:
    """Bring the choices of all manual deployments up to date, and return how many forms have changed.

    Outside a run there are no pages, and nothing is done.
    """
    if not flow_run.id:
        return 0
    offers = offers_at(runtime, as_of)
    by_hand = DeploymentFilter(tags=DeploymentFilterTags(all_=[runtime.texts.say("deployment.by_hand")]))
    n_changed = 0
    with get_client(sync_client=True) as client:
        for deployment in client.read_deployments(deployment_filter=by_hand):
            schema = deployment.parameter_openapi_schema
            if schema is not None and _offer_anew(schema, offers):
                client.update_deployment(deployment.id, DeploymentUpdate(parameter_openapi_schema=schema))
                n_changed += 1
    return n_changed


def _offer_anew(schema: object, offers: Offers) -> bool:
    """Bring the fields of one form up to date, in place, and say whether any has changed."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else getattr(schema, "properties", {})
    before = repr(properties)
    for described in properties.values():
        if kind := described.get(CHOICES_KEY):
            offer_in(described, Choice(kind), offers)
    return repr(properties) != before


def _units_in_force(runtime: Runtime, _session: Session, as_of: datetime) -> list[str]:
    units = roster_in_force(runtime, as_of.date(), limit=MOST_CHOICES + 1)
    return [labelled(unit.code, unit.name) for unit in units]


def _units_with_duties(_runtime: Runtime, session: Session, _as_of: datetime) -> list[str]:
    return [labelled(code, name) for code, name in cycles.units_with_duties(session, limit=MOST_CHOICES + 1)]


def _opened_cycles(_runtime: Runtime, session: Session, as_of: datetime) -> list[str]:
    opened = [cycle for cycle in cycles.all_cycles(session) if cycle.opens_at <= as_of]
    return [labelled(cycle.code, cycle.title) for cycle in reversed(opened)]


def _quarantined_arrivals(runtime: Runtime, session: Session, _as_of: datetime) -> list[str]:
    return [arrival_choice(runtime, item) for item in arrivals.in_quarantine(session)]


def _unaccepted_arrivals(runtime: Runtime, session: Session, _as_of: datetime) -> list[str]:
    return [arrival_choice(runtime, item) for item in arrivals.unaccepted(session, limit=MOST_CHOICES)]


def _edition_kinds(runtime: Runtime, _session: Session, _as_of: datetime) -> list[str]:
    return [labelled(kind.value, runtime.texts.label(kind)) for kind in EditionKind]


def _inspection_obligations(runtime: Runtime, _session: Session, _as_of: datetime) -> list[str]:
    obligations = [each for programme in runtime.programmes.values() for each in programme.obligations]
    return [
        labelled(each.code, f"{each.short_title} ({each.clause})")
        for each in obligations
        if each.kind is ObligationKind.INSPECTION
    ]


def _inspections(runtime: Runtime, session: Session, as_of: datetime) -> list[str]:
    held = [each for code in runtime.programmes for each in inspections.inspections_of(session, code, started_by=as_of)]
    return [labelled(each.code, each.title) for each in reversed(held)]


def _inspected_units(runtime: Runtime, session: Session, as_of: datetime) -> list[str]:
    held = [each for code in runtime.programmes for each in inspections.inspections_of(session, code, started_by=as_of)]
    records = [
        record.duty
        for each in held
        for chunk in cycles.duties_in_chunks(session, each.code, size=runtime.settings.units_per_chunk)
        for record in chunk
    ]
    return sorted({labelled(duty.unit_code, duty.unit_name) for duty in records})


def _open_remedies(runtime: Runtime, session: Session, as_of: datetime) -> list[str]:
    owed = [record.duty for code in runtime.programmes for record in open_remedies(session, code, as_of)]
    return [labelled(duty.cycle_code, duty.unit_name) for duty in owed]


def _owed_tasks(runtime: Runtime, session: Session, as_of: datetime) -> list[str]:
    owed = owed_tasks(runtime, session, as_of)
    return [labelled(code, SEPARATOR.join([title, unit])) for code, title, unit in owed]


def _reviews(runtime: Runtime, session: Session, _as_of: datetime) -> list[str]:
    held = [each for code in runtime.programmes for each in reviews.reviews_of(session, code)]
    return [labelled(each.code, each.title) for each in reversed(held)]


def _reviewed_units(runtime: Runtime, session: Session, _as_of: datetime) -> list[str]:
    held = [each for code in runtime.programmes for each in reviews.reviews_of(session, code)]
    units = [unit for each in held if not each.is_frozen for unit in reviews.scores(session, each.code)]
    return sorted({labelled(unit.unit_code, unit.unit_name) for unit in units})


def _criteria(runtime: Runtime, _session: Session, _as_of: datetime) -> list[str]:
    return [labelled(each.code, each.title) for programme in runtime.programmes.values() for each in programme.criteria]


def _open_contests(runtime: Runtime, session: Session, _as_of: datetime) -> list[str]:
    held = [each for code in runtime.programmes for each in reviews.reviews_of(session, code)]
    return [
        labelled(contest.number, SEPARATOR.join([contest.unit_code, contest.criterion, each.title]))
        for each in held
        for contest in reviews.contests(session, each.code)
        if contest.decision is None
    ]


def _words_of(words: type[StrEnum]) -> Callable[[Runtime, Session, datetime], list[str]]:
    def offer(runtime: Runtime, _session: Session, _as_of: datetime) -> list[str]:
        return [labelled(word.value, runtime.texts.label(word)) for word in words]

    return offer


def arrival_choice(runtime: Runtime, item: arrivals.JudgedArrival) -> str:
    """Return an arrival as the forms offer it."""
    who = item.whence or item.envelope.workbook_name or "–"
    what = runtime.texts.label(item.outcome)
    return labelled(item.id, SEPARATOR.join([what, who, runtime.texts.instant(item.received_at)]))


_OFFERS: Final[Mapping[Choice, Callable[[Runtime, Session, datetime], list[str]]]] = {
    Choice.UNITS_IN_FORCE: _units_in_force,
    Choice.UNITS_WITH_DUTIES: _units_with_duties,
    Choice.OPENED_CYCLES: _opened_cycles,
    Choice.QUARANTINED_ARRIVALS: _quarantined_arrivals,
    Choice.UNACCEPTED_ARRIVALS: _unaccepted_arrivals,
    Choice.EDITION_KINDS: _edition_kinds,
    Choice.INSPECTION_OBLIGATIONS: _inspection_obligations,
    Choice.INSPECTIONS: _inspections,
    Choice.INSPECTED_UNITS: _inspected_units,
    Choice.OPEN_REMEDIES: _open_remedies,
    Choice.OWED_TASKS: _owed_tasks,
    Choice.REVIEWS: _reviews,
    Choice.REVIEWED_UNITS: _reviewed_units,
    Choice.REVIEW_KINDS: _words_of(ReviewKind),
    Choice.CRITERIA: _criteria,
    Choice.OPEN_CONTESTS: _open_contests,
    Choice.CONTEST_DECISIONS: _words_of(ContestDecision),
    Choice.GRADES: _words_of(Grade),
}
