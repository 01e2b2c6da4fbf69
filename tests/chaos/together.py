"""Several programs on one home at the same moment, as processes: what each does alone is done once by all of them."""

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from models.domain.vocabulary import EditionKind
from tasks.compile import compile_cycle
from tests.builders import hanoi
from tests.chaos.crash import Outcome
from tests.chaos.processes import at_once, forked, get_ready, mail_servers, wait_for
from tests.chaos.steps import ANSWERING, CYCLE, OPENING, URGING, send_answers, whole_poll, whole_round, with_few_units
from tests.chaos.traces import traces_of
from tests.postgresql import running_server, server_programs
from tests.tasks.conftest import Office

SAME = (
    "cycles",
    "duties",
    "marks",
    "reminders",
    "letters",
    "arrivals",
    "submissions",
    "n_figures",
    "received",
    "filed",
    "told",
    "audit",
)


def compile_as_an_operator(office: Office) -> None:
    """Compile while others run; that another compiles at the same moment is no news."""
    with office.at(ANSWERING) as runtime:
        compile_cycle(runtime, CYCLE, hanoi(ANSWERING), EditionKind.PROVISIONAL)


def days(office: Office, log: Path, *, are_many: bool) -> None:
    """Open, poll and compile: each step by one process, or by two at once and an operator between them."""

    def does(*works: Callable[[], None]) -> None:
        statuses = at_once(works if are_many else works[:1], log)
        assert set(statuses) == {0}, log.read_text()[-3000:]

    assert wait_for(forked(partial(with_few_units, office), log)) == 0
    rounds = partial(whole_round, office, OPENING)
    does(rounds, rounds)
    does(partial(whole_poll, office, OPENING), partial(whole_poll, office, OPENING))
    assert wait_for(forked(partial(send_answers, office), log)) == 0, log.read_text()[-3000:]
    polls, later = partial(whole_poll, office, ANSWERING), partial(whole_round, office, ANSWERING)
    does(polls, polls, later, later, partial(compile_as_an_operator, office), partial(compile_as_an_operator, office))
    if not are_many:
        does(later)
    does(partial(compile_as_an_operator, office))
    does(polls)
    does(later)
    urging = partial(whole_round, office, URGING)
    does(urging, urging)
    does(partial(whole_poll, office, URGING), urging)


def traces_after_days(database: str, *, are_many: bool) -> dict[str, object]:
    """Return what an office has left after its days."""
    with tempfile.TemporaryDirectory(prefix="dondoc-together-") as made, mail_servers(Path(made)) as office:
        office.settings = {"database_url": database} if database else {}
        log = Path(made) / "log"
        days(office, log, are_many=are_many)
        found = traces_of(office, hanoi(URGING))
        n_editions = [edition[0] for edition in found["editions"]]
        assert n_editions == list(range(1, len(n_editions) + 1)), n_editions
        assert "database is locked" not in log.read_text(), log.read_text()[-3000:]
        return found


def two_at_once(*, times: int) -> list[Outcome]:
    """Try so many times in each kind of database, and return what came of it."""
    get_ready()
    wanted = traces_after_days("", are_many=False)
    outcomes = []
    with ExitStack() as stack:
        programs = server_programs()
        server = stack.enter_context(running_server(programs)) if programs else None
        for kind in ("SQLite", *(("PostgreSQL",) if server else ())):
            outcome = Outcome(stage=f"two of each at once, {kind}")
            for _ in range(times):
                url = server.new_database() if kind == "PostgreSQL" and server else ""
                hold_against(outcome, traces_after_days(url, are_many=True), wanted)
            outcomes.append(outcome)
    return outcomes


def hold_against(outcome: Outcome, found: dict[str, object], wanted: dict[str, object]) -> None:
    outcome.tried += 1
    received, due = Counter(found["received"]), Counter(wanted["received"])
    outcome.doubled += sum((received - due).values())
    outcome.lost += sum((due - received).values())
    outcome.told += len(found["told"])
    for name in SAME:
        if found[name] != wanted[name]:
            outcome.wrong.append(f"{name}: {found[name]} for {wanted[name]}"[:1500])
