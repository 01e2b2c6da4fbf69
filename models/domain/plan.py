"""A programme as data: its obligations with their dated rules, ladder and receivers; it knows no file format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from models.domain.calendar import DataWindow, DueRule, OfficeHours, WorkingCalendar
from models.domain.errors import UnknownObligationError
from models.domain.forms import FormSpec
from models.domain.roster import Roster
from models.domain.vocabulary import Anchor, Audience, ObligationKind, Roll, RungAction


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
    copy_member_in_charge: bool = False
    official_letter: str | None = None
    """Folder-less name of the .docx template drafted for signature on this rung, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRule:
    """A document that must come with the form before a submission is complete."""

    code: str
    title: str
    media_types: tuple[str, ...] = ("application/pdf",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligationRule:
    """What an obligation asks, from a date on, by a decision; it never reaches a cycle that is open."""

    valid_from: date
    decision: str
    due: DueRule
    opens_before: timedelta
    """Calendar days between the opening and `due_at`."""
    roll: Roll
    window: DataWindow | None
    expected_groups: tuple[str, ...]
    form_code: str
    required_attachments: tuple[AttachmentRule, ...]
    ladder: tuple[Rung, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the rule in force lays down for one cycle, with its form; frozen with the cycle when it opens."""

    decision: str
    roll: Roll
    expected_groups: tuple[str, ...]
    form: FormSpec
    required_attachments: tuple[AttachmentRule, ...]
    ladder: tuple[Rung, ...]


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
    cycle_code: str
    """Pattern of its cycles' codes, such as `bc-6t-{year}`."""
    cycle_title: str
    lead: str
    coordinators: tuple[str, ...]
    receivers: tuple[str, ...]
    rules: tuple[ObligationRule, ...]
    """In the order of `valid_from`; there is at least one."""


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
    sources: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file that was read, by its name within the folder."""

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
