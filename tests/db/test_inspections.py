"""What is kept of an inspection comes back as it was given."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from models.db.engine import open_engine
from models.db.records import cycles, inspections
from models.domain.inspections import (
    InspectionFinding,
    InspectionOrder,
    UnitFacts,
    UnknownInspectionError,
    explanations_cycle,
    propose_units,
)
from tasks.adapters.programme import load_programme
from tasks.settings import PROJECT
from tests.builders import hanoi

ORDER = InspectionOrder(
    code="kt-20250804-1",
    title="Kiểm tra",
    scope="Nội dung",
    basis="Căn cứ",
    leader="Trưởng đoàn",
    team=("Thành viên",),
    unit_codes=("so-y-te",),
    opens_at=hanoi("2025-08-04 09:00"),
    explain_by=date(2025, 8, 15),
    starts_on=date(2025, 8, 20),
    ends_on=date(2025, 8, 22),
    conclude_by=date(2025, 9, 12),
    operator="Trực ban",
    reason="Chỉ đạo",
)
PROPOSAL = propose_units([UnitFacts(unit_code="so-y-te", n_late=2)], 1, "7")


@pytest.fixture
def session(database):
    engine = open_engine(database)
    programme = load_programme(PROJECT / "deployments" / "de_an_835")
    cycle = explanations_cycle(programme, programme.obligation("O-12"), ORDER)
    with Session(engine) as opened:
        key = cycles.open_cycle(opened, cycle, opened_at=ORDER.opens_at)
        cycles.freeze_expected(opened, key, [programme.roster.unit("so-y-te", date(2025, 8, 4))], ["token"])
        inspections.add_inspection(opened, ORDER, cycle_id=key, started_at=ORDER.opens_at, seed="7", proposal=PROPOSAL)
        yield opened
    engine.dispose()


def test_the_order_its_seed_and_every_reason_are_kept(session):
    held = inspections.inspection(session, ORDER.code)
    assert (held.team, held.starts_on, held.conclude_by) == (ORDER.team, ORDER.starts_on, ORDER.conclude_by)
    assert (held.seed, held.proposal) == ("7", PROPOSAL)
    assert (held.obligation_code, held.concluded_on) == ("O-12", None)


def test_an_inspection_of_the_third_quarter_asks_its_units_for_the_outline_and_not_for_the_conclusion(session):
    cycle = cycles.cycle(session, ORDER.code)
    assert cycle.form.code == "dc_kt_835"
    assert cycle.terms.required_attachments == ()
    assert cycle.last_day == ORDER.explain_by


def test_a_unit_counts_as_inspected_from_the_first_day_on(session):
    programme = inspections.inspection(session, ORDER.code).programme_code
    assert inspections.last_inspected_on(session, programme, date(2025, 8, 19)) == {}
    assert inspections.last_inspected_on(session, programme, date(2025, 8, 20)) == {"so-y-te": ORDER.starts_on}


def test_findings_come_back_in_their_order_with_or_without_remedy(session):
    for number, text in enumerate(("Một", "Hai"), start=1):
        finding = InspectionFinding(unit_code="so-y-te", text=text)
        inspections.add_finding(session, ORDER.code, finding, number=number, remedy_cycle_id=None, at=ORDER.opens_at)
    assert [(each.number, each.text, each.remedy_cycle) for each in inspections.findings_of(session, ORDER.code)] == [
        (1, "Một", None),
        (2, "Hai", None),
    ]


def test_an_inspection_that_never_was_is_named_beside_those_there_are(session):
    with pytest.raises(UnknownInspectionError) as unknown:
        inspections.inspection(session, "kt-khong-co")
    assert unknown.value.facts == {"inspection": "kt-khong-co", "known": ORDER.code}
