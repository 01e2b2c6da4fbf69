"""Finds a unit from what somebody wrote: exactly, or not at all; what merely resembles is only proposed to a person.

Compared are composed, tone-normalised names without the words that stand before them ("UBND xã", "BCĐ"). Accents are
never dropped: Phương Sơn and Phượng Sơn are two communes. A kind that is written must be the unit's, and a parent, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from models.domain.vietnamese import comparison_key

N_PROPOSED = 3
RESEMBLANCE = 0.75
"""From 0 to 1; below it two names have nothing to do with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameWords:
    """Words that stand before a name, as people write them; all are compared by `comparison_key`."""

    bodies: Sequence[str] = ()
    """Of which body of a place it is: they say nothing about which place."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """By what may be written, short or long, the kind of place that it means."""
    _bodies: tuple[str, ...] = field(init=False, repr=False)
    _kinds: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Keep the keys by which words are compared, the longest first."""
        bodies = sorted(map(comparison_key, self.bodies), key=len, reverse=True)
        kinds = {comparison_key(written): comparison_key(meant) for written, meant in self.kinds.items()}
        object.__setattr__(self, "_bodies", tuple(bodies))
        object.__setattr__(self, "_kinds", dict(sorted(kinds.items(), key=lambda pair: len(pair[0]), reverse=True)))

    def removed_from(self, key: str) -> tuple[str, str]:
        """Return the kind that a name's key begins with, empty when it says none, and what is left of it."""
        body = next((each for each in self._bodies if _stands_before(each, key)), "")
        key = key[len(body) :].strip()
        written = next((each for each in self._kinds if _stands_before(each, key)), "")
        return self._kinds.get(written, ""), key[len(written) :].strip()


NO_WORDS = NameWords()


@dataclass(frozen=True, slots=True)
class WrittenName:
    """A name taken apart: kind, bare name, and the parent it is said to belong to; empty where nothing is said."""

    kind: str
    bare: str
    parent: str = ""


def take_apart(text: str, words: NameWords) -> WrittenName:
    """Return the parts of "UBND xã Đồng Tiến (huyện Yên Thế)" or "xã Đồng Tiến, Yên Thế", each as a comparison key."""
    head, _, rest = text.replace("(", ",", 1).rstrip(") ").partition(",")
    kind, bare = words.removed_from(comparison_key(head))
    return WrittenName(kind=kind, bare=bare, parent=words.removed_from(comparison_key(rest))[1])


def proposals(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that most resemble a text, the nearest first: for a person to choose from, never to act on."""
    by_key = {comparison_key(name): name for name in names}
    found = get_close_matches(comparison_key(text), list(by_key), n=N_PROPOSED, cutoff=RESEMBLANCE)
    return tuple(by_key[key] for key in found)


def _stands_before(word: str, key: str) -> bool:
    return key.startswith(word) and (word.endswith(".") or key[len(word) :].startswith(" ")) and key != word
