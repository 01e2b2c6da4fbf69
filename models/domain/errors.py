"""Errors for operators: each carries a code and its facts; its sentence is in `templates/messages/`.

A unit's mistake is never an exception: it is a `forms.Finding` with a cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath


class DondocError(Exception):
    """A problem that the operator can solve; `code` names the sentence that says how."""

    code = "error.general"

    def __init__(self, **facts: object) -> None:
        """Keep the facts that the sentence for the operator is made of."""
        super().__init__(f"{self.code}: {facts}")
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be told in another process or on another machine than the one where it was raised."""
        return _told_again, (type(self), self.args, self.__dict__)


def _told_again(kind: type[DondocError], args: tuple[object, ...], facts: dict[str, object]) -> DondocError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a programme folder: where it is, and the code of the sentence that says what to write instead."""

    file: str
    line: int
    """1-based line of a text file, 1-based row of a worksheet, 0 when the fault is of the whole file."""
    code: str
    facts: tuple[tuple[str, object], ...] = ()
    sheet: str = ""

    @classmethod
    def at(cls, file: PurePath | str, line: int, code: str, *, sheet: str = "", **facts: object) -> "Fault":
        """Return a fault; the facts are sorted so that equal faults are equal values."""
        return cls(str(file), line, code, tuple(sorted(facts.items())), sheet)


class ProgrammeInvalidError(DondocError):
    """A programme folder has faults; all of them are carried, and nothing was loaded."""

    code = "error.programme_invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Carry every fault at once."""
        super().__init__(n_faults=len(faults))
        self.faults = tuple(faults)


class UnknownObligationError(DondocError):
    """The plan has no obligation of that code."""

    code = "error.unknown_obligation"


class UnknownCycleError(DondocError):
    """No cycle of that code has been opened."""

    code = "error.unknown_cycle"


class NoChildrenError(DondocError):
    """No unit of a cycle was below that parent when it froze."""

    code = "error.no_children"


class UnknownUnitError(DondocError):
    """The roster has no unit of that code."""

    code = "error.unknown_unit"


class AggregateMismatchError(DondocError):
    """The parts of an aggregate do not add up to the whole, so nothing is written."""

    code = "error.aggregate_mismatch"


class NothingToCompileError(DondocError):
    """A cycle without expected units has no aggregate."""

    code = "error.nothing_to_compile"


class EditionInThePastError(DondocError):
    """An edition speaks about an instant before that of the newest one."""

    code = "error.edition_in_the_past"


class UnitNotExpectedError(DondocError):
    """Nothing was asked of the unit in the cycle."""

    code = "error.unit_not_expected"


class MailboxUnavailableError(DondocError):
    """The mailbox cannot be reached or refuses us."""

    code = "error.mailbox_unavailable"


class MailServerUnavailableError(DondocError):
    """The outgoing mail server cannot be reached or refuses us; what was not sent stays queued."""

    code = "error.mail_server_unavailable"


class LettersWaitingError(DondocError):
    """Letters wait in the outbox because the mail server did not take them; all else of the run was done."""

    code = "error.letters_waiting"


class NoFormError(DondocError):
    """A cycle that asks for no form has no figures to show."""

    code = "error.no_form"


class AssignmentRefusedError(DondocError):
    """A task would be due before it opens."""

    code = "error.assignment_reversed"


class AssignmentUnitsError(DondocError):
    """A task names no unit, or units that do not exist on its day."""

    code = "error.assignment_units"


class DatabaseRefusedError(DondocError):
    """The database cannot be worked with; `reason` is the code of the sentence that says why and what to do.

    No fact holds the address as it was set, for it may hold a password.
    """

    def __init__(self, reason: str, **facts: object) -> None:
        """Keep the code of the sentence with its facts."""
        super().__init__(**facts)
        self.code = f"error.database_{reason}"


class BackupRefusedError(DondocError):
    """A backup cannot be written or brought back; `reason` is the code of the sentence that says why."""

    def __init__(self, reason: str, **facts: object) -> None:
        """Keep the code of the sentence with its facts."""
        super().__init__(**facts)
        self.code = f"error.backup_{reason}"


class OtherReleaseError(DondocError):
    """This machine works with another release or another plan than the office; `reason` says which, and what to do."""

    def __init__(self, reason: str, **facts: object) -> None:
        """Keep the code of the sentence with its facts."""
        super().__init__(**facts)
        self.code = f"error.other_{reason}"


class SpreadingRefusedError(DondocError):
    """Work could not be shared out over a cluster; `reason` is the code of the sentence that says why."""

    def __init__(self, reason: str, **facts: object) -> None:
        """Keep the code of the sentence with its facts."""
        super().__init__(**facts)
        self.code = f"error.spread_{reason}"


class FileStoreRefusedError(DondocError):
    """The store of files cannot be worked with; `reason` is the code of the sentence that says why and what to do.

    No fact holds the options it was set with, for they may hold a secret.
    """

    def __init__(self, reason: str, **facts: object) -> None:
        """Keep the code of the sentence with its facts."""
        super().__init__(**facts)
        self.code = f"error.files_{reason}"


class ActionRefusedError(DondocError):
    """An operator's action cannot be done; `reason` is the code of the sentence that says why and what to do."""

    def __init__(self, reason: str, **facts: object) -> None:
        """Keep the code of the sentence with its facts."""
        super().__init__(**facts)
        self.code = f"error.{reason}"
