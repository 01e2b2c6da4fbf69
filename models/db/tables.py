"""Every table. Only facts are kept: when a cycle falls due, what arrived, what was sent; standings are derived."""

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, Word
from models.domain.vocabulary import (
    Action,
    Channel,
    ContactRole,
    ContestDecision,
    EditionKind,
    Grade,
    KeptKind,
    LetterKind,
    LetterState,
    MarkKind,
    Outcome,
    RecipientRole,
    RelationKind,
    ReviewKind,
    SkipReason,
)

CODE = String(80)
NAME = String(300)
ADDRESS = String(320)
DIGEST = String(64)
Jsonable = dict[str, object]


class UnitRow(Base):
    """One span of validity of a unit, as the roster's workbook gave it."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("programme_code", "code", "valid_from"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    code: Mapped[str] = mapped_column(CODE)
    name: Mapped[str] = mapped_column(NAME)
    group_code: Mapped[str] = mapped_column(CODE)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    parent_code: Mapped[str | None] = mapped_column(CODE)
    member_in_charge: Mapped[str | None] = mapped_column(CODE)
    kind: Mapped[str] = mapped_column(CODE)
    official_code: Mapped[str] = mapped_column(CODE)
    address: Mapped[str] = mapped_column(Text)
    head: Mapped[str] = mapped_column(NAME)
    aliases: Mapped[list[str]] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(Text)


class UnitRelationRow(Base):
    """One fact of a reorganisation: what became of a unit, from which day, by which document."""

    __tablename__ = "unit_relation"
    __table_args__ = (Index(None, "programme_code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    kind: Mapped[RelationKind] = mapped_column(Word(RelationKind))
    unit_code: Mapped[str] = mapped_column(CODE)
    other_code: Mapped[str | None] = mapped_column(CODE)
    on: Mapped[date]
    document: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)


class ContactRow(Base):
    """A desk or person of a unit that letters go to."""

    __tablename__ = "contact"
    __table_args__ = (Index(None, "programme_code", "unit_code"), Index(None, "email"))

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    unit_code: Mapped[str] = mapped_column(CODE)
    name: Mapped[str] = mapped_column(NAME)
    email: Mapped[str] = mapped_column(ADDRESS)
    """Lower case, so that two spellings of one address are one."""
    phone: Mapped[str] = mapped_column(String(50))
    rank: Mapped[int]
    role: Mapped[ContactRole] = mapped_column(Word(ContactRole))
    away_from: Mapped[date | None]
    away_to: Mapped[date | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class MemberRow(Base):
    """A member of the steering committee with the field assigned."""

    __tablename__ = "member"

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    code: Mapped[str] = mapped_column(CODE)
    name: Mapped[str] = mapped_column(NAME)
    email: Mapped[str] = mapped_column(ADDRESS)
    field: Mapped[str] = mapped_column(Text)
    deputy_code: Mapped[str | None] = mapped_column(CODE)
    away_from: Mapped[date | None]
    away_to: Mapped[date | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class RosterImportRow(Base):
    """Each time a roster was loaded: from which file, when, by whom."""

    __tablename__ = "roster_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    imported_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(DIGEST)
    operator: Mapped[str] = mapped_column(NAME)


class BouncedAddressRow(Base):
    """An address that mail cannot reach for good; the next contact of the unit is written to instead."""

    __tablename__ = "bounced_address"

    address: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    since: Mapped[datetime]
    detail: Mapped[str] = mapped_column(Text)


class ReleaseInUseRow(Base):
    """Which release of the program and which revision of the plans the office works with: one row, the newest word."""

    __tablename__ = "release_in_use"

    id: Mapped[int] = mapped_column(primary_key=True)
    release: Mapped[str] = mapped_column(CODE)
    plans: Mapped[dict[str, str]] = mapped_column(JSON)
    """By programme the digest of its plan, forms and holidays."""
    machine: Mapped[str] = mapped_column(NAME)
    noted_at: Mapped[datetime]


class CycleRow(Base):
    """A cycle that has opened, with its terms frozen: no later edit of the plan reaches it."""

    __tablename__ = "cycle"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(CODE, unique=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    obligation_code: Mapped[str] = mapped_column(CODE)
    clause: Mapped[str] = mapped_column(CODE)
    title: Mapped[str] = mapped_column(NAME)
    year: Mapped[int]
    opens_at: Mapped[datetime]
    due_at: Mapped[datetime]
    late_at: Mapped[datetime]
    period_start: Mapped[date | None]
    period_end: Mapped[date | None]
    terms: Mapped[str] = mapped_column(Text)
    """`plan.Terms` as JSON."""
    content: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What is to be done, where a person set the cycle as a task."""
    product: Mapped[str] = mapped_column(Text, default="", server_default="")
    opened_at: Mapped[datetime]


class DutyRow(Base):
    """One unit of a cycle's expected set, frozen at opening with the unit's name and group of that day."""

    __tablename__ = "duty"
    # By the index a cycle is gone through in chunks; by the constraint's each chunk would sort all that is left of it.
    __table_args__ = (UniqueConstraint("cycle_id", "unit_code"), Index(None, "cycle_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    unit_code: Mapped[str] = mapped_column(CODE)
    unit_name: Mapped[str] = mapped_column(NAME)
    group_code: Mapped[str] = mapped_column(CODE)
    parent_code: Mapped[str | None] = mapped_column(CODE)
    """The unit above it on the day of freezing."""
    parent_name: Mapped[str] = mapped_column(NAME, default="", server_default="")
    member_in_charge: Mapped[str | None] = mapped_column(CODE)
    token: Mapped[str] = mapped_column(String(32), unique=True)
    form_digest: Mapped[str | None] = mapped_column(DIGEST)
    """The stamped form in the archive; None until it is stamped."""
    completed_at: Mapped[datetime | None]
    """Receipt of the first complete submission."""
    accepted_at: Mapped[datetime | None]


class DutyMarkRow(Base):
    """What was stated of a duty: an extension, a waiver, a promise, a nil report, silence."""

    __tablename__ = "duty_mark"
    __table_args__ = (UniqueConstraint("duty_id", "kind", "stated_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"))
    kind: Mapped[MarkKind] = mapped_column(Word(MarkKind))
    stated_at: Mapped[datetime]
    until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text)
    operator: Mapped[str] = mapped_column(NAME)


class ReopeningRow(Base):
    """An answer that an operator gave back: until then it stood, from then on the duty is owed again."""

    __tablename__ = "reopening"
    __table_args__ = (UniqueConstraint("duty_id", "reopened_at"), Index(None, "letter_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"))
    reopened_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    """What the duty's own columns said until then."""
    accepted_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(Text)
    """What the unit is told."""
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letter.id"))


class ArrivalRow(Base):
    """Whatever reached us, once; its original bytes are in the archive under `digest`."""

    __tablename__ = "arrival"
    __table_args__ = (
        Index(None, "outcome"),
        Index(None, "message_id"),
        Index(None, "duty_id"),
        Index(None, "whole_id", "part", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(400), unique=True)
    channel: Mapped[Channel] = mapped_column(Word(Channel))
    received_at: Mapped[datetime]
    taken_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(DIGEST)
    is_cut: Mapped[bool]
    operator: Mapped[str] = mapped_column(NAME)
    file_name: Mapped[str] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(ADDRESS, default="")
    subject: Mapped[str] = mapped_column(Text, default="")
    message_id: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[Outcome | None] = mapped_column(Word(Outcome))
    judged_at: Mapped[datetime | None]
    duty_id: Mapped[int | None] = mapped_column(ForeignKey("duty.id"))
    """The duty it answers; a guess where the outcome is quarantined."""
    reasons: Mapped[list[Jsonable]] = mapped_column(JSON, default=list)
    """`forms.Finding`s as JSON."""
    workbook_digest: Mapped[str | None] = mapped_column(DIGEST)
    """The workbook found in it, for marking and giving back."""
    workbook_name: Mapped[str] = mapped_column(Text, default="")
    filed_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    """When a person dealt with it, where it waited for one; its outcome stays what it was."""
    is_secret: Mapped[bool] = mapped_column(default=False, server_default="0")
    """It bore a marking of secrecy: no bytes of it were kept, no subject, no name of a file."""
    document_number: Mapped[str] = mapped_column(NAME, default="", server_default="")
    """Number of the signed document, where it came with one."""
    signed_on: Mapped[date | None]
    signer: Mapped[str] = mapped_column(NAME, default="", server_default="")
    part: Mapped[int] = mapped_column(default=0, server_default="0")
    """Place of its form among the workbooks of an arrival that brings several; 0 for one that is not divided."""
    whole_id: Mapped[int | None] = mapped_column(ForeignKey("arrival.id"))
    """The arrival whose bytes it is a further part of; the first part is that arrival itself."""


class SubmissionRow(Base):
    """An arrival that answers a duty, numbered within it: what it brought."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("duty_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrival.id"), unique=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"))
    number: Mapped[int]
    received_at: Mapped[datetime]
    judged_at: Mapped[datetime]
    has_sound_form: Mapped[bool]
    attachments: Mapped[list[str]] = mapped_column(JSON)
    form_version: Mapped[str] = mapped_column(CODE)
    workbook_digest: Mapped[str | None] = mapped_column(DIGEST)


class FigureRow(Base):
    """What a sound form reports in one field."""

    __tablename__ = "figure"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    field: Mapped[str] = mapped_column(CODE, primary_key=True)
    amount: Mapped[int | None] = mapped_column(BigInteger)
    text: Mapped[str | None] = mapped_column(Text)
    is_estimate: Mapped[bool]
    note: Mapped[str] = mapped_column(Text)


class NarrativeRow(Base):
    """What a sound form says in one section."""

    __tablename__ = "narrative"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    section: Mapped[str] = mapped_column(CODE, primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class ExplanationRow(Base):
    """What a unit said to one question about one figure: the constraint keeps the first word."""

    __tablename__ = "explanation"
    __table_args__ = (UniqueConstraint("duty_id", "question", "subject", "value"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"))
    question: Mapped[str] = mapped_column(CODE)
    """Code of the finding that asked."""
    subject: Mapped[str] = mapped_column(NAME)
    """Code of the field, or name of the section."""
    value: Mapped[str] = mapped_column(NAME)
    """The figure as it was shown; another figure may be asked about again."""
    text: Mapped[str] = mapped_column(Text)
    given_at: Mapped[datetime]
    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrival.id"))


class LetterRow(Base):
    """One mail of the outbox. `key` says why it exists, and is what keeps it from being written twice."""

    __tablename__ = "letter"
    __table_args__ = (Index(None, "state"), Index(None, "recipient", "day"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(400), unique=True)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[LetterKind] = mapped_column(Word(LetterKind))
    recipient: Mapped[str] = mapped_column(ADDRESS)
    day: Mapped[date]
    state: Mapped[LetterState] = mapped_column(Word(LetterState))
    n_attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    subject: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrival.id"))


class ReminderRow(Base):
    """One rung for one duty and one recipient: the constraint is what stops a second one."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("duty_id", "rung", "recipient", "occasion"), Index(None, "letter_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"))
    rung: Mapped[str] = mapped_column(CODE)
    recipient: Mapped[str] = mapped_column(ADDRESS)
    decided_at: Mapped[datetime]
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letter.id"))
    cancelled_because: Mapped[SkipReason | None] = mapped_column(Word(SkipReason))
    """The unit answered between deciding and sending."""
    occasion: Mapped[str] = mapped_column(CODE, default="", server_default="")
    """The day on which an operator had a rung said once more; empty for the ladder's own."""


class MemberNoticeRow(Base):
    """A rung of a duty at which the member in charge, or the unit's parent (`kind`), was told of it.

    The constraint is what stops a second time. A row goes when its letter was never sent, or when the unit had
    answered by then.
    """

    __tablename__ = "member_notice"
    __table_args__ = (UniqueConstraint("duty_id", "rung", "kind"), Index(None, "letter_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"))
    rung: Mapped[str] = mapped_column(CODE)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"))
    kind: Mapped[LetterKind] = mapped_column(Word(LetterKind), default=LetterKind.MEMBER, server_default="member")
    """Of which kind that letter is."""


class RollCallRow(Base):
    """A contact of a unit who was asked before a cycle opened; the constraint is what stops a second time.

    Cycle and unit are named by their codes: neither cycle nor duty is there yet.
    """

    __tablename__ = "roll_call"
    __table_args__ = (UniqueConstraint("cycle_code", "unit_code", "recipient"), Index(None, "letter_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    cycle_code: Mapped[str] = mapped_column(CODE)
    unit_code: Mapped[str] = mapped_column(CODE)
    recipient: Mapped[str] = mapped_column(ADDRESS)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"))


class RollCallTokenRow(Base):
    """The secret by which an answer names the roll-call letter that it answers."""

    __tablename__ = "roll_call_token"

    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    token: Mapped[str] = mapped_column(String(32), unique=True)


class ContactConfirmationRow(Base):
    """An arrival by which a contact said that mail to this address still finds the right desk."""

    __tablename__ = "contact_confirmation"
    __table_args__ = (Index(None, "address"),)

    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrival.id"), primary_key=True)
    address: Mapped[str] = mapped_column(ADDRESS)
    confirmed_at: Mapped[datetime]
    """Receipt of the arrival."""


class SkipRow(Base):
    """Why a duty was not written to when a rung had come."""

    __tablename__ = "skip"
    __table_args__ = (UniqueConstraint("duty_id", "rung", "reason"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"))
    rung: Mapped[str] = mapped_column(CODE)
    reason: Mapped[SkipReason] = mapped_column(Word(SkipReason))
    noted_at: Mapped[datetime]


class DraftRow(Base):
    """An official letter that lies ready for signature; number, seal and sending are outside this program."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("cycle_id", "rung"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    rung: Mapped[str] = mapped_column(CODE)
    as_of: Mapped[datetime]
    n_units: Mapped[int]
    path: Mapped[str] = mapped_column(Text)
    """Below the home."""


class EditionRow(Base):
    """One aggregate that was written: its inputs, its totals, and where it lies below the home."""

    __tablename__ = "edition"
    __table_args__ = (UniqueConstraint("cycle_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    number: Mapped[int]
    kind: Mapped[EditionKind] = mapped_column(Word(EditionKind))
    as_of: Mapped[datetime]
    inputs_digest: Mapped[str] = mapped_column(DIGEST)
    """SHA-256 over what went in; the same inputs never make a second edition."""
    n_expected: Mapped[int]
    n_reported: Mapped[int]
    totals: Mapped[Jsonable] = mapped_column(JSON)
    sources: Mapped[list[Jsonable]] = mapped_column(JSON)
    workbook: Mapped[str] = mapped_column(Text)
    report: Mapped[str] = mapped_column(Text)


class EditionFileRow(Base):
    """A file of an edition: where people find it, and under which digest the store keeps it."""

    __tablename__ = "edition_file"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(400), primary_key=True)
    """Below the shared folder."""
    digest: Mapped[str] = mapped_column(DIGEST)


class HandoverRow(Base):
    """Which letter hands which edition to someone on the distribution list; the constraint is what stops a second."""

    __tablename__ = "handover"
    __table_args__ = (UniqueConstraint("edition_id", "address"),)

    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    address: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    name: Mapped[str] = mapped_column(NAME)
    """The recipient as the distribution list names it."""
    role: Mapped[RecipientRole] = mapped_column(Word(RecipientRole))
    document: Mapped[str] = mapped_column(CODE, default="")
    """Number of the signed document that the edition goes with; empty where it goes by itself."""
    signed_on: Mapped[date | None]


class RemovedFileRow(Base):
    """A file whose bytes the archive has no more, or is about to lose: it was there, as what, and how large it was.

    The row is written before the bytes go, and goes itself when the same bytes are kept again: whoever records a file
    looks here, and so never speaks of one that is being removed (`tasks.holding`).
    """

    __tablename__ = "removed_file"
    __table_args__ = (Index(None, "removed_at"),)

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    kind: Mapped[KeptKind] = mapped_column(Word(KeptKind))
    n_octets: Mapped[int] = mapped_column(BigInteger)
    decided_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class HeartbeatRow(Base):
    """When a recurring step last came to its end, such as the poll of the mailbox."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(CODE, primary_key=True)
    at: Mapped[datetime]


class OutageRow(Base):
    """A span in which a place where units are heard could not be reached, such as the mailbox."""

    __tablename__ = "outage"
    __table_args__ = (UniqueConstraint("name", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(CODE)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    """When it was reached again; None while it is not."""
    detail: Mapped[str] = mapped_column(Text)


class TroubleRow(Base):
    """A run that ended badly: the operator is told of each sort once a day, however often it comes."""

    __tablename__ = "trouble"
    __table_args__ = (UniqueConstraint("run"), Index(None, "day", "sort"))

    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[str] = mapped_column(CODE)
    """Number of the Prefect run."""
    name: Mapped[str] = mapped_column(NAME)
    at: Mapped[datetime]
    day: Mapped[date]
    sort: Mapped[str] = mapped_column(CODE)
    """What is the same for runs that failed alike."""
    message: Mapped[str] = mapped_column(Text)
    """The first line of what it ended with."""


class AuditRow(Base):
    """What an operator did by hand: who, when, to what, and why. Rows are never changed."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "action", "at"), Index(None, "subject"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    operator: Mapped[str] = mapped_column(NAME)
    action: Mapped[Action] = mapped_column(Word(Action))
    subject: Mapped[str] = mapped_column(NAME)
    """Code of what it was done to: a cycle, an inspection, a review, an arrival's number."""
    unit_code: Mapped[str] = mapped_column(CODE, default="")
    reason: Mapped[str] = mapped_column(Text)
    details: Mapped[Jsonable] = mapped_column(JSON, default=dict)
    run: Mapped[str] = mapped_column(CODE, default="")
    """Number of the Prefect run in which it was done; its history may be swept away, this row is not."""


class InspectionRow(Base):
    """One inspection; the units' explanations are the duties of its cycle."""

    __tablename__ = "inspection"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(CODE, unique=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    obligation_code: Mapped[str] = mapped_column(CODE)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), unique=True)
    title: Mapped[str] = mapped_column(NAME)
    scope: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    """The decision by which it is held, as the operator gave it."""
    leader: Mapped[str] = mapped_column(NAME)
    team: Mapped[list[str]] = mapped_column(JSON, default=list)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    conclude_by: Mapped[date]
    """Last day for the conclusion: what "xong" means (clause II.6)."""
    seed: Mapped[str] = mapped_column(CODE, default="")
    proposal: Mapped[list[Jsonable]] = mapped_column(JSON, default=list)
    """Why each unit was proposed, where units were proposed by risk."""
    started_at: Mapped[datetime]
    concluded_on: Mapped[date | None]
    conclusion_number: Mapped[str] = mapped_column(CODE, default="")
    conclusion: Mapped[str] = mapped_column(Text, default="")


class InspectionFindingRow(Base):
    """One fault that an inspection found at a unit, and what is to be done about it."""

    __tablename__ = "inspection_finding"
    __table_args__ = (UniqueConstraint("inspection_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    inspection_id: Mapped[int] = mapped_column(ForeignKey("inspection.id"))
    number: Mapped[int]
    unit_code: Mapped[str] = mapped_column(CODE)
    text: Mapped[str] = mapped_column(Text)
    remedy: Mapped[str] = mapped_column(Text, default="")
    owner: Mapped[str] = mapped_column(NAME, default="")
    """Who in the unit sees to the remedy, as the operator gave it."""
    remedy_cycle_id: Mapped[int | None] = mapped_column(ForeignKey("cycle.id"))
    """The remedy as a duty of its own, chased until it is closed; None where none is asked for."""
    recorded_at: Mapped[datetime]


class TargetRow(Base):
    """What the annual plan asks of a unit in one field of the form."""

    __tablename__ = "target"
    __table_args__ = (UniqueConstraint("programme_code", "year", "unit_code", "field"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    year: Mapped[int]
    unit_code: Mapped[str] = mapped_column(CODE)
    field: Mapped[str] = mapped_column(CODE)
    amount: Mapped[int] = mapped_column(BigInteger)
    set_at: Mapped[datetime]


class ReviewRow(Base):
    """One review: yearly, of a phase, or final."""

    __tablename__ = "review"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(CODE, unique=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    kind: Mapped[ReviewKind] = mapped_column(Word(ReviewKind))
    year: Mapped[int]
    title: Mapped[str] = mapped_column(NAME)
    as_of: Mapped[datetime]
    opened_at: Mapped[datetime]
    contest_until: Mapped[datetime]
    """First instant at which a unit may no longer object."""
    frozen_at: Mapped[datetime | None]
    digest: Mapped[str] = mapped_column(DIGEST, default="")
    """SHA-256 over the frozen scores."""


class ReviewScoreRow(Base):
    """The points of one unit under one criterion, with the facts they rest on."""

    __tablename__ = "review_score"
    __table_args__ = (UniqueConstraint("review_id", "unit_code", "criterion"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"))
    unit_code: Mapped[str] = mapped_column(CODE)
    unit_name: Mapped[str] = mapped_column(NAME)
    group_code: Mapped[str] = mapped_column(CODE)
    criterion: Mapped[str] = mapped_column(CODE)
    criterion_title: Mapped[str] = mapped_column(NAME)
    points: Mapped[int]
    at_most: Mapped[int]
    """Zero where there was nothing to score, so that the unit's own maximum is smaller."""
    evidence: Mapped[list[Jsonable]] = mapped_column(JSON, default=list)


class ScoreLetterRow(Base):
    """Which letter tells which unit its score in which review."""

    __tablename__ = "score_letter"
    __table_args__ = (Index(None, "review_id"),)

    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"))
    unit_code: Mapped[str] = mapped_column(CODE)


class ContestRow(Base):
    """A unit's objection to its score, and what a person decided of it."""

    __tablename__ = "contest"

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"))
    unit_code: Mapped[str] = mapped_column(CODE)
    criterion: Mapped[str] = mapped_column(CODE)
    raised_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    decision: Mapped[ContestDecision | None] = mapped_column(Word(ContestDecision))
    points: Mapped[int | None]
    """The points after the decision."""
    decided_at: Mapped[datetime | None]
    decided_because: Mapped[str] = mapped_column(Text, default="")
    operator: Mapped[str] = mapped_column(NAME, default="")


class ClassificationRow(Base):
    """How a signed decision classed the movement of a unit in a year; entered by a person, never worked out."""

    __tablename__ = "classification"
    __table_args__ = (UniqueConstraint("programme_code", "year", "unit_code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_code: Mapped[str] = mapped_column(CODE)
    year: Mapped[int]
    unit_code: Mapped[str] = mapped_column(CODE)
    grade: Mapped[Grade] = mapped_column(Word(Grade))
    decision_number: Mapped[str] = mapped_column(CODE)
    signed_on: Mapped[date]
    entered_at: Mapped[datetime]
    operator: Mapped[str] = mapped_column(NAME)
