"""Knows what the subject of a letter calls a cycle, so that no two cycles go by one name."""

from typing import Final

from models.domain.cycles import Cycle, followed_obligation
from models.domain.plan import Obligation, Programme
from tasks.adapters.texts import Texts

LONGEST_SHORT_TITLE: Final = 40


def short_title(cycle: Cycle, obligation: Obligation, programme: Programme, texts: Texts) -> str:
    """Return the short title of a cycle.

    Of several tasks under one clause each goes by its own title, and what follows another report names that one.
    """
    if cycle.content and not cycle.has_form and len(cycle.title) <= LONGEST_SHORT_TITLE:
        return cycle.title
    followed = followed_obligation(programme, obligation, cycle)
    if followed is not None:
        after = f"{followed.short_title} {cycle.year}"
        return texts.say("letter.short_title_after", title=obligation.short_title, after=after)
    return f"{obligation.short_title} {cycle.year}"
