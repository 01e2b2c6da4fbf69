"""Asks the contacts of cycles that are about to open whether mail still finds them: one letter a person."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import roll_calls, rosters
from models.db.turns import Turn, take_turn
from models.domain.plan import Programme
from models.domain.roll_call import ToAsk, cycles_in_roll_call, units_to_come, who_is_asked
from models.domain.vocabulary import OFFICE_ZONE, LetterKind
from tasks.names import run_name
from tasks.open_cycles import new_token, roster_in_use
from tasks.outbox import DaysPost
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)


@task(name="call-roll", task_run_name=run_name("roll_call"), cache_policy=NO_CACHE)
def queue_roll_calls(runtime: Runtime, as_of: datetime) -> int:
    """Queue a letter to each contact who is to be asked before a cycle opens, and return how many contacts are asked.

    All programmes and cycles at once, so that a person who is contact of several units, or of cycles that open about
    the same time, gets one letter. Outside office hours nothing is decided; who has had another letter today is asked
    on another day. Run twice, or by two rounds at once, it queues nothing twice: the constraints of the ledger see to
    that, and whoever was asked before a cycle is not asked again.
    """
    n_asked = 0
    with runtime.sessions.begin() as session:
        take_turn(session.connection(), Turn.POSTING)
        wanted: dict[str, list[tuple[str, ToAsk]]] = {}
        for programme in runtime.programmes.values():
            if programme.office_hours.contains(as_of, programme.calendar):
                for ask in _to_ask(runtime, session, programme, as_of):
                    wanted.setdefault(ask.address, []).append((programme.code, ask))
        if wanted:
            n_asked = _put_into_letters(runtime, session, wanted)
    if n_asked:
        logger.info(runtime.texts.say("log.roll_called", n=n_asked))
    return n_asked


def _put_into_letters(runtime: Runtime, session: Session, wanted: Mapping[str, Sequence[tuple[str, ToAsk]]]) -> int:
    """Put each person's asks into one letter, and return how many are new.

    A letter speaks for one programme, one that waits for the mail server still for that of what it asks already: what
    another programme asks the same person goes out on a later day.
    """
    n_asked = 0
    post = DaysPost(runtime, session, LetterKind.ROLL_CALL)
    spoken_for = roll_calls.programmes_of_waiting(session)
    for address, asks in sorted(wanted.items()):
        letter_id = post.letter_to(address)
        if letter_id is None:
            continue
        programme_code = spoken_for.get(letter_id, asks[0][0])
        own = [ask for code, ask in asks if code == programme_code]
        if own:
            n_asked += roll_calls.note_asked(session, programme_code, own, letter_id=letter_id, token=new_token())
    return n_asked


def _to_ask(runtime: Runtime, session: Session, programme: Programme, as_of: datetime) -> Iterator[ToAsk]:
    coming = cycles_in_roll_call(programme, as_of)
    if not coming:
        return
    roster = roster_in_use(runtime, session, programme)
    working = rosters.working_contacts(session, programme.code, as_of.astimezone(OFFICE_ZONE).date())
    addresses = {code: [contact.email for contact in contacts] for code, contacts in working.items()}
    for cycle in coming:
        asked = roll_calls.asked_addresses(session, cycle.code)
        yield from who_is_asked(cycle, units_to_come(cycle, roster), addresses, asked)
