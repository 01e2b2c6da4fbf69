"""Queues what somebody else than the unit is told of its duties: one letter a person and day, over all open cycles."""

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import cycles, member_notices
from models.db.turns import Turn, take_turn
from models.domain.cycles import Cycle
from models.domain.plan import Rung
from models.domain.vocabulary import Audience, LetterKind
from tasks.open_cycles import every_active_cycle
from tasks.outbox import DaysPost
from tasks.runtime import Runtime

NewsOf = Callable[[Runtime, Session, Cycle, datetime], Iterator[tuple[str, int, str]]]
"""Yields address, duty and rung for whatever of a cycle somebody is to be told now."""


def queue_news(runtime: Runtime, as_of: datetime, kind: LetterKind, news_of: NewsOf) -> int:
    """Queue a letter of the kind for each person with news, and return of how many duties they are told.

    A rung of a duty is told once; whose letter of today has left is told tomorrow. Outside office hours nothing is
    decided. Run twice, or by two rounds at once, it queues nothing twice: the constraints of the ledger see to that.
    """
    news: dict[str, list[tuple[int, str]]] = {}
    codes = every_active_cycle(runtime, as_of)
    with runtime.sessions() as session:
        for code in codes:
            cycle = cycles.cycle(session, code)
            programme = runtime.programme_of(cycle)
            if not programme.office_hours.contains(as_of, programme.calendar):
                continue
            for address, duty_id, rung in news_of(runtime, session, cycle, as_of):
                news.setdefault(address, []).append((duty_id, rung))
    if not news:
        return 0
    n_told = 0
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.POSTING)
        post = DaysPost(runtime, session, kind)
        for address, rungs in sorted(news.items()):
            letter_id = post.letter_to(address)
            if letter_id is not None:
                n_told += member_notices.note(session, letter_id, rungs, kind)
    return n_told


def may_be_told(cycle: Cycle, as_of: datetime, is_told_at: Callable[[Rung], bool]) -> bool:
    """Say whether any unit can have reached a rung at which somebody is told: few cycles are read for it in vain."""
    rungs = [rung for rung in cycle.terms.ladder if is_told_at(rung)]
    return any(as_of >= cycle.late_at or rung.audience is not Audience.LATE for rung in rungs)
