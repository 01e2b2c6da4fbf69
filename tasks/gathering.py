"""Gathers what children have reported to the units of a cycle, for the units' own forms; it decides nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import cycles, editions
from models.domain.coverage import timeliness_row
from models.domain.cycles import Cycle
from models.domain.tiers import Gathered, cycle_below, fields_to_fill, gather


def gathered_for(
    session: Session, cycle: Cycle, every_cycle: Iterable[Cycle], unit_codes: Sequence[str], as_of: datetime
) -> dict[str, Gathered]:
    """Return by unit what its children's accepted answers added up to at the instant.

    Nothing where the units' forms are not filled from below, or where the cycle below has not opened.
    """
    below = cycle_below(cycle, every_cycle) if cycle.terms.filled_from is not None and cycle.has_form else None
    if below is None or not below.has_form:
        return {}
    fields = fields_to_fill(cycle.form, below.form)
    if not fields:
        return {}
    duties = [record.duty for record in cycles.duties_below(session, below.code, unit_codes)]
    children = [(duty.parent_code or "", timeliness_row(duty, as_of)) for duty in duties]
    return gather(fields, children, editions.figures(session, below.code, as_of, parent_codes=unit_codes))
