"""The only module that asks what time it is."""

from dataclasses import dataclass
from datetime import datetime

from models.domain.vocabulary import OFFICE_ZONE


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present instant in the office's zone."""
        return datetime.now(OFFICE_ZONE)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: for rehearsals, the demo and tests."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self.at.astimezone(OFFICE_ZONE)
