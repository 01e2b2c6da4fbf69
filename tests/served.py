"""An office that is being served, seen through Prefect's own API: the real server, a real worker, and a home."""

import base64
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Event

from playwright.sync_api import Page

from deployments.credentials import password_file
from deployments.engine import free_port, is_healthy
from deployments.registry import every_deployment
from tasks.adapters.clock import SystemClock
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.settings import Settings
from tests.waiting import waited_for

N_BUSY_ANSWERS = 30
CALLS = "calls.txt"
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
SECONDS_TO_ANSWER = 40
"""On a machine that other tests keep busy, too."""


@dataclass
class ServedOffice:
    """A home that `dondoc serve` serves, seen through Prefect's own API."""

    home: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def password(self) -> str:
        """What the pages ask for."""
        return password_file(self.home).read_text("ascii").strip()

    @property
    def authorization(self) -> str:
        """How a program says the password."""
        return f"Basic {base64.b64encode(self.password.encode()).decode()}"

    def log_in(self, page: Page) -> None:
        """Give the password in a browser, as an operator does."""
        page.goto(f"http://127.0.0.1:{self.port}/login")
        field = page.get_by_placeholder("admin:pass")
        field.fill(self.password)
        field.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url, timeout=20_000)

    def ask(self, path: str, body: object = None) -> object:
        """Return what the API answers to a POST, or to a GET when there is nothing to send.

        Its SQLite may be busy for a moment: it then answers 503, upon which Prefect's own clients ask again, too.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json", "authorization": self.authorization},
        )
        for _ in range(N_BUSY_ANSWERS):
            try:
                with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:
                    return json.load(answer)
            except TimeoutError:
                if body is not None:
                    raise  # what was asked for may be done all the same; a question may be put again
            except urllib.error.HTTPError as refused:
                if refused.code != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
                refused.close()
            Event().wait(1)
        raise AssertionError(f"Prefect's server has been too busy for {path}")

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

    def refusal(self, name: str, **parameters: object) -> str:
        """Return why Prefect does not even start a run with these parameters; empty when it does."""
        identity = self.deployments()[name]["id"]
        try:
            self.ask(f"/deployments/{identity}/create_flow_run", {"parameters": parameters})
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.read().decode()
        return ""

    def upcoming(self, deployment_id: str) -> list[dict]:
        """Return the scheduled runs of a deployment, the next one first."""
        body = {
            "sort": "EXPECTED_START_TIME_ASC",
            "deployments": {"id": {"any_": [deployment_id]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        }
        return self.ask("/flow_runs/filter", body)


def registered_names() -> set[str]:
    """Return the names of everything that an office registers."""
    programmes = [load_programme(folder) for folder in Settings().programmes]
    return {each.name for each in every_deployment(programmes, vietnamese(), SystemClock().now().date())}


def _watched(calls: Path) -> list[str]:
    """Return what has every call over a network written down, where this machine lets one process look at another."""
    watching = ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg", "-o", str(calls)]
    can_watch = shutil.which("strace") and subprocess.run([*watching, "true"], check=False).returncode == 0
    return watching if can_watch else []


def called_by(folder: Path) -> set[str]:
    """Return every address that an office, its server, worker and runs have called; empty where nobody could watch."""
    calls = folder / CALLS
    written = calls.read_text("utf-8", "replace") if calls.exists() else ""
    return {first or second for first, second in ADDRESS.findall(written)}


@contextmanager
def serving(
    folder: Path, *, is_watched: bool = False, **environment: str
) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Serve the home in a folder until the end, which is SIGKILL, as a power cut would be.

    Yields the port and the process when everything is registered. Where it `is_watched`, `called_by` knows whom it
    called, and it takes half as long again.

    Raises:
        AssertionError: The office is not served in time, or its server outlives it.
    """
    port, log = free_port(), folder / "served.log"
    watching = _watched(folder / CALLS) if is_watched else []
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*watching, sys.executable, "-m", "deployments.cli", "serve", "--port", str(port)],
            env={
                "DONDOC_HOME": str(folder / "home"),
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "HOME": str(folder),
                **environment,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wanted, office = registered_names(), ServedOffice(home=folder / "home", port=port, process=process)

        def is_served() -> bool:
            assert process.poll() is None, f"the office has ended: {log.read_text()[-2_000:]}"
            return is_healthy(port) and wanted <= set(office.deployments())

        assert waited_for(is_served, seconds=240), f"not served in time: {log.read_text()[-2_000:]}"
        yield port, process
    finally:
        process.kill()
        process.wait()
    assert waited_for(lambda: not is_healthy(port), seconds=40), "the server outlived its parent"
