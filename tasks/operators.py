"""Who acts by hand, and why: nothing is done for an operator who gives no name or no reason."""

from dataclasses import dataclass
from datetime import datetime

from prefect.runtime import flow_run

from models.db.records.audit import AuditEntry
from models.domain.errors import ActionRefusedError
from models.domain.vocabulary import Action
from tasks.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """An operator's name and reason, without blanks around them, with the instant (aware) and the Prefect run."""

    operator: str
    reason: str
    at: datetime
    run: str = ""

    def entry(self, action: Action, subject: str, *, unit_code: str = "", **details: object) -> AuditEntry:
        """Return the audit's row of one act under this signature; the details must be JSON."""
        return AuditEntry(
            at=self.at,
            operator=self.operator,
            action=action,
            subject=subject,
            reason=self.reason,
            unit_code=unit_code,
            details=details,
            run=self.run,
        )


def require_operator(operator: str, reason: str) -> None:
    """Refuse an act that nobody answers for.

    Raises:
        ActionRefusedError: name or reason is blank.
    """
    if not operator.strip():
        raise ActionRefusedError("operator_blank")
    if not reason.strip():
        raise ActionRefusedError("reason_blank")


def sign(runtime: Runtime, operator: str, reason: str) -> Signature:
    """Return the signature under which an act is done now.

    Raises:
        ActionRefusedError: name or reason is blank.
    """
    require_operator(operator, reason)
    return Signature(
        operator=operator.strip(), reason=reason.strip(), at=runtime.clock.now(), run=str(flow_run.id or "")
    )
