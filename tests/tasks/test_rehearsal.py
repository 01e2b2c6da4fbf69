"""A year rehearsed: whom the program would write to, when, and that nothing real is touched by asking."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from models.domain.errors import DondocError
from models.domain.rehearsal import ROLL_CALL, SCENARIOS, NothingToRehearseError, UnknownScenarioError, scenario_of
from models.domain.vocabulary import OFFICE_ZONE, Anchor, LetterKind, SkipReason
from tasks.adapters.programme import load_programme
from tasks.rehearse import rehearse
from tests.builders import with_units
from tests.meta.source_code import ROOT

FOLDER = ROOT / "deployments" / "de_an_835"
HOURS = (8,)
"""One round a day, to be quick; `dondoc rehearse` runs both, and its own test, too."""
LATE_RUNGS = {"overdue", "urging-1", "urging-2"}
EVERY_NTH_UNIT = 8
WITH_A_STORY = {
    "cong-an-tinh",
    "van-phong-ubnd-tinh",
    "so-tai-chinh",
    "hoi-khuyen-hoc",
    "hoi-cuu-giao-chuc",
    "bcd-huyen-luc-nam",
}
"""The lead, who coordinates, a unit with two contacts, two units that share a desk, one that ends in mid-2025."""
YEARS = [(scenario.code, year) for year in (2025, 2026) for scenario in SCENARIOS]


@pytest.fixture(scope="module")
def programme():
    """The shipped plan with some of its units, so that eight years take half a minute."""
    whole = load_programme(FOLDER)
    codes = sorted({unit.code for unit in whole.roster.units})
    assert set(codes) >= WITH_A_STORY
    return with_units(whole, WITH_A_STORY | set(codes[::EVERY_NTH_UNIT]))


@pytest.fixture(scope="module")
def rehearsed(programme):
    """Return a year under a scenario; each is rehearsed once."""
    known = {}

    def year(code, number):
        if (code, number) not in known:
            known[code, number] = rehearse(programme, scenario_of(code), number, hours=HOURS)
        return known[code, number]

    return year


@pytest.fixture(params=YEARS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def any_year(request, rehearsed):
    return rehearsed(*request.param)


def answers(year):
    return {(duty.cycle_code, duty.unit_code): duty for duty in year.duties}


def spoken_of_duties(year):
    """Return the letters that speak of duties: those of a roll-call come before there are any."""
    return [letter for letter in year.letters if letter.kind is not LetterKind.ROLL_CALL]


def test_letters_leave_in_office_hours_of_working_days_only(any_year, programme):
    assert any_year.letters
    for letter in any_year.letters:
        assert programme.office_hours.contains(letter.at, programme.calendar), letter.at
        assert programme.calendar.is_working_day(letter.day), letter.day


def test_nobody_gets_two_letters_in_a_day(any_year):
    counts = Counter((letter.day, letter.recipient) for letter in any_year.letters)
    assert [pair for pair, n in counts.items() if n > 1] == []


def test_no_letter_speaks_of_a_duty_that_was_answered_before_or_whose_cycle_was_closed(any_year):
    known = answers(any_year)
    for letter in spoken_of_duties(any_year):
        for spoken in letter.spoken:
            duty = known[spoken.cycle_code, spoken.unit_code]
            assert duty.answered_at is None or letter.at < duty.answered_at, (letter, duty)
            assert duty.closes_at is None or letter.at < duty.closes_at, (letter, duty)
            assert letter.at >= duty.opens_at


def test_no_rung_is_said_twice_to_the_same_person(any_year):
    said = Counter(
        (spoken.cycle_code, spoken.unit_code, spoken.rung, letter.recipient)
        for letter in any_year.letters
        for spoken in letter.spoken
    )
    assert [pair for pair, n in said.items() if n > 1] == []


def test_every_expected_unit_is_told_that_its_cycle_has_opened_or_the_ledger_says_why_not(any_year):
    told = {
        (spoken.cycle_code, spoken.unit_code)
        for letter in any_year.letters
        for spoken in letter.spoken
        if spoken.rung == "opening"
    }
    passed_over = {
        (skip.cycle_code, skip.unit_code)
        for skip in any_year.skipped
        if skip.rung == "opening" and skip.reason is SkipReason.SUPERSEDED
    }
    assert set(answers(any_year)) == told | passed_over
    assert any_year.scenario.outage is not None or not passed_over


def test_rungs_come_in_the_order_of_the_ladder(any_year, programme):
    for cycle_code, unit_code in answers(any_year):
        days = [
            (letter.at, spoken.rung)
            for letter in any_year.letters
            for spoken in letter.spoken
            if (spoken.cycle_code, spoken.unit_code) == (cycle_code, unit_code) and spoken.rung != ROLL_CALL
        ]
        order = [rung.code for rung in programme.obligation("O-20").rules[0].ladder]
        said = [order.index(rung) for _, rung in sorted(days)]
        assert said == sorted(said)


def test_the_roll_is_called_once_on_the_tenth_working_day_before_each_report_opens(rehearsed):
    year = rehearsed("nobody", 2026)
    called = [letter for letter in year.letters if letter.kind is LetterKind.ROLL_CALL]
    days = {(spoken.cycle_code, letter.day) for letter in called for spoken in letter.spoken}
    assert days == {("bc-6t-2026", date(2026, 5, 4)), ("bc-nam-2026", date(2026, 10, 2))}
    asked = {(spoken.cycle_code, spoken.unit_code) for letter in called for spoken in letter.spoken}
    assert asked == {pair for pair in answers(year) if pair[0] in {"bc-6t-2026", "bc-nam-2026"}}
    assert {letter.units for letter in called if len(letter.units) > 1} == {("hoi-cuu-giao-chuc", "hoi-khuyen-hoc")}


@pytest.mark.parametrize("year", [2025, 2026])
def test_where_all_answer_on_time_nobody_is_told_that_it_is_late(rehearsed, year):
    on_time = rehearsed("all-on-time", year)
    assert all(duty.answered_at is not None for duty in on_time.duties)
    assert [letter for letter in on_time.letters if LATE_RUNGS & set(letter.rungs)] == []


@pytest.mark.parametrize("year", [2025, 2026])
def test_where_all_are_late_each_is_urged_until_it_answers_and_not_after(rehearsed, year):
    late = rehearsed("all-late", year)
    assert {"overdue", "urging-1", "urging-2"} <= {rung for letter in late.letters for rung in letter.rungs}
    assert len(late.letters) < len(rehearsed("nobody", year).letters)


@pytest.mark.parametrize("year", [2025, 2026])
def test_after_a_week_without_the_program_only_the_newest_rung_goes_out_and_the_others_are_noted(rehearsed, year):
    without, first = rehearsed("outage", year), date(year, 6, 22)
    last = first + timedelta(days=7)
    assert not any(date(year, 6, 15) <= letter.day < first for letter in without.letters)
    report = f"bc-6t-{year}"
    rungs = [
        spoken.rung
        for letter in without.letters
        for spoken in letter.spoken
        if spoken.cycle_code == report and letter.day >= first
    ]
    assert set(rungs) == {"urging-1", "urging-2"}
    noted = {
        (skip.unit_code, skip.rung)
        for skip in without.skipped
        if skip.cycle_code == report
        and skip.reason is SkipReason.SUPERSEDED
        and first <= skip.at.astimezone(OFFICE_ZONE).date() < last
    }
    assert noted == {(duty.unit_code, "overdue") for duty in without.duties if duty.cycle_code == report}


def test_the_expected_units_of_2025_are_those_of_the_day_on_which_each_cycle_opened(rehearsed):
    duties = answers(rehearsed("nobody", 2025))
    assert ("bc-6t-2025", "bcd-huyen-luc-nam") in duties
    assert ("bc-nam-2025", "bcd-huyen-luc-nam") not in duties


def test_a_cycle_that_opens_on_new_years_day_is_announced_on_the_first_working_day(rehearsed):
    plan = next(letter for letter in rehearsed("nobody", 2026).letters if "opening" in letter.rungs)
    assert (plan.day, plan.units) == (date(2026, 1, 5), ("cong-an-tinh",))  # 2/1/2026 is off, by the swap


def test_one_desk_of_two_units_gets_one_letter_for_both(rehearsed):
    of_units = [letter for letter in rehearsed("nobody", 2026).letters if letter.kind is LetterKind.CHASE]
    shared = [letter for letter in of_units if len(letter.units) > 1]
    assert {letter.units for letter in shared} == {("hoi-cuu-giao-chuc", "hoi-khuyen-hoc")}


def test_members_in_charge_get_letters_of_their_own_and_no_copies(rehearsed, programme):
    members = {member.email for member in programme.roster.members}
    year = rehearsed("nobody", 2026)
    told = [letter for letter in year.letters if letter.kind is LetterKind.MEMBER]
    assert {letter.recipient for letter in told} <= members
    assert max(len(letter.units) for letter in told) > 1
    assert {rung for letter in told for rung in letter.rungs} == {"urging-1", "urging-2"}
    assert not members & {address for letter in year.letters for address in letter.copies}
    assert not [letter for letter in rehearsed("all-on-time", 2026).letters if letter.kind is LetterKind.MEMBER]


def test_a_year_that_was_rehearsed_before_comes_out_the_same(programme):
    def gist(year):
        return [(letter.at, letter.recipient, letter.spoken) for letter in year.letters]

    small = with_units(programme, {"cong-an-tinh"}, [programme.obligation(code) for code in ("O-11", "O-12")])
    first, again = (rehearse(small, scenario_of("all-late"), 2026, hours=HOURS) for _ in range(2))
    assert gist(first)
    assert gist(again) == gist(first)


def test_a_cycle_opened_the_year_before_is_chased_on_in_the_new_year(programme):
    obligation = programme.obligation("O-26")
    (rule,) = obligation.rules
    rungs = tuple(
        replace(r, working_days=r.working_days + 25) if r.anchor is Anchor.LATE_AT else r for r in rule.ladder
    )
    slow = replace(obligation, rules=(replace(rule, ladder=rungs),))
    reports = [programme.obligation(code) for code in ("O-19", "O-20", "O-21")]
    small = with_units(programme, {"cong-an-tinh"}, [*reports, slow])
    year = rehearse(small, scenario_of("nobody"), 2026, hours=HOURS)
    early = [letter for letter in year.letters if letter.day < date(2026, 2, 1)]
    assert {spoken.cycle_code for letter in early for spoken in letter.spoken} == {"th-bc-nam-2025"}
    assert "opening" not in {rung for letter in early for rung in letter.rungs}


@pytest.mark.parametrize("year", [0, 2023, 2031, 99999])
def test_a_year_without_any_cycle_is_refused_with_the_years_there_are(programme, year):
    with pytest.raises(NothingToRehearseError) as refused:
        rehearse(programme, scenario_of("nobody"), year, hours=HOURS)
    assert refused.value.facts == {"year": year, "first": 2024, "last": 2030}


def test_an_unknown_scenario_is_refused_with_those_there_are():
    with pytest.raises(UnknownScenarioError) as refused:
        scenario_of("everybody")
    assert isinstance(refused.value, DondocError)
    assert all(scenario.code in refused.value.facts["known"] for scenario in SCENARIOS)


def test_a_rehearsal_leaves_nothing_behind_and_asks_no_setting_of_the_real_office(programme, tmp_path, monkeypatch):
    home, stage = tmp_path / "home", tmp_path / "stage"
    stage.mkdir()
    monkeypatch.setenv("DONDOC_HOME", str(home))
    monkeypatch.setenv("DONDOC_DATABASE_URL", f"sqlite:///{home / 'real.db'}")
    monkeypatch.setenv("DONDOC_SMTP_HOST", "mail.example.invalid")
    monkeypatch.setenv("DONDOC_IMAP_HOST", "mail.example.invalid")
    monkeypatch.setattr("tempfile.tempdir", str(stage))
    once = with_units(programme, {"cong-an-tinh"}, [programme.obligation("O-11")])
    assert rehearse(once, scenario_of("nobody"), 2026, hours=HOURS).letters
    assert not home.exists()
    assert list(stage.iterdir()) == []
