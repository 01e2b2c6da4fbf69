"""What an arrival holds once it is opened, and what the database knows of it: all that judging it rests on."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from models.db.records import arrivals, cycles
from models.domain.attribution import DutyIdentity
from models.domain.checks import PastFigures
from models.domain.cycles import Cycle
from models.domain.forms import Finding, RawForm, Stamp
from models.domain.questions import QuestionKey
from models.domain.submissions import Contribution
from models.domain.versions import CountedVersion
from tasks.ports import Enclosures, MailFile, ParsedMail, ReadForm
from tasks.roll_call_answers import KnownRollCalls


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a person decided of an arrival: which duty it answers, and what need not be looked for."""

    duty_id: int
    is_accepted: bool = False
    """It counts as complete from its receipt, whatever the checks find."""
    has_documents: bool = False
    """The required documents are in the operator's hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An arrival with its files sorted and its workbooks read; nothing is decided yet."""

    arrival: arrivals.TakenArrival
    mail: ParsedMail
    enclosures: Enclosures
    forms: tuple[ReadForm, ...] = ()
    is_lost: bool = False
    """Its bytes are not in the store any more: only that it came is known."""
    is_repeated: bool = False
    """The same bytes have had an outcome before."""
    ruling: Ruling | None = None
    """What a person decided of it."""
    whole: arrivals.TakenArrival | None = None
    """The arrival that this is a part of, because it brings the forms of several duties."""
    untold: tuple[MailFile, ...] = ()
    """Of a part: documents of the whole that may be its own, or another part's."""
    told: tuple[Finding, ...] = ()
    """Of a part: what its answer says of files of the whole that went with no form."""

    @property
    def main_workbook(self) -> MailFile | None:
        """The file of the form that is judged; of an arrival without one, its first workbook."""
        workbooks = self.enclosures.workbooks
        read = zip(self.forms, workbooks, strict=False)
        stamped = (file for form, file in read if form.stamp is not None)
        return next(stamped, next(iter(workbooks), None))

    @property
    def told_in_reading(self) -> tuple[Finding, ...]:
        """What was done in reading the forms that carry a stamp."""
        read = (read for read in self.forms if read.stamp is not None)
        return tuple(dict.fromkeys(found for each in read for found in each.findings))

    @property
    def ours(self) -> tuple[RawForm, ...]:
        """The workbooks that carry a stamp."""
        return tuple(read.form for read in self.forms if read.form is not None and read.stamp is not None)

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """What these say of themselves, in the same order."""
        return tuple(read.stamp for read in self.forms if read.stamp is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database knows about a chunk of arrivals, fetched at once."""

    by_token: Mapping[str, int]
    by_message: Mapping[str, Sequence[int]]
    by_sender: Mapping[str, frozenset[str]]
    open_duties: Mapping[str, tuple[int, ...]]
    duties: Mapping[int, cycles.DutyRecord]
    identities: Mapping[int, DutyIdentity]
    cycles: Mapping[str, Cycle]
    contributions: Mapping[int, Sequence[Contribution]]
    past: Mapping[int, PastFigures]
    """By duty; of those that the arrivals with a form may answer."""
    explained: Mapping[int, Mapping[QuestionKey, str]]
    """By duty what its unit has explained."""
    asked_in_letters: Mapping[str, Sequence[Finding]]
    """By Message-ID of ours the questions that the letter put."""
    asked_newest: Mapping[int, Sequence[Finding]]
    """By duty the questions that were put last."""
    counted: Mapping[int, CountedVersion]
    """By duty the version that counts; of those that the arrivals with a form may answer."""
    locked: AbstractSet[int]
    """Duties whose answer may no longer be replaced without a person."""
    roll_calls: KnownRollCalls
