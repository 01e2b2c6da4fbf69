"""Stamps the forms of a cycle with what each unit is to find in its own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import arrivals, cycles, targets
from models.domain.cycles import Cycle
from models.domain.tiers import Gathered
from tasks.adapters.workbooks.stamping import FormTemplate
from tasks.adapters.workbooks.template import FormParts
from tasks.gathering import gathered_for
from tasks.ports import GatheredFigures, PreviousFigure, StampOrder
from tasks.runtime import Runtime


class Stamper:
    """Stamps the forms of one cycle; it keeps the templates that there may be, each drawn once."""

    def __init__(self, runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime) -> None:
        self._runtime = runtime
        self._session = session
        self._cycle = cycle
        self._as_of = as_of
        self._every_cycle = cycles.all_cycles(session) if cycle.terms.filled_from is not None else []
        self._templates: dict[FormParts, FormTemplate] = {}

    def stamp(self, records: Sequence[cycles.DutyRecord]) -> dict[int, str]:
        """Return by duty the digest of its form, which the archive keeps."""
        cycle, session = self._cycle, self._session
        codes = [record.duty.unit_code for record in records]
        asked = targets.targets_of_units(session, cycle.programme_code, cycle.year, codes)
        previous = arrivals.figures_of_earlier_cycle(
            session, obligation_code=cycle.obligation_code, before=cycle.due_at, unit_codes=codes
        )
        gathered = gathered_for(session, cycle, self._every_cycle, codes, self._as_of)
        stamped = []
        for record in records:
            code = record.duty.unit_code
            order = replace(
                _order(record, previous.get(code, {}), _of_form(cycle, asked.get(code, {}))),
                gathered=self._in_words(gathered.get(code)),
            )
            parts = FormParts(has_targets=bool(order.targets), has_gathered=order.gathered is not None)
            stamped.append(self._template(parts).stamp(order))
        kept = self._runtime.archive.keep_all(stamped)
        return {record.duty.id: digest for record, digest in zip(records, kept, strict=True)}

    def _template(self, parts: FormParts) -> FormTemplate:
        if parts not in self._templates:
            programme = self._runtime.programme_of(self._cycle)
            self._templates[parts] = FormTemplate.build(self._cycle, programme, self._runtime.texts, parts=parts)
        return self._templates[parts]

    def _in_words(self, gathered: Gathered | None) -> GatheredFigures | None:
        if gathered is None or not gathered.amounts:
            return None
        return GatheredFigures(
            amounts=dict(gathered.amounts),
            estimates=gathered.estimates,
            coverage=f"{gathered.n_reported}/{gathered.n_expected}",
            as_of=self._runtime.texts.instant(self._as_of),
        )


def _of_form(cycle: Cycle, asked: dict[str, int]) -> dict[str, int]:
    """Return the targets that this form has a row for; a form of another kind shows none."""
    return {code: amount for code, amount in asked.items() if code in cycle.form.landmarks}


def _order(
    record: cycles.DutyRecord, previous: dict[str, tuple[int | None, str | None]], asked: dict[str, int]
) -> StampOrder:
    return StampOrder(
        unit_code=record.duty.unit_code,
        unit_name=record.duty.unit_name,
        token=record.token,
        previous={field: PreviousFigure(amount=amount, text=text) for field, (amount, text) in previous.items()},
        targets=asked,
        parent_name=record.duty.parent_name,
    )
