"""Draws the charts of the status board as SVG that reads in black and white; it decides nothing.

Matplotlib is imported when something is drawn, and only then: it takes a third of a second and 30 MB. Its drawings are
the same byte for byte for the same figures, so that a page that shows nothing new is not written again.
"""

import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.domain.overview import Curve, Slot, Tally

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FONT: Final = "DejaVu Sans"
"""Matplotlib's own, with every Vietnamese letter; texts are measured by it."""
FONTS_OF_READERS: Final = "'DejaVu Sans', Arial, 'Liberation Sans', 'Noto Sans', sans-serif"
"""What a reader's machine shows in its place; those that it has are no wider."""
INK: Final = "#1d2733"
CURVES: Final[tuple[dict[str, Any], ...]] = (
    {"color": "#0b3d91", "linewidth": 2.6, "linestyle": "-"},
    {"color": "#8a4b00", "linewidth": 1.8, "linestyle": (0, (6, 3))},
    {"color": "#4d4d4d", "linewidth": 1.8, "linestyle": (0, (1, 2))},
)
"""Of this cycle, of the last one, of that of last year: told apart by the stroke, not by the colour alone."""
BARS: Final[dict[Slot, dict[str, Any]]] = {
    Slot.IN_TIME: {"color": "#e3f0e6", "hatch": ""},
    Slot.ANSWERED_LATE: {"color": "#f4dfa8", "hatch": "//"},
    Slot.HELD: {"color": "#cfe0f5", "hatch": ".."},
    Slot.AWAITED: {"color": "#ffffff", "hatch": ""},
    Slot.MISSING: {"color": "#7d1a14", "hatch": ""},
}
_IDS: Final = re.compile(r'(\bid="|url\(#|xlink:href="#)')
_WITHOUT: Final = re.compile(r"<metadata>.*?</metadata>|<\?xml.*?\?>|<!DOCTYPE.*?>", flags=re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartWords:
    """What stands on and beside a chart; `title` and `description` are for those who cannot see it."""

    name: str
    """A word of the letters a to z and dashes, different for each chart of a page."""
    title: str
    description: str
    across: str = ""
    up: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One cycle among others: its name, and how its duties lie."""

    label: str
    tally: Tally


def draw_curves(curves: Sequence[Curve], labels: Sequence[str], last_day: str, words: ChartWords) -> str:
    """Return the progress of a cycle beside that of others, each curve with its name at its end."""
    figure, axes = _paper(height=3.5)
    for curve, label, style in zip(curves, labels, CURVES, strict=False):
        days = [day for day, _ in curve.points]
        shares = [share for _, share in curve.points]
        axes.plot(days, shares, label=label, drawstyle="steps-post", **style)
        if days:
            axes.plot(days[-1:], shares[-1:], marker="o", color=style["color"], markersize=5)
    axes.axvline(0, color=INK, linewidth=1)
    axes.annotate(last_day, (0, 101.5), ha="center", va="bottom", fontsize=10, color=INK, annotation_clip=False)
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_xlabel(words.across)
    axes.set_ylabel(words.up)
    axes.grid(axis="y", color="#c9d1db", linewidth=0.7)
    axes.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="#c9d1db", fontsize=10, handlelength=3.2)
    return _svg(figure, words)


def draw_bars(bars: Sequence[Bar], labels: dict[Slot, str], words: ChartWords) -> str:
    """Return cycles side by side, each a bar of a hundred per cent parted by how its duties lie."""
    figure, axes = _paper(height=1.7 + 0.36 * max(2, len(bars)))
    places = range(len(bars))
    left = [0.0] * len(bars)
    for slot, style in BARS.items():
        shares = [100 * bar.tally[slot] / max(1, bar.tally.n - bar.tally[Slot.WAIVED]) for bar in bars]
        axes.barh(places, shares, left=left, label=labels[slot], edgecolor=INK, linewidth=0.7, height=0.62, **style)
        left = [start + share for start, share in zip(left, shares, strict=True)]
    axes.set_yticks(list(places), [bar.label for bar in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(words.across)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9, handlelength=1.5, columnspacing=1)
    return _svg(figure, words)


def _paper(*, height: float) -> "tuple[Figure, Axes]":
    """Return an empty figure with one pair of axes; without pyplot, which keeps every figure for ever."""
    from matplotlib import rc_context  # noqa: PLC0415 - see the head of this module
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context(_look()):
        figure = Figure(figsize=(8.2, height), layout="constrained")
        axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _look() -> Any:
    """Return the settings of a drawing; Matplotlib spells out each of their names, which change with its versions."""
    return {
        "svg.fonttype": "none",
        "font.family": FONT,
        "font.size": 11,
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "hatch.linewidth": 0.6,
    }


def _svg(figure: "Figure", words: ChartWords) -> str:
    """Return a drawing to be put into a page: named for screen readers, its marks named apart from other drawings'."""
    from matplotlib import rc_context  # noqa: PLC0415 - see the head of this module

    drawn = io.StringIO()
    with rc_context(_look() | {"svg.hashsalt": words.name}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = _WITHOUT.sub("", drawn.getvalue()).strip()
    svg = _IDS.sub(lambda found: f"{found[1]}{words.name}-", svg)
    svg = svg.replace(f"'{FONT}'", FONTS_OF_READERS)
    viewbox = re.search(r'viewBox="[^"]*"', svg)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{viewbox[0] if viewbox else ""} role="img" aria-labelledby="{words.name}-t {words.name}-d">'
        f'<title id="{words.name}-t">{html.escape(words.title)}</title>'
        f'<desc id="{words.name}-d">{html.escape(words.description)}</desc>'
    )
    return re.sub(r"<svg\b.*?>", lambda _: head, svg, count=1, flags=re.DOTALL) + "\n"
