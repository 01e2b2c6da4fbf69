"""One office served for the whole session: the real Prefect server, a real worker, and an empty home."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from deployments.engine import free_port, is_healthy


@dataclass
class ServedOffice:
    """A home that `dondoc serve` serves, seen through Prefect's own API."""

    home: Path
    port: int
    process: "subprocess.Popen[bytes]"

    def ask(self, path: str, body: object = None) -> object:
        """Return what the API answers to a POST, or to a GET when there is nothing to send."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def deployments(self) -> dict[str, dict]:
        """Return the deployments by name."""
        return {found["name"]: found for found in self.ask("/deployments/filter", {})}

    def run(self, name: str, **parameters: object) -> dict:
        """Start a run of a deployment by hand, as the button does, and return it when it has ended."""
        identity = self.deployments()[name]["id"]
        started = self.ask(f"/deployments/{identity}/create_flow_run", {"parameters": parameters})

        def ended() -> dict | None:
            found = self.ask(f"/flow_runs/{started['id']}")
            return found if found["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None

        return waited_for(ended, seconds=120)

    def upcoming(self, deployment_id: str) -> list[dict]:
        """Return the scheduled runs of a deployment, the next one first."""
        body = {
            "sort": "EXPECTED_START_TIME_ASC",
            "deployments": {"id": {"any_": [deployment_id]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        }
        return self.ask("/flow_runs/filter", body)


def waited_for(what: Callable[[], object], *, seconds: float) -> object:
    """Return what the call gives as soon as it gives something, else what it gives at the end."""
    patience = Event()
    for _ in range(int(seconds * 2)):
        if found := what():
            return found
        patience.wait(0.5)
    return what()


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """An office that is being served; ended with SIGKILL, as a power cut would."""
    home, port = tmp_path_factory.mktemp("served") / "home", free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "deployments.cli", "serve", "--port", str(port)],
        env={
            "DONDOC_HOME": str(home),
            # A working morning on which no mail server answers.
            "DONDOC_VIRTUAL_NOW": "2025-05-16T08:30:00+07:00",
            "DONDOC_SMTP_PORT": "1",
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(home.parent),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    office = ServedOffice(home=home, port=port, process=process)
    assert waited_for(lambda: is_healthy(port) and len(office.deployments()) == 3, seconds=90), "not served in time"
    yield office
    process.kill()
    process.wait()
    assert waited_for(lambda: not is_healthy(port), seconds=40), "the server outlived its parent"
