"""Notices runs that should have begun long ago, hang, or were killed, and has the operator told by mail."""

from datetime import UTC, datetime, timedelta
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.runtime import flow_run

from tasks.adapters.clock import SystemClock
from tasks.names import name_of_run
from tasks.runtime import Runtime
from tasks.trouble_letters import queue_trouble

LATE: Final = timedelta(minutes=30)
"""A run that waited so long for a worker is told of; shorter waits are a busy machine."""
TOO_LONG: Final = timedelta(hours=3)
"""No run of ours takes so long: its process has died, and Prefect takes it for running."""
LOOKS_BACK: Final = timedelta(hours=6)
"""For runs that were killed together with the process that would have told of it."""


def queue_bad_runs(runtime: Runtime) -> int:
    """Put word of runs that are late, hang or were killed into the outbox; return how many letters are new.

    Asked of Prefect by its own clock. Outside a run, and where no operator has an address, there is nobody to ask or to
    tell.
    """
    if flow_run.id is None or not runtime.settings.operators:
        return 0
    now = SystemClock().now()
    killed = _named("Crashed")
    killed.end_time = FlowRunFilterEndTime(after_=now - LOOKS_BACK)
    with get_client(sync_client=True) as client:
        runs = [
            run
            for wanted in (_named("Late"), _named("Running"), killed)
            for run in client.read_flow_runs(flow_run_filter=wanted)
        ]
        bad = [(run, message) for run in runs if (message := _trouble(runtime, run, now))]
        flows = {run.flow_id: client.read_flow(run.flow_id).name for run, _ in bad}
    return sum(
        queue_trouble(
            runtime,
            run=str(run.id),
            name=name_of_run(run, flows[run.flow_id]),
            flow=flows[run.flow_id],
            message=message,
        )
        for run, message in bad
    )


def _named(state: str) -> FlowRunFilter:
    return FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=[state])))


def _trouble(runtime: Runtime, run: FlowRun, now: datetime) -> str:
    """Return what the operator is told of a run; empty while its wait is no trouble."""
    code, since, patience = {
        "Late": ("trouble.late", run.expected_start_time, LATE),
        "Running": ("trouble.hangs", run.start_time, TOO_LONG),
    }.get(run.state_name or "", ("trouble.crashed", run.end_time, timedelta(0)))
    if since is None or now - since < patience:
        return ""
    at = runtime.texts.instant(datetime.fromtimestamp(since.timestamp(), UTC))
    return runtime.texts.say(code, at=at)
