"""A home with many made-up units on the real form and ladder, and a Prefect server of its own: where benches play."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.country import a_country  # noqa: E402 - the programme's folder is found first
from models.domain.roster import Roster  # noqa: E402
from models.domain.vocabulary import OFFICE_ZONE  # noqa: E402

if TYPE_CHECKING:
    from tasks.runtime import Runtime

OBLIGATION = "O-20"
CYCLE = "bc-6t-2025"
OPENING = datetime(2025, 5, 16, 8, tzinfo=OFFICE_ZONE)


def a_roster(n: int) -> Roster:
    """Return a country of that many units, all of which report."""
    return a_country(n).all_in("G1")


@contextmanager
def a_home() -> Iterator[Path]:
    """Yield an empty home; what this process loads as settings is about it."""
    with TemporaryDirectory(prefix="dondoc-bench-") as folder:
        os.environ["DONDOC_HOME"] = folder
        yield Path(folder)


def open_cycle(runtime: "Runtime", n: int) -> None:
    """Open the six-month report of 2025 for that many units."""
    load_roster(runtime, n)
    open_for_all(runtime)


def open_for_all(runtime: "Runtime") -> None:
    """Open the six-month report of 2025 for every unit of the roster."""
    from tasks.open_cycles import open_due_cycles  # noqa: PLC0415 - Prefect comes in below, and reads its settings once

    assert open_due_cycles.fn(runtime, OBLIGATION, OPENING) == [CYCLE]


def load_roster(runtime: "Runtime", n: int) -> None:
    """Put a country of that many units into the database."""
    from models.db.records import rosters  # noqa: PLC0415 - as above

    programme, _ = runtime.programme_with(OBLIGATION)
    with runtime.sessions.begin() as session:
        rosters.replace_roster(session, programme.code, a_roster(n))
        rosters.note_import(session, programme.code, digest="", operator="bench", at=OPENING)


@contextmanager
def a_prefect_server(home: Path) -> Iterator[None]:
    """Let flows of this process run on a real server, as the demo does: silent in the terminal, without heartbeats."""
    from deployments.engine import prefect_for  # noqa: PLC0415

    os.environ |= {
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
        # Benches open cycles outside a run, and Prefect warns of every line that then has no run to go to.
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    with prefect_for(home):
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415

        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield
