"""Puts pages and tables into Prefect's artifacts: under keys that stay, with a summary, and never larger than it shows.

The page of a key shows the newest summary, so what an operator must see at once stands there. Prefect's table takes
3 seconds to show 300 rows, 37 seconds for 2,000, and never shows 10,000.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

from prefect.artifacts import Artifact, create_markdown_artifact, create_table_artifact

ROWS_SHOWN: Final = 300


def artifact_key(kind: str, code: str) -> str:
    """Return a key that Prefect takes: small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{code}".lower()).strip("-")


def show_table(key: str, rows: Iterable[dict[str, str]], *, total: int, summary: str, cut: str) -> None:
    """Show the first rows, and make no more; where the total is greater, `cut` says so, and where all of them are."""
    description = f"{summary}\n\n{cut}" if total > ROWS_SHOWN else summary
    create_table_artifact(key=key, table=list(islice(rows, ROWS_SHOWN)), description=description)


def show_page(key: str, page: str, *, summary: str = "") -> None:
    """Show a page in Markdown, with what its card says of it: its own first line, unless something else is given."""
    heading = page.partition("\n")[0].lstrip("# ")
    create_markdown_artifact(key=key, markdown=page, description=summary or heading)


def is_shown(key: str) -> bool:
    """Say whether the pages have anything under a key yet."""
    return Artifact.get(key) is not None
