"""The tasks of an annex: read whole or not at all, given out once, chased, done, closed by hand."""

import io
import shutil
from datetime import date

import pytest
from docx import Document
from openpyxl import Workbook, load_workbook

from models.db.records import audit, cycles
from models.domain.duties import standing_at, timeliness
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import Action, EditionKind, Standing, Timeliness
from tasks.adapters.programme import check_programme
from tasks.assign_tasks import AnnexOrder, close_owed_task, import_annex, owed_tasks
from tasks.compile import compile_cycle
from tasks.given_tasks import summary_of_tasks
from tasks.open_cycles import open_due_cycles
from tests.builders import hanoi
from tests.meta.source_code import ROOT
from tests.tasks.conftest import address_of
from tests.tasks.test_kinds_of_duty import answer, newest, plain

SHIPPED = ROOT / "deployments" / "de_an_835" / "phu-luc-1-gia-dinh.xlsx"
TITLES = ["Số", "Nội dung nhiệm vụ", "Đơn vị chủ trì", "Thời hạn", "Sản phẩm"]
A_TASK = [1, "Ban hành kế hoạch tuyên truyền", "so-y-te", "30/9/2025", "Kế hoạch đã ký"]
DAY = "2025-07-15 08:30"


def annex(*rows, titles=TITLES):
    book = Workbook()
    sheet = book.active
    sheet.append(["PHỤ LỤC SỐ 1"])
    sheet.append(titles)
    for row in rows:
        sheet.append(row)
    with io.BytesIO() as target:
        book.save(target)
        return target.getvalue()


def give_out(office, *rows, instant=DAY, content=None, operator="Nguyễn Văn Thư", reason="Giao theo Phụ lục số 1"):
    with office.at(instant) as runtime:
        (office.home / "phu-luc.xlsx").write_bytes(content or annex(*rows))
        order = AnnexOrder(file="phu-luc.xlsx", year=2025, operator=operator, reason=reason)
        return import_annex.fn(runtime, order)


def refusal(office, *rows, **said):
    with pytest.raises(ActionRefusedError) as refused:
        give_out(office, *rows, **said)
    with office.at(DAY) as runtime:
        return runtime.texts.error(refused.value)


def given_out(office):
    with office.at(DAY) as runtime, runtime.sessions() as session:
        return [cycle.code for cycle in cycles.all_cycles(session)]


def test_the_shipped_annex_says_that_it_is_made_up_and_becomes_six_tasks(office):
    report = give_out(office, content=SHIPPED.read_bytes())
    assert report.opened == tuple(f"pl1-2025-{n}" for n in range(1, 7))
    with office.at(DAY) as runtime:
        cells = runtime.reader.read([SHIPPED.read_bytes()])[0].form.cells.values()
        assert any("DỮ LIỆU GIẢ ĐỊNH" in str(value) for value in cells)
        with runtime.sessions() as session:
            cycle = cycles.cycle(session, "pl1-2025-5")
    assert (cycle.title, cycle.last_day) == ("Nhiệm vụ số 5, Phụ lục số 1 năm 2025", date(2025, 10, 31))
    assert office.duty("tinh-doan", "pl1-2025-5").duty.unit_name == "Tỉnh đoàn"


def test_a_task_is_chased_like_any_duty_and_settled_by_its_document(office):
    give_out(office, A_TASK)
    office.round("2025-07-15 14:00", "O-08")
    letter = newest(office, "so-y-te")
    assert letter["Subject"].startswith("[Nhiệm vụ số 1, Phụ lục số 1 năm 2025] Sở Y tế: đề nghị hoàn thành nhiệm vụ")
    assert "- Nội dung: Ban hành kế hoạch tuyên truyền" in plain(letter)
    assert "- Sản phẩm: Kế hoạch đã ký" in plain(letter)
    assert letter["Cc"] is None
    assert office.round("2025-10-01 08:00", "O-08")["send.overdue"] == 1
    answer(office, "so-y-te", "2025-10-02 09:00", files=["ke-hoach.pdf"])
    assert office.poll("2025-10-02 09:05")["accepted"] == 1
    assert standing_at(office.duty("so-y-te", "pl1-2025-1").duty, hanoi("2025-10-03 08:00")) is Standing.DONE_LATE


def test_every_fault_of_an_annex_is_named_with_its_row_and_nothing_is_given_out(office):
    said = refusal(
        office,
        A_TASK,
        [1, "Lặp số", "so-y-te", "30/9/2025", ""],
        [2, "", "so-y-te", "30/9/2025", ""],
        [3, "Đơn vị lạ", "Sở Không Có; so-y-te", "30/9/2025", ""],
        [4, "Ngày lạ", "so-y-te", "31/9/2025", ""],
        [5, "Ngày là số", "so-y-te", 45930.5, ""],
        [6, "Ngày đã qua", "so-y-te", "14/7/2025", ""],
        [7, "Không ai", "", "", ""],
        ["", "Không số", "so-y-te", "30/9/2025", ""],
    )
    assert "có 9 lỗi" in said
    for place, what in (
        ("dòng 4", "nhiệm vụ số 1 đã có ở dòng 3"),
        ("dòng 5", "chưa ghi nội dung"),
        ("dòng 6", "không có đơn vị “Sở Không Có”"),
        ("dòng 7", "thời hạn “31/9/2025” không đọc được"),
        ("dòng 8", "không đọc được"),
        ("dòng 9", "thời hạn 14/7/2025 trước ngày giao nhiệm vụ 15/7/2025"),
        ("dòng 10", "chưa ghi đơn vị chủ trì"),
        ("dòng 10", "chưa ghi thời hạn"),
        ("dòng 11", "chưa ghi số"),
    ):
        assert any(place in line and what in line for line in said.splitlines()), (place, what)
    assert given_out(office) == []


def test_a_workbook_without_our_titles_is_refused_as_a_whole(office):
    said = refusal(office, content=annex(A_TASK, titles=["STT", "Việc", "Ai", "Khi nào", "Ra gì"]))
    assert "không thấy dòng tiêu đề" in said


def test_a_unit_that_is_no_more_is_given_nothing(office):
    assert "ngày 15/7/2025" in refusal(office, [1, "Việc", "bcd-huyen-yen-the", "30/9/2025", ""])


def test_a_blank_operator_gives_out_nothing(office):
    refusal(office, A_TASK, operator="  ")
    refusal(office, A_TASK, reason="")
    assert given_out(office) == []


def test_importing_again_gives_out_only_what_is_new_and_says_what_differs(office):
    give_out(office, A_TASK, [2, "Việc hai", "so-noi-vu", date(2025, 10, 31), ""])
    again = give_out(
        office,
        [1, "Ban hành kế hoạch khác", "so-y-te; so-noi-vu", "30/9/2025", "Kế hoạch đã ký"],
        ["3", "Việc ba", "Sở Y tế", "30/11/2025", ""],
        instant="2025-10-10 08:30",
    )
    assert again.opened == ("pl1-2025-3",)
    assert again.changed == {"pl1-2025-1": ("content", "owners")}
    assert again.missing == ("pl1-2025-2",)
    with office.at("2025-10-10 09:00") as runtime, runtime.sessions() as session:
        assert cycles.cycle(session, "pl1-2025-1").content == "Ban hành kế hoạch tuyên truyền"
        acts = [act for act in audit.newest_actions(session, limit=9) if act.action is Action.IMPORT_TASKS]
    assert [act.details["opened"] for act in acts] == [["pl1-2025-3"], ["pl1-2025-1", "pl1-2025-2"]]


def test_the_same_annex_again_writes_nothing(office):
    give_out(office, A_TASK)
    assert give_out(office, A_TASK).opened == ()
    with office.at(DAY) as runtime, runtime.sessions() as session:
        assert len(audit.newest_actions(session, limit=9)) == 1


def test_an_operator_closes_one_owners_task_as_of_the_day_it_was_done(office):
    give_out(office, [1, "Việc chung", "so-y-te; so-noi-vu", "30/9/2025", ""])
    with office.at("2025-10-06 09:00") as runtime:
        said = {"operator": "Nguyễn Văn Thư", "reason": "Đã nhận văn bản giấy"}
        assert close_owed_task.fn(runtime, "pl1-2025-1/so-y-te", done_on=date(2025, 9, 29), **said) == "pl1-2025-1"
        close_owed_task.fn(runtime, "pl1-2025-1/so-y-te", done_on=date(2025, 9, 29), **said)
        with pytest.raises(ActionRefusedError):
            close_owed_task.fn(runtime, "pl1-2025-1/so-noi-vu", done_on=date(2025, 10, 7), **said)
        with pytest.raises(ActionRefusedError):
            close_owed_task.fn(runtime, "pl1-2025-1/so-tai-chinh", done_on=date(2025, 9, 29), **said)
        with runtime.sessions() as session:
            acts = [act.unit_code for act in audit.actions_on(session, "pl1-2025-1")]
            left = [code for code, _, _ in owed_tasks(runtime, session, runtime.clock.now())]
    assert (acts, left) == (["so-y-te"], ["pl1-2025-1/so-noi-vu"])
    duty = office.duty("so-y-te", "pl1-2025-1").duty
    assert timeliness(duty, hanoi("2025-10-07 08:00")) is Timeliness.ON_TIME
    office.round("2025-10-07 08:00", "O-08")
    assert office.letters_to(address_of("so-y-te")) == []


def test_tasks_are_counted_as_they_stood_at_the_instant(office):
    give_out(office, A_TASK, [2, "Việc hai", "so-y-te; so-noi-vu", "31/10/2025", ""])
    with office.at("2025-10-06 09:00") as runtime:
        close_owed_task.fn(runtime, "pl1-2025-2/so-noi-vu", done_on=date(2025, 10, 6), operator="A", reason="B")
        programme = next(iter(runtime.programmes.values()))
        with runtime.sessions() as session:
            before = summary_of_tasks(session, programme, hanoi("2025-09-30 08:00")).total
            after = summary_of_tasks(session, programme, hanoi("2025-10-06 09:00"))
    assert (before.n_assigned, before.n_done, before.n_late, before.n_open) == (3, 0, 0, 3)
    counted = {row.unit_code: (row.n_assigned, row.n_done, row.n_late, row.n_open) for row in after.rows}
    assert counted == {"so-y-te": (2, 0, 1, 1), "so-noi-vu": (1, 1, 0, 0)}


def test_the_shipped_annex_leaves_the_programmes_folder_as_it_is(tmp_path):
    folder = tmp_path / "programme"
    shutil.copytree(SHIPPED.parent, folder)
    assert check_programme(folder) == []


def test_a_periodic_report_counts_the_tasks_in_a_sheet_and_in_a_sentence(office):
    give_out(office, A_TASK, [2, "Việc hai", "so-y-te; so-noi-vu", "31/10/2025", ""])
    with office.at("2025-11-20 09:00") as runtime:
        open_due_cycles.fn(runtime, "O-21", hanoi("2025-10-20 08:00"))
        edition = compile_cycle(runtime, "bc-nam-2025", runtime.clock.now(), EditionKind.PROVISIONAL).edition
    book = load_workbook(office.home / edition.workbook)
    rows = [[cell.value for cell in row[1:]] for row in book["Nhiệm vụ được giao"].iter_rows()]
    assert ["Sở Y tế", 2, 0, 0, 0, 2] in rows
    assert ["Cộng", 3, 0, 0, 0, 3] in rows
    said = " ".join(paragraph.text for paragraph in Document(office.home / edition.report).paragraphs)
    assert "đã giao 3 lượt nhiệm vụ cho 2 đơn vị" in said
    assert "quá hạn chưa hoàn thành 3" in said
