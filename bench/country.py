"""A made-up country of provinces, communes and schools, for benches and load tests only: seeded, so always the same.

The shape is that of the country since July 2025: 34 provinces, 3,321 communes, and schools below them; a smaller one
has as many of each as keeps the shape. Names are put together from words that such names are made of, addresses end in
`example.invalid`, and no person is named. How units answer is dealt out in the proportions of `HABITS`.
"""

import random
import sys
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.domain.roster import Contact, Roster, Unit

SINCE: Final = date(2024, 1, 1)
N_PROVINCES, N_COMMUNES, N_UNITS = 34, 3_321, 100_000
PROVINCE, COMMUNE, SCHOOL = "GT", "GX", "GS"
GROUPS: Final = {PROVINCE: "Các tỉnh, thành phố", COMMUNE: "Các xã, phường", SCHOOL: "Các trường học"}
FIRST: Final = (
    "An",
    "Bình",
    "Cao",
    "Đông",
    "Hòa",
    "Hưng",
    "Lạc",
    "Long",
    "Minh",
    "Nam",
    "Phú",
    "Quảng",
    "Tân",
    "Thanh",
)
SECOND: Final = (
    "Bình",
    "Châu",
    "Giang",
    "Hà",
    "Hải",
    "Khê",
    "Lâm",
    "Mỹ",
    "Ninh",
    "Phong",
    "Sơn",
    "Thịnh",
    "Thọ",
    "Xuân",
)
NAMESAKES: Final = ("Nguyễn Du", "Lê Lợi", "Trần Hưng Đạo", "Kim Đồng", "Quang Trung", "Hai Bà Trưng", "Chu Văn An")
KINDS: Final = ("Trường Mầm non", "Trường Tiểu học", "Trường Trung học cơ sở", "Trường Trung học phổ thông")


class Answers(StrEnum):
    """How a unit answers."""

    ON_TIME = "on_time"
    LATE = "late"
    WRONG = "wrong"
    """Wrong cells first, then right ones."""
    NEVER = "never"


HABITS: Final[Mapping[Answers, float]] = {
    Answers.ON_TIME: 0.80,
    Answers.LATE: 0.10,
    Answers.WRONG: 0.07,
    Answers.NEVER: 0.03,
}


@dataclass(frozen=True, slots=True)
class Country:
    """Units with their desks, parents before children; and by code how each answers."""

    roster: Roster
    habits: Mapping[str, Answers]

    def all_in(self, group: str) -> Roster:
        """Return the roster with every unit in one group, so that all are expected in one cycle."""
        return replace(self.roster, units=tuple(replace(unit, group=group) for unit in self.roster.units))


def a_country(n: int, *, seed: int = 835) -> Country:
    """Return a country of that many units."""
    chance = random.Random(seed)
    n_provinces = min(n, max(1, round(n * N_PROVINCES / N_UNITS)))
    n_communes = min(n - n_provinces, max(1, round(n * N_COMMUNES / N_UNITS)))
    provinces = [_unit(f"t{k:02}", f"Tỉnh {_place(k)}", PROVINCE, None) for k in range(n_provinces)]
    communes = [_commune(k, provinces[k % n_provinces], chance) for k in range(n_communes)]
    above = communes or provinces
    schools = [_school(k, above[k % len(above)], chance) for k in range(n - n_provinces - n_communes)]
    units = (*provinces, *communes, *schools)
    dealt = chance.choices(list(HABITS), weights=list(HABITS.values()), k=n)
    desks = tuple(desk for unit in units for desk in _desks(unit, chance))
    return Country(Roster(units, desks), {unit.code: habit for unit, habit in zip(units, dealt, strict=True)})


def write_programme(folder: Path, n: int, *, seed: int = 835) -> Path:
    """Write a programme of the country into a folder: communes report to provinces, provinces to the ministry."""
    from tasks.adapters.programme import write_roster  # noqa: PLC0415 - whoever only counts memory needs none of it
    from tasks.adapters.texts import vietnamese  # noqa: PLC0415
    from tests.two_tiers import FORM, PLAN  # noqa: PLC0415

    country = a_country(n, seed=seed)
    plan = textwrap.dedent(PLAN).replace("GH", PROVINCE)
    plan = plan.replace("Các huyện", GROUPS[PROVINCE]).replace("Các xã", GROUPS[COMMUNE])
    plan = plan.replace(
        f"  {COMMUNE}: {GROUPS[COMMUNE]}\n", f"  {COMMUNE}: {GROUPS[COMMUNE]}\n  {SCHOOL}: {GROUPS[SCHOOL]}\n"
    )
    (folder / "forms").mkdir(parents=True)
    (folder / "plan.yaml").write_text(plan, "utf-8")
    for code, title, children in (("bm_xa", "Biểu của xã", "false"), ("bm_huyen", "Biểu của tỉnh", "true")):
        own = "X09" if code == "bm_xa" else "H09"
        form = FORM.format(code=code, title=title, includes_children=children, own=own)
        (folder / "forms" / f"{code}.yaml").write_text(textwrap.dedent(form), "utf-8")
    (folder / "holidays.csv").write_text("date,working,reason,document\n", "utf-8")
    write_roster(country.roster, GROUPS, vietnamese(), folder / "roster.xlsx")
    return folder


def _place(number: int) -> str:
    """Return a place's name; past the pairs of words they are numbered, as real ones are."""
    pairs = len(FIRST) * len(SECOND)
    name = f"{FIRST[number % len(FIRST)]} {SECOND[(number // len(FIRST)) % len(SECOND)]}"
    return name if number < pairs else f"{name} {number // pairs + 1}"


def _commune(number: int, province: Unit, chance: random.Random) -> Unit:
    kind = "Phường" if chance.random() < 0.2 else "Xã"
    return _unit(f"x{number:04}", f"{kind} {_place(number)}", COMMUNE, province.code)


def _school(number: int, above: Unit, chance: random.Random) -> Unit:
    named = f"{chance.choice(KINDS)} {chance.choice(NAMESAKES)} số {number + 1}"
    return _unit(f"s{number:05}", f"{named}, {above.name}", SCHOOL, above.code)


def _unit(code: str, name: str, group: str, parent: str | None) -> Unit:
    return Unit(code=code, name=unicodedata.normalize("NFC", name), group=group, valid_from=SINCE, parent_code=parent)


def _desks(unit: Unit, chance: random.Random) -> list[Contact]:
    """Return the desk of a unit, and of one in five a second desk that is written to when the first is away."""
    n = 1 + (chance.random() < 0.2)
    names = ("Văn thư", "Phòng tổng hợp")
    return [
        Contact(
            unit_code=unit.code,
            name=names[k],
            email=f"{unit.code}{'' if k == 0 else f'.{k + 1}'}@example.invalid",
            phone=f"0{chance.randint(200_000_000, 299_999_999)}",
            rank=k + 1,
            valid_from=SINCE,
        )
        for k in range(n)
    ]
