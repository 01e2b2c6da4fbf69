"""How Vietnamese text is compared and sorted: composed, tone-normalised, in the order of the alphabet."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

ALPHABET: Final = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
TONES: Final = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
"""No tone, then huyền, hỏi, ngã, sắc, nặng: the order of a Vietnamese dictionary."""
SIGNS: Final = " _-‐–—,;:!?.…·'‘’\"“”«»()[]{}§@*/\\&#%•`´^°©®→+±÷×<=>|~$₫€"
"""Blanks and signs as ICU sorts them: before digits, and these before letters."""
_SIGN_RANKS: Final = {sign: rank - 1000 for rank, sign in enumerate(SIGNS)}
_RANKS: Final = {letter: rank for rank, letter in enumerate(ALPHABET, start=1)}
_TONE_MARKS: Final = frozenset(TONES[1:])
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"
_SPACES: Final = re.compile(r"\s+")
_NO_WORD: Final = re.compile(r"[\W_]+")
_MANY_BREAKS: Final = re.compile(r"\n{3,}")
_LOOKALIKE_SIGNS: Final = (("\u00d0", "\u0110"), ("\u0189", "\u0110"), ("\u00f0", "\u0111"))
_NEW_STYLE_TONE: Final = re.compile(
    f"(?P<glide>[ou])(?P<vowel>[aey])(?P<tone>[{''.join(TONES[1:])}])(?![a-z\u0300-\u0323])"
)


def tidy(text: str) -> str:
    """Return text as it is stored: NFC, no invisible characters, look-alikes of Đ mended, spaces collapsed."""
    composed = unicodedata.normalize("NFC", text)
    for sign, letter in _LOOKALIKE_SIGNS:
        composed = composed.replace(sign, letter)
    # Nearly every text is printable: then it holds nothing invisible and no other blank than the plain one.
    if composed.isprintable() and "  " not in composed:
        return composed.strip()
    return storable(_SPACES.sub(" ", _INVISIBLE.sub("", composed)).strip())


def storable(text: str) -> str:
    """Return text without NUL and lone halves of surrogates: no database and no file in UTF-8 takes them all."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return _UNSTORABLE.sub(_REPLACEMENT, text)
    return text.replace("\0", _REPLACEMENT)


def tidy_lines(text: str) -> str:
    """Return a longer text as it is stored: as `tidy`, with its line breaks and paragraphs kept."""
    lines = [tidy(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return _MANY_BREAKS.sub("\n\n", "\n".join(lines)).strip()


def without_marks(text: str) -> str:
    """Return text in small letters without accents: for words of file names only, never to tell names apart."""
    decomposed = unicodedata.normalize("NFD", tidy(text).casefold().replace("đ", "d"))
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def plain_words(text: str) -> str:
    """Return the words of a file's name in small letters without accents, one blank between, whatever parted them."""
    return " ".join(_NO_WORD.sub(" ", without_marks(text)).split())


@lru_cache(maxsize=16_384)
def comparison_key(text: str) -> str:
    """Return the key under which two spellings of one name are equal: "Hoà", "HÒA" and NFD "Hòa" are one.

    The tone mark is put where the older style puts it (hòa, thúy); ư/u, i/y and accents keep their difference.
    """
    decomposed = unicodedata.normalize("NFD", tidy(text).casefold())
    moved = _NEW_STYLE_TONE.sub(_tone_on_the_glide, decomposed)
    return unicodedata.normalize("NFC", moved)


@lru_cache(maxsize=16_384)
def sort_key(text: str) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Return the key of the Vietnamese alphabet: letters first, then tones, then the text itself.

    It is the order of ICU's `vi` with capitals first, which PostgreSQL sorts by: blanks, signs, digits, letters.
    """
    ranks = [_letter_and_tone_ranks(character) for character in unicodedata.normalize("NFC", text.casefold())]
    return tuple([letter for letter, _ in ranks]), tuple([tone for _, tone in ranks]), text


@lru_cache(maxsize=4_096)
def _letter_and_tone_ranks(character: str) -> tuple[int, int]:
    """Return where a character stands among the letters, and among the tones; there are few, and they come often."""
    base, tone = _letter_and_tone(character)
    return (_RANKS.get(base, 100 + ord(base[0])) if base.isalpha() else _sign_rank(base)), tone


def _letter_and_tone(character: str) -> tuple[str, int]:
    parts = unicodedata.normalize("NFD", character)
    tone = next((TONES.index(mark) for mark in parts if mark in _TONE_MARKS), 0)
    base = unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in _TONE_MARKS))
    if base not in _RANKS and parts[0] in _RANKS:  # ü and ñ, in names from elsewhere
        return parts[0], len(TONES)
    return base, tone


def _sign_rank(sign: str) -> int:
    if sign.isdecimal():
        return int(sign) - 20
    return _SIGN_RANKS.get(" " if sign.isspace() else sign, len(SIGNS) - 1000)


def _tone_on_the_glide(match: re.Match[str]) -> str:
    glide, vowel, tone = match["glide"], match["vowel"], match["tone"]
    before = match.string[: match.start()]
    if glide == "u" and before.endswith("q"):
        return match[0]
    if (glide, vowel) in {("o", "a"), ("o", "e"), ("u", "y")}:
        return f"{glide}{tone}{vowel}"
    return match[0]
