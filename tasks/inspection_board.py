"""Shows inspections in Prefect's pages: what is open, who explained, what was found, what is owed, who is proposed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import cycles, inspections
from models.db.records.inspections import StoredFinding, StoredInspection
from models.domain.calendar import last_day_before
from models.domain.duties import answered_at, standing_at
from models.domain.inspections import Proposal, is_concluded_in_time
from models.domain.plan import Programme
from models.domain.vocabulary import OFFICE_ZONE
from tasks.artifacts import artifact_key, show_page
from tasks.inspection_drafts import drafts_there
from tasks.inspection_risks import OWED, points_in_words, reasons_in_words
from tasks.names import run_name
from tasks.open_cycles import roster_in_use
from tasks.run_names import rename_run
from tasks.runtime import Runtime


@task(name="publish-inspections", task_run_name=run_name("publish_inspections"), cache_policy=NO_CACHE)
def publish_inspections(runtime: Runtime, as_of: datetime) -> None:
    """Show the overview of each programme's inspections, and a page of each that is not over yet.

    An inspection is over when it is concluded and no remedy of it is owed.
    """
    for programme in runtime.programmes.values():
        _publish(runtime, programme, as_of)


def publish_proposals(runtime: Runtime, proposals: Mapping[str, Sequence[Proposal]], as_of: datetime) -> None:
    """Show the units proposed for each yearly inspection that is owed, with every reason and the seed."""
    for code, proposed in proposals.items():
        with runtime.sessions() as session:
            cycle = cycles.cycle(session, code)
            programme = runtime.programme_of(cycle)
            rows = proposal_rows(runtime, session, programme, proposed, as_of)
        texts = runtime.texts
        heading = texts.say(
            "inspection.board.proposal",
            title=cycle.title,
            n=len(proposed),
            seed=code,
            deadline=texts.deadline(cycle.due_at, programme.calendar),
            folder="; ".join(str(path.resolve()) for path in drafts_there(runtime, code)) or "–",
        )
        create_table_artifact(key=artifact_key("de-xuat", code), table=rows, description=heading)


def name_inspection_run(runtime: Runtime, step: str, code: str, as_of: datetime) -> None:
    """Give the run of an operator's step its name: the step, the inspection and the day."""
    day = runtime.texts.day(as_of.astimezone(OFFICE_ZONE).date())
    rename_run(runtime.texts.say(f"inspection.run.{step}", inspection=code, day=day))


def overview_row(runtime: Runtime, session: Session, held: StoredInspection, as_of: datetime) -> dict[str, str]:
    """Return one line of the overview, as people read it."""
    texts, records = runtime.texts, _duties(session, held.code)
    found = inspections.findings_of(session, held.code)
    n_answered = sum(answered_at(record.duty, as_of) is not None for record in records)
    n_remedies = sum(each.remedy_cycle is not None for each in found)
    values = {
        "code": held.code,
        "title": held.title,
        "obligation": held.obligation_code,
        "explained": f"{n_answered}/{len(records)}",
        "dates": f"{texts.day(held.starts_on)} – {texts.day(held.ends_on)}",
        "findings": str(len(found)),
        "remedies": f"{len(_owed(session, found, as_of))}/{n_remedies}",
        "conclusion": _conclusion(runtime, held, as_of),
    }
    return {texts.say(f"inspection.board.column.{name}"): value for name, value in values.items()}


def proposal_rows(
    runtime: Runtime, session: Session, programme: Programme, proposed: Sequence[Proposal], as_of: datetime
) -> list[dict[str, str]]:
    """Return the units that are proposed, the riskiest first, as people read it."""
    texts, roster = runtime.texts, roster_in_use(runtime, session, programme)
    day = as_of.astimezone(OFFICE_ZONE).date()
    return [
        {
            texts.say("inspection.board.column.rank"): str(rank),
            texts.say("inspection.board.column.unit"): roster.unit(each.unit_code, day).name,
            texts.say("inspection.board.column.points"): points_in_words(runtime, each.points),
            texts.say("inspection.board.column.reasons"): reasons_in_words(runtime, each),
        }
        for rank, each in enumerate(proposed, start=1)
    ]


def page_of(runtime: Runtime, session: Session, held: StoredInspection, as_of: datetime) -> str:
    """Return the page of one inspection: its order, who explained, why it was chosen, what was found, the drafts."""
    texts, records = runtime.texts, _duties(session, held.code)
    cycle = cycles.cycle(session, held.code)
    lines = [
        texts.say(
            "inspection.page.heading",
            title=held.title,
            inspection=held.code,
            scope=held.scope,
            basis=held.basis,
            leader=held.leader,
            team="; ".join(held.team) or "–",
            starts_on=texts.day(held.starts_on),
            ends_on=texts.day(held.ends_on),
            explain_by=texts.deadline(cycle.due_at, runtime.programme_of(cycle).calendar),
            conclusion=_conclusion(runtime, held, as_of),
        ),
        texts.say("inspection.page.units"),
    ]
    why = {each.unit_code: reasons_in_words(runtime, each) for each in held.proposal}
    lines += [
        texts.say(
            "inspection.page.unit_proposed" if record.duty.unit_code in why else "inspection.page.unit",
            unit=record.duty.unit_name,
            standing=texts.label(standing_at(record.duty, as_of)),
            reasons=why.get(record.duty.unit_code, ""),
        )
        for record in records
    ]
    if held.seed:
        lines.append(texts.say("inspection.page.seed", seed=held.seed))
    lines += _found_lines(runtime, session, held, as_of)
    lines += _draft_lines(runtime, held.code)
    return "\n".join(lines)


def _publish(runtime: Runtime, programme: Programme, as_of: datetime) -> None:
    with runtime.sessions() as session:
        held = inspections.inspections_of(session, programme.code, started_by=as_of)
        if not held:
            return
        rows = [overview_row(runtime, session, each, as_of) for each in reversed(held)]
        pages = {each.code: page_of(runtime, session, each, as_of) for each in held if _is_shown(session, each, as_of)}
    n_open = sum(each.concluded_on is None for each in held)
    heading = runtime.texts.say(
        "inspection.board.heading", n=len(held), n_open=n_open, as_of=runtime.texts.instant(as_of)
    )
    create_table_artifact(key=artifact_key("kiem-tra", programme.code), table=rows, description=heading)
    for code, page in pages.items():
        show_page(artifact_key("cuoc-kiem-tra", code), page)


def _found_lines(runtime: Runtime, session: Session, held: StoredInspection, as_of: datetime) -> list[str]:
    texts = runtime.texts
    found = inspections.findings_of(session, held.code)
    names = {record.duty.unit_code: record.duty.unit_name for record in _duties(session, held.code)}
    owed = _owed(session, found, as_of)
    lines = [texts.say("inspection.page.findings")]
    for each in found:
        unit = names.get(each.unit_code, each.unit_code)
        lines.append(texts.say("inspection.page.finding", number=each.number, unit=unit, text=each.text))
        if each.remedy_cycle is not None and each.remedy_due_at is not None:
            standing = "owed" if each.remedy_cycle in owed else "done"
            lines.append(
                texts.say(
                    "inspection.page.remedy",
                    remedy=each.remedy.rstrip(" ."),
                    owner=each.owner,
                    last_day=texts.day(last_day_before(each.remedy_due_at)),
                    cycle=each.remedy_cycle,
                    standing=texts.say(f"inspection.page.{standing}"),
                )
            )
    return lines if found else [*lines, texts.say("inspection.page.nothing_found")]


def _draft_lines(runtime: Runtime, code: str) -> list[str]:
    there = drafts_there(runtime, code)
    if not there:
        return []
    texts = runtime.texts
    return [texts.say("inspection.page.drafts"), *(texts.say("inspection.page.draft", path=p.resolve()) for p in there)]


def _conclusion(runtime: Runtime, held: StoredInspection, as_of: datetime) -> str:
    texts, last_day = runtime.texts, runtime.texts.day(held.conclude_by)
    if held.concluded_on is None:
        is_overdue = as_of.astimezone(OFFICE_ZONE).date() > held.conclude_by
        return texts.say(f"inspection.board.{'overdue' if is_overdue else 'due'}", last_day=last_day)
    in_time = is_concluded_in_time(held.concluded_on, held.conclude_by)
    return texts.say(
        f"inspection.board.{'concluded' if in_time else 'concluded_late'}",
        number=held.conclusion_number,
        day=texts.day(held.concluded_on),
        last_day=last_day,
    )


def _is_shown(session: Session, held: StoredInspection, as_of: datetime) -> bool:
    return held.concluded_on is None or bool(_owed(session, inspections.findings_of(session, held.code), as_of))


def _owed(session: Session, found: Sequence[StoredFinding], as_of: datetime) -> set[str]:
    """Return the codes of the remedies that are still owed."""
    return {
        each.remedy_cycle
        for each in found
        if each.remedy_cycle is not None
        for record in _duties(session, each.remedy_cycle)
        if standing_at(record.duty, as_of) in OWED
    }


def _duties(session: Session, cycle_code: str) -> list[cycles.DutyRecord]:
    return [record for chunk in cycles.duties_in_chunks(session, cycle_code, size=500) for record in chunk]
