"""Says who on the distribution list gets a result in which letter, and which cycles are reported upward by it."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from models.domain.calendar import AfterCycle
from models.domain.cycles import Cycle, cycles_of_years
from models.domain.plan import Obligation, Programme, Recipient
from models.domain.vocabulary import RecipientRole


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLetter:
    """One letter to be written: to whom, and who gets a copy of it."""

    to: Recipient
    copies: tuple[Recipient, ...] = ()

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """All of them, the one it is addressed to first."""
        return (self.to, *self.copies)


def recipients_of(programme: Programme, obligation_code: str, *, is_automatic: bool) -> tuple[Recipient, ...]:
    """Return who gets the obligation's results: by themselves, or only when an operator sends them."""
    return tuple(
        recipient
        for recipient in programme.distribution
        if obligation_code in recipient.obligations and recipient.is_automatic is is_automatic
    )


def result_letters(recipients: Iterable[Recipient], reached: AbstractSet[str]) -> tuple[ResultLetter, ...]:
    """Return the letters that are still to be written; `reached` are the addresses that have the edition, lower case.

    Each recipient that is addressed gets a letter; whoever gets a copy gets that of the first of these, or a letter of
    its own where there is none. An address is written to once, however often the list names it.
    """
    left: dict[str, Recipient] = {}
    for recipient in sorted(recipients, key=lambda each: each.role is RecipientRole.COPY):
        if recipient.email.lower() not in reached:
            left.setdefault(recipient.email.lower(), recipient)
    addressed = [each for each in left.values() if each.role is RecipientRole.TO]
    copies = tuple(each for each in left.values() if each.role is RecipientRole.COPY)
    if not addressed:
        return tuple(ResultLetter(to=each) for each in copies)
    first, *others = addressed
    return (ResultLetter(to=first, copies=copies), *(ResultLetter(to=each) for each in others))


def cycles_reporting_upward(programme: Programme, cycle: Cycle) -> tuple[Cycle, ...]:
    """Return the cycles of other obligations that follow this one: its result, signed and sent, is their answer."""
    planned = [
        each
        for obligation in programme.obligations
        if _follows(obligation, cycle.obligation_code)
        for each in cycles_of_years(programme, obligation, first_year=cycle.year, last_year=cycle.year)
        if each.code == obligation.cycle_code.format(after=cycle.code)
    ]
    return tuple(planned)


def _follows(obligation: Obligation, followed: str) -> bool:
    rules: Sequence[object] = [rule.due for rule in obligation.rules]
    return any(isinstance(due, AfterCycle) and followed in due.obligations for due in rules)
