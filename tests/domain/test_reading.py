"""Reading single cells strictly: what leaves doubt is asked back, never guessed."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.forms import FormWords
from models.domain.reading import (
    MAX_AMOUNT,
    MAX_TEXT_LENGTH,
    Trouble,
    grouped,
    is_blank,
    read_amount,
    read_answer,
    read_text,
    shown,
)

WORDS = FormWords(yes="Có", no="Không", actual="Thực", estimate="Ước", multipliers=("triệu", "tỷ", "nghìn", "tr", "k"))


def amount(value, measure="đồng"):
    return read_amount(value, measure=measure, words=WORDS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (1250, 1250),
        (1250.0, 1250),
        ("0", 0),
        (" 1250 ", 1250),
        ("1\u00a0250", 1250),
        ("+12", 12),
        ("1.234.567", 1_234_567),
        ("1,234,567", 1_234_567),
        ("1 234 567", 1_234_567),
        ("1.234.567,00", 1_234_567),
        ("1,234.00", 1234),
        ("12,0", 12),
        ("1.500.000 đồng", 1_500_000),
        ("1500000ĐỒNG", 1_500_000),
        (MAX_AMOUNT, MAX_AMOUNT),
    ],
)
def test_a_number_without_doubt_is_read(value, expected):
    assert amount(value) == expected


@pytest.mark.parametrize(
    ("value", "trouble"),
    [
        ("1.234", Trouble.AMBIGUOUS),
        ("1,234", Trouble.AMBIGUOUS),
        ("12,5", Trouble.NOT_WHOLE),
        ("12.34", Trouble.NOT_WHOLE),
        (12.5, Trouble.NOT_WHOLE),
        (-3, Trouble.NEGATIVE),
        ("-3", Trouble.NEGATIVE),
        ("\u2212 3", Trouble.NEGATIVE),
        (MAX_AMOUNT + 1, Trouble.TOO_LARGE),
        ("9" * 5000, Trouble.TOO_LARGE),
        ("75%", Trouble.PERCENT),
        ("15 triệu", Trouble.SCALED),
        ("15tr", Trouble.SCALED),
        ("1,5 tỷ đồng", Trouble.SCALED),
        ("không", Trouble.WORDS),
        ("12/6", Trouble.NOT_A_NUMBER),
        ("12.34.5", Trouble.NOT_A_NUMBER),
        ("khoảng 12", Trouble.NOT_A_NUMBER),
        (float("nan"), Trouble.NOT_A_NUMBER),
        (float("inf"), Trouble.NOT_A_NUMBER),
        (date(2025, 6, 12), Trouble.DATE),
        (datetime(2025, 6, 12, 8), Trouble.DATE),  # noqa: DTZ001 - a cell's date has no zone
        (time(8), Trouble.DATE),
        (True, Trouble.BOOLEAN),
        (b"12", Trouble.NOT_A_NUMBER),
    ],
)
def test_a_number_in_doubt_is_asked_back_with_its_reason(value, trouble):
    assert amount(value) is trouble


def test_only_the_own_measure_may_follow_a_number():
    assert amount("12 buổi", measure="buổi") == 12
    assert amount("12 lượt", measure="buổi") is Trouble.NOT_A_NUMBER


@given(st.integers(min_value=1_000_000, max_value=MAX_AMOUNT))
def test_what_we_write_ourselves_is_read_back(number):
    assert amount(grouped(number)) == number
    assert amount(f"{grouped(number)} đồng") == number
    assert amount(str(number)) == number


@given(st.one_of(st.text(max_size=80), st.floats(), st.integers(), st.binary(), st.dates(), st.booleans(), st.none()))
def test_no_cell_whatever_raises_and_every_figure_is_a_whole_amount_in_bounds(value):
    figure = amount(value)
    assert isinstance(figure, Trouble) or (type(figure) is int and 0 <= figure <= MAX_AMOUNT)
    assert len(shown(value)) <= 61 or not isinstance(value, str)
    read_text(value)
    read_answer(value, ("Có", "Không"))


@pytest.mark.parametrize("value", [None, "", "  ", "\u200b", "\u00a0\n"])
def test_what_cannot_be_seen_is_blank(value):
    assert is_blank(value)


@pytest.mark.parametrize("value", [0, "0", False, "-"])
def test_a_typed_zero_is_not_blank(value):
    assert not is_blank(value)


@pytest.mark.parametrize("value", ["Có", "CÓ", " có ", "co", "Co\u0301", True])
def test_an_answer_is_known_in_any_spelling(value):
    assert read_answer(value, ("Có", "Không")) == "Có"


@pytest.mark.parametrize("value", ["Có lẽ", "x", 1, ""])
def test_an_answer_that_is_not_offered_is_none(value):
    assert read_answer(value, ("Có", "Không")) is None


def test_an_answer_without_accents_that_fits_two_is_asked_back():
    assert read_answer("kha", ("Khá", "Khả")) is None
    assert read_answer("khả", ("Khá", "Khả")) == "Khả"


def test_text_keeps_its_lines_and_loses_signs_that_cannot_be_printed():
    assert read_text("Dòng một_x000D_\nDòng\x07 hai  ") == ("Dòng một\n\nDòng hai", True, False)


def test_a_text_longer_than_a_cell_holds_is_cut_and_said_so():
    text, was_cleaned, was_cut = read_text("a" * (MAX_TEXT_LENGTH + 1))
    assert (len(text), was_cleaned, was_cut) == (MAX_TEXT_LENGTH, False, True)


def test_a_cell_is_shown_as_a_person_sees_it():
    assert [shown(value) for value in (None, 12.0, 12.5, date(2025, 6, 5), True)] == [
        "", "12", "12,5", "05/06/2025", "TRUE",
    ]  # fmt: skip
