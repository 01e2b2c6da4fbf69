"""Says how long the bytes of a file are kept, and which may be removed at an instant; what is known of them stays.

One file may be spoken of by several facts: the same bytes sent twice, a workbook that is a whole arrival. It goes when
none of them needs it any more.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.domain.vocabulary import OFFICE_ZONE, KeptKind

MONTHS_OF_A_YEAR: Final = 12
NEVER_REMOVED: Final = frozenset({KeptKind.EDITION})
"""What the office signed and handed on rests on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """One fact that speaks of a file: as what it is kept, and from which instant (aware) its term runs."""

    digest: str
    kind: KeptKind
    since: datetime | None
    """None while it is needed, however old it is: it has no outcome yet, waits for a person, or a letter is to go."""
    cycle_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removable:
    """A file that nothing needs any more; `kind` is that of the fact that needed it longest."""

    digest: str
    kind: KeptKind
    cycle_codes: tuple[str, ...] = ()


Terms = Mapping[KeptKind, int]
"""By kind for how many months a file is kept; 0, or no word of the kind: for ever."""


def kept_until(file: KeptFile, terms: Terms) -> datetime | None:
    """Return the first instant at which this fact needs its file no more; None where it always does."""
    months = terms.get(file.kind, 0)
    if file.since is None or not months or file.kind in NEVER_REMOVED:
        return None
    return months_after(file.since, months)


def removable(files: Iterable[KeptFile], terms: Terms, *, as_of: datetime) -> list[Removable]:
    """Return the files that every fact has let go of at the instant, in the order of their digests."""
    by_digest: dict[str, list[KeptFile]] = {}
    for file in files:
        by_digest.setdefault(file.digest, []).append(file)
    found = (_let_go(digest, facts, terms, as_of) for digest, facts in sorted(by_digest.items()))
    return [each for each in found if each is not None]


def _let_go(digest: str, facts: Sequence[KeptFile], terms: Terms, as_of: datetime) -> Removable | None:
    ends: list[tuple[datetime, KeptKind]] = []
    for fact in facts:
        end = kept_until(fact, terms)
        if end is None or end > as_of:
            return None
        ends.append((end, fact.kind))
    cycles = sorted({fact.cycle_code for fact in facts if fact.cycle_code})
    return Removable(digest=digest, kind=max(ends)[1], cycle_codes=tuple(cycles))


def months_after(instant: datetime, months: int) -> datetime:
    """Return the same time of day so many months later in the office's zone, or the last day of a shorter month."""
    local = instant.astimezone(OFFICE_ZONE)
    years, month = divmod(local.month - 1 + months, MONTHS_OF_A_YEAR)
    year, month = local.year + years, month + 1
    return local.replace(year=year, month=month, day=min(local.day, monthrange(year, month)[1]))
