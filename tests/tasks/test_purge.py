"""What a purge takes away and what it leaves: bytes go, facts stay, and nothing that is needed is ever lost."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from deployments.postoffice import PostOffice
from models.db.records import arrivals, audit, files
from models.db.tables import ArrivalRow, DutyRow, EditionFileRow, LetterRow, ReminderRow, RemovedFileRow
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import Action, Channel, EditionKind, KeptKind, LetterState, Outcome
from tasks.adapters.texts import vietnamese
from tasks.adapters.verdict_words import verdict_as_data
from tasks.board import board_of
from tasks.compile import compile_cycle
from tasks.handle_duties import accept
from tasks.open_cycles import stamp_missing_forms
from tasks.operators import sign
from tasks.ports import InboxItem
from tasks.purge import plan_purge, purge
from tasks.receive import kept_in_chunks
from tasks.resolve_quarantine import Resolution, resolve_quarantine
from tasks.settings import KeepSettings
from tasks.verdicts import verdict_on
from tests.builders import hanoi
from tests.s3_server import make_bucket, options_for
from tests.tasks.conftest import HomesOwnFile, Office, OnServer, copied
from tests.tasks.test_two_databases import of_few_units

CYCLE = "bc-6t-2025"
ACTS = {
    "so-y-te": "answer",
    "so-tu-phap": "answer_wrongly",
    "so-noi-vu": "say_nil",
    "so-tai-chinh": "answer_from_elsewhere",
    "so-cong-thuong": "say_out_of_office",
}
AFTER_A_YEAR, AFTER_THREE = "2026-07-01 08:00", "2028-07-01 08:00"
WHO, WHY = "Lưu trữ", "Biên bản hủy số 05/BB-VP"


@pytest.fixture(scope="module", params=["SQLite and a folder", "PostgreSQL and an S3 store"])
def finished(request, tmp_path_factory):
    """An office whose report is over: an answer, one returned and corrected, one held, one ignored, a final edition."""
    folder = tmp_path_factory.mktemp("finished")
    databases, shared = HomesOwnFile(), {}
    if "S3" in request.param:
        databases = OnServer(request.getfixturevalue("postgresql"))
        address = request.getfixturevalue("s3")
        make_bucket(address, "giu-tep")
        shared = {"files_url": "s3://giu-tep/dondoc", "files_options": options_for(address)}
    with PostOffice(folder / "office") as mail:
        office = Office(home=folder / "home", mail=mail, settings=databases.new() | shared)
        of_few_units(office)
        office.round("2025-05-16 08:00")
        for unit, act in ACTS.items():
            office.send(unit, act, "2025-06-03 09:00")
        office.poll("2025-06-03 09:05")
        office.send("so-tu-phap", "correct", "2025-06-10 10:30")
        office.poll("2025-06-10 10:35")
        with office.at("2025-07-20 08:00") as runtime:
            compile_cycle(runtime, CYCLE, runtime.clock.now(), EditionKind.FINAL)
    return office, databases


@pytest.fixture
def office(finished, tmp_path, request):
    """A copy of it for one test; what the store of several machines holds is given back after."""
    office, databases = finished
    with office.at(AFTER_A_YEAR) as runtime, runtime.sessions() as session:
        contents = [runtime.archive.read(digest) for digest in {each.digest for each in files.kept_files(session)}]
    with copied(office, databases, tmp_path) as copy:
        yield copy
    with office.at(AFTER_A_YEAR) as runtime:
        runtime.archive.keep_all(contents)


def done(runtime, **wishes):
    return purge(runtime, runtime.clock.now(), signature=sign(runtime, WHO, WHY), **wishes)


def n_by_kind(found):
    return {each.kind: each.n_files for each in found.kinds if each.n_files}


def arrival(runtime, outcome):
    with runtime.sessions() as session:
        return session.scalars(select(ArrivalRow).where(ArrivalRow.outcome == outcome).order_by(ArrivalRow.id)).first()


def is_there(runtime, digest):
    try:
        return bool(runtime.archive.read(digest))
    except FileNotFoundError:
        return False


def told(office, instant=AFTER_THREE):
    """Return all that people and scripts are told of the cycle, as of then and as of now."""
    with office.at(instant) as runtime:
        now = runtime.clock.now()
        with runtime.sessions() as session:
            units = session.scalars(select(DutyRow.unit_code).order_by(DutyRow.unit_code)).all()
            outcomes = arrivals.outcomes_since(session, hanoi("2025-01-01 00:00"), own_address="")
            digests = session.execute(select(ArrivalRow.id, ArrivalRow.digest, ArrivalRow.workbook_digest)).all()
        instants = (hanoi("2025-06-11 08:00"), now)
        return {
            "board": [board_of(runtime, CYCLE, at) for at in instants],
            "verdicts": [
                verdict_as_data(verdict_on(runtime, CYCLE, unit, at), runtime.texts)
                for at in instants
                for unit in units
            ],
            "edition": compile_cycle(runtime, CYCLE, now, EditionKind.FINAL),
            "arrivals": (outcomes, [tuple(row) for row in digests]),
        }


def test_a_trial_says_kind_by_kind_what_would_go_and_changes_nothing(office):
    with office.at(AFTER_A_YEAR) as runtime:
        found = plan_purge(runtime, runtime.clock.now())
        assert found == plan_purge(runtime, runtime.clock.now())
        assert n_by_kind(found)[KeptKind.WORKBOOK] == 1
        assert n_by_kind(found)[KeptKind.FORM] == len(ACTS)
        assert KeptKind.ANSWER not in n_by_kind(found)
        assert {code for each in found.kinds for code in each.cycles} == {CYCLE}
        assert found.n_octets == sum(each.n_octets for each in found.kinds) > 0
        with runtime.sessions() as session:
            assert files.to_be_removed(session) == []
            assert Action.PURGE not in {act.action for act in audit.newest_actions(session, limit=9)}


def test_bytes_go_facts_stay_and_everybody_is_told_the_same_as_before(office):
    before = told(office)
    with office.at(AFTER_THREE) as runtime:
        planned = plan_purge(runtime, runtime.clock.now())
        gone = done(runtime)
        assert replace(gone, is_done=False) == planned
        assert {KeptKind.IGNORED, KeptKind.WORKBOOK, KeptKind.FORM} <= n_by_kind(gone).keys()
        assert not is_there(runtime, arrival(runtime, Outcome.IGNORED).digest)
        assert not is_there(runtime, arrival(runtime, Outcome.RETURNED).workbook_digest)
        assert is_there(runtime, arrival(runtime, Outcome.ACCEPTED).digest)
        assert is_there(runtime, arrival(runtime, Outcome.QUARANTINED).digest), "it waits for a person still"
        with runtime.sessions() as session:
            assert all(is_there(runtime, digest) for digest in session.scalars(select(EditionFileRow.digest)))
            (entry,) = audit.actions_on(session, "archive")
            n_kept = session.scalar(select(func.count()).select_from(RemovedFileRow))
        assert (entry.action, entry.operator, entry.reason) == (Action.PURGE, WHO, WHY)
        assert sum(n for n, _ in entry.details["removed"].values()) == gone.n_files == n_kept
    assert told(office) == before


def test_a_second_purge_removes_nothing_and_writes_nothing(office):
    with office.at(AFTER_THREE) as runtime:
        done(runtime)
        again = done(runtime)
        assert (again.n_files, again.n_left_over) == (0, 0)
        with runtime.sessions() as session:
            assert len(audit.actions_on(session, "archive")) == 1


class _CutOffError(Exception):
    pass


def _cut_off(_done, _all):
    raise _CutOffError


class Breaking:
    """An archive whose removals break off after some: those that were removed are gone, and nobody noted it."""

    def __init__(self, archive, *, after):
        self._archive, self._left = archive, after

    def __getattr__(self, name):
        return getattr(self._archive, name)

    def remove(self, digest):
        if not self._left:
            raise _CutOffError
        self._left -= 1
        self._archive.remove(digest)


def test_a_purge_that_was_cut_off_is_brought_to_its_end_by_the_next(office):
    with office.at(AFTER_THREE) as runtime:
        planned = plan_purge(runtime, runtime.clock.now())
        with pytest.raises(_CutOffError):
            done(runtime, heard=_cut_off)
        with pytest.raises(_CutOffError):
            done(runtime.with_archive(Breaking(runtime.archive, after=2)))
        left = plan_purge(runtime, runtime.clock.now())
        assert (left.n_files, left.n_left_over) == (0, planned.n_files)
        assert done(runtime).n_left_over == planned.n_files
        with runtime.sessions() as session:
            gone = session.scalars(select(RemovedFileRow.digest)).all()
            assert files.to_be_removed(session) == []
        assert len(gone) == planned.n_files
        assert not any(is_there(runtime, digest) for digest in gone)


def _arrives(office, content, key):
    """Let bytes come in as a file that a person laid into the drop folder, by a run of its own."""
    item = InboxItem(
        key=key, received_at=hanoi(AFTER_THREE), content=content, is_cut=False, operator="van-thu", file_name="a.eml"
    )
    with office.at(AFTER_THREE) as runtime:
        return sum(kept_in_chunks(runtime, [item], Channel.DROP_FOLDER))


def test_bytes_that_come_again_after_it_was_decided_to_remove_them_stay(office):
    with office.at(AFTER_THREE) as runtime:
        digest = arrival(runtime, Outcome.IGNORED).digest
        content = runtime.archive.read(digest)
        done(runtime, heard=lambda n_done, _all: n_done or _arrives(office, content, "drop:again"))
        assert runtime.archive.read(digest) == content
        with runtime.sessions() as session:
            assert files.removed(session, [digest]) == set()
        assert n_by_kind(plan_purge(runtime, runtime.clock.now())) == {}


class PurgedBetween:
    """An archive of which a purge takes its fill after bytes were kept, and before anything speaks of them."""

    def __init__(self, archive, purge_now):
        self._archive, self._purge_now = archive, purge_now

    def __getattr__(self, name):
        return getattr(self._archive, name)

    def keep_all(self, contents):
        kept = self._archive.keep_all(contents)
        self._purge_now()
        return kept


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_bytes_that_a_purge_takes_away_between_keeping_and_recording_are_kept_again(office, is_cut_off):
    with office.at(AFTER_THREE) as runtime:
        digest = arrival(runtime, Outcome.IGNORED).digest
        content = runtime.archive.read(digest)

        def purge_now():
            with office.at(AFTER_THREE) as other:
                if not is_cut_off:
                    done(other)
                    return
                n_all = plan_purge(other, other.clock.now()).n_files
                with pytest.raises(_CutOffError):
                    done(other.with_archive(Breaking(other.archive, after=n_all - 1)))
                other.archive.remove(digest)
            assert not is_there(runtime, digest)

        item = InboxItem(
            key="drop:x", received_at=hanoi(AFTER_THREE), content=content, is_cut=False, operator="", file_name="a.eml"
        )
        beside = runtime.with_archive(PurgedBetween(runtime.archive, purge_now))
        assert sum(kept_in_chunks(beside, [item], Channel.DROP_FOLDER)) == 1
        done(runtime)
        assert runtime.archive.read(digest) == content


def test_a_held_arrival_goes_when_its_term_after_the_decision_is_over(office):
    with office.at("2026-01-05 09:00") as runtime:
        held = arrival(runtime, Outcome.QUARANTINED)
        resolve_quarantine.fn(runtime, Resolution(arrival_id=held.id), signature=sign(runtime, WHO, WHY))
    for instant, stays in (("2028-01-05 08:59", True), ("2028-01-05 09:00", False)):
        with office.at(instant) as runtime:
            done(runtime)
            assert is_there(runtime, held.digest) is stays


def test_an_arrival_without_its_bytes_is_not_judged_again_and_the_operator_is_told(office):
    office.send("so-cong-thuong", "answer_wrongly", "2025-07-21 09:00")
    office.poll("2025-07-21 09:05")
    with office.at("2026-01-05 09:00") as runtime, runtime.sessions() as session:
        theirs = select(ArrivalRow).join(DutyRow, DutyRow.id == ArrivalRow.duty_id)
        theirs = theirs.where(DutyRow.unit_code == "so-cong-thuong", ArrivalRow.outcome == Outcome.RETURNED)
        returned = session.scalars(theirs).one()
    office.settings["keep"] = KeepSettings(answer_months=1, returned_months=1)
    with office.at("2026-01-05 09:00") as runtime:
        done(runtime)
        assert not is_there(runtime, returned.digest)
        with pytest.raises(ActionRefusedError) as refused:
            accept.fn(runtime, returned.id, signature=sign(runtime, WHO, WHY))
    assert refused.value.code == "error.original_removed"


def test_a_form_stays_while_a_letter_about_its_duty_is_to_go(office):
    office.settings["keep"] = KeepSettings(form_months=1)
    with office.at("2025-08-01 08:00") as runtime:
        all_forms = n_by_kind(plan_purge(runtime, runtime.clock.now()))[KeptKind.FORM]
        with runtime.sessions.begin() as session:
            letter_id = session.scalars(select(ReminderRow.letter_id).where(ReminderRow.letter_id.is_not(None))).first()
            session.get(LetterRow, letter_id).state = LetterState.QUEUED
            duties = set(session.scalars(select(ReminderRow.duty_id).where(ReminderRow.letter_id == letter_id)))
        assert n_by_kind(plan_purge(runtime, runtime.clock.now()))[KeptKind.FORM] == all_forms - len(duties)
        done(runtime)
        with runtime.sessions() as session:
            assert all(is_there(runtime, session.get(DutyRow, each).form_digest) for each in duties)


def test_bytes_that_were_kept_again_and_never_spoken_of_go_with_the_next_purge(office):
    with office.at(AFTER_THREE) as runtime:
        ignored = arrival(runtime, Outcome.IGNORED)
        content = runtime.archive.read(ignored.digest)
        done(runtime)
        runtime.archive.keep(content)  # and whoever was to record it died
        assert plan_purge(runtime, runtime.clock.now()).n_files == 1
        assert done(runtime).n_files == 1
        assert not is_there(runtime, ignored.digest)
        assert done(runtime).n_files == 0


def test_nobody_purges_ahead_of_the_time_or_unsigned(office):
    with office.at(AFTER_A_YEAR) as runtime:
        with pytest.raises(ActionRefusedError) as refused:
            purge(runtime, hanoi(AFTER_THREE), signature=sign(runtime, WHO, WHY))
        assert "2028" in vietnamese().error(refused.value)
        with pytest.raises(ActionRefusedError):
            sign(runtime, WHO, " ")


def test_a_form_that_went_is_stamped_again_where_its_cycle_is_still_worked_on(office):
    office.settings["keep"] = KeepSettings(form_months=1)
    with office.at("2025-08-01 08:00") as runtime:
        assert n_by_kind(done(runtime)) == {KeptKind.FORM: len(ACTS)}
        assert office.duty("so-y-te").form_digest is None
        assert stamp_missing_forms.fn(runtime, [CYCLE]) == len(ACTS)
        digest = office.duty("so-y-te").form_digest
        assert is_there(runtime, digest)
        with runtime.sessions() as session:
            assert files.removed(session, [digest]) == set()
