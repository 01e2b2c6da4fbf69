"""What `plan.yaml` may say: its keys, their types, and how the whole becomes obligations; it reads no other file."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Self

from annotated_types import Ge, Le, Len
from pydantic import Field, model_validator

from models.domain.calendar import (
    AfterCycle,
    BeforeDay,
    ByDay,
    DataWindow,
    DueRule,
    OfficeHours,
    WithinMonth,
    WithinQuarter,
    YearDay,
)
from models.domain.plan import (
    AttachmentRule,
    Criterion,
    Desk,
    EvidenceRule,
    Obligation,
    ObligationRule,
    Recipient,
    Rung,
)
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
from tasks.adapters.programme.written import (
    Address,
    Code,
    CycleCode,
    CycleTitle,
    Day,
    DayOfCycle,
    DayOfYear,
    HourSpan,
    Slug,
    Words,
    Written,
    YearDayWritten,
    fault,
    known,
    one_of,
)

MOST_ROLL_CALL_WORKING_DAYS: Final = 60
"""An address confirmed longer ago than that says little about the day of the opening."""
Year = Annotated[int, Ge(2000), Le(2099)]
GroupCode = Annotated[Code, known("groups")]
FormCode = Annotated[Code, known("forms")]
LadderCode = Annotated[Code, known("ladders")]
AttachmentCode = Annotated[Code, known("attachments")]
ObligationCode = Annotated[Code, known("obligations")]


class DeskWritten(Written):
    """The standing agency's desk."""

    issuing_body: Words
    parent_body: Words
    standing_agency: Words
    place: Words
    document_symbol: Words
    signatory_authority: Words
    sender_name: Words
    address: Address
    phone: Words

    def to_domain(self) -> Desk:
        """Return the desk as the domain knows it."""
        return Desk(**self.model_dump())


class RungWritten(Written):
    """One step of a ladder."""

    code: Slug
    anchor: Annotated[Anchor, *one_of(Anchor)]
    working_days: Annotated[int, Ge(-250), Le(250)]
    audience: Annotated[Audience, *one_of(Audience)]
    action: Annotated[RungAction, *one_of(RungAction)] = RungAction.LETTER
    attach_form: bool = False
    tell_member_in_charge: bool = False
    tell_parent: bool = False
    official_letter: Code | None = None

    @model_validator(mode="after")
    def _speaks_to_someone(self) -> Self:
        """Refuse a rung that can reach nobody: late units before the deadline, or anyone before the opening."""
        if self.anchor is Anchor.OPENS_AT and self.working_days < 0:
            raise fault("rung_before_opening", found=self.code)
        if self.anchor is Anchor.LATE_AT and self.audience is Audience.LATE and self.working_days <= 0:
            raise fault("rung_late_before_deadline", found=self.code)
        return self

    def to_domain(self) -> Rung:
        """Return the rung as the domain knows it."""
        return Rung(**self.model_dump())


class AttachmentWritten(Written):
    """A document that must come with the form."""

    title: Words
    media_types: Annotated[tuple[Words, ...], Len(1, 10)] = ("application/pdf",)
    name_words: tuple[Words, ...] = ()


class AfterWritten(Written):
    """The obligations whose cycles are followed, and after how many working days."""

    obligations: Annotated[tuple[ObligationCode, ...], Len(1, 50)]
    working_days: Annotated[int, Ge(1), Le(250)]


class DueWritten(Written):
    """When an obligation falls due: exactly one of the five ways in which a plan says it."""

    before_day: DayOfYear | None = None
    by_day: DayOfYear | None = None
    within_month: Annotated[int, Ge(1), Le(12)] | None = None
    within_quarter: Annotated[int, Ge(1), Le(4)] | None = None
    after: AfterWritten | None = None

    @model_validator(mode="after")
    def _is_one_rule(self) -> Self:
        """Refuse two ways at once, and none at all."""
        if len(self.model_fields_set) != 1 or None in (getattr(self, name) for name in self.model_fields_set):
            raise fault("due_not_one", found=", ".join(sorted(self.model_fields_set)))
        return self

    def to_domain(self) -> DueRule:
        """Return the rule that makes an instant of it."""
        if self.before_day is not None:
            return BeforeDay(*self.before_day)
        if self.by_day is not None:
            return ByDay(*self.by_day)
        if self.within_month is not None:
            return WithinMonth(self.within_month)
        if self.after is not None:
            return AfterCycle(self.after.obligations, self.after.working_days)
        return WithinQuarter(self.within_quarter or 1)


class WindowWritten(Written):
    """What the figures of a cycle cover."""

    starts: DayOfCycle = Field(alias="from")
    ends: DayOfCycle = Field(alias="to")
    continues: ObligationCode | None = None

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        """Refuse a window that ends before it starts."""
        if _order(self.starts) > _order(self.ends):
            raise fault("window_reversed", found=f"{self.starts.day}/{self.starts.month}")
        return self

    def to_domain(self) -> DataWindow:
        """Return the window as the domain knows it."""
        return DataWindow(starts=YearDay(*self.starts), ends=YearDay(*self.ends), continues=self.continues)


class RuleWritten(Written):
    """What an obligation asks from a date on. Without `due` a person opens each cycle with its own dates."""

    valid_from: Day
    decision: Words
    due: DueWritten | None = None
    opens_days_before: int | None = None
    opens_on: DayOfCycle | None = None
    roll: Annotated[Roll, *one_of(Roll)] = Roll.NEXT_WORKING_DAY
    window: WindowWritten | None = None
    expected_groups: Annotated[tuple[GroupCode, ...], Len(0, 50)] = ()
    expected_units: Annotated[tuple[Slug, ...], Len(0, 50)] = ()
    form: FormCode | None = None
    required_attachments: tuple[AttachmentCode, ...] = ()
    ladder: LadderCode
    settled_by_word: bool = False
    reports_to: Annotated[ReportsTo, *one_of(ReportsTo)] = ReportsTo.DESK
    filled_from: ObligationCode | None = None
    roll_call_working_days: int | None = None

    @model_validator(mode="after")
    def _opens_before_it_is_due(self) -> Self:
        """Refuse a cycle that would open after its deadline, more than a year before it, or in two ways."""
        if self.opens_days_before is not None and not 1 <= self.opens_days_before <= 365:  # noqa: PLR2004 - a yearly cycle opens within its year
            raise fault("opens_after_due", found=self.opens_days_before)
        is_by_calendar = self.due is not None and self.due.after is None
        n_openings = (self.opens_days_before is not None) + (self.opens_on is not None)
        if n_openings != int(is_by_calendar):
            raise fault("opening_not_one", found=n_openings)
        return self

    @model_validator(mode="after")
    def _asks_someone_for_something(self) -> Self:
        """Refuse a cycle that comes by itself and expects nobody, and a duty that nothing could settle."""
        if self.due is not None and not (self.expected_groups or self.expected_units):
            raise fault("nobody_expected", found="")
        if self.form is None and not self.required_attachments and not self.settled_by_word:
            raise fault("nothing_asked_for", found="")
        return self

    @model_validator(mode="after")
    def _calls_the_roll_before_an_opening(self) -> Self:
        """Refuse a roll-call without an opening to come before, and one that nobody would remember by then."""
        if self.roll_call_working_days is None:
            return self
        if not 1 <= self.roll_call_working_days <= MOST_ROLL_CALL_WORKING_DAYS:
            raise fault("roll_call_days", found=self.roll_call_working_days, most=MOST_ROLL_CALL_WORKING_DAYS)
        if self.due is None:
            raise fault("roll_call_without_calendar", found=self.roll_call_working_days)
        return self

    def to_domain(
        self, ladders: Mapping[str, tuple[Rung, ...]], papers: Mapping[str, AttachmentRule]
    ) -> ObligationRule:
        """Return the rule with its ladder and attachments filled in."""
        return ObligationRule(
            valid_from=self.valid_from,
            decision=self.decision,
            due=self.due.to_domain() if self.due else None,
            opens=YearDay(*self.opens_on) if self.opens_on else timedelta(days=self.opens_days_before or 0),
            roll=self.roll,
            window=self.window.to_domain() if self.window else None,
            expected_groups=self.expected_groups,
            expected_units=self.expected_units,
            form_code=self.form,
            required_attachments=tuple(papers[code] for code in self.required_attachments),
            ladder=ladders[self.ladder],
            is_settled_by_word=self.settled_by_word,
            reports_to=self.reports_to,
            filled_from=self.filled_from,
            roll_call_working_days=self.roll_call_working_days,
        )


class EvidenceWritten(Written):
    """What shows that a continuous obligation is carried out."""

    reports: Annotated[tuple[ObligationCode, ...], Len(1, 50)]
    indicators: tuple[Code, ...] = ()
    sections: tuple[Code, ...] = ()

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        """Refuse evidence that could never be found."""
        if not self.indicators and not self.sections:
            raise fault("evidence_names_nothing", found="")
        return self

    def to_domain(self) -> EvidenceRule:
        """Return the rule as the domain knows it."""
        return EvidenceRule(**self.model_dump())


class ObligationWritten(Written):
    """A standing duty, as one clause of the plan lays it down."""

    code: Code
    slug: Slug
    kind: Annotated[ObligationKind, *one_of(ObligationKind)]
    title: Words
    short_title: Words
    clause: Words
    quotation: Words
    first_year: Year
    last_year: Year
    cycle_code: CycleCode | None = None
    cycle_title: CycleTitle | None = None
    lead: Words
    lead_unit: Slug | None = None
    coordinators: tuple[Words, ...] = ()
    coordinating_units: tuple[Slug, ...] = ()
    receivers: Annotated[list[Words], Len(1, 50)]
    answered_with: ObligationCode | None = None
    also_settled_by: ObligationCode | None = None
    paper: Annotated[Paper, *one_of(Paper)] = Paper.REPORT
    evidence: EvidenceWritten | None = None
    proposes: Annotated[Proposed | None, *one_of(Proposed)] = None
    rules: Annotated[tuple[RuleWritten, ...], Len(0, 100)] = ()

    @model_validator(mode="after")
    def _can_be_followed_up(self) -> Self:
        """Refuse a scheduled duty whose cycles have no name, and a continuous one that nothing would show."""
        is_scheduled = any(rule.due is not None for rule in self.rules)
        if is_scheduled and (self.cycle_code is None or self.cycle_title is None):
            raise fault("cycles_without_name", found=self.code)
        if is_scheduled and "{number}" in f"{self.cycle_code}{self.cycle_title}":
            raise fault("cycle_code_without_year", found=self.cycle_code)
        if self.kind is ObligationKind.CONTINUOUS and self.evidence is None:
            raise fault("continuous_without_evidence", found=self.code)
        if self.kind is not ObligationKind.CONTINUOUS and not self.rules and self.answered_with is None:
            raise fault("obligation_without_rule", found=self.code)
        return self

    def to_domain(self, ladders: Mapping[str, tuple[Rung, ...]], papers: Mapping[str, AttachmentRule]) -> Obligation:
        """Return the obligation as the domain knows it."""
        plain = self.model_dump(exclude={"rules", "receivers", "evidence", "cycle_code", "cycle_title"})
        return Obligation(
            **plain,
            cycle_code=self.cycle_code or "",
            cycle_title=self.cycle_title or "",
            receivers=tuple(self.receivers),
            evidence=self.evidence.to_domain() if self.evidence else None,
            rules=tuple(rule.to_domain(ladders, papers) for rule in self.rules),
        )


class RecipientWritten(Written):
    """Someone on the distribution list."""

    name: Words
    email: Address
    obligations: Annotated[tuple[ObligationCode, ...], Len(1, 100)]
    role: Annotated[RecipientRole, *one_of(RecipientRole)] = RecipientRole.TO
    automatic: bool = False

    def to_domain(self) -> Recipient:
        """Return the recipient as the domain knows it."""
        plain = self.model_dump(exclude={"automatic"})
        return Recipient(**plain, is_automatic=self.automatic)


class CriterionWritten(Written):
    """One line of the yearly score."""

    code: Code
    title: Words
    points: Annotated[int, Ge(1), Le(1000)]
    measure: Annotated[ScoreMeasure, *one_of(ScoreMeasure)]
    clause: str = ""
    indicators: tuple[Code, ...] = ()

    def to_domain(self) -> Criterion:
        """Return the criterion as the domain knows it."""
        return Criterion(**self.model_dump())


class PlanWritten(Written):
    """The whole of `plan.yaml`."""

    code: Code
    title: Words
    short_title: Words
    basis: Words
    plan_document: Words
    desk: DeskWritten
    office_hours: Annotated[list[HourSpan], Len(1, 10)]
    groups: Annotated[dict[Code, Words], Len(1, 100)]
    attachments: Annotated[dict[Code, AttachmentWritten], Len(0, 100)] = Field(default_factory=dict)
    ladders: Annotated[dict[Code, Annotated[list[RungWritten], Len(1, 50)]], Len(1, 20)]
    obligations: Annotated[list[ObligationWritten], Len(1, 500)]
    distribution: Annotated[tuple[RecipientWritten, ...], Len(0, 500)] = ()
    criteria: Annotated[tuple[CriterionWritten, ...], Len(0, 100)] = ()

    def hours(self) -> OfficeHours:
        """Return the hours in which letters may leave."""
        return OfficeHours(tuple(sorted(self.office_hours)))

    def obligations_in_domain(self) -> tuple[Obligation, ...]:
        """Return the obligations with their ladders and attachments filled in."""
        ladders = {code: tuple(rung.to_domain() for rung in rungs) for code, rungs in self.ladders.items()}
        papers = {
            code: AttachmentRule(
                code=code, title=paper.title, media_types=paper.media_types, name_words=paper.name_words
            )
            for code, paper in self.attachments.items()
        }
        return tuple(written.to_domain(ladders, papers) for written in self.obligations)


def plan_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `plan.yaml`, without any text for people."""
    return PlanWritten.model_json_schema(by_alias=True)


def _order(day: YearDayWritten) -> tuple[int, int, int]:
    return day.year_offset, day.month, day.day
