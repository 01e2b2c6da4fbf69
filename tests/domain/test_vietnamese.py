"""Comparing and sorting Vietnamese names."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.vietnamese import comparison_key, sort_key, storable, tidy, tidy_lines

WORDS = st.text(alphabet="aàảãáạăâbcdđeêghiklmnoôơpqrstuưvxyÀẢĐĂÂƯỳỷ ", max_size=12)


@pytest.mark.parametrize(
    "spelling",
    ["Phúc Hòa", "Phúc Hoà", "PHÚC HÒA", unicodedata.normalize("NFD", "Phúc Hòa"), "  Phúc\u00a0Hòa\u200b "],
)
def test_spellings_of_one_name_are_one(spelling):
    assert comparison_key(spelling) == comparison_key("Phúc Hòa")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Cảnh Thụy", "Cảnh Thuỵ"), ("khỏe", "khoẻ"), ("Ủy ban", "Uỷ ban"), ("Thúy", "Thuý"), ("Đồng", "\u00d0ồng")],
)
def test_the_place_of_the_tone_and_look_alikes_do_not_matter(one, other):
    assert comparison_key(one) == comparison_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Phương Sơn", "Phượng Sơn"),
        ("Quang Minh", "Quảng Minh"),
        ("Đông Sơn", "Đồng Sơn"),
        ("Xa Lý", "Sa Lý"),
        ("Mỹ Hà", "Mĩ Hà"),
        ("Dương", "Đương"),
    ],
)
def test_names_that_differ_by_an_accent_or_letter_stay_apart(one, other):
    assert comparison_key(one) != comparison_key(other)


@pytest.mark.parametrize("word", ["Quý", "Quỳnh", "Huyền", "hoàn", "suýt", "khuỷu", "Quảng", "thoại"])
def test_words_whose_tone_has_one_place_only_are_left_alone(word):
    assert comparison_key(word) == word.casefold()


@pytest.mark.parametrize(
    "in_order",
    [
        ["ma", "mà", "mả", "mã", "má", "mạ"],
        ["an", "ăn", "ân", "em", "êm", "on", "ôn", "ơn", "un", "ưn"],
        ["dan", "đan", "em"],
        ["Tự Lạn", "Từ Sơn"],  # letters of the whole name go before tones: L before S
        ["Ái", "Uy"],
        ["Lục Nam", "Lục Ngạn"],
        ["Hòa", "Hòa Bình", "Hoàng"],
        ["Sở Y tế", "Thanh tra tỉnh"],
        ["Bộ 2", "Bộ 3"],
        ["Xã A", "Xã A (B)", "Xã A B", "Xã A-B", "Xã A, B", "Xã A/B", "Xã A1", "Xã Ab"],
        ["Nu", "Nunez", "Nuñez", "Nuo"],
        ["Ủy ban", "ủy ban", "Ủy ban B"],
    ],
)
def test_names_stand_in_the_order_of_a_dictionary(in_order):
    backwards = in_order[::-1]
    assert sorted(backwards, key=sort_key) == in_order


def test_capitals_do_not_change_the_order():
    assert sorted(["Yên Thế", "AN CHÂU", "ban"], key=sort_key) == ["AN CHÂU", "ban", "Yên Thế"]


def test_composed_and_decomposed_names_stand_side_by_side():
    names = ["Bắc Lý", unicodedata.normalize("NFD", "Bắc Lũng"), "Bắc Giang"]
    assert [tidy(name) for name in sorted(names, key=sort_key)] == ["Bắc Giang", "Bắc Lũng", "Bắc Lý"]


def test_tidying_keeps_paragraphs_of_a_longer_text():
    assert tidy_lines("một  dòng\r\n\r\n\r\n\r\nhai\u00a0dòng ") == "một dòng\n\nhai dòng"


@given(
    text=st.text(
        alphabet="aĐ\u00d0\u0189\u00f0 \u00a0\u3000\u2028\t\n\x1f\u00ad\u200b\u200e\ufeff\u0301\0\ud800", max_size=10
    )
)
def test_tidying_leaves_nothing_invisible_no_look_alike_and_no_odd_space(text):
    tidied = tidy(text)

    assert not set(tidied) & set("\u00d0\u0189\u00f0\u00a0\u3000\u2028\t\n\x1f\u00ad\u200b\u200e\ufeff")
    assert "  " not in tidied
    assert tidied == tidied.strip() == storable(tidied)
    assert tidied.count("Đ") >= text.count("Đ")


@given(text=st.text(alphabet="aĐ\0\ud800\udfff\U0001f600 \n\x1b", max_size=10))
def test_storable_text_keeps_its_length_and_loses_only_what_no_database_takes(text):
    mended = storable(text)
    assert len(mended) == len(text)
    assert mended.encode().count(b"\0") == 0
    assert [sign for sign in mended if sign != "\ufffd"] == [sign for sign in text if sign not in "\0\ud800\udfff"]


@given(text=WORDS)
def test_a_comparison_key_is_its_own_key(text):
    assert comparison_key(comparison_key(text)) == comparison_key(text)


@given(text=WORDS)
def test_composition_never_matters(text):
    decomposed = unicodedata.normalize("NFD", text)
    assert comparison_key(decomposed) == comparison_key(text)
    assert tidy(decomposed) == tidy(text)
    assert sort_key(decomposed)[:2] == sort_key(unicodedata.normalize("NFC", text))[:2]
