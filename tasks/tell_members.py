"""Decides of which units the committee members are told today: one letter a member and day, over all open cycles."""

import logging
from collections.abc import Iterator
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, member_notices, rosters
from models.db.turns import Turn, take_turn
from models.domain.chasing import LadderDays, rung_for_member
from models.domain.cycles import Cycle
from models.domain.vocabulary import OFFICE_ZONE, Audience, LetterKind
from tasks.names import run_name
from tasks.open_cycles import every_active_cycle
from tasks.outbox import DaysPost
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)


@task(name="tell-members", task_run_name=run_name("tell_members"), cache_policy=NO_CACHE)
def queue_member_letters(runtime: Runtime, as_of: datetime) -> int:
    """Queue for each committee member what is new of the units in charge, and return of how many duties they are told.

    A rung of a duty is told once; whose letter of today has left is told tomorrow. Outside office hours nothing is
    decided. Run twice, or by two rounds at once, it queues nothing twice: the constraints of the ledger see to that.
    """
    news: dict[str, list[tuple[int, str]]] = {}
    codes = every_active_cycle(runtime, as_of)
    with runtime.sessions() as session:
        for code in codes:
            for address, duty_id, rung in _news_of(runtime, session, cycles.cycle(session, code), as_of):
                news.setdefault(address, []).append((duty_id, rung))
    n_told = 0
    if news:
        with runtime.sessions.begin() as session:
            take_turn(session.connection(), Turn.POSTING)
            post = DaysPost(runtime, session, LetterKind.MEMBER)
            for address, rungs in sorted(news.items()):
                letter_id = post.letter_to(address)
                if letter_id is not None:
                    n_told += member_notices.note(session, letter_id, rungs)
    if n_told:
        logger.info(runtime.texts.say("log.members_told", n=n_told))
    return n_told


def _news_of(runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime) -> Iterator[tuple[str, int, str]]:
    """Yield address, duty and rung for whatever of the cycle a member is to be told now."""
    programme = runtime.programme_of(cycle)
    if not _may_be_told(cycle, as_of) or not programme.office_hours.contains(as_of, programme.calendar):
        return
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


def _may_be_told(cycle: Cycle, as_of: datetime) -> bool:
    """Say whether any unit can have reached a rung that brings the member in: few cycles are read for it in vain."""
    rungs = [rung for rung in cycle.terms.ladder if rung.tell_member_in_charge]
    return any(as_of >= cycle.late_at or rung.audience is not Audience.LATE for rung in rungs)
