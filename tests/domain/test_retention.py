"""How long bytes are kept: by kind, from the instant its term runs, and as long as any fact needs them."""

import pytest

from models.domain.retention import KeptFile, kept_until, months_after, removable
from models.domain.vocabulary import KeptKind
from tests.builders import hanoi

TERMS = {KeptKind.IGNORED: 12, KeptKind.RETURNED: 24, KeptKind.HELD: 24, KeptKind.WORKBOOK: 6, KeptKind.ANSWER: 0}


def a_file(kind=KeptKind.IGNORED, since="2025-06-03 09:05", digest="a", cycle=""):
    return KeptFile(digest=digest, kind=kind, since=hanoi(since) if since else None, cycle_code=cycle)


def gone(*files, as_of):
    return [(each.digest, each.kind) for each in removable(files, TERMS, as_of=hanoi(as_of))]


def test_a_file_goes_at_the_instant_its_term_ends_and_not_before():
    assert gone(a_file(), as_of="2026-06-03 09:04:59") == []
    assert gone(a_file(), as_of="2026-06-03 09:05") == [("a", KeptKind.IGNORED)]


@pytest.mark.parametrize(
    ("since", "months", "until"),
    [
        ("2025-01-31 08:00", 1, "2025-02-28 08:00"),
        ("2024-02-29 08:00", 12, "2025-02-28 08:00"),
        ("2025-12-15 00:00", 1, "2026-01-15 00:00"),
        ("2025-06-03 09:05", 240, "2045-06-03 09:05"),
    ],
)
def test_months_are_those_of_the_calendar(since, months, until):
    assert months_after(hanoi(since), months) == hanoi(until)


@pytest.mark.parametrize(
    "file",
    [
        a_file(KeptKind.ANSWER),
        a_file(KeptKind.HELD, since=None),
        a_file(KeptKind.RETURNED, since=None),
        a_file(KeptKind.FORM),
        a_file(KeptKind.EDITION),
    ],
    ids=["term of nought", "waits for a person", "a letter is to go", "kind without a term", "edition"],
)
def test_what_has_no_term_or_is_needed_stays_for_ever(file):
    assert kept_until(file, TERMS) is None
    assert gone(file, as_of="2099-01-01 00:00") == []


def test_an_edition_stays_whatever_is_set():
    assert kept_until(a_file(KeptKind.EDITION), {KeptKind.EDITION: 1}) is None


def test_one_fact_that_needs_a_file_keeps_it_for_all_that_speak_of_it():
    files = [a_file(), a_file(KeptKind.ANSWER), a_file(digest="b")]
    assert gone(*files, as_of="2099-01-01 00:00") == [("b", KeptKind.IGNORED)]


def test_a_file_counts_as_what_needed_it_longest_with_the_cycles_of_all_that_speak_of_it():
    files = [a_file(KeptKind.RETURNED, cycle="bc-6t-2025"), a_file(cycle="bc-nam-2025")]
    (found,) = removable(files, TERMS, as_of=hanoi("2028-01-01 00:00"))
    assert (found.kind, found.cycle_codes) == (KeptKind.RETURNED, ("bc-6t-2025", "bc-nam-2025"))
