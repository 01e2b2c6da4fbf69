"""Turns text typed in a TCVN3 (ABC) font such as .VnTime into Unicode; it knows the 74 letters and no file format.

In such a font the letters of Vietnamese lie on the code points of Latin-1, so the text is gibberish without the font.
"""

import unicodedata
from typing import Final

_CAPITALS: Final = dict(zip(range(0xA1, 0xA8), "ĂÂÊÔƠƯĐ", strict=True))
_PLAIN: Final = dict(zip(range(0xA8, 0xAF), "ăâêôơưđ", strict=True))
_TONES: Final = ("\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
"""Huyền, hỏi, ngã, sắc, nặng: the order in which the code lays out a vowel's tones."""
_TONED_VOWELS: Final = (
    ("a", (0xB5, 0xB6, 0xB7, 0xB8, 0xB9)),
    ("ă", (0xBB, 0xBC, 0xBD, 0xBE, 0xC6)),
    ("â", (0xC7, 0xC8, 0xC9, 0xCA, 0xCB)),
    ("e", (0xCC, 0xCE, 0xCF, 0xD0, 0xD1)),
    ("ê", (0xD2, 0xD3, 0xD4, 0xD5, 0xD6)),
    ("i", (0xD7, 0xD8, 0xDC, 0xDD, 0xDE)),
    ("o", (0xDF, 0xE1, 0xE2, 0xE3, 0xE4)),
    ("ô", (0xE5, 0xE6, 0xE7, 0xE8, 0xE9)),
    ("ơ", (0xEA, 0xEB, 0xEC, 0xED, 0xEE)),
    ("u", (0xEF, 0xF1, 0xF2, 0xF3, 0xF4)),
    ("ư", (0xF5, 0xF6, 0xF7, 0xF8, 0xF9)),
    ("y", (0xFA, 0xFB, 0xFC, 0xFD, 0xFE)),
)
LETTERS: Final = {
    **_CAPITALS,
    **_PLAIN,
    **{
        code: unicodedata.normalize("NFC", vowel + tone)
        for vowel, codes in _TONED_VOWELS
        for code, tone in zip(codes, _TONES, strict=True)
    },
}
"""Code point in a TCVN3 font -> the Vietnamese letter it shows."""
_FONT_PREFIX: Final = ".vn"
_VIETNAMESE: Final = {letter for small in LETTERS.values() for letter in (small, small.upper())}
_TELLTALE: Final = frozenset(map(chr, LETTERS)) - _VIETNAMESE
"""Signs that no Vietnamese word holds, and that such a font shows as letters."""
_N_TELLING: Final = 2
"""A single sign that is no letter may be a trade mark."""


def is_tcvn3_font(name: str) -> bool:
    """Say whether a font's name is one of the TCVN3 family, such as `.VnTime` or `.VnArialH`."""
    return name.lower().startswith(_FONT_PREFIX)


def looks_like_tcvn3(text: str) -> bool:
    """Say whether a text whose font is unknown was typed in such a font, by the signs beside its letters."""
    telling = [
        sign
        for n, sign in enumerate(text)
        if sign in _TELLTALE and (text[max(n - 1, 0) : n].isalpha() or text[n + 1 : n + 2].isalpha())
    ]
    return any(sign.isalpha() for sign in telling) or len(telling) >= _N_TELLING


def from_tcvn3(text: str, *, font: str) -> str:
    """Return the text as Unicode; a font whose name ends in H shows every letter as a capital."""
    converted = text.translate(LETTERS)
    return converted.upper() if font.endswith("H") else converted
