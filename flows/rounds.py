"""The steps that every daily round shares, whatever it is that the obligation asks for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from models.domain.vocabulary import LetterKind
from tasks.call_roll import queue_roll_calls
from tasks.catch_up import catch_up_with_mailbox
from tasks.chase import queue_due_reminders, queue_reminders_of_others
from tasks.compile import compile_due_editions
from tasks.draft import draft_official_letters
from tasks.hand_over import queue_results
from tasks.open_cycles import active_cycles, open_due_cycles, stamp_missing_forms
from tasks.post import post_letters, together
from tasks.run_names import name_round, name_round_by_its_work
from tasks.runtime import Runtime
from tasks.spreading import spread_out
from tasks.tell_members import queue_member_letters
from tasks.tell_parents import queue_parent_letters

WAITS_FOR_THE_MAILBOX: Final = ("sent", "failed", "waiting", "doubtful", "drafted", "compiled", "handed_over")
"""What a round leaves to the next one while nobody can know what units have sent."""


def do_round(
    runtime: Runtime, obligation: str, instant: datetime, *, dry_run: bool
) -> tuple[Sequence[str], dict[str, int]]:
    """Open, stamp, remind, send, draft, compile and hand over what is still to do; return the cycles and the counts."""
    counts = {"opened": len(open_due_cycles(runtime, obligation, instant, dry_run=dry_run))}
    codes = active_cycles(runtime, obligation, instant)
    name_round(runtime, obligation, codes, instant)
    with spread_out(runtime) as spread:
        counts["stamped"] = 0 if dry_run else stamp_missing_forms(spread, codes, instant)
    if not dry_run and not catch_up_with_mailbox(runtime):
        return codes, counts | dict.fromkeys(WAITS_FOR_THE_MAILBOX, 0)
    for code in codes:
        counts = together(counts, queue_due_reminders(runtime, code, instant, dry_run=dry_run))
    if not dry_run:
        queue_reminders_of_others(runtime, codes, instant)
        counts |= post_letters(runtime, [LetterKind.CHASE])
        counts["told_to_members"] = queue_member_letters(runtime, instant)
        counts["roll_called"] = queue_roll_calls(runtime, instant)
        counts = together(counts, post_letters(runtime, [LetterKind.MEMBER, LetterKind.ROLL_CALL]))
        counts["drafted"] = draft_official_letters(runtime, codes, instant)
        counts["compiled"] = compile_due_editions(runtime, codes, instant)
        counts["told_to_parents"] = queue_parent_letters(runtime, instant)  # with what has just been compiled
        counts["handed_over"] = queue_results(runtime, codes, instant)
        counts = together(counts, post_letters(runtime, [LetterKind.PARENT, LetterKind.RESULT]))
    name_round_by_its_work(runtime, obligation, codes, instant, counts, dry_run=dry_run)
    return codes, counts
