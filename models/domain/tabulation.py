"""Adds the figures of a cycle up and refuses when the parts do not make the whole; the one module with pandas.

Accepted submissions only. A blank is no zero: a total says how many of the expected units it comes from. A nil report
counts as an answer to every field. Ratios are sums over sums, over the units that gave both. Sums are exact integers.

pandas is imported by the functions that make frames: it takes 55 MB and most of a second, and a round that compiles
nothing, which most are, needs none of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby, islice
from typing import TYPE_CHECKING

from models.domain.editions import Edition, PastTotal
from models.domain.errors import AggregateMismatchError
from models.domain.forms import FieldSpec, FormSpec
from models.domain.submissions import ReportedFigure
from models.domain.vocabulary import Accrual, Aggregation

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_CHUNK = 50_000
N_NAMED_UNITS = 20
"""How many lost units an error names before it counts the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedUnit:
    """A unit of the frozen expected set; `parent_code` only where the parent is expected in the same cycle."""

    code: str
    name: str
    group: str
    parent_code: str | None = None
    is_nil: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a cycle in columns: about 20 bytes a cell, so that 100,000 units fit in memory.

    `frame` has the columns unit, field (categories), amount (Int64), text (category), is_estimate (bool). `entered`
    holds the sum of each field as the rows came in, added up without pandas: what every later sum must agree with.
    """

    frame: pd.DataFrame
    entered: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum over units: None when none of them gave a figure. `n_reported` counts nil units, `n_nil` says how many."""

    amount: int | None
    n_reported: int
    n_expected: int
    n_nil: int = 0
    n_estimates: int = 0
    estimated: int = 0
    """So much of the amount is estimates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A sum over another sum, both over the units that gave both figures."""

    numerator: int
    denominator: int
    n_units: int

    @property
    def value(self) -> float | None:
        """The ratio, 1.0 being all of it; None when there is nothing to divide by."""
        return float(Fraction(self.numerator, self.denominator)) if self.denominator else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSummary:
    """All that is said of one field: whole, by group in the order of the plan, and against earlier cycles."""

    spec: FieldSpec
    whole: Total
    by_group: Mapping[str, Total]
    share: Share | None = None
    choices: Mapping[str, int] = field(default_factory=dict)
    """Of a counted field: how many units gave each answer, the form's own choices first."""
    choices_by_group: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    previous: PastTotal | None = None
    last_year: PastTotal | None = None
    cumulative: int | None = None
    """Of a flow, since the programme began; None where nothing earlier is known or it would make no sense."""

    def change_since(self, past: PastTotal | None) -> float | None:
        """Return the change against an earlier total, 0.25 for a quarter more; None when it cannot be said."""
        if past is None or past.amount in {None, 0} or self.whole.amount is None:
            return None
        return float(Fraction(self.whole.amount - past.amount, abs(past.amount)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabulation:
    """What a cycle adds up to. `left_out` are units whose figures are in those of their parent already."""

    fields: tuple[FieldSummary, ...]
    groups: tuple[str, ...]
    n_expected: int
    left_out: tuple[str, ...] = ()

    def totals(self) -> dict[str, PastTotal]:
        """Return the totals as an edition keeps them, for later editions and cycles to compare with."""
        return {
            summary.spec.code: PastTotal(
                amount=summary.whole.amount,
                n_reported=summary.whole.n_reported,
                n_expected=summary.whole.n_expected,
            )
            for summary in self.fields
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Earlier editions to hold a cycle against: the cycle before it, the same one last year, and what came before.

    `earlier` are the editions whose flows, with this one's, make the cumulative figure: one for each span of time,
    never an annual report and the six months that are in it.
    """

    previous: Edition | None = None
    last_year: Edition | None = None
    earlier: tuple[Edition, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFigures:
    """One unit's figures in the order of the form's fields: amount or text, None where blank."""

    unit: CountedUnit
    values: tuple[int | str | None, ...]
    estimates: frozenset[int]
    """Positions of the values that are estimates."""


NOTHING_TO_COMPARE = Comparison()


def figures_of(rows: Iterable[ReportedFigure | tuple[str, str, int | None, str | None, bool]]) -> Figures:
    """Return the cells of a cycle in columns; `rows` may be a stream, of which one chunk is held at a time."""
    import pandas as pd

    stream = iter(rows)
    entered: dict[str, int] = {}
    units: dict[str, int] = {}
    fields: dict[str, int] = {}
    texts: dict[str, int] = {}
    parts = []
    while chunk := list(islice(stream, ROWS_PER_CHUNK)):
        parts.append(_compact(chunk, units, fields, texts))
        for _, code, amount, _, _ in chunk:
            entered[code] = entered.get(code, 0) + (amount or 0)
    frame = pd.concat(parts, ignore_index=True) if parts else _compact([], units, fields, texts)
    frame["unit"] = pd.Categorical.from_codes(frame["unit"], categories=pd.Index(list(units), dtype="object"))
    frame["field"] = pd.Categorical.from_codes(frame["field"], categories=pd.Index(list(fields), dtype="object"))
    frame["text"] = pd.Categorical.from_codes(frame["text"], categories=pd.Index(list(texts), dtype="object"))
    return Figures(frame, entered)


def tabulate(
    form: FormSpec,
    figures: Figures,
    *,
    units: Sequence[CountedUnit],
    groups: Iterable[str],
    comparison: Comparison = NOTHING_TO_COMPARE,
) -> Tabulation:
    """Return what the figures add up to; equal inputs in any order give equal results.

    Raises:
        AggregateMismatchError: a figure is of no expected unit, of a unit without a known group, of a field the form
            does not have, or stands twice; or the groups do not add up to what came in.
    """
    present = {unit.group for unit in units}
    order = tuple(code for code in groups if code in present)
    _refuse_lost_units(figures.frame, units, order)
    _refuse_strange_fields(figures.frame, form)
    left_out = units_within_their_parents(form, figures, units)
    frame = _with_groups(figures.frame, units, order)
    _refuse_sums_that_differ(frame, figures.entered)
    tally = _Tally(frame, units, order, left_out)
    return Tabulation(
        fields=tuple(_summary(spec, tally, comparison) for spec in form.fields),
        groups=order,
        n_expected=len(units),
        left_out=left_out,
    )


def units_within_their_parents(form: FormSpec, figures: Figures, units: Sequence[CountedUnit]) -> tuple[str, ...]:
    """Return the units that reported but whose parent did too, where a parent's figures include its children's."""
    if not form.includes_children:
        return ()
    reported = set(figures.frame["unit"].astype("object").unique())
    parents = {unit.code: unit.parent_code for unit in units}
    return tuple(sorted(code for code in reported if _has_ancestor_in(reported, code, parents)))


def figures_by_family(figures: Figures, family_of: Mapping[str, str]) -> dict[str, Figures]:
    """Return the figures of each family of units (by `family_of`), each added up again without pandas.

    Units of no family are in none. Every sum of a family is held against its own rows, as that of the whole is.
    """
    import pandas as pd

    by_unit = [family_of.get(str(code), "") for code in figures.frame["unit"].cat.categories]
    families = pd.Series(by_unit, dtype="object").take(figures.frame["unit"].cat.codes.to_numpy()).to_numpy()
    found = {}
    for family, part in figures.frame.groupby(families, sort=False):
        if family:
            frame = part.reset_index(drop=True)
            frame["unit"] = frame["unit"].cat.remove_unused_categories()
            found[str(family)] = Figures(frame, _entered(frame))
    return found


def _entered(frame: pd.DataFrame) -> dict[str, int]:
    entered: dict[str, int] = {}
    amounts = frame["amount"].astype("object").where(frame["amount"].notna(), 0).tolist()
    for code, amount in zip(frame["field"].astype("object").tolist(), amounts, strict=True):
        entered[code] = entered.get(code, 0) + amount
    return entered


def units_showing(figures: Figures, fields: Collection[str], *, no: str) -> dict[str, frozenset[str]]:
    """Return by field the units whose figure shows something: an amount above zero, or an answer other than `no`."""
    frame = figures.frame[figures.frame["field"].isin(list(fields))]
    has_answer = frame["text"].notna() & (frame["text"].astype("object") != no)
    showing = frame[frame["amount"].fillna(0).gt(0) | has_answer]
    by_field = showing["unit"].astype("object").groupby(showing["field"].astype("object"))
    return {str(field): frozenset(map(str, units)) for field, units in by_field}


def unit_figures(form: FormSpec, figures: Figures, units: Sequence[CountedUnit]) -> Iterator[UnitFigures]:
    """Yield the figures of every expected unit, in the order of the units, one at a time; blank where none came."""
    place = {unit.code: n for n, unit in enumerate(units)}
    column = {spec.code: n for n, spec in enumerate(form.fields)}
    frame = figures.frame
    unit_place = frame["unit"].map(place).astype("int64")
    ordered = frame.assign(place=unit_place, column=frame["field"].map(column).astype("int64"))
    ordered = ordered[["place", "column", "amount", "text", "is_estimate"]].sort_values(["place", "column"])
    by_place = groupby(_cells(ordered), key=lambda cell: cell[0])
    following = next(by_place, None)
    for n, unit in enumerate(units):
        cells: Iterable[_Cell] = ()
        if following is not None and following[0] == n:
            cells = tuple(following[1])
            following = next(by_place, None)
        yield _one_unit(unit, cells, len(column))


_Cell = tuple[int, int, int | None, str | None, bool]


def _cells(ordered: pd.DataFrame) -> Iterator[_Cell]:
    for start in range(0, len(ordered), ROWS_PER_CHUNK):
        part = ordered.iloc[start : start + ROWS_PER_CHUNK]
        amounts = part["amount"].astype("object").where(part["amount"].notna(), None).tolist()
        texts = part["text"].astype("object").where(part["text"].notna(), None).tolist()
        places, columns = part["place"].tolist(), part["column"].tolist()
        yield from zip(places, columns, amounts, texts, part["is_estimate"].tolist(), strict=True)


def _one_unit(unit: CountedUnit, cells: Iterable[_Cell], n_columns: int) -> UnitFigures:
    values: list[int | str | None] = [None] * n_columns
    estimates = set()
    for _, column, amount, text, is_estimate in cells:
        values[column] = text if amount is None else amount
        if is_estimate:
            estimates.add(column)
    return UnitFigures(unit=unit, values=tuple(values), estimates=frozenset(estimates))


def _compact(
    chunk: Sequence[ReportedFigure | tuple[str, str, int | None, str | None, bool]],
    units: dict[str, int],
    fields: dict[str, int],
    texts: dict[str, int],
) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "unit": pd.array([units.setdefault(row[0], len(units)) for row in chunk], dtype="int32"),
            "field": pd.array([fields.setdefault(row[1], len(fields)) for row in chunk], dtype="int16"),
            "amount": pd.array([row[2] for row in chunk], dtype="Int64"),
            "text": pd.array(
                [-1 if row[3] is None else texts.setdefault(row[3], len(texts)) for row in chunk], dtype="int32"
            ),
            "is_estimate": pd.array([row[4] for row in chunk], dtype="bool"),
        }
    )


def _refuse_lost_units(frame: pd.DataFrame, units: Sequence[CountedUnit], groups: Sequence[str]) -> None:
    import pandas as pd

    known = set(groups)
    placed = {unit.code for unit in units if unit.group in known}
    lost = {unit.code for unit in units if unit.group not in known} | (set(frame["unit"].cat.categories) - placed)
    if len({unit.code for unit in units}) != len(units):
        codes = pd.Series([unit.code for unit in units])
        lost |= set(codes[codes.duplicated()])
    twice = frame[frame.duplicated(["unit", "field"])]
    lost |= set(twice["unit"].astype("object"))
    if lost:
        raise AggregateMismatchError(units=_named(lost), fields=_named(set(twice["field"].astype("object"))))


def _refuse_strange_fields(frame: pd.DataFrame, form: FormSpec) -> None:
    strange = set(frame["field"].cat.categories) - {spec.code for spec in form.fields}
    if strange:
        of = frame[frame["field"].isin(strange)]["unit"].astype("object")
        raise AggregateMismatchError(units=_named(set(of)), fields=_named(strange))


def _refuse_sums_that_differ(frame: pd.DataFrame, entered: Mapping[str, int]) -> None:
    # The sums by group stand against those made row by row in plain integers: an overflow or a lost row shows here.
    sums = frame.groupby(["field", "group"], observed=True)["amount"].sum().groupby("field", observed=True).sum()
    grouped = {str(code): int(amount) for code, amount in sums.items()}
    wrong = {code for code, amount in entered.items() if grouped.get(code, 0) != amount}
    if wrong:
        raise AggregateMismatchError(units="", fields=_named(wrong))


def _with_groups(frame: pd.DataFrame, units: Sequence[CountedUnit], order: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    group_of = {unit.code: order.index(unit.group) for unit in units}
    by_unit = pd.Series([group_of[code] for code in frame["unit"].cat.categories], dtype="int16")
    by_row = by_unit.take(frame["unit"].cat.codes.to_numpy()).astype("int64").tolist()
    groups = pd.Categorical.from_codes(by_row, categories=pd.Index(list(order), dtype="object"))
    return frame.assign(group=groups)


class _Tally:
    """The grouped sums and counts of a cycle, made once for all fields."""

    def __init__(
        self, frame: pd.DataFrame, units: Sequence[CountedUnit], groups: tuple[str, ...], left_out: Sequence[str]
    ) -> None:
        self.groups = groups
        self.n_units = {code: sum(unit.group == code for unit in units) for code in groups}
        reported = set(frame["unit"].astype("object").unique())
        nil = [unit.group for unit in units if unit.is_nil and unit.code not in reported]
        self.n_nil = {code: nil.count(code) for code in groups}
        # A unit within its parent has answered like any other; only its amounts must not be added a second time.
        added = frame[frame["amount"].notna() & ~frame["unit"].isin(left_out)]
        filled = frame[frame["amount"].notna() | frame["text"].notna()]
        by = ["field", "group"]
        self._added = added
        self._sums = _keyed(added.groupby(by, observed=True)["amount"].sum())
        self._counts = _keyed(filled.groupby(by, observed=True).size())
        self._estimates = _keyed(filled[filled["is_estimate"]].groupby(by, observed=True).size())
        self._estimated = _keyed(added[added["is_estimate"]].groupby(by, observed=True)["amount"].sum())
        self._texts = _keyed(frame[frame["text"].notna()].groupby([*by, "text"], observed=True).size())

    def total(self, spec: FieldSpec, group: str) -> Total:
        key = (spec.code, group)
        amount = self._sums.get(key) if spec.aggregation is Aggregation.SUM else None
        return Total(
            amount=amount,
            n_reported=self._counts.get(key, 0) + self.n_nil[group],
            n_expected=self.n_units[group],
            n_nil=self.n_nil[group],
            n_estimates=self._estimates.get(key, 0),
            estimated=self._estimated.get(key, 0) if amount is not None else 0,
        )

    def choices(self, spec: FieldSpec, group: str) -> dict[str, int]:
        given = {key[2]: n for key, n in self._texts.items() if key[:2] == (spec.code, group)}
        others = sorted(given.keys() - set(spec.choices))
        return {choice: given.get(choice, 0) for choice in (*spec.choices, *others)}

    def share(self, spec: FieldSpec) -> Share | None:
        if spec.denominator is None:
            return None
        wanted = self._added[self._added["field"].isin([spec.code, spec.denominator])]
        both = wanted[wanted.duplicated("unit", keep=False)]
        numerators = both.loc[both["field"] == spec.code, "amount"]
        denominators = both.loc[both["field"] == spec.denominator, "amount"]
        return Share(numerator=int(numerators.sum()), denominator=int(denominators.sum()), n_units=len(numerators))


def _summary(spec: FieldSpec, tally: _Tally, comparison: Comparison) -> FieldSummary:
    by_group = {code: tally.total(spec, code) for code in tally.groups}
    whole = _whole(by_group.values())
    choices_by_group: dict[str, dict[str, int]] = {}
    if spec.aggregation is Aggregation.COUNT:
        choices_by_group = {code: tally.choices(spec, code) for code in tally.groups}
    return FieldSummary(
        spec=spec,
        whole=whole,
        by_group=by_group,
        share=tally.share(spec),
        choices=_added(choices_by_group.values()),
        choices_by_group=choices_by_group,
        previous=_past(comparison.previous, spec.code),
        last_year=_past(comparison.last_year, spec.code),
        cumulative=_cumulative(spec, whole, comparison.earlier),
    )


def _whole(parts: Iterable[Total]) -> Total:
    totals = tuple(parts)
    amounts = [total.amount for total in totals if total.amount is not None]
    return Total(
        amount=sum(amounts) if amounts else None,
        n_reported=sum(total.n_reported for total in totals),
        n_expected=sum(total.n_expected for total in totals),
        n_nil=sum(total.n_nil for total in totals),
        n_estimates=sum(total.n_estimates for total in totals),
        estimated=sum(total.estimated for total in totals),
    )


def _added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    whole: dict[str, int] = {}
    for part in parts:
        for choice, n_units in part.items():
            whole[choice] = whole.get(choice, 0) + n_units
    return whole


def _past(edition: Edition | None, code: str) -> PastTotal | None:
    return edition.totals.get(code) if edition else None


def _cumulative(spec: FieldSpec, whole: Total, earlier: Sequence[Edition] | None) -> int | None:
    if earlier is None or spec.accrual is not Accrual.FLOW or spec.aggregation is not Aggregation.SUM:
        return None
    past = [edition.totals[spec.code].amount for edition in earlier if spec.code in edition.totals]
    known = [amount for amount in (*past, whole.amount) if amount is not None]
    return sum(known) if known else None


def _has_ancestor_in(reported: set[str], code: str, parents: Mapping[str, str | None]) -> bool:
    seen = {code}
    parent = parents.get(code)
    while parent is not None and parent not in seen:
        if parent in reported:
            return True
        seen.add(parent)
        parent = parents.get(parent)
    return False


def _keyed(series: pd.Series[int]) -> dict[tuple[str, ...], int]:
    return {
        tuple(map(str, keys)): int(value)
        for keys, value in zip(series.index.to_frame().to_numpy(), series, strict=True)
    }


def _named(codes: Iterable[str]) -> str:
    named = sorted(codes)
    rest = len(named) - N_NAMED_UNITS
    return ", ".join(named[:N_NAMED_UNITS]) + (f", … (+{rest})" if rest > 0 else "")
