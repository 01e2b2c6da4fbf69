"""Many keys are asked for in one parameter, on both kinds of database, and find what `in_` would find."""

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.db.among import is_among
from models.db.engine import open_engine
from models.db.tables import BouncedAddressRow, RosterImportRow
from tests.builders import hanoi

ADDRESSES = ["a'b@example.invalid", 'd"d@example.invalid', "đơn-vị@example.invalid", "x\\y@example.invalid"]


@pytest.fixture
def session(database):
    engine = open_engine(database)
    with Session(engine) as opened:
        at = hanoi("2025-06-05 08:00:00")
        opened.execute(insert(BouncedAddressRow), [{"address": a, "since": at, "detail": ""} for a in ADDRESSES])
        opened.add_all(
            RosterImportRow(id=n, programme_code="p", imported_at=at, digest="", operator="") for n in range(1, 9)
        )
        opened.flush()
        yield opened
    engine.dispose()


@pytest.mark.parametrize("keys", [[], [3], [2, 5, 5, 99], range(-5, 600), {1, 8}])
def test_numbers_find_the_rows_that_bear_them_each_once(session, keys):
    found = session.scalars(select(RosterImportRow.id).where(is_among(RosterImportRow.id, keys)))
    assert sorted(found) == sorted(set(keys) & set(range(1, 9)))


@pytest.mark.parametrize("keys", [[], ADDRESSES, ADDRESSES[1:3], ["nobody@example.invalid", ADDRESSES[0]]])
def test_texts_find_the_rows_that_bear_them_whatever_signs_are_in_them(session, keys):
    found = session.scalars(select(BouncedAddressRow.address).where(is_among(BouncedAddressRow.address, keys)))
    assert sorted(found) == sorted(set(keys) & set(ADDRESSES))
