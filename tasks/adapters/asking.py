"""Knows in which words a duty is asked for, and how it is answered; the facts of the duty decide, never its code."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

from models.domain.vocabulary import ObligationKind, Paper
from tasks.adapters.texts import Texts


class Asked(StrEnum):
    """What a letter asks for: something to be sent (the first four), or something to be done."""

    REPORT = "report"
    ESTIMATE = "estimate"
    """A budget is asked for."""
    EXPLANATION = "explanation"
    """A unit under inspection fills the outline."""
    PLAN = "plan"
    WORK = "work"
    """A milestone of the plan that someone carries out."""
    TASK = "task"
    """A line of an annex, or whatever else a person has set."""
    REMEDY = "remedy"
    """What is to be put right after an inspection."""
    MIXED = "mixed"
    """Several of these in one letter."""


SENT_PAPERS: Final = {Paper.REPORT: Asked.REPORT, Paper.ESTIMATE: Asked.ESTIMATE}
DONE_RATHER_THAN_SENT = frozenset({Asked.WORK, Asked.TASK, Asked.REMEDY, Asked.MIXED})


class AskedDuty(Protocol):
    """The facts by which a duty's way of answering is told."""

    @property
    def kind(self) -> ObligationKind:
        """Kind of its obligation."""

    @property
    def asks_for_form(self) -> bool:
        """It is answered with a form."""

    @property
    def has_form(self) -> bool:
        """Its form goes with the letter."""

    @property
    def required(self) -> tuple[str, ...]:
        """Titles of the documents that must come."""

    @property
    def is_settled_by_word(self) -> bool:
        """A line of reply that says on which day it was done settles it."""


def asked_by(kind: ObligationKind, *, paper: Paper, asks_for_form: bool, content: str) -> Asked:
    """Return what is asked for by an obligation of the kind; `content` is what a person set as a task, if anyone did.

    A form that no inspection asks for is a report's; a task of an inspection without form is a remedy.
    """
    if asks_for_form and kind is ObligationKind.INSPECTION:
        return Asked.EXPLANATION
    if asks_for_form or kind is ObligationKind.REPORT:
        return SENT_PAPERS[paper]
    if kind is ObligationKind.ANNUAL_PLAN:
        return Asked.PLAN
    if content:
        return Asked.REMEDY if kind is ObligationKind.INSPECTION else Asked.TASK
    return Asked.WORK


def asked_together(asked: Sequence[Asked]) -> Asked:
    """Return in which words several duties are spoken of at once."""
    return asked[0] if len(set(asked)) == 1 else Asked.MIXED


def how_to_answer(duty: AskedDuty, asked: Asked, texts: Texts) -> str:
    """Return how the duty is answered: with which file, documents or line of reply."""
    enclosures = enclosures_of(duty, texts)
    word = texts.say(f"letter.chase.word.{'held' if duty.kind is ObligationKind.MILESTONE else 'done'}")
    if duty.asks_for_form:
        way = "outline" if asked is Asked.EXPLANATION else "form"
        return texts.say(f"letter.chase.how.{way}{'' if duty.has_form else '_again'}", enclosures=enclosures)
    if duty.required and duty.is_settled_by_word:
        return texts.say("letter.chase.how.documents_or_word", enclosures=enclosures, word=word)
    if duty.required:
        return texts.say("letter.chase.how.documents", enclosures=enclosures)
    return (
        texts.say("letter.chase.how.word", word=word) if duty.is_settled_by_word else texts.say("letter.chase.how.any")
    )


def enclosures_of(duty: AskedDuty, texts: Texts) -> str:
    """Return what is to be attached to the answer, in one row of words."""
    filled = "outline" if duty.kind is ObligationKind.INSPECTION else "form"
    titles = [*([texts.say(f"letter.chase.filled_{filled}")] if duty.asks_for_form else []), *duty.required]
    if len(titles) == 2:  # noqa: PLR2004 - a pair is joined by a word
        return texts.say("letter.chase.pair", one=titles[0], other=titles[1])
    return "; ".join(titles)
