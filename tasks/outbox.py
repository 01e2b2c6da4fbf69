"""Puts what the program brings up by itself into one letter a person and day, and knows how often one is tried."""

from typing import Final

from sqlalchemy.orm import Session

from models.db.records import letters
from models.db.tables import LetterRow
from models.domain.vocabulary import OFFICE_ZONE, LetterKind, LetterState
from tasks.runtime import Runtime

MAX_ATTEMPTS: Final = 20


class DaysPost:
    """The letters of one kind of today. Two rounds may ask at once: the key lets each letter into the outbox once."""

    def __init__(self, runtime: Runtime, session: Session, kind: LetterKind) -> None:
        """Look up who has had a letter today, or may have one of another kind, and whose waits for the mail server."""
        self._session = session
        self._kind = kind
        self._now = runtime.clock.now()
        self._today = self._now.astimezone(OFFICE_ZONE).date()
        self._domain = runtime.settings.mail_from.rpartition("@")[2]
        self._written = set(letters.recipients_chased_on(session, self._today))
        self._waiting = letters.recipients_waiting(session, kind, max_attempts=MAX_ATTEMPTS)
        self._written |= letters.recipients_waiting_for_others(session, kind, max_attempts=MAX_ATTEMPTS)

    def letter_to(self, recipient: str) -> int | None:
        """Return the number of the letter that a person gets today; None when today's has left already.

        One that waits still, of whichever day, is the one: what is new joins it, and the person gets no second one.
        """
        if recipient in self._waiting:
            joined = letters.join_waiting_letter(
                self._session, self._kind, recipient, day=self._today, max_attempts=MAX_ATTEMPTS
            )
            if joined is not None:
                return joined
        if recipient in self._written or recipient in self._waiting:
            return None
        key = f"{self._kind.value}|{recipient}|{self._today.isoformat()}"
        letter = LetterRow(
            key=key,
            message_id=letters.message_id_of(key, self._domain),
            kind=self._kind,
            recipient=recipient,
            day=self._today,
            state=LetterState.QUEUED,
            queued_at=self._now,
        )
        return letters.queue_letter(self._session, letter)
