"""Holds actual figures against the estimates that stood in their place: what is settled, what is not, and big misses.

The actual figure comes in the same form once more, marked so; the form of the next cycle is about another period.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

BIG_MISS: Final = Fraction(1, 5)
"""An actual figure further from its estimate than this share of it is a big miss."""


class GivenFigure(NamedTuple):
    """A figure of one version of a unit's form."""

    unit_code: str
    field: str
    version: int
    amount: int | None
    is_estimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateLine:
    """One estimate: the last one given, and the actual figure that took its place, None while there is none."""

    unit_code: str
    field: str
    estimate: int
    actual: int | None

    @property
    def difference(self) -> int | None:
        """How much more the actual figure is than the estimate; None while there is none."""
        return None if self.actual is None else self.actual - self.estimate

    @property
    def is_big_miss(self) -> bool:
        """Say whether the estimate was far from what came of it; an estimate of nothing was, if anything came."""
        return self.difference is not None and abs(self.difference) > BIG_MISS * abs(self.estimate)


def estimate_lines(
    given: Iterable[GivenFigure], *, units: Sequence[str], fields: Sequence[str]
) -> tuple[EstimateLine, ...]:
    """Return a line for each figure that was ever an estimate, in the order of units and fields; blanks are left out.

    `given` holds every version of the figures that count; the newest of each decides.
    """
    versions: dict[tuple[str, str], list[GivenFigure]] = {}
    for figure in given:
        versions.setdefault((figure.unit_code, figure.field), []).append(figure)
    return tuple(line for unit in units for field in fields if (line := _line(unit, field, versions)) is not None)


def _line(unit: str, field: str, versions: Mapping[tuple[str, str], Sequence[GivenFigure]]) -> EstimateLine | None:
    told = sorted(versions.get((unit, field), ()), key=lambda figure: figure.version)
    estimates = [figure.amount for figure in told if figure.is_estimate and figure.amount is not None]
    if not estimates or told[-1].amount is None:
        return None
    actual = None if told[-1].is_estimate else told[-1].amount
    return EstimateLine(unit_code=unit, field=field, estimate=estimates[-1], actual=actual)
