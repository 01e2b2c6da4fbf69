"""Drafts the official letters that a rung calls for; number, signature, seal and sending stay outside this program."""

import io
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, editions
from models.db.turns import Turn, take_turn
from models.domain.calendar import ONE_DAY, start_of
from models.domain.chasing import DatedRung, LadderDays, rungs_to_draft
from models.domain.coverage import MissingUnit, missing_units, timeliness_rows
from models.domain.cycles import Cycle
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.archive import write_whole
from tasks.adapters.documents import OfficialLetter, listed_units, write_official_letter
from tasks.compile import last_chases, ordered_duties
from tasks.names import run_name
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
WORKING_DAYS_OF_NEW_LIMIT: Final = 3
"""How long the official letter gives the late units; the person who signs may change it in the draft."""


@task(name="draft-letters", task_run_name=run_name("draft_letters"), cache_policy=NO_CACHE)
def draft_official_letters(runtime: Runtime, cycle_codes: Sequence[str], as_of: datetime) -> int:
    """Draft the official letters whose day has come, each once, and return how many are new.

    The list of units is that of the instant and is printed with it. Where nobody is late, nothing is drafted. After an
    outage only the newest due letter is drafted.
    """
    return sum(_draft_for(runtime, code, as_of) for code in cycle_codes)


def _draft_for(runtime: Runtime, cycle_code: str, as_of: datetime) -> int:
    with runtime.sessions() as session:
        cycle = cycles.cycle(session, cycle_code)
        days = LadderDays(cycle.terms.ladder, runtime.programme_of(cycle).calendar)
        due = rungs_to_draft(days.dated(cycle.opens_at, cycle.late_at), as_of)
        drafted = {draft.rung for draft in editions.drafts_of(session, cycle_code)}
        if not due or due[-1].rung.code in drafted:
            return 0
        missing = _overdue(runtime, session, cycle, as_of)
        if not missing:
            return 0
        draft, written = _drafted(runtime, cycle, due[-1], missing, as_of)
        take_turn(session.connection(), Turn.COMPILING)
        if draft.rung in {each.rung for each in editions.drafts_of(session, cycle_code)}:
            return 0  # by another run, meanwhile
        write_whole(runtime.settings.shared / draft.path, written)
        editions.add_draft(session, cycle_code, draft)
        session.commit()
    logger.info(
        runtime.texts.say(
            "log.drafted",
            title=cycle.title,
            document=runtime.texts.say(f"rung.{draft.rung}"),
            n=draft.n_units,
        )
    )
    return 1


def _overdue(runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime) -> tuple[MissingUnit, ...]:
    rows = timeliness_rows(ordered_duties(runtime, session, cycle), as_of)
    missing = missing_units(rows, last_chases(runtime, session, cycle, as_of))
    return listed_units(missing)


def _drafted(
    runtime: Runtime, cycle: Cycle, dated: DatedRung, missing: Sequence[MissingUnit], as_of: datetime
) -> tuple[editions.Draft, bytes]:
    """Return the draft and the bytes of its file, which nobody has written yet."""
    programme, obligation = runtime.programme_with(cycle.obligation_code)
    template = dated.rung.official_letter or ""
    last_day = programme.calendar.add_working_days(as_of.astimezone(OFFICE_ZONE).date(), WORKING_DAYS_OF_NEW_LIMIT)
    letter = OfficialLetter(
        programme=programme,
        obligation=obligation,
        cycle=cycle,
        as_of=as_of,
        missing=missing,
        new_due_at=start_of(last_day + ONE_DAY),
    )
    name = runtime.texts.say("file.draft", document=template, cycle=cycle.code)
    path = f"results/{cycle.code}/du-thao/{name}"
    with io.BytesIO() as target:
        write_official_letter(target, template, letter, runtime.texts)
        written = target.getvalue()
    return editions.Draft(rung=dated.rung.code, as_of=as_of, n_units=len(missing), path=path), written
