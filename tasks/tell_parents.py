"""Decides of which of their children the parents are told today: one letter a person and day, over all open cycles."""

import logging
from collections.abc import Iterator
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, editions, member_notices, rosters
from models.domain.chasing import LadderDays, rung_for_parent
from models.domain.cycles import Cycle
from models.domain.vocabulary import OFFICE_ZONE, LetterKind
from tasks.names import run_name
from tasks.runtime import Runtime
from tasks.telling import may_be_told, queue_news

logger = logging.getLogger(__name__)


@task(name="tell-parents", task_run_name=run_name("tell_parents"), cache_policy=NO_CACHE)
def queue_parent_letters(runtime: Runtime, as_of: datetime, *, is_rehearsed: bool = False) -> int:
    """Queue for each parent what is new of the units that report to it, and return of how many duties they are told.

    As `telling.queue_news` does it; the parent's first contact is written to. A parent that nobody can write to is
    told nothing, and the table of parents shows it. The letter brings the parent's own workbook: a cycle that is late
    and not compiled yet is left to its own round, which does that first; in a rehearsal nothing is compiled.
    """
    n_told = queue_news(runtime, as_of, LetterKind.PARENT, _news if is_rehearsed else _news_of_compiled)
    if n_told:
        logger.info(runtime.texts.say("log.parents_told", n=n_told))
    return n_told


def _news_of_compiled(
    runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime
) -> Iterator[tuple[str, int, str]]:
    waits = cycle.is_of_children and cycle.has_form and as_of >= cycle.late_at
    if not waits or editions.newest_edition(session, cycle.code) is not None:
        yield from _news(runtime, session, cycle, as_of)


def _news(runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime) -> Iterator[tuple[str, int, str]]:
    """Yield address, duty and rung for whatever of the cycle a parent is to be told now."""
    if not cycle.is_of_children or not may_be_told(cycle, as_of, lambda rung: rung.tell_parent):
        return
    programme = runtime.programme_of(cycle)
    contacts = rosters.working_contacts(session, programme.code, as_of.astimezone(OFFICE_ZONE).date())
    days = LadderDays(cycle.terms.ladder, programme.calendar)
    for chunk in cycles.duties_in_chunks(session, cycle.code, size=runtime.settings.units_per_chunk):
        told = member_notices.told_rungs(session, [record.duty.id for record in chunk], LetterKind.PARENT)
        for record in chunk:
            desks = contacts.get(record.duty.parent_code or "", ())
            already = told.get(record.duty.id, frozenset())
            new = rung_for_parent(record.duty, days=days, already_told=already, as_of=as_of)
            if desks and new is not None:
                yield desks[0].email, record.duty.id, new.rung.code
