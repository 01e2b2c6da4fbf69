"""The whole demo over a real Postfix and a real Dovecot: answers, verdicts and letters are those of its own server."""

import os
import subprocess
import sys

import pytest

from deployments.simulated_units import Habit, habits_of
from models.db.records import cycles, letters
from models.domain.vocabulary import LetterState
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tests.builders import hanoi
from tests.mail_servers import NO_SERVERS, can_serve

CYCLE = "bc-6t-2025"


@pytest.mark.timeout(1800)
@pytest.mark.skipif("DONDOC_REAL_MAIL" not in os.environ, reason="takes minutes: make mail")
def test_the_whole_demo_over_real_mail_servers(tmp_path):
    if not can_serve():
        pytest.skip(NO_SERVERS)
    command = [sys.executable, "-m", "tests.demo_over_real_mail", str(tmp_path / "home")]
    played = subprocess.run(command, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr

    with open_runtime(Settings(home=tmp_path / "home")) as runtime, runtime.sessions() as session:
        duties = [record.duty for chunk in cycles.duties_in_chunks(session, CYCLE, size=500) for record in chunk]
        states = letters.count_by_state(session)
    habits = habits_of([duty.unit_code for duty in duties])
    unsettled = {duty.unit_code for duty in duties if duty.completed_at is None and not duty.marks}
    assert unsettled == {code for code, habit in habits.items() if habit in {Habit.NEVER, Habit.STRANGE_ADDRESS}}
    assert set(states) - {LetterState.CANCELLED} == {LetterState.SENT}, states
    in_grace = [duty for duty in duties if habits[duty.unit_code] is Habit.IN_GRACE]
    assert {duty.completed_at for duty in in_grace} == {hanoi("2025-06-16 15:40")}
