"""An office on several machines: PostgreSQL and a store of files, a server, and workers with homes of their own.

On loopback the machines are processes. With `Wire` each is a network namespace of Linux with an address of its own, as
if on a switch: then a machine can be cut off, and nothing reaches another but by its address.
"""

import base64
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deployments.engine import answers, free_port
from tests.postgresql import Server, running_server, server_programs
from tests.s3_server import make_bucket, options_for, running_s3
from tests.served import registered_names
from tests.waiting import waited_for

AUTH = "van-phong:mat khau%/@#"
BUCKET = "van-phong"
ENDED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


@dataclass(frozen=True)
class Machine:
    """A machine: its address, and what comes before a command that is to run on it."""

    name: str
    address: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()


class Loopback:
    """All machines are this one."""

    network = ""

    def machine(self, name: str) -> Machine:
        return Machine(name)

    def close(self) -> None:
        """There is nothing to take away."""


class Wire:
    """A switch (a bridge) with a cable to each machine (a veth pair into its namespace). It takes root."""

    network = "10.83.5.0/24"

    def __init__(self) -> None:
        self._machines: list[Machine] = []
        _ip("link", "add", "dondoc0", "type", "bridge")
        _ip("addr", "add", "10.83.5.1/24", "dev", "dondoc0")
        _ip("link", "set", "dondoc0", "up")

    def machine(self, name: str) -> Machine:
        """Put a machine on the switch; the first one is this machine itself."""
        number = len(self._machines) + 1
        if number == 1:
            made = Machine(name, "10.83.5.1")
        else:
            space, cable, address = f"dondoc-{name}", f"dd-{name}"[:15], f"10.83.5.{number}"
            _ip("netns", "add", space)
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", cable, "master", "dondoc0")
            _ip("link", "set", cable, "up")
            for order in (("addr", "add", f"{address}/24", "dev", "eth0"), ("link", "set", "eth0", "up")):
                _ip("-n", space, *order)
            _ip("-n", space, "link", "set", "lo", "up")
            made = Machine(name, address, ("ip", "netns", "exec", space))
        self._machines.append(made)
        return made

    def cut(self, machine: Machine) -> None:
        """Pull a machine's cable."""
        _ip("link", "set", f"dd-{machine.name}"[:15], "down")

    def close(self) -> None:
        """Take switch and machines away."""
        for machine in self._machines[1:]:
            _ip("netns", "del", f"dondoc-{machine.name}")
        _ip("link", "del", "dondoc0")


@dataclass
class Office:
    """The office while it is served; asked through Prefect's API, as its pages are."""

    folder: Path
    place: "Loopback | Wire"
    base: Machine
    database: Server
    shared: dict[str, str]
    stack: ExitStack
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    n_pieces: int = 0

    @property
    def api(self) -> str:
        return self.shared["DONDOC_PREFECT_API_URL"]

    def start(self, machine: Machine, *arguments: str, **more: str) -> "subprocess.Popen[bytes]":
        """Start a module on a machine, with a home of its own and what all machines share."""
        home = self.folder / machine.name
        environment = {"DONDOC_HOME": str(home), "HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        home.mkdir(exist_ok=True)
        with (self.folder / f"{machine.name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*machine.prefix, sys.executable, "-m", *arguments],
                env=environment | self.shared | more,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.stack.callback(_ended, process)
        self.processes[machine.name] = process
        return process

    def log_of(self, machine: Machine) -> str:
        return (self.folder / f"{machine.name}.log").read_text("utf-8", "replace")

    def ask(self, path: str, body: object = None) -> object:
        """Return what the API answers to a POST, or to a GET when there is nothing to send."""
        word = base64.b64encode(AUTH.encode()).decode()
        request = urllib.request.Request(
            f"{self.api}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json", "authorization": f"Basic {word}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def deployments(self) -> dict[str, dict]:
        return {found["name"]: found for found in self.ask("/deployments/filter", {})}

    def begin(self, name: str, **parameters: object) -> str:
        """Start a run of a deployment, as the button does, and return its key."""
        identity = self.deployments()[name]["id"]
        return self.ask(f"/deployments/{identity}/create_flow_run", {"parameters": parameters})["id"]

    def ended(self, run: str, *, seconds: float = 120) -> dict:
        """Return a run when it has ended."""

        def found() -> dict | None:
            told = self.ask(f"/flow_runs/{run}")
            return told if told["state_type"] in ENDED else None

        told = waited_for(found, seconds=seconds)
        assert told, f"the run has not ended: {self.ask(f'/flow_runs/{run}')['state']}"
        return told

    def worker_of(self, run: str) -> str:
        """Return the name of the machine that did a run, as Prefect has it."""
        return str(self.ask(f"/flow_runs/{run}")["labels"].get("prefect.worker.name", ""))

    def workers(self) -> set[str]:
        """Return the machines that take work now."""
        found = self.ask("/work_pools/van-phong/workers/filter", {})
        return {worker["name"] for worker in found if worker["status"] == "ONLINE"}


@contextmanager
def several_machines(
    folder: Path, place: Loopback | Wire, *, workers: tuple[str, ...] = ("may-2", "may-3"), **more: str
) -> Iterator[tuple[Office, dict[str, Machine]]]:
    """Yield the office when it is served and its workers take work, with its machines by name.

    The store is an S3 of its own, unless `more` names one; `more` is what the machines share besides. Workers may be
    let work later, too: schedules run by the real clock until they are paused.
    """
    programs = server_programs()
    assert programs is not None
    with ExitStack() as stack:
        stack.callback(place.close)
        base, server = place.machine("csdl"), place.machine("may-1")
        database = stack.enter_context(running_server(programs, host=base.address, network=place.network))
        if "DONDOC_FILES_URL" not in more:
            more |= _s3_settings(stack.enter_context(running_s3(base.address)))
        port = free_port()
        shared = {
            "DONDOC_DATABASE_URL": database.new_database(empty=True),
            "DONDOC_SHARED_FOLDER": str(folder / "chung"),
            "DONDOC_PREFECT_HOST": server.address,
            "DONDOC_PREFECT_API_URL": f"http://{server.address}:{port}/api",
            "DONDOC_PREFECT_AUTH": AUTH,
            "DONDOC_PREFECT_DATABASE_URL": database.new_database(empty=True),
            **more,
        }
        office = Office(folder, place, base, database, shared, stack)
        served = office.start(server, "deployments.cli", "serve", "--port", str(port), "--no-worker")
        wanted = registered_names()

        def is_served() -> bool:
            assert served.poll() is None, office.log_of(server)[-2_000:]
            return answers(office.api) and wanted <= set(office.deployments())

        assert waited_for(is_served, seconds=240), office.log_of(server)[-2_000:]
        machines = {name: place.machine(name) for name in workers}
        let_work(office, machines)
        yield office, machines | {"may-1": server}
        for process in office.processes.values():  # all at once: a worker's good-bye to the server takes seconds
            if process is not served:
                process.terminate()


def let_work(office: Office, machines: Mapping[str, Machine]) -> None:
    """Start the worker of each machine, and return when all take work."""
    for name, machine in machines.items():
        office.start(machine, "deployments.cli", "worker", "--name", name, "--limit", "1")
    assert waited_for(lambda: office.workers() == machines.keys(), seconds=120), office.workers()


def _s3_settings(address: str) -> dict[str, str]:
    make_bucket(address, BUCKET)
    return {"DONDOC_FILES_URL": f"s3://{BUCKET}/dondoc", "DONDOC_FILES_OPTIONS": options_for(address)}


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
