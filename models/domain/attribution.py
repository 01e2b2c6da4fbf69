"""Says which duty an arrival answers: three signals must agree, else a person looks at the best guess and its reasons.

The signals: the token (plus-address, subject, thread or hidden sheet), the sender (a contact's address, or the
operator who carried the file here), and the unit named inside the workbook.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.domain.forms import Finding, note
from models.domain.submissions import Attribution, Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyIdentity:
    """As much of a duty as attribution needs."""

    id: int
    unit_code: str
    cycle_code: str


def attribute(
    signals: Signals,
    *,
    duties: Mapping[int, DutyIdentity],
    open_duties: Mapping[str, tuple[int, ...]],
    needs_workbook: bool,
) -> Attribution:
    """Return the duty and whether it is certain.

    `duties` holds the duties that tokens named, `open_duties` the unanswered ones of each unit concerned, the newest
    last. `needs_workbook` is False for a one-line reply or a signed copy sent on its own, which name no unit inside.
    """
    named = duties.get(signals.token_duty) if signals.token_duty is not None else None
    reasons = (
        *_about_the_token(signals, named),
        *_about_the_sender(signals, named),
        *(_about_the_workbook(signals, named) if needs_workbook else ()),
    )
    if named is not None and not reasons:
        return Attribution(duty_id=named.id, unit_code=named.unit_code, is_certain=True)
    guessed_unit = _best_guess(signals, named)
    return Attribution(
        duty_id=_guessed_duty(guessed_unit, named, open_duties),
        unit_code=guessed_unit,
        is_certain=False,
        reasons=reasons,
    )


def _about_the_token(signals: Signals, named: DutyIdentity | None) -> tuple[Finding, ...]:
    if signals.tokens_disagree:
        return (note("tokens_disagree"),)
    if named is not None:
        return ()
    return (note("token_unknown" if signals.token_is_bad else "token_missing"),)


def _about_the_sender(signals: Signals, named: DutyIdentity | None) -> tuple[Finding, ...]:
    if signals.operator:
        return ()
    if not signals.sender_units:
        return (note("sender_unknown"),)
    if signals.failed_check:
        return (note("sender_not_authentic", method=signals.failed_check.upper()),)
    if named is not None and named.unit_code not in signals.sender_units:
        return (note("sender_of_another_unit"),)
    return ()


def _about_the_workbook(signals: Signals, named: DutyIdentity | None) -> tuple[Finding, ...]:
    if signals.workbook_unit is None:
        return (note("workbook_without_unit"),)
    if named is not None and named.unit_code != signals.workbook_unit:
        return (note("workbook_of_another_unit"),)
    return ()


def _best_guess(signals: Signals, named: DutyIdentity | None) -> str | None:
    only_sender = next(iter(signals.sender_units)) if len(signals.sender_units) == 1 else None
    votes = [vote for vote in (named.unit_code if named else None, only_sender, signals.workbook_unit) if vote]
    return max(votes, key=votes.count) if votes else None


def _guessed_duty(
    unit_code: str | None, named: DutyIdentity | None, open_duties: Mapping[str, tuple[int, ...]]
) -> int | None:
    if unit_code is None:
        return None
    if named is not None and named.unit_code == unit_code:
        return named.id
    waiting = open_duties.get(unit_code, ())
    return waiting[-1] if waiting else None
