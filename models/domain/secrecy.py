"""Knows a marking of secrecy when it stands as one: alone in its line, in brackets, or behind its label.

"Mật khẩu", "mật độ", "bảo mật" hold the same syllable and are none. The words come in as data.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.domain.vietnamese import comparison_key, tidy

LINES_OF_HEAD: Final = 60
_SEPARATORS: Final = re.compile(r"[\[\](){}<>|:;,\u2013\u2014/\\*_\"\u201c\u201d]+|\.\s|\s-+\s|\s{3,}|\t")
_FRAME: Final = " \t*-_=[](){}<>|.:;\"'\u201c\u201d"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecrecyWords:
    """The markings that the law names, and the words that may stand before one ("độ mật")."""

    markings: tuple[str, ...]
    labels: tuple[str, ...]


def marking_in_title(title: str, words: SecrecyWords) -> str:
    """Return the marking in a subject or a file's name, as the words have it; empty when there is none."""
    pieces = (piece for piece in _SEPARATORS.split(tidy_keeping_gaps(title)))
    return next((found for piece in pieces if (found := _marking(piece, words))), "")


def marking_in_lines(lines: Iterable[str], words: SecrecyWords) -> str:
    """Return the marking among the first lines of a text: in capitals alone in its line, or behind its label."""
    for number, line in enumerate(lines):
        if number >= LINES_OF_HEAD:
            break
        for piece in re.split(r"\s{3,}|\t", line):
            found = _labelled(piece, words) or (_marking(piece, words) if piece.upper() == piece else "")
            if found:
                return found
    return ""


def tidy_keeping_gaps(text: str) -> str:
    """Return text in one spelling, wide gaps kept: they divide what stands side by side."""
    return "   ".join(tidy(piece) for piece in re.split(r"\s{3,}|\t", text))


def _labelled(piece: str, words: SecrecyWords) -> str:
    label, colon, rest = piece.partition(":")
    is_label = comparison_key(label.strip(_FRAME)) in {comparison_key(word) for word in words.labels}
    return _marking(rest, words) if colon and is_label else ""


def _marking(piece: str, words: SecrecyWords) -> str:
    key = comparison_key(piece.strip(_FRAME))
    return next((marking for marking in words.markings if comparison_key(marking) == key), "") if key else ""
