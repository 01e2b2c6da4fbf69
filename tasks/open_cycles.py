"""Opens the cycles that have come: freezes who is expected, and stamps one form for each."""

import base64
import gc
import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, rosters
from models.db.turns import Turn, take_turn
from models.domain.closing import is_never_closed
from models.domain.cycles import Cycle, cycles_to_open
from models.domain.plan import Programme
from models.domain.roster import Roster, Unit
from tasks.holding import lost
from tasks.names import run_name
from tasks.pieces import stamped_forms
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
TOKEN_BYTES: Final = 10
FORMS_UNTIL_WORD: Final = 5_000
"""After so many forms the run says how far it is: some seconds of work, and more than most offices have."""
TIME_FOR_LATE_ANSWERS: Final = timedelta(days=60)


@task(name="open-cycles", task_run_name=run_name("open_cycles"), cache_policy=NO_CACHE)
def open_due_cycles(runtime: Runtime, obligation_code: str, as_of: datetime, *, dry_run: bool = False) -> list[str]:
    """Open the obligation's cycles that are due to open at the instant, and return the codes of the new ones.

    The expected set is the roster of the day on which the cycle opens. A cycle opens once: running again, or by
    two rounds at once, does nothing. With `dry_run` the codes are those that would be opened.
    """
    programme, obligation = runtime.programme_with(obligation_code)
    opened = []
    with _no_search_for_cycles(), runtime.sessions() as session:
        if not dry_run:
            take_turn(session.connection(), Turn.OPENING)
        roster = roster_in_use(runtime, session, programme)
        for cycle in cycles_to_open(programme, obligation, as_of):
            cycle_id = cycles.open_cycle(session, cycle, opened_at=runtime.clock.now())
            if cycle_id is None:
                continue
            day = cycle.opens_at.date()
            units = roster.expected(cycle.terms.expected_groups, day, units=cycle.terms.expected_units)
            tokens = [new_token() for _ in units]
            cycles.freeze_expected(session, cycle_id, units, tokens, roster.parent_names(units, day))
            opened.append(cycle.code)
            said = "log.cycle_would_open" if dry_run else "log.cycle_opened"
            logger.info(runtime.texts.say(said, title=cycle.title, n=len(units)))
        if not dry_run:
            session.commit()
    return opened


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Let nobody look for objects that hold each other meanwhile: a roster has none, and is looked through ever again.

    Of 10,000 units a quarter of the time went there, of 1,000 none.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def active_cycles(runtime: Runtime, obligation_code: str, as_of: datetime) -> list[str]:
    """Return the obligation's cycles that are open, chased, or still taking late answers, the oldest first.

    What no rung of its ladder closes, such as a remedy, stays active until it is answered.
    """
    _, obligation = runtime.programme_with(obligation_code)
    with runtime.sessions() as session:
        return _active(session, cycles.cycles_of(session, obligation.code, opened_by=as_of), as_of)


def every_active_cycle(runtime: Runtime, as_of: datetime) -> list[str]:
    """Return the active cycles of all obligations, the oldest first."""
    with runtime.sessions() as session:
        known = {each.code for programme in runtime.programmes.values() for each in programme.obligations}
        opened = [c for c in cycles.all_cycles(session) if c.opens_at <= as_of and c.obligation_code in known]
        return _active(session, opened, as_of)


def _active(session: Session, opened: Sequence[Cycle], as_of: datetime) -> list[str]:
    owed = cycles.codes_with_unanswered_duties(session, {cycle.obligation_code for cycle in opened})
    return [
        cycle.code
        for cycle in opened
        if as_of < cycle.late_at + TIME_FOR_LATE_ANSWERS or (is_never_closed(cycle) and cycle.code in owed)
    ]


@task(name="stamp-forms", task_run_name=run_name("stamp_forms"), cache_policy=NO_CACHE)
def stamp_missing_forms(runtime: Runtime, cycle_codes: Iterable[str], as_of: datetime | None = None) -> int:
    """Stamp a form for every duty of the cycles that has none yet, and return how many; done in chunks, each kept.

    What children have reported by the instant (by default now) stands in it; what comes later changes no form. A
    cluster stamps several chunks at once; this run alone writes down what came of them.

    Raises:
        SpreadingRefusedError: the cluster is gone; what was stamped by then is kept.
    """
    instant = as_of or runtime.clock.now()
    return sum(_stamp_cycle(runtime, code, instant) for code in cycle_codes)


def _stamp_cycle(runtime: Runtime, cycle_code: str, as_of: datetime) -> int:
    n_stamped = 0
    with runtime.sessions() as session:
        cycle = cycles.cycle(session, cycle_code)
        if cycle.form_code is None:
            return 0
        waiting = list(_unstamped(session, cycle_code, size=runtime.settings.units_per_chunk))
        session.rollback()  # nothing is held while others stamp
        for digests in stamped_forms(runtime, cycle_code, waiting, as_of):
            n_before, n_stamped = n_stamped, n_stamped + _note_stamped(runtime, session, digests)
            session.commit()
            if n_stamped // FORMS_UNTIL_WORD > n_before // FORMS_UNTIL_WORD:
                _say_how_far(runtime, cycle, n_stamped, sum(map(len, waiting)))
    return n_stamped


def _say_how_far(runtime: Runtime, cycle: Cycle, n: int, n_in_all: int) -> None:
    number = runtime.texts.number
    logger.info(runtime.texts.say("log.forms_stamped", title=cycle.title, n=number(n), n_in_all=number(n_in_all)))


def _note_stamped(runtime: Runtime, session: Session, digests: dict[int, str]) -> int:
    """Record stamped forms and return how many; one that a purge took away again is stamped by the next round."""
    gone = lost(runtime, session, digests.values())
    there = {duty_id: digest for duty_id, digest in digests.items() if digest not in gone}
    cycles.set_form(session, there)
    return len(there)


def _unstamped(session: Session, cycle_code: str, *, size: int) -> Iterator[list[int]]:
    """Yield the keys of the duties that have no form yet, in chunks."""
    for chunk in cycles.duties_in_chunks(session, cycle_code, size=size):
        keys = [record.duty.id for record in chunk if record.form_digest is None]
        if keys:
            yield keys


def open_assigned_cycle(session: Session, cycle: Cycle, units: Sequence[Unit], *, opened_at: datetime) -> int | None:
    """Record a cycle that a person set, with its own units; None when one of its code has been opened before."""
    cycle_id = cycles.open_cycle(session, cycle, opened_at=opened_at)
    if cycle_id is not None:
        cycles.freeze_expected(session, cycle_id, units, [new_token() for _ in units])
    return cycle_id


def roster_in_use(runtime: Runtime, session: Session, programme: Programme) -> Roster:
    """Return the roster that was imported; the very first time, the one of the programme's folder is."""
    if rosters.last_import_digest(session, programme.code) is None:
        rosters.replace_roster(session, programme.code, programme.roster)
        digest = programme.sources.get("roster.xlsx", "")
        rosters.note_import(session, programme.code, digest=digest, operator="", at=runtime.clock.now())
    return rosters.load_roster(session, programme.code)


def new_token() -> str:
    """Return the secret by which an answer names its duty: 80 bits of the system's chance, looked up in the database.

    It is not signed, and need not be: a signature lets whoever holds the key believe what a token says of itself, while
    ours says nothing and is believed only as the row that has it. It names exactly one duty, so that of another unit or
    another cycle it is as good as none; it tells nothing to who reads it; it is taken back with its row, which a signed
    one is not before it runs out; and there is no key to keep, to lose, or to renew. To hit one of a million duties by
    guessing takes 2^59 mails. Nor is it enough by itself: the sender must be that unit's contact, and the form's own
    stamp must agree (`models.domain.attribution`).
    """
    return base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().lower()
