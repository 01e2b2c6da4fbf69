"""Replays the six-month report and the inspections of 2025 here: real runs and mail, simulated units, a virtual clock.

It may be killed at any moment and started again: it goes on from the day it had reached, and no unit gets a letter
twice. The home it leaves is the one that `dondoc serve` opens.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deployments.credentials import password_file
from deployments.demo_inspections import AD_HOC, Step, filled, second_act
from deployments.engine import prefect_for
from deployments.postoffice import PostOffice, Servers, mails_for, write_now
from deployments.serve import register_all
from deployments.showing import plain_console
from deployments.simulated_units import Act, Correspondent, Habit, SimulatedUnit, acts_of, habits_of, post
from models.domain.cycles import Cycle, plan_cycle
from models.domain.plan import Programme
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import Texts, vietnamese
from tasks.settings import Settings

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import State

    from tasks.runtime import Runtime

OBLIGATION: Final = "O-20"
YEAR: Final = 2025
LAST_DAY: Final = date(2025, 7, 9)
ROUND_AT: Final = timedelta(hours=8)
POLL_AFTER_ROUND: Final = timedelta(minutes=40)
POLL_AT_NIGHT: Final = timedelta(hours=17)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One step of the replay: an instant, and what happens at it."""

    at: datetime
    what: str
    """`round`, `poll`, `units` or `step`, which is one of the second act."""
    acts: tuple[Act, ...] = ()
    step: Step | None = None


class Stage:
    """Where the replay plays: the home, the post office, the flows, and the day it has reached."""

    def __init__(self, home: Path, programme: Programme, texts: Texts, post_office: Servers) -> None:
        """Set the stage; the cycle is planned, not opened: that is for the flow to do."""
        self.home = home
        self.programme = programme
        self.texts = texts
        self.post_office = post_office
        self.cycle: Cycle = plan_cycle(programme, programme.obligation(OBLIGATION), YEAR)
        self.units = _units(programme, self.cycle)
        self.deployments: dict[str, UUID] = {}
        self.failures: list[str] = []
        self._correspondent = Correspondent(self.cycle.form, texts)
        outline = programme.obligation(AD_HOC).rules[0].form_code
        self._inspected = Correspondent(programme.forms[outline or ""], texts)

    def play(self, moment: Moment) -> None:
        """Let a moment happen at its virtual instant."""
        os.environ["DONDOC_VIRTUAL_NOW"] = moment.at.isoformat()
        write_now(self.home / "office", moment.at)
        as_of = {"as_of": moment.at.isoformat(), "dry_run": False}
        if moment.step is not None:
            self._play_step(moment.step, as_of)
        elif moment.what == "units":
            self._let_units_act(moment.acts, moment.at)
        elif moment.what == "poll":
            self._run("poll", as_of, moment.at)
        else:
            self._run(OBLIGATION, as_of | {"obligation": OBLIGATION}, moment.at)
        self.post_office.settle()

    def _play_step(self, step: Step, as_of: dict[str, Any]) -> None:
        """Play one step of the second act: units write, a round or a poll runs, or an operator sends a form."""
        if step.fields:
            self._run(step.deployment, filled(step.fields, self._form_of(step.deployment)), step.at)
        elif step.deployment == "poll":
            self._run("poll", as_of, step.at)
        elif step.deployment:
            self._run(step.deployment, as_of | {"obligation": step.deployment}, step.at)
        for code in step.writers:
            unit = self.units.get(code) or _unit(self.programme, code, step.at.date())
            act = Act(unit_code=code, day=f"{step.at:%m-%d %H:%M}", name=step.act)
            self._write_once(self._inspected, act, unit, step.at)

    def _form_of(self, code: str) -> dict[str, Any]:
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            return cast("dict[str, Any]", client.read_deployment(self.deployments[code]).parameter_openapi_schema)

    def _let_units_act(self, acts: Sequence[Act], at: datetime) -> None:
        for act in acts:
            self._write_once(self._correspondent, act, self.units[act.unit_code], at)

    def _write_once(self, correspondent: Correspondent, act: Act, unit: SimulatedUnit, at: datetime) -> None:
        name = f"{act.name}{act.unit_code}" if correspondent is self._correspondent else f"{act.day[:5]}{act.unit_code}"
        if name in _acted(self.home):
            return
        answer = correspondent.write(act, unit, mails_for(self.home / "office", unit.address), at)
        if answer is not None:
            post([answer], port=self.post_office.smtp_port)
        _note_act(self.home, name)

    def _run(self, code: str, parameters: dict[str, Any], at: datetime) -> None:
        """Run a deployment as its page would: Prefect's server holds the parameters against the form's schema."""
        from prefect.client.orchestration import get_client
        from prefect.flow_engine import run_flow

        with get_client(sync_client=True) as client:
            flow_run = client.create_flow_run_from_deployment(self.deployments[code], parameters=parameters)
            entrypoint = client.read_deployment(self.deployments[code]).entrypoint
        flow = _flow_at(entrypoint or "")
        state = cast("State[Any]", run_flow(flow, flow_run=flow_run, return_type="state"))
        if not state.is_completed():
            self.failures.append(f"{at:%d/%m/%Y %H:%M}: {state.message}")


def replay(
    home: Path,
    *,
    port: int,
    is_quick: bool = False,
    open_post_office: Callable[[Path], AbstractContextManager[Servers]] = PostOffice,
) -> int:
    """Replay the cycle in a home of its own and print what came of it; return the exit status.

    The post office lays what units get beneath its folder, as the demo's own does, whichever servers it has.
    """
    texts, console = vietnamese(), plain_console()
    if not _make_ready(home, console, texts):
        return 2
    (home / "demo.json").touch()
    with open_post_office(home / "office") as post_office:
        _use_post_office(home, post_office)
        console.print(texts.say("demo.starting", home=home.resolve()))
        with prefect_for(home, port=port) as used_port:
            url, password = f"http://127.0.0.1:{used_port}", password_file(home.resolve())
            console.print(texts.say("demo.watch", url=url, password=password), soft_wrap=True)
            settings = Settings.load()
            stage = Stage(home, load_programme(settings.programmes[0]), texts, post_office)
            os.environ["DONDOC_VIRTUAL_NOW"] = stage.cycle.opens_at.isoformat()
            stage.deployments = register_all(Settings.load())
            _play_all(stage, is_quick=is_quick)
            _summarise(stage, console)
    if stage.failures:
        console.print(texts.say("demo.failed", n=len(stage.failures), first=stage.failures[0]), soft_wrap=True)
        return 1
    (home / "demo.done").touch()
    console.print(texts.say("demo.open_it"))
    return 0


def moments_of(stage: Stage) -> Iterator[Moment]:
    """Yield the replay in the order of time: a round each working morning, polls after it and whenever mail came."""
    acts = acts_of(list(stage.units.values()))
    by_day = {day: list(group) for day, group in groupby(acts, key=lambda act: act.day[:5])}
    day = stage.cycle.opens_at.date()
    while day <= LAST_DAY:
        midnight = datetime.combine(day, datetime.min.time(), tzinfo=OFFICE_ZONE)
        todays = by_day.get(f"{day:%m-%d}", [])
        if stage.programme.calendar.is_working_day(day):
            yield Moment(at=midnight + ROUND_AT, what="round")
            yield Moment(at=midnight + POLL_AFTER_ROUND + ROUND_AT, what="poll")
        for clock, group in groupby(todays, key=lambda act: act.day[6:]):
            hour, minute = map(int, clock.split(":"))
            yield Moment(at=midnight + timedelta(hours=hour, minutes=minute), what="units", acts=tuple(group))
        if todays:
            yield Moment(at=midnight + POLL_AT_NIGHT, what="poll")
        day += timedelta(days=1)
    for step in second_act(stage.texts):
        yield Moment(at=step.at, what="step", step=step)


def _play_all(stage: Stage, *, is_quick: bool) -> None:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings

    moments = [moment for moment in moments_of(stage) if not is_quick or _is_eventful(stage, moment)]
    reached = _reached(stage.home)
    columns = (TextColumn("{task.description:<46}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Without the heartbeat a flow ends at once instead of waiting up to a second for its last beat.
    without_heartbeat = temporary_settings(
        {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_TO_API_ENABLED: True}
    )
    with without_heartbeat, Progress(*columns) as progress:
        bar = progress.add_task("", total=len(moments))
        for moment in moments:
            what = _in_words(stage, moment)
            progress.update(bar, description=f"{moment.at:%d/%m/%Y %H:%M} · {what}")
            if reached is None or moment.at > reached:
                stage.play(moment)
                _note_reached(stage.home, moment.at)
            progress.advance(bar)


def _in_words(stage: Stage, moment: Moment) -> str:
    step = moment.step
    if step is None or not step.deployment:
        n = len(step.writers) if step else len(moment.acts)
        return stage.texts.say(f"demo.what.{'units' if step else moment.what}", n=n)
    if step.fields:
        return stage.texts.say(f"deployment.{step.deployment}.name")
    return stage.texts.say(f"demo.what.{'poll' if step.deployment == 'poll' else 'round'}")


def _is_eventful(stage: Stage, moment: Moment) -> bool:
    """Keep the days on which something is sent or comes in; a quiet round is left out of a quick replay."""
    if moment.what != "round":
        return True
    from models.domain.chasing import LadderDays

    days = LadderDays(stage.cycle.terms.ladder, stage.programme.calendar)
    dated = {each.day for each in days.dated(stage.cycle.opens_at, stage.cycle.late_at)}
    return moment.at.date() in dated or moment.at.date() >= LAST_DAY - timedelta(days=2)


def _make_ready(home: Path, console: Console, texts: Texts) -> bool:
    """Begin anew in a home that an earlier replay has ended; refuse a home that holds anything else."""
    if (home / "demo.done").exists():
        console.print(texts.say("demo.again", home=home.resolve()))
        shutil.rmtree(home)
    elif (home / "dondoc.db").exists() and not (home / "demo.json").exists():
        console.print(texts.say("demo.refused", home=home.resolve()))
        return False
    home.mkdir(parents=True, exist_ok=True)
    return True


def _use_post_office(home: Path, post_office: Servers) -> None:
    account = post_office.account
    os.environ.update(
        {
            "DONDOC_HOME": str(home.resolve()),
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
            "DONDOC_MAIL_FROM": account.address,
            "DONDOC_SMTP_HOST": "127.0.0.1",
            "DONDOC_SMTP_PORT": str(post_office.smtp_port),
            "DONDOC_SMTP_SECURITY": "none",
            "DONDOC_IMAP_HOST": "127.0.0.1",
            "DONDOC_IMAP_PORT": str(post_office.imap_port),
            "DONDOC_IMAP_SECURITY": "none",
            "DONDOC_IMAP_USERNAME": account.username,
            "DONDOC_IMAP_PASSWORD": account.password,
        }
    )


def _units(programme: Programme, cycle: Cycle) -> dict[str, SimulatedUnit]:
    on = cycle.opens_at.date()
    expected = programme.roster.expected(cycle.terms.expected_groups, on)
    habits = habits_of([unit.code for unit in expected])
    return {
        unit.code: SimulatedUnit(code=unit.code, address=contacts[0].email, habit=habits[unit.code])
        for unit in expected
        if (contacts := programme.roster.contacts_of(unit.code, on))
    }


def _unit(programme: Programme, code: str, on: date) -> SimulatedUnit:
    contacts = programme.roster.contacts_of(code, on)
    return SimulatedUnit(code=code, address=contacts[0].email, habit=Habit.ON_TIME)


def _flow_at(entrypoint: str) -> "Flow[Any, Any]":
    from prefect.flows import load_flow_from_entrypoint

    return load_flow_from_entrypoint(entrypoint)


def _summarise(stage: Stage, console: Console) -> None:
    from models.db.records import editions
    from tasks.runtime import open_runtime

    say, home = stage.texts.say, stage.home.resolve()
    with open_runtime(Settings.load()) as runtime:
        console.print(_table(stage, runtime))
        console.print(_inspections(stage, runtime))
        with runtime.sessions() as session:
            made = editions.editions_of(session, stage.cycle.code)
            drafts = editions.drafts_of(session, stage.cycle.code)
    for edition in made:
        kind = stage.texts.label(edition.kind)
        console.print(
            say("demo.edition", kind=kind, number=edition.number, n=edition.n_reported, total=edition.n_expected)
        )
        console.print(f"    {home / edition.workbook}\n    {home / edition.report}", soft_wrap=True)
    for draft in drafts:
        console.print(say("demo.draft", rung=say(f"rung.{draft.rung}"), path=home / draft.path), soft_wrap=True)
    console.print(say("demo.mail", path=home / "office" / "mail"), soft_wrap=True)


def _table(stage: Stage, runtime: "Runtime") -> Table:
    from models.db.records import arrivals, letters
    from tasks.board import board_of

    say, label = stage.texts.say, stage.texts.label
    as_of = datetime.combine(LAST_DAY, datetime.min.time(), tzinfo=OFFICE_ZONE) + POLL_AT_NIGHT
    board = board_of(runtime, stage.cycle.code, as_of)
    with runtime.sessions() as session:
        by_state = letters.count_by_state(session)
        by_rung = letters.count_by_rung(session, stage.cycle.code)
        outcomes = arrivals.outcomes_since(session, stage.cycle.opens_at, own_address=runtime.settings.mail_from)
    rows = [(say("demo.table.expected"), len(board.lines))]
    rows += [(label(standing), n) for standing, n in Counter(line.standing for line in board.lines).most_common()]
    rows += [(say("demo.table.rung", rung=say(f"rung.{rung}")), n) for rung, n in by_rung.items()]
    rows += [(say("demo.table.letters", state=label(state)), n) for state, n in by_state.items()]
    rows += [(say("demo.table.outcome", outcome=label(outcome)), n) for outcome, n in outcomes.items()]
    table = Table(title=say("demo.table.title", title=stage.cycle.title), title_justify="left")
    table.add_column(say("demo.table.what"))
    table.add_column(say("demo.table.count"), justify="right")
    for name, n in rows:
        table.add_row(name, str(n))
    return table


def _inspections(stage: Stage, runtime: "Runtime") -> Table:
    """Return the overview of the second act, as its page in Prefect shows it."""
    from models.db.records import inspections
    from tasks.inspection_board import overview_row

    now = runtime.clock.now()
    with runtime.sessions() as session:
        held = inspections.inspections_of(session, stage.programme.code, started_by=now)
        rows = [overview_row(runtime, session, each, now) for each in held]
    table = Table(title=stage.texts.say("demo.table.inspections"), title_justify="left")
    for column in rows[0] if rows else ():
        # Folded, not cut: on a narrow terminal a date or a code takes two lines and loses nothing.
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    return table


def _reached(home: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads((home / "demo.json").read_text("utf-8"))["reached"])
    except (OSError, ValueError, KeyError):
        return None


def _note_reached(home: Path, at: datetime) -> None:
    beside = home / ".demo.json.part"
    beside.write_text(json.dumps({"reached": at.isoformat()}), "utf-8")
    beside.replace(home / "demo.json")


def _acted(home: Path) -> set[str]:
    try:
        return set((home / "acted").read_text("utf-8").split())
    except OSError:
        return set()


def _note_act(home: Path, name: str) -> None:
    with (home / "acted").open("a", encoding="utf-8") as acted:
        acted.write(f"{name}\n")
