"""Keeps the ledger: reminders decided, letters claimed and sent, and why the others were not written to."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, cast

from sqlalchemy import Select, Table, func, select, update
from sqlalchemy.orm import Session

from models.db.among import is_among
from models.db.inserting import insert_new, insert_one
from models.db.sessions import note_rows
from models.db.tables import ArrivalRow, BouncedAddressRow, CycleRow, DutyRow, LetterRow, ReminderRow, SkipRow
from models.domain.chasing import Send, Skip
from models.domain.reach import Dispatch
from models.domain.vocabulary import OFFICE_ZONE, LetterKind, LetterState, RowChange, SkipReason

ONE_A_DAY: Final = (LetterKind.CHASE, LetterKind.MEMBER, LetterKind.PARENT, LetterKind.ROLL_CALL)
"""Letters that the program brings up by itself: of these together one person gets one a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedReminder:
    """A rung that was decided and waits for its letter."""

    id: int
    duty_id: int
    rung: str
    recipient: str
    is_by_hand: bool = False
    """An operator had it said, not the ladder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedLetter:
    """A letter that this run, and no other, may send now."""

    id: int
    message_id: str
    kind: LetterKind
    recipient: str
    arrival_id: int | None
    n_attempts: int
    queued_at: datetime
    key: str
    """Why it exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRung:
    """What the ledger says of one rung of one duty."""

    rung: str
    recipient: str
    state: LetterState
    at: datetime | None


def message_id_of(key: str, domain: str) -> str:
    """Return the Message-ID that a letter of this key always has, with its angle brackets."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def decided_rungs(session: Session, duty_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Return by duty the rungs that the ledger has, whatever became of their letters."""
    rows = session.execute(
        select(ReminderRow.duty_id, ReminderRow.rung).where(
            is_among(ReminderRow.duty_id, duty_ids), ReminderRow.cancelled_because.is_(None)
        )
    )
    found: dict[int, frozenset[str]] = {}
    # Most have had the same rungs: one set serves them all.
    longer: dict[tuple[frozenset[str], str], frozenset[str]] = {}
    nothing: frozenset[str] = frozenset()
    for duty_id, rung in rows:
        known = found.get(duty_id, nothing)
        if (known, rung) not in longer:
            longer[known, rung] = known | {rung}
        found[duty_id] = longer[known, rung]
    return found


def queue_reminders(session: Session, sends: Iterable[Send], *, decided_at: datetime, occasion: str = "") -> int:
    """Write one ledger row a rung and recipient, and return how many are new.

    One that was taken back waits for its letter again. `occasion` is the day on which an operator has a rung said
    once more; the ladder's own have none. Two rounds may do this at once: the constraint lets each row in once.
    """
    wanted = {(send.duty_id, send.rung.code, to): None for send in sends for to in send.to}
    if not wanted:
        return 0
    known = _known_reminders(session, wanted, occasion)
    cancelled = [number for key in wanted if (number := known.get(key)) is not None]
    n_revived = _revive(session, cancelled, decided_at) if cancelled else 0
    rows = [
        {"duty_id": duty_id, "rung": rung, "recipient": to, "decided_at": decided_at, "occasion": occasion}
        for duty_id, rung, to in wanted
        if (duty_id, rung, to) not in known
    ]
    return insert_new(session, ReminderRow, rows) + n_revived


def _revive(session: Session, cancelled: Sequence[int], decided_at: datetime) -> int:
    """Let reminders that were taken back wait again, and return how many: another round may have been quicker."""
    revived = session.scalars(
        update(ReminderRow)
        .where(ReminderRow.id.in_(cancelled), ReminderRow.cancelled_because.is_not(None))
        .values(cancelled_because=None, letter_id=None, decided_at=decided_at)
        .returning(ReminderRow.id)
    ).all()
    note_rows(session, ReminderRow, RowChange.CHANGED, revived)
    return len(revived)


def note_skips(session: Session, skips: Iterable[Skip], *, at: datetime) -> int:
    """Write why duties were not written to, each reason once a rung, and return how many are new."""
    wanted = {(skip.duty_id, skip.rung_code, skip.reason) for skip in skips}
    if not wanted:
        return 0
    known = _known_skips(session, {duty_id for duty_id, _, _ in wanted})
    rows = [
        {"duty_id": duty_id, "rung": rung, "reason": reason, "noted_at": at}
        for duty_id, rung, reason in sorted(wanted - known)
    ]
    return insert_new(session, SkipRow, rows)


def queued_reminders(session: Session) -> list[QueuedReminder]:
    """Return the reminders that have no letter yet, grouped by recipient, the oldest first."""
    rows = session.scalars(
        select(ReminderRow)
        .where(ReminderRow.letter_id.is_(None), ReminderRow.cancelled_because.is_(None))
        .order_by(ReminderRow.recipient, ReminderRow.id)
    )
    return [_reminder(row) for row in rows]


def cancel_reminders(session: Session, reasons: Mapping[int, SkipReason]) -> None:
    """Take reminders back because they have lost their reason since they were decided."""
    if reasons:
        rows = [{"id": key, "cancelled_because": reason} for key, reason in reasons.items()]
        session.execute(update(ReminderRow), rows)
        note_rows(session, ReminderRow, RowChange.CHANGED, reasons)


def recipients_chased_on(session: Session, day: date) -> AbstractSet[str]:
    """Return who has a letter of that day already of those of which one person gets one a day."""
    query = select(LetterRow.recipient).where(
        LetterRow.day == day, LetterRow.kind.in_(ONE_A_DAY), LetterRow.state != LetterState.CANCELLED
    )
    return set(session.scalars(query))


def recipients_waiting(session: Session, kind: LetterKind, *, max_attempts: int) -> AbstractSet[str]:
    """Return who has a letter of the kind in the outbox that has not left and will be tried again."""
    return set(session.scalars(_waiting(kind, max_attempts)))


def recipients_waiting_for_others(session: Session, kind: LetterKind, *, max_attempts: int) -> AbstractSet[str]:
    """Return who has a letter waiting of any other kind of which one person gets one a day: it may leave today."""
    others = (other for other in ONE_A_DAY if other is not kind)
    return {to for other in others for to in recipients_waiting(session, other, max_attempts=max_attempts)}


def join_waiting_letter(
    session: Session, kind: LetterKind, recipient: str, *, day: date, max_attempts: int
) -> int | None:
    """Make a person's letter that has not left a letter of the day, and return its number; None when none waits.

    The row is held until the transaction ends: no run can claim the letter before what joins it is written.
    """
    oldest = _waiting(kind, max_attempts).where(LetterRow.recipient == recipient).with_only_columns(LetterRow.id)
    held = (
        update(LetterRow)
        .where(LetterRow.id.in_(oldest.order_by(LetterRow.id).limit(1)), LetterRow.state == LetterState.QUEUED)
        .values(day=day)
        .returning(LetterRow.id)
    )
    return session.scalars(held).first()


def queue_letter(session: Session, letter: LetterRow) -> int | None:
    """Put a letter into the outbox and return its number; None when one of its key is there already."""
    return insert_one(session, LetterRow, _values(letter))


def queue_letters(session: Session, letters: Sequence[LetterRow]) -> None:
    """Put letters into the outbox, but for those whose key is there already."""
    insert_new(session, LetterRow, [_values(letter) for letter in letters])


def put_into_letter(session: Session, reminder_ids: Sequence[int], letter_id: int) -> None:
    """Say in which letter the reminders go out; those that another run has put into one stay there."""
    session.execute(
        update(ReminderRow)
        .where(ReminderRow.id.in_(reminder_ids), ReminderRow.letter_id.is_(None))
        .values(letter_id=letter_id)
    )


def reminders_in(session: Session, letter_ids: Sequence[int]) -> dict[int, list[QueuedReminder]]:
    """Return by letter the reminders that go out in it."""
    rows = session.scalars(select(ReminderRow).where(ReminderRow.letter_id.in_(letter_ids)).order_by(ReminderRow.id))
    found: dict[int, list[QueuedReminder]] = {}
    for row in rows:
        if row.letter_id is not None:
            found.setdefault(row.letter_id, []).append(_reminder(row))
    return found


def claim(
    session: Session, *, kinds: Sequence[LetterKind], limit: int, at: datetime, max_attempts: int, after_id: int = 0
) -> list[ClaimedLetter]:
    """Claim queued letters beyond a number: an UPDATE guarded by their state, so that of two runs only one sends.

    What another run is claiming at this moment is passed over, not waited for, where the database can lock a row.
    Their day becomes that of the claim: what waited for the mail server counts on the day on which it leaves.
    """
    wanted = (
        select(LetterRow.id)
        .where(LetterRow.state == LetterState.QUEUED, LetterRow.kind.in_(kinds), LetterRow.n_attempts < max_attempts)
        .where(LetterRow.id > after_id)
        .order_by(LetterRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(wanted).all()
    claimed = session.scalars(
        update(LetterRow)
        .where(LetterRow.id.in_(ids), LetterRow.state == LetterState.QUEUED)
        .values(
            state=LetterState.SENDING,
            claimed_at=at,
            day=at.astimezone(OFFICE_ZONE).date(),
            n_attempts=LetterRow.n_attempts + 1,
        )
        .returning(LetterRow.id)
    ).all()
    rows = session.scalars(
        select(LetterRow)
        .where(LetterRow.id.in_(claimed))
        .order_by(LetterRow.id)
        .execution_options(populate_existing=True)
    )
    return [_claimed(row) for row in rows]


def mark(
    session: Session, message_id: str, state: LetterState, *, at: datetime, subject: str = "", detail: str = ""
) -> None:
    """Record what became of a letter that was being sent."""
    values: dict[str, object] = {"state": state, "finished_at": at, "detail": detail}
    if subject:
        values["subject"] = subject
    session.execute(
        update(LetterRow)
        .where(LetterRow.message_id == message_id, LetterRow.state == LetterState.SENDING)
        .values(values)
    )


def give_up_claims(session: Session, *, claimed_before: datetime) -> int:
    """Turn letters that were claimed before the instant and never marked to unknown: their sender has died."""
    result = session.scalars(
        update(LetterRow)
        .where(LetterRow.state == LetterState.SENDING, LetterRow.claimed_at < claimed_before)
        .values(state=LetterState.UNKNOWN)
        .returning(LetterRow.id)
    )
    return len(result.all())


def confirm_sent(session: Session, message_ids: Sequence[str], *, at: datetime) -> int:
    """Mark letters sent whose blind copy has come back to us; return how many were in doubt."""
    result = session.scalars(
        update(LetterRow)
        .where(
            LetterRow.message_id.in_(message_ids),
            LetterRow.state.in_([LetterState.UNKNOWN, LetterState.SENDING]),
        )
        .values(state=LetterState.SENT, finished_at=at)
        .returning(LetterRow.id)
    )
    return len(result.all())


def requeue_unsent(session: Session, *, claimed_before: datetime) -> int:
    """Queue again the letters in doubt whose blind copy should have come by now and has not; return how many."""
    result = session.scalars(
        update(LetterRow)
        .where(LetterRow.state == LetterState.UNKNOWN, LetterRow.claimed_at < claimed_before)
        .values(state=LetterState.QUEUED, detail="")
        .returning(LetterRow.id)
    )
    return len(result.all())


def count_by_state(session: Session, kinds: Sequence[LetterKind] = tuple(LetterKind)) -> dict[LetterState, int]:
    """Return how many letters of the kinds stand where."""
    rows = session.execute(
        select(LetterRow.state, func.count())
        .where(LetterRow.kind.in_(kinds))
        .group_by(LetterRow.state)
        .order_by(LetterRow.state)
    )
    return {LetterState(state): n for state, n in rows}


def count_by_rung(session: Session, cycle_code: str) -> dict[str, int]:
    """Return how many letters of each rung went out in a cycle, in the order in which the rungs came."""
    rows = session.execute(
        select(ReminderRow.rung, func.count(), func.min(ReminderRow.decided_at))
        .join(LetterRow, LetterRow.id == ReminderRow.letter_id)
        .join(DutyRow, DutyRow.id == ReminderRow.duty_id)
        .join(CycleRow, CycleRow.id == DutyRow.cycle_id)
        .where(CycleRow.code == cycle_code, LetterRow.state == LetterState.SENT)
        .group_by(ReminderRow.rung)
        .order_by(func.min(ReminderRow.decided_at))
    )
    return {rung: n for rung, n, _ in rows}


def count_sent_since(session: Session, since: datetime, until: datetime) -> dict[LetterKind, int]:
    """Return how many letters of each kind left after the first instant and by the second."""
    rows = session.execute(
        select(LetterRow.kind, func.count())
        .where(LetterRow.state == LetterState.SENT, LetterRow.finished_at > since, LetterRow.finished_at <= until)
        .group_by(LetterRow.kind)
        .order_by(LetterRow.kind)
    )
    return {LetterKind(kind): n for kind, n in rows}


def last_sent_at(session: Session, kind: LetterKind, recipient: str) -> datetime | None:
    """Return when a person's newest letter of the kind left; None when none has."""
    return session.scalars(
        select(func.max(LetterRow.finished_at)).where(
            LetterRow.kind == kind, LetterRow.recipient == recipient, LetterRow.state == LetterState.SENT
        )
    ).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckLetter:
    """A letter of which we do not know that it arrived, or know that it did not."""

    kind: LetterKind
    recipient: str
    subject: str
    state: LetterState
    at: datetime
    """When it came to stand there."""
    detail: str
    """What the mail server said; empty where it said nothing."""


def stuck_letters(session: Session) -> list[StuckLetter]:
    """Return the letters that failed or are in doubt, of all time, the oldest first."""
    stuck = select(LetterRow).where(LetterRow.state.in_((LetterState.UNKNOWN, LetterState.FAILED)))
    return [_stuck(row) for row in session.scalars(stuck.order_by(LetterRow.id))]


def _stuck(row: LetterRow) -> StuckLetter:
    return StuckLetter(
        kind=row.kind,
        recipient=row.recipient,
        subject=row.subject,
        state=row.state,
        at=row.finished_at or row.claimed_at or row.queued_at,
        detail=row.detail,
    )


def sent_without_copy(
    session: Session, *, sent_after: datetime, sent_before: datetime, limit: int
) -> list[StuckLetter]:
    """Return the letters that the server took and whose blind copy never came, the newest first.

    Only what was read of the mailbox counts: the caller sees to it that nothing of it waits to be judged.
    """
    has_copy = select(ArrivalRow.id).where(ArrivalRow.message_id == LetterRow.message_id).exists()
    rows = session.scalars(
        select(LetterRow)
        .where(LetterRow.state == LetterState.SENT, ~has_copy)
        .where(LetterRow.finished_at > sent_after, LetterRow.finished_at < sent_before)
        .order_by(LetterRow.id.desc())
        .limit(limit)
    )
    return [_stuck(row) for row in rows]


def duties_of_messages(session: Session, message_ids: Iterable[str]) -> dict[str, list[int]]:
    """Return by Message-ID of ours the duties that the letter spoke of, for answers that quote it."""
    rows = session.execute(
        select(LetterRow.message_id, ReminderRow.duty_id)
        .join(ReminderRow, ReminderRow.letter_id == LetterRow.id)
        .where(LetterRow.message_id.in_(list(message_ids)))
        .order_by(LetterRow.id, ReminderRow.duty_id)
    )
    found: dict[str, list[int]] = {}
    for message_id, duty_id in rows:
        found.setdefault(message_id, []).append(duty_id)
    return found


def count_answers(session: Session, day: date, recipients: Iterable[str]) -> dict[str, int]:
    """Return by address how many answers to arrivals it was written on a day."""
    rows = session.execute(
        select(LetterRow.recipient, func.count())
        .where(LetterRow.day == day, LetterRow.arrival_id.is_not(None), is_among(LetterRow.recipient, recipients))
        .group_by(LetterRow.recipient)
    )
    return {recipient: n for recipient, n in rows}  # noqa: C416 - a Row is no pair to dict()


def arrivals_of_messages(session: Session, message_ids: Iterable[str]) -> dict[str, int]:
    """Return by Message-ID of ours the arrival that the letter answers; a letter about several forms has none."""
    rows = session.execute(
        select(LetterRow.message_id, LetterRow.arrival_id)
        .where(LetterRow.message_id.in_(list(message_ids)), LetterRow.arrival_id.is_not(None))
        .where(LetterRow.kind != LetterKind.SEVERAL)
        .order_by(LetterRow.id)
    )
    return {message_id: arrival_id for message_id, arrival_id in rows if arrival_id is not None}


def recipients_by_obligation(session: Session, day: date) -> dict[str, frozenset[str]]:
    """Return by obligation who has a chasing letter of that day of their own that speaks of it."""
    rows = session.execute(
        select(CycleRow.obligation_code, LetterRow.recipient)
        .join(DutyRow, DutyRow.cycle_id == CycleRow.id)
        .join(ReminderRow, ReminderRow.duty_id == DutyRow.id)
        .join(LetterRow, LetterRow.id == ReminderRow.letter_id)
        .where(LetterRow.day == day, LetterRow.kind == LetterKind.CHASE)
        .where(LetterRow.state != LetterState.CANCELLED, ReminderRow.cancelled_because.is_(None))
        .distinct()
    )
    found: dict[str, frozenset[str]] = {}
    for obligation_code, recipient in rows:
        found[obligation_code] = found.get(obligation_code, frozenset()) | {recipient}
    return found


def count_sent_by_duty(session: Session, duty_ids: Iterable[int]) -> dict[int, int]:
    """Return by duty how many letters that spoke of it have left; one that none did is left out."""
    rows = session.execute(
        select(ReminderRow.duty_id, func.count(LetterRow.id.distinct()))
        .join(LetterRow, LetterRow.id == ReminderRow.letter_id)
        .where(ReminderRow.duty_id.in_(list(duty_ids)), ReminderRow.cancelled_because.is_(None))
        .where(LetterRow.state == LetterState.SENT)
        .group_by(ReminderRow.duty_id)
    )
    return {duty_id: n for duty_id, n in rows}  # noqa: C416 - a Row is no pair to dict()


def recipients_of_duties(session: Session, duty_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Return by duty the addresses that a reminder of it was decided for, whatever became of the letter."""
    rows = session.execute(
        select(ReminderRow.duty_id, ReminderRow.recipient)
        .where(is_among(ReminderRow.duty_id, duty_ids), ReminderRow.cancelled_because.is_(None))
        .distinct()
    )
    found: dict[int, frozenset[str]] = {}
    for duty_id, recipient in rows:
        found[duty_id] = found.get(duty_id, frozenset()) | {recipient}
    return found


def dispatches_of_duties(session: Session, duty_ids: Sequence[int]) -> dict[int, list[Dispatch]]:
    """Return by duty the letters about it that left, with since when their addresses take no mail."""
    rows = session.execute(
        select(ReminderRow.duty_id, LetterRow.finished_at, BouncedAddressRow.since)
        .join(LetterRow, LetterRow.id == ReminderRow.letter_id)
        .outerjoin(BouncedAddressRow, BouncedAddressRow.address == LetterRow.recipient)
        .where(is_among(ReminderRow.duty_id, duty_ids), ReminderRow.cancelled_because.is_(None))
        .where(LetterRow.state == LetterState.SENT, LetterRow.finished_at.is_not(None))
        .order_by(ReminderRow.duty_id, LetterRow.id)
    )
    found: dict[int, list[Dispatch]] = {}
    for duty_id, sent_at, bounced_at in rows:
        found.setdefault(duty_id, []).append(Dispatch(sent_at=sent_at, bounced_at=bounced_at))
    return found


def rungs_of_duties(session: Session, duty_ids: Sequence[int]) -> dict[int, list[SentRung]]:
    """Return by duty what went out, the oldest first, for the board."""
    # Columns: a letter's row is long, and the session would keep track of each.
    rows = session.execute(
        select(ReminderRow.duty_id, ReminderRow.rung, ReminderRow.recipient, LetterRow.state, LetterRow.finished_at)
        .join(LetterRow, ReminderRow.letter_id == LetterRow.id)
        .where(is_among(ReminderRow.duty_id, duty_ids))
        .order_by(ReminderRow.id)
    )
    found: dict[int, list[SentRung]] = {}
    for duty_id, rung, recipient, state, at in rows:
        sent = SentRung(rung=rung, recipient=recipient, state=LetterState(state), at=at)
        found.setdefault(duty_id, []).append(sent)
    return found


def _waiting(kind: LetterKind, max_attempts: int) -> Select[tuple[str]]:
    return select(LetterRow.recipient).where(
        LetterRow.kind == kind, LetterRow.state == LetterState.QUEUED, LetterRow.n_attempts < max_attempts
    )


def _values(letter: LetterRow) -> dict[str, object]:
    table = cast("Table", LetterRow.__table__)
    return {name: value for name, value in vars(letter).items() if name in table.columns}


def _reminder(row: ReminderRow) -> QueuedReminder:
    return QueuedReminder(
        id=row.id, duty_id=row.duty_id, rung=row.rung, recipient=row.recipient, is_by_hand=bool(row.occasion)
    )


def _known_reminders(
    session: Session, wanted: Collection[tuple[int, str, str]], occasion: str
) -> dict[tuple[int, str, str], int | None]:
    """Return which of the reminders the ledger has; with the number of its row where it was taken back, else None."""
    row = ReminderRow
    rows = session.execute(
        select(row.duty_id, row.rung, row.recipient, row.id, row.cancelled_because).where(
            is_among(row.duty_id, {duty_id for duty_id, _, _ in wanted}),
            row.rung.in_({rung for _, rung, _ in wanted}),
            row.occasion == occasion,
        )
    )
    return {(duty_id, rung, to): None if why is None else number for duty_id, rung, to, number, why in rows}


def _known_skips(session: Session, duty_ids: AbstractSet[int]) -> set[tuple[int, str, SkipReason]]:
    rows = session.execute(
        select(SkipRow.duty_id, SkipRow.rung, SkipRow.reason).where(is_among(SkipRow.duty_id, duty_ids))
    )
    return {(duty_id, rung, SkipReason(reason)) for duty_id, rung, reason in rows}


def _claimed(row: LetterRow) -> ClaimedLetter:
    return ClaimedLetter(
        id=row.id,
        message_id=row.message_id,
        kind=LetterKind(row.kind),
        recipient=row.recipient,
        arrival_id=row.arrival_id,
        n_attempts=row.n_attempts,
        queued_at=row.queued_at,
        key=row.key,
    )
