from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.coverage import LastChase, coverage_of, missing_units, timeliness_row, timeliness_rows
from models.domain.duties import Duty, Mark
from models.domain.errors import AggregateMismatchError, NothingToCompileError
from models.domain.vocabulary import OFFICE_ZONE, MarkKind, Timeliness


def hanoi(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OFFICE_ZONE)


DUE = hanoi("2025-06-15")
LATE = hanoi("2025-06-17")
AS_OF = hanoi("2025-06-20 08:00")


def a_duty(unit: str = "U1", group: str = "G1", **facts: object) -> Duty:
    values = {
        "id": 1,
        "cycle_code": "bc-6t-2025",
        "unit_code": unit,
        "unit_name": f"Đơn vị {unit}",
        "group": group,
        "opens_at": hanoi("2025-05-16"),
        "due_at": DUE,
        "late_at": LATE,
    }
    return Duty(**(values | facts))


def accepted(unit: str, received: str, **facts: object) -> Duty:
    instant = hanoi(received)
    return a_duty(unit, completed_at=instant, accepted_at=instant + timedelta(minutes=5), **facts)


def a_mark(kind: MarkKind, stated: str = "2025-06-10", until: str | None = None, reason: str = "") -> Mark:
    return Mark(kind=kind, stated_at=hanoi(stated), until=hanoi(until) if until else None, reason=reason)


def counts_of(*duties: Duty):
    return coverage_of(timeliness_rows(duties, AS_OF), ["G1", "G2"], AS_OF).whole


def test_a_nil_report_counts_as_reported_and_on_time_by_the_instant_it_was_stated():
    counts = counts_of(a_duty(marks=(a_mark(MarkKind.NIL),)))
    assert (counts.n_reported, counts.n_nil, counts.n_missing, counts.n_on_time) == (1, 1, 0, 1)


def test_a_waived_unit_stays_among_the_expected_and_is_not_missing():
    counts = counts_of(accepted("U1", "2025-06-10"), a_duty("U2", marks=(a_mark(MarkKind.WAIVER),)))
    assert (counts.n_expected, counts.n_reported, counts.n_waived, counts.n_missing) == (2, 1, 1, 0)


def test_what_waits_for_our_acceptance_is_held_not_missing_and_not_counted():
    counts = counts_of(a_duty(completed_at=hanoi("2025-06-14 10:00")))
    assert (counts.n_reported, counts.n_held, counts.n_missing, counts.n_on_time) == (0, 1, 0, 1)


def test_an_acceptance_after_the_instant_asked_about_is_not_known_yet():
    duty = accepted("U1", "2025-06-20 09:00")
    counts = counts_of(duty)
    assert (counts.n_reported, counts.n_missing, counts.n_overdue) == (0, 1, 1)


def test_an_extended_unit_is_missing_but_not_overdue():
    counts = counts_of(a_duty(marks=(a_mark(MarkKind.EXTENSION, until="2025-06-25"),)))
    assert (counts.n_missing, counts.n_overdue) == (1, 0)


@pytest.mark.parametrize(
    ("received", "verdict", "days"),
    [
        ("2025-06-14 23:59:59", Timeliness.ON_TIME, 0),
        ("2025-06-16 23:59:59", Timeliness.IN_GRACE, 0),  # 14/6/2025 is a Saturday
        ("2025-06-17 00:00:00", Timeliness.LATE, 1),
        ("2025-06-18 23:59:00", Timeliness.LATE, 2),
    ],
)
def test_days_late_are_calendar_days_after_the_last_admissible_day(received, verdict, days):
    row = timeliness_row(accepted("U1", received), AS_OF)
    assert (row.timeliness, row.days_late) == (verdict, days)


def test_a_missing_unit_grows_later_day_by_day():
    assert timeliness_row(a_duty(), AS_OF).days_late == 4
    assert timeliness_row(a_duty(), AS_OF + timedelta(days=1)).days_late == 5


def test_a_waived_unit_is_never_late():
    assert timeliness_row(a_duty(marks=(a_mark(MarkKind.WAIVER),)), AS_OF).days_late == 0


def test_the_reason_shown_is_the_newest_one_given():
    marks = (
        a_mark(MarkKind.EXTENSION, "2025-06-10", "2025-06-25", "xin gia hạn"),
        a_mark(MarkKind.PROMISE, "2025-06-18", "2025-06-22", "hẹn nộp"),
    )
    row = timeliness_row(a_duty(marks=marks), AS_OF)
    assert row.reason == "hẹn nộp"
    assert (row.extended_until, row.promised_until) == (hanoi("2025-06-25"), hanoi("2025-06-22"))


def test_groups_come_in_the_order_of_the_plan_and_empty_ones_are_left_out():
    duties = [a_duty("U1", "G2"), a_duty("U2", "G1")]
    coverage = coverage_of(timeliness_rows(duties, AS_OF), ["G3", "G1", "G2"], AS_OF)
    assert list(coverage.by_group) == ["G1", "G2"]


def test_a_unit_without_a_known_group_is_named_and_nothing_is_counted():
    with pytest.raises(AggregateMismatchError) as caught:
        counts_of(a_duty("U1"), a_duty("U-lạc", "G9"))
    assert caught.value.facts["units"] == "U-lạc"


def test_a_unit_that_stands_twice_is_named():
    with pytest.raises(AggregateMismatchError, match="U1"):
        counts_of(a_duty("U1"), a_duty("U1"))


def test_a_cycle_without_duties_has_no_coverage():
    with pytest.raises(NothingToCompileError):
        counts_of()


def test_the_list_of_missing_units_tells_whom_to_ask():
    rows = timeliness_rows([accepted("U1", "2025-06-10"), a_duty("U2"), a_duty("U3")], AS_OF)
    missing = missing_units(rows, {"U2": LastChase(contact="Văn phòng", email="u2@example.invalid")})
    assert [(unit.row.unit_code, unit.chase.contact) for unit in missing] == [("U2", "Văn phòng"), ("U3", "")]


@st.composite
def any_duties(draw: st.DrawFn):
    instants = st.none() | st.integers(-20, 20).map(lambda days: DUE + timedelta(days=days))
    duties = []
    for n in range(draw(st.integers(1, 12))):
        completed = draw(instants)
        kinds = draw(st.lists(st.sampled_from(list(MarkKind)), max_size=3))
        marks = tuple(
            Mark(kind=kind, stated_at=DUE + timedelta(days=draw(st.integers(-9, 9))), until=draw(instants))
            for kind in kinds
        )
        duties.append(
            a_duty(
                f"U{n}",
                draw(st.sampled_from(["G1", "G2"])),
                completed_at=completed,
                accepted_at=completed and completed + timedelta(days=draw(st.integers(0, 9))),
                held_since=draw(instants),
                marks=marks,
            )
        )
    return duties


@given(duties=any_duties(), days=st.integers(-30, 30))
def test_every_expected_unit_is_in_exactly_one_of_four_places_in_any_history(duties, days):
    as_of = DUE + timedelta(days=days)
    coverage = coverage_of(timeliness_rows(duties, as_of), ["G1", "G2"], as_of)
    for counts in (coverage.whole, *coverage.by_group.values()):
        assert counts.n_expected == counts.n_reported + counts.n_held + counts.n_waived + counts.n_missing
        assert counts.n_nil <= counts.n_reported
        assert counts.n_overdue <= counts.n_missing
    for name in ("n_expected", "n_reported", "n_held", "n_waived", "n_missing", "n_on_time", "n_in_grace", "n_late"):
        assert getattr(coverage.whole, name) == sum(getattr(part, name) for part in coverage.by_group.values())
