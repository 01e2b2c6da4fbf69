"""Keeps a question answered: which figure it is about, what explained it, and which questions are still open.

A question is about a figure as it stands: the same figure in a later version is not asked about again, another one is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.domain.forms import Finding
from models.domain.vocabulary import FindingLevel

ALL_OF_THEM = 0
"""The number of a reply's explanation that is meant for every question of the letter."""


class QuestionKey(NamedTuple):
    """What makes two questions the same one: its kind, the field or section, and the figure as it was shown."""

    code: str
    """Empty for what a note beside the figure explains: whatever may be asked about it."""
    subject: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a unit said to one question; `label` is the field or section as people read it."""

    key: QuestionKey
    label: str
    text: str


def key_of(question: Finding) -> QuestionKey:
    """Return by what a question is known again."""
    facts = dict(question.facts)
    return QuestionKey(question.code, facts.get("field") or label_of(question), facts.get("value", ""))


def still_asked(findings: Iterable[Finding], explained: Mapping[QuestionKey, str]) -> tuple[Finding, ...]:
    """Return the findings with each question that was answered before turned into a note of its answer."""
    return tuple(_noted(item, text) if (text := explanation_of(item, explained)) else item for item in findings)


def explanation_of(item: Finding, explained: Mapping[QuestionKey, str]) -> str:
    """Return what explains a question; empty when nothing does, or when it is none."""
    if item.level is not FindingLevel.QUESTION:
        return ""
    key = key_of(item)
    return explained.get(key) or explained.get(key._replace(code=""), "")


def questions_in(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the questions in the order in which a letter numbers them."""
    return tuple(item for item in findings if item.level is FindingLevel.QUESTION)


def answers_to(asked: Sequence[Finding], given: Sequence[tuple[int, str]]) -> tuple[Explanation, ...]:
    """Return the explanations that a reply gives to the questions of a letter, numbered from 1 as the letter does.

    Empty when there was no question, or when the reply names a number that the letter has not: a person reads it then.
    """
    if any(not ALL_OF_THEM <= number <= len(asked) for number, _ in given):
        return ()
    texts: dict[int, str] = {}
    for number, text in given:
        places = range(1, len(asked) + 1) if number == ALL_OF_THEM else (number,)
        texts |= dict.fromkeys(places, text)
    return tuple(
        Explanation(key=key_of(asked[place - 1]), label=label_of(asked[place - 1]), text=text)
        for place, text in sorted(texts.items())
    )


def label_of(question: Finding) -> str:
    """Return the field or section that a question is about, as people read it."""
    facts = dict(question.facts)
    return facts.get("label") or facts.get("field") or facts.get("title", "")


def _noted(question: Finding, text: str) -> Finding:
    value = dict(question.facts).get("value", "")
    facts = (("label", label_of(question)), ("value", value), ("text", text))
    code = "figure_explained" if value else "section_explained"
    return Finding(code=code, level=FindingLevel.NOTE, sheet=question.sheet, cell=question.cell, facts=facts)
