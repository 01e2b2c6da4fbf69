"""Gives Prefect the Vietnamese names of runs, so that the operator's list of runs reads as an office's day."""

from collections.abc import Callable

from tasks.adapters.texts import vietnamese


def run_name(code: str) -> Callable[[], str]:
    """Return what Prefect calls to name a task run: the sentence of `task.<code>`."""

    def name() -> str:
        return vietnamese().say(f"task.{code}")

    return name
