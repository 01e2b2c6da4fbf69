"""The round of one recurring report: open, remind, urge, draft, compile, show."""

from datetime import datetime

from prefect import flow

from flows.endings import told_to_the_operator
from flows.instants import instant_of_run
from models.domain.vocabulary import LetterKind
from tasks.chase import queue_due_reminders
from tasks.compile import compile_due_editions
from tasks.draft import draft_official_letters
from tasks.hand_over import queue_results
from tasks.open_cycles import active_cycles, open_due_cycles, stamp_missing_forms
from tasks.post import post_letters, say_what_is_left, together
from tasks.publish import name_run, publish_cycles
from tasks.runtime import open_runtime
from tasks.settings import Settings


@flow(name="report-cycle")
def report_cycle(obligation: str, as_of: datetime | None = None, dry_run: bool = False) -> dict[str, int]:
    """Do whatever the obligation's cycles need at the instant, and return how many of each.

    Safe to run again at any hour and for any past day: each step does only what is still to do. With `dry_run`
    nothing is opened, written, sent or compiled; the counts say what would be.
    """
    with told_to_the_operator(), open_runtime(Settings.load()) as runtime:
        instant = instant_of_run(as_of, runtime.clock)
        counts = {"opened": len(open_due_cycles(runtime, obligation, instant, dry_run=dry_run))}
        codes = active_cycles(runtime, obligation, instant)
        name_run(runtime, obligation, codes, instant)
        counts["stamped"] = 0 if dry_run else stamp_missing_forms(runtime, codes)
        for code in codes:
            counts |= queue_due_reminders(runtime, code, instant, dry_run=dry_run)
        if not dry_run:
            counts |= post_letters(runtime, [LetterKind.CHASE])
            counts["drafted"] = draft_official_letters(runtime, codes, instant)
            counts["compiled"] = compile_due_editions(runtime, codes, instant)
            counts["handed_over"] = queue_results(runtime, codes, instant)
            counts = together(counts, post_letters(runtime, [LetterKind.RESULT]))
            publish_cycles(runtime, codes, instant, counts)
        say_what_is_left(counts)
        return counts
