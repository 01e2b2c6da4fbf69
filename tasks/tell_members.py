"""Decides of which units the committee members are told today: one letter a member and day, over all open cycles."""

import logging
from collections.abc import Iterator
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, member_notices, rosters
from models.domain.chasing import LadderDays, rung_for_member
from models.domain.cycles import Cycle
from models.domain.vocabulary import OFFICE_ZONE, LetterKind
from tasks.names import run_name
from tasks.runtime import Runtime
from tasks.telling import may_be_told, queue_news

logger = logging.getLogger(__name__)


@task(name="tell-members", task_run_name=run_name("tell_members"), cache_policy=NO_CACHE)
def queue_member_letters(runtime: Runtime, as_of: datetime) -> int:
    """Queue for each committee member what is new of the units in charge, and return of how many duties they are told.

    As `telling.queue_news` does it.
    """
    n_told = queue_news(runtime, as_of, LetterKind.MEMBER, _news_of)
    if n_told:
        logger.info(runtime.texts.say("log.members_told", n=n_told))
    return n_told


def _news_of(runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime) -> Iterator[tuple[str, int, str]]:
    """Yield address, duty and rung for whatever of the cycle a member is to be told now."""
    if not may_be_told(cycle, as_of, lambda rung: rung.tell_member_in_charge):
        return
    programme = runtime.programme_of(cycle)
    addresses = rosters.members_who_can_be_told(session, programme.code, as_of.astimezone(OFFICE_ZONE).date())
    days = LadderDays(cycle.terms.ladder, programme.calendar)
    for chunk in cycles.duties_in_chunks(session, cycle.code, size=runtime.settings.units_per_chunk):
        told = member_notices.told_rungs(session, [record.duty.id for record in chunk])
        for record in chunk:
            address = addresses.get(record.member_in_charge or "")
            already = told.get(record.duty.id, frozenset())
            new = rung_for_member(record.duty, days=days, already_told=already, as_of=as_of)
            if address is not None and new is not None:
                yield address, record.duty.id, new.rung.code
