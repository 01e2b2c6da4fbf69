"""Compiles a cycle: gathers what counts at an instant, adds it up, writes workbook and report, records the edition."""

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, editions, letters, rosters, targets
from models.db.records.audit import AuditEntry, note_action
from models.db.turns import Turn, take_turn
from models.domain.closing import close_at, cycles_before, edition_due, is_alike
from models.domain.coverage import LastChase, TimelinessRow, coverage_of, missing_units, timeliness_rows
from models.domain.cycles import Cycle
from models.domain.duties import Duty
from models.domain.editions import Edition, Narrative, differences, inputs_digest
from models.domain.errors import EditionInThePastError, NoFormError
from models.domain.estimates import estimate_lines
from models.domain.evidence import EvidenceLine, evidence_fields, evidence_lines, obligations_evidenced
from models.domain.present_basis import PresentBasis, Reorganised, Span, on_present_basis, refuse_other_sums
from models.domain.roster import Contact
from models.domain.succession import EndedUnit
from models.domain.tabulation import (
    Comparison,
    CountedUnit,
    Figures,
    Tabulation,
    figures_of,
    tabulate,
    unit_figures,
    units_showing,
)
from models.domain.tiers import nearest_above
from models.domain.vietnamese import sort_key
from models.domain.vocabulary import OFFICE_ZONE, EditionKind, Standing
from tasks.adapters.aggregates import AggregateContent, write_aggregate
from tasks.adapters.archive import write_whole
from tasks.adapters.documents import write_report
from tasks.compile_parents import files_of_parents
from tasks.edition_files import edition_file, keep_edition_file
from tasks.given_tasks import tasks_for_report
from tasks.holding import hold
from tasks.names import run_name
from tasks.progress import progress_in
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """An edition and whether this call made it; an unchanged one is not made again."""

    edition: editions.StoredEdition
    is_new: bool


@task(name="compile", task_run_name=run_name("compile"), cache_policy=NO_CACHE)
def compile_due_editions(runtime: Runtime, cycle_codes: Sequence[str], as_of: datetime) -> int:
    """Compile the cycles whose aggregate is due at the instant, and return how many editions are new."""
    n_new = 0
    for code in cycle_codes:
        kind = _kind_due(runtime, code, as_of)
        if kind is not None:
            n_new += compile_cycle(runtime, code, as_of, kind).is_new
    return n_new


def compile_cycle(
    runtime: Runtime, cycle_code: str, as_of: datetime, kind: EditionKind, *, entry: AuditEntry | None = None
) -> Compiled:
    """Compile one cycle as it stands at the instant.

    The files are written whole before the edition is recorded; the same inputs never make a second edition, and of two
    runs that compile at once one goes by what the other has made. `entry` is written into the audit with a new edition.

    Raises:
        UnknownCycleError: the cycle has not been opened.
        NoFormError: it asks for documents or acts, which add up to nothing.
        NothingToCompileError: it expects no unit.
        EditionInThePastError: a newer edition exists already; editions never go back in time.
        AggregateMismatchError: the parts do not add up to the whole; nothing is written.
    """
    while (compiled := _compiled(runtime, cycle_code, as_of, kind, entry)) is None:
        continue  # another run has made an edition meanwhile: what differs is another thing now
    return compiled


def _compiled(
    runtime: Runtime, cycle_code: str, as_of: datetime, kind: EditionKind, entry: AuditEntry | None
) -> Compiled | None:
    """Compile once; None when another run was quicker, and then nothing has been written."""
    with runtime.sessions() as session:
        cycle = cycles.cycle(session, cycle_code)
        if not cycle.has_form:
            raise NoFormError(title=cycle.title)
        made = editions.editions_of(session, cycle_code)
        duties = ordered_duties(runtime, session, cycle)
        rows, counted = timeliness_rows(duties, as_of), editions.sources(session, cycle_code, as_of)
        digest = inputs_digest(
            kind,
            counted,
            expected=[duty.unit_code for duty in duties],
            waived=[row.unit_code for row in rows if row.standing is Standing.WAIVED],
            targets=targets.targets_of_year(session, cycle.programme_code, cycle.year),
            questions=editions.questions(session, cycle_code, as_of),
        )
        if made and made[-1].inputs_digest == digest:
            return Compiled(edition=made[-1], is_new=False)
        if made and made[-1].as_of > as_of:
            raise EditionInThePastError(number=made[-1].number, newest=runtime.texts.instant(made[-1].as_of))
        bare = Edition(
            cycle_code=cycle.code,
            cycle_title=cycle.title,
            number=len(made) + 1,
            kind=kind,
            as_of=as_of,
            n_expected=len(duties),
            n_reported=sum(row.is_reported for row in rows),
            sources=tuple(counted),
        )
        content = _content(runtime, session, cycle, bare, duties, made)
        stored = _stored(content.edition, digest)
        written = dict(_files(runtime, content, stored, duties))
        take_turn(session.connection(), Turn.COMPILING)
        if editions.count_editions(session, cycle_code) != len(made):
            return None
        stored = _kept(runtime, stored, written)
        editions.add_edition(session, stored)
        hold(runtime, session, {stored.files[path]: content for path, content in written.items()})
        if entry is not None:
            note_action(session, entry)
        session.commit()
    _say(runtime, stored)
    return Compiled(edition=stored, is_new=True)


def copy_files(runtime: Runtime, edition: editions.StoredEdition, folder: Path) -> list[Path]:
    """Lay the files of an edition into a folder, and return where they lie."""
    copies = []
    for name in (edition.workbook, edition.report):
        copy = folder / Path(name).name
        write_whole(copy, edition_file(runtime, edition, name))
        copies.append(copy)
    return copies


def _kind_due(runtime: Runtime, cycle_code: str, as_of: datetime) -> EditionKind | None:
    with runtime.sessions() as session:
        cycle = cycles.cycle(session, cycle_code)
        if not cycle.has_form:
            return None  # documents and acts add up to nothing
        rows = timeliness_rows(ordered_duties(runtime, session, cycle), as_of)
        editions_made = editions.editions_of(session, cycle_code)
    if editions_made and editions_made[-1].as_of > as_of:
        return None
    return edition_due(
        as_of=as_of,
        late_at=cycle.late_at,
        closes_at=close_at(cycle, runtime.programme_of(cycle).calendar),
        n_unanswered=sum(row.is_missing or row.is_held for row in rows),
        made=[edition.kind for edition in editions_made],
    )


def ordered_duties(runtime: Runtime, session: Session, cycle: Cycle) -> list[Duty]:
    """Return the cycle's duties in the order of the plan's groups and of the alphabet."""
    order = {code: place for place, code in enumerate(runtime.programme_of(cycle).groups)}
    found = [
        record.duty
        for chunk in cycles.duties_in_chunks(session, cycle.code, size=runtime.settings.units_per_chunk)
        for record in chunk
    ]
    return sorted(found, key=lambda duty: (order.get(duty.group, len(order)), sort_key(duty.unit_name)))


def _content(
    runtime: Runtime,
    session: Session,
    cycle: Cycle,
    edition: Edition,
    duties: Sequence[Duty],
    made: Sequence[editions.StoredEdition],
) -> AggregateContent:
    programme, obligation = runtime.programme_with(cycle.obligation_code)
    rows = timeliness_rows(duties, edition.as_of)
    units = _counted_units(session, cycle, duties, rows)
    figures = figures_of(editions.figures(session, cycle.code, edition.as_of))
    tabulation = tabulate(
        cycle.form,
        figures,
        units=units,
        groups=programme.groups,
        comparison=_comparison(session, cycle, edition.as_of),
    )
    complete = replace(edition, totals=tabulation.totals())
    written = tuple(editions.narratives(session, cycle.form, cycle.code, edition.as_of))
    return AggregateContent(
        programme=programme,
        obligation=obligation,
        cycle=cycle,
        edition=complete,
        coverage=coverage_of(rows, programme.groups, edition.as_of),
        tabulation=tabulation,
        units=units,
        figures=figures,
        timeliness=rows,
        missing=missing_units(rows, last_chases(runtime, session, cycle, edition.as_of)),
        narratives=written,
        questions=editions.questions(session, cycle.code, edition.as_of),
        differences=differences(made[-1].edition, complete) if made else None,
        progress=progress_in(
            session, cycle, edition.as_of, unit_codes=[row.unit_code for row in rows], left_out=tabulation.left_out
        ),
        present=_present(session, cycle, _Counted(rows, units, figures, tabulation), edition.as_of),
        tasks=tasks_for_report(session, programme, cycle, edition.as_of),
        estimates=estimate_lines(
            editions.versions_of_estimates(session, cycle.code, edition.as_of),
            units=[unit.code for unit in units],
            fields=[spec.code for spec in cycle.form.fields],
        ),
        evidence=_evidence(runtime, session, cycle, rows, _Shown(edition.as_of, figures, written)),
    )


def _counted_units(
    session: Session, cycle: Cycle, duties: Sequence[Duty], rows: Sequence[TimelinessRow]
) -> list[CountedUnit]:
    """Return the expected units, each with the nearest one above it that is expected, too."""
    parents: dict[str, str | None] = {}
    if cycle.form.includes_children:
        # What lies between two expected units is as the roster has it for the day of the opening.
        parents = rosters.parents_on(session, cycle.programme_code, cycle.opens_at.astimezone(OFFICE_ZONE).date())
    parents |= {duty.unit_code: duty.parent_code for duty in duties}
    expected = frozenset(duty.unit_code for duty in duties)
    return [
        CountedUnit(
            code=row.unit_code,
            name=row.unit_name,
            group=row.group,
            parent_code=nearest_above(row.unit_code, parents, expected),
            is_nil=row.standing is Standing.NIL,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class _Counted:
    """A cycle's frozen units with their figures, and what these add up to."""

    rows: Sequence[TimelinessRow]
    units: Sequence[CountedUnit]
    figures: Figures
    tabulation: Tabulation


def _present(session: Session, cycle: Cycle, counted: _Counted, as_of: datetime) -> PresentBasis | None:
    """Return the cycle by the units of the day, where any of them has changed since it froze them."""
    span = Span(since=cycle.opens_at.astimezone(OFFICE_ZONE).date(), until=as_of.astimezone(OFFICE_ZONE).date())
    relations = rosters.relations_of(session, cycle.programme_code)
    touched = {code for each in relations if span.since < each.on <= span.until for code in each.hands_on or ()}
    touched |= {each.unit_code for each in relations if span.since < each.on <= span.until}
    if touched.isdisjoint(unit.code for unit in counted.units):
        return None
    roster = rosters.load_roster(session, cycle.programme_code)
    basis = on_present_basis(
        cycle.form.fields,
        unit_figures(cycle.form, counted.figures, counted.units),
        since_then=Reorganised(
            succession=roster.succession,
            names={unit.code: unit.name for unit in roster.in_force(span.until)},
            span=span,
        ),
        reported=[row.unit_code for row in counted.rows if row.is_reported],
        left_out=counted.tabulation.left_out,
    )
    totals = {summary.spec.code: summary.whole.amount for summary in counted.tabulation.fields}
    refuse_other_sums(basis, cycle.form.fields, totals)
    return basis


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a cycle's units have given that counts at the instant."""

    as_of: datetime
    figures: Figures
    narratives: Sequence[Narrative]


def _evidence(
    runtime: Runtime, session: Session, cycle: Cycle, rows: Sequence[TimelinessRow], shown: _Shown
) -> tuple[EvidenceLine, ...]:
    programme = runtime.programme_of(cycle)
    rules = [o.evidence for o in obligations_evidenced(programme, cycle) if o.evidence is not None]
    if not rules:
        return ()
    fields = {spec.code for rule in rules for spec in evidence_fields(cycle.form, rule)}
    written: dict[str, set[str]] = {}
    for narrative in shown.narratives:
        written.setdefault(narrative.section, set()).add(narrative.unit_code)
    return evidence_lines(
        programme,
        cycle,
        rows,
        figured=units_showing(shown.figures, fields, no=runtime.form_words.no),
        written=written,
        conclusions=targets.conclusions_of_year(session, programme.code, cycle.year, shown.as_of),
    )


def _comparison(session: Session, cycle: Cycle, as_of: datetime) -> Comparison:
    others = [other for other in cycles.all_cycles(session) if other.due_at < cycle.due_at and other.opens_at <= as_of]
    same_form = [other for other in others if is_alike(other, cycle)]
    last_year = [
        other for other in others if other.obligation_code == cycle.obligation_code and other.year == cycle.year - 1
    ]
    earlier = [_newest(session, other) for other in cycles_before(cycle, others)]
    return Comparison(
        previous=_newest(session, same_form[-1]) if same_form else None,
        last_year=_newest(session, last_year[-1]) if last_year else None,
        earlier=tuple(edition for edition in earlier if edition is not None),
    )


def _newest(session: Session, cycle: Cycle) -> Edition | None:
    stored = editions.newest_edition(session, cycle.code)
    return stored.edition if stored else None


def last_chases(runtime: Runtime, session: Session, cycle: Cycle, as_of: datetime) -> dict[str, LastChase]:
    """Return by unit whom we write to, and the rung that went out last by the instant."""
    today = as_of.astimezone(OFFICE_ZONE).date()
    contacts = rosters.working_contacts(session, cycle.programme_code, today)
    ended = rosters.ended_units(session, cycle.programme_code, today)
    found: dict[str, LastChase] = {}
    for chunk in cycles.duties_in_chunks(session, cycle.code, size=runtime.settings.units_per_chunk):
        sent = letters.rungs_of_duties(session, [record.duty.id for record in chunk])
        for record in chunk:
            rungs = [rung for rung in sent.get(record.duty.id, []) if rung.at is not None and rung.at <= as_of]
            first = next(iter(contacts.get(record.duty.unit_code, ())), None)
            found[record.duty.unit_code] = LastChase(
                contact=_whom_to_ask(runtime, first, ended.get(record.duty.unit_code)),
                email=first.email if first else "",
                phone=first.phone if first else "",
                last_rung=runtime.texts.say(f"rung.{rungs[-1].rung}") if rungs else "",
                last_sent_at=rungs[-1].at if rungs else None,
            )
    return found


def _whom_to_ask(runtime: Runtime, contact: Contact | None, ended: EndedUnit | None) -> str:
    name = contact.name if contact else ""
    if ended is None:
        return name
    if ended.heir_code is None:
        return runtime.texts.say("roster.no_heir", day=runtime.texts.day(ended.last_day))
    return runtime.texts.say("roster.heir_contact", heir=ended.heir_name, contact=name).rstrip(" –")


def _stored(edition: Edition, digest: str) -> editions.StoredEdition:
    folder = f"results/{edition.cycle_code}/ban-{edition.number}"
    return editions.StoredEdition(
        edition=edition,
        inputs_digest=digest,
        workbook=f"{folder}/tong-hop-{edition.cycle_code}-ban-{edition.number}.xlsx",
        report=f"{folder}/bao-cao-{edition.cycle_code}-ban-{edition.number}.docx",
        files={},
    )


def _kept(runtime: Runtime, stored: editions.StoredEdition, written: Mapping[str, bytes]) -> editions.StoredEdition:
    """Keep the files of an edition and lay them where people find them; return it with their digests."""
    return replace(stored, files={path: keep_edition_file(runtime, path, each) for path, each in written.items()})


def _files(
    runtime: Runtime, content: AggregateContent, stored: editions.StoredEdition, duties: Sequence[Duty]
) -> Iterator[tuple[str, bytes]]:
    """Yield where each file of the edition is to lie, and its bytes; nothing is written yet."""
    for path, write in ((stored.workbook, write_aggregate), (stored.report, write_report)):
        with io.BytesIO() as target:
            write(target, content, runtime.texts)
            yield path, target.getvalue()
    if content.cycle.is_of_children:
        yield from files_of_parents(runtime, content, duties, stored)


def _say(runtime: Runtime, stored: editions.StoredEdition) -> None:
    logger.info(
        runtime.texts.say(
            "log.edition_made",
            title=stored.edition.cycle_title,
            kind=runtime.texts.label(stored.kind),
            number=stored.number,
            n_reported=stored.n_reported,
            n_expected=stored.n_expected,
        )
    )
