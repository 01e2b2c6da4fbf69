"""The whole demo over a real Postfix and a real Dovecot: answers, verdicts and letters are those of its own server."""

import os
from collections import Counter

import pytest

from deployments.demo import replay
from deployments.engine import free_port
from deployments.simulated_units import Habit, habits_of
from models.db.records import cycles, letters
from models.domain.vocabulary import LetterState
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tests.builders import hanoi
from tests.mail_servers import NO_SERVERS, RealPostOffice, can_serve, running_mail_servers

CYCLE = "bc-6t-2025"


@pytest.fixture
def environment():
    """Give the environment back as it was: the demo puts its servers into it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("environment")
@pytest.mark.skipif("DONDOC_REAL_MAIL" not in os.environ, reason="half an hour long: make mail")
def test_the_whole_demo_over_real_mail_servers(tmp_path):
    if not can_serve():
        pytest.skip(NO_SERVERS)
    with running_mail_servers(are_all_reached=True) as servers:
        status = replay(
            tmp_path / "home",
            port=free_port(),
            is_quick=True,
            open_post_office=lambda home: RealPostOffice(home, servers=servers),
        )
    assert status == 0
    with open_runtime(Settings.load()) as runtime, runtime.sessions() as session:
        duties = [record.duty for chunk in cycles.duties_in_chunks(session, CYCLE, size=500) for record in chunk]
        states = letters.count_by_state(session)
    habits = habits_of([duty.unit_code for duty in duties])
    unsettled = {duty.unit_code for duty in duties if duty.completed_at is None and not duty.marks}
    waits_or_never = {code for code, habit in habits.items() if habit in {Habit.NEVER, Habit.STRANGE_ADDRESS}}
    assert unsettled == waits_or_never
    assert set(states) == {LetterState.SENT} | ({LetterState.CANCELLED} & set(states)), Counter(states)
    in_grace = [duty for duty in duties if habits[duty.unit_code] is Habit.IN_GRACE]
    assert {duty.completed_at for duty in in_grace} == {hanoi("2025-06-16 15:40")}
