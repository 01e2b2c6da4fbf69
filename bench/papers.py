"""Writes a table that a bench has measured into the papers that show it, between its marks."""

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAPERS = (ROOT / "bench" / "README.md", ROOT / "README.md")


def write_between(begin: str, end: str, lines: Iterable[str]) -> None:
    """Put the lines in the place of what stands between the marks."""
    written = "\n".join(lines)
    for paper in PAPERS:
        text = paper.read_text("utf-8")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        paper.write_text(f"{before}{begin}\n{written}\n{end}{after}", "utf-8")
