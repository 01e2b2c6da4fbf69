"""Understanding a filled form: every fault at once, each at the cell where it stands in the sender's own file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.checks import PastFigures, check_form, identify, locate
from models.domain.forms import FieldSpec, FormSpec, FormWords, NarrativeSpec, RawForm, Stamp
from models.domain.vocabulary import Accrual, Aggregation, FieldKind, FindingLevel

WORDS = FormWords(yes="Có", no="Không", actual="Thực", estimate="Ước", multipliers=("triệu",))
SHEET, TEXTS = "Biểu 1", "Biểu 2"


def a_field(code, row, kind=FieldKind.COUNT, **more):
    more = {"accrual": Accrual.FLOW, "unit_of_measure": "buổi"} | more
    return FieldSpec(
        code=code, indicator=code, label=f"Chỉ tiêu {code}", kind=kind, aggregation=Aggregation.SUM, row=row, **more
    )


SPEC = FormSpec(
    code="bm",
    version="1",
    title="Biểu thử",
    figures_sheet=SHEET,
    narratives_sheet=TEXTS,
    first_row=7,
    fields=(
        a_field("CT01", 7),
        a_field("CT02.tong", 8, accrual=Accrual.STOCK),
        a_field("CT02.xong", 9, accrual=Accrual.STOCK, denominator="CT02.tong"),
        a_field("CT03", 10, FieldKind.MONEY, unit_of_measure="đồng"),
        a_field("CT04", 11, FieldKind.MONEY, unit_of_measure="đồng", at_most="CT03"),
        a_field("CT05", 12, FieldKind.YES_NO),
        a_field("CT06", 13, FieldKind.CHOICE, choices=("Khá", "Yếu")),
    ),
    narratives=(
        NarrativeSpec(code="I", title="I. Tình hình", row=7),
        NarrativeSpec(code="II", title="II. Kiến nghị", row=8, is_required=False),
    ),
)
GOOD = {"CT01": 5, "CT02.tong": 10, "CT02.xong": 9, "CT03": 1000, "CT04": 900, "CT05": "Có", "CT06": "Khá"}
STAMP = Stamp(unit_code="u", cycle_code="k-2025", form_code="bm", form_version="1", token="t")


def a_raw(*, changes=None, at=None, sheet=SHEET, shift=0, **more):
    """A good form; `changes` replaces values by code, `at` cells by address, `shift` rows were inserted on top."""
    values = GOOD | (changes or {})
    cells = {}
    for item in SPEC.fields:
        cells[sheet, f"A{item.row + shift}"] = item.code
        cells[sheet, f"E{item.row + shift}"] = values[item.code]
    for item in SPEC.narratives:
        cells[TEXTS, f"A{item.row}"] = item.code
        cells[TEXTS, f"C{item.row}"] = "Đã triển khai."
    cells.update({(sheet, address): value for address, value in (at or {}).items()})
    kept = {key: value for key, value in cells.items() if value is not None}
    return RawForm(**({"stamp": STAMP, "sheets": (sheet, TEXTS), "cells": kept} | more))


def check(raw, **past):
    return check_form(SPEC, raw, words=WORDS, past=PastFigures(**past))


def found(raw, **past):
    return [(item.code, item.sheet, item.cell) for item in check(raw, **past).findings]


def test_a_good_form_has_its_figures_and_no_finding():
    checked = check(a_raw())
    assert checked.findings == ()
    assert {figure.field: figure.amount or figure.text for figure in checked.figures} == GOOD
    assert checked.narratives == {"I": "Đã triển khai.", "II": "Đã triển khai."}


def test_every_fault_is_found_at_once_in_the_order_of_the_rows():
    raw = a_raw(changes={"CT06": "Giỏi", "CT01": "1.234", "CT03": "15 triệu", "CT05": "có lẽ"})
    assert found(raw) == [
        ("ambiguous_number", SHEET, "E7"),
        ("scaled_number", SHEET, "E10"),
        ("not_in_list", SHEET, "E12"),
        ("not_in_list", SHEET, "E13"),
    ]
    assert check(raw).has_blocking


def test_inserted_rows_and_a_renamed_sheet_do_no_harm():
    assert found(a_raw(changes={"CT01": -1}, sheet="Sheet1", shift=4)) == [("negative", "Sheet1", "E11")]


def test_blank_is_not_zero():
    assert found(a_raw(changes={"CT01": None})) == [("blank_without_note", SHEET, "E7")]
    assert found(a_raw(changes={"CT01": 0})) == []


def test_a_blank_that_the_note_explains_has_no_amount_and_no_finding():
    checked = check(a_raw(changes={"CT01": None}, at={"G7": "Chưa tổ chức"}))
    assert checked.findings == ()
    assert (checked.figures[0].amount, checked.figures[0].note) == (None, "Chưa tổ chức")


def test_a_formula_without_a_result_is_a_fault_of_its_own():
    raw = a_raw(changes={"CT01": None}, uncalculated=frozenset({(SHEET, "E7"), (TEXTS, "C7")}))
    assert found(raw) == [("uncalculated", SHEET, "E7"), ("narrative_uncalculated", TEXTS, "C7")]


@pytest.mark.parametrize(("mark", "is_estimate"), [(None, False), ("Thực", False), ("ước", True), ("UOC", True)])
def test_the_mark_says_whether_a_figure_is_an_estimate(mark, is_estimate):
    assert check(a_raw(at={"F7": mark})).figures[0].is_estimate is is_estimate


def test_a_mark_that_is_neither_is_asked_back_at_its_own_cell():
    assert found(a_raw(at={"F7": "tạm"})) == [("bad_estimate_mark", SHEET, "F7")]


def test_a_part_may_not_exceed_its_whole_even_with_a_note():
    raw = a_raw(changes={"CT02.xong": 11}, at={"G9": "đúng"})
    assert found(raw) == [("exceeds_whole", SHEET, "E9")]
    assert dict(check(raw).findings[0].facts)["whole_cell"] == "E8"


def test_more_spent_than_given_is_a_question_that_a_note_answers():
    raw = a_raw(changes={"CT04": 1001})
    assert found(raw) == [("more_than_expected", SHEET, "E11")]
    assert not check(raw).has_blocking
    assert found(a_raw(changes={"CT04": 1001}, at={"G11": "Nguồn khác"})) == []


def test_a_flow_of_the_year_is_not_less_than_that_of_its_first_half():
    assert found(a_raw(), earlier_this_year={"CT01": 6}) == [("less_than_earlier", SHEET, "E7")]
    assert found(a_raw(), earlier_this_year={"CT01": 5}) == []


def test_a_stock_may_become_less():
    assert found(a_raw(), earlier_this_year={"CT02.tong": 11}) == []


@pytest.mark.parametrize(("previous", "asks"), [(1, True), (2, False), (15, False), (16, True), (0, False)])
def test_more_than_three_times_or_less_than_a_third_of_the_last_figure_asks_for_a_note(previous, asks):
    assert found(a_raw(), previous={"CT01": previous}) == ([("jump", SHEET, "E7")] if asks else [])
    assert found(a_raw(at={"G7": "Tăng thật"}), previous={"CT01": previous}) == []


def test_a_row_that_is_gone_and_one_that_stands_twice_are_named():
    raw = a_raw(at={"A7": None, "E7": None, "A20": "CT03"})
    assert found(raw) == [("row_missing", SHEET, ""), ("row_repeated", SHEET, "A20")]


def test_a_file_without_our_codes_lacks_the_sheets():
    raw = RawForm(stamp=None, sheets=("Sheet1",), cells={("Sheet1", "A1"): "x"})
    assert [item.code for item in check(raw).findings] == ["sheet_missing", "sheet_missing"]
    assert locate(raw, SHEET, SPEC.landmarks) is None


def test_a_required_text_left_blank_is_a_question_and_one_that_is_not_required_is_nothing():
    raw = a_raw()
    cells = {key: value for key, value in raw.cells.items() if key not in {(TEXTS, "C7"), (TEXTS, "C8")}}
    (only,) = check(RawForm(stamp=STAMP, sheets=raw.sheets, cells=cells)).findings
    assert (only.code, only.cell, only.level) == ("narrative_blank", "C7", FindingLevel.QUESTION)


def test_converted_fonts_are_noted_once_a_sheet():
    (note,) = check(a_raw(legacy_fonts=frozenset({(SHEET, "G7"), (SHEET, "G8")}))).findings
    assert (note.code, note.level, dict(note.facts)["n_cells"]) == ("legacy_font", FindingLevel.NOTE, "2")


@pytest.mark.parametrize(
    ("stamp", "code"),
    [
        (STAMP, None),
        (Stamp(unit_code="u", cycle_code="k-2025", form_code="khac", form_version="1", token=""), "not_our_form"),
        (Stamp(unit_code="u", cycle_code="k-2024", form_code="bm", form_version="1", token=""), "other_cycle"),
        (Stamp(unit_code="u", cycle_code="k-2025", form_code="bm", form_version="0", token=""), "old_version"),
        (None, "stamp_missing"),
    ],
)
def test_the_stamp_says_whether_it_is_this_form_of_this_cycle(stamp, code):
    findings = identify(a_raw(stamp=stamp), SPEC, cycle_code="k-2025", cycle_titles={"k-2024": "Kỳ 2024"})
    assert [item.code for item in findings] == ([code] if code else [])


def test_a_file_with_neither_stamp_nor_rows_is_not_our_form():
    raw = RawForm(stamp=None, sheets=("Sheet1",), cells={})
    (only,) = identify(raw, SPEC, cycle_code="k-2025", cycle_titles={})
    assert only.code == "not_our_form"
    assert only.is_blocking


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([SHEET, TEXTS]), st.sampled_from([f"{c}{r}" for c in "ACEFG" for r in range(6, 15)])),
        st.one_of(
            st.sampled_from([*SPEC.landmarks, "I", "1.234", "Ước"]),
            st.text("aCT01.,-% \n\x00ộ", max_size=8),
            st.integers(),
            st.floats(),
        ),
    )
)
def test_no_cells_whatever_raise_and_each_figure_is_counted_once(changes):
    raw = RawForm(stamp=None, sheets=(SHEET, TEXTS), cells={**a_raw().cells, **changes})
    checked = check(raw, previous={"CT01": 5}, earlier_this_year={"CT01": 5})
    codes = [figure.field for figure in checked.figures]
    assert len(codes) == len(set(codes))
    for code in SPEC.landmarks:
        facts = [dict(item.facts).get("field") for item in checked.findings if item.is_blocking]
        assert code in codes or code in facts or "sheet_missing" in {item.code for item in checked.findings}
