"""The one table from plan to Prefect: months of rounds, names, and what the operator reads."""

from dataclasses import replace
from datetime import date

import pytest

from deployments.registry import (
    calendar_of_years,
    deployments_of,
    every_deployment,
    months_of_rounds,
    poll_of_mailbox,
    prepared,
    started_by_hand,
)
from models.domain.calendar import BeforeDay
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.choices import Choice
from tests.meta.source_code import ROOT


@pytest.fixture(scope="module")
def programme():
    return load_programme(ROOT / "deployments" / "de_an_835")


def _due_before(programme, code, day, month):
    obligation = programme.obligation(code)
    rules = tuple(replace(rule, due=BeforeDay(day, month)) for rule in obligation.rules)
    return replace(obligation, rules=rules)


def _planned(programme, obligation):
    others = [each for each in programme.obligations if each.code != obligation.code]
    return replace(programme, obligations=(obligation, *others))


def test_the_six_month_report_runs_from_its_roll_call_in_april_to_august(programme):
    assert months_of_rounds(programme, programme.obligation("O-20")) == ["4-8"]


def test_a_report_whose_late_answers_come_after_new_year_is_split_in_two(programme):
    assert months_of_rounds(programme, programme.obligation("O-21")) == ["1", "10-12"]


def test_a_deadline_early_in_the_year_opens_in_the_year_before(programme):
    obligation = _due_before(programme, "O-20", 15, 1)
    assert months_of_rounds(_planned(programme, obligation), obligation) == ["1-3", "12"]


@pytest.mark.parametrize("code", ["O-08", "O-14", "O-24", "O-25"])
def test_what_a_person_opens_is_looked_after_all_year(programme, code):
    assert months_of_rounds(programme, programme.obligation(code)) == ["*"]


def test_a_round_runs_twice_a_day_within_office_hours(programme):
    for deployment in deployments_of(programme, vietnamese(), date(2025, 5, 16)):
        for cron in deployment.crons:
            minute, hours, day, _, weekday = cron.split()
            assert (minute, hours, day, weekday) == ("0", "8,14", "*", "*")


def test_the_description_names_the_deadline_that_comes_next(programme):
    def described(today):
        return {each.parameters["obligation"]: each.description for each in deployments_of(programme, texts, today)}

    texts = vietnamese()
    assert "15/6/2025" in described(date(2025, 6, 14))["O-20"]
    assert "15/6/2026" in described(date(2025, 6, 15))["O-20"]
    assert "15/11/2025" in described(date(2025, 6, 15))["O-21"]


def test_after_the_last_year_of_the_plan_no_deadline_is_named(programme):
    descriptions = [each.description for each in deployments_of(programme, vietnamese(), date(2030, 12, 1))]
    assert all(vietnamese().say("deployment.no_next") in text for text in descriptions)


def test_the_mailbox_is_polled_at_all_hours():
    [cron] = poll_of_mailbox(vietnamese()).crons
    assert cron == "*/5 * * * *"


def test_the_calendar_is_made_anew_on_mondays_before_the_office_opens(programme):
    calendar = calendar_of_years(vietnamese())
    assert calendar.crons == ("30 6 * * 1",)
    assert calendar.code in {each.code for each in every_deployment([programme], vietnamese(), date(2026, 1, 5))}


def form_of(deployment, texts, offers):
    """Return the form that Prefect shows for a deployment."""
    return prepared(deployment, texts, offers)._parameter_openapi_schema  # noqa: SLF001 - Prefect has no door to it


def test_every_act_by_hand_has_a_form_in_vietnamese_that_asks_who_and_why(programme):
    texts = vietnamese()
    offers = {kind: [f"ma · {kind.value}"] for kind in Choice}
    for deployment in started_by_hand([programme], texts):
        form = form_of(deployment, texts, offers)
        assert deployment.crons == ()
        assert texts.say("deployment.by_hand") in deployment.tags
        assert {"operator", "reason"} <= set(form.required), deployment.name
        assert form.properties["operator"]["pattern"] == r"\S"
        assert set(deployment.choices) <= set(form.properties), deployment.name
        for name in deployment.choices:
            field = form.properties[name]
            assert (field.get("items") or field)["enum"], f"{deployment.name}: {name}"


def test_the_acts_by_hand_are_sorted_by_numbers_of_their_own(programme):
    names = [deployment.name for deployment in started_by_hand([programme], vietnamese())]
    numbers = [name.split(" · ")[0] for name in names]
    assert len(set(numbers)) == len(numbers)
    assert min(map(int, numbers)) >= 50


def test_what_may_be_left_empty_is_offered_empty_too(programme):
    texts = vietnamese()
    offers = {kind: ["ma · ten"] for kind in Choice}
    by_code = {each.code: each for each in started_by_hand([programme], texts)}
    resolve = form_of(by_code["resolve_quarantine"], texts, offers).properties
    assert resolve["held_unit"]["enum"] == ["", "ma · ten"]
    chase = form_of(by_code["chase_now"], texts, offers).properties["chased_units"]
    assert (chase["type"], chase["default"]) == ("array", [])
