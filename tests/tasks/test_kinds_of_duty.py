"""From letter to receipt for what is no periodic report: work of the lead, conferences, budgets, plans."""

from datetime import date
from email import policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from deployments.postoffice import mails_for
from deployments.simulated_units import Act, Correspondent, Habit, SimulatedUnit, post, signed_copy
from models.db.records import cycles
from models.db.tables import CycleRow
from models.domain.duties import standing_at, timeliness
from models.domain.vocabulary import MarkKind, Standing, Timeliness
from tasks.adapters.texts import vietnamese
from tasks.open_cycles import open_due_cycles, roster_in_use
from tests.builders import hanoi
from tests.tasks.conftest import address_of

LEAD = "cong-an-tinh"
COORDINATOR = "van-phong-ubnd-tinh"
UNIT = "so-y-te"


def plain(letter):
    return letter.get_body(("plain",)).get_content()


def newest(office, unit):
    return office.letters_to(address_of(unit))[-1]


def answer(office, unit, instant, *, text="", files=(), to=None):
    """Answer the unit's newest letter, as a mail program does."""
    asked = to or newest(office, unit)
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = address_of(unit)
    mail["To"] = str(asked["Reply-To"] or asked["From"])
    mail["Subject"] = f"Re: {asked['Subject']}"
    mail["Message-ID"] = f"<{unit}.{instant.replace(' ', '-')}@units.example.invalid>"
    mail["In-Reply-To"] = str(asked["Message-ID"])
    mail.set_content(text or "Gửi kèm.")
    for name in files:
        mail.add_attachment(signed_copy(name), maintype="application", subtype="pdf", filename=name)
    with office.at(instant):
        post([mail], port=office.mail.smtp_port)


def answer_with_form(office, unit, instant, cycle, *, documents=()):
    """Fill the form of the unit's newest letter and send it with the signed copy, and with documents beside it."""
    simulated = SimulatedUnit(code=unit, address=address_of(unit), habit=Habit.ON_TIME)
    with office.at(instant) as runtime:
        with runtime.sessions() as session:
            form = cycles.cycle(session, cycle).form
        letters = mails_for(office.mail.home, simulated.address)
        act = Act(unit_code=unit, day="", name="answer")
        mail = Correspondent(form, vietnamese()).write(act, simulated, letters, hanoi(instant))
        for name in documents:
            mail.add_attachment(signed_copy(name), maintype="application", subtype="pdf", filename=name)
        post([mail], port=office.mail.smtp_port)


def standing(office, unit, cycle, instant):
    return standing_at(office.duty(unit, cycle).duty, hanoi(instant))


@pytest.fixture
def conference(office):
    """The office on the day on which the conference of the province is set."""
    office.round("2024-09-23 08:00", "O-03")
    return office


def test_the_lead_is_written_to_as_such_and_the_coordinator_gets_a_copy(conference):
    letter = newest(conference, LEAD)
    assert letter["Cc"] == address_of(COORDINATOR)
    text = plain(letter)
    assert "chủ trì, phối hợp với Văn phòng UBND tỉnh hoàn thành công việc “Hội nghị cấp tỉnh năm 2024" in text
    assert "gửi đồng thời cho Văn phòng UBND tỉnh với vai trò cơ quan phối hợp" in text
    assert "biểu" not in text
    assert "Không phát sinh" not in text
    assert [part.get_filename() for part in letter.iter_attachments()] == ["hn-tinh-2024.ics"]


def test_one_desk_of_the_lead_brings_the_copies_so_that_nobody_gets_two(conference):
    copies = [letter for letter in conference.letters_to(address_of(COORDINATOR)) if letter["Cc"]]
    assert len(copies) == 1


def test_a_reminder_goes_to_the_lead_alone_and_an_overdue_letter_to_both(conference):
    conference.round("2024-10-22 08:00", "O-03")
    reminder = newest(conference, LEAD)
    assert reminder["Cc"] is None
    assert "Nhắc việc: chưa nhận được kết quả của công việc" in plain(reminder)
    conference.round("2024-11-01 08:00", "O-03")
    overdue = newest(conference, LEAD)
    assert overdue["Cc"] == address_of(COORDINATOR)
    assert overdue["Subject"].startswith(
        "[QUÁ HẠN] [Hội nghị tỉnh 2024] Công an tỉnh: đề nghị hoàn thành ngay công việc"
    )
    assert "báo cáo" not in overdue["Subject"]


def test_a_document_settles_the_leads_work_and_the_receipt_speaks_of_no_form(conference):
    answer(conference, LEAD, "2024-10-29 09:00", files=["thong-bao-ket-luan.pdf"])
    assert conference.poll("2024-10-29 09:05")["accepted"] == 1
    assert standing(conference, LEAD, "hn-tinh-2024", "2024-10-30 08:00") is Standing.DONE
    receipt = newest(conference, LEAD)
    assert receipt["Subject"].startswith("[Hội nghị tỉnh 2024] Công an tỉnh: đã tiếp nhận kết quả, số ")
    assert "Đã tiếp nhận tài liệu của Công an tỉnh về “Hội nghị cấp tỉnh năm 2024" in plain(receipt)
    assert "biểu" not in plain(receipt)


def test_one_line_settles_the_leads_work_too(conference):
    answer(conference, LEAD, "2024-10-29 09:00", text="Đã tổ chức ngày 25/10/2024")
    assert conference.poll("2024-10-29 09:05")["accepted"] == 1
    receipt = newest(conference, LEAD)
    assert "đã ghi nhận thực hiện ngày 25/10/2024, đúng hạn" in receipt["Subject"]
    assert "- Ngày thực hiện: 25/10/2024" in plain(receipt)


def test_a_conference_of_ones_own_is_reported_in_one_line_and_copied_to_nobody(office):
    office.round("2024-09-23 08:00", "O-04")
    letter = newest(office, UNIT)
    assert letter["Cc"] is None
    assert "trả lời chính thư này bằng một dòng “Đã tổ chức ngày dd/mm/yyyy”" in plain(letter)
    answer(office, UNIT, "2024-11-11 09:00", text="Đã tổ chức ngày 08/11/2024")
    assert office.poll("2024-11-11 09:05")["accepted"] == 1
    duty = office.duty(UNIT, "hn-don-vi-2024").duty
    assert [mark.kind for mark in duty.marks] == [MarkKind.DONE]
    assert timeliness(duty, hanoi("2024-11-20 08:00")) is Timeliness.ON_TIME


def test_the_complete_report_of_the_conference_settles_the_conference_as_well(office):
    office.round("2024-09-23 08:00", "O-04")
    office.round("2024-10-15 08:00", "O-19")
    answer_with_form(office, UNIT, "2024-11-12 09:00", "bc-hoi-nghi-2024", documents=["ke-hoach-so-y-te.pdf"])
    assert office.poll("2024-11-12 09:05")["accepted"] == 1
    for cycle in ("bc-hoi-nghi-2024", "hn-don-vi-2024"):
        assert office.duty(UNIT, cycle).duty.completed_at == hanoi("2024-11-12 09:00")


def test_a_report_without_the_units_plan_is_chased_until_the_plan_alone_has_come(office):
    office.round("2024-10-15 08:00", "O-19")
    answer_with_form(office, UNIT, "2024-11-12 09:00", "bc-hoi-nghi-2024")
    assert office.poll("2024-11-12 09:05")["returned"] == 1
    returned = newest(office, UNIT)
    assert "Kế hoạch triển khai thực hiện Đề án 835 của đơn vị (bản PDF)" in plain(returned)
    assert "còn thiếu 1 tài liệu" in plain(returned)
    assert office.round("2024-11-27 08:00", "O-19")["send.reminder-2"] > 0
    assert "sắp hết hạn" in newest(office, UNIT)["Subject"]
    answer(office, UNIT, "2024-12-02 09:00", files=["ke-hoach-so-y-te.pdf"])
    assert office.poll("2024-12-02 09:05")["accepted"] == 1
    duty = office.duty(UNIT, "bc-hoi-nghi-2024").duty
    assert duty.completed_at == hanoi("2024-12-02 09:00")
    assert timeliness(duty, hanoi("2024-12-03 08:00")) is Timeliness.LATE


def test_the_budget_says_that_it_goes_to_the_finance_department_and_the_police_get_a_copy(office):
    office.round("2024-09-23 08:00", "O-09")
    letter = newest(office, UNIT)
    assert "- Nơi nhận kết quả: Sở Tài chính; Công an tỉnh (đồng gửi)" in plain(letter)
    assert letter["Cc"] is None
    assert "đề nghị gửi dự toán trước ngày 01/11/2024" in letter["Subject"]
    answer_with_form(office, UNIT, "2024-10-20 09:00", "du-toan-2024", documents=["thuyet-minh-du-toan.pdf"])
    assert office.poll("2024-10-20 09:05")["accepted"] == 1
    office.round("2024-10-22 08:00", "O-09")
    reminder = newest(office, "so-noi-vu")
    assert "nhắc gửi dự toán trước ngày 01/11/2024" in reminder["Subject"]
    assert "Nhắc gửi dự toán: chưa nhận được Dự toán lập trong năm 2024" in plain(reminder)
    assert "báo cáo" not in reminder["Subject"]


def test_the_plan_of_a_year_is_asked_for_as_a_plan(office):
    office.round("2025-01-02 08:00", "O-11")
    letter = newest(office, LEAD)
    assert letter["Subject"].startswith("[Kế hoạch năm 2025] Công an tỉnh: đề nghị gửi kế hoạch trước ngày 01/4/2025")
    assert "tham mưu ban hành Kế hoạch năm 2025 (Đề án 835) và gửi bản đã ký trước ngày 01/4/2025" in plain(letter)


def test_a_form_sent_to_a_duty_without_form_is_answered_without_asking_for_one(conference):
    answer(conference, LEAD, "2024-10-29 09:00", text="Kính gửi văn bản.")
    conference.poll("2024-10-29 09:05")
    told = [plain(letter) for letter in conference.letters_to(address_of(LEAD))]
    assert not [text for text in told if "biểu mẫu" in text]


@pytest.mark.parametrize("first", ["O-09", "O-10"])
def test_duties_of_one_unit_share_a_letter_whichever_round_of_the_day_runs_first(office, first):
    finance = "so-tai-chinh"
    office.round("2024-09-23 08:00", "O-09")
    office.round("2024-10-01 08:00", "O-10")
    before = len(office.letters_to(address_of(finance)))
    office.round("2024-10-22 08:00", first)
    office.round("2024-10-22 08:01", "O-10" if first == "O-09" else "O-09")
    (letter,) = office.letters_to(address_of(finance))[before:]
    assert "Dự toán 2024" in letter["Subject"]
    assert "Hướng dẫn dự toán 2024" in letter["Subject"]
    assert {part.get_filename().split(".")[-1] for part in letter.iter_attachments()} == {"xlsx"}


def test_a_coordinator_with_a_letter_of_its_own_about_the_obligation_gets_no_copy_of_the_leads(office):
    with office.at("2024-09-23 08:00") as runtime, runtime.sessions() as session:
        _, obligation = runtime.programme_with("O-03")
        assert obligation.coordinating_units == (COORDINATOR,)
        cycle_code = open_due_cycles.fn(runtime, "O-03", runtime.clock.now())[0]
        cycle_id = session.scalars(select(CycleRow.id).where(CycleRow.code == cycle_code)).one()
        unit = roster_in_use(runtime, session, runtime.programme_with("O-03")[0]).unit(COORDINATOR, date(2024, 9, 23))
        cycles.freeze_expected(session, cycle_id, [unit], ["a" * 16])
        session.commit()
    office.round("2024-09-23 08:00", "O-03")
    (own,) = office.letters_to(address_of(COORDINATOR))
    assert own["To"] == address_of(COORDINATOR)
    assert newest(office, LEAD)["Cc"] is None
