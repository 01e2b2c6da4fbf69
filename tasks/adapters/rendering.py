"""Writes letters: a context and an envelope become subject, plain text and HTML; it sends nothing and asks no clock.

Each kind of letter has a folder of templates, `templates/email/<kind>/`: subject, plain text and HTML. The two bodies
include one `content.j2` and differ in its parts only, so that they cannot say different things.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.domain.calendar import WorkingCalendar, last_day_before
from models.domain.forms import Finding
from models.domain.judgement import (
    DOCUMENTS_UNTOLD,
    NOT_OUR_DUTY,
    SEVERAL_FORMS,
    UNCHANGED_VERSION,
    VERSION_LOCKED,
)
from models.domain.plan import Programme
from models.domain.tokens import subject_tag
from models.domain.vietnamese import tidy
from models.domain.vocabulary import (
    OFFICE_ZONE,
    EditionKind,
    FindingLevel,
    LetterKind,
    ObligationKind,
    Outcome,
    Paper,
    Roll,
    Timeliness,
)
from tasks.adapters.asking import (
    DONE_RATHER_THAN_SENT,
    SENT_PAPERS,
    Asked,
    asked_by,
    asked_together,
    enclosures_of,
    how_to_answer,
)
from tasks.adapters.quick_replies import AnsweredDuty, QuickReply, quick_replies
from tasks.adapters.texts import TEMPLATES, Texts, vietnamese
from tasks.ports import Attachment, Letter

TEXT_PARTS: Final = ("subject.txt.j2", "body.txt.j2")
HTML_PART: Final = "body.html.j2"
OPENING: Final = "opening"
REMINDER: Final = "reminder"
OVERDUE: Final = "overdue"
REMINDING_TONES: Final = (REMINDER, "reminder-1", "reminder-2")
LATE_TONES: Final = (OVERDUE, "urging-1", "urging-2")
TONES: Final = (*REMINDING_TONES, OPENING, *LATE_TONES)
"""How a letter may speak, the mildest first; a digest speaks as its most pressing duty."""
MISSING_DOCUMENTS: Final = frozenset({"attachment_missing", "form_missing"})
NIL_REPORTED: Final = "nil_reported"
PROMISE_NOTED: Final = "promise_noted"
DONE_REPORTED: Final = "done_reported"
EXPLANATION_NOTED: Final = "explanation_noted"
SECRECY_MARKING: Final = "secrecy_marking"
HELD_WITHOUT_DOUBT: Final = (VERSION_LOCKED, NOT_OUR_DUTY)
"""Why something waits for a person though it is certain who sent it."""
CONTACT_CONFIRMED: Final = "contact_confirmed"
ABOUT_CONTACTS: Final = frozenset({"contact_proposed", "roll_call_unclear", "roll_call_of_another"})
"""What a person looks into when an answer to a roll-call waits."""
HELD_AMONG_OTHERS: Final = (DOCUMENTS_UNTOLD, SEVERAL_FORMS, VERSION_LOCKED)
"""Why one of several forms waits, where it is not in doubt who sent it."""
SAID_IN_THE_LEAD: Final = frozenset({NIL_REPORTED, PROMISE_NOTED, DONE_REPORTED, CONTACT_CONFIRMED})
"""What a receipt says at its head, and not once more among its notes."""
LONGEST_QUOTED_SUBJECT: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """Why a duty is told to somebody other than the unit that owes it: the unit has ended, and this is its heir."""

    heir: str
    ended_on: date
    """Last day of the unit."""
    document: str
    """By which it ended; empty where nobody has written it down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentDesk:
    """The unit that a duty's report goes to, and whom to ask there; blank where nobody can be written to."""

    unit_name: str
    contact_name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaseDuty:
    """One duty spoken of in a letter. Instants are aware, days are the office's."""

    duty_id: int
    unit_name: str
    rung: str
    """Code of the rung, such as `opening` or `urging-1`; one that is not known speaks as a plain reminder."""
    cycle_code: str
    cycle_title: str
    """Such as "Báo cáo 06 tháng năm 2025"."""
    short_title: str
    """Such as "BC 6T 2025", for the subject."""
    clause: str
    quotation: str
    decision: str
    due_at: datetime
    late_at: datetime
    """First instant that is late for this unit, its extension included."""
    period_start: date | None
    period_end: date | None
    required: tuple[str, ...]
    """Titles of the documents that must come with the form."""
    token: str
    has_form: bool
    """Its form goes with the letter."""
    kind: ObligationKind = ObligationKind.REPORT
    paper: Paper = Paper.REPORT
    asks_for_form: bool = True
    is_settled_by_word: bool = False
    """A line of reply that says on which day it was done is enough."""
    content: str = ""
    """What is to be done or looked into, where a person set it."""
    product: str = ""
    is_led: bool = False
    """The clause names this unit as the one that leads."""
    coordinators: str = ""
    """Who coordinates, as the clause names them, in one row of words."""
    is_shared: bool = False
    """The coordinating units get a copy of this letter."""
    receivers: tuple[str, ...] = ()
    """To whom the result goes."""
    inherited: Inherited | None = None
    is_told_to_member: bool = False
    """The committee member in charge of the unit learns of it today."""
    settled_with: str = ""
    """Title of what settles this one, too, when it is answered in full."""
    parent: ParentDesk | None = None
    """Of a unit that reports to it: it receives the report, and answers questions."""
    is_filled_from_below: bool = False
    """Its form may come with what the children have reported in the cells to fill."""
    answer_to: str = ""
    """Our address with the token of this duty; empty where ready answers are not offered."""

    @property
    def addressee(self) -> str:
        """The unit that is written to: the one that owes it, or its heir."""
        return self.inherited.heir if self.inherited else self.unit_name

    @property
    def asked(self) -> Asked:
        """In which words it is asked for."""
        return asked_by(self.kind, paper=self.paper, asks_for_form=self.asks_for_form, content=self.content)

    def is_extended(self, calendar: WorkingCalendar) -> bool:
        """Say whether this unit has longer than the days off at the end of the term give everyone."""
        return self.late_at > calendar.late_at(self.due_at, Roll.NEXT_WORKING_DAY)

    def until(self, calendar: WorkingCalendar) -> datetime:
        """Return the first instant at which this unit is no longer on time: its extension's end, else `due_at`."""
        return self.late_at if self.is_extended(calendar) else self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaseContext:
    """What a chasing letter says: to whom, about which duties, as things stand at `as_of`."""

    programme: Programme
    contact_name: str
    duties: tuple[ChaseDuty, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """What a receipt, a return letter or a word that something is held says of one arrival.

    Names and titles are empty, and the deadline None, when the arrival was put to no duty.
    """

    programme: Programme
    unit_name: str
    cycle_title: str
    short_title: str
    due_at: datetime | None
    late_at: datetime | None
    received_at: datetime
    as_of: datetime
    number: str
    """Number of the receipt, such as `12-2`; empty when there is none."""
    timeliness: Timeliness | None
    findings: tuple[Finding, ...]
    token: str
    has_marked_workbook: bool
    """The unit's own workbook goes back with the wrong cells marked."""
    has_form: bool
    """A fresh form, the right one, goes with the letter."""
    file_name: str
    original_subject: str
    asked: Asked = Asked.REPORT
    asks_for_form: bool = True
    document: str = ""
    """Number of the signed document that it came with."""
    signed_on: date | None = None
    signer: str = ""
    contest: str = ""
    """What became of the word that the duty is not the unit's own: `upheld` or `rejected`; empty for anything else."""
    is_given_back: bool = False
    """It had been taken as an answer, and a person gives it back."""
    parent: ParentDesk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralContext:
    """What the one answer to a mail with several forms says: of each what became of it, as its own answer would."""

    programme: Programme
    received_at: datetime
    original_subject: str
    forms: tuple[tuple[Outcome, AnswerContext, str], ...]
    """With each the address that a corrected version goes to; empty where nothing is to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultContext:
    """What the letter says that hands a final edition to someone on the distribution list."""

    programme: Programme
    name: str
    copied: tuple[str, ...]
    """Who gets a copy of the letter, by name."""
    cycle_title: str
    short_title: str
    clause: str
    number: int
    kind: EditionKind
    as_of: datetime
    n_reported: int
    n_expected: int
    document: str
    """Number of the signed document that it goes with; empty when it goes by itself."""
    signed_on: date | None
    replaced: int
    """Number of the edition that this recipient was sent before; 0 when there was none."""
    replaced_at: datetime | None
    files: tuple[str, ...]
    """Names of what is attached; empty where it is too large to go with a letter."""
    folder: str
    """Where the files lie, below the home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLine:
    """The points under one criterion, in words, with a sentence for each fact they rest on."""

    code: str
    title: str
    points: str
    grounds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreContext:
    """What the letter says that tells a unit its score in a review."""

    programme: Programme
    unit_name: str
    title: str
    total: str
    """Points with the unit's own maximum and the share, in words."""
    as_of: datetime
    """The facts are those of this instant."""
    contest_until: datetime
    """First instant at which the unit may no longer object."""
    lines: tuple[ScoreLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDuty:
    """One duty of which a committee member is told. Instants are aware."""

    unit_name: str
    member_code: str
    """Code of the member in charge of the unit."""
    programme: Programme
    cycle_code: str
    cycle_title: str
    short_title: str
    asked: Asked
    due_at: datetime
    late_at: datetime
    """First instant that is late for this unit, its extension included."""
    n_letters: int
    """How many letters about it the unit has had."""
    contact_name: str
    """Who is written to there; empty where nobody can be."""
    phone: str

    @property
    def until(self) -> datetime:
        """The first instant at which this unit is no longer on time: its extension's end, else `due_at`."""
        general = self.programme.calendar.late_at(self.due_at, Roll.NEXT_WORKING_DAY)
        return self.late_at if self.late_at > general else self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenCoverage:
    """How many of a parent's children have reported in a cycle."""

    cycle_code: str
    n_reported: int
    n_expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentContext:
    """What the letter says that tells a parent, or several at one address, which of their children are to be urged."""

    programme: Programme
    names: tuple[str, ...]
    duties: tuple[MemberDuty, ...]
    coverage: tuple[ChildrenCoverage, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberContext:
    """What the letter says that tells a committee member, or several at one address, which units to urge."""

    programme: Programme
    names: tuple[str, ...]
    duties: tuple[MemberDuty, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedUnit:
    """A unit whose contact is asked, with who else can be written to there."""

    name: str
    stand_ins: tuple[str, ...]
    """Names of the other contacts, the first to be written to first; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComingCycle:
    """A cycle that is about to open. Instants are aware."""

    title: str
    short_title: str
    opens_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCallContext:
    """What the letter says that asks a contact, before cycles open, whether mail still finds the right desk."""

    programme: Programme
    address: str
    contact_name: str
    phone: str
    units: tuple[AskedUnit, ...]
    cycles: tuple[ComingCycle, ...]
    """The next to open first."""
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorContext:
    """What the operator is told of runs that ended badly."""

    programme: Programme
    as_of: datetime
    troubles: tuple[str, ...]
    """One line for each run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestContext:
    """What a digest says of the time since the one before; each tuple holds lines."""

    programme: Programme
    since: datetime
    as_of: datetime
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    due: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    """What needs a person; the most pressing first."""
    n_people: int = 0
    """How many things that is; more than there are lines when there is too much to show."""
    late: tuple[str, ...] = ()
    """By open cycle who is late."""
    is_pressing: bool = False
    """Whether anything needs a person that the digest before had not told, or that does not wait by itself."""
    board: str = ""
    """Where the status board lies; empty while there is none."""
    n_came: int = 0
    """How many arrivals the lines under `came` add up to."""
    audit: str = ""
    """Number and hash of the newest entry of the audit, as one line: in a mailbox it lies outside of the database."""

    @property
    def has_news(self) -> bool:
        """Say whether there is anything to tell: who is late still, and a draft told of before, are no news."""
        return bool(self.came or self.went or self.due or self.is_pressing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a letter carries besides its words."""

    to: str
    message_id: str
    reply_to: str = ""
    copies: tuple[str, ...] = ()
    in_reply_to: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _UrgedUnit:
    """A unit in a committee member's letter, with what follows from its dates at the instant of the letter."""

    unit_name: str
    is_late: bool
    late_since: date
    n_days_late: int
    n_letters: int
    contact_name: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _UrgedUnits:
    """Those of one cycle that have the same deadline."""

    title: str
    cycle_code: str
    until: datetime
    units: tuple[_UrgedUnit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _SpokenDuty:
    """A duty with what follows from its dates at the instant of the letter, and the words it is spoken of in."""

    facts: ChaseDuty
    asked: Asked
    title: str
    thing: str
    how: str
    enclosures: str
    tone: str
    until: datetime
    is_extended: bool
    is_late: bool
    late_since: date
    n_days_late: int
    ends_before_its_period: bool
    """The figures are asked for before their period is over, so that estimates are welcome."""
    quick_replies: tuple[QuickReply, ...]


class Renderer:
    """Writes every kind of letter; the templates of a kind are read and compiled with its first letter, and kept."""

    def __init__(self, texts: Texts, folder: Path = TEMPLATES) -> None:
        """Keep where the templates are: in the folder's `email`, a folder for each kind."""
        self._texts = texts
        self._plain = _environment(texts, folder / "email", is_html=False)
        self._html = _environment(texts, folder / "email", is_html=True)

    def chase(self, context: ChaseContext, envelope: Envelope) -> Letter:
        """Return the opening, reminding or urging letter of one or several duties of one person."""
        duties = [_spoken(duty, context, self._texts) for duty in context.duties]
        asked = asked_together([duty.asked for duty in duties])
        units = tuple(dict.fromkeys(duty.facts.addressee for duty in duties))
        facts = {
            "programme": context.programme,
            "contact_name": _single_line(context.contact_name),
            "as_of": context.as_of,
            "duties": duties,
            "units": units,
            "first_until": min(duty.until for duty in duties),
            "first_late_since": min(duty.late_since for duty in duties),
            "n_late": sum(duty.is_late for duty in duties),
            "asked": asked,
            "is_to_be_done": asked in DONE_RATHER_THAN_SENT,
            "asks_for_estimates": any(duty.ends_before_its_period for duty in duties),
            "tone": max((duty.tone for duty in duties), key=TONES.index),
            "short_titles": tuple(dict.fromkeys(duty.facts.short_title for duty in duties)),
            "bases": tuple({(d.facts.clause, d.facts.decision): d.facts for d in duties}.values()),
            "ways": tuple(dict.fromkeys(duty.how for duty in duties)),
            "enclosures": tuple(dict.fromkeys(duty.enclosures for duty in duties if duty.facts.asks_for_form)),
            "has_report": any(d.facts.asks_for_form and d.asked in SENT_PAPERS.values() for d in duties),
            "is_listed": any(duty.facts.asks_for_form and duty.asked is Asked.REPORT for duty in duties),
            "has_outline": any(duty.asked is Asked.EXPLANATION for duty in duties),
            "has_invitation": any(item.media_type.startswith("text/calendar") for item in envelope.attachments),
            "is_told_to_member": any(duty.facts.is_told_to_member for duty in duties),
        }
        return self._letter(LetterKind.CHASE, facts, envelope)

    def receipt(self, context: AnswerContext, envelope: Envelope) -> Letter:
        """Return the receipt of a report, a nil report or a promise."""
        return self._letter(LetterKind.RECEIPT, _answer(context), envelope)

    def returned(self, context: AnswerContext, envelope: Envelope) -> Letter:
        """Return the letter that says what is to be corrected, and until when."""
        return self._letter(LetterKind.RETURN, _answer(context), envelope)

    def held(self, context: AnswerContext, envelope: Envelope) -> Letter:
        """Return the word that something came in and that a person is checking it.

        It names no unit and carries no token: who sent the arrival is what is in doubt.
        """
        return self._letter(LetterKind.HELD, _answer(context), envelope)

    def several(self, context: SeveralContext, envelope: Envelope) -> Letter:
        """Return the one answer to a mail that brought several forms; of one that is held it names neither unit."""
        counts = Counter(outcome for outcome, _, _ in context.forms)
        forms = [
            _answer(answer) | {"outcome": outcome, "answer_to": answer_to}
            for outcome, answer, answer_to in context.forms
        ]
        facts = {
            "programme": context.programme,
            "short_title": context.programme.short_title,
            "received_at": context.received_at,
            "original_subject": _shortened(_single_line(context.original_subject)),
            "counted": ", ".join(
                self._texts.say(f"letter.several.count.{outcome.value}", n=counts[outcome])
                for outcome in (Outcome.ACCEPTED, Outcome.RETURNED, Outcome.QUARANTINED)
                if counts[outcome]
            ),
            "is_all_done": not any(_asks_for_more(form) for form in forms),
            "forms": forms,
        }
        return self._letter(LetterKind.SEVERAL, facts, envelope)

    def result(self, context: ResultContext, envelope: Envelope) -> Letter:
        """Return the letter that hands a final edition over."""
        facts = {each.name: getattr(context, each.name) for each in fields(context)}
        return self._letter(LetterKind.RESULT, facts | {"name": _single_line(context.name)}, envelope)

    def score(self, context: ScoreContext, envelope: Envelope) -> Letter:
        """Return the letter that tells a unit its score, what it rests on, and how to object."""
        facts = {each.name: getattr(context, each.name) for each in fields(context)}
        lines = [replace(line, grounds=tuple(map(_single_line, line.grounds))) for line in context.lines]
        return self._letter(
            LetterKind.SCORE, facts | {"unit_name": _single_line(context.unit_name), "lines": lines}, envelope
        )

    def member(self, context: MemberContext, envelope: Envelope) -> Letter:
        """Return the letter that tells a committee member which units in charge are to be urged today."""
        facts = self._urging(context.duties, context.as_of)
        facts |= {"programme": context.programme, "names": tuple(map(_single_line, context.names))}
        return self._letter(LetterKind.MEMBER, facts, envelope)

    def parent(self, context: ParentContext, envelope: Envelope) -> Letter:
        """Return the letter that tells a unit which of those that report to it are to be urged today."""
        facts = self._urging(context.duties, context.as_of)
        facts |= {
            "programme": context.programme,
            "names": tuple(map(_single_line, context.names)),
            "coverage": {each.cycle_code: each for each in context.coverage},
            "files": tuple(item.name for item in envelope.attachments),
        }
        return self._letter(LetterKind.PARENT, facts, envelope)

    def _urging(self, told: Sequence[MemberDuty], as_of: datetime) -> dict[str, object]:
        """Return what a letter says that names units to be urged, by deadline and cycle."""
        duties = sorted(told, key=lambda duty: (duty.until, duty.cycle_code))
        groups = [
            _UrgedUnits(
                title=self._texts.say("letter.title", title=_single_line(title), programme=programme),
                cycle_code=code,
                until=until,
                units=tuple(_urged(duty, as_of) for duty in of_one),
            )
            for (until, code, title, programme), of_one in groupby(
                duties, key=lambda duty: (duty.until, duty.cycle_code, duty.cycle_title, duty.programme.short_title)
            )
        ]
        are_sent = all(duty.asked not in DONE_RATHER_THAN_SENT for duty in duties)
        return {
            "as_of": as_of,
            "groups": groups,
            "n_units": len({duty.unit_name for duty in duties}),
            "n_unreached": len({duty.unit_name for duty in duties if not duty.contact_name}),
            "first_until": duties[0].until,
            "noun": self._texts.say(f"letter.asked.{asked_together([duty.asked for duty in duties])}.noun"),
            "pressing": "sent" if are_sent else "done",
            "short_titles": tuple(dict.fromkeys(_single_line(duty.short_title) for duty in duties)),
        }

    def roll_call(self, context: RollCallContext, envelope: Envelope) -> Letter:
        """Return the letter that asks a contact whether the address is right, and who stands in."""
        facts = {
            "programme": context.programme,
            "address": _single_line(context.address),
            "contact_name": _single_line(context.contact_name),
            "phone": _single_line(context.phone),
            "units": tuple(_single_line(unit.name) for unit in context.units),
            "stand_ins": [
                (_single_line(unit.name), tuple(map(_single_line, unit.stand_ins))) for unit in context.units
            ],
            "cycles": context.cycles,
            "token": context.token,
            "confirming": self._ready_answer("confirm", context.token, envelope.reply_to),
            "proposing": self._ready_answer("propose", context.token, envelope.reply_to),
        }
        return self._letter(LetterKind.ROLL_CALL, facts, envelope)

    def _ready_answer(self, what: str, token: str, to: str) -> str:
        """Return the link that opens a new mail to us, its subject with the token and its text ready to be sent."""
        subject = f"{self._texts.say(f'letter.roll_call.answer.{what}.subject')} {subject_tag(token)}"
        body = self._texts.say(f"letter.roll_call.answer.{what}.body")
        return f"mailto:{quote(to, safe='@')}?subject={quote(subject)}&body={quote(body)}"

    def digest(self, kind: LetterKind, context: DigestContext, envelope: Envelope) -> Letter:
        """Return the daily or the weekly digest."""
        facts = {each.name: getattr(context, each.name) for each in fields(context)}
        lines = {
            name: [_single_line(line) for line in getattr(context, name)] for name in ("came", "went", "due", "people")
        }
        return self._letter(kind, facts | lines, envelope)

    def operator(self, context: OperatorContext, envelope: Envelope) -> Letter:
        """Return the letter to the operator about runs that ended badly."""
        facts = {
            "programme": context.programme,
            "as_of": context.as_of,
            "troubles": [_single_line(line) for line in context.troubles],
        }
        return self._letter(LetterKind.OPERATOR, facts, envelope)

    def _letter(self, kind: LetterKind, facts: Mapping[str, object], envelope: Envelope) -> Letter:
        subject, text = (self._plain.get_template(f"{kind.value}/{part}").render(facts) for part in TEXT_PARTS)
        html = self._html.get_template(f"{kind.value}/{HTML_PART}").render(facts)
        return Letter(
            message_id=envelope.message_id,
            to=envelope.to,
            subject=_single_line(subject),
            text=re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n",
            html=html.strip() + "\n",
            reply_to=envelope.reply_to,
            copies=envelope.copies,
            in_reply_to=envelope.in_reply_to,
            attachments=envelope.attachments,
        )


@cache
def vietnamese_renderer() -> Renderer:
    """Return the one that writes the program's letters, with the templates that it has compiled so far."""
    return Renderer(vietnamese())


def _environment(texts: Texts, folder: Path, *, is_html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=is_html,  # noqa: S701 - plain text is not escaped; whatever goes into HTML is
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "say": texts.say,  # a filter, for Jinja fills in the sentences without facts while it compiles
        "day": texts.day,
        "last_day": lambda instant: texts.day(last_day_before(instant)),
        "last_weekday": lambda instant: texts.weekdays[last_day_before(instant).weekday()],
        "end_day": lambda instant: texts.day(instant.astimezone(OFFICE_ZONE).date()),
        "instant": texts.instant,
        "deadline": texts.deadline,
        "label": texts.label,
        "tag": subject_tag,
        "finding": _on_one_line(texts.placed_finding),
        "sentence": _on_one_line(texts.finding),
    }
    return environment


def _on_one_line(write: Callable[[Finding], str]) -> Callable[[Finding], str]:
    return lambda item: _single_line(write(item))


def _spoken(duty: ChaseDuty, context: ChaseContext, texts: Texts) -> _SpokenDuty:
    calendar = context.programme.calendar
    asked = duty.asked
    cycle_title = _single_line(duty.cycle_title)
    title = texts.say("letter.title", title=cycle_title, programme=context.programme.short_title)
    until = duty.until(calendar)
    is_late = context.as_of >= duty.late_at
    days = context.as_of.astimezone(OFFICE_ZONE).date() - last_day_before(duty.late_at)
    return _SpokenDuty(
        facts=replace(
            duty,
            unit_name=_single_line(duty.unit_name),
            cycle_title=cycle_title,
            content=_single_line(duty.content),
            product=_single_line(duty.product),
            parent=_on_single_lines(duty.parent),
        ),
        asked=asked,
        title=title,
        thing=texts.say(f"letter.asked.{asked}.thing", title=title),
        how=how_to_answer(duty, asked, texts),
        enclosures=enclosures_of(duty, texts),
        tone=_tone(duty.rung, is_late=is_late),
        until=until,
        is_extended=duty.is_extended(calendar),
        is_late=is_late,
        late_since=duty.late_at.astimezone(OFFICE_ZONE).date(),
        n_days_late=days.days,
        ends_before_its_period=duty.period_end is not None and duty.period_end > last_day_before(until),
        quick_replies=quick_replies(
            AnsweredDuty(
                address=duty.answer_to,
                token=duty.token,
                title=f"[{_single_line(duty.short_title)}] {_single_line(duty.addressee)}",
                is_report=duty.asks_for_form and asked in SENT_PAPERS.values(),
                until=until,
            ),
            texts,
            as_of=context.as_of,
            calendar=calendar,
        ),
    )


def _on_single_lines(parent: ParentDesk | None) -> ParentDesk | None:
    if parent is None:
        return None
    return ParentDesk(
        unit_name=_single_line(parent.unit_name),
        contact_name=_single_line(parent.contact_name),
        email=_single_line(parent.email),
        phone=_single_line(parent.phone),
    )


def _urged(duty: MemberDuty, as_of: datetime) -> _UrgedUnit:
    days = as_of.astimezone(OFFICE_ZONE).date() - last_day_before(duty.late_at)
    return _UrgedUnit(
        unit_name=_single_line(duty.unit_name),
        is_late=as_of >= duty.late_at,
        late_since=duty.late_at.astimezone(OFFICE_ZONE).date(),
        n_days_late=days.days,
        n_letters=duty.n_letters,
        contact_name=_single_line(duty.contact_name),
        phone=_single_line(duty.phone),
    )


def _tone(rung: str, *, is_late: bool) -> str:
    """Return how to speak of a duty: nobody is called late who is not, nor reminded of a day that is over."""
    if rung == OPENING:
        return OPENING
    if is_late:
        return rung if rung in LATE_TONES else OVERDUE
    return rung if rung in REMINDING_TONES else REMINDER


def _asks_for_more(form: Mapping[str, object]) -> bool:
    """Say whether what is told of one form of several asks its sender to do something."""
    if form["outcome"] is Outcome.QUARANTINED:
        return form["several_because"] == SEVERAL_FORMS
    return form["outcome"] is Outcome.RETURNED or bool(form["questions"])


def _answer(context: AnswerContext) -> dict[str, object]:
    blocking = [item for item in context.findings if item.is_blocking]
    faults = [item for item in blocking if item.code not in MISSING_DOCUMENTS]
    told = {item.code: dict(item.facts) for item in context.findings}
    subject = _single_line(context.original_subject)
    return {
        "programme": context.programme,
        "unit_name": _single_line(context.unit_name),
        "cycle_title": context.cycle_title,
        "short_title": context.short_title or context.programme.short_title,
        "due_at": context.due_at,
        "late_at": context.late_at,
        "until": _until(context),
        "is_late": context.late_at is not None and context.as_of >= context.late_at,
        "received_at": context.received_at,
        "number": context.number,
        "timeliness": context.timeliness,
        "token": context.token,
        "has_marked_workbook": context.has_marked_workbook,
        "has_form": context.has_form,
        "file_name": _single_line(context.file_name),
        "original_subject": _shortened(subject),
        "faults_by_sheet": [
            (_single_line(sheet), list(items)) for sheet, items in groupby(faults, key=lambda item: item.sheet)
        ],
        "asked": context.asked,
        "is_to_be_done": context.asked in DONE_RATHER_THAN_SENT,
        "asks_for_form": context.asks_for_form,
        "is_given_back": context.is_given_back,
        "parent": _on_single_lines(context.parent),
        "n_faults": len(faults),
        "missing": [item for item in blocking if item.code in MISSING_DOCUMENTS],
        "questions": [item for item in context.findings if item.level is FindingLevel.QUESTION],
        "notes": [
            item for item in context.findings if item.level is FindingLevel.NOTE and item.code not in SAID_IN_THE_LEAD
        ],
        "is_nil": NIL_REPORTED in told,
        "promised_day": told.get(PROMISE_NOTED, {}).get("day", ""),
        "n_explained": sum(item.code == EXPLANATION_NOTED for item in context.findings),
        "document": _single_line(context.document),
        "signed_on": context.signed_on,
        "signer": _single_line(context.signer),
        "contest": context.contest,
        "is_refused": SECRECY_MARKING in told,
        "is_unchanged": UNCHANGED_VERSION in told,
        "held_because": next((code for code in HELD_WITHOUT_DOUBT if code in told), "unknown"),
        "several_because": next((code for code in HELD_AMONG_OTHERS if code in told), "unknown"),
        "done_day": told.get(DONE_REPORTED, {}).get("day", ""),
        "confirmed_units": told.get(CONTACT_CONFIRMED, {}).get("units", ""),
        "confirmed_address": told.get(CONTACT_CONFIRMED, {}).get("address", ""),
        "is_about_contacts": bool(ABOUT_CONTACTS & told.keys()),
    }


def _until(context: AnswerContext) -> datetime | None:
    if context.due_at is None or context.late_at is None:
        return context.due_at
    general = context.programme.calendar.late_at(context.due_at, Roll.NEXT_WORKING_DAY)
    return context.late_at if context.late_at > general else context.due_at


def _shortened(subject: str) -> str:
    return subject if len(subject) <= LONGEST_QUOTED_SUBJECT else f"{subject[:LONGEST_QUOTED_SUBJECT].rstrip()}…"


def _single_line(text: str) -> str:
    """Return text on one line without control, format and bidirectional characters, which no name needs."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return tidy(text)
