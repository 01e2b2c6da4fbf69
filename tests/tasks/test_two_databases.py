"""The same office in SQLite and in PostgreSQL: the same letters, outcomes and figures; and two runs at once in each."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import func, select

from deployments.postoffice import PostOffice
from models.db.records import arrivals, audit, editions, ledger, letters, rosters
from models.db.tables import ArrivalRow, ReminderRow, SubmissionRow, UnitRow
from models.domain.vocabulary import Action, EditionKind, LetterKind, LetterState, Outcome, SkipReason
from tasks.compile import compile_cycle
from tasks.handle_duties import accept
from tasks.operators import sign
from tests.builders import hanoi, with_units
from tests.tasks.conftest import HomesOwnFile, Office, OnServer, address_of

CYCLE = "bc-6t-2025"
ANSWERS = {"so-y-te": "answer", "so-tu-phap": "answer_wrongly", "so-noi-vu": "say_nil", "so-tai-chinh": "answer"}


def databases_of(kind, request):
    return HomesOwnFile() if kind == "sqlite" else OnServer(request.getfixturevalue("postgresql"))


def of_few_units(office):
    """Give the office a roster of few units, before it opens anything."""
    with office.at("2025-05-15 08:00") as runtime, runtime.sessions.begin() as session:
        (programme,) = runtime.programmes.values()
        few = with_units(programme, {*ANSWERS, "so-cong-thuong", "so-giao-thong-van-tai"}).roster
        rosters.replace_roster(session, programme.code, few)
        rosters.note_import(session, programme.code, digest="few", operator="", at=runtime.clock.now())


def days_of(office):
    """Run the report's days and return what the ledger and the aggregate say of them, but for secrets and numbers."""
    of_few_units(office)
    office.round("2025-05-16 08:00")
    for unit, act in ANSWERS.items():
        office.send(unit, act, "2025-06-03 09:00")
    office.poll("2025-06-03 09:05")
    office.round("2025-06-05 08:00")
    office.send("so-tu-phap", "correct", "2025-06-10 10:30")
    office.poll("2025-06-10 10:35")
    with office.at("2025-06-11 08:00") as runtime:
        compiled = compile_cycle(runtime, CYCLE, runtime.clock.now(), EditionKind.PROVISIONAL)
        with runtime.sessions() as session:
            (edition,) = editions.editions_of(session, CYCLE)
            told = [
                replace(each, message_id="", subject=each.subject.partition(" [")[0])
                for each in ledger.told_rungs(session)
            ]
            return {
                "edition": (edition.edition.totals, edition.n_reported, edition.n_expected, compiled.is_new),
                "sources": [(s.unit_code, s.version, s.received_at, s.is_nil) for s in edition.edition.sources],
                "figures": list(editions.figures(session, CYCLE, runtime.clock.now())),
                "told": sorted(told, key=repr),
                "untold": sorted(ledger.untold_rungs(session), key=repr),
                "letters": letters.count_by_state(session),
                "outcomes": arrivals.outcomes_since(session, hanoi("2025-01-01 00:00"), own_address=""),
            }


def test_the_ledger_and_the_aggregate_are_the_same_in_both(request, tmp_path, postgresql):
    found = {}
    for kind in ("sqlite", "postgresql"):
        with PostOffice(tmp_path / kind / "office") as mail:
            office = Office(home=tmp_path / kind / "home", mail=mail, settings=databases_of(kind, request).new())
            found[kind] = days_of(office)
    assert found["sqlite"]["edition"][1] == len(ANSWERS)
    assert len(found["sqlite"]["figures"]) > 50
    assert {each.rung for each in found["sqlite"]["told"]} == {"opening", "reminder-1"}
    assert found["postgresql"] == found["sqlite"]


def at_once(step):
    """Let two runs take a step at the same moment, and return what each gives."""
    start = Barrier(2)

    def run(_):
        start.wait(30)
        return step()

    with ThreadPoolExecutor(2) as both:
        return list(both.map(run, range(2)))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ticked_twice(request, tmp_path_factory):
    """An office that had never run, after two rounds at once, with what each round counted."""
    folder = tmp_path_factory.mktemp("ticked")
    with PostOffice(folder / "office") as mail:
        office = Office(home=folder / "home", mail=mail, settings=databases_of(request.param, request).new())
        yield office, at_once(lambda: office.round("2025-05-16 08:00"))


def test_two_ticks_at_once_open_once_and_write_each_letter_once(ticked_twice):
    office, counts = ticked_twice
    with office.at("2025-05-16 09:00") as runtime, runtime.sessions() as session:
        sent = letters.count_by_state(session, [LetterKind.CHASE])
        recipients = session.scalars(select(ReminderRow.recipient)).all()
        units = session.execute(select(UnitRow.code, UnitRow.valid_from)).all()
        untold = {each.reason for each in ledger.untold_rungs(session)}
    assert sorted(each["opened"] for each in counts) == [0, 1]
    assert set(sent) == {LetterState.SENT}
    assert sum(each["sent"] for each in counts) == sent[LetterState.SENT] == len(set(recipients)) > 50
    assert SkipReason.ONE_LETTER_A_DAY not in untold
    assert {address: len(office.letters_to(address)) for address in recipients} == dict.fromkeys(recipients, 1)
    assert len(units) == len(set(units)) > 0


def test_two_polls_at_once_judge_and_answer_each_arrival_once(ticked_twice):
    office, _ = ticked_twice
    for unit, act in ANSWERS.items():
        office.send(unit, act, "2025-06-03 09:00")
    counts = at_once(lambda: office.poll("2025-06-03 09:05"))
    assert sum(each["accepted"] for each in counts) == 3
    assert sum(each["returned"] for each in counts) == 1
    assert [len(office.letters_to(address_of(unit))) for unit in ANSWERS] == [2] * len(ANSWERS)
    with office.at("2025-06-03 10:00") as runtime, runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(SubmissionRow)) == 3


def test_two_operators_who_accept_the_same_arrival_at_once_let_it_count_once(ticked_twice):
    office, _ = ticked_twice
    office.send("so-cong-thuong", "answer_wrongly", "2025-06-04 09:00")
    office.poll("2025-06-04 09:05")
    with office.at("2025-06-04 10:00") as runtime, runtime.sessions() as session:
        returned = session.scalars(select(ArrivalRow.id).where(ArrivalRow.outcome == Outcome.RETURNED)).all()[-1]

    def accepted():
        with office.at("2025-06-04 10:00") as runtime:
            return accept.fn(runtime, returned, signature=sign(runtime, "Bàn trực", "Công văn số 12")).n_changed

    assert sorted(at_once(accepted)) == [0, 1]
    assert [each.action for each in acts_of(office)] == [Action.ACCEPT]


def acts_of(office):
    with office.at("2025-06-04 11:00") as runtime, runtime.sessions() as session:
        return audit.actions_since(session, hanoi("2025-01-01 00:00"))
