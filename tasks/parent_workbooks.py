"""Knows where the workbook of a parent's own children lies, beside the whole one of the same edition."""

from pathlib import PurePosixPath

from models.db.records.editions import StoredEdition

FOLDER = "cap-tren"


def workbook_of_parent(edition: StoredEdition, parent_code: str) -> str:
    """Return the path below the home."""
    whole = PurePosixPath(edition.workbook)
    return str(whole.parent / FOLDER / f"{whole.stem}-{parent_code}{whole.suffix}")
