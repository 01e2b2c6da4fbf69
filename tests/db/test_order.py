"""Both databases sort as the program does: by the Vietnamese alphabet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models.db.base import VIETNAMESE
from models.db.engine import migrate, open_engine
from models.domain.vietnamese import SIGNS, sort_key
from tasks.adapters.programme import load_programme
from tasks.settings import PROJECT

VOWELS = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵ"
BEGINNINGS = "b c ch d đ g gh gi h k kh l m n ng ngh nh p ph q r s t th tr v x".split()  # noqa: SIM905 - shorter
ENDINGS = "c ch m n ng nh p t i o u y".split()  # noqa: SIM905 - shorter
CASES = (str.lower, str.upper, str.capitalize)
SYLLABLES = st.builds(
    lambda beginning, vowel, ending, cased: cased(beginning + vowel + ending),
    st.sampled_from(["", *BEGINNINGS]),
    st.sampled_from(VOWELS),
    st.sampled_from(["", *ENDINGS]),
    st.sampled_from(CASES),
)
NAMES = st.lists(st.one_of(SYLLABLES, st.sampled_from([*SIGNS, *"0123456789", "ü", "ñ"])), min_size=1, max_size=5)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def connection(request, tmp_path_factory):
    if request.param == "postgresql":
        engine = open_engine(request.getfixturevalue("postgresql").new_database())
    else:
        engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('order') / 'dondoc.db'}")
        migrate(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def in_database_order(connection, names):
    rows = ", ".join(f"(:name_{n})" for n in range(len(names)))
    asked = text(f'WITH said (name) AS (VALUES {rows}) SELECT name FROM said ORDER BY name COLLATE "{VIETNAMESE}"')
    return list(connection.scalars(asked, {f"name_{n}": name for n, name in enumerate(names)}))


def test_tones_letters_and_capitals_stand_as_in_a_dictionary(connection):
    in_order = ["An", "an", "Áo", "Ăn", "Bộ 10", "Bộ 2", "Dan", "Đa", "ma", "mà", "mả", "mã", "má", "mạ", "Uy", "ừ"]
    assert in_database_order(connection, in_order[::-1]) == in_order


def test_every_name_of_the_shipped_roster_stands_where_the_program_puts_it(connection):
    roster = load_programme(PROJECT / "deployments" / "de_an_835").roster
    names = {name for unit in roster.units for name in (unit.name, unit.head, unit.address, *unit.aliases)}
    names |= {contact.name for contact in roster.contacts} | {member.name for member in roster.members}
    assert len(names) > 300
    assert in_database_order(connection, sorted(names)) == sorted(names, key=sort_key)


@settings(max_examples=60)
@given(names=st.lists(NAMES.map(" ".join), min_size=2, max_size=40, unique=True))
def test_syllables_digits_and_signs_in_any_mixture_stand_where_the_program_puts_them(connection, names):
    assert in_database_order(connection, names) == sorted(names, key=sort_key)
