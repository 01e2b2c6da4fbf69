"""The daily rounds of what falls due by the calendar: reports, milestones, annual plans, and the phases' reviews.

They share their steps (`rounds`), and are flows of their own so that Prefect's pages show each kind for itself.
"""

from datetime import datetime

from prefect import flow

from flows.endings import mail_the_operator, told_to_the_operator
from flows.instants import instant_of_run
from flows.rounds import do_round
from tasks.post import say_what_is_left
from tasks.publish import publish_cycles
from tasks.run_names import name_round_by_its_work
from tasks.runtime import open_runtime
from tasks.settings import Settings
from tasks.status_board import make_status_board


@flow(name="report-cycle", on_failure=[mail_the_operator], on_crashed=[mail_the_operator])
def report_cycle(obligation: str, as_of: datetime | None = None, dry_run: bool = False) -> dict[str, int]:
    """Do whatever a report's cycles need at the instant, and return how many of each.

    Safe to run again at any hour and for any past day: each step does only what is still to do. With `dry_run`
    nothing is opened, written, sent or compiled; the counts say what would be.
    """
    return _round(obligation, as_of, dry_run=dry_run)


@flow(name="milestone-cycle", on_failure=[mail_the_operator], on_crashed=[mail_the_operator])
def milestone_cycle(obligation: str, as_of: datetime | None = None, dry_run: bool = False) -> dict[str, int]:
    """Do whatever work with a deadline needs: a conference, a guidance, the tasks of an annex. As `report_cycle`."""
    return _round(obligation, as_of, dry_run=dry_run)


@flow(name="annual-plan-cycle", on_failure=[mail_the_operator], on_crashed=[mail_the_operator])
def annual_plan_cycle(obligation: str, as_of: datetime | None = None, dry_run: bool = False) -> dict[str, int]:
    """Do whatever the year's plan needs until it is issued (clause II.5). As `report_cycle`."""
    return _round(obligation, as_of, dry_run=dry_run)


@flow(name="review-cycle", on_failure=[mail_the_operator], on_crashed=[mail_the_operator])
def review_cycle(obligation: str, as_of: datetime | None = None, dry_run: bool = False) -> dict[str, int]:
    """Do whatever a phase's review needs until its report is there (clause III.3). As `report_cycle`."""
    return _round(obligation, as_of, dry_run=dry_run)


def _round(obligation: str, as_of: datetime | None, *, dry_run: bool) -> dict[str, int]:
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        instant = instant_of_run(as_of, runtime.clock)
        codes, counts = do_round(runtime, obligation, instant, dry_run=dry_run)
        name_round_by_its_work(runtime, obligation, codes, instant, counts, dry_run=dry_run)
        if not dry_run:
            publish_cycles(runtime, codes, instant, counts)
            make_status_board(runtime, instant, codes)
        say_what_is_left(counts)
        return counts
