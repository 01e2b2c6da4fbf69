"""What a transaction has written of the covered tables so far; it knows rows by their keys only."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from models.domain.vocabulary import RowChange


@dataclass(slots=True)
class Written:
    """By table and sort of change the keys of the rows; and the cycles it is about, where whoever writes knows them."""

    keys: dict[str, dict[RowChange, set[int]]] = field(default_factory=dict)
    cycle_codes: set[str] = field(default_factory=set)

    def note(self, table: str, change: RowChange, keys: Iterable[int]) -> None:
        """Keep that rows were written; of what happens to a row within one transaction only what is left counts."""
        noted = self.keys.setdefault(table, {each: set() for each in RowChange})
        new, changed, gone = noted[RowChange.NEW], noted[RowChange.CHANGED], noted[RowChange.GONE]
        these = set(keys)
        if change is RowChange.NEW:
            again = these & gone  # SQLite gives the number of a row that has gone to the next one
            new |= these - again
            changed |= again
            gone -= again
        elif change is RowChange.CHANGED:
            changed |= these - new
        else:
            gone |= these - new
            new -= these
            changed -= these

    def copy(self) -> "Written":
        """Return what was written so far, apart from what is written from now on."""
        keys = {table: {each: set(rows) for each, rows in changes.items()} for table, changes in self.keys.items()}
        return Written(keys, set(self.cycle_codes))

    def clear(self) -> None:
        """Forget all of it."""
        self.keys.clear()
        self.cycle_codes.clear()

    def __bool__(self) -> bool:
        """Say whether anything was written that is covered."""
        return any(keys for changes in self.keys.values() for keys in changes.values())
