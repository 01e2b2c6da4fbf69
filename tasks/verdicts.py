"""Gathers what verdicts rest on from the database, for one unit or for every unit of a cycle in chunks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import cycles, outages, rosters, verdict_facts
from models.db.records import letters as stored_letters
from models.db.records.cycles import DutyRecord
from models.domain.cycles import Cycle
from models.domain.errors import UnitNotExpectedError
from models.domain.outages import Outage
from models.domain.reach import was_reached
from models.domain.succession import EndedUnit
from models.domain.verdicts import Verdict, VerdictFacts, verdict_of
from models.domain.vocabulary import OFFICE_ZONE
from tasks.receive import MAILBOX_POLLED
from tasks.runtime import Runtime


def verdict_on(runtime: Runtime, cycle_code: str, unit_code: str, as_of: datetime) -> Verdict:
    """Return the verdict on one unit in one cycle.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        UnitNotExpectedError: nothing was asked of the unit in it.
    """
    with runtime.sessions() as session:
        cycle = cycles.cycle(session, cycle_code)
        record = cycles.duties_of_units(session, cycle.code, [unit_code]).get(unit_code)
        if record is None:
            raise UnitNotExpectedError(unit=unit_code, title=cycle.title, cycle=cycle.code)
        (verdict,) = _Bench(runtime, session, cycle, as_of).verdicts([record])
        return verdict


def verdicts_of(runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime) -> Iterator[Verdict]:
    """Yield the verdict on each unit of a cycle, in the order in which the units were frozen."""
    bench = _Bench(runtime, session, cycle, as_of)
    for chunk in cycles.duties_in_chunks(session, cycle.code, size=runtime.settings.units_per_chunk):
        yield from bench.verdicts(chunk)


class _Bench:
    """What the verdicts of one cycle share."""

    def __init__(self, runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime) -> None:
        programme, obligation = runtime.programme_with(cycle.obligation_code)
        self._session = session
        self._cycle = cycle
        self._as_of = as_of
        self._calendar = programme.calendar
        self._programme_code = programme.code
        self._outages: tuple[Outage, ...] = outages.outages_of(session, MAILBOX_POLLED)
        today = as_of.astimezone(OFFICE_ZONE).date()
        self._ended: Mapping[str, EndedUnit] = rosters.ended_units(session, programme.code, today)
        self._inherited = self._inherited_by() if self._ended else {}
        settling = obligation.also_settled_by
        self._settled_with = programme.obligation(settling).title if settling is not None else ""

    def verdicts(self, records: Sequence[DutyRecord]) -> list[Verdict]:
        """Return the verdicts on these duties, in their order."""
        ids = [record.duty.id for record in records]
        arrivals = verdict_facts.arrivals_of(self._session, ids)
        letters = verdict_facts.letters_of(self._session, ids)
        skips = verdict_facts.skips_of(self._session, ids)
        bounces = verdict_facts.bounces_of(self._session, self._programme_code, ids)
        dispatches = stored_letters.dispatches_of_duties(self._session, ids)
        return [
            verdict_of(
                VerdictFacts(
                    cycle=self._cycle,
                    duty=record.duty,
                    arrivals=tuple(arrivals.get(record.duty.id, ())),
                    letters=tuple(letters.get(record.duty.id, ())),
                    skips=tuple(skips.get(record.duty.id, ())),
                    bounces=tuple(bounces.get(record.duty.id, ())),
                    outages=self._outages,
                    was_written_to=was_reached(record.duty, dispatches.get(record.duty.id, ()), self._as_of),
                    ended=self._ended.get(record.duty.unit_code),
                    stands_for=self._inherited.get(record.duty.unit_code, ()),
                    settled_with=self._settled_with,
                ),
                self._calendar,
                self._as_of,
            )
            for record in records
        ]

    def _inherited_by(self) -> dict[str, tuple[str, ...]]:
        """Return by unit the names of the ended units of the cycle for which it answers."""
        owing = cycles.duties_of_units(self._session, self._cycle.code, list(self._ended))
        found: dict[str, tuple[str, ...]] = {}
        for code, record in owing.items():
            heir = self._ended[code].heir_code
            if heir is not None:
                found[heir] = (*found.get(heir, ()), record.duty.unit_name)
        return found
