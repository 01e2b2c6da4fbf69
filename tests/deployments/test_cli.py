"""The command line: exit statuses, what scripts read, and one sentence where a person went wrong."""

import json
import shutil

import pytest

from deployments.cli import main
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


def test_the_calendar_gives_the_twelve_cycles_of_the_plan_to_the_instant(dondoc):
    status, printed, _ = dondoc("calendar", FOLDER, "--from", 2025, "--to", 2030, "--json")
    rows = json.loads(printed)
    late = {
        "bc-6t-2025": "2025-06-17",  # 14/6 is a Saturday
        "bc-nam-2025": "2025-11-15",
        "bc-6t-2026": "2026-06-16",  # a Sunday
        "bc-nam-2026": "2026-11-17",  # a Saturday
        "bc-6t-2027": "2027-06-15",
        "bc-nam-2027": "2027-11-16",  # a Sunday
        "bc-6t-2028": "2028-06-15",
        "bc-nam-2028": "2028-11-15",
        "bc-6t-2029": "2029-06-15",
        "bc-nam-2029": "2029-11-15",
        "bc-6t-2030": "2030-06-15",
        "bc-nam-2030": "2030-11-15",
    }
    assert status == 0
    assert {row["cycle"]: row["late_at"] for row in rows} == {code: day + MIDNIGHT for code, day in late.items()}
    for row in rows:
        year, is_half = row["cycle"][-4:], row["cycle"].startswith("bc-6t")
        assert row["due_at"] == f"{year}-{'06' if is_half else '11'}-15{MIDNIGHT}"
        assert row["obligation"] == ("O-20" if is_half else "O-21")
        assert row["opens_at"].endswith(MIDNIGHT)


def test_the_calendar_says_on_which_day_the_office_last_works_before_a_deadline(dondoc):
    _, printed, _ = dondoc("calendar", FOLDER, "--from", 2026, "--to", 2026, "--json")
    assert [row["last_working_day"] for row in json.loads(printed)] == ["2026-06-12", "2026-11-13"]


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
