"""The shipped roster is asked for units as people write them; the collisions are those of the real lists."""

from datetime import date
from pathlib import Path
from unicodedata import normalize

import pytest

from models.domain.unit_names import proposals
from tasks.adapters.programme import read_roster
from tasks.adapters.texts import vietnamese

ROSTER = read_roster(Path(__file__).parents[2] / "deployments" / "de_an_835" / "roster.xlsx").roster
IN_2024, IN_JANUARY, IN_JULY = date(2024, 12, 31), date(2025, 1, 1), date(2025, 7, 1)


def found(text: str, on: date) -> list[str]:
    return [unit.name for unit in ROSTER.units_named(text, on, vietnamese().name_words)]


@pytest.mark.parametrize(
    "text",
    ["Xã Phúc Hòa", "xã Phúc Hoà", "XÃ PHÚC HÒA", normalize("NFD", "Xã Phúc Hòa"), "UBND xã Phúc Hòa", "X. Phúc Hòa"],
)
def test_one_commune_however_it_is_spelled(text):
    assert found(text, IN_2024) == ["Ban Chỉ đạo xã Phúc Hòa"]
    assert found(text, IN_JULY) == ["Ban Chỉ đạo xã Phúc Hòa"]


@pytest.mark.parametrize(
    ("text", "on", "names"),
    [
        ("TT. Chũ", IN_2024, ["Ban Chỉ đạo thị trấn Chũ"]),
        ("P. Chũ", IN_JANUARY, ["Ban Chỉ đạo phường Chũ"]),
        ("TX Chũ", IN_JANUARY, ["Ban Chỉ đạo thị xã Chũ"]),
        ("BCĐ huyện Yên Thế", IN_JANUARY, ["Ban Chỉ đạo huyện Yên Thế"]),
        ("Xã Yên Thế", IN_JULY, ["Ban Chỉ đạo xã Yên Thế"]),
        ("Huyện Yên Thế", IN_JULY, []),
        ("thành phố Bắc Giang", IN_2024, ["Ban Chỉ đạo thành phố Bắc Giang"]),
        ("phường Bắc Giang", IN_JULY, ["Ban Chỉ đạo phường Bắc Giang"]),
    ],
)
def test_a_name_that_went_one_level_down_is_the_unit_of_its_day_and_kind(text, on, names):
    assert found(text, on) == names


def test_a_name_that_two_communes_have_is_a_question_until_the_parent_is_said():
    assert len(found("Xã Phúc Sơn", IN_2024)) == 2
    assert len(found("Xã Đồng Tiến", IN_JANUARY)) == 2
    [unit] = ROSTER.units_named("Xã Đồng Tiến (huyện Hiệp Hòa)", IN_JANUARY, vietnamese().name_words)
    assert unit.parent_code == "bcd-huyen-hiep-hoa"
    [other] = ROSTER.units_named("Xã Đồng Tiến, Yên Thế", IN_JANUARY, vietnamese().name_words)
    assert other.parent_code == "bcd-huyen-yen-the"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Thị trấn Phương Sơn", "Xã Phượng Sơn"),
        ("Xã Quang Minh", "Phường Quảng Minh"),
        ("Xã Đông Sơn", "Xã Đồng Sơn"),
        ("Xã Đông Phú", "Xã Đồng Phúc"),
        ("Xã Trung Sơn", "Xã Trường Sơn"),
        ("Xã Hùng Sơn", "Xã Hương Sơn"),
        ("Xã Hoàng An", "Xã Hoàng Vân"),
    ],
)
def test_names_that_differ_by_an_accent_or_a_letter_are_two_units(one, other):
    units = [ROSTER.units_named(name, IN_2024, vietnamese().name_words) for name in (one, other)]
    assert [len(each) for each in units] == [1, 1]
    assert units[0] != units[1]


def test_what_is_spelled_wrongly_is_proposed_and_never_taken():
    assert found("Xã Phuong Sơn", IN_2024) == []
    near = proposals("Xã Phuong Sơn", (unit.name for unit in ROSTER.in_force(IN_2024)))
    assert found("UBND tỉnh", IN_2024) == []
    assert all("Sơn" in name for name in near)
