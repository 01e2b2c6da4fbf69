"""The closed sets of words the whole program shares; it knows no Vietnamese (see `templates/labels.vi.yaml`)."""

from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

OFFICE_ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
"""The zone in which every deadline of a Vietnamese office is read (+07:00, no daylight saving)."""


class ObligationKind(StrEnum):
    """What sort of duty an obligation lays on a unit."""

    REPORT = "report"
    INSPECTION = "inspection"
    ANNUAL_PLAN = "annual_plan"
    REVIEW = "review"
    MILESTONE = "milestone"
    CONTINUOUS = "continuous"


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


class LetterState(StrEnum):
    """Where a letter of the ledger stands; `unknown` is what a crash leaves of `sending`."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class LetterKind(StrEnum):
    """Why a letter is written; each has a folder of templates (`templates/email/<kind>/`)."""

    CHASE = "chase"
    RECEIPT = "receipt"
    RETURN = "return"
    HELD = "held"
    OPERATOR = "operator"


class MarkKind(StrEnum):
    """A fact about a duty that a person stated: an extension, a waiver, a promise, a nil report, silence."""

    EXTENSION = "extension"
    WAIVER = "waiver"
    PROMISE = "promise"
    NIL = "nil"
    MUTE = "mute"


class Channel(StrEnum):
    """The way by which an arrival reached us."""

    MAIL = "mail"
    DROP_FOLDER = "drop_folder"
    COMMAND = "command"


class EditionKind(StrEnum):
    """Whether an aggregate may still change (provisional) or closes the cycle (final)."""

    PROVISIONAL = "provisional"
    FINAL = "final"
