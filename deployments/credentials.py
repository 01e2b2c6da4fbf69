"""Keeps the password of the home's Prefect server, made up at the first start, in a file for its owner's eyes only."""

import os
import secrets
from pathlib import Path
from typing import Final

USER: Final = "dondoc"
OCTETS_OF_PASSWORD: Final = 18
OWNER_ONLY: Final = 0o600


def password_file(home: Path) -> Path:
    """Return where the words lie that the pages of the home ask for: `user:password` on one line."""
    return home / "prefect" / "password"


def credentials_of(home: Path) -> str:
    """Return the words `user:password`; the very first time they are made up, once for all who ask at that moment."""
    path = password_file(home)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_up(path)
    return path.read_text("ascii").strip()


def _make_up(path: Path) -> None:
    made = path.with_name(f".{path.name}.{os.getpid()}.part")
    made.touch(mode=OWNER_ONLY)
    made.write_text(f"{USER}:{secrets.token_urlsafe(OCTETS_OF_PASSWORD)}\n", "ascii")
    try:
        os.link(made, path)
    except FileExistsError:
        pass  # another process was quicker, and its words hold
    finally:
        made.unlink()
