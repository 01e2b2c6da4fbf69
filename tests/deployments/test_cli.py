"""The command line: exit statuses, what scripts read, and one sentence where a person went wrong."""

import json
import os
import shutil
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from icalendar import Calendar
from openpyxl import load_workbook
from rich.console import Console

from deployments import showing
from deployments.cli import main
from deployments.engine import TELL_NOBODY
from models.db.covering import COVERED
from models.db.records.audit_entries import Break
from models.domain.audit_chain import first_entry
from models.domain.vocabulary import KeptKind
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.audits import break_text
from tasks.settings import Settings
from tests.builders import with_units
from tests.meta.source_code import ROOT

FOLDER = ROOT / "deployments" / "de_an_835"
MIDNIGHT = "T00:00:00+07:00"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of the test's own, so that nothing is left behind."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DONDOC_HOME", str(folder))
    return folder


@pytest.fixture
def dondoc(capsys):
    """Run the command line and return its exit status, what it printed, and what it complained of."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def broken_folder(tmp_path):
    """The shipped programme with three faults in two files."""
    folder = shutil.copytree(FOLDER, tmp_path / "programme")
    plan = (folder / "plan.yaml").read_text("utf-8")
    plan = plan.replace("before_day: 15/6", "before_day: 31/6").replace("kind: report", "kind: rapport", 1)
    (folder / "plan.yaml").write_text(plan, "utf-8")
    with (folder / "holidays.csv").open("a", encoding="utf-8") as holidays:
        holidays.write("2027-02-30,no,Nghỉ,123\n")
    return folder


def test_a_sound_programme_is_checked_with_status_0(dondoc):
    status, printed, _ = dondoc("check", FOLDER)
    assert status == 0
    assert str(FOLDER) in printed


def test_a_sound_programme_gives_scripts_an_empty_list(dondoc):
    status, printed, _ = dondoc("check", FOLDER, "--json")
    assert (status, json.loads(printed)) == (0, [])


def test_every_fault_of_a_broken_programme_is_listed_with_its_line_and_status_2(dondoc, broken_folder):
    status, printed, _ = dondoc("check", broken_folder, "--json")
    faults = json.loads(printed)
    assert status == 2
    assert all(set(fault) == {"file", "line", "message"} for fault in faults)
    assert {fault["file"] for fault in faults} == {"plan.yaml", "holidays.csv"}
    lines = (broken_folder / "plan.yaml").read_text("utf-8").splitlines()
    places = [lines[fault["line"] - 1] for fault in faults if fault["file"] == "plan.yaml"]
    assert any("31/6" in line for line in places)
    assert any("rapport" in line for line in places)


def test_a_person_reads_the_same_faults_as_a_script(dondoc, broken_folder):
    _, as_json, _ = dondoc("check", broken_folder, "--json")
    _, printed, _ = dondoc("check", broken_folder)
    assert all(f"{fault['file']}:{fault['line']}: {fault['message']}" in printed for fault in json.loads(as_json))


ONCE_IN_2024 = {
    "O-03": ("hn-tinh-2024", "2024-09-23", "2024-11-01"),
    "O-04": ("hn-don-vi-2024", "2024-09-23", "2024-11-15"),
    "O-09": ("du-toan-2024", "2024-09-23", "2024-11-01"),
    "O-10": ("hd-du-toan-2024", "2024-09-23", "2024-11-01"),
    "O-18": ("kh-don-vi-2024", "2024-10-15", "2024-11-30"),
    "O-19": ("bc-hoi-nghi-2024", "2024-10-15", "2024-11-30"),
}
"""What the plan asks for once: cycle, opening, and the first instant that is too late."""
YEARLY = {
    "O-11": ("ke-hoach-nam-{}", "{}-01-01", "{}-04-01"),  # undated; by the end of 31/3
    "O-12": ("kt-q3-{}", "{}-07-01", "{}-10-01"),
    "O-20": ("bc-6t-{}", "{}-05-16", "{}-06-15"),
    "O-21": ("bc-nam-{}", "{}-10-16", "{}-11-15"),
}
"""What it asks for in each year from 2025 to 2030."""
LATE_AFTER_DAYS_OFF = {
    "ke-hoach-nam-2029": "2029-04-03",  # 31/3 is a Saturday
    "ke-hoach-nam-2030": "2030-04-02",  # a Sunday
    "bc-6t-2025": "2025-06-17",  # 14/6 is a Saturday
    "bc-6t-2026": "2026-06-16",  # a Sunday
    "kt-q3-2028": "2028-10-03",  # 30/9 is a Saturday
    "kt-q3-2029": "2029-10-02",  # a Sunday
    "bc-nam-2026": "2026-11-17",  # 14/11 is a Saturday
    "bc-nam-2027": "2027-11-16",  # a Sunday
}
"""Where the last day is no working day; everywhere else late is what misses the deadline."""
UPWARD = {
    "th-bc-hoi-nghi-2024": ("2024-11-30", "2024-12-07"),
    "th-bc-6t-2025": ("2025-06-17", "2025-06-24"),
    "th-bc-nam-2025": ("2025-11-15", "2025-11-22"),
    "th-bc-6t-2026": ("2026-06-16", "2026-06-23"),
    "th-bc-nam-2026": ("2026-11-17", "2026-11-24"),
    "th-bc-6t-2027": ("2027-06-15", "2027-06-22"),
    "th-bc-nam-2027": ("2027-11-16", "2027-11-23"),
    "th-bc-6t-2028": ("2028-06-15", "2028-06-22"),
    "th-bc-nam-2028": ("2028-11-15", "2028-11-22"),
    "th-bc-6t-2029": ("2029-06-15", "2029-06-22"),
    "th-bc-nam-2029": ("2029-11-15", "2029-11-22"),
    "th-bc-6t-2030": ("2030-06-15", "2030-06-22"),
    "th-bc-nam-2030": ("2030-11-15", "2030-11-22"),
}
"""The province's own reports (O-26): each opens when the cycle before it is late, and has five working days."""


def _calendar(dondoc, first, last, *options):
    status, printed, _ = dondoc("calendar", FOLDER, "--from", first, "--to", last, "--json", *options)
    assert status == 0
    return {row["cycle"]: row for row in json.loads(printed)}


def test_the_calendar_covers_every_dated_clause_of_the_plan_to_the_instant(dondoc):
    rows = _calendar(dondoc, 2024, 2030)
    wanted = {code: (obligation, opens, due) for obligation, (code, opens, due) in ONCE_IN_2024.items()}
    for obligation, texts in YEARLY.items():
        for year in range(2025, 2031):
            code, opens, due = (text.format(year) for text in texts)
            wanted[code] = (obligation, opens, due)
    wanted |= {code: ("O-26", opens, due) for code, (opens, due) in UPWARD.items()}
    found = {code: (row["obligation"], row["opens_at"], row["due_at"]) for code, row in rows.items()}
    assert found == {code: (who, opens + MIDNIGHT, due + MIDNIGHT) for code, (who, opens, due) in wanted.items()}
    late = {code: LATE_AFTER_DAYS_OFF.get(code, due) + MIDNIGHT for code, (_, _, due) in wanted.items()}
    assert {code: row["late_at"] for code, row in rows.items()} == late


def test_the_calendar_says_on_which_day_the_office_last_works_before_a_deadline(dondoc):
    rows = _calendar(dondoc, 2026, 2026)
    assert rows["bc-6t-2026"]["last_working_day"] == "2026-06-12"
    assert rows["bc-nam-2026"]["last_working_day"] == "2026-11-13"


def test_the_calendar_is_written_as_a_file_for_calendar_programs_beside_the_list(dondoc, tmp_path):
    file = tmp_path / "new" / "lich.ics"
    rows = _calendar(dondoc, 2024, 2026, "--ics", file)
    entries = Calendar.from_ical(file.read_bytes()).walk("VEVENT")
    answered_with_another = {"kh-don-vi-2024"}
    assert {str(entry["uid"]).split(".")[0] for entry in entries} == set(rows) - answered_with_another


def test_a_calendar_file_that_cannot_be_written_is_one_sentence_with_status_2(dondoc, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, complaint = dondoc(
        "calendar", FOLDER, "--from", 2026, "--to", 2026, "--ics", tmp_path / "file" / "x.ics"
    )
    assert (status, len(complaint.strip().splitlines())) == (2, 1)


def test_a_rehearsal_lists_every_letter_of_the_year_for_scripts_and_in_a_workbook(dondoc, tmp_path, home):
    out = tmp_path / "thu.xlsx"
    arguments = ("rehearse", FOLDER, "--year", 2026, "--scenario", "nobody", "--json", "--out", out)
    status, printed, _ = dondoc(*arguments)
    letters = json.loads(printed)
    assert status == 0
    assert all(list(letter) == ["day", "rung", "unit", "recipient", "subject"] for letter in letters)
    assert len({(letter["day"], letter["recipient"]) for letter in letters}) == len(letters) > 500
    assert [letter["day"] for letter in letters] == sorted(letter["day"] for letter in letters)
    calendar = load_programme(FOLDER).calendar
    assert all(calendar.is_working_day(date.fromisoformat(letter["day"])) for letter in letters)
    sheet = load_workbook(out).worksheets[0]
    assert sheet.max_row == len(letters) + 1
    assert not home.exists()


def test_a_rehearsal_is_shown_to_people_day_by_day_with_its_sums(dondoc, monkeypatch):
    small = with_units(load_programme(FOLDER), {"cong-an-tinh"})
    monkeypatch.setattr("tasks.adapters.programme.load_programme", lambda _folder: small)
    status, printed, _ = dondoc("rehearse", FOLDER, "--year", 2026, "--scenario", "outage")
    lines = printed.splitlines()
    assert status == 0
    assert any(line.startswith("Thứ Hai, 05/01/2026") and "ke-hoach-nam-2026" in line for line in lines)
    assert any(line.startswith("Cả năm: ") for line in lines)
    assert any("thay bằng nấc mới hơn, nấc “Mở kỳ” của th-bc-6t-2026" in line for line in lines)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--year", 2026, "--scenario", "everybody"), "all-on-time, all-late, nobody, outage"),
        (("--year", 2023, "--scenario", "nobody"), "2024"),
        (("--year", 2031, "--scenario", "nobody"), "2030"),
    ],
)
def test_a_rehearsal_of_what_is_not_there_is_one_sentence_with_status_2(dondoc, options, named):
    status, printed, complaint = dondoc("rehearse", FOLDER, *options)
    assert (status, printed) == (2, "")
    assert named in complaint
    assert len(complaint.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [("check",), ("calendar", "--from", "2025", "--to", "2026")])
def test_a_programme_that_is_not_there_is_said_in_words_with_status_2(dondoc, tmp_path, arguments):
    command, *options = arguments
    status, printed, complaint = dondoc(command, tmp_path / "nowhere", *options)
    assert status == 2
    assert "plan.yaml" in printed + complaint
    assert "Traceback" not in printed + complaint


def test_a_roster_is_imported_whole_and_shown_as_of_a_day(dondoc):
    status, printed, _ = dondoc("roster", "import", FOLDER / "roster.xlsx", "--operator", "Tổ tổng hợp", "--json")
    imported = json.loads(printed)
    assert status in {0, 1}  # 1: there are remarks to look at
    assert imported["faults"] == []
    assert imported["n_units"] > 0
    before, after = (_units_on(dondoc, day) for day in ("2025-06-30", "2025-07-01"))
    assert any(unit["group"] == "G3" for unit in before)
    assert not any(unit["group"] == "G3" for unit in after)


def test_a_roster_is_exported_and_imported_again_without_a_change(dondoc, tmp_path):
    written = tmp_path / "xuat.xlsx"
    assert dondoc("roster", "import", FOLDER / "roster.xlsx")[0] in {0, 1}
    assert dondoc("roster", "export", written)[0] == 0
    _, printed, _ = dondoc("roster", "import", written, "--preview", "--json")
    assert {line["what"] for line in json.loads(printed)} <= {"Lưu ý"}
    status, _, complaint = dondoc("roster", "export", written)
    assert (status, "Đã có tệp" in complaint) == (2, True)


def test_a_roster_that_is_shown_is_counted_by_group(dondoc):
    _, printed, _ = dondoc("roster", "show", "--on", "2024-12-31")
    assert "Nhóm G3: 10 đơn vị\nNhóm G3b: 209 đơn vị" in printed


def _units_on(dondoc, day):
    status, printed, _ = dondoc("roster", "show", "--on", day, "--json")
    assert status == 0
    units = json.loads(printed)
    assert all(set(unit) == {"unit", "name", "group", "parent", "valid_from", "valid_to"} for unit in units)
    return units


def test_a_roster_that_is_no_workbook_is_refused_and_changes_nothing(dondoc, tmp_path):
    (tmp_path / "roster.xlsx").write_bytes(b"no workbook")
    before = _units_on(dondoc, "2025-06-30")
    status, printed, _ = dondoc("roster", "import", tmp_path / "roster.xlsx", "--json")
    assert status == 2
    assert json.loads(printed)["faults"]
    assert _units_on(dondoc, "2025-06-30") == before


@pytest.mark.parametrize("arguments", [("status", "bc-6t-1999"), ("compile", "bc-6t-1999", "--out", "out")])
def test_a_cycle_that_was_never_opened_is_one_sentence_with_status_2(dondoc, arguments):
    status, printed, complaint = dondoc(*arguments)
    assert (status, printed) == (2, "")
    assert "bc-6t-1999" in complaint
    assert len(complaint.strip().splitlines()) == 1


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01", "17/6/2025"])
def test_an_instant_that_is_none_is_one_sentence_with_status_2(dondoc, text):
    status, _, complaint = dondoc("status", "bc-6t-2025", "--as-of", text)
    assert status == 2
    assert text in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_a_day_that_is_none_is_one_sentence_with_status_2(dondoc):
    status, _, complaint = dondoc("roster", "show", "--on", "2025-02-29")
    assert (status, len(complaint.strip().splitlines())) == (2, 1)


def test_a_file_that_is_not_there_is_one_sentence_with_status_2(dondoc, tmp_path):
    status, _, complaint = dondoc("intake", tmp_path / "nothing.xlsx")
    assert status == 2
    assert "nothing.xlsx" in complaint


def test_an_unknown_option_is_wrong_use_with_status_2(dondoc):
    status, _, _ = dondoc("check", FOLDER, "--nonsense")
    assert status == 2


def test_a_file_that_answers_no_duty_is_taken_with_its_reasons_and_status_1(dondoc, tmp_path):
    (tmp_path / "note.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    arguments = ("intake", tmp_path / "note.pdf", "--operator", "Tổ tổng hợp", "--as-of", "2025-06-10T09:00", "--json")
    status, printed, _ = dondoc(*arguments)
    [taken] = json.loads(printed)
    assert status == 1
    assert taken["outcome"] != "accepted"
    assert all(set(reason) == {"code", "sheet", "cell", "message"} for reason in taken["reasons"])
    assert taken["reasons"]


def test_a_database_that_does_not_answer_is_one_sentence_without_its_password(dondoc, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"postgresql+psycopg://dondoc:bi-mat-7391@127.0.0.1:{nobody.getsockname()[1]}/dondoc"
        monkeypatch.setenv("DONDOC_DATABASE_URL", address)
        status, printed, complaint = dondoc("status", "bc-6t-2025")
    assert (status, printed) == (2, "")
    assert complaint.count("\n") == 1
    assert "pg_isready" in complaint
    assert "bi-mat-7391" not in complaint


def test_the_password_of_the_database_is_not_shown_with_the_settings(monkeypatch):
    monkeypatch.setenv("DONDOC_DATABASE_URL", "postgresql+psycopg://dondoc:bi-mat-7391@127.0.0.1/dondoc")
    settings = Settings.load()
    assert "bi-mat-7391" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.url.count("bi-mat-7391") == 1


def test_why_a_unit_stands_where_it_stands_cannot_be_asked_of_a_cycle_that_has_not_opened(dondoc):
    status, printed, complaint = dondoc("explain", "bc-6t-2099", "so-y-te")
    assert (status, printed) == (2, "")
    assert "bc-6t-2099" in complaint


def test_the_board_of_an_empty_home_is_a_page_too(dondoc, home):
    status, printed, _ = dondoc("board", "--as-of", "2025-01-02T08:00", "--json")
    assert status == 0
    assert json.loads(printed) == {"front": str(home / "board" / "index.html"), "n_written": 1, "n_gone": 0}
    assert "Không có." in (home / "board" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("command", [[], ["explain"], ["board"], ["tick"], ["roster", "import"]], ids=" ".join)
def test_the_help_of_a_command_shows_an_example(dondoc, command):
    status, printed, _ = dondoc(*command, "--help")
    assert status == 0
    assert "dondoc" in printed.partition("Ví dụ:")[2]


def test_the_command_line_lets_prefect_report_to_nobody(dondoc, monkeypatch):
    for name in TELL_NOBODY:
        monkeypatch.delenv(name, raising=False)
    dondoc("check", FOLDER)
    assert {name: os.environ[name] for name in TELL_NOBODY} == {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }


def test_where_no_letter_is_stuck_the_list_is_empty_with_status_0(dondoc):
    assert dondoc("letters", "--json")[:2] == (0, "[]\n")


def test_a_narrow_terminal_is_given_the_columns_that_fit_and_the_names_of_the_others(monkeypatch, capsys):
    columns, row = ["Đơn vị", "Tình trạng", "Đầu mối"], ["Sở Y tế", "x" * 30, "baocao.so-y-te@example.invalid"]
    for width, n_left_out in ((60, 1), (200, 0)):
        console = Console(width=width, force_terminal=True, color_system=None)
        monkeypatch.setattr(showing, "plain_console", lambda console=console: console)
        showing.show_table(columns, [row], texts=vietnamese())
        printed = capsys.readouterr().out
        assert ("còn các cột: Đầu mối" in printed) is bool(n_left_out)
        assert ("baocao.so-y-te@example.invalid" in printed) is not bool(n_left_out)


def test_a_purge_is_a_trial_unless_it_is_signed(dondoc):
    status, printed, _ = dondoc("purge", "--json")
    told = json.loads(printed)
    assert (status, told["is_done"], told["n_files"], told["n_left_over"]) == (0, False, 0, 0)
    assert {each["kind"] for each in told["kinds"]} == set(KeptKind)
    status, printed, _ = dondoc("purge")
    assert (status, "mãi mãi" in printed, "24 tháng" in printed or "2 năm" in printed) == (0, True, True)
    status, printed, complaint = dondoc("purge", "--yes", "--operator", "Lưu trữ")
    assert (status, printed) == (2, "")
    assert "lý do" in complaint


def test_an_audit_that_has_not_begun_is_sound_with_status_0(dondoc):
    status, printed, _ = dondoc("audit", "verify")
    assert (status, "chưa bắt đầu" in printed) == (0, True)


@pytest.fixture
def audited(dondoc, home):
    """A home in which an operator has loaded a roster; its database, and the audit's newest hash."""
    assert dondoc("roster", "import", FOLDER / "roster.xlsx", "--operator", "Trần Thị B")[0] in {0, 1}
    status, printed, _ = dondoc("audit", "verify", "--json")
    found = json.loads(printed)
    assert (status, found["n_breaks"], found["n_entries"]) == (0, 0, 2)
    return home / "dondoc.db", found["head"]


def test_a_sound_audit_is_said_so_with_its_newest_hash_and_where_it_begins(dondoc, audited):
    _, head = audited
    status, printed, _ = dondoc("audit", "verify", "--from-head", head)
    assert status == 0
    assert all(said in printed for said in (head, "nguyên vẹn", "bắt đầu lúc"))


def test_what_was_changed_past_the_program_is_one_sentence_each_with_status_1(dondoc, audited):
    with closing(sqlite3.connect(audited[0])) as database, database:
        database.execute("UPDATE roster_import SET operator = 'Ai đó'")
    status, printed, _ = dondoc("audit", "verify")
    first, *_ = printed.splitlines()
    assert status == 1
    assert all(said in first for said in ("Lần nạp danh sách đơn vị số 1", "đã bị sửa", "mục 2", "Đề nghị"))
    status, printed, _ = dondoc("audit", "verify", "--json")
    (found,) = json.loads(printed)["breaks"]
    assert (status, found["code"], found["table"], found["key"], found["entry"]) == (
        *(1, "row_changed", "roster_import"),
        *(1, 2),
    )


def test_every_sort_of_break_has_its_sentence():
    entry = first_entry(datetime(2025, 6, 1, tzinfo=UTC), {})
    for code in ("entry_changed", "entry_gone", "link_broken", "beginning_gone", "format_unknown", "tail_gone"):
        assert "mục 1" in break_text(Break(code=code, entry=entry), vietnamese(), from_head="f" * 64).lower()
    assert "toàn bộ" in break_text(Break(code="tail_gone", entry=None), vietnamese(), from_head="f" * 64)
    for table in COVERED:
        for code, its_entry in (("row_changed", entry), ("row_gone", entry), ("row_added", None), ("row_added", entry)):
            said = break_text(Break(code=code, entry=its_entry, table=table, key=7), vietnamese())
            assert " số 7 " in said


def test_the_audit_is_listed_for_people_and_for_scripts(dondoc, audited):
    _, head = audited
    status, printed, _ = dondoc("audit", "list")
    assert (status, "Trần Thị B" in printed, "Nạp danh sách đơn vị" in printed) == (0, True, True)
    assert ("Quyết định, việc đã làm" in printed, "Loại thư" in printed) == (True, False)
    begun, loaded = json.loads(dondoc("audit", "list", "--json")[1])
    assert (begun["number"], loaded["hash"], loaded["operator"]) == (1, head, "Trần Thị B")
    assert json.loads(dondoc("audit", "list", "--limit", "1", "--json")[1]) == [loaded]
    for nothing in (("--unit", "so-y-te"), ("--cycle", "bc-6t-2025"), ("--since", "2999-01-01")):
        assert json.loads(dondoc("audit", "list", *nothing, "--json")[1]) == []


def test_the_card_is_written_where_it_was_asked_for(dondoc, tmp_path):
    status, _, told = dondoc("card", FOLDER, "--year", "2026", "--out", tmp_path / "the.html")
    assert (status, str(tmp_path / "the.html") in told) == (0, True)
    assert "Gửi báo cáo Đề án 835: bốn bước" in (tmp_path / "the.html").read_text("utf-8")
