"""Two runs at once: what one has begun the other waits for, or passes over; nothing is done twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from sqlalchemy.orm import Session, sessionmaker

from models.db.engine import open_engine
from models.db.records import heartbeats, letters
from models.db.tables import LetterRow
from models.db.turns import Turn, take_turn
from models.domain.vocabulary import LetterKind, LetterState
from tests.builders import hanoi

NOW = hanoi("2025-05-16 08:00")
N_LETTERS = 120


@pytest.fixture
def sessions(database):
    engine = open_engine(database)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


def queue(sessions):
    with sessions.begin() as session:
        rows = [
            LetterRow(
                key=f"chase|{n}",
                message_id=f"<{n}@x.invalid>",
                kind=LetterKind.CHASE,
                recipient=f"{n}@x.invalid",
                day=NOW.date(),
                state=LetterState.QUEUED,
                queued_at=NOW,
            )
            for n in range(N_LETTERS)
        ]
        letters.queue_letters(session, rows)


def claim_all(sessions):
    """Claim batch by batch as a run does, and return the letters that are ours."""
    ours, last_id = [], 0
    while True:
        with sessions.begin() as session:
            claimed = letters.claim(
                session, kinds=[LetterKind.CHASE], limit=10, at=NOW, max_attempts=20, after_id=last_id
            )
        if not claimed:
            return ours
        ours += [letter.id for letter in claimed]
        last_id = claimed[-1].id


def test_of_two_runs_that_claim_at_once_each_letter_goes_to_one(sessions):
    queue(sessions)
    start = Barrier(2)

    def run(_):
        start.wait(10)
        return claim_all(sessions)

    with ThreadPoolExecutor(2) as both:
        one, other = both.map(run, range(2))
    assert sorted(one + other) == sorted(set(one + other))
    assert len(one + other) == N_LETTERS


def test_letters_that_another_run_is_claiming_are_passed_over_and_not_waited_for(postgresql):
    engine = open_engine(postgresql.new_database())
    sessions = sessionmaker(engine, expire_on_commit=False)
    queue(sessions)
    arguments = {"kinds": [LetterKind.CHASE], "limit": 10, "at": NOW, "max_attempts": 20}
    with sessions.begin() as slow, sessions.begin() as quick:
        first = {letter.id for letter in letters.claim(slow, **arguments)}
        second = {letter.id for letter in letters.claim(quick, **arguments)}
    assert (len(first), len(second), first & second) == (10, 10, set())
    engine.dispose()


def test_a_turn_is_waited_for_until_the_one_who_has_it_is_through(sessions):
    said, is_taken = [], Event()

    def second():
        is_taken.wait(10)
        with sessions.begin() as session:
            take_turn(session.connection(), Turn.JUDGING)
            said.append(heartbeats.last_beat(session, "first"))

    with ThreadPoolExecutor(1) as other:
        with sessions.begin() as session:
            take_turn(session.connection(), Turn.JUDGING)
            waiting = other.submit(second)
            is_taken.set()
            heartbeats.beat(session, "first", at=NOW)
            assert not waiting.done()
        waiting.result(30)
    assert said == [NOW]


def test_in_postgresql_another_turn_is_not_in_the_way(postgresql):
    engine = open_engine(postgresql.new_database())
    with Session(engine) as one, Session(engine) as other:
        take_turn(one.connection(), Turn.JUDGING)
        take_turn(other.connection(), Turn.POSTING)
    engine.dispose()


def test_a_heartbeat_is_kept_anew_each_time(sessions):
    for at in (NOW, hanoi("2025-05-17 08:00")):
        with sessions.begin() as session:
            heartbeats.beat(session, "mailbox", at=at)
    with sessions() as session:
        assert heartbeats.last_beat(session, "mailbox") == hanoi("2025-05-17 08:00")
