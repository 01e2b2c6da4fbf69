"""The closed sets of words the whole program shares; it knows no Vietnamese (see `templates/labels.vi.yaml`)."""

from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

OFFICE_ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
"""The zone in which every deadline of a Vietnamese office is read (+07:00, no daylight saving)."""


class RelationKind(StrEnum):
    """What became of a unit when the roster was reorganised."""

    MERGED_INTO = "merged_into"
    """The whole unit went into the other one."""
    SPLIT_FROM = "split_from"
    """The unit was founded from a part of the other one."""
    RENAMED = "renamed"
    """The unit goes on under another name or kind."""
    ABOLISHED = "abolished"
    """The unit ended; the other one, if there is one, takes its work over."""


class NotComparable(StrEnum):
    """Why figures of before a reorganisation belong to no unit of after it."""

    DIVIDED = "divided"
    NO_HEIR = "no_heir"


class ContactRole(StrEnum):
    """What a contact is to its unit."""

    DESK = "desk"
    HEAD = "head"
    DEPUTY = "deputy"
    """Stands in for the head while the head is away."""


class ContactHealth(StrEnum):
    """Whether a unit can be written to, as far as is known; derived from contacts, bounces and confirmations."""

    UNREACHABLE = "unreachable"
    """No contact is there, or none whose address takes mail."""
    UNCONFIRMED = "unconfirmed"
    """The roll-call has begun, and none of those who can be written to has confirmed."""
    CONFIRMED = "confirmed"
    REACHABLE = "reachable"
    """Somebody can be written to, and nobody is asked to confirm."""


class RosterChangeKind(StrEnum):
    """What a new roster changes against the present one."""

    UNIT_ADDED = "unit_added"
    UNIT_REMOVED = "unit_removed"
    UNIT_CHANGED = "unit_changed"
    CONTACT_ADDED = "contact_added"
    CONTACT_REMOVED = "contact_removed"
    MEMBER_ADDED = "member_added"
    MEMBER_REMOVED = "member_removed"
    RELATION_ADDED = "relation_added"
    RELATION_REMOVED = "relation_removed"


class ObligationKind(StrEnum):
    """What sort of duty an obligation lays on a unit."""

    REPORT = "report"
    INSPECTION = "inspection"
    ANNUAL_PLAN = "annual_plan"
    REVIEW = "review"
    MILESTONE = "milestone"
    CONTINUOUS = "continuous"


class Paper(StrEnum):
    """What an obligation has the units send; the letters call it by its name."""

    REPORT = "report"
    ESTIMATE = "estimate"


class ReportsTo(StrEnum):
    """Who receives what the expected units report: the standing agency's desk, or each unit's own parent."""

    DESK = "desk"
    PARENT = "parent"


class Roll(StrEnum):
    """What happens to a deadline whose last day is no working day (Civil Code 2015, art. 148, by analogy)."""

    NEXT_WORKING_DAY = "next_working_day"
    NONE = "none"


class Standing(StrEnum):
    """Where a duty stands at an instant; derived by `duties.standing_at`, never stored."""

    NOT_OPEN = "not_open"
    OPEN = "open"
    IN_GRACE = "in_grace"
    EXTENDED = "extended"
    LATE = "late"
    SUBMITTED = "submitted"
    DONE = "done"
    DONE_LATE = "done_late"
    NIL = "nil"
    WAIVED = "waived"


class Timeliness(StrEnum):
    """How the first complete submission stands against the deadline."""

    ON_TIME = "on_time"
    IN_GRACE = "in_grace"
    LATE = "late"


class Outcome(StrEnum):
    """What became of an arrival; every arrival gets exactly one, and it is stored."""

    ACCEPTED = "accepted"
    RETURNED = "returned"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"


class KeptKind(StrEnum):
    """As what the archive keeps a file; how long is the operator's setting, by kind."""

    IGNORED = "ignored"
    """An arrival that answers nothing: automatic replies, letters that came back."""
    RETURNED = "returned"
    """An arrival that was given back and brought nothing that counts."""
    HELD = "held"
    """An arrival that waited for a person who dealt with it."""
    ANSWER = "answer"
    """An arrival that brought something to a duty: figures, a signed copy, a word that settles it."""
    WORKBOOK = "workbook"
    """The workbook of a returned arrival on its own, for marking; it is in its arrival, too."""
    FORM = "form"
    """A stamped form, which can be stamped again."""
    EDITION = "edition"
    """A file of an edition."""


class FindingLevel(StrEnum):
    """How much a finding weighs: only a blocking one makes a submission incomplete."""

    BLOCKING = "blocking"
    QUESTION = "question"
    NOTE = "note"


class FieldKind(StrEnum):
    """What may stand in a cell that a unit fills."""

    COUNT = "count"
    MONEY = "money"
    CHOICE = "choice"
    YES_NO = "yes_no"
    TEXT = "text"


class Accrual(StrEnum):
    """Whether a figure adds up over time (flow) or is read off at the cut-off (stock)."""

    FLOW = "flow"
    STOCK = "stock"


class Aggregation(StrEnum):
    """How the figures of units become one figure; a mean of percentages is never among them."""

    SUM = "sum"
    COUNT = "count"
    NONE = "none"


class Audience(StrEnum):
    """Which duties a rung speaks to."""

    ALL = "all"
    UNSUBMITTED = "unsubmitted"
    LATE = "late"


class Anchor(StrEnum):
    """The instant from which a rung counts its working days."""

    OPENS_AT = "opens_at"
    LATE_AT = "late_at"


class RungAction(StrEnum):
    """What a rung does when its day has come."""

    LETTER = "letter"
    DRAFT = "draft"
    CLOSE = "close"


class SkipReason(StrEnum):
    """Why a unit was not written to; kept beside the ledger, so that the question can be answered later."""

    NOT_OPEN = "not_open"
    NOT_DUE = "not_due"
    ALREADY_SENT = "already_sent"
    SUBMITTED = "submitted"
    HELD_BY_US = "held_by_us"
    NIL = "nil"
    WAIVED = "waived"
    EXTENDED = "extended"
    PROMISED = "promised"
    IN_GRACE = "in_grace"
    MUTED = "muted"
    NO_CONTACT = "no_contact"
    SUPERSEDED = "superseded"
    ONE_LETTER_A_DAY = "one_letter_a_day"
    CLOSED = "closed"


class LetterState(StrEnum):
    """Where a letter of the ledger stands; `unknown` is what a crash leaves of `sending`."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Proposed(StrEnum):
    """What a person is proposed when a review is over; nobody but a person decides it."""

    COMMENDATION = "commendation"
    LOWERING = "lowering"


class LetterKind(StrEnum):
    """Why a letter is written; each has a folder of templates (`templates/email/<kind>/`)."""

    CHASE = "chase"
    RECEIPT = "receipt"
    RETURN = "return"
    HELD = "held"
    SEVERAL = "several"
    """Answers an arrival that brought several forms, each with what became of it."""
    OPERATOR = "operator"
    RESULT = "result"
    SCORE = "score"
    MEMBER = "member"
    PARENT = "parent"
    ROLL_CALL = "roll_call"
    DAILY = "daily"
    WEEKLY = "weekly"


ANSWERS: Final = (LetterKind.RECEIPT, LetterKind.RETURN, LetterKind.HELD, LetterKind.SEVERAL)
"""What goes to whoever has sent something."""


class MarkKind(StrEnum):
    """A fact about a duty that a person stated: an extension, a waiver, a promise, a nil report, silence, an act."""

    EXTENSION = "extension"
    WAIVER = "waiver"
    PROMISE = "promise"
    NIL = "nil"
    MUTE = "mute"
    DONE = "done"


class Channel(StrEnum):
    """The way by which an arrival reached us."""

    MAIL = "mail"
    DROP_FOLDER = "drop_folder"
    COMMAND = "command"
    ON_BEHALF = "on_behalf"


class EditionKind(StrEnum):
    """Whether an aggregate may still change (provisional) or closes the cycle (final)."""

    PROVISIONAL = "provisional"
    FINAL = "final"


class RecipientRole(StrEnum):
    """Whether someone on the distribution list is addressed or gets a copy."""

    TO = "to"
    COPY = "copy"


class ScoreMeasure(StrEnum):
    """The facts by which one criterion of the yearly score gives its points."""

    REPORTED_ON_TIME = "reported_on_time"
    RETURNED_SELDOM = "returned_seldom"
    TARGETS_REACHED = "targets_reached"
    INDICATOR_PRESENT = "indicator_present"
    TASKS_CLOSED = "tasks_closed"


class Grade(StrEnum):
    """How the movement of a unit is classed by a signed decision (clause III.2); the program never classes anyone."""

    EXCELLENT = "excellent"
    GOOD = "good"
    AVERAGE = "average"
    WEAK = "weak"
    NOT_CLASSED = "not_classed"


class TargetState(StrEnum):
    """Where a result stands against the target that the annual plan sets (clause II.5)."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    NO_RESULT = "no_result"
    NOTHING_ASKED = "nothing_asked"


class ReviewKind(StrEnum):
    """The yearly review of clause II.8 and the phase reviews of clause II.5 share a word and are two things."""

    YEARLY = "yearly"
    PHASE_1 = "phase_1"
    FINAL = "final"


class ContestDecision(StrEnum):
    """What a person decided of a unit's objection to its score."""

    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    REJECTED = "rejected"


class Action(StrEnum):
    """What an operator did by hand; each is kept with who, when and why."""

    EXTEND = "extend"
    WAIVE = "waive"
    ACCEPT = "accept"
    RETURN = "return"
    ENTER_ON_BEHALF = "enter_on_behalf"
    CHASE_NOW = "chase_now"
    MUTE = "mute"
    COMPILE_NOW = "compile_now"
    IMPORT_ROSTER = "import_roster"
    RESOLVE_QUARANTINE = "resolve_quarantine"
    EXPECT_UNITS = "expect_units"
    START_INSPECTION = "start_inspection"
    RECORD_INSPECTION = "record_inspection"
    CONCLUDE_INSPECTION = "conclude_inspection"
    PREPARE_TARGETS = "prepare_targets"
    IMPORT_TARGETS = "import_targets"
    IMPORT_TASKS = "import_tasks"
    CLOSE_TASK = "close_task"
    SEND_RESULT = "send_result"
    OPEN_REVIEW = "open_review"
    RECORD_CONTEST = "record_contest"
    DECIDE_CONTEST = "decide_contest"
    FREEZE_REVIEW = "freeze_review"
    ENTER_CLASSIFICATION = "enter_classification"
    MAKE_DOSSIER = "make_dossier"
    PURGE = "purge"
