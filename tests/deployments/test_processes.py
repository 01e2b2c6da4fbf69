"""A child process never outlives its parent, however the parent ends."""

import os
import select
import signal
import subprocess
import sys

import pytest

from deployments.processes import Child
from tests.meta.source_code import ROOT

SECONDS = 20
HOLD = "import sys, time; pipe = open(sys.argv[1], 'w'); pipe.write('started'); pipe.flush(); time.sleep(600)"
"""A command that holds the writing end of a pipe: the reading end comes to its end when, and only when, it dies."""
HOLD_IN_A_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[2], sys.argv[1]])"
START = """
import sys
from pathlib import Path
from deployments.processes import Child

child = Child(sys.argv[2:], environment={}, log=Path(sys.argv[1]))
child.wait()
"""


@pytest.fixture
def pipe(tmp_path):
    """The reading end of the pipe `tmp_path / "pipe"`."""
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    yield end
    os.close(end)


def _read(end):
    """Return what comes next; nothing at all when the other end has closed."""
    ready, _, _ = select.select([end], [], [], SECONDS)
    assert ready, "the command neither started nor ended in time"
    return os.read(end, 100)


def test_a_command_ends_when_its_parent_is_killed(tmp_path, pipe):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "pipe")]
    with subprocess.Popen([sys.executable, "-c", START, str(tmp_path / "log"), *command], cwd=ROOT) as parent:
        assert _read(pipe) == b"started"
        parent.send_signal(signal.SIGKILL)
        assert _read(pipe) == b""


def test_what_a_command_started_ends_with_it(tmp_path, pipe):
    command = [sys.executable, "-c", HOLD_IN_A_CHILD, str(tmp_path / "pipe"), HOLD]
    with Child(command, environment={}, log=tmp_path / "log") as child:
        assert _read(pipe) == b"started"
        assert not child.has_ended
    assert child.has_ended
    assert _read(pipe) == b""


def test_what_a_command_prints_is_added_to_its_log_and_its_exit_status_is_known(tmp_path):
    log = tmp_path / "logs" / "log"
    for word in ("first", "second"):
        with Child([sys.executable, "-c", f"print('{word}'); raise SystemExit(3)"], environment={}, log=log) as child:
            assert child.wait() == 3
    assert log.read_text().split() == ["first", "second"]


def test_a_command_sees_its_environment(tmp_path):
    command = [sys.executable, "-c", "import os; print(os.environ['DONDOC_HOME'])"]
    with Child(command, environment={"DONDOC_HOME": "there"}, log=tmp_path / "log") as child:
        child.wait()
    assert (tmp_path / "log").read_text() == "there\n"
