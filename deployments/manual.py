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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prefect import Flow

from tasks.choices import Choice

EVERY_OBLIGATION: Final[tuple[str, ...]] = ("",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualDeployment:
    """One thing that operators do by hand."""

    flow: Flow[Any, Any]
    code: str
    """Code of its messages."""
    serves: tuple[str, ...] = EVERY_OBLIGATION
    """Codes of the obligations it is there for."""
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """By parameter the kind of choice that its field offers."""


def manual_deployments() -> Iterator[ManualDeployment]:
    """Yield what operators do by hand, in the order of their numbers."""
    yield from ()
