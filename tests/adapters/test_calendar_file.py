from dataclasses import replace
from datetime import date, timedelta

import pytest
from icalendar import Calendar

from models.domain.cycles import plan_cycle
from tasks.adapters.calendar_file import calendar_file
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tests.builders import hanoi
from tests.meta.source_code import ROOT

LONGEST_LINE = 75
"""Octets, by RFC 5545 3.1."""


@pytest.fixture(scope="module")
def programme():
    return load_programme(ROOT / "deployments" / "de_an_835")


def written(programme, *codes, year=2026, as_of="2026-01-05 06:30"):
    cycles = [plan_cycle(programme, programme.obligation(code), year) for code in codes]
    return calendar_file([(programme, cycles)], vietnamese(), as_of=hanoi(as_of))


def test_a_deadline_stands_on_its_last_day_for_the_whole_day(programme):
    (entry,) = Calendar.from_ical(written(programme, "O-20")).walk("VEVENT")
    assert entry.decoded("dtstart") == date(2026, 6, 14)
    assert entry.decoded("dtend") - entry.decoded("dtstart") == timedelta(days=1)
    assert "ngày làm việc cuối cùng là Thứ Sáu, 12/6/2026" in entry["description"]


def test_each_cycle_has_one_entry_whose_name_never_changes(programme):
    first, again = (
        [str(entry["uid"]) for entry in Calendar.from_ical(content).walk("VEVENT")]
        for content in (
            written(programme, "O-11", "O-20", "O-21"),
            written(programme, "O-11", "O-20", "O-21", as_of="2026-05-04 06:30"),
        )
    )
    assert first == again
    assert len(set(first)) == 3


def test_lines_are_folded_by_octets_and_the_text_is_utf_8(programme):
    content = written(programme, "O-11", "O-12", "O-20", "O-21")
    lines = content.split(b"\r\n")
    assert all(len(line) <= LONGEST_LINE for line in lines)
    assert any(line.startswith(b" ") for line in lines)
    assert "Báo cáo 06 tháng năm 2026" in content.replace(b"\r\n ", b"").decode()


def test_words_of_the_plan_never_become_lines_of_the_file(programme):
    obligation = programme.obligation("O-20")
    odd = replace(obligation, title="Báo cáo; A, B\r\nATTENDEE:mailto:x@example.invalid", lead="\\n, ;")
    (entry,) = Calendar.from_ical(
        written(replace(programme, obligations=(odd, programme.obligation("O-21"))), "O-20")
    ).walk("VEVENT")
    assert "attendee" not in entry


def test_an_overview_rings_no_alarm(programme):
    assert Calendar.from_ical(written(programme, "O-20")).walk("VALARM") == []
