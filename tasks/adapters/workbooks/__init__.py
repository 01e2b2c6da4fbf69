"""The form as a workbook, both ways: stamped for a unit; guarded, read and marked when it comes back."""

from models.domain.forms import FormWords
from tasks.adapters.texts import Texts

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STAMP_SHEET = "_dondoc"
STAMP_MARK = "dondoc"
"""Stands in the first cell of the hidden sheet, by which the sheet is known whatever it is called."""
STAMP_KEYS = ("unit_code", "cycle_code", "form_code", "form_version", "token")


def form_words(texts: Texts) -> FormWords:
    """Return the words of a form's own cells as the templates have them."""
    return FormWords(
        yes=texts.say("form.words.yes"),
        no=texts.say("form.words.no"),
        actual=texts.say("form.words.actual"),
        estimate=texts.say("form.words.estimate"),
        headings={name: texts.say(f"form.column.{name}") for name in ("value", "estimate", "note")},
        multipliers=tuple(word.strip() for word in texts.say("form.words.multipliers").split(",")),
    )
