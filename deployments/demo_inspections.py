"""The second act of the demo: the inspection of the third quarter and one ad hoc, started with their own forms.

What an operator would type stands in `templates/messages/demo.vi.yaml`; what there is to choose is taken from the
form as Prefect has it, so that a form which cannot be filled stops the demo.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.texts import Texts

YEARLY: Final = "O-12"
AD_HOC: Final = "O-14"
CHOSEN_UNITS: Final = ("so-y-te", "cuc-thue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One moment of the act: a run of a deployment with what its form is filled with, or what units do."""

    at: datetime
    deployment: str = ""
    """Code of the deployment that runs; empty: units write."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """By parameter what is typed; a text that begins with `=` is looked up among the form's choices."""
    writers: tuple[str, ...] = ()
    """Units that write, each what `act` says."""
    act: str = ""


def second_act(texts: Texts) -> Iterator[Step]:
    """Yield the act in the order of time."""

    def said(name: str) -> str:
        return texts.say(f"demo.inspection.{name}")

    signed = {"operator": said("operator"), "reason": said("reason")}
    team = [said("member_1"), said("member_2")]
    yield Step(at=_at(7, 10, 8), deployment=YEARLY)
    yield Step(
        at=_at(7, 10, 9),
        deployment="start_inspection",
        fields={
            "inspection_obligation": f"={YEARLY}",
            "inspection_title": said("yearly.title"),
            "scope": said("yearly.scope"),
            "basis": said("yearly.basis"),
            "leader": said("leader"),
            "team": team,
            "n_by_risk": 3,
            "seed": "quy-3-2025",
            "explain_by": "2025-07-22",
            "starts_on": "2025-07-28",
            "ends_on": "2025-08-08",
            "conclude_by": "2025-09-19",
            **signed,
        },
    )
    yield Step(
        at=_at(7, 14, 9),
        deployment="start_inspection",
        fields={
            "inspection_obligation": f"={AD_HOC}",
            "inspection_title": said("ad_hoc.title"),
            "scope": said("ad_hoc.scope"),
            "basis": said("ad_hoc.basis"),
            "leader": said("leader"),
            "team": team,
            "inspected_units": [f"={code}" for code in CHOSEN_UNITS],
            "explain_by": "2025-07-18",
            "starts_on": "2025-07-22",
            "ends_on": "2025-07-23",
            "conclude_by": "2025-07-31",
            **signed,
        },
    )
    yield Step(at=_at(7, 16, 10), writers=CHOSEN_UNITS, act="answer")
    yield Step(at=_at(7, 16, 17), deployment="poll")
    yield Step(at=_at(7, 18, 8), deployment=YEARLY)
    yield Step(at=_at(7, 23, 8), deployment=YEARLY)
    yield Step(
        at=_at(7, 24, 9),
        deployment="record_inspection",
        fields={
            "inspection": said("ad_hoc.title"),
            "inspected_unit": f"={CHOSEN_UNITS[0]}",
            "finding": said("finding"),
            "remedy_action": said("remedy"),
            "owner": said("owner"),
            "remedy_by": "2025-08-15",
            **signed,
        },
    )
    yield Step(
        at=_at(7, 29, 9),
        deployment="conclude_inspection",
        fields={
            "inspection": said("ad_hoc.title"),
            "conclusion_number": said("ad_hoc.number"),
            "concluded_on": "2025-07-29",
            "summary": said("ad_hoc.summary"),
            **signed,
        },
    )
    yield Step(at=_at(8, 13, 8), deployment=AD_HOC)
    yield Step(at=_at(8, 14, 9), writers=CHOSEN_UNITS[:1], act="send_evidence")
    yield Step(at=_at(8, 14, 17), deployment="poll")
    yield Step(
        at=_at(9, 18, 9),
        deployment="conclude_inspection",
        fields={
            "inspection": said("yearly.title"),
            "conclusion_number": said("yearly.number"),
            "concluded_on": "2025-09-18",
            "summary": said("yearly.summary"),
            **signed,
        },
    )
    yield Step(at=_at(9, 18, 14), deployment=YEARLY)


def filled(fields: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form is sent with: what is to be chosen is taken from the choices the form offers.

    Raises:
        LookupError: the form does not offer it.
    """
    properties = schema["properties"]
    return {name: _chosen(value, properties[name]) for name, value in fields.items()}


def _chosen(value: object, described: Mapping[str, Any]) -> object:
    if isinstance(value, list):
        return [_chosen(each, described.get("items", {})) for each in value]
    offered = described.get("enum")
    if not isinstance(value, str) or offered is None:
        return value
    if value.startswith("="):
        found = [each for each in offered if each.split(" ", 1)[0] == value[1:]]
    else:
        found = [each for each in offered if value in each]
    if not found:
        raise LookupError(value, offered)
    return found[0]


def _at(month: int, day: int, hour: int) -> datetime:
    return datetime(2025, month, day, hour, tzinfo=OFFICE_ZONE)
