"""An inspection from its order to the last remedy, over real mail."""

from datetime import date

import pytest

from models.db.records import cycles, inspections
from models.db.records.audit import actions_on
from models.domain.duties import standing_at
from models.domain.errors import ActionRefusedError, DondocError
from models.domain.vocabulary import Action, LetterKind, Standing
from tasks.chase import queue_due_reminders
from tasks.inspect import (
    ConclusionRequest,
    FindingRequest,
    InspectionRequest,
    close,
    conclude,
    open_inspection,
    record_finding,
)
from tasks.inspection_board import overview_row, page_of, proposal_rows
from tasks.inspection_drafts import draft_inspection_papers, drafts_there, inspections_under, propose_inspections
from tasks.inspection_risks import risk_facts
from tasks.open_cycles import active_cycles, roster_in_use, stamp_missing_forms
from tasks.post import post_letters
from tests.builders import hanoi
from tests.tasks.conftest import address_of

MORNING = "2025-08-04 09:00"
LATER = "2026-01-01 08:00"


def a_request(**changes) -> InspectionRequest:
    usual = {
        "obligation": "O-14",
        "title": "Kiểm tra đột xuất tháng 8",
        "scope": "Phân công nhiệm vụ",
        "basis": "Chương trình công tác năm",
        "leader": "Phó Trưởng ban",
        "team": ["Đại diện Văn phòng"],
        "explain_by": date(2025, 8, 15),
        "starts_on": date(2025, 8, 20),
        "ends_on": date(2025, 8, 22),
        "conclude_by": date(2025, 9, 12),
        "units": ["so-y-te", "so-tai-chinh"],
        "operator": "Trực ban",
        "reason": "Theo chỉ đạo",
    }
    return InspectionRequest(**usual | changes)


def a_finding(code: str, **changes) -> FindingRequest:
    usual = {
        "inspection": code,
        "unit": "so-y-te",
        "finding": "Chưa phân công đầu mối.",
        "remedy": "Ban hành văn bản phân công",
        "owner": "Văn phòng Sở",
        "remedy_by": date(2025, 9, 10),
        "operator": "Trực ban",
        "reason": "Biên bản kiểm tra",
    }
    return FindingRequest(**usual | changes)


def a_conclusion(code: str, **changes) -> ConclusionRequest:
    usual = {
        "inspection": code,
        "number": "12/TB-BCĐ",
        "concluded_on": date(2025, 9, 5),
        "summary": "Cơ bản thực hiện tốt.",
        "operator": "Trực ban",
        "reason": "Văn bản đã ký",
    }
    return ConclusionRequest(**usual | changes)


def start(office, instant=MORNING, **changes) -> str:
    """Do what the form of an inspection does, and return the inspection's code."""
    with office.at(instant) as runtime:
        now = runtime.clock.now()
        code = open_inspection.fn(runtime, a_request(**changes))
        draft_inspection_papers.fn(runtime, [code], now)
        send(runtime, code)
    return code


def send(runtime, code) -> None:
    """Do what a run does for the cycle that it has opened."""
    stamp_missing_forms.fn(runtime, [code])
    queue_due_reminders.fn(runtime, code, runtime.clock.now())
    post_letters.fn(runtime, [LetterKind.CHASE])


def record(office, code, instant="2025-08-22 15:00", **changes) -> str | None:
    with office.at(instant) as runtime:
        remedy = record_finding.fn(runtime, a_finding(code, **changes))
        if remedy:
            send(runtime, remedy)
    return remedy


def round_of(office, instant, obligation="O-14") -> None:
    """Chase the cycles of an obligation, as its round does."""
    with office.at(instant) as runtime:
        now = runtime.clock.now()
        for code in active_cycles(runtime, obligation, now):
            queue_due_reminders.fn(runtime, code, now)
        post_letters.fn(runtime, [LetterKind.CHASE])


def subjects(office, unit="so-y-te") -> list[str]:
    return [letter["Subject"] for letter in office.letters_to(address_of(unit))]


def written(office) -> tuple[int, int]:
    """Return how many cycles and inspections there are."""
    with office.at(LATER) as runtime, runtime.sessions() as session:
        (programme,) = runtime.programmes
        held = inspections.inspections_of(session, programme, started_by=hanoi(LATER))
        return len(cycles.all_cycles(session)), len(held)


def test_starting_sends_each_unit_its_notice_with_the_outline_in_the_same_run(office):
    code = start(office)
    assert code == "kt-20250804-1"
    for unit in ("so-y-te", "so-tai-chinh"):
        (letter,) = office.letters_to(address_of(unit))
        names = [part.get_filename() for part in letter.iter_attachments()]
        assert f"bieu-mau-{code}-{unit}.xlsx" in names
        assert "thông báo kiểm tra" in letter["Subject"]
        told = letter.get_body(("plain",)).get_content()
        assert "Kiểm tra đột xuất tháng 8" in told
        assert "Phân công nhiệm vụ. Thời gian kiểm tra: từ ngày 20/8/2025 đến ngày 22/8/2025" in told
        assert "căn cứ: Chương trình công tác năm" in told
    assert subjects(office, "so-xay-dung") == []


def test_starting_drafts_the_decision_and_a_notice_for_each_unit(office):
    code = start(office)
    with office.at(LATER) as runtime:
        assert [path.name for path in drafts_there(runtime, code)] == [
            f"quyet-dinh-kiem-tra-{code}.docx",
            f"thong-bao-kiem-tra-{code}-so-tai-chinh.docx",
            f"thong-bao-kiem-tra-{code}-so-y-te.docx",
        ]


def test_a_draft_that_a_person_has_changed_is_never_written_over(office):
    code = start(office)
    with office.at(MORNING) as runtime:
        draft = drafts_there(runtime, code)[0]
        draft.write_bytes(b"changed by hand")
        assert draft_inspection_papers.fn(runtime, [code], runtime.clock.now()) == 0
        assert draft.read_bytes() == b"changed by hand"


def test_outside_office_hours_the_notices_wait_for_the_next_round(office):
    start(office, "2025-08-04 20:00")
    assert subjects(office) == []
    round_of(office, "2025-08-05 08:00")
    assert len(subjects(office)) == 1


def test_the_start_is_in_the_audit_with_who_and_why(office):
    code = start(office)
    with office.at(LATER) as runtime, runtime.sessions() as session:
        (entry,) = actions_on(session, code)
    assert (entry.action, entry.operator, entry.reason) == (Action.START_INSPECTION, "Trực ban", "Theo chỉ đạo")
    assert entry.details["units"] == ["so-y-te", "so-tai-chinh"]


def test_the_same_order_again_opens_nothing_more_and_sends_nothing_twice(office):
    assert start(office) == start(office, "2025-08-05 09:00")
    assert written(office) == (1, 1)
    assert len(subjects(office)) == 1


def test_another_order_of_the_same_title_and_day_is_refused(office):
    start(office)
    with pytest.raises(ActionRefusedError) as refused:
        start(office, scope="Nội dung khác")
    assert refused.value.code == "error.inspection_exists"
    assert written(office) == (1, 1)


WRONG_ORDERS = (
    ({"units": []}, "chưa chọn đơn vị nào"),
    ({"units": ["bcd-huyen-lang-giang"]}, "ngày 04/8/2025"),  # the district level ended on 30/6/2025
    ({"units": ["khong-co"]}, "không có đơn vị mang mã “khong-co”"),
    ({"conclude_by": date(2025, 8, 1)}, "hạn kết luận 01/8/2025 trước ngày kết thúc kiểm tra 22/8/2025"),
    ({"operator": " "}, "chưa ghi người thực hiện"),
    ({"reason": ""}, "chưa ghi lý do"),
    ({"n_by_risk": 3}, "vừa chọn đơn vị, vừa ghi số đơn vị"),
    ({"obligation": "O-20"}, "Nghĩa vụ O-20 không phải là nghĩa vụ kiểm tra"),
    (
        {"units": [], "leader": "", "ends_on": date(2025, 8, 1)},
        "chưa ghi trưởng đoàn kiểm tra; chưa chọn đơn vị nào",
    ),
)


def refusal(office, instant, act) -> str:
    """Return the sentence with which an act is refused at an instant."""
    with office.at(instant) as runtime:
        with pytest.raises(DondocError) as refused:
            act(runtime)
        return runtime.texts.error(refused.value)


def test_a_wrong_order_is_refused_with_one_sentence_and_nothing_is_written(office):
    for changes, sentence in WRONG_ORDERS:
        request = a_request(**changes)
        assert sentence in refusal(office, MORNING, lambda runtime, wrong=request: open_inspection.fn(runtime, wrong))
    assert written(office) == (0, 0)
    assert subjects(office) == []


def test_units_proposed_by_risk_are_those_with_most_reasons_and_the_seed_is_kept(opened_office):
    office = opened_office
    office.send("so-y-te", "answer_wrongly", "2025-06-10 08:50")
    office.poll("2025-06-10 09:00")
    code = start(office, units=[], n_by_risk=3, seed="")
    with office.at(LATER) as runtime, runtime.sessions() as session:
        held = inspections.inspection(session, code)
        chunks = cycles.duties_in_chunks(session, code, size=10)
        units = {record.duty.unit_code for chunk in chunks for record in chunk}
        rows = proposal_rows(runtime, session, runtime.programmes[held.programme_code], held.proposal, hanoi(LATER))
    assert held.seed == "20250804"
    assert units == {each.unit_code for each in held.proposal}
    assert len(units) == 3
    assert all("báo cáo muộn: 1 lần (3 điểm)" in row["Vì sao đề xuất"] for row in rows)
    assert all("phần ngẫu nhiên" in row["Vì sao đề xuất"] for row in rows)


def test_what_a_unit_did_before_is_what_counts_against_it(opened_office):
    office = opened_office
    office.send("so-y-te", "answer_wrongly", "2025-06-10 08:50")
    office.poll("2025-06-10 09:00")
    office.send("so-tai-chinh", "answer", "2025-06-03 09:00")
    office.poll("2025-06-03 09:05")
    start(office, units=["so-tai-chinh"], starts_on=date(2025, 8, 4))
    with office.at("2025-08-14 09:00") as runtime, runtime.sessions() as session:
        (programme,) = runtime.programmes.values()
        roster = roster_in_use(runtime, session, programme)
        facts = {
            each.unit_code: each for each in risk_facts(runtime, session, programme, roster, hanoi("2025-08-14 09:00"))
        }
    late, good = facts["so-y-te"], facts["so-tai-chinh"]
    assert (late.n_late, late.n_returned, late.days_since_inspected) == (1, 1, None)
    assert (good.n_late, good.n_returned, good.days_since_inspected) == (0, 0, 10)


def test_a_unit_that_does_not_explain_itself_is_reminded_and_urged(office):
    start(office)
    for day in ("2025-08-13 08:00", "2025-08-18 08:00", "2025-08-20 08:00"):
        round_of(office, day)
    assert len(subjects(office)) == 4


def test_a_finding_makes_its_remedy_a_duty_that_is_sent_at_once(office):
    code = start(office)
    remedy = record(office, code)
    assert remedy == f"{code}-kn-01"
    letter = office.letters_to(address_of("so-y-te"))[-1]
    told = letter.get_body(("plain",)).get_content()
    assert "Ban hành văn bản phân công" in told
    assert "Chưa phân công đầu mối" in told
    assert [part.get_filename() for part in letter.iter_attachments() if part.get_filename().endswith("xlsx")] == []
    assert len(subjects(office, "so-tai-chinh")) == 1


def test_a_remedy_is_chased_each_week_until_it_is_closed(office):
    code = start(office)
    remedy = record(office, code)
    n_before = len(subjects(office))
    days = ("2025-09-11", "2025-09-15", "2025-09-22", "2025-09-29", "2025-10-06")
    for day in days:
        round_of(office, f"{day} 08:00")
    assert len(subjects(office)) == n_before + len(days)
    with office.at("2025-10-08 09:00") as runtime:
        done_on = date(2025, 10, 7)
        assert close.fn(runtime, remedy, done_on=done_on, operator="Trực ban", reason="Đã có văn bản") == code
        close.fn(runtime, remedy, done_on=done_on, operator="Trực ban", reason="Đã có văn bản")
    round_of(office, "2025-10-13 08:00")
    assert len(subjects(office)) == n_before + len(days)
    assert standing_at(office.duty("so-y-te", remedy).duty, hanoi(LATER)) is Standing.DONE_LATE
    with office.at(LATER) as runtime, runtime.sessions() as session:
        assert [entry.action for entry in actions_on(session, remedy)] == [Action.CLOSE_TASK]


def test_a_remedy_is_still_urged_after_two_months(office):
    remedy = record(office, start(office))
    n_before = len(subjects(office))
    round_of(office, "2025-11-24 08:00")
    with office.at("2025-11-24 09:00") as runtime:
        assert remedy in active_cycles(runtime, "O-14", runtime.clock.now())
    assert len(subjects(office)) == n_before + 1


WRONG_FINDINGS = (
    ({"unit": "so-xay-dung"}, "đơn vị “so-xay-dung” không thuộc cuộc kiểm tra này"),
    ({"remedy_by": date(2025, 8, 1)}, "hạn khắc phục 01/8/2025 đã qua"),
    ({"remedy_by": None}, "chưa ghi hạn khắc phục"),
    ({"owner": ""}, "chưa ghi người chịu trách nhiệm khắc phục"),
    ({"finding": " ", "operator": ""}, "chưa ghi người thực hiện; chưa ghi kết quả, tồn tại"),
)


def test_a_wrong_finding_is_refused_and_nothing_is_written(office):
    code = start(office)
    for changes, sentence in WRONG_FINDINGS:
        request = a_finding(code, **changes)
        told = refusal(office, "2025-08-22 15:00", lambda runtime, wrong=request: record_finding.fn(runtime, wrong))
        assert sentence in told
    assert written(office) == (1, 1)


def test_a_finding_recorded_twice_is_one_finding(office):
    code = start(office)
    assert record(office, code) == record(office, code, "2025-08-25 09:00")
    assert written(office)[0] == 2


def test_a_finding_without_remedy_leaves_nothing_to_do(office):
    code = start(office)
    assert record(office, code, remedy="", remedy_by=None) is None
    assert written(office)[0] == 1


def test_each_finding_brings_a_new_version_of_the_draft_conclusion(office):
    code = start(office)
    with office.at("2025-08-22 15:00") as runtime:
        for text in ("Một.", "Hai."):
            record_finding.fn(runtime, a_finding(code, finding=text))
            draft_inspection_papers.fn(runtime, [code], runtime.clock.now())
        names = [path.name for path in drafts_there(runtime, code) if "ket-luan" in path.name]
    assert names == [f"thong-bao-ket-luan-{code}-ban-2.docx", f"thong-bao-ket-luan-{code}-ban-3.docx"]


def test_an_inspection_that_has_ended_without_findings_gets_its_draft_conclusion(office):
    code = start(office)
    with office.at("2025-08-22 16:00") as runtime:
        assert draft_inspection_papers.fn(runtime, [code], runtime.clock.now()) == 0
    with office.at("2025-08-23 08:00") as runtime:
        assert draft_inspection_papers.fn(runtime, [code], runtime.clock.now()) == 1


def test_a_conclusion_once_recorded_stays_as_it_is(office):
    code = start(office)
    with office.at("2025-09-05 15:00") as runtime:
        conclude.fn(runtime, a_conclusion(code))
        conclude.fn(runtime, a_conclusion(code))
        with pytest.raises(ActionRefusedError) as refused:
            conclude.fn(runtime, a_conclusion(code, number="13/TB-BCĐ"))
        assert refused.value.code == "error.already_concluded"
        with runtime.sessions() as session:
            row = overview_row(runtime, session, inspections.inspection(session, code), hanoi("2025-09-06 08:00"))
            n_audited = sum(entry.action is Action.CONCLUDE_INSPECTION for entry in actions_on(session, code))
    assert row["Kết luận"] == "số 12/TB-BCĐ ngày 05/9/2025"
    assert n_audited == 1


WRONG_CONCLUSIONS = (
    ({"concluded_on": date(2025, 8, 3)}, "ngày kết luận 03/8/2025 trước ngày bắt đầu kiểm tra 20/8/2025"),
    ({"concluded_on": date(2025, 9, 6)}, "ngày kết luận 06/9/2025 chưa tới"),
    ({"number": "", "summary": " "}, "chưa ghi số, ký hiệu thông báo kết luận; chưa ghi tóm tắt kết luận"),
)


def test_a_wrong_conclusion_is_refused(office):
    code = start(office)
    for changes, sentence in WRONG_CONCLUSIONS:
        request = a_conclusion(code, **changes)
        assert sentence in refusal(
            office, "2025-09-05 15:00", lambda runtime, wrong=request: conclude.fn(runtime, wrong)
        )


def test_the_conclusion_of_the_third_quarter_settles_the_leads_duty_on_the_day_it_was_issued(office):
    office.round("2025-07-01 08:00", "O-12")
    code = start(office, obligation="O-12", title="Kiểm tra Quý III", conclude_by=date(2025, 9, 30))
    assert standing_at(office.duty("cong-an-tinh", "kt-q3-2025").duty, hanoi("2025-09-30 08:00")) is Standing.OPEN
    with office.at("2025-10-03 09:00") as runtime:
        conclude.fn(runtime, a_conclusion(code, concluded_on=date(2025, 9, 30)))
    lead = office.duty("cong-an-tinh", "kt-q3-2025").duty
    assert standing_at(lead, hanoi("2025-10-03 10:00")) is Standing.DONE
    (mark,) = lead.marks
    assert mark.reason == f"Thông báo kết luận số 12/TB-BCĐ ngày 30/9/2025, cuộc kiểm tra {code}."


def test_a_conclusion_issued_on_the_first_of_october_comes_too_late_for_the_third_quarter(office):
    office.round("2025-07-01 08:00", "O-12")
    code = start(office, obligation="O-12", conclude_by=date(2025, 9, 30))
    with office.at("2025-10-03 09:00") as runtime:
        conclude.fn(runtime, a_conclusion(code, concluded_on=date(2025, 10, 1)))
    assert standing_at(office.duty("cong-an-tinh", "kt-q3-2025").duty, hanoi("2025-10-03 10:00")) is Standing.DONE_LATE


def test_units_are_proposed_for_the_third_quarter_until_its_inspection_is_started(opened_office):
    office = opened_office
    office.round("2025-07-01 08:00", "O-12")
    with office.at("2025-07-02 08:00") as runtime:
        proposed = propose_inspections.fn(runtime, "O-12", runtime.clock.now())
        assert proposed == propose_inspections.fn(runtime, "O-12", runtime.clock.now())
        assert len(proposed["kt-q3-2025"]) == 5
        assert [path.name for path in drafts_there(runtime, "kt-q3-2025")] == ["quyet-dinh-kiem-tra-kt-q3-2025.docx"]
        assert propose_inspections.fn(runtime, "O-14", runtime.clock.now()) == {}
    start(office, obligation="O-12", conclude_by=date(2025, 9, 30))
    with office.at("2025-08-05 08:00") as runtime:
        assert propose_inspections.fn(runtime, "O-12", runtime.clock.now()) == {}


def test_the_page_of_an_inspection_shows_who_explained_what_was_found_and_what_is_owed(office):
    code = start(office)
    remedy = record(office, code)
    with office.at("2025-08-25 09:00") as runtime, runtime.sessions() as session:
        held = inspections.inspection(session, code)
        now = runtime.clock.now()
        page = page_of(runtime, session, held, now)
        row = overview_row(runtime, session, held, now)
    assert "- Sở Y tế: giải trình: Quá hạn" in page
    assert f"mã {remedy}: **chưa khắc phục**" in page
    assert (row["Đã giải trình"], row["Chưa khắc phục"]) == ("0/2", "1/1")
    assert row["Kết luận"] == "chưa kết luận, hạn 12/9/2025"


def test_a_round_looks_after_the_inspections_of_its_own_obligation_that_are_not_concluded(office):
    code = start(office)
    with office.at("2025-09-05 15:00") as runtime:
        now = runtime.clock.now()
        assert inspections_under(runtime, "O-14", now) == [code]
        assert inspections_under(runtime, "O-24", now) == []
        conclude.fn(runtime, a_conclusion(code))
        assert inspections_under(runtime, "O-14", now) == []
