"""Gives Prefect the Vietnamese names of runs, so that the operator's list of runs reads as an office's day."""

from collections.abc import Callable
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun

from tasks.adapters.texts import vietnamese

OURS: Final = "·"
"""Stands in every name that we give a run; in none of those that Prefect makes up."""


def run_name(code: str) -> Callable[[], str]:
    """Return what Prefect calls to name a task run: the sentence of `task.<code>`."""

    def name() -> str:
        return vietnamese().say(f"task.{code}")

    return name


def name_of_run(run: FlowRun, otherwise: str) -> str:
    """Return what people call a run; one that was not given our name yet is called by its deployment.

    Without a deployment it is called as the caller says.
    """
    if OURS in run.name:
        return run.name
    if run.deployment_id is None:
        return otherwise
    with get_client(sync_client=True) as client:
        return client.read_deployment(run.deployment_id).name
