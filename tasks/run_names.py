"""Names the runs by what happened in them, so that the operator's list of runs reads as the office's day.

Prefect knows a run's name before it begins; what came of it is known at its end, and the name is changed then.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from models.db.records import arrivals, cycles, heartbeats
from models.domain.vocabulary import Anchor, Outcome
from tasks.runtime import Runtime

REACHES_BACK: Final = timedelta(days=1)
"""How far the first round of an obligation looks back for what came in; each later one to the round before."""

STEPS: Final = (
    "opened",
    "urged_in_others",
    "told_to_members",
    "roll_called",
    "told_to_parents",
    "drafted",
    "compiled",
    "handed_over",
    "waiting",
)
PARTS: Final = ("opened", "first_letters", *Outcome, "urged", *STEPS[1:])
"""What the name of a round says, in this order."""


def rename_run(name: str) -> None:
    """Rename the present run; outside a run there is nothing to name."""
    identity = flow_run.id
    if identity:
        with get_client(sync_client=True) as client:
            client.update_flow_run(identity, name=name)


def name_round(runtime: Runtime, obligation_code: str, cycle_codes: Sequence[str], as_of: datetime) -> None:
    """Give a round that begins its name: the newest cycle and the day."""
    rename_run(_round(runtime, obligation_code, cycle_codes, as_of))


def name_round_by_its_work(
    runtime: Runtime,
    obligation_code: str,
    cycle_codes: Sequence[str],
    as_of: datetime,
    counts: Mapping[str, int],
    *,
    dry_run: bool = False,
) -> None:
    """Give a round that ends its name: the cycle, the day, and what came in and went out since the round before."""
    name = _round(runtime, obligation_code, cycle_codes, as_of)
    if not cycle_codes:
        rename_run(name)
        return
    came = {} if dry_run else _came_since_the_last(runtime, obligation_code, cycle_codes, as_of)
    parts = [runtime.texts.say("run.part.dry_run")] if dry_run else []
    parts += _parts(runtime, came, counts)
    what = ", ".join(parts) or runtime.texts.say("run.part.nothing")
    rename_run(runtime.texts.say("run.round", name=name, what=what))


def name_poll(runtime: Runtime, as_of: datetime, counts: Mapping[str, int], *, dry_run: bool = False) -> None:
    """Give the run of the mailbox its name: the hour, and what came in; of a trial, what would be of it."""
    instant = f"{as_of:%H:%M} {runtime.texts.day(as_of.date())}"
    outcomes = {outcome.value: counts.get(outcome.value, 0) for outcome in Outcome}
    name = runtime.texts.say("run.poll" if any(outcomes.values()) else "run.poll_idle", instant=instant, **outcomes)
    rename_run(runtime.texts.say("run.trial", name=name) if dry_run else name)


def _round(runtime: Runtime, obligation_code: str, cycle_codes: Sequence[str], as_of: datetime) -> str:
    _, obligation = runtime.programme_with(obligation_code)
    day = runtime.texts.day(as_of.date())
    if not cycle_codes:
        return runtime.texts.say("run.report_without_cycle", obligation=obligation.short_title, day=day)
    with runtime.sessions() as session:
        years = [cycles.cycle(session, code).year for code in cycle_codes]
    return runtime.texts.say("run.report", title=f"{obligation.short_title} {years[-1]}", day=day)


def _came_since_the_last(
    runtime: Runtime, obligation_code: str, cycle_codes: Sequence[str], as_of: datetime
) -> Mapping[str, int]:
    """Return what was judged of the cycles since the round before, and note that this round was there.

    A round of a day that is past changes nothing of what the next one looks back to.
    """
    name = f"round.{obligation_code}"
    with runtime.sessions.begin() as session:
        last = heartbeats.last_beat(session, name)
        since = last if last is not None and last < as_of else as_of - REACHES_BACK
        came = arrivals.count_outcomes_of_cycles(session, cycle_codes, since, as_of)
        if last is None or last < as_of:
            heartbeats.beat(session, name, at=as_of)
    return {outcome.value: n for outcome, n in came.items()}


def _parts(runtime: Runtime, came: Mapping[str, int], counts: Mapping[str, int]) -> Iterator[str]:
    """Yield what a name says of a round; what did not happen is left out."""
    sends = {answer.removeprefix("send."): n for answer, n in counts.items() if answer.startswith("send.")}
    first = _rungs_of_openings(runtime)
    told = {
        **came,
        **{step: counts.get(step, 0) for step in STEPS},
        "first_letters": sum(n for rung, n in sends.items() if rung in first),
        "urged": sum(n for rung, n in sends.items() if rung not in first),
    }
    for part in PARTS:
        if told.get(part):
            yield runtime.texts.say(f"run.part.{part}", n=told[part])


def _rungs_of_openings(runtime: Runtime) -> set[str]:
    """Return the codes of the rungs that tell of an opening: whoever gets such a letter has not been reminded yet."""
    return {
        rung.code
        for programme in runtime.programmes.values()
        for obligation in programme.obligations
        for rule in obligation.rules
        for rung in rule.ladder
        if rung.anchor is Anchor.OPENS_AT and rung.working_days <= 0
    }
