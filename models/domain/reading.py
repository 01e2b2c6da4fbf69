"""Reads single cells strictly: what needs no guess becomes a figure, the rest a trouble with a code; it knows no rules.

Figures are whole numbers, money is in đồng. "1.234" is either 1234 or 1,234 and is asked back (domain report, §6).
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Final

from models.domain.forms import FormWords
from models.domain.vietnamese import comparison_key, tidy, tidy_lines

MAX_AMOUNT: Final = 10**15
"""The largest figure a spreadsheet holds to the last digit, and more than any unit reports."""
MAX_TEXT_LENGTH: Final = 32_767
"""The longest text one cell of a workbook holds; a longer one would be cut when it is written."""
MAX_SHOWN_LENGTH: Final = 60

_PLAIN: Final = re.compile(r"\+?\d+")
_AMBIGUOUS: Final = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_GROUPED: Final = re.compile(
    r"(?P<whole>\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?:\.\d{3})+(?=,)|\d{1,3}(?: \d{3})+|\d+(?=,))(?:,(?P<fraction>\d+))?"
    r"|(?P<english_whole>\d{1,3}(?:,\d{3}){2,}|\d{1,3}(?:,\d{3})+(?=\.)|\d+(?=\.))(?:\.(?P<english_fraction>\d+))?"
)
_NEGATIVE: Final = re.compile(r"[-\u2212\u2013]\s*\d")
_DIGIT: Final = re.compile(r"\d")
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED_RETURN: Final = "_x000D_"


class Trouble(StrEnum):
    """Why a cell that should hold a figure cannot be read; the value is the code of the finding."""

    AMBIGUOUS = "ambiguous_number"
    NOT_WHOLE = "not_whole"
    NEGATIVE = "negative"
    TOO_LARGE = "too_large"
    PERCENT = "percent"
    SCALED = "scaled_number"
    WORDS = "words_for_number"
    NOT_A_NUMBER = "not_a_number"
    DATE = "date_for_number"
    BOOLEAN = "boolean_for_number"


def is_blank(value: object) -> bool:
    """Say whether a cell holds nothing that can be seen."""
    return value is None or (isinstance(value, str) and not tidy(value))


def read_amount(value: object, *, measure: str, words: FormWords) -> int | Trouble:
    """Return the whole number of 0 to 10^15 in a cell, or why there is none.

    A text may end with the field's own unit of measure ("1.500.000 đồng"), and may group its digits where that leaves
    no doubt.
    """
    match value:
        case bool():
            return Trouble.BOOLEAN
        case int() | float():
            return _from_number(value)
        case date() | time() | timedelta():
            return Trouble.DATE
        case str():
            return _from_text(value, measure, words)
        case _:
            return Trouble.NOT_A_NUMBER


def read_answer(value: object, answers: Sequence[str]) -> str | None:
    """Return the one of the answers that a cell gives, in the form's own spelling; None when it is none of them.

    Capitals, the place of the tone mark and missing accents make no difference; a ticked box is the first answer.
    """
    if isinstance(value, bool):
        return answers[0] if value else answers[-1]
    given = comparison_key(shown(value))
    exact = [answer for answer in answers if comparison_key(answer) == given]
    alike = exact or [answer for answer in answers if _without_accents(answer) == given]
    return alike[0] if len(alike) == 1 else None


def read_text(value: object) -> tuple[str, bool, bool]:
    """Return a cell's text as it is kept, whether signs were removed from it, and whether it was cut."""
    if value is None:
        return "", False, False
    raw = value.replace(_ESCAPED_RETURN, "\n") if isinstance(value, str) else shown(value)
    is_one_line = raw.isprintable()
    cleaned = raw if is_one_line else _FORBIDDEN.sub("", raw)
    text = tidy(cleaned) if is_one_line else tidy_lines(cleaned)
    return text[:MAX_TEXT_LENGTH], cleaned != raw, len(text) > MAX_TEXT_LENGTH


def shown(value: object) -> str:
    """Return what a person sees in a cell, as one line of at most 60 characters when it is text."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return str(int(value)) if value.is_integer() else f"{value:.6g}".replace(".", ",")
        case date():
            return f"{value.day:02}/{value.month:02}/{value.year}"
        case _:
            return _shortened(tidy(_FORBIDDEN.sub("", str(value))))


def grouped(amount: int) -> str:
    """Return a whole number as a Vietnamese office writes it: 1.234.567."""
    return f"{amount:,}".replace(",", ".")


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_LENGTH else f"{text[:MAX_SHOWN_LENGTH].rstrip()}…"


def _from_number(value: float) -> int | Trouble:
    if not math.isfinite(value):
        return Trouble.NOT_A_NUMBER
    if value < 0:
        return Trouble.NEGATIVE
    if value > MAX_AMOUNT:
        return Trouble.TOO_LARGE
    return int(value) if value == int(value) else Trouble.NOT_WHOLE


def _from_text(value: str, measure: str, words: FormWords) -> int | Trouble:
    text = comparison_key(value)
    own_measure = comparison_key(measure)
    if own_measure and text.endswith(own_measure):
        text = text.removesuffix(own_measure).strip()
    if "%" in text:
        return Trouble.PERCENT
    if not _DIGIT.search(text):
        return Trouble.WORDS
    if any(comparison_key(word) in text.split() or _ends_in(text, comparison_key(word)) for word in words.multipliers):
        return Trouble.SCALED
    if _NEGATIVE.match(text):
        return Trouble.NEGATIVE
    return _from_digits(text)


def _ends_in(text: str, word: str) -> bool:
    return text.endswith(word) and text.removesuffix(word)[-1:].isdigit()


def _from_digits(text: str) -> int | Trouble:
    if _AMBIGUOUS.fullmatch(text):
        return Trouble.AMBIGUOUS
    if _PLAIN.fullmatch(text):
        # A string of thousands of digits is refused before Python is asked to make a number of it.
        return _from_number(int(text)) if len(text) <= MAX_SHOWN_LENGTH else Trouble.TOO_LARGE
    grouped = _GROUPED.fullmatch(text)
    if grouped is None:
        return Trouble.NOT_A_NUMBER
    if (grouped["fraction"] or grouped["english_fraction"] or "").strip("0"):
        return Trouble.NOT_WHOLE
    digits = re.sub(r"\D", "", grouped["whole"] or grouped["english_whole"])
    return _from_number(int(digits)) if len(digits) <= MAX_SHOWN_LENGTH else Trouble.TOO_LARGE


def _without_accents(text: str) -> str:
    letters = unicodedata.normalize("NFD", comparison_key(text).replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
