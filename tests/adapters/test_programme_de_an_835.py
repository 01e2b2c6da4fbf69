"""The shipped programme: the real plan, form, holidays and roster, read from its folder."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from models.domain.calendar import last_day_before, start_of
from models.domain.cycles import plan_cycle, planned_cycles
from models.domain.plan import Programme
from models.domain.vocabulary import OFFICE_ZONE, FieldKind, RungAction
from tasks.adapters.programme import load_programme, plan_schema, read_programme
from tasks.adapters.texts import Texts

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
FOLDER = DEPLOYMENTS / "de_an_835"
OCR_SLIPS = ("cẩn cứ", "phân đấu", "thể trạng", "Noi nhận", "từ tinh đến", "tình thực tế", "NC.Bên")


@pytest.fixture(scope="module")
def programme() -> Programme:
    return load_programme(FOLDER)


@pytest.mark.parametrize(
    ("code", "opens", "due", "late"),
    [
        ("bc-6t-2025", "2025-05-16", "2025-06-15", "2025-06-17"),  # 14/6 is a Saturday: to the end of Mon 16/6
        ("bc-nam-2025", "2025-10-16", "2025-11-15", "2025-11-15"),  # Friday
        ("bc-6t-2026", "2026-05-16", "2026-06-15", "2026-06-16"),  # Sunday: to the end of Mon 15/6
        ("bc-nam-2026", "2026-10-16", "2026-11-15", "2026-11-17"),  # Saturday: to the end of Mon 16/11
        ("bc-6t-2027", "2027-05-16", "2027-06-15", "2027-06-15"),  # Monday
        ("bc-nam-2027", "2027-10-16", "2027-11-15", "2027-11-16"),  # Sunday: to the end of Mon 15/11
        ("bc-6t-2028", "2028-05-16", "2028-06-15", "2028-06-15"),
        ("bc-nam-2028", "2028-10-16", "2028-11-15", "2028-11-15"),
        ("bc-6t-2029", "2029-05-16", "2029-06-15", "2029-06-15"),
        ("bc-nam-2029", "2029-10-16", "2029-11-15", "2029-11-15"),
        ("bc-6t-2030", "2030-05-16", "2030-06-15", "2030-06-15"),
        ("bc-nam-2030", "2030-10-16", "2030-11-15", "2030-11-15"),
    ],
)
def test_the_twelve_cycles_fall_due_as_the_plan_says(programme, code, opens, due, late):
    cycles = {cycle.code: cycle for cycle in planned_cycles(programme, first_year=2024, last_year=2031)}
    cycle = cycles[code]

    assert sum(each.obligation_code in {"O-20", "O-21"} for each in cycles.values()) == 12
    assert (cycle.opens_at, cycle.due_at, cycle.late_at) == tuple(
        datetime.fromisoformat(day).replace(tzinfo=OFFICE_ZONE) for day in (opens, due, late)
    )


@pytest.mark.parametrize(
    ("code", "year", "start", "end"),
    [
        ("O-20", 2025, date(2024, 11, 15), date(2025, 5, 14)),
        ("O-21", 2025, date(2024, 11, 15), date(2025, 10, 31)),
        ("O-20", 2026, date(2025, 11, 1), date(2026, 5, 14)),
        ("O-21", 2026, date(2025, 11, 1), date(2026, 10, 31)),
    ],
)
def test_figures_continue_where_last_years_cut_off_ended(programme, code, year, start, end):
    cycle = plan_cycle(programme, programme.obligation(code), year)
    assert (cycle.period_start, cycle.period_end) == (start, end)


def test_the_years_figures_leave_no_day_out_and_count_none_twice(programme):
    years = [plan_cycle(programme, programme.obligation("bao-cao-nam"), year) for year in range(2025, 2031)]
    covered = [
        cycle.period_start + timedelta(n)
        for cycle in years
        for n in range((cycle.period_end - cycle.period_start).days + 1)
    ]
    assert len(covered) == len(set(covered)) == (date(2030, 10, 31) - date(2024, 11, 15)).days + 1


def test_urging_of_the_2026_annual_report_steps_over_the_day_of_vietnamese_culture(programme):
    cycle = plan_cycle(programme, programme.obligation("O-21"), 2026)
    days = {
        rung.code: programme.calendar.add_working_days(last_day_before(cycle.late_at), rung.working_days)
        for rung in cycle.terms.ladder[3:]
    }
    assert days["overdue"] == date(2026, 11, 17)
    assert days["urging-1"] == date(2026, 11, 19)
    assert days["urging-2"] == date(2026, 11, 26)
    assert days["criticism"] == date(2026, 12, 3)


def test_the_ladder_is_the_offices_own(programme):
    ladder = programme.obligation("O-20").rules[0].ladder
    assert [(rung.code, rung.working_days) for rung in ladder] == [
        ("opening", 0),
        ("reminder-1", -7),
        ("reminder-2", -2),
        ("overdue", 1),
        ("urging-1", 3),
        ("urging-2", 7),
        ("criticism", 12),
        ("close", 15),
    ]
    assert [rung.code for rung in ladder if rung.action is RungAction.DRAFT] == ["criticism"]
    assert [rung.code for rung in ladder if rung.tell_member_in_charge] == ["urging-1"]


def test_the_form_has_the_23_indicators_in_unbroken_rows(programme):
    form = programme.forms["bm_835"]
    assert list(dict.fromkeys(spec.indicator for spec in form.fields)) == [f"CT{n:02}" for n in range(1, 24)]
    assert [spec.row for spec in form.fields] == list(range(form.first_row, form.first_row + len(form.fields)))
    assert form.field("CT20").at_most == "CT19"
    assert form.field("CT07.gd_xong").denominator == "CT07.gd_tong"
    assert [spec.code for spec in form.fields if spec.kind is FieldKind.MONEY] == ["CT19", "CT20"]


def test_the_sections_that_must_be_written(programme):
    form = programme.forms["bm_835"]
    optional = [section.code for section in form.narratives if not section.is_required]
    assert [section.code for section in form.narratives][:2] == ["I", "II.1"]
    assert len(form.narratives) == 14
    assert optional == ["III.3", "III.4", "V"]


@pytest.mark.parametrize(
    ("on", "n_expected", "absent", "present"),
    [
        (date(2024, 12, 31), 82, "bcd-thi-xa-chu", "bcd-huyen-yen-dung"),
        (date(2025, 1, 1), 82, "bcd-huyen-yen-dung", "bcd-thi-xa-chu"),
        (date(2025, 2, 28), 82, "so-nong-nghiep-va-moi-truong", "so-ke-hoach-va-dau-tu"),
        (date(2025, 5, 16), 76, "so-ke-hoach-va-dau-tu", "so-nong-nghiep-va-moi-truong"),
        (date(2025, 7, 1), 66, "bcd-huyen-luc-nam", "so-tai-chinh"),
    ],
)
def test_the_expected_follow_the_reorganisations(programme, on, n_expected, absent, present):
    codes = {unit.code for unit in programme.roster.expected(["G1", "G2", "G3", "G4"], on)}
    assert len(codes) == n_expected
    assert absent not in codes
    assert present in codes


def test_there_were_ten_district_committees_until_districts_ended(programme):
    committees = [len(programme.roster.expected(["G3"], on)) for on in (date(2024, 9, 23), date(2025, 6, 30))]
    assert committees == [10, 10]
    assert programme.roster.expected(["G3"], date(2025, 7, 1)) == ()


def test_every_expected_unit_can_be_written_to_and_has_a_member_in_charge(programme):
    roster = programme.roster
    for cycle in planned_cycles(programme, first_year=2025, last_year=2030):
        on = cycle.opens_at.date()
        for unit in roster.expected(cycle.terms.expected_groups, on):
            assert roster.contacts_of(unit.code, on), unit.code
            assert roster.member(unit.member_in_charge, on), unit.code


def test_no_address_is_real_and_every_row_says_where_it_comes_from(programme):
    addresses = [programme.desk.address, *(contact.email for contact in programme.roster.contacts)]
    addresses += [member.email for member in programme.roster.members]
    assert all(address.endswith("example.invalid") for address in addresses)
    assert all(unit.source for unit in programme.roster.units)


def test_the_import_report_names_the_shared_desk_and_the_guessed_years(programme):
    codes = [remark.code for remark in read_programme(FOLDER).remarks]
    assert codes.count("remark_contact_of_two_units") == 1
    assert codes.count("holidays_unconfirmed") == 5  # 2027-2031
    assert set(codes) == {"remark_contact_of_two_units", "holidays_unconfirmed"}


def test_the_slips_of_the_scan_reach_no_text():
    for path in (FOLDER / "plan.yaml", FOLDER / "forms" / "bm_835.yaml"):
        text = path.read_text("utf-8")
        assert not [slip for slip in OCR_SLIPS if slip in text]


def test_each_source_is_known_by_its_digest(programme):
    forms = {f"forms/{code}.yaml" for code in ("bm_835", "dc_kt_835", "dt_835", "hn_835")}
    assert set(programme.sources) == {"plan.yaml", "holidays.csv", "roster.xlsx", *forms}
    assert all(len(digest) == 64 for digest in programme.sources.values())


def test_the_committed_schema_is_the_one_that_is_checked():
    committed = json.loads((DEPLOYMENTS / "plan.schema.json").read_text("utf-8"))
    assert committed == plan_schema(), "write it anew from tasks.adapters.programme.plan_schema()"


def test_a_deadline_on_a_sunday_is_shown_with_its_last_working_day(programme):
    written = Texts.load().deadline(start_of(date(2026, 6, 15)), programme.calendar)
    assert written == (
        "trước ngày 15/6/2026 (chậm nhất 24 giờ ngày 14/6/2026, Chủ nhật; "
        "ngày làm việc cuối cùng là Thứ Sáu, 12/6/2026)"
    )
