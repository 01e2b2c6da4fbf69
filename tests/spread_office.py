"""An office whose heavy steps are shared out, for the tests: opens a cycle, stamps, takes in, judges, in one flow run.

`python -m tests.spread_office UNITS` works on the home of the environment and the server that is set there, and prints
as JSON what was done, or the sentence with which the run stopped. With a folder behind it waits before each step for
whoever watches: see `wait_at`.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.intake import ARRIVED_AT, lay_out
from bench.synthetic import CYCLE, open_cycle
from deployments.engine import prefect_for
from models.domain.errors import DondocError
from tasks.adapters.texts import vietnamese
from tasks.settings import Settings
from tests.waiting import waited_for

SECONDS_TO_WATCH = 300


def wait_at(step: str, folder: str) -> None:
    """Say that a step is next, and wait until somebody lets it begin; without a folder nobody watches."""
    if folder:
        (Path(folder) / f"{step}.reached").touch()
        assert waited_for((Path(folder) / f"{step}.begun").exists, seconds=SECONDS_TO_WATCH), step


def work(n_units: int, watched: str = "") -> dict[str, Any]:
    """Do whatever of the day has not been done, and return the counts."""
    from tasks.open_cycles import active_cycles, stamp_missing_forms
    from tasks.runtime import open_runtime
    from tasks.spreading import spread_out
    from tasks.take_and_judge import take_and_judge

    settings = Settings.load()
    opening = ARRIVED_AT.replace(month=5, day=16)
    with open_runtime(settings) as alone, spread_out(alone) as runtime:
        if not active_cycles(runtime, "O-20", opening):
            open_cycle(runtime, n_units)
        wait_at("stamping", watched)
        counts: dict[str, Any] = {"stamped": stamp_missing_forms(runtime, [CYCLE], opening)}
        if not (settings.drop_folder / "van-thu").exists():
            lay_out(settings.home, runtime, n_units)
        wait_at("taking", watched)
        return counts | take_and_judge(runtime, ARRIVED_AT)


def main(n_units: int, watched: str = "") -> None:
    """Run the flow on the server of the settings; without one on one of the home's own."""
    settings = Settings.load()
    os.environ["DONDOC_VIRTUAL_NOW"] = datetime.isoformat(ARRIVED_AT)
    with prefect_for(Path(settings.home), settings.prefect):
        from prefect import flow
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            try:
                told = flow(name="spread")(work)(n_units, watched)
            except DondocError as error:
                told = {"stopped": vietnamese().error(error)}
    sys.stdout.write(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
