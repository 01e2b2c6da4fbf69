"""A programme of two tiers with faults: who reports to nobody, what fills nothing, and who cannot be told."""

import pytest

from tasks.adapters.programme import read_programme
from tasks.adapters.texts import vietnamese
from tests.two_tiers import PLAN, a_roster, write_programme


def reading_of(folder, **changes):
    return read_programme(write_programme(folder / "programme", **changes))


def codes(faults):
    return [(fault.file, fault.line, fault.code) for fault in faults if "holidays" not in fault.code]


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(PLAN.splitlines(), start=1) if text in line)


def test_a_sound_programme_of_two_tiers_has_no_fault_and_no_remark(tmp_path):
    reading = reading_of(tmp_path)
    assert reading.programme is not None
    assert codes(reading.remarks) == []


def test_children_without_a_parent_are_a_fault_that_names_them(tmp_path):
    reading = reading_of(tmp_path, roster=a_roster(with_parents=False))
    assert codes(reading.faults) == [("plan.yaml", line_of("reports_to: parent"), "children_without_parent")]
    sentence = vietnamese().fault(reading.faults[0])
    assert sentence.startswith("6 đơn vị phải báo cáo đơn vị cấp trên (K-01)")
    assert "Xã Mot A" in sentence


def test_parents_that_nobody_can_write_to_are_a_remark(tmp_path):
    reading = reading_of(tmp_path, roster=a_roster(reached=False))
    assert reading.programme is not None
    assert ("plan.yaml", line_of("reports_to: parent"), "remark_parent_without_contact") in codes(reading.remarks)


def test_a_form_cannot_be_filled_from_reports_that_go_to_the_desk(tmp_path):
    reading = reading_of(tmp_path, plan=PLAN.replace("            reports_to: parent\n", ""))
    assert [code for _, _, code in codes(reading.faults)] == ["filled_from_no_children"]


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"includes_children": False}, "remark_form_fills_nothing"),
        ({"plan": PLAN.replace("opens_days_before: 10", "opens_days_before: 30")}, "remark_form_stamped_early"),
    ],
)
def test_a_form_that_would_come_empty_is_a_remark(tmp_path, changes, remark):
    reading = reading_of(tmp_path, **changes)
    assert reading.programme is not None
    assert codes(reading.remarks) == [("plan.yaml", line_of("filled_from: K-01"), remark)]


def test_parents_that_no_rung_tells_are_a_remark(tmp_path):
    reading = reading_of(tmp_path, plan=PLAN.replace(", tell_parent: true", ""))
    assert [code for _, _, code in codes(reading.remarks)] == ["remark_parents_never_told"]
