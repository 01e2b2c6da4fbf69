"""Says in Vietnamese what a new roster changes of a row, by the titles of the workbook's columns."""

from dataclasses import fields
from datetime import date
from enum import StrEnum
from typing import Final

from models.domain.roster import Contact, Member, RosterChange, Unit
from models.domain.succession import Relation
from tasks.adapters.programme.roster_file import titles_of_sheets
from tasks.adapters.texts import Texts

SHEETS: Final = {Unit: "units", Contact: "contacts", Member: "members", Relation: "relations"}
SAID_BY_THE_CODE: Final = frozenset({"code", "unit_code"})


def change_in_words(change: RosterChange, texts: Texts) -> str:
    """Return what a row says, or for a changed row each column with what it was and what it becomes."""
    titles = titles_of_sheets()
    row = change.after or change.before
    if row is None:
        return ""
    sheet = SHEETS[type(row)]
    parts = []
    for field in fields(row):
        title = titles.get(f"{sheet}.{field.name}")
        if title is None or field.name in SAID_BY_THE_CODE:
            continue
        value = getattr(row, field.name)
        if change.before is None or change.after is None:
            if value:
                parts.append(f"{title}: {_said(value, texts)}")
        elif getattr(change.before, field.name) != value:
            was = _said(getattr(change.before, field.name), texts)
            parts.append(f"{title}: {was} → {_said(value, texts)}")
    return "; ".join(parts)


def _said(value: object, texts: Texts) -> str:
    if value in (None, "", ()):
        return "–"
    if isinstance(value, date):
        return texts.day(value)
    if isinstance(value, StrEnum):
        return texts.label(value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)
