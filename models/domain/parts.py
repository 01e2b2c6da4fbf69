"""Divides an arrival that brings the forms of several duties: each form with the documents that are plainly its own.

A document is put to a form by where it lay (the same forwarded mail, archive or folder), else by its name. One that
neither tells is nobody's, however many there are: a signed copy of one report must never be credit for another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from models.domain.vietnamese import plain_words
from models.domain.vocabulary import Outcome

WORST_FIRST: Final = (Outcome.QUARANTINED, Outcome.RETURNED, Outcome.ACCEPTED, Outcome.IGNORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file as it lay in an arrival."""

    name: str
    place: tuple[str, ...] = ()
    """The mail within the mail, the archive and the folders that it lay in, outermost first; empty on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPiece:
    """A form of an arrival with several, and what the documents that go with it may be called."""

    piece: Piece
    names: tuple[str, ...] = ()
    """Codes and names of its unit and its cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """By form the positions of the documents that are its own, and those that are nobody's."""

    by_form: tuple[tuple[int, ...], ...]
    untold: tuple[int, ...] = ()


def divide(documents: Sequence[Piece], forms: Sequence[FormPiece]) -> Division:
    """Return which document goes with which form. Every document is in exactly one place of the answer."""
    own: list[list[int]] = [[] for _ in forms]
    untold: list[int] = []
    for n, document in enumerate(documents):
        owner = _owner(document, forms)
        (untold if owner is None else own[owner]).append(n)
    return Division(by_form=tuple(map(tuple, own)), untold=tuple(untold))


def outcome_of_whole(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome that an arrival is filed under: that of the part which most needs somebody's work."""
    return min(outcomes, key=WORST_FIRST.index)


def _owner(document: Piece, forms: Sequence[FormPiece]) -> int | None:
    near = _nearest(document.place, forms)
    if len(near) == 1:
        return near[0]
    among = near or range(len(forms))
    called = plain_words(document.name)
    said = {n: {name for name in _names(forms[n]) if f" {name} " in f" {called} "} for n in among}
    telling = [n for n in among if said[n] - set().union(*(said[other] for other in among if other != n))]
    return telling[0] if len(telling) == 1 else None


def _nearest(place: tuple[str, ...], forms: Sequence[FormPiece]) -> list[int]:
    """Return the forms of the innermost mail, archive or folder around a document that holds any."""
    for depth in range(len(place), 0, -1):
        near = [n for n, form in enumerate(forms) if form.piece.place[:depth] == place[:depth]]
        if near:
            return near
    return []


def _names(form: FormPiece) -> set[str]:
    stem = form.piece.name.rpartition(".")[0] or form.piece.name
    return {plain for plain in map(plain_words, (stem, *form.names)) if plain}
