"""The page an operator opens in the morning, the names of rounds, and how much of a table Prefect's pages are given."""

import json
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from prefect.runtime import flow_run
from sqlalchemy import select

from models.db.tables import LetterRow
from models.domain.vocabulary import LetterKind, LetterState, Standing
from tasks import artifacts, publish, run_names
from tasks.artifacts import ROWS_SHOWN, show_table
from tasks.board import board_of
from tasks.desk import DESK_KEY, LINES_SHOWN, NAMES_SHOWN, _Desk, desk_page
from tasks.digests import digest_of
from tasks.form_links import FormLinks, form_links, plain
from tasks.publish import board_rows
from tasks.run_names import name_poll, name_round, name_round_by_its_work
from tasks.status_board import make_board
from tasks.waiting_work import waiting_work
from tests.builders import hanoi
from tests.tasks.answering import send_words

FORM = UUID(int=59)


def page_at(office, instant, codes=("extend", "resolve_quarantine", "compile_now")):
    with office.at(instant) as runtime:
        forms = {runtime.texts.say(f"deployment.{code}.name"): FORM for code in codes}
        return desk_page(runtime, runtime.clock.now(), {}, FormLinks(texts=runtime.texts, forms=forms))


def filled(page, words):
    """Return what the form behind a link of the page holds."""
    (url,) = re.findall(rf"\[{re.escape(words)}\]\((\S+)\)", page)
    assert url.startswith(f"/deployments/deployment/{FORM}/run?")
    return json.loads(parse_qs(urlsplit(url).query)["parameters"][0])


def test_the_page_sums_the_day_up_in_its_first_line_and_names_who_is_late(opened_office):
    opened_office.round("2025-06-17 08:00")
    page = page_at(opened_office, "2025-06-17 09:00")
    summary, *_ = page.splitlines()
    assert summary == (
        "Tính đến 09 giờ 00 ngày 17/6/2025: **0 việc cần người xử lý**, 1 kỳ đang mở, **76 đơn vị quá hạn**."
    )
    assert "(/artifacts/key/bang-bc-6t-2025)" in page
    assert "đã báo cáo 0/76 đơn vị; hạn cuối 14/6/2025" in page
    assert f"và {76 - NAMES_SHOWN} đơn vị khác" in page
    assert "17/6/2025 Báo quá hạn" not in page, "its letters have gone out this morning"
    assert "19/6/2025 Đôn đốc lần 1 (76 đơn vị)" in page


def test_a_mail_that_waits_opens_the_form_with_the_mail_and_whoever_seems_to_have_sent_it(opened_office):
    opened_office.send("so-y-te", "answer_from_elsewhere", "2025-06-10 09:00")
    opened_office.poll("2025-06-10 09:05")
    (held,) = opened_office.quarantine()
    form = filled(page_at(opened_office, "2025-06-10 10:00"), "Xử lý")
    assert form["held_arrival"].startswith(f"{held.id} · Chờ xác minh · ")
    assert form["held_unit"] == "so-y-te · Sở Y tế"
    assert form["held_cycle"] == "bc-6t-2025 · Báo cáo 06 tháng năm 2025"


def test_a_late_unit_opens_the_form_of_an_extension_for_it_and_the_cycle_that_of_an_edition(opened_office):
    page = page_at(opened_office, "2025-06-17 09:00")
    first = re.findall(r"\*\*Quá hạn 76 đơn vị\*\* [^:]*: \[([^\]]+)\]", page)[0]
    assert filled(page, first)["units"][0].endswith(f" · {first}")
    assert filled(page, "Tổng hợp ngay") == {
        "cycle": "bc-6t-2025 · Báo cáo 06 tháng năm 2025",
        "edition_kind": "provisional · TẠM TÍNH",
    }


def test_on_a_day_with_too_much_to_do_the_page_says_how_much_more_there_is(opened_office):
    with opened_office.at("2025-06-10 08:00") as runtime, runtime.sessions.begin() as session:
        for row in session.scalars(select(LetterRow).order_by(LetterRow.id).limit(LINES_SHOWN + 3)):
            row.state, row.detail, row.finished_at = LetterState.FAILED, "550 no such user", runtime.clock.now()
    page = page_at(opened_office, "2025-06-10 09:00")
    assert f"**{LINES_SHOWN + 3} việc cần người xử lý**" in page
    assert page.count("- **Không gửi được**") == LINES_SHOWN
    assert "- và 3 việc khác" in page


def test_outside_a_run_there_are_no_pages_to_link_to(opened_office):
    with opened_office.at("2025-06-10 09:00") as runtime:
        assert flow_run.id is None
        assert form_links(runtime).link("extend", "Sở Y tế") == "Sở Y tế"


def test_a_strangers_words_are_shown_and_never_become_a_link_or_a_picture():
    assert plain("[bấm](y) ![](y) <img>\nhết &copy;") == r"\[bấm\](y) !\[\](y) \<img\> hết \&copy;"


BY_ITSELF = re.compile(r"(https?|ftp)://\w|\bwww\.\w|[\w.+-]@\w", re.IGNORECASE)
"""What the pages' Markdown (GFM, section 6.9) makes a link of without any markup."""


@pytest.mark.parametrize("words", ["https://a.vn/b", "HTTP://a.vn", "www.a.vn", "WWW.a.vn", "la@a.vn", "ftp://a.vn"])
def test_an_address_in_a_strangers_words_stays_words(words):
    assert BY_ITSELF.search(words)
    shown = plain(f"Xem {words}")
    assert not BY_ITSELF.search(shown)
    assert words in shown.replace("\u200b", "")


def test_a_letter_counts_on_every_page_and_in_every_digest_alike(opened_office):
    opened_office.late_with_a_draft()
    with opened_office.at("2025-06-27 08:00") as runtime, runtime.sessions.begin() as session:
        for row in session.scalars(select(LetterRow).order_by(LetterRow.id).limit(2)):
            row.state, row.detail, row.finished_at = LetterState.FAILED, "550 no such user", runtime.clock.now()
    with opened_office.at("2025-06-27 09:00") as runtime, runtime.sessions() as session:
        boards = [board_of(runtime, "bc-6t-2025", runtime.clock.now())]
        work = waiting_work(runtime, session, runtime.clock.now(), boards)
        digest = digest_of(runtime, session, LetterKind.DAILY, "van.hanh@vp.example.invalid", runtime.clock.now())
        page = desk_page(runtime, runtime.clock.now(), {})
        lines = page.split("## Việc cần người xử lý\n\n")[1].split("\n\n")[0].splitlines()
        make_board(runtime, runtime.clock.now())
    assert f"**{work.n} việc cần người xử lý**" in page
    assert len(lines) == len(digest.people) == digest.n_people == work.n == 2 + len(work.drafts)
    assert len(work.drafts) == 1
    front = (opened_office.home / "board" / "index.html").read_text("utf-8")
    assert "2 thư không gửi được" in front
    assert "1 dự thảo công văn chờ ký" in front


def test_a_draft_says_of_which_day_it_is_and_how_many_are_still_late(opened_office):
    opened_office.late_with_a_draft()
    assert "76 đơn vị. Tệp" in page_at(opened_office, "2025-06-27 09:00")
    send_words(opened_office, "so-y-te", "2025-06-27 10:00", "Không phát sinh")
    opened_office.poll("2025-06-27 10:05")
    page = page_at(opened_office, "2025-06-27 11:00")
    assert "chờ ký, lập ngày 27/6/2025, 76 đơn vị; nay còn 75: bỏ đơn vị đã nộp trước khi ký." in page
    assert page.count("Chờ ký") == 1


def test_a_unit_that_is_late_in_two_cycles_is_one_unit(opened_office):
    with opened_office.at("2025-06-17 09:00") as runtime:
        now = runtime.clock.now()
        board = board_of(runtime, "bc-6t-2025", now)
        desk = _Desk(runtime, now, FormLinks(texts=runtime.texts), [board, board])
        assert "**76 đơn vị quá hạn**" in desk.page({})


def test_a_table_that_the_pages_would_choke_on_is_cut_and_says_so(monkeypatch):
    shown = []
    monkeypatch.setattr(artifacts, "create_table_artifact", lambda **facts: shown.append(facts))
    for n in (ROWS_SHOWN, ROWS_SHOWN + 1):
        show_table("bang", ({"n": str(row)} for row in range(n)), total=n, summary="Kỳ.", cut="Có thêm.")
    assert [len(each["table"]) for each in shown] == [ROWS_SHOWN, ROWS_SHOWN]
    assert [each["description"] for each in shown] == ["Kỳ.", "Kỳ.\n\nCó thêm."]


@pytest.fixture
def shown(monkeypatch):
    """The pages that are shown, by key, as Prefect is given them."""
    pages = {}

    def show(**facts):
        pages[facts["key"]] = facts.get("description", "")

    for module, name in (
        (artifacts, "create_table_artifact"),
        (artifacts, "create_markdown_artifact"),
        (publish, "create_progress_artifact"),
    ):
        monkeypatch.setattr(module, name, show)
    return pages


def test_every_board_that_the_page_of_the_day_links_to_is_shown_with_it(opened_office, shown):
    with opened_office.at("2025-06-17 09:00") as runtime:
        publish.publish_day(runtime, runtime.clock.now(), {})
    linked = set(re.findall(r"\(/artifacts/key/([^)]+)\)", shown[DESK_KEY]))
    assert {"bang-bc-6t-2025", "ket-qua-bc-6t-2025"} <= linked <= set(shown)
    assert "Bấm tên đơn vị" in shown["bang-bc-6t-2025"]
    assert "Bấm" not in shown["tien-do-bc-6t-2025"], "there is nothing to click on beside a progress"


def test_of_a_large_office_a_poll_leaves_the_boards_to_a_later_one_and_that_one_shows_them(opened_office):
    many, turns = 100_000, []
    with opened_office.at("2025-06-14 21:00") as runtime:
        for minute, has_come in ((0, True), (5, True), (10, False), (30, False), (35, False)):
            instant = hanoi(f"2025-06-14 21:{minute:02}")
            turns.append(publish.is_turn_of_boards(runtime, instant, n_duties=many, has_come=has_come))
            if turns[-1]:
                publish.note_boards_shown(runtime, instant)
    assert turns == [True, False, False, True, False]


def test_what_came_is_owed_until_it_was_shown_and_shown_once_however_large_the_office_is(opened_office):
    turns = []
    with opened_office.at("2025-06-14 21:00") as runtime:
        for minute, n_duties, has_come in ((0, 20, True), (5, 20, False), (10, 20, False), (15, 9_000, False)):
            instant = hanoi(f"2025-06-14 21:{minute:02}")
            turns.append(publish.is_turn_of_boards(runtime, instant, n_duties=n_duties, has_come=has_come))
            if minute:  # the first poll died before it had shown them
                publish.note_boards_shown(runtime, instant)
    assert turns == [True, True, False, False]


@pytest.fixture
def names(monkeypatch):
    """The names that runs are given."""
    given = []
    monkeypatch.setattr(run_names, "rename_run", given.append)
    return given


def test_a_rounds_name_tells_what_came_in_since_the_round_before_and_what_went_out(opened_office, names):
    opened_office.send("so-y-te", "answer_from_elsewhere", "2025-06-10 09:00")
    opened_office.send("so-tai-chinh", "answer", "2025-06-10 09:30")
    opened_office.poll("2025-06-10 10:00")
    with opened_office.at("2025-06-10 14:00") as runtime:
        counts = {"opened": 0, "send.reminder-2": 12, "skip.not_due": 60, "drafted": 1, "sent": 9}
        for instant in ("2025-06-10 14:00", "2025-06-11 08:00", "2025-06-10 14:00"):
            name_round(runtime, "O-20", ["bc-6t-2025"], hanoi(instant))
            name_round_by_its_work(runtime, "O-20", ["bc-6t-2025"], hanoi(instant), counts)
            counts = {}
        name_round_by_its_work(runtime, "O-20", ["bc-6t-2025"], hanoi("2025-06-11 14:00"), {}, dry_run=True)
        name_round_by_its_work(runtime, "O-20", [], hanoi("2025-01-10 14:00"), {})
    assert names == [
        "BC 6T 2025 · 10/6/2025",
        "BC 6T 2025 · 10/6/2025 · nhận 1, chờ 1, nhắc 12, dự thảo 1",
        "BC 6T 2025 · 11/6/2025",
        "BC 6T 2025 · 11/6/2025 · không có việc mới",
        "BC 6T 2025 · 10/6/2025",
        "BC 6T 2025 · 10/6/2025 · nhận 1, chờ 1",
        "BC 6T 2025 · 11/6/2025 · chạy thử",
        "BC 6T · 10/01/2025 · không có kỳ đang mở",
    ]


def test_letters_of_an_opening_are_no_reminders_and_every_letter_is_in_the_name(opened_office, names):
    counts = {"opened": 1, "send.opening": 76, "roll_called": 3, "told_to_members": 2}
    counts |= {"handed_over": 5, "urged_in_others": 7}
    with opened_office.at("2025-05-16 08:00") as runtime:
        name_round_by_its_work(runtime, "O-20", ["bc-6t-2025"], hanoi("2025-05-16 08:00"), counts)
        name_poll(runtime, hanoi("2025-05-16 08:00"), {"accepted": 2}, dry_run=True)
    assert names == [
        "BC 6T 2025 · 16/5/2025 · mở 1 kỳ, báo mở kỳ 76, thư kỳ khác 7, báo thành viên 2, điểm danh 3, gửi kết quả 5",
        "Hộp thư · 08:00 16/5/2025 · nhận 2, trả 0, chờ 0, bỏ 0 · chạy thử",
    ]


def test_a_late_duty_on_the_board_says_since_when(opened_office):
    with opened_office.at("2025-06-17 09:00") as runtime:
        board = board_of(runtime, "bc-6t-2025", runtime.clock.now())
        assert board.lines[0].standing is Standing.LATE
        rows = board_rows(runtime, replace(board, lines=board.lines[:1]))
    assert rows[0]["Tình trạng"] == "Quá hạn từ 17/6/2025"
    assert list(rows[0])[:6] == ["Đơn vị", "Tình trạng", "Đã nhắc", "Nấc tới", "Điện thoại", "Đầu mối"]
