"""A programme as data: its obligations with their dated rules, ladder and receivers; it knows no file format."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from models.domain.calendar import DataWindow, DueRule, OfficeHours, WorkingCalendar, YearDay
from models.domain.errors import UnknownObligationError
from models.domain.forms import FormSpec
from models.domain.roster import Roster
from models.domain.vocabulary import (
    Anchor,
    Audience,
    ObligationKind,
    Paper,
    Proposed,
    RecipientRole,
    ReportsTo,
    Roll,
    RungAction,
    ScoreMeasure,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of the ladder: when it comes, whom it speaks to, and what it does.

    `working_days` counts from the last admissible day (`late_at`) or from `opens_at`: -2 is the second working day
    before, +3 the third after, 0 the day itself.
    """

    code: str
    anchor: Anchor
    working_days: int
    audience: Audience
    action: RungAction = RungAction.LETTER
    attach_form: bool = False
    tell_member_in_charge: bool = False
    """The committee member who urges this unit learns of it at this rung, in one letter a day (clause III.2)."""
    tell_parent: bool = False
    """The unit that it reports to learns of it at this rung, in one letter a day."""
    official_letter: str | None = None
    """Folder-less name of the .docx template drafted for signature on this rung, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRule:
    """A document that must come with the form before a submission is complete."""

    code: str
    title: str
    media_types: tuple[str, ...] = ("application/pdf",)
    name_words: tuple[str, ...] = ()
    """Words of a file's name by which this document is told from another of the same kind; empty: any name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligationRule:
    """What an obligation asks, from a date on, by a decision; it never reaches a cycle that is open."""

    valid_from: date
    decision: str
    due: DueRule | None
    """None: nothing comes by the calendar, and a person opens each cycle with its own dates."""
    opens: timedelta | YearDay
    """Calendar days between the opening and `due_at`, or the day of the cycle's year on which it opens."""
    roll: Roll
    window: DataWindow | None
    expected_groups: tuple[str, ...]
    expected_units: tuple[str, ...] = ()
    """Codes of single bodies that the clause names, beside the groups."""
    form_code: str | None
    """None: what is asked for is a document or an act, and no form is filled."""
    required_attachments: tuple[AttachmentRule, ...]
    ladder: tuple[Rung, ...]
    is_settled_by_word: bool = False
    """A line of reply that says on which day it was done settles the duty."""
    reports_to: ReportsTo = ReportsTo.DESK
    filled_from: str | None = None
    """Code of the obligation by which the children report to these units: their sums stand in the form as proposals."""
    roll_call_working_days: int | None = None
    """So many working days before the opening the contacts are asked whether they still are; None: they are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the rule in force lays down for one cycle, with its form; frozen with the cycle when it opens."""

    decision: str
    roll: Roll
    expected_groups: tuple[str, ...]
    expected_units: tuple[str, ...] = ()
    form: FormSpec | None
    required_attachments: tuple[AttachmentRule, ...]
    ladder: tuple[Rung, ...]
    is_settled_by_word: bool = False
    reports_to: ReportsTo = ReportsTo.DESK
    filled_from: str | None = None
    roll_call_working_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRule:
    """What shows, inside the periodic reports, that a continuous obligation is carried out; any of it is enough."""

    reports: tuple[str, ...]
    """Codes of the obligations whose reports are looked into."""
    indicators: tuple[str, ...] = ()
    """Fields or indicators of the reports' form; one that is above zero, or a yes, is evidence."""
    sections: tuple[str, ...] = ()
    """Sections of text; one that is not blank is evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Someone on the distribution list ("Nơi nhận"): who is sent which result of the programme, and how."""

    name: str
    email: str
    obligations: tuple[str, ...]
    """Codes of the obligations whose final results go there."""
    role: RecipientRole = RecipientRole.TO
    is_automatic: bool = False
    """Sent as soon as the final edition exists; else only when an operator says that the signed original has gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One line of the yearly score: at most so many points, by a rule that the program can show the evidence of."""

    code: str
    title: str
    points: int
    measure: ScoreMeasure
    clause: str = ""
    indicators: tuple[str, ...] = ()
    """Fields of the form that the measure looks at, where it looks at any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """A standing legal duty to report, inspect or plan, as one clause of the plan lays it down."""

    code: str
    """The catalogue's number, such as `O-20`."""
    slug: str
    """ASCII name used in addresses and deployments, such as `bao-cao-6-thang`."""
    title: str
    short_title: str
    clause: str
    quotation: str
    kind: ObligationKind
    first_year: int
    last_year: int
    cycle_code: str = ""
    """Pattern of its cycles' codes, such as `bc-6t-{year}`; `th-{after}` where a cycle follows another one."""
    cycle_title: str = ""
    lead: str
    coordinators: tuple[str, ...]
    receivers: tuple[str, ...]
    rules: tuple[ObligationRule, ...] = ()
    """In the order of `valid_from`; empty for what is never asked for by itself."""
    lead_unit: str | None = None
    """Code of the body that leads ("chủ trì"), where the clause names one."""
    coordinating_units: tuple[str, ...] = ()
    """Codes of the bodies that coordinate ("phối hợp"): they get a copy of what the lead is told, with their role."""
    answered_with: str | None = None
    """Code of the obligation whose answer brings this one's evidence: it is never asked for twice."""
    also_settled_by: str | None = None
    """Code of an obligation whose complete answer settles this one, too, for the same unit and year."""
    paper: Paper = Paper.REPORT
    """What is sent in answer: a report, or an estimate of a budget."""
    evidence: EvidenceRule | None = None
    proposes: Proposed | None = None
    """What is proposed under this clause when a review is over; at most one obligation proposes the same."""

    @property
    def is_scheduled(self) -> bool:
        """Say whether its cycles come by the calendar."""
        return self.answered_with is None and any(rule.due is not None for rule in self.rules)

    @property
    def is_opened_by_hand(self) -> bool:
        """Say whether a person opens its cycles, each with its own units and dates."""
        return bool(self.rules) and all(rule.due is None for rule in self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The standing agency's desk: who writes the letters, and where answers go."""

    issuing_body: str
    """The body in whose name is written, in capitals as the letterhead has it."""
    parent_body: str
    standing_agency: str
    place: str
    document_symbol: str
    signatory_authority: str
    sender_name: str
    address: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """One decision's obligations, forms, calendar and roster: everything a reporting year needs, read from a folder."""

    code: str
    title: str
    short_title: str
    basis: str
    plan_document: str
    """How the letters name the plan, such as "Kế hoạch ngày 23/9/2024 của Ban Chỉ đạo tỉnh"."""
    desk: Desk
    groups: Mapping[str, str]
    """Code and Vietnamese name of each roster group, in the order of the plan."""
    obligations: tuple[Obligation, ...]
    forms: Mapping[str, FormSpec]
    calendar: WorkingCalendar
    office_hours: OfficeHours
    roster: Roster
    distribution: tuple[Recipient, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    """How a unit's year is scored; empty: the programme scores nobody."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file that was read, by its name within the folder."""

    def asked_form(self, code: str) -> FormSpec:
        """Return the form of that code as units are asked to fill it: no section that must show something is optional.

        Where the plan looks for evidence of an obligation in a section, a blank one is asked back.
        """
        form = self.forms[code]
        reports = {o.code for o in self.obligations if any(rule.form_code == code for rule in o.rules)}
        evidence = [o.evidence for o in self.obligations if o.evidence is not None]
        asked = {section for rule in evidence if reports & set(rule.reports) for section in rule.sections}
        if not any(section.code in asked and not section.is_required for section in form.narratives):
            return form
        sections = [replace(s, is_required=s.is_required or s.code in asked) for s in form.narratives]
        return replace(form, narratives=tuple(sections))

    def proposing(self, what: Proposed) -> Obligation | None:
        """Return the obligation under whose clause something is proposed after a review; None where none does."""
        return next((obligation for obligation in self.obligations if obligation.proposes is what), None)

    def obligation(self, code: str) -> Obligation:
        """Return the obligation of that code or slug.

        Raises:
            UnknownObligationError: the plan has none.
        """
        for obligation in self.obligations:
            if code in {obligation.code, obligation.slug}:
                return obligation
        known = ", ".join(obligation.code for obligation in self.obligations)
        raise UnknownObligationError(obligation=code, known=known)
