"""The annual plan: lay the workbook of targets ready, and set the targets that a clerk has filled in."""

from prefect import flow

from flows.endings import told_to_the_operator
from tasks.run_names import rename_run
from tasks.runtime import open_runtime
from tasks.set_targets import TargetOrder, import_targets, write_target_sheet
from tasks.settings import Settings


@flow(name="set-targets")
def set_targets(file: str, year: int, operator: str, reason: str) -> dict[str, int]:
    """Set the year's targets from a workbook below the home, all of it or nothing; the same again changes nothing."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        rename_run(runtime.texts.say("run.set_targets", year=year, file=file.strip()))
        return import_targets(runtime, TargetOrder(file=file, year=year, operator=operator, reason=reason))


@flow(name="prepare-target-sheet")
def prepare_target_sheet(year: int, operator: str, reason: str) -> str:
    """Lay the workbook for a year's targets into the home, and return its name; a filled one is never written over."""
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        rename_run(runtime.texts.say("run.target_sheet", year=year))
        return write_target_sheet(runtime, year, operator, reason).name
