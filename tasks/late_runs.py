"""Notices runs that should have begun long ago, or go on far too long, and has the operator told by mail."""

from datetime import UTC, datetime, timedelta
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateName
from prefect.client.schemas.objects import FlowRun
from prefect.runtime import flow_run

from tasks.adapters.clock import SystemClock
from tasks.runtime import Runtime
from tasks.trouble_letters import queue_trouble

LATE: Final = timedelta(minutes=30)
"""A run that waited so long for a worker is told of; shorter waits are a busy machine."""
TOO_LONG: Final = timedelta(hours=3)
"""No run of ours takes so long: its process has died, and Prefect takes it for running."""


def queue_late_runs(runtime: Runtime) -> int:
    """Put word of runs that are late or hang into the outbox, each once a day; return how many letters are new.

    Asked of Prefect by its own clock. Outside a run, and where no operator has an address, there is nobody to ask or to
    tell.
    """
    if flow_run.id is None or not runtime.settings.operators:
        return 0
    now = SystemClock().now()
    wanted = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Late", "Running"])))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=wanted, limit=100)
    return sum(_queue(runtime, run, now) for run in runs)


def _queue(runtime: Runtime, run: FlowRun, now: datetime) -> int:
    is_late = run.state_name == "Late"
    since = run.expected_start_time if is_late else run.start_time
    if since is None or now - since < (LATE if is_late else TOO_LONG):
        return 0
    at = runtime.texts.instant(datetime.fromtimestamp(since.timestamp(), UTC))
    code = "trouble.late" if is_late else "trouble.hangs"
    message = runtime.texts.say(code, at=at)
    return queue_trouble(runtime, run=str(run.id), name=run.name, flow=str(run.flow_id), message=message)
