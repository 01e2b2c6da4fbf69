"""A unit that ends before it has answered: its heir is told, is chased, answers for it, and is shown."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook

from models.domain.duties import standing_at
from models.domain.succession import Relation
from models.domain.vocabulary import EditionKind, RelationKind, Standing
from tasks.adapters.programme import write_roster
from tasks.board import board_of
from tasks.compile import compile_cycle
from tasks.import_roster import first_programme, import_roster, present_roster
from tasks.publish import board_rows
from tests.builders import hanoi
from tests.tasks.conftest import address_of

CYCLE = "bc-6t-2025"
GONE, HEIR = "so-y-te", "so-noi-vu"
LATE = "2025-06-18 08:00"
MERGED_ON = date(2025, 6, 19)


def reorganise(office, instant, *, on=MERGED_ON, heir=HEIR):
    """Let an operator load a roster in which a unit has ended."""
    with office.at(instant) as runtime:
        present = present_roster(runtime)
        last = on - timedelta(days=1)
        kind = RelationKind.MERGED_INTO if heir else RelationKind.ABOLISHED
        relation = Relation(kind=kind, unit_code=GONE, other_code=heir, on=on, document="Nghị quyết số 5/NQ-HĐND")
        roster = replace(
            present,
            units=tuple(replace(u, valid_to=last) if u.code == GONE else u for u in present.units),
            contacts=tuple(replace(c, valid_to=last) if c.unit_code == GONE else c for c in present.contacts),
            relations=(*present.relations, relation),
        )
        path = office.home / f"{on}-{heir}.xlsx"
        write_roster(roster, first_programme(runtime).groups, runtime.texts, path)
        assert import_roster(runtime, path, operator="Bàn trực").faults == ()


def subjects(office, unit):
    return [str(letter["Subject"]) for letter in office.letters_to(address_of(unit))]


def row_of(office, instant):
    with office.at(instant) as runtime:
        board = board_of(runtime, CYCLE, runtime.clock.now())
        place = next(n for n, line in enumerate(board.lines) if line.unit_code == GONE)
        return place, board_rows(runtime, board)[place]


@pytest.fixture
def late_office(opened_office):
    """An office in which all but one unit have answered, and that one is late."""
    opened_office.send(HEIR, "answer", "2025-06-03 09:00")
    opened_office.poll("2025-06-03 09:05")
    opened_office.round(LATE)
    return opened_office


def test_the_heir_is_told_once_with_the_form_and_chased_by_the_ladder(late_office):
    late_office.round("2025-06-19 08:00")
    reorganise(late_office, "2025-06-19 15:00", on=date(2025, 6, 20))
    before, before_gone = len(subjects(late_office, HEIR)), len(subjects(late_office, GONE))
    for instant in ("2025-06-20 08:00", "2025-06-20 14:00", "2025-06-23 08:00"):
        late_office.round(instant)
    assert len(subjects(late_office, HEIR)) == before + 1
    letter = late_office.letters_to(address_of(HEIR))[-1]
    text = letter.get_body(("plain",)).get_content()
    assert text.startswith("Kính gửi: Sở Nội vụ")
    assert "Sở Y tế đã kết thúc hoạt động từ hết ngày 19/6/2025 (Nghị quyết số 5/NQ-HĐND)" in text
    assert [part.get_filename() for part in letter.iter_attachments()] == [f"bieu-mau-{CYCLE}-{GONE}.xlsx"]

    late_office.round("2025-06-25 08:00")
    assert len(subjects(late_office, HEIR)) == before + 2
    assert len(subjects(late_office, GONE)) == before_gone


def test_the_heir_answers_for_the_unit_that_is_gone_and_the_debt_is_settled(late_office):
    reorganise(late_office, "2025-06-18 15:00")
    late_office.round("2025-06-19 08:00")
    late_office.send(HEIR, "answer", "2025-06-19 10:00")
    late_office.poll("2025-06-19 10:05")
    assert late_office.quarantine() == []
    assert standing_at(late_office.duty(GONE).duty, hanoi("2025-06-19 11:00")) is Standing.DONE_LATE
    assert "Sở Y tế" in subjects(late_office, HEIR)[-1]


def test_the_board_shows_who_inherited(late_office):
    reorganise(late_office, "2025-06-18 15:00")
    _, row = row_of(late_office, "2025-06-19 09:00")
    assert row["Đơn vị"] == "Sở Y tế (kết thúc 18/6/2025; kế thừa: Sở Nội vụ)"
    assert row["Đầu mối"] == address_of(HEIR)


def test_a_unit_that_left_nobody_is_first_on_the_board_and_nobody_is_written_to(late_office):
    reorganise(late_office, "2025-06-18 15:00", heir=None)
    before = len(subjects(late_office, HEIR))
    late_office.round("2025-06-20 08:00")
    place, row = row_of(late_office, "2025-06-20 09:00")
    assert (place, row["Đơn vị"]) == (0, "Sở Y tế (kết thúc 18/6/2025; CHƯA CÓ ĐƠN VỊ KẾ THỪA)")
    assert len(subjects(late_office, HEIR)) == before


def test_the_expected_units_of_an_open_cycle_stay_what_they_were(late_office):
    with late_office.at("2025-06-18 14:00") as runtime:
        n_before = len(board_of(runtime, CYCLE, runtime.clock.now()).lines)
    reorganise(late_office, "2025-06-18 15:00")
    late_office.round("2025-06-19 08:00")
    with late_office.at("2025-06-19 09:00") as runtime:
        assert len(board_of(runtime, CYCLE, runtime.clock.now()).lines) == n_before


def test_an_answer_that_comes_from_a_stranger_for_a_unit_that_is_gone_waits_for_a_person(late_office):
    reorganise(late_office, "2025-06-18 15:00")
    late_office.round("2025-06-19 08:00")
    late_office.send(HEIR, "answer_from_elsewhere", "2025-06-19 10:00")
    late_office.poll("2025-06-19 10:05")
    assert [arrival.duty_id for arrival in late_office.quarantine()] == [late_office.duty(GONE).duty.id]


def test_the_aggregate_after_a_merger_shows_both_bases_with_one_total(late_office):
    reorganise(late_office, "2025-06-18 15:00")
    late_office.round("2025-06-19 08:00")
    late_office.send(HEIR, "answer", "2025-06-19 10:00")
    late_office.poll("2025-06-19 10:05")
    with late_office.at("2025-06-19 11:00") as runtime:
        compiled = compile_cycle(runtime, CYCLE, runtime.clock.now(), EditionKind.PROVISIONAL)
    book = load_workbook(late_office.home / compiled.edition.workbook)
    rows = list(book["Đơn vị hiện nay"].iter_rows(min_row=6, values_only=True))
    [merged] = [row for row in rows if row[1] == "Sở Nội vụ"]
    assert (merged[2], merged[3]) == ("Sở Nội vụ; Sở Y tế", 2)
    assert not any(row[1] == "Sở Y tế" for row in rows)
    whole = {row[0]: row[4] for row in book["Tổng hợp"].iter_rows(min_row=6, values_only=True)}
    titles = [cell.value for cell in book["Đơn vị hiện nay"][5]]
    sums = dict(zip(titles[4:], rows[-1][4:], strict=False))
    assert all(whole[title.split("\n")[0]] == amount for title, amount in sums.items() if title)
