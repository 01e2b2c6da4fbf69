"""Enters how signed decisions classed the movement of units: one by one or from a workbook, all of it or nothing."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import reviews
from models.db.records.audit import note_action
from models.domain.errors import ActionRefusedError
from models.domain.plan import Programme
from models.domain.reviews import Classification, check_classification
from models.domain.roster import Roster
from models.domain.vocabulary import OFFICE_ZONE, Action, Grade
from tasks.adapters.classification_file import ClassificationSource, read_classifications
from tasks.brought_files import brought_file, brought_workbook
from tasks.names import run_name
from tasks.open_cycles import roster_in_use
from tasks.operators import Signature, sign
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
LONGEST_NUMBER = 80
MOST_FAULTS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationOrder:
    """What an operator enters: one unit's class, or the name of a workbook below the home; never both."""

    year: int
    operator: str
    reason: str
    unit: str = ""
    grade: Grade | None = None
    decision_number: str = ""
    signed_on: date | None = None
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """Who enters something, into which programme, with which roster."""

    programme: Programme
    roster: Roster
    signature: Signature


@task(name="enter-classification", task_run_name=run_name("enter_classification"), cache_policy=NO_CACHE)
def enter_classes(runtime: Runtime, order: ClassificationOrder) -> dict[str, int]:
    """Enter what a signed decision classed; a later decision takes the place of an earlier one, and the audit has both.

    Returns:
        How many classifications were given, and how many of them are new or differ from what was there.

    Raises:
        ActionRefusedError: nobody answers for it, or something in it cannot be; nothing was entered.
    """
    signature = sign(runtime, order.operator, order.reason)
    programme = next(iter(runtime.programmes.values()))
    content = _content(runtime, order)
    with runtime.sessions.begin() as session:
        roster = roster_in_use(runtime, session, programme)
        act = _Act(programme=programme, roster=roster, signature=signature)
        if content is None:
            given = [_single(order)]
            _check(session, act, given[0])
        else:
            given = _from_workbook(runtime, session, order, act, content)
        digest = hashlib.sha256(content).hexdigest() if content is not None else ""
        n_changed = sum(_enter(session, act, each, digest) for each in given)
    counts = {"classified": len(given), "changed": n_changed}
    logger.info(runtime.texts.say("log.classified", year=order.year, n=len(given), n_changed=n_changed))
    return counts


def _content(runtime: Runtime, order: ClassificationOrder) -> bytes | None:
    """Return the bytes of the workbook, None where one unit is entered by itself."""
    if bool(order.file.strip()) == bool(order.unit.strip()):
        raise ActionRefusedError("classification_unit_or_file")
    return brought_file(runtime, order.file).read_bytes() if order.file.strip() else None


def _single(order: ClassificationOrder) -> Classification:
    if order.grade is None or order.signed_on is None:
        raise ActionRefusedError("classification_incomplete")
    return Classification(
        unit_code=order.unit,
        year=order.year,
        grade=order.grade,
        decision_number=" ".join(order.decision_number.split()),
        signed_on=order.signed_on,
    )


def _from_workbook(
    runtime: Runtime, session: Session, order: ClassificationOrder, act: _Act, content: bytes
) -> list[Classification]:
    """Return the workbook's classifications, or name everything that is wrong with it at once."""
    source = ClassificationSource(
        file=order.file, raw=brought_workbook(runtime, order.file, content), roster=act.roster, year=order.year
    )
    rows, found = read_classifications(source, runtime.texts)
    faults = [(fault.line, runtime.texts.fault(fault)) for fault in found]
    for row in rows:
        try:
            _check(session, act, row.classification)
        except ActionRefusedError as refusal:
            faults.append((row.row, runtime.texts.error(refusal)))
    if faults:
        lines = [runtime.texts.say("classification.fault", row=row, text=text) for row, text in sorted(faults)]
        listed = [*lines[:MOST_FAULTS_SHOWN], *(["…"] if len(lines) > MOST_FAULTS_SHOWN else [])]
        raise ActionRefusedError(
            "classification_file_at_fault", file=order.file, n=len(lines), faults="\n".join(listed)
        )
    if not rows:
        raise ActionRefusedError("classification_file_empty", file=order.file)
    return [row.classification for row in rows]


def _check(session: Session, act: _Act, given: Classification) -> None:
    if len(given.decision_number) > LONGEST_NUMBER:
        raise ActionRefusedError("classification_without_number", unit=given.unit_code)
    known = reviews.classifications(session, act.programme.code, given.year).get(given.unit_code)
    check_classification(given, act.roster, known, act.signature.at.astimezone(OFFICE_ZONE).date())


def _enter(session: Session, act: _Act, given: Classification, digest: str) -> bool:
    """Enter one classification with its row in the audit; say whether it changed anything."""
    known = reviews.classifications(session, act.programme.code, given.year).get(given.unit_code)
    if known == given:
        return False
    reviews.classify(session, act.programme.code, given, operator=act.signature.operator, at=act.signature.at)
    session.flush()
    entry = act.signature.entry(
        Action.ENTER_CLASSIFICATION,
        f"{act.programme.code}-{given.year}",
        unit_code=given.unit_code,
        now=_as_json(given),
        before=_as_json(known) if known is not None else {},
        digest=digest,
    )
    note_action(session, entry)
    return True


def _as_json(each: Classification) -> dict[str, str]:
    return {
        "grade": each.grade.value,
        "decision_number": each.decision_number,
        "signed_on": each.signed_on.isoformat(),
    }
