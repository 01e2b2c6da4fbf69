"""Editions: made when due, once for the same inputs, never back in time."""

import pytest

from models.db.records import editions
from models.domain.errors import EditionInThePastError
from models.domain.vocabulary import EditionKind
from tasks.compile import compile_cycle, compile_due_editions
from tasks.draft import draft_official_letters

UNIT = "so-y-te"
CYCLE = "bc-6t-2025"


def compiled(office, instant, kind=EditionKind.PROVISIONAL):
    with office.at(instant) as runtime:
        return compile_cycle(runtime, CYCLE, runtime.clock.now(), kind)


@pytest.fixture
def answered_office(opened_office):
    """One unit has answered, the others have not."""
    opened_office.send(UNIT, "answer", "2025-06-03 09:00")
    opened_office.poll("2025-06-03 09:05")
    return opened_office


def test_an_edition_counts_what_was_accepted_and_says_of_how_many(answered_office):
    edition = compiled(answered_office, "2025-06-04 08:00").edition
    assert (edition.number, edition.n_reported, edition.n_expected) == (1, 1, 76)
    home = answered_office.home
    assert (home / edition.workbook).read_bytes()[:2] == (home / edition.report).read_bytes()[:2] == b"PK"


def test_the_same_inputs_never_make_a_second_edition(answered_office):
    first = compiled(answered_office, "2025-06-04 08:00")
    again = compiled(answered_office, "2025-06-05 08:00")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.edition.number == 1


def test_a_late_unit_gives_a_new_edition_with_its_differences(answered_office):
    compiled(answered_office, "2025-06-04 08:00")
    answered_office.send("so-tu-phap", "answer", "2025-06-20 09:00")
    answered_office.poll("2025-06-20 09:05")
    second = compiled(answered_office, "2025-06-20 10:00").edition
    assert (second.number, second.n_reported) == (2, 2)


def test_editions_never_go_back_in_time(answered_office):
    compiled(answered_office, "2025-06-20 10:00", EditionKind.FINAL)
    with pytest.raises(EditionInThePastError):
        compiled(answered_office, "2025-06-02 08:00")
    with answered_office.at("2025-06-21 08:00") as runtime:
        earlier = runtime.clock.now().replace(day=2)
        assert compile_due_editions.fn(runtime, [CYCLE], earlier) == 0


def test_a_provisional_edition_comes_with_the_end_of_grace_and_the_final_one_with_the_close(answered_office):
    for instant, kinds in [
        ("2025-06-16 08:00", []),
        ("2025-06-17 08:00", [EditionKind.PROVISIONAL]),
        ("2025-07-07 08:00", [EditionKind.PROVISIONAL, EditionKind.FINAL]),
        ("2025-07-08 08:00", [EditionKind.PROVISIONAL, EditionKind.FINAL]),
    ]:
        with answered_office.at(instant) as runtime:
            compile_due_editions.fn(runtime, [CYCLE], runtime.clock.now())
            with runtime.sessions() as session:
                assert [made.kind for made in editions.editions_of(session, CYCLE)] == kinds


def test_an_official_letter_is_drafted_once_on_its_day_and_names_the_late_units_only(answered_office):
    for instant, n_new in [("2025-06-18 08:00", 0), ("2025-06-19 08:00", 1), ("2025-06-19 14:00", 0)]:
        with answered_office.at(instant) as runtime:
            assert draft_official_letters.fn(runtime, [CYCLE], runtime.clock.now()) == n_new
            with runtime.sessions() as session:
                drafts = editions.drafts_of(session, CYCLE)
    assert [(draft.rung, draft.n_units) for draft in drafts] == [("urging-1", 75)]
