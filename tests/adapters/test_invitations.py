from datetime import date, timedelta

from icalendar import Calendar

from tasks.adapters.invitations import invitation
from tests.adapters.test_rendering import PROGRAMME, a_duty
from tests.builders import hanoi

ORGANIZER = "baocao@dondoc.example.invalid"


def event(*, as_of="2025-05-16 08:00:00", **said):
    content = invitation(a_duty(**said), PROGRAMME, as_of=hanoi(as_of), organizer=ORGANIZER)
    calendar = Calendar.from_ical(content)
    assert calendar["method"] == "PUBLISH"
    (entry,) = calendar.walk("VEVENT")
    return entry


def test_the_entry_stands_on_the_last_day_before_the_deadline_for_the_whole_day():
    entry = event()
    assert entry.decoded("dtstart") == date(2025, 6, 14)
    assert entry.decoded("dtend") == date(2025, 6, 15)


def test_an_extension_moves_the_entry_and_keeps_its_name():
    first, later = event(), event(as_of="2025-06-02 08:00:00", late_at=hanoi("2025-06-21 00:00:00"))
    assert later.decoded("dtstart") == date(2025, 6, 20)
    assert later["uid"] == first["uid"] == "bc-6t-2025-1@dondoc.example.invalid"
    assert later["sequence"] > first["sequence"]


def test_two_duties_have_two_entries():
    assert event(duty_id=1)["uid"] != event(duty_id=2)["uid"]


def test_the_alarm_rings_on_the_morning_of_the_day_before():
    (alarm,) = event().walk("VALARM")
    assert alarm.decoded("trigger") == timedelta(hours=-16)


def test_the_entry_says_who_owes_what_and_by_which_clause():
    entry = event(unit_name="Sở Y tế; Phòng A, B\r\nATTENDEE:mailto:x@example.invalid")
    assert str(entry["summary"]).startswith("Hạn gửi Báo cáo 06 tháng năm 2025 – Sở Y tế; Phòng A, B")
    assert "attendee" not in entry
    assert "trước ngày 15/6/2025 (chậm nhất 24 giờ ngày 14/6/2025, Thứ Bảy;" in entry["description"]
    assert "mục III.1-c" in entry["description"]
    assert str(entry["organizer"]) == f"mailto:{ORGANIZER}"
