"""Replays the report of June 2025 in one home with SQLite, as the demo does.

`python -m tests.replay_alone FOLDER [short]` is a process of its own, for Prefect reads its settings once, when it is
first loaded: nothing here loads it.
"""

import os
import sys
import time
from pathlib import Path

from deployments.demo import LAST_DAY, Moment, Stage, _is_eventful, moments_of
from deployments.engine import prefect_for
from deployments.postoffice import Account, PostOffice
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.settings import Settings

EVENING = 16


def say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def replay(folder: Path, *, is_short: bool) -> None:
    """Replay in a home with SQLite, its flows in this process."""
    texts, home = vietnamese(), folder / "home"
    with PostOffice(home / "office", account=Account()) as post_office:
        os.environ.update(reached_through(post_office) | {"DONDOC_HOME": str(home)})
        with prefect_for(home):
            # Prefect reads its settings once, when it is imported.
            from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415

            from deployments.serve import register_all  # noqa: PLC0415

            stage = Stage(home, load_programme(Settings().programmes[0]), texts, post_office)
            os.environ["DONDOC_VIRTUAL_NOW"] = stage.cycle.opens_at.isoformat()
            stage.deployments = register_all(Settings.load())
            with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
                play(stage, is_short=is_short)


def first_act(stage: Stage, *, is_short: bool) -> list[Moment]:
    """Return the moments of the six-month report on which something happens.

    A short one keeps what units do, the evening's polls, and the rounds that open, urge first and compile last: whoever
    is asked is asked less often, and what is compiled in the end is all there.
    """
    moments = [m for m in moments_of(stage) if m.step is None and m.at.date() <= LAST_DAY and _is_eventful(stage, m)]
    if not is_short:
        return moments
    rounds = [m for m in moments if m.what == "round"]
    kept = {rounds[0].at, *(m.at for m in rounds[-2:]), next(m.at for m in rounds if m.at >= stage.cycle.late_at)}
    return [m for m in moments if m.what == "units" or m.at in kept or (m.what == "poll" and m.at.hour >= EVENING)]


def reached_through(post_office: PostOffice) -> dict[str, str]:
    account = post_office.account
    return {
        "DONDOC_MAIL_FROM": account.address,
        "DONDOC_SMTP_PORT": str(post_office.smtp_port),
        "DONDOC_IMAP_HOST": "127.0.0.1",
        "DONDOC_IMAP_PORT": str(post_office.imap_port),
        "DONDOC_IMAP_SECURITY": "none",
        "DONDOC_IMAP_USERNAME": account.username,
        "DONDOC_IMAP_PASSWORD": account.password,
    }


def play(stage: Stage, *, is_short: bool) -> None:
    moments = first_act(stage, is_short=is_short)
    started = time.perf_counter()
    for number, moment in enumerate(moments, start=1):
        stage.play(moment)
        if number % 10 == 0 or number == len(moments):
            say(f"{number}/{len(moments)} {moment.at:%d/%m/%Y %H:%M} ({time.perf_counter() - started:.0f} s)")
    assert not stage.failures, stage.failures[0]


if __name__ == "__main__":
    replay(Path(sys.argv[1]), is_short="short" in sys.argv[2:])
