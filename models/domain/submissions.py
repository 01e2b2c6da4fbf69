"""What becomes of an arrival: the signals of who sent it, its outcome, and when a duty was first complete."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from models.domain.forms import Finding
from models.domain.questions import Explanation
from models.domain.vocabulary import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Who an arrival seems to come from, by each way we can tell. Empty sets and None mean: this way says nothing."""

    token_duty: int | None = None
    """Duty named by a valid token, in the address, the subject or the hidden sheet."""
    token_is_bad: bool = False
    """A token was given and is not one of ours."""
    tokens_disagree: bool = False
    sender_units: frozenset[str] = frozenset()
    """Units that have the sender's address, or its mail domain, among their contacts."""
    failed_check: str = ""
    """The method by which our mail server found that the sender is not who it says; empty when none failed."""
    operator: str = ""
    """Who carried it here by hand; stands for the sender on the drop folder and the command line."""
    workbook_unit: str | None = None
    """Unit named inside the workbook."""

    @property
    def is_from_a_contact(self) -> bool:
        """Say whether it is known who sent it, or who carried it here."""
        return bool(self.operator) or (bool(self.sender_units) and not self.failed_check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Which duty an arrival answers, or the best guess with the reasons why a person must look."""

    duty_id: int | None
    unit_code: str | None
    is_certain: bool
    reasons: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The one outcome of an arrival, its reasons, and the duty it was put to (a guess when quarantined)."""

    outcome: Outcome
    reasons: tuple[Finding, ...] = ()
    duty_id: int | None = None
    unit_code: str | None = None
    cycle_code: str | None = None


class ReportedFigure(NamedTuple):
    """One cell of one accepted submission, as the database gives it; money in đồng."""

    unit_code: str
    field: str
    amount: int | None
    text: str | None
    is_estimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one arrival brought to a duty: a form without blocking finding, and which required attachments."""

    received_at: datetime
    has_sound_form: bool
    attachments: frozenset[str] = frozenset()


def completed_at(
    contributions: Iterable[Contribution], required: frozenset[str], *, needs_form: bool = True
) -> datetime | None:
    """Return the instant at which form and required attachments were first all there, whatever their order.

    Where neither is asked for, nothing that arrives completes the duty: a person or a reply does.
    """
    if not needs_form and not required:
        return None
    has_form = not needs_form
    missing = set(required)
    for contribution in sorted(contributions, key=lambda item: item.received_at):
        has_form = has_form or contribution.has_sound_form
        missing -= contribution.attachments
        if has_form and not missing:
            return contribution.received_at
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a unit wrote in its own text: a nil report, a promise, that it is done, that it is not its duty, or why."""

    is_nil: bool = False
    is_contest: bool = False
    """It says that the duty is not its own; a person decides."""
    promised_on: date | None = None
    done_on: date | None = None
    given: tuple[tuple[int, str], ...] = ()
    """Explanations by the number of the question in the letter that is answered; 0 is every one of them."""
    explained: tuple[Explanation, ...] = ()
    """The same, once it is known what had been asked."""
    reason: str = ""
