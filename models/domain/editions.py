"""What one edition of an aggregate rests on, and how two editions differ; it knows totals and sources, no files."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from models.domain.forms import Finding
from models.domain.questions import key_of
from models.domain.targets import Target
from models.domain.vocabulary import EditionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One input of an aggregate: which version of a unit's submission counted, and the digest of its bytes."""

    unit_code: str
    unit_name: str
    submission: str
    """The number on the receipt."""
    version: int
    """1 for a unit's first accepted submission of the cycle, 2 for the one that replaced it, and so on."""
    received_at: datetime
    form_version: str
    digest: str
    """SHA-256 of the original bytes in hex; blank for a nil report given in a mail's own text."""
    is_nil: bool = False
    is_on_behalf: bool = False
    """An operator entered it for the unit, from paper or another system; it may bring no figures."""
    document: str = ""
    """Number of the signed document that it came with."""
    signed_on: str = ""
    """Day on which that was signed, in ISO 8601; what counts is the receipt, which may lie days later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTotal:
    """A total as an edition gave it: the sum (None when no unit gave a figure), and how many units it came from."""

    amount: int | None
    n_reported: int
    n_expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One edition: its number within the cycle (from 1), what it says of each field, and every input."""

    cycle_code: str
    cycle_title: str
    number: int
    kind: EditionKind
    as_of: datetime
    n_expected: int
    n_reported: int
    totals: Mapping[str, PastTotal] = field(default_factory=dict)
    sources: tuple[SourceRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """What one unit wrote in one section of its form; paragraphs are divided by line breaks."""

    section: str
    unit_code: str
    unit_name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutQuestion:
    """A question put to a unit about an accepted submission."""

    unit_code: str
    unit_name: str
    finding: Finding
    explanation: str = ""
    """What the unit said to it; empty while it is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalChange:
    """A field whose total is another one in the later edition."""

    field: str
    before: PastTotal | None
    after: PastTotal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChange:
    """A unit added (`before` None), taken out (`after` None), or with another submission."""

    unit_code: str
    unit_name: str
    before: SourceRow | None
    after: SourceRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """All that differs between two editions of one cycle; empty tuples when nothing does."""

    before: Edition
    totals: tuple[TotalChange, ...]
    sources: tuple[SourceChange, ...]


def differences(before: Edition, after: Edition) -> Differences:
    """Return what the later edition says otherwise: fields in the order of the later one, units in code order."""
    codes = _union(after.totals, before.totals)
    earlier, later = _by_unit(before.sources), _by_unit(after.sources)
    return Differences(
        before=before,
        totals=tuple(
            TotalChange(field=code, before=before.totals.get(code), after=after.totals.get(code))
            for code in codes
            if before.totals.get(code) != after.totals.get(code)
        ),
        sources=tuple(
            _source_change(earlier.get(code), later.get(code))
            for code in sorted(earlier.keys() | later.keys())
            if _is_another_source(earlier.get(code), later.get(code))
        ),
    )


def manifest_order(sources: Iterable[SourceRow]) -> tuple[SourceRow, ...]:
    """Return the inputs in an order that does not depend on how they were gathered: by unit, then version."""
    return tuple(sorted(sources, key=lambda row: (row.unit_code, row.version)))


def inputs_digest(
    kind: EditionKind,
    sources: Iterable[SourceRow],
    *,
    expected: Iterable[str],
    waived: Iterable[str],
    targets: Iterable[Target] = (),
    questions: Iterable[PutQuestion] = (),
) -> str:
    """Return one SHA-256 in hex over all that decides what an edition says; equal digests need no second edition.

    `expected` and `waived` are unit codes; of the questions only what explains them can change by itself. Time is not
    in it: the same inputs say the same tomorrow.
    """
    asked = sorted([target.unit_code, target.field, target.amount] for target in targets)
    told = sorted([each.unit_code, *key_of(each.finding), each.explanation] for each in questions if each.explanation)
    inputs = {
        "kind": kind.value,
        "sources": [[row.unit_code, row.version, row.digest, row.is_nil] for row in manifest_order(sources)],
        "expected": sorted(expected),
        "waived": sorted(waived),
    } | {name: values for name, values in (("targets", asked), ("explained", told)) if values}
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def totals_as_json(totals: Mapping[str, PastTotal]) -> dict[str, dict[str, int | None]]:
    """Return totals as plain values for keeping; the order of the fields is kept."""
    return {code: asdict(total) for code, total in totals.items()}


def totals_from_json(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, PastTotal]:
    """Return the totals that `totals_as_json` made plain."""
    return {code: PastTotal(**total) for code, total in stored.items()}


def sources_as_json(sources: Iterable[SourceRow]) -> list[dict[str, object]]:
    """Return the inputs as plain values for keeping, instants in ISO 8601 with their offset."""
    return [asdict(row) | {"received_at": row.received_at.isoformat()} for row in manifest_order(sources)]


def sources_from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[SourceRow, ...]:
    """Return the inputs that `sources_as_json` made plain."""
    return tuple(SourceRow(**{**row, "received_at": datetime.fromisoformat(str(row["received_at"]))}) for row in stored)


def _source_change(before: SourceRow | None, after: SourceRow | None) -> SourceChange:
    known = after or before
    assert known is not None  # noqa: S101 - the code came from one of the two
    return SourceChange(unit_code=known.unit_code, unit_name=known.unit_name, before=before, after=after)


def _is_another_source(before: SourceRow | None, after: SourceRow | None) -> bool:
    if before is None or after is None:
        return True
    return (before.version, before.digest, before.is_nil) != (after.version, after.digest, after.is_nil)


def _by_unit(sources: Sequence[SourceRow]) -> dict[str, SourceRow]:
    return {row.unit_code: row for row in sources}


def _union(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
