"""A programme's folder with faults: all of them at once, each with its line, and nothing loaded."""

import shutil
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.domain.cycles import planned_cycles
from models.domain.errors import Fault, ProgrammeInvalidError
from tasks.adapters.programme import check_programme, load_programme
from tasks.adapters.programme.located_yaml import read_yaml
from tasks.adapters.texts import Texts

SHIPPED = Path(__file__).parents[2] / "deployments" / "de_an_835"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "programme"))


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load()


def line_of(folder: Path, text: str, file: str = "plan.yaml", nth: int = 0) -> int:
    lines = (folder / file).read_text("utf-8").splitlines()
    return [n for n, line in enumerate(lines, 1) if text in line][nth]


def change(folder: Path, old: str, new: str, file: str = "plan.yaml") -> int:
    """Write something else in the first place where `old` stands, and return its line."""
    path = folder / file
    line = line_of(folder, old.splitlines()[0], file)
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    return line


def found(folder: Path) -> list[tuple[str, int, str]]:
    return [(fault.file, fault.line, fault.code) for fault in check_programme(folder)]


def fact(fault: Fault, name: str) -> object:
    return dict(fault.facts)[name]


def test_many_faults_in_many_files_are_all_told_at_once(folder, texts):
    expected = [
        ("plan.yaml", change(folder, "  phone:", "  fone:"), "key_unknown_near"),
        ("plan.yaml", line_of(folder, "issuing_body:") - 1, "key_missing"),  # of the key `desk`, which lacks one
        ("plan.yaml", change(folder, "audience: all, attach", "audience: al, attach"), "name_unknown_near"),
        ("plan.yaml", change(folder, "cycle_code: bc-6t-{year}", "cycle_code: bc-6t"), "cycle_code_without_year"),
        ("plan.yaml", change(folder, "before_day: 15/6", "before_day: 31/6"), "day_month_malformed"),
        ("plan.yaml", change(folder, "[G1, G2, G3, G4]", "[G1, G2, G3c, G4]"), "name_unknown_near"),
        ("plan.yaml", change(folder, "form: bm_835", "form: bm_836"), "name_unknown_near"),
        ("plan.yaml", change(folder, "continues: O-21", "continues: O-99"), "name_unknown_near"),
        ("plan.yaml", change(folder, "slug: bao-cao-nam", "slug: bao-cao-6-thang"), "value_twice"),
        (
            "forms/bm_835.yaml",
            change(folder, "denominator: CT02.giao", "denominator: CT02.gia", "forms/bm_835.yaml"),
            "name_unknown_near",
        ),
        ("forms/bm_835.yaml", change(folder, "{code: CT09", "{code: CT08", "forms/bm_835.yaml"), "value_twice"),
        ("holidays.csv", change(folder, "2026-01-10,yes", "2026-01-10,working", "holidays.csv"), "holidays_working"),
    ]
    (folder / "roster.xlsx").write_bytes(b"not a workbook")
    expected.append(("roster.xlsx", 0, "roster_broken"))

    assert set(expected) <= set(found(folder))
    assert len(found(folder)) == len(expected), [texts.fault(fault) for fault in check_programme(folder)]


def test_nothing_is_loaded_by_half(folder):
    change(folder, "roll: next_working_day", "roll: next_workingday")

    with pytest.raises(ProgrammeInvalidError) as caught:
        load_programme(folder)

    assert [fault.code for fault in caught.value.faults] == ["name_unknown_near"]
    assert fact(caught.value.faults[0], "nearest") == "next_working_day"


def _rules_out_of_order(folder: Path) -> int:
    text = (folder / "plan.yaml").read_text("utf-8")
    start = text.rindex("      - valid_from")
    end = text.index("\n\n", start)
    earlier = text[start:end].replace("2024-09-23", "2024-01-01")
    (folder / "plan.yaml").write_text(f"{text[:end]}\n{earlier}{text[end:]}", "utf-8")
    return line_of(folder, "valid_from: 2024-01-01")


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda f: change(f, "opens_days_before: 30", "opens_days_before: -3") - 3, "opens_after_due"),
        (lambda f: change(f, "roll_call_working_days: 10", "roll_call_working_days: 0") - 4, "roll_call_days"),
        (lambda f: change(f, "roll_call_working_days: 10", "roll_call_working_days: soon"), "not_number"),
        (
            lambda f: change(f, "form: dc_kt_835", "form: dc_kt_835\n        roll_call_working_days: 10") - 3,
            "roll_call_without_calendar",
        ),
        (lambda f: change(f, "before_day: 15/6}", "before_day: 15/6, by_day: 1/7}"), "due_not_one"),
        (lambda f: change(f, "before_day: 15/6", "before_day: 29/2"), "day_month_not_every_year"),
        (lambda f: change(f, "before_day: 15/6", "within_month: 13"), "number_too_large"),
        (lambda f: change(f, "to: 14/5/Y", "to: 14/5"), "year_day_malformed"),
        (lambda f: change(f, "to: 14/5/Y", "to: 14/5/Y-1"), "window_reversed"),
        (lambda f: change(f, "first_year: 2025", "first_year: 2031") + 1, "years_reversed"),
        (lambda f: change(f, "first_year: 2025", "first_year: soon"), "not_number"),
        (lambda f: change(f, "valid_from: 2024-09-23", "valid_from: 2024-09-31"), "day_malformed"),
        (lambda f: change(f, "code: O-21", "code: o 21"), "code_malformed"),
        (lambda f: change(f, "07:30-12:00", "12:00-07:30"), "hours_reversed"),
        (lambda f: change(f, "07:30-12:00", "07:30"), "hours_malformed"),
        (lambda f: change(f, "baocao@dondoc.example.invalid", "baocao dondoc"), "address_malformed"),
        (
            lambda f: change(f, "cycle_title: Báo cáo năm {year}", "cycle_title: Báo cáo năm {nam}"),
            "cycle_title_without_year",
        ),
        (lambda f: change(f, "ladder: don_doc", "ladder: dondoc"), "name_unknown_near"),
        (lambda f: change(f, "[bao_cao_ky]", "[baocaoky]"), "name_unknown_near"),
        (
            lambda f: change(f, "working_days: -2, audience: unsubmitted", "working_days: -2, audience: late"),
            "rung_late_before_deadline",
        ),
        (lambda f: change(f, "working_days: -2", "working_days: -9"), "rungs_out_of_order"),
        (lambda f: change(f, "code: reminder-2", "code: reminder-1"), "value_twice"),
        (lambda f: change(f, "clause: III.1-c", 'clause: ""'), "blank"),
        (lambda f: change(f, "clause: III.1-c", "clause: 3"), "not_text"),
        (
            lambda f: change(
                f, "receivers:\n      - Ban Chỉ đạo tỉnh (qua báo cáo 06 tháng, báo cáo năm)", "receivers: []"
            ),
            "list_empty",
        ),
        (lambda f: change(f, "expected_groups: [G1, G2, G3, G4]", "expected_groups: []") - 5, "nobody_expected"),
        (lambda f: change(f, "[G1, G2, G3, G3b, G5]\n        settled_by_word: true", "[G1]") - 6, "nothing_asked_for"),
        (
            lambda f: change(f, "opens_on: 23/9/Y", "opens_on: 23/9/Y\n        opens_days_before: 30") - 3,
            "opening_not_one",
        ),
        (lambda f: change(f, ", sections: [I]}", "}"), "evidence_names_nothing"),
        (lambda f: change(f, "    cycle_code: hn-tinh-{year}\n", "") - 10, "cycles_without_name"),
        (
            lambda f: change(f, "    evidence: {reports: [O-20, O-21], sections: [I]}", "") - 14,
            "continuous_without_evidence",
        ),
        (
            lambda f: (
                change(f, "    answered_with: O-21\n    evidence: {reports: [O-21], sections: [III.1, III.2]}", "") - 13
            ),
            "obligation_without_rule",
        ),
        (lambda f: change(f, "lead_unit: cong-an-tinh", "lead_unit: cong-an"), "unit_not_in_roster"),
        (lambda f: change(f, "expected_units: [so-tai-chinh]", "expected_units: [so-tai-chin]"), "unit_not_in_roster"),
        (lambda f: change(f, "sections: [I]}", "sections: [VIII]}"), "indicator_not_in_forms"),
        (lambda f: change(f, "[G1, G2, G3, G4]", "G1"), "not_list"),
        (lambda f: change(f, "attach_form: true", "attach_form: always"), "not_yes_no"),
        (lambda f: change(f, "    slug: bao-cao-nam", "    code: O-22\n    slug: bao-cao-nam"), "yaml_key_twice"),
        (_rules_out_of_order, "rules_out_of_order"),
    ],
)
def test_a_fault_of_the_plan_is_told_with_its_line(
    folder: Path, texts: Texts, break_it: Callable[[Path], int], code: str
):
    line = break_it(folder)

    assert ("plan.yaml", line, code) in found(folder)
    assert all(texts.fault(fault) for fault in check_programme(folder))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("choices: [Xuất sắc, Khá, Trung bình, Yếu, Chưa phân loại]", "choices: []", "choices_amiss"),
        (
            "kind: yes_no, accrual: stock, aggregation: count",
            "kind: yes_no, accrual: stock, aggregation: sum",
            "sum_of_words",
        ),
        ("at_most: CT19", "at_most: CT20", "measured_by_itself"),
        ("figures_sheet: Biểu 1", "figures_sheet: Biểu/1", "sheet_name_malformed"),
        ("narratives_sheet: Biểu 2", "narratives_sheet: Biểu 1", "sheets_alike"),
        ("narratives_sheet: Biểu 2", "narratives_sheet: hướng dẫn", "sheet_like_guide"),
        ('version: "2025.1"', "version: 2025.1", "not_text"),
        ("code: bm_835", "code: bm_836", "form_code_not_file"),
        ('title: "V. Kiến nghị, đề xuất"', 'title: "IV. Phương hướng kỳ sau"', "value_twice"),
    ],
)
def test_a_fault_of_the_form_is_told(folder, texts, old, new, code):
    change(folder, old, new, "forms/bm_835.yaml")
    faults = [fault for fault in check_programme(folder) if fault.file == "forms/bm_835.yaml"]
    assert code in [fault.code for fault in faults]
    assert all(texts.fault(fault) for fault in faults)


@pytest.mark.parametrize("file", ["plan.yaml", "holidays.csv", "roster.xlsx", "forms/bm_835.yaml"])
def test_a_missing_file_is_told(folder, file):
    (folder / file).unlink()
    codes = {(fault.file, fault.code) for fault in check_programme(folder)}
    assert (file, "file_missing") in codes or ("plan.yaml", "name_unknown_near") in codes


def test_an_empty_folder_is_told_file_by_file(tmp_path):
    assert found(tmp_path) == [
        ("holidays.csv", 0, "file_missing"),
        ("plan.yaml", 0, "file_missing"),
        ("roster.xlsx", 0, "file_missing"),
    ]


@pytest.mark.parametrize(
    ("content", "line", "code"),
    [
        (b"code: a\ntitle: [1, 2\nkey: b\n", 3, "yaml_broken"),
        (b"code: a\n\ttitle: b\n", 2, "yaml_broken"),
        (b"code: a\ntitle: \xff\xfe\n", 2, "file_not_utf8"),
        (b"a: &x [1]\nb: *x\n", 2, "yaml_alias"),
        (b"a: 1\nb: !!python/object:os.system x\n", 2, "yaml_tag"),
        (b"", 0, "file_empty"),
        (b"# only a remark\n", 0, "file_empty"),
        (b"a: " + b"[" * 50_000, 1, "yaml_too_deep"),
        (b"a" * (1024 * 1024 + 1), 0, "file_too_large"),
        (b"a: 1\n---\nb: 2\n", 2, "yaml_broken"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_refused_with_the_line(content, line, code):
    _, faults = read_yaml(content, "plan.yaml")
    assert [(fault.line, fault.code) for fault in faults] == [(line, code)]


@pytest.mark.parametrize(
    "content", ["[]", "text", "1", "code: [", "obligations: 3", "obligations: [3, {rules: x}]\nladders: []"]
)
def test_a_plan_of_another_shape_is_faults_and_never_a_crash(folder, texts, content):
    (folder / "plan.yaml").write_text(content, "utf-8")
    faults = check_programme(folder)
    assert faults
    assert all(texts.fault(fault) for fault in faults)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    position=st.floats(0, 1), piece=st.text(alphabet=string.printable + "ăđ\u0000", max_size=5), cut=st.integers(0, 8)
)
def test_whatever_is_typed_into_the_plan_ends_in_a_programme_or_in_faults_that_can_be_said(
    tmp_path, texts, position, piece, cut
):
    folder = tmp_path / "p"
    if not folder.exists():
        shutil.copytree(SHIPPED, folder)
    text = (SHIPPED / "plan.yaml").read_text("utf-8")
    at = int(position * len(text))
    (folder / "plan.yaml").write_text(text[:at] + piece + text[at + cut :], "utf-8", newline="")
    assert all(texts.fault(fault) for fault in check_programme(folder))


def test_communes_report_from_the_day_of_a_decision_that_is_entered_and_not_before(folder):
    path = folder / "plan.yaml"
    lines = path.read_text("utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.strip() == "# - valid_from: 2025-07-01")
    for n in range(start, start + 11):
        lines[n] = lines[n].replace("# ", "", 1)
    shipped = load_programme(folder)
    path.write_text("\n".join(lines), "utf-8")
    decided = load_programme(folder)

    def reporters(programme, year):
        planned = planned_cycles(programme, first_year=year, last_year=year)
        cycle = next(each for each in planned if each.obligation_code == "O-21")
        return programme.roster.expected(cycle.terms.expected_groups, cycle.opens_at.date())

    assert len(reporters(decided, 2025)) == len(reporters(shipped, 2025)) + 58
