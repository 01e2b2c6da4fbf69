import asyncio
import json
import subprocess
import sys
from pathlib import Path

import aiosmtplib
import pytest

from deployments.postoffice import PostOffice, mails_for

PROJECT = Path(__file__).resolve().parent.parent.parent
UNIT = "soyte@bacgiang.example.invalid"


def send(port, text):
    message = f"Subject: {text}\r\n\r\n{text}\r\n"
    asyncio.run(aiosmtplib.send(message, sender="a@b.invalid", recipients=[UNIT], hostname="127.0.0.1", port=port))


@pytest.fixture
def process(tmp_path):
    """The post office in a process of its own, ready."""
    command = [sys.executable, "-m", "deployments.postoffice", "--home", str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline().startswith("ready")
        yield running
        running.kill()


def test_a_post_office_ends_with_the_process_that_started_it(process):
    process.stdin.close()
    assert process.wait(10) == 0


def test_mail_that_was_accepted_outlives_a_kill(process, tmp_path):
    send(json.loads((tmp_path / "ports.json").read_text())["smtp"], "one")
    process.kill()
    process.wait(10)
    with PostOffice(tmp_path) as again:
        send(again.smtp_port, "two")
    assert [mail.splitlines()[0] for mail in mails_for(tmp_path, UNIT)] == [b"Subject: one", b"Subject: two"]
