"""The two reports of 2025 across 1 July 2025, on which the districts ended: what became of each one's duties."""

import re
from dataclasses import replace
from datetime import date

import pytest
from openpyxl import load_workbook

from models.domain.duties import standing_at
from models.domain.succession import Relation
from models.domain.vocabulary import EditionKind, RelationKind
from tasks.adapters.programme import write_roster
from tasks.adapters.texts import vietnamese
from tasks.board import board_of
from tasks.compile import compile_cycle
from tasks.import_roster import first_programme, import_roster, present_roster
from tasks.publish import board_rows
from tests.builders import hanoi
from tests.meta.source_code import ROOT

SIX_MONTHS, YEAR = "bc-6t-2025", "bc-nam-2025"
PAGE = ROOT / "docs" / "qua-cac-lan-sap-xep.md"
NEVER, TAKEN_OVER, LATE = "bcd-huyen-son-dong", "bcd-huyen-yen-the", "bcd-huyen-luc-nam"
HEIR = "van-phong-ubnd-tinh"
ON_TIME = (
    "bcd-thanh-pho-bac-giang",
    "bcd-thi-xa-viet-yen",
    "bcd-thi-xa-chu",
    "bcd-huyen-hiep-hoa",
    "bcd-huyen-lang-giang",
    "bcd-huyen-luc-ngan",
    "bcd-huyen-tan-yen",
)
SEEN_AT = "2025-07-07 15:00"


def name_an_heir(office, instant):
    """Let an operator enter the decision by which an office takes over what one district still owes."""
    with office.at(instant) as runtime:
        present = present_roster(runtime)
        decided = Relation(
            kind=RelationKind.ABOLISHED,
            unit_code=TAKEN_OVER,
            other_code=HEIR,
            on=date(2025, 7, 1),
            document="Công văn số 01/BCĐ (giả định)",
        )
        relations = tuple(decided if each.unit_code == TAKEN_OVER else each for each in present.relations)
        path = office.home / "ke-thua.xlsx"
        write_roster(replace(present, relations=relations), first_programme(runtime).groups, runtime.texts, path)
        assert import_roster(runtime, path, operator="Bàn trực").faults == ()


@pytest.fixture(scope="module")
def replayed(replay_office):
    """The office after both cycles: nine districts answered, one of them late, one by its heir; one never did."""
    office = replay_office
    for unit in (*ON_TIME, HEIR):
        office.send(unit, "answer", "2025-06-10 09:00")
    office.poll("2025-06-10 09:05")
    office.send(LATE, "answer", "2025-06-20 09:00")
    office.poll("2025-06-20 09:05")
    office.round("2025-07-01 08:00")
    name_an_heir(office, "2025-07-01 10:00")
    office.round("2025-07-02 08:00")
    office.send(HEIR, "answer", "2025-07-03 09:00")
    office.poll("2025-07-03 09:05")
    with office.at(SEEN_AT) as runtime:
        compile_cycle(runtime, SIX_MONTHS, runtime.clock.now(), EditionKind.PROVISIONAL)
    office.round("2025-10-16 08:00", "O-21")
    return office


def lines(office, cycle, instant):
    with office.at(instant) as runtime:
        board = board_of(runtime, cycle, runtime.clock.now())
        return dict(zip([line.unit_code for line in board.lines], board_rows(runtime, board), strict=True))


def fates(office) -> list[str]:
    """Return the table of the page: a row for each of the ten districts of June 2025."""
    texts = vietnamese()
    seen = hanoi(SEEN_AT)
    expected_in_the_year = lines(office, YEAR, "2025-10-16 09:00")
    shown = lines(office, SIX_MONTHS, SEEN_AT)
    rows = []
    for unit in (*ON_TIME, LATE, TAKEN_OVER, NEVER):
        duty = office.duty(unit, SIX_MONTHS).duty
        standing = texts.label(standing_at(duty, seen))
        in_the_year = "có" if unit in expected_in_the_year else "không còn phải báo cáo"
        rows.append(f"| {shown[unit]['Đơn vị']} | {standing} | {in_the_year} |")
    return rows


def test_the_page_tells_what_became_of_each_district(replayed):
    table = re.search(r"<!-- districts: begin -->\n(.*?)<!-- districts: end -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert table is not None
    assert table[1].strip().splitlines()[2:] == fates(replayed)


def test_the_denominator_of_the_open_cycle_did_not_move(replayed):
    assert len(lines(replayed, SIX_MONTHS, "2025-06-30 09:00")) == 76
    assert len(lines(replayed, SIX_MONTHS, SEEN_AT)) == 76
    assert len(lines(replayed, YEAR, "2025-10-16 09:00")) == 66


def test_both_bases_of_the_aggregate_add_up_to_the_same_and_name_every_district(replayed):
    book = load_workbook(next((replayed.home / "results" / SIX_MONTHS / "ban-1").glob("*.xlsx")))
    header, *rows = book["Đơn vị hiện nay"].iter_rows(min_row=5, values_only=True)
    frozen_header, *frozen = book["Theo đơn vị"].iter_rows(min_row=5, values_only=True)
    for title in header[4:]:
        by_unit = sum(row[frozen_header.index(title)] or 0 for row in frozen if isinstance(row[0], int))
        assert rows[-1][header.index(title)] == by_unit, title
    lost = [row for row in rows if row[2] is not None and "không so sánh được" in row[2]]
    assert len(lost) == 9
    [taken_over] = [row for row in rows if row[1] == "Văn phòng UBND tỉnh"]
    assert set(taken_over[2].split("; ")) == {"Ban Chỉ đạo huyện Yên Thế", "Văn phòng UBND tỉnh"}
