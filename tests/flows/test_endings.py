"""What becomes of a run that ends badly: the operator is told by mail, and the run does not fail a second time."""

from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed, Failed

from deployments.postoffice import PostOffice, mails_for
from flows.endings import mail_the_operator

OPERATOR = "van.hanh@vp.example.invalid"


@flow(name="any-round")
def any_round():
    """A flow that the hook is told of; it is never run."""


@pytest.fixture
def told_at(tmp_path, monkeypatch):
    """A home whose operator has an address, and a mail server."""
    with PostOffice(tmp_path / "office") as mail:
        monkeypatch.setenv("DONDOC_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("DONDOC_SMTP_PORT", str(mail.smtp_port))
        monkeypatch.setenv("DONDOC_OPERATOR_ADDRESS", OPERATOR)
        yield lambda: [content.decode() for content in mails_for(tmp_path / "office", OPERATOR)]


def ended(state):
    mail_the_operator(any_round, FlowRun(id=uuid4(), flow_id=uuid4(), name="BC 6T 2026 · 16/6"), state)


def test_a_failed_run_is_told_once_a_day_and_a_crashed_one_for_itself(told_at):
    for _ in range(2):
        ended(Failed(message="Flow run encountered an exception: RunStoppedError: Máy chủ không trả lời"))
    ended(Crashed(message="Flow run process exited with non-zero status code -9."))
    assert len(told_at()) == 2


def test_a_run_does_not_fail_twice_because_mail_is_down(told_at, monkeypatch):
    monkeypatch.setenv("DONDOC_SMTP_PORT", "1")
    ended(Failed(message="x"))
    assert told_at() == []


def test_a_run_does_not_fail_twice_because_the_programme_cannot_be_read(told_at, monkeypatch, tmp_path):
    monkeypatch.setenv("DONDOC_PROGRAMMES", f'["{tmp_path / "gone"}"]')
    ended(Failed(message="x"))
    assert told_at() == []


def test_where_no_operator_has_an_address_nothing_is_opened(told_at, monkeypatch, tmp_path):
    monkeypatch.setenv("DONDOC_OPERATOR_ADDRESS", "")
    ended(Failed(message="x"))
    assert not (tmp_path / "home").exists()
