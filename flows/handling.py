"""What operators do by hand to duties, arrivals, cycles and the roster: each asks who and why, and is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from prefect import flow

from flows.endings import told_to_the_operator
from models.domain.vocabulary import ANSWERS, EditionKind, LetterKind
from tasks import handle_duties
from tasks.bring_roster import bring_roster, preview_roster
from tasks.chase_now import chase_now
from tasks.choices import chosen, number_of
from tasks.compile_now import compile_now
from tasks.enter_on_behalf import Entry, enter_on_behalf
from tasks.expect_units import expect_units
from tasks.handle_duties import Done
from tasks.operators import Signature, sign
from tasks.post import post_letters, say_what_is_left
from tasks.publish_actions import publish_done
from tasks.resolve_quarantine import Resolution, resolve_quarantine
from tasks.runtime import Runtime, open_runtime
from tasks.settings import Settings


@contextmanager
def _act(operator: str, reason: str) -> Iterator[tuple[Runtime, Signature]]:
    """Yield what an act needs, signed; a problem becomes the first line of the run."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        yield runtime, sign(runtime, operator, reason)


def _end(runtime: Runtime, done: Done, signature: Signature, *kinds: LetterKind) -> dict[str, int]:
    """Send the letters that an act queued, show what it changed, and return the counts."""
    counts = {"changed": done.n_changed}
    if kinds:
        counts |= post_letters(runtime, kinds)
    publish_done(runtime, done, signature)
    say_what_is_left(counts)
    return counts


@flow(name="extend-deadline")
def extend_deadline(cycle: str, units: list[str], last_day: date, reason: str, operator: str) -> dict[str, int]:
    """Give units of a cycle until the end of a later day. Safe to run again: the same day is granted once."""
    with _act(operator, reason) as (runtime, signature):
        codes = list(map(chosen, units))
        done = handle_duties.extend(runtime, chosen(cycle), codes, last_day=last_day, signature=signature)
        return _end(runtime, done, signature)


@flow(name="waive-duty")
def waive_duty(cycle: str, units: list[str], reason: str, operator: str) -> dict[str, int]:
    """Let units of a cycle owe nothing. Safe to run again."""
    with _act(operator, reason) as (runtime, signature):
        done = handle_duties.waive(runtime, chosen(cycle), list(map(chosen, units)), signature=signature)
        return _end(runtime, done, signature)


@flow(name="accept-arrival")
def accept_arrival(unaccepted_arrival: str, reason: str, operator: str) -> dict[str, int]:
    """Let an arrival that was returned or is held count from its receipt. Safe to run again."""
    with _act(operator, reason) as (runtime, signature):
        done = handle_duties.accept(runtime, number_of(unaccepted_arrival), signature=signature)
        return _end(runtime, done, signature, *ANSWERS)


@flow(name="return-answer")
def return_answer(cycle: str, unit: str, comment: str, last_day: date, reason: str, operator: str) -> dict[str, int]:
    """Give a unit's answer back with a comment and a new last day. Safe to run again: it is given back once."""
    with _act(operator, reason) as (runtime, signature):
        done = handle_duties.give_back(
            runtime, chosen(cycle), chosen(unit), comment=comment, last_day=last_day, signature=signature
        )
        return _end(runtime, done, signature, *ANSWERS)


@flow(name="enter-on-behalf")
def enter_for_unit(  # noqa: PLR0913 - one field of the form each
    cycle: str,
    unit: str,
    received_at: datetime,
    reason: str,
    operator: str,
    *,
    drop_file: str = "",
    has_signed_copy: bool = True,
) -> dict[str, int]:
    """Enter what a unit handed in on paper or by another system. Safe to run again: the same entry is taken once."""
    with _act(operator, reason) as (runtime, signature):
        entry = Entry(
            cycle_code=chosen(cycle),
            unit_code=chosen(unit),
            received_at=received_at,
            file=drop_file,
            has_documents=has_signed_copy,
        )
        done = enter_on_behalf(runtime, entry, signature=signature)
        return _end(runtime, done, signature, *ANSWERS)


@flow(name="chase-now")
def chase_units_now(cycle: str, reason: str, operator: str, chased_units: list[str] | None = None) -> dict[str, int]:
    """Write to units that owe an answer and have had no letter today. Safe to run again: one letter a day."""
    with _act(operator, reason) as (runtime, signature):
        codes = list(map(chosen, chased_units or []))
        done = chase_now(runtime, chosen(cycle), codes, signature=signature)
        return _end(runtime, done, signature, LetterKind.CHASE)


@flow(name="mute-unit")
def mute_units(cycle: str, units: list[str], last_day: date, reason: str, operator: str) -> dict[str, int]:
    """Leave units of a cycle alone until the end of a day; the deadline stays. Safe to run again."""
    with _act(operator, reason) as (runtime, signature):
        codes = list(map(chosen, units))
        done = handle_duties.mute(runtime, chosen(cycle), codes, last_day=last_day, signature=signature)
        return _end(runtime, done, signature)


@flow(name="compile-now")
def compile_cycle_now(cycle: str, edition_kind: str, reason: str, operator: str) -> dict[str, int]:
    """Compile a cycle as it stands now. Safe to run again: the same inputs never make a second edition."""
    with _act(operator, reason) as (runtime, signature):
        done = compile_now(runtime, chosen(cycle), EditionKind(chosen(edition_kind)), signature=signature)
        return _end(runtime, done, signature)


@flow(name="import-roster")
def load_roster(roster_file: str, reason: str, operator: str, *, only_preview: bool = False) -> dict[str, int]:
    """Show what a roster's file would change, and load it, all of it or nothing. Safe to run again."""
    with _act(operator, reason) as (runtime, signature):
        n_changes = len(preview_roster(runtime, roster_file))
        if only_preview:
            return {"changes": n_changes}
        return _end(runtime, bring_roster(runtime, roster_file, signature=signature), signature)


@flow(name="expect-units")
def add_units_to_cycle(
    cycle: str, added_units: list[str], reason: str, operator: str, own_last_day: date | None = None
) -> dict[str, int]:
    """Let units that were founded since the opening owe an answer, too. Safe to run again: each is added once."""
    with _act(operator, reason) as (runtime, signature):
        codes = list(map(chosen, added_units))
        done = expect_units(runtime, chosen(cycle), codes, last_day=own_last_day, signature=signature)
        return _end(runtime, done, signature)


@flow(name="resolve-quarantine")
def resolve_arrival(
    held_arrival: str,
    reason: str,
    operator: str,
    *,
    held_cycle: str = "",
    held_unit: str = "",
    remember_sender: bool = False,
) -> dict[str, int]:
    """Put an arrival in quarantine to a unit's duty, or leave it aside. Safe to run again: it is dealt with once."""
    with _act(operator, reason) as (runtime, signature):
        resolution = Resolution(
            arrival_id=number_of(held_arrival),
            cycle_code=chosen(held_cycle),
            unit_code=chosen(held_unit),
            remember_sender=remember_sender,
        )
        done = resolve_quarantine(runtime, resolution, signature=signature)
        return _end(runtime, done, signature, *ANSWERS)
