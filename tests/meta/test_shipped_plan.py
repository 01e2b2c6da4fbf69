"""What is shipped of Đề án 835 is complete: each obligation runs when it must, each paper it names is there."""

from datetime import date, timedelta

import pytest
from prefect.client.schemas.schedules import CronSchedule

from deployments.registry import deployments_of, poll_of_mailbox
from models.domain.calendar import last_day_before
from models.domain.cycles import cycles_of_years
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.programme import load_programme, read_programme
from tasks.adapters.texts import vietnamese
from tests.meta.source_code import ROOT

FOLDER = ROOT / "deployments" / "de_an_835"
DAYS_OF_LATE_ANSWERS = 60
VIETNAMESE_LETTERS = set("ăâđêôơưáàảãạéèẻẽẹíìỉĩịóòỏõọúùủũụýỳỷỹỵ")


@pytest.fixture(scope="module")
def programme():
    return load_programme(FOLDER)


@pytest.fixture(scope="module")
def by_obligation(programme):
    found = list(deployments_of(programme, vietnamese(), date(2024, 9, 23)))
    return {deployment.parameters["obligation"]: deployment for deployment in found}


def _has_vietnamese(text: str) -> bool:
    return bool(VIETNAMESE_LETTERS & set(text.casefold()))


def test_every_obligation_with_cycles_of_its_own_has_its_round(programme, by_obligation):
    with_cycles = [o.code for o in programme.obligations if o.is_scheduled or o.is_opened_by_hand]
    assert list(by_obligation) == with_cycles


def test_all_26_clauses_of_the_catalogue_are_in_the_plan(programme):
    assert [obligation.code for obligation in programme.obligations] == [f"O-{n:02}" for n in range(1, 27)]


def test_every_clause_is_scheduled_opened_by_hand_answered_with_another_or_shown_by_evidence(programme):
    for obligation in programme.obligations:
        ways = (obligation.is_scheduled, obligation.is_opened_by_hand, obligation.answered_with, obligation.evidence)
        assert any(ways), obligation.code


def test_what_is_over_runs_only_when_a_person_asks_for_it(programme):
    later = {each.parameters["obligation"]: each for each in deployments_of(programme, vietnamese(), date(2026, 1, 5))}
    assert later["O-03"].crons == later["O-19"].crons == ()
    assert later["O-20"].crons
    assert later["O-26"].crons


def test_a_deployment_says_in_vietnamese_what_it_is_and_where_the_plan_asks_for_it(programme, by_obligation):
    for obligation in (programme.obligation(code) for code in by_obligation):
        deployment = by_obligation[obligation.code]
        assert obligation.short_title in deployment.name
        assert obligation.clause in deployment.description
        assert obligation.quotation in deployment.description
        assert _has_vietnamese(deployment.name)
        assert {programme.code, obligation.code, vietnamese().label(obligation.kind)} == set(deployment.tags)


def test_the_poll_of_the_mailbox_is_a_deployment_in_vietnamese():
    poll = poll_of_mailbox(vietnamese())
    assert _has_vietnamese(poll.name)
    assert _has_vietnamese(poll.description)
    assert poll.tags
    assert poll.crons


def test_names_of_deployments_are_unique(by_obligation):
    names = [poll_of_mailbox(vietnamese()).name, *(each.name for each in by_obligation.values())]
    assert len(set(names)) == len(names)


def test_rounds_run_from_the_opening_to_sixty_days_past_late_in_every_year_of_the_plan(programme, by_obligation):
    asked_for = [each for each in programme.obligations if each.is_scheduled]
    cycles = [each for o in asked_for for each in cycles_of_years(programme, o, first_year=2024, last_year=2030)]
    assert len(cycles) == 42
    for cycle in cycles:
        day = cycle.opens_at.date()
        last = last_day_before(cycle.late_at) + timedelta(days=DAYS_OF_LATE_ANSWERS)
        months = _months(by_obligation[cycle.obligation_code].crons)
        silent = [day + timedelta(days=n) for n in range((last - day).days + 1)]
        assert [each for each in silent if each.month not in months] == [], cycle.code


def test_every_schedule_is_one_that_prefect_understands(by_obligation):
    crons = [cron for each in [*by_obligation.values(), poll_of_mailbox(vietnamese())] for cron in each.crons]
    assert [CronSchedule(cron=cron, timezone=str(OFFICE_ZONE)).cron for cron in crons] == crons


def _months(crons: tuple[str, ...]) -> set[int]:
    months: set[int] = set()
    for cron in crons:
        for part in cron.split()[3].split(","):
            first, _, last = part.partition("-")
            months |= set(range(1, 13)) if part == "*" else set(range(int(first), int(last or first) + 1))
    return months


def test_every_official_letter_that_a_ladder_names_has_its_template(programme):
    named = {
        rung.official_letter
        for obligation in programme.obligations
        for rule in obligation.rules
        for rung in rule.ladder
        if rung.official_letter
    }
    assert named
    assert [name for name in named if not (ROOT / "templates" / "documents" / f"{name}.docx").is_file()] == []


def test_every_rung_has_a_vietnamese_name(programme):
    rungs = {rung.code for o in programme.obligations for rule in o.rules for rung in rule.ladder}
    assert [code for code in rungs if f"rung.{code}" not in vietnamese().by_code] == []


def test_the_year_after_the_newest_swap_is_named_as_not_yet_confirmed():
    reading = read_programme(FOLDER)
    assert reading.faults == ()
    newest = max(int(line[:4]) for line in (FOLDER / "holidays.csv").read_text("utf-8").splitlines()[1:])
    remarks = {dict(fault.facts)["year"] for fault in reading.remarks if fault.code == "holidays_unconfirmed"}
    assert newest + 1 in remarks
    assert newest not in remarks


def test_every_address_that_is_shipped_is_nobodys(programme):
    addresses = [programme.desk.address, *(contact.email for contact in programme.roster.contacts)]
    addresses += [member.email for member in programme.roster.members if member.email]
    assert [address for address in addresses if not address.endswith("example.invalid")] == []
