"""What strangers write is kept, in either database: no text of theirs stops a run."""

import json

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.db.engine import open_engine
from models.db.inserting import insert_new
from models.db.records import arrivals, rosters
from models.db.tables import ArrivalRow, AuditRow
from models.domain.forms import note
from models.domain.submissions import Verdict
from models.domain.vocabulary import Action, Channel, Outcome
from tests.builders import hanoi

NOW = hanoi("2025-06-03 09:00")
HOSTILE = "A\0B\ud800C\udfff 'x\"; DROP TABLE arrival; -- %s %(x)s :x {x} \\ \x1b"
MENDED = "A\ufffdB\ufffdC\ufffd 'x\"; DROP TABLE arrival; -- %s %(x)s :x {x} \\ \x1b"


@pytest.fixture
def session(database):
    engine = open_engine(database)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def taken(session, key):
    row = {
        "key": key,
        "channel": Channel.MAIL,
        "received_at": NOW,
        "taken_at": NOW,
        "digest": "0" * 64,
        "is_cut": False,
        "operator": "",
        "file_name": HOSTILE,
    }
    n_new = arrivals.take(session, [row])
    session.commit()
    return n_new


def judged(session, arrival, envelope, reason):
    verdict = Verdict(outcome=Outcome.QUARANTINED, reasons=(reason,))
    outcome = arrivals.NewOutcome(arrival_id=arrival.id, verdict=verdict, envelope=envelope)
    arrivals.record_outcomes(session, [outcome], at=NOW)
    session.commit()
    return arrivals.judged(session, [arrival.id])[arrival.id]


def test_nul_and_halves_of_surrogates_are_mended_and_everything_else_is_kept(session):
    assert taken(session, f"drop:{HOSTILE}") == 1
    (arrival,) = arrivals.unjudged(session, limit=10)
    assert (arrival.key, arrival.file_name) == (f"drop:{MENDED}", MENDED)


def test_an_arrival_with_such_a_key_is_known_again(session):
    assert [taken(session, f"drop:{HOSTILE}") for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("length", [400, 4_000, 40_000])
def test_sender_subject_and_names_of_files_may_be_of_any_length(session, length):
    taken(session, "imap:1")
    long = "ừ" * length
    envelope = arrivals.Envelope(sender=f"{long}@example.invalid", subject=long, workbook_name=long)
    found = judged(session, arrivals.unjudged(session, limit=1)[0], envelope, note("sender_unknown"))
    assert found.envelope == envelope


def test_facts_of_findings_come_back_whatever_stands_in_them(session):
    taken(session, "imap:1")
    reason = note("bounce", addresses=HOSTILE)
    found = judged(session, arrivals.unjudged(session, limit=1)[0], arrivals.Envelope(subject=HOSTILE), reason)
    assert found.envelope.subject == MENDED
    assert [each.code for each in found.reasons] == ["bounce"]
    assert dict(found.reasons[0].facts)["addresses"].startswith("A")


def test_a_search_for_such_text_finds_nothing_and_breaks_nothing(session):
    assert arrivals.outcome_of(session, HOSTILE) is None
    assert rosters.units_of_addresses(session, ["de_an_835"], [HOSTILE], on=NOW.date()) == {}


def test_details_of_an_act_keep_their_types(session):
    details = {"n": 3, "ok": True, "nothing": None, "list": ["Đồng", "\U0001f600"], "deep": {"x": [1.5]}}
    row = {
        "at": NOW,
        "operator": "Trực ban",
        "action": Action.EXTEND,
        "subject": "bc-6t-2025",
        "unit_code": "",
        "reason": "",
        "details": details,
        "run": "",
    }
    session.execute(insert(AuditRow), [row])
    session.commit()
    found = session.scalars(select(AuditRow)).one()
    assert json.dumps(found.details) == json.dumps(details)
    assert (found.at, found.at.tzinfo, found.action) == (NOW, NOW.tzinfo, Action.EXTEND)


def test_of_many_rows_those_that_are_known_are_left_out_and_the_others_counted(session):
    rows = [
        {
            "key": f"imap:{n}",
            "channel": Channel.MAIL,
            "received_at": NOW,
            "taken_at": NOW,
            "digest": "",
            "is_cut": n % 2 == 0,
            "operator": "",
            "file_name": "",
        }
        for n in range(2_000)
    ]
    assert insert_new(session, ArrivalRow, rows[:500]) == 500
    assert insert_new(session, ArrivalRow, rows) == 1_500
    session.commit()
    assert [row.is_cut for row in session.scalars(select(ArrivalRow).order_by(ArrivalRow.key).limit(2))] == [
        True,
        False,
    ]
