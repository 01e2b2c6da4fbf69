"""What `plan.yaml` may say: its keys, their types, and how the whole becomes obligations; it reads no other file."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from annotated_types import Ge, Le, Len
from pydantic import Field, model_validator

from models.domain.calendar import (
    BeforeDay,
    ByDay,
    DataWindow,
    DueRule,
    OfficeHours,
    WithinMonth,
    WithinQuarter,
    YearDay,
)
from models.domain.plan import AttachmentRule, Desk, Obligation, ObligationRule, Rung
from models.domain.vocabulary import Anchor, Audience, ObligationKind, Roll, RungAction
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
    copy_member_in_charge: bool = False
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


class DueWritten(Written):
    """When an obligation falls due: exactly one of the four ways in which a plan says it."""

    before_day: DayOfYear | None = None
    by_day: DayOfYear | None = None
    within_month: Annotated[int, Ge(1), Le(12)] | None = None
    within_quarter: Annotated[int, Ge(1), Le(4)] | None = None

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
    """What an obligation asks from a date on."""

    valid_from: Day
    decision: Words
    due: DueWritten
    opens_days_before: int
    roll: Annotated[Roll, *one_of(Roll)] = Roll.NEXT_WORKING_DAY
    window: WindowWritten | None = None
    expected_groups: Annotated[list[GroupCode], Len(1, 50)]
    form: FormCode
    required_attachments: tuple[AttachmentCode, ...] = ()
    ladder: LadderCode

    @model_validator(mode="after")
    def _opens_before_it_is_due(self) -> Self:
        """Refuse a cycle that would open after its deadline, or more than a year before."""
        if not 1 <= self.opens_days_before <= 365:  # noqa: PLR2004 - a yearly cycle opens within its year
            raise fault("opens_after_due", found=self.opens_days_before)
        return self


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
    cycle_code: CycleCode
    cycle_title: CycleTitle
    lead: Words
    coordinators: tuple[Words, ...] = ()
    receivers: Annotated[list[Words], Len(1, 50)]
    rules: Annotated[list[RuleWritten], Len(1, 100)]


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

    def hours(self) -> OfficeHours:
        """Return the hours in which letters may leave."""
        return OfficeHours(tuple(sorted(self.office_hours)))

    def obligations_in_domain(self) -> tuple[Obligation, ...]:
        """Return the obligations with their ladders and attachments filled in."""
        ladders = {code: tuple(rung.to_domain() for rung in rungs) for code, rungs in self.ladders.items()}
        papers = {
            code: AttachmentRule(code=code, title=paper.title, media_types=paper.media_types)
            for code, paper in self.attachments.items()
        }
        return tuple(_obligation(written, ladders, papers) for written in self.obligations)


def plan_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `plan.yaml`, without any text for people."""
    return PlanWritten.model_json_schema(by_alias=True)


def _obligation(
    written: ObligationWritten, ladders: Mapping[str, tuple[Rung, ...]], papers: Mapping[str, AttachmentRule]
) -> Obligation:
    plain = written.model_dump(exclude={"rules", "coordinators", "receivers"})
    rules = tuple(
        ObligationRule(
            valid_from=rule.valid_from,
            decision=rule.decision,
            due=rule.due.to_domain(),
            opens_before=timedelta(days=rule.opens_days_before),
            roll=rule.roll,
            window=rule.window.to_domain() if rule.window else None,
            expected_groups=tuple(rule.expected_groups),
            form_code=rule.form,
            required_attachments=tuple(papers[code] for code in rule.required_attachments),
            ladder=ladders[rule.ladder],
        )
        for rule in written.rules
    )
    return Obligation(**plain, coordinators=written.coordinators, receivers=tuple(written.receivers), rules=rules)


def _order(day: YearDayWritten) -> tuple[int, int, int]:
    return day.year_offset, day.month, day.day
