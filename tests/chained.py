"""What every test that works on a whole office holds at its end: nothing that is covered was written past the audit."""

from models.db.engine import open_engine
from models.db.records.audit_entries import Verification, verify
from models.db.snapshots import at_one_instant


def verified(url: str, **how: object) -> Verification:
    """Look through the chained audit of a database."""
    engine = open_engine(url)
    try:
        with at_one_instant(engine) as connection:
            return verify(connection, **how)
    finally:
        engine.dispose()


def told(verification: Verification) -> list[tuple[str, str, int]]:
    """Return what is broken: which sentence, of which table, which row."""
    return [(each.code, each.table, each.key) for each in verification.breaks]


def hold_the_chain(url: str) -> None:
    """Fail where a covered row was written without an entry, or an entry is not what it was."""
    assert told(verified(url)) == []
