"""The chained audit: one entry a decision, never without it; nothing is changed behind it that it does not find."""

import sqlite3
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from models.db.base import Base
from models.db.chaining import ENTRIES
from models.db.covering import COVERED, UNCOVERED
from models.db.engine import migrate, open_engine
from models.db.records import arrivals, cycles, heartbeats, letters, targets
from models.db.records.audit import AuditEntry, note_action
from models.db.records.audit_entries import entries, head_of, verify
from models.db.sessions import chaining_sessions, note_rows
from models.db.snapshots import at_one_instant
from models.db.tables import (
    ArrivalRow,
    CycleRow,
    DutyMarkRow,
    DutyRow,
    FigureRow,
    LetterRow,
    NarrativeRow,
    SubmissionRow,
    TargetRow,
)
from models.db.turns import Turn, take_turn
from models.domain.audit_chain import Entry, canonical_json, digests_of_rows, hash_of
from models.domain.chasing import Send
from models.domain.duties import Mark
from models.domain.targets import Target
from models.domain.vocabulary import Action, Channel, LetterKind, LetterState, MarkKind, RowChange, SkipReason
from tasks.adapters.texts import vietnamese
from tasks.audits import break_text, summary_lines
from tests.builders import a_ladder, hanoi
from tests.chained import told

NOW = hanoi("2025-05-16 08:00")
OPERATOR = "Nguyễn Văn A"


@pytest.fixture
def engine(database):
    engine = open_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine):
    return chaining_sessions(engine, lambda: NOW)


def a_letter(n, **others):
    values = {"key": f"chase|{n}", "message_id": f"<{n}@x.invalid>", "recipient": f"{n}@x.invalid"}
    state = {"kind": LetterKind.CHASE, "day": NOW.date(), "state": LetterState.QUEUED, "queued_at": NOW}
    return LetterRow(**values | state | others)


def queue(sessions, *numbers):
    with sessions.begin() as session:
        letters.queue_letters(session, [a_letter(n) for n in numbers])


def an_arrival(n):
    return {
        "key": f"imap:{n}",
        "channel": Channel.MAIL,
        "received_at": NOW,
        "taken_at": NOW,
        "digest": f"{n:064}",
        "is_cut": False,
        "operator": "",
        "file_name": f"Báo cáo {n}.xlsx",
        "reasons": [{"code": "cell", "facts": {"ô": "E12", "số": 1.5}}],
    }


def work(sessions):
    """Let an office decide a little of everything."""
    with sessions.begin() as session:
        session.add(
            CycleRow(
                id=1,
                code="bc-6t-2025",
                programme_code="da",
                obligation_code="O-20",
                year=2025,
                clause="III.1-c",
                title="Báo cáo",
                terms="{}",
                **dict.fromkeys(("opens_at", "due_at", "late_at", "opened_at"), NOW),
            )
        )
        session.flush()
        for n, (code, name) in enumerate([("so-y-te", "Sở Y tế"), ("so-tu-phap", "Sở Tư pháp")], start=1):
            session.add(DutyRow(id=n, cycle_id=1, unit_code=code, unit_name=name, group_code="G1", token=str(n)))
    with sessions.begin() as session:
        cycles.add_mark(session, 1, Mark(kind=MarkKind.PROMISE, stated_at=NOW, until=NOW, reason="Hẹn nộp"))
        cycles.settle(session, {2: NOW}, accepted_at=NOW)
    with sessions.begin() as session:
        sends = [Send(duty_id=n, rung=a_ladder()[0], to=(f"{n}@x.invalid",)) for n in (1, 2)]
        letters.queue_reminders(session, sends, decided_at=NOW)
    queue(sessions, 1, 2, 3)
    with sessions.begin() as session:
        arrivals.take(session, [an_arrival(1), an_arrival(2)])
        submission = SubmissionRow(
            arrival_id=1,
            duty_id=1,
            number=1,
            received_at=NOW,
            judged_at=NOW,
            has_sound_form=True,
            attachments=["ban-ky"],
            form_version="2025",
        )
        session.add(submission)
        session.flush()
        session.add(FigureRow(submission_id=1, field="so_cuoc", amount=12, text=None, is_estimate=False, note=""))
        session.add(NarrativeRow(submission_id=1, section="kho_khan", text="Không"))
    with sessions.begin() as session:
        targets.replace_targets(
            session, "da", 2025, [Target(unit_code="so-y-te", year=2025, field="so_cuoc", amount=10)], set_at=NOW
        )
        note_action(
            session,
            AuditEntry(at=NOW, operator=OPERATOR, action=Action.IMPORT_TARGETS, subject="2025", reason="Theo kế hoạch"),
        )


@pytest.fixture
def worked(engine, sessions):
    work(sessions)
    return engine


@contextmanager
def past_the_program(engine):
    """Yield a connection on which somebody writes what the triggers would refuse; nothing of it stays."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for act in ("update", "delete", "replace"):
                connection.exec_driver_sql(f"DROP TRIGGER audit_entry_no_{act}")
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_entry DISABLE TRIGGER ALL")
        yield connection
        connection.rollback()


def broken(connection, **how):
    return told(verify(connection, **how))


def all_entries(engine):
    with engine.connect() as connection:
        return entries(connection, limit=1000)


def test_every_column_of_every_table_is_covered_or_said_not_to_be():
    children = {child.name: {child.parent, *child.columns} for each in COVERED.values() for child in each.children}
    assert {*COVERED, *UNCOVERED, *children} == set(Base.metadata.tables)
    said = {each.name: {"id", *each.columns, *each.left_out} for each in COVERED.values()} | children
    assert said == {name: set(Base.metadata.tables[name].columns.keys()) for name in said}


def test_each_transaction_that_decides_leaves_one_entry_and_one_that_does_not_leaves_none(engine, sessions):
    queue(sessions, *range(1, 600))
    queue(sessions, 1)  # is there already
    with sessions.begin() as session:
        heartbeats.beat(session, "mailbox", at=NOW)
    begun, queued = all_entries(engine)
    assert (begun.kind, queued.kind, queued.decided["n"]) == ("begun", "letters", {"letter": 599})
    with engine.connect() as connection:
        assert broken(connection) == []


def test_what_is_rolled_back_leaves_no_entry(engine, sessions):
    with sessions() as session:
        letters.queue_letters(session, [a_letter(1)])
    with sessions() as session:
        letters.queue_letters(session, [a_letter(2)])
        session.rollback()
        session.commit()
    assert all_entries(engine) == []


def test_what_dies_between_the_entry_and_the_end_of_its_transaction_leaves_neither(engine, sessions):
    def dies(*_):
        raise ZeroDivisionError

    event.listen(sessions, "before_commit", dies)
    with pytest.raises(ZeroDivisionError):
        queue(sessions, 1)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(LetterRow)) == 0
        assert head_of(connection) is None


def test_an_entry_says_who_decided_what_about_whom_and_why(worked):
    acts, taken, queued, reminded, settled, opened, _ = reversed(all_entries(worked))
    assert (opened.kind, opened.concerns["cycles"]) == ("opening", ["bc-6t-2025"])
    assert (acts.operator, acts.reason, acts.kind) == (OPERATOR, "Theo kế hoạch", "action")
    assert acts.decided["acts"] == ["import_targets"]
    assert (taken.kind, taken.concerns["arrivals"]) == ("verdict", [1, 2])
    assert (queued.kind, queued.operator) == ("letters", None)
    assert (reminded.kind, reminded.concerns["cycles"]) == ("reminding", ["bc-6t-2025"])
    assert settled.concerns == {"cycles": ["bc-6t-2025"], "units": ["so-tu-phap", "so-y-te"]}


def test_entries_are_found_by_cycle_unit_and_instant(worked):
    with worked.connect() as connection:
        by_unit = entries(connection, unit_code="so-tu-phap", limit=9)
        assert [entry.kind for entry in by_unit] == ["opening", "other", "reminding"]
        assert len(entries(connection, cycle_code="bc-6t-2025", limit=9)) == 4
        assert entries(connection, since=hanoi("2025-05-16 08:01"), limit=9) == []
        assert [entry.number for entry in entries(connection, limit=2)] == [6, 7]


def test_the_database_refuses_a_change_of_an_entry(worked):
    acts = ["UPDATE audit_entry SET reason = ''", "DELETE FROM audit_entry"]
    if worked.dialect.name == "postgresql":
        acts.append("TRUNCATE audit_entry")
    else:
        columns = "format, at, kind, 'Kẻ khác', reason, subject, details, rows"
        keys = ("number, {}, '1', '2'", "99, {}, previous, '2'", "99, {}, '1', own")
        replace = "REPLACE INTO audit_entry SELECT {} FROM audit_entry WHERE number = 3"
        acts += [replace.format(key.format(columns)) for key in keys]
    for act in acts:
        with pytest.raises(DBAPIError, match="append-only"), worked.begin() as connection:
            connection.execute(text(act))


def test_writers_at_once_make_one_chain(engine, sessions):
    n_writers, n_each, start = 4, 8, Barrier(4)

    def write(writer):
        start.wait(30)
        for n in range(n_each):
            with sessions.begin() as session:
                take_turn(session.connection(), (Turn.JUDGING, Turn.POSTING)[writer % 2])
                letters.queue_letters(session, [a_letter(f"{writer}-{n}")])

    with ThreadPoolExecutor(n_writers) as all_of_them:
        list(all_of_them.map(write, range(n_writers)))
    assert [entry.number for entry in all_entries(engine)] == list(range(1, n_writers * n_each + 2))
    with engine.connect() as connection:
        assert broken(connection) == []


def test_of_a_row_that_another_was_quicker_to_write_nothing_is_told(engine, sessions):
    """Such a row is not locked: its digest could be of before what a third transaction is about to tell of it."""
    work(sessions)
    sends, quicker = [Send(duty_id=1, rung=a_ladder()[0], to=("1@x.invalid",))], []
    with sessions.begin() as session:
        letters.cancel_reminders(session, {1: SkipReason.SUBMITTED})
        arrivals.resolve(session, 2, at=NOW)

    def another_round(_connection, _cursor, statement, *_others):
        if statement.startswith("UPDATE reminder") and not quicker:
            quicker.append(True)
            with sessions.begin() as session:
                assert letters.queue_reminders(session, sends, decided_at=NOW) == 1

    event.listen(engine, "before_cursor_execute", another_round)
    with sessions.begin() as session:
        assert letters.queue_reminders(session, sends, decided_at=NOW) == 0
    assert quicker
    before = len(all_entries(engine))
    with sessions.begin() as session:
        arrivals.resolve(session, 2, at=NOW)
        if engine.dialect.name == "postgresql":  # in SQLite nobody else writes: what is told is so
            cycles.settle(session, {2: NOW}, accepted_at=NOW)
        session.get(CycleRow, 1).title = "Báo cáo"
    assert len(all_entries(engine)) == before
    with engine.connect() as connection:
        assert broken(connection) == []


def test_a_savepoint_that_is_rolled_back_takes_along_only_what_was_written_since(engine, sessions):
    with sessions.begin() as session:
        letters.queue_letter(session, a_letter(1))
        with session.begin_nested():
            letters.queue_letter(session, a_letter(2))
        savepoint = session.begin_nested()
        letters.queue_letter(session, a_letter(3))
        session.execute(delete(LetterRow).where(LetterRow.key == "chase|1"))
        note_rows(session, LetterRow, RowChange.GONE, [1])
        savepoint.rollback()
    with engine.connect() as connection:
        assert broken(connection) == []
        assert connection.scalar(select(func.count()).select_from(LetterRow)) == 2


def test_two_entries_never_follow_one(worked):
    with worked.connect() as connection:
        newest = dict(connection.execute(select(ENTRIES).order_by(ENTRIES.c.number.desc()).limit(1)).mappings().one())
    with pytest.raises(DBAPIError), worked.begin() as connection:
        connection.execute(insert(ENTRIES).values(newest | {"number": 99, "own": "f" * 64}))


@pytest.mark.parametrize(
    "name", ["duty", "duty_mark", "letter", "reminder", "arrival", "submission", "audit", "target"]
)
def test_a_change_of_any_covered_column_is_found_and_the_row_named(worked, name):
    table = COVERED[name].table
    for column in COVERED[name].columns:
        with past_the_program(worked) as connection:
            if worked.dialect.name == "postgresql" and table.c[column].foreign_keys:
                continue  # the server itself refuses it
            key = connection.scalars(select(func.max(table.c.id))).one()
            change = _sql_change(table.c[column], worked.dialect.name)
            connection.exec_driver_sql(f'UPDATE "{name}" SET "{column}" = {change} WHERE id = {key}')
            assert broken(connection) == [("row_changed", name, key)], column


def _sql_change(column, dialect):
    """Return SQL that gives a column another value, the smallest difference that its type knows."""
    kind, quoted = str(column.type), f'"{column.name}"'
    if "JSON" in kind:
        return f"'[1]'{'::json' if dialect == 'postgresql' else ''}"
    if "DATETIME" in kind or "TIMESTAMP" in kind:
        return (
            "TIMESTAMPTZ '2031-01-01 00:00:00.000001+00'" if dialect == "postgresql" else "'2031-01-01 00:00:00.000001'"
        )
    if kind == "DATE":
        return "'2031-01-01'"
    if "BOOL" in kind:
        return f"NOT {quoted}"
    if "INT" in kind:
        return f"COALESCE({quoted}, 0) + 1"
    return f"COALESCE({quoted}, '') || ' '"


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("UPDATE figure SET amount = 13", "row_changed"),
        ("UPDATE narrative SET text = 'Có'", "row_changed"),
        ("DELETE FROM figure", "row_changed"),
        ("DELETE FROM narrative", "row_changed"),
        ("INSERT INTO narrative (submission_id, section, text) VALUES (1, 'a', '')", "row_changed"),
    ],
)
def test_what_a_submission_brought_is_covered_with_it(worked, act, expected):
    with past_the_program(worked) as connection:
        connection.exec_driver_sql(act)
        assert broken(connection) == [(expected, "submission", 1)]


def test_a_figure_that_was_put_between_two_submissions_is_nobodys_and_stops_nobody(tmp_path):
    like = "duty_id, received_at, judged_at, has_sound_form, attachments, form_version"
    second = f"INSERT INTO submission (id, arrival_id, number, {like}) SELECT 2, 2, 2, {like} FROM submission"
    between = "INSERT INTO figure (submission_id, field, is_estimate, note) VALUES (1.5, 'x', 0, '')"
    with _tampered(tmp_path, second, between) as found:
        assert told(found) == [("row_added", "submission", 2)]


def test_a_row_that_was_removed_or_added_is_found(worked):
    with past_the_program(worked) as connection:
        connection.execute(delete(LetterRow).where(LetterRow.id == 2))
        assert broken(connection) == [("row_gone", "letter", 2)]
    with past_the_program(worked) as connection:
        connection.execute(insert(DutyMarkRow).values(_mark_of(2)))
        assert broken(connection) == [("row_added", "duty_mark", 2)]


def _mark_of(duty_id):
    return {"duty_id": duty_id, "kind": MarkKind.WAIVER, "stated_at": NOW, "reason": "", "operator": ""}


def test_a_row_that_was_removed_is_found_though_its_number_was_given_anew(worked, sessions):
    with worked.begin() as connection:
        connection.execute(delete(LetterRow).where(LetterRow.id == 3))
    with sessions.begin() as session:
        session.add(a_letter(9, id=3))
    with worked.connect() as connection:
        assert broken(connection) == [("row_gone", "letter", 3)]


def test_what_the_program_itself_takes_away_is_no_break(worked, sessions):
    with sessions.begin() as session:
        targets.replace_targets(
            session, "da", 2025, [Target(unit_code="so-y-te", year=2025, field="so_cuoc", amount=11)], set_at=NOW
        )
    with sessions.begin() as session:
        session.execute(delete(LetterRow).where(LetterRow.id == 3))
        note_rows(session, LetterRow, RowChange.GONE, [3])
    with sessions.begin() as session:
        session.execute(update(ArrivalRow).where(ArrivalRow.id == 1).values(subject="", sender=""))
        note_rows(session, ArrivalRow, RowChange.CHANGED, [1])
    with worked.connect() as connection:
        assert broken(connection) == []
    with past_the_program(worked) as connection:
        connection.execute(insert(LetterRow.__table__).values(_values(a_letter(3, id=3))))
        assert broken(connection) == [("row_added", "letter", 3)]
    with past_the_program(worked) as connection:
        connection.execute(update(TargetRow).values(amount=12))
        (found,) = broken(connection)
        assert found[:2] == ("row_changed", "target")


def _values(row):
    return {name: value for name, value in vars(row).items() if name in row.__table__.columns}


ENTRY_COLUMNS = [column.name for column in ENTRIES.c if column.name not in {"number", "format", "at"}]


@given(
    column=st.sampled_from(ENTRY_COLUMNS),
    place=st.integers(0, 10_000),
    number=st.integers(1, 7),
    sign=st.characters(codec="utf-8", exclude_characters="\0"),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_change_of_any_character_of_an_entry_is_found(worked, column, place, number, sign):
    with past_the_program(worked) as connection:
        before = connection.scalars(select(ENTRIES.c[column]).where(ENTRIES.c.number == number)).one() or ""
        where = place % (len(before) + 1)
        after = before[:where] + sign + before[where + 1 :]
        if after == before:
            return
        connection.execute(update(ENTRIES).where(ENTRIES.c.number == number).values({column: after}))
        found = verify(connection)
        assert {each.entry.number for each in found.breaks if each.entry} & {number, number + 1}
        assert found.n_breaks


@pytest.mark.parametrize("values", [{"format": 2}, {"at": hanoi("2025-05-16 08:00:01")}, {"operator": ""}])
def test_a_change_of_an_entrys_format_instant_or_operator_is_found(worked, values):
    with past_the_program(worked) as connection:
        connection.execute(update(ENTRIES).where(ENTRIES.c.number == 4).values(values))
        assert [each.entry.number for each in verify(connection).breaks] == [4]


HOSTILE = (
    "'hôm qua'",
    "CAST(x'ff' AS TEXT)",
    "x'00ff'",
    "'9999-12-31 23:59:59'",
    "'[' || replace(hex(zeroblob(9999)), '0', '[')",
)
"""What SQLite lets somebody write into a column, whatever its type; as SQL."""


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("column", ["at", "format", "kind", "operator", "reason", "subject", "details", "rows", "own"])
def test_what_cannot_be_read_in_an_entry_is_told_in_words_and_stops_nobody_from_looking_on(tmp_path, column, value):
    numbers = {7} if column == "own" else {1, 3, 7}  # of two hashes that are the same the database knows
    among = ", ".join(map(str, numbers))
    with _tampered(tmp_path, f"UPDATE audit_entry SET {column} = {value} WHERE number IN ({among})") as found:
        assert numbers <= {each.entry.number for each in found.breaks if each.entry}


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("column", ["reasons", "sender", "received_at"])
def test_what_cannot_be_read_in_a_row_is_told_in_words(tmp_path, column, value):
    with _tampered(tmp_path, f"UPDATE arrival SET {column} = {value} WHERE id = 2") as found:
        assert told(found) == [("row_changed", "arrival", 2)]


@pytest.mark.parametrize("keys", ["1-99999999999", "99999999999", "5-1", "0", "-1"])
@pytest.mark.parametrize("change", ["new", "gone"])
def test_an_entry_that_speaks_of_more_rows_than_there_may_be_is_not_counted_up(tmp_path, keys, change):
    rows = canonical_json({"letter": {change: [keys, b64encode(bytes(16)).decode() if change == "new" else ""]}})
    with _tampered(tmp_path, f"UPDATE audit_entry SET rows = '{rows}' WHERE number = 5") as found:
        assert "entry_changed" in {each.code for each in found.breaks}


@contextmanager
def _tampered(folder, *acts):
    """Yield what is found in an office whose database somebody has written past the program; all of it can be said."""
    engine = open_engine(f"sqlite:///{folder / 'dondoc.db'}")
    migrate(engine)
    work(chaining_sessions(engine, lambda: NOW))
    with closing(sqlite3.connect(folder / "dondoc.db")) as connection:  # it holds no row to what it refers to
        for act in ("DROP TRIGGER audit_entry_no_update", *acts):
            connection.execute(act)
        connection.commit()
    with at_one_instant(engine) as connection:
        found = verify(connection)
    engine.dispose()
    texts = vietnamese()
    said = [*(break_text(each, texts) for each in found.breaks), *summary_lines(found, texts)]
    assert all(line.encode() for line in said)
    yield found


def test_an_entry_that_was_removed_is_found_and_so_is_the_beginning(worked):
    with past_the_program(worked) as connection:
        connection.execute(delete(ENTRIES).where(ENTRIES.c.number == 4))
        (first, *_) = verify(connection).breaks
        assert (first.code, first.entry.number) == ("entry_gone", 5)
    with past_the_program(worked) as connection:
        connection.execute(delete(ENTRIES).where(ENTRIES.c.number <= 2))
        assert ("beginning_gone", "", 0) in broken(connection)


def test_an_end_that_was_cut_off_is_found_by_a_head_that_somebody_has_written_down(worked, sessions):
    with worked.connect() as connection:
        _, head = head_of(connection)
    queue(sessions, 77)
    with worked.connect() as connection:
        assert broken(connection, from_head=head) == []
    with past_the_program(worked) as connection:
        connection.execute(delete(ENTRIES).where(ENTRIES.c.number >= 7))
        for table in ("letter", "target", "audit"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE id > {3 if table == 'letter' else 0}")
        assert broken(connection) == []
        assert broken(connection, from_head=head) == [("tail_gone", "", 0)]
        connection.execute(delete(ENTRIES))
        assert broken(connection, from_head=head) == [("tail_gone", "", 0)]


def test_what_was_there_before_the_chain_began_is_counted_and_not_held_to_it(engine, sessions):
    with engine.begin() as connection:
        for n in (1, 2, 3):
            connection.execute(
                insert(LetterRow.__table__).values(_values(a_letter(n, n_attempts=0, subject="", detail="")))
            )
    queue(sessions, 4, 5)
    with engine.connect() as connection:
        found = verify(connection)
    assert (told(found), found.n_known, found.n_rows, found.begun_at) == ([], 3, 2, NOW)


def test_of_what_was_there_before_only_rows_that_are_still_there_are_counted(engine, sessions):
    with engine.begin() as connection:
        values = {"programme_code": "da", "year": 2025, "field": "f", "amount": 1, "set_at": NOW}
        connection.execute(insert(TargetRow.__table__), [values | {"unit_code": f"u{n}"} for n in range(4)])
        rows = [_values(a_letter(n, n_attempts=0, subject="", detail="")) for n in range(5)]
        connection.execute(insert(LetterRow.__table__), rows)
    with sessions.begin() as session:
        targets.replace_targets(session, "da", 2025, [], set_at=NOW)
    with engine.connect() as connection:
        found = verify(connection)
    assert (told(found), found.n_known) == ([], 5)


def test_both_databases_have_the_same_digests(tmp_path, postgresql):
    rows = []
    for url in (f"sqlite:///{tmp_path / 'dondoc.db'}", postgresql.new_database()):
        engine = open_engine(url)
        migrate(engine)
        work(chaining_sessions(engine, lambda: NOW))
        rows.append([(entry.rows, entry.own) for entry in all_entries(engine)])
        engine.dispose()
    assert rows[0] == rows[1]


def test_the_hash_of_an_entry_is_the_same_in_every_release():
    entry = Entry(
        number=2,
        at=hanoi("2025-05-16 08:00"),
        kind="action",
        operator=OPERATOR,
        reason="Theo đề nghị",
        subject='{"cycles":["bc-6t-2025"]}',
        details="{}",
        rows='{"letter":{"new":["1-2","AAAA"]}}',
        previous="0" * 64,
    )
    assert hash_of(entry) == "703b4f4301ce141c7fe21bf4b558f73ff7c72c170ebf7ad38656d999f9249374"


def test_the_digest_of_a_row_is_the_same_in_every_release_and_a_border_between_cells_never_moves():
    plain = digests_of_rows([[1, "Sở Y tế", None], [2, "", 0]])
    assert [each.hex() for each in plain] == ["1ad483bcba0df4eb4921af0d1fbff9ad", "6d827945d22ebf2c04fe7d240772264f"]
    odd = [[1, "a],[b", None], [2, 'c","d', None], [2, "c", "d"], [2, "c\x1f", "d\u2028"]]
    assert digests_of_rows(odd) == [digests_of_rows([row])[0] for row in odd]
    assert len(set(digests_of_rows(odd))) == len(odd)
