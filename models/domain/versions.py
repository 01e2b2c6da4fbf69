"""Says what a further version of a report is to the one that counts: the same, in its place, or too late for that.

The newest version counts until the report is closed: until a final edition that contains the accepted one, or until the
cycle closes. From then on a person decides, but for one thing: actual figures may always take the place of estimates.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.domain.forms import CheckedForm, Figure


class VersionChange(StrEnum):
    """What a further version is to the one that counts."""

    UNCHANGED = "unchanged"
    REPLACES = "replaces"
    ACTUALS = "actuals"
    """The report is closed, and nothing is new but that estimates have become actual figures."""
    LOCKED = "locked"
    """The report is closed: it waits for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedVersion:
    """The version that counts: when it was received, and what it says."""

    received_at: datetime
    form: CheckedForm


def is_locked(
    accepted_at: datetime | None, *, finals: Iterable[datetime], closes_at: datetime | None, as_of: datetime
) -> bool:
    """Say whether what was accepted at an instant may no longer be replaced without a person.

    `finals` are the instants of the final editions. An answer accepted after the last of them, and after the close, is
    not locked before an edition contains it: who is late may still correct a slip on the same day.
    """
    if accepted_at is None:
        return False
    is_closed = closes_at is not None and accepted_at < closes_at <= as_of
    return is_closed or any(accepted_at <= final <= as_of for final in finals)


def change_of(form: CheckedForm, counted: CountedVersion | None, *, locked: bool) -> VersionChange:
    """Return what a sound form is to the version that counts; None for one that counts without figures (nil)."""
    if counted is not None and _says_the_same(form, counted.form):
        return VersionChange.UNCHANGED
    if not locked:
        return VersionChange.REPLACES
    if counted is not None and actuals_in(form, counted.form):
        return VersionChange.ACTUALS
    return VersionChange.LOCKED


def actuals_in(form: CheckedForm, before: CheckedForm) -> tuple[str, ...]:
    """Return the fields whose estimates have become actual figures; none when anything else is new as well."""
    earlier = {figure.field: figure for figure in before.figures}
    changed = [figure for figure in form.figures if figure != earlier.get(figure.field)]
    lost = earlier.keys() - {figure.field for figure in form.figures}
    is_only_actuals = not lost and all(_settles(figure, earlier.get(figure.field)) for figure in changed)
    is_same_text = dict(form.narratives) == dict(before.narratives)
    return tuple(figure.field for figure in changed) if is_only_actuals and is_same_text else ()


def _settles(figure: Figure, before: Figure | None) -> bool:
    return before is not None and before.is_estimate and not figure.is_estimate


def _says_the_same(form: CheckedForm, before: CheckedForm) -> bool:
    return set(form.figures) == set(before.figures) and dict(form.narratives) == dict(before.narratives)
