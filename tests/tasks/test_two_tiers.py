"""A programme of two tiers over real mail: communes report to their district, whose form comes filled with their sums.

The communes' report of 2025 is due before 1 June (a Sunday; 31 May is a Saturday, so that it is late from 3 June), the
districts' opens on 5 June.
"""

import io
from datetime import date
from email.message import EmailMessage

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from deployments.postoffice import PostOffice, write_now
from deployments.simulated_units import post
from models.db.records import cycles, editions
from models.db.tables import ArrivalRow, LetterRow
from models.domain.errors import NoChildrenError
from models.domain.rehearsal import scenario_of
from models.domain.vocabulary import LetterKind, Standing
from tasks.adapters.texts import vietnamese
from tasks.board import board_of
from tasks.compile import compile_due_editions
from tasks.open_cycles import active_cycles
from tasks.parent_board import parent_rows
from tasks.parent_workbooks import workbook_of_parent
from tasks.post import post_letters
from tasks.rehearse import rehearse
from tasks.status_board import make_board
from tasks.tell_parents import queue_parent_letters
from tests.builders import hanoi
from tests.tasks.conftest import Office
from tests.two_tiers import (
    FAMILIES,
    LOWER,
    LOWER_CYCLE,
    UPPER,
    UPPER_CYCLE,
    a_programme,
    address_of,
    answer_to,
    write_programme,
)

FIRST, SECOND, THIRD = FAMILIES
SESSIONS, PEOPLE, MONEY, PLAN = "E7", "E8", "E9", "E10"


def do_round(office: Office, instant: str, obligation: str) -> None:
    """Do a whole round: what `Office.round` does, then compile, then tell parents, as the flow has it."""
    office.round(instant, obligation)
    with office.at(instant) as runtime:
        now = runtime.clock.now()
        compile_due_editions.fn(runtime, active_cycles(runtime, obligation, now), now)
        queue_parent_letters.fn(runtime, now)
        post_letters.fn(runtime, [LetterKind.PARENT])


def answer(office: Office, unit: str, instant: str, cells: dict[str, object]) -> None:
    """Let a unit answer its last letter that has a form."""
    write_now(office.mail.home, hanoi(instant))
    letters = [letter for letter in office.letters_to(address_of(unit)) if form_in(letter) is not None]
    post([answer_to(letters[-1], unit, hanoi(instant), cells)], port=office.mail.smtp_port)


def say_nil(office: Office, unit: str) -> None:
    (asked,) = office.letters_to(address_of(unit))
    nil = EmailMessage()
    nil["From"], nil["To"], nil["Subject"] = address_of(unit), asked["Reply-To"], f"Re: {asked['Subject']}"
    nil.set_content("Không phát sinh")
    post([nil], port=office.mail.smtp_port)


def form_in(letter: EmailMessage) -> bytes | None:
    """Return the form that came with a letter."""
    found = [a.get_content() for a in letter.iter_attachments() if "bieu" in (a.get_filename() or "")]
    return found[0] if found else None


def figures(content: bytes):
    return load_workbook(io.BytesIO(content))["Biểu 1"]


def plain(letter: EmailMessage) -> str:
    return letter.get_body(("plain",)).get_content()


def told(office: Office, district: str) -> list[EmailMessage]:
    return [each for each in office.letters_to(address_of(district)) if "cấp dưới" in each["Subject"]]


@pytest.fixture(scope="module")
def tiers(tmp_path_factory):
    """The two cycles of 2025 until the districts' deadline; what is looked at after is what each day left behind."""
    folder = tmp_path_factory.mktemp("tiers")
    programme = write_programme(folder / "programme")
    with PostOffice(folder / "office") as mail:
        office = Office(home=folder / "home", mail=mail, settings={"programmes": (programme,)})
        do_round(office, "2025-05-05 08:00", LOWER)
        for n, unit in enumerate(("xa-mot-a", "xa-mot-b", "xa-hai-a", "xa-ba-a"), start=1):
            cells = {SESSIONS: n, PEOPLE: 10 * n, MONEY: 1_000_000 * n, PLAN: "Có", "F8": "Ước" if n == 1 else "Thực"}
            answer(office, unit, f"2025-05-20 08:0{n}", cells)
        say_nil(office, "xa-hai-b")
        office.poll("2025-05-20 09:00")
        do_round(office, "2025-06-03 08:00", LOWER)
        do_round(office, "2025-06-03 14:00", LOWER)
        do_round(office, "2025-06-05 08:00", UPPER)
        answer(office, "xa-mot-c", "2025-06-06 08:00", {SESSIONS: 100, PEOPLE: 5, MONEY: 0, PLAN: "Không"})
        office.poll("2025-06-06 09:00")
        do_round(office, "2025-06-06 14:00", LOWER)
        answer(office, FIRST, "2025-06-09 08:00", {PEOPLE: 40, PLAN: "Có"})
        answer(office, SECOND, "2025-06-09 09:00", {SESSIONS: 5, PLAN: "Có"})
        office.poll("2025-06-09 10:00")
        do_round(office, "2025-06-17 08:00", UPPER)
        yield office


def test_a_communes_letter_names_its_district_as_receiver_with_whom_to_ask_there(tiers):
    letter = plain(tiers.letters_to(address_of("xa-mot-c"))[0])
    assert "- Nơi nhận báo cáo: Huyện Mot" in letter
    assert "- Đầu mối hỏi đáp: Văn phòng Huyện Mot, thư điện tử huyen-mot@example.invalid, điện thoại 000" in letter
    assert "Nơi nhận kết quả" not in letter
    (receipt,) = [each for each in tiers.letters_to(address_of("xa-mot-a")) if "tiếp nhận" in plain(each)[:300]]
    assert "- Nơi nhận báo cáo: Huyện Mot" in plain(receipt)
    sheet = figures(form_in(tiers.letters_to(address_of("xa-mot-c"))[0]))
    assert "Nơi nhận báo cáo: Huyện Mot (gửi về baocao@dondoc.example.invalid)" in [
        cell.value for row in sheet.iter_rows(max_row=6) for cell in row
    ]


def test_the_district_is_told_once_which_commune_has_not_reported_and_nobody_else_is_told_anything(tiers):
    (letter,) = told(tiers, FIRST)
    assert letter["Subject"].startswith("[Thử hai cấp] 1 đơn vị cấp dưới chưa gửi BC xã 2025")
    text = plain(letter)
    assert "Xã Mot C: quá hạn 1 ngày (từ ngày 03/6/2025); đã gửi 2 thư; đầu mối: Văn phòng Xã Mot C" in text
    assert "Xã Mot A" not in text
    assert "Đã báo cáo: 2/3 đơn vị cấp dưới." in text
    assert told(tiers, SECOND) == told(tiers, THIRD) == []


def test_its_letter_brings_the_workbook_of_its_own_communes_only(tiers):
    (letter,) = told(tiers, FIRST)
    (file,) = letter.iter_attachments()
    book = load_workbook(io.BytesIO(file.get_content()))
    said = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert {"Xã Mot A", "Xã Mot B", "Xã Mot C"} <= said
    assert not {"Xã Hai A", "Xã Ba A"} & said
    assert any("2/3 đơn vị" in text for text in said)


def test_the_workbooks_of_all_parents_add_up_to_the_whole(tiers):
    with tiers.at("2025-06-17 09:00") as runtime, runtime.sessions() as session:
        stored = editions.newest_edition(session, LOWER_CYCLE)
        paths = [tiers.home / workbook_of_parent(stored, district) for district in FAMILIES]
    assert all(path.is_file() for path in paths)
    assert stored.edition.totals["T01"].amount == 1 + 2 + 3 + 4 + 100
    assert (stored.n_reported, stored.n_expected) == (6, 6)


def test_the_districts_form_comes_filled_with_what_its_communes_had_reported(tiers):
    (letter,) = [each for each in tiers.letters_to(address_of(FIRST)) if form_in(each) is not None]
    sheet = figures(form_in(letter))
    assert [sheet[at].value for at in (SESSIONS, PEOPLE, MONEY, PLAN)] == [3, 30, 3_000_000, None]
    assert [sheet[f"H{row}"].value for row in (6, 7, 8, 9)] == ["Cấp dưới đã báo cáo", 3, 30, 3_000_000]
    assert (sheet["F7"].value, sheet["F8"].value) == (None, "Ước")
    assert sheet["H7"].protection.locked
    assert not sheet[SESSIONS].protection.locked
    said = " ".join(str(cell.value) for row in sheet.iter_rows(max_row=6) for cell in row if cell.value)
    assert (
        "là số tổng hợp từ 2/3 đơn vị cấp dưới, tính đến 08 giờ 00 ngày 05/6/2025, cần kiểm tra trước khi gửi" in said
    )


def test_a_late_commune_changes_no_form_that_was_sent(tiers):
    (letter,) = [each for each in tiers.letters_to(address_of(FIRST)) if form_in(each) is not None]
    with tiers.at("2025-06-17 09:00") as runtime:
        kept = runtime.archive.read(tiers.duty(FIRST, UPPER_CYCLE).form_digest)
    assert kept == form_in(letter)
    assert "điền sẵn trong biểu (ô màu xanh)" in plain(letter)


def test_less_than_its_communes_have_reported_is_asked_about_and_accepted(tiers):
    with tiers.at("2025-06-17 09:00") as runtime, runtime.sessions() as session:
        duty = tiers.duty(FIRST, UPPER_CYCLE).duty
        (reasons,) = session.scalars(select(ArrivalRow.reasons).where(ArrivalRow.duty_id == duty.id))
        other = tiers.duty(SECOND, UPPER_CYCLE).duty
        (none,) = session.scalars(select(ArrivalRow.reasons).where(ArrivalRow.duty_id == other.id))
    asked = [reason for reason in reasons if reason["code"] == "less_than_children"]
    assert [(reason["level"], reason["cell"], reason["facts"]["children"]) for reason in asked] == [
        ("question", SESSIONS, "103")
    ]
    assert none == []
    receipt = plain(tiers.letters_to(address_of(FIRST))[-1])
    assert "“Số buổi tuyên truyền” (3) nhỏ hơn tổng số 3/3 đơn vị cấp dưới đã báo cáo (103)" in receipt
    assert duty.completed_at is not None


def test_the_provinces_aggregate_adds_up_districts_only(tiers):
    with tiers.at("2025-06-17 09:00") as runtime, runtime.sessions() as session:
        edition = editions.newest_edition(session, UPPER_CYCLE).edition
    assert (edition.totals["T01"].amount, edition.totals["T02"].amount) == (3 + 5, 40 + 30)
    assert (edition.n_reported, edition.n_expected) == (2, 3)


def test_the_parent_sees_its_childrens_board_and_only_theirs(tiers):
    with tiers.at("2025-06-04 08:00") as runtime:
        now = runtime.clock.now()
        board = board_of(runtime, LOWER_CYCLE, now, parent_code=FIRST)
        assert {line.unit_code for line in board.lines} == set(FAMILIES[FIRST])
        assert board.lines[0].standing is Standing.LATE
        rows = parent_rows(runtime, board_of(runtime, LOWER_CYCLE, now))
        with pytest.raises(NoChildrenError) as refused:
            board_of(runtime, LOWER_CYCLE, now, parent_code="huyen-nao")
    assert [list(row.values())[:5] for row in rows] == [
        ["Huyện Mot", FIRST, "2/3", "1", "Xã Mot C"],
        ["Huyện Ba", THIRD, "1/1", "0", "–"],
        ["Huyện Hai", SECOND, "2/2", "0", "–"],
    ]
    assert "huyen-mot" in vietnamese().error(refused.value)


def test_nothing_to_tell_makes_no_letter_and_a_person_has_one_a_day(tiers):
    with tiers.at("2025-06-17 09:00") as runtime, runtime.sessions() as session:
        of_parents = session.scalars(select(LetterRow).where(LetterRow.kind == LetterKind.PARENT)).all()
        assert [(row.recipient, row.day.isoformat()) for row in of_parents] == [(address_of(FIRST), "2025-06-03")]


def test_the_static_board_has_a_row_for_each_parent(tiers):
    with tiers.at("2025-06-03 08:30") as runtime:
        make_board(runtime, runtime.clock.now())
        (first, *_) = parent_rows(runtime, board_of(runtime, LOWER_CYCLE, runtime.clock.now()))
    page = (tiers.home / "board" / LOWER_CYCLE / "index.html").read_text("utf-8")
    assert "Theo đơn vị cấp trên" in page
    assert all(f'<td data-label="{column}">{value}</td>' in page for column, value in first.items())


def test_the_parent_is_that_of_the_day_on_which_the_cycle_froze(tiers):
    with tiers.at("2025-06-17 09:00") as runtime, runtime.sessions() as session:
        records = cycles.duties_below(session, LOWER_CYCLE, [SECOND])
    assert [(each.duty.unit_code, each.duty.parent_name) for each in records] == [
        ("xa-hai-a", "Huyện Hai"),
        ("xa-hai-b", "Huyện Hai"),
    ]


def test_a_rehearsed_year_shows_what_parents_would_be_told(tmp_path):
    programme = a_programme(tmp_path / "programme")
    year = rehearse(programme, scenario_of("nobody"), 2026, hours=[8])
    told_in_2026 = [letter for letter in year.letters if letter.kind is LetterKind.PARENT]
    assert {letter.recipient for letter in told_in_2026} == {address_of(district) for district in FAMILIES}
    assert {letter.day for letter in told_in_2026} == {date(2026, 6, 2), date(2026, 6, 4)}  # 31 May is a Sunday
