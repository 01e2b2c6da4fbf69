"""Writes the pages of the status board into a folder that needs no server: whole or not at all, and only what is new.

The folder keeps a list of what each page was made from. A page whose facts are the same is not made again, and a page
that nothing stands behind any more is taken away; whatever else lies in the folder is left alone.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.archive import write_whole
from tasks.adapters.texts import TEMPLATES, Texts

LIST_OF_PAGES: Final = ".pages.json"
MADE_BY_US: Final = frozenset({".html", ".svg"})


class BoardPages:
    """Makes a page from its template; what comes from outside is escaped."""

    def __init__(self, texts: Texts, folder: Path = TEMPLATES) -> None:
        """Read the templates of the folder's `board`."""
        self._environment = Environment(
            loader=FileSystemLoader(folder / "board"),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "say": texts.say,
            "instant": texts.instant,
            "day": texts.day,
            "day_of": lambda instant: texts.day(instant.astimezone(OFFICE_ZONE).date()),
            "label": texts.label,
            "drawing": Markup,  # our own drawings only
        }
        written = [path.read_bytes() for path in sorted((folder / "board").glob("*.j2"))]
        self.edition: Final = hashlib.sha256(b"\0".join(written)).hexdigest()
        """Changes with the templates: every page is made again then."""

    def page(self, template: str, facts: Mapping[str, object]) -> str:
        """Return a page."""
        return self._environment.get_template(f"{template}.html.j2").render(facts)


class BoardFolder:
    """The folder of the board while it is brought up to date."""

    def __init__(self, folder: Path) -> None:
        """Read what the pages that are there were made from; without that list all are made again."""
        self._folder = folder
        self._known = _read_list(folder / LIST_OF_PAGES)
        self._kept: dict[str, str] = {}
        self.n_written = 0

    def bring(self, path: str, made_from: str, make: Callable[[], str]) -> None:
        """Have a file hold what `make` returns, unless it was made from the same before and is still there."""
        digest = hashlib.sha256(made_from.encode()).hexdigest()
        self._kept[path] = digest
        if self._known.get(path) == digest and (self._folder / path).is_file():
            return
        write_whole(self._folder / path, make().encode(), is_durable=False)
        self.n_written += 1

    def has(self, path: str) -> bool:
        """Say whether a file is there."""
        return (self._folder / path).is_file()

    def read(self, path: str) -> str:
        """Return a file that was brought up to date."""
        return (self._folder / path).read_text("utf-8")

    def finish(self, is_left_alone: Callable[[str], bool]) -> int:
        """Take away the pages that were not brought up to date, write the list, and return how many went.

        `is_left_alone` says of a page, by its path below the folder, whether it is none of this run's business.
        """
        gone = [path for path in self._ours() if path not in self._kept and not is_left_alone(path)]
        for path in gone:
            (self._folder / path).unlink(missing_ok=True)
        for folder in {(self._folder / path).parent for path in gone} - {self._folder}:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        others = {path: digest for path, digest in self._known.items() if path not in gone}
        listed = json.dumps(others | self._kept, indent=0, sort_keys=True)
        write_whole(self._folder / LIST_OF_PAGES, listed.encode())
        return len(gone)

    def _ours(self) -> list[str]:
        """Return every page below the folder that has the look of one of ours: at most one folder deep."""
        found = [*self._folder.glob("*"), *self._folder.glob("*/*")]
        paths = [path for path in found if path.suffix in MADE_BY_US and path.is_file()]
        return sorted(str(PurePosixPath(path.relative_to(self._folder))) for path in paths)


def _read_list(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in known.items()} if isinstance(known, dict) else {}
