"""Fills the Word drafts of an inspection: decision, notice to a unit, conclusion; it decides nothing and signs nothing.

The templates are `templates/documents/*_kiem_tra.docx`, in the layout of Decree 30/2020; numbers, dates of issue,
signers and seals are left blank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Final

from models.domain.forms import FormSpec
from models.domain.plan import Obligation, Programme
from models.domain.roster import Unit
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.aggregate_pages import clean
from tasks.adapters.documents import Context, ending_together, fill_template
from tasks.adapters.texts import Texts

DECISION: Final = "quyet_dinh_kiem_tra"
NOTICE: Final = "thong_bao_kiem_tra"
CONCLUSION: Final = "thong_bao_ket_luan_kiem_tra"
LEFT_BLANK: Final = "………"


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionPaper:
    """What the three papers share. Dates are whole days; None where nobody has set one yet, and dots are printed."""

    programme: Programme
    obligation: Obligation
    as_of: datetime
    title: str
    scope: str = ""
    basis: str = ""
    leader: str = ""
    team: Sequence[str] = ()
    units: Sequence[Unit] = ()
    explain_by: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    conclude_by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyLine:
    """A remedy as the conclusion lists it."""

    unit_name: str
    remedy: str
    owner: str
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedUnit:
    """What the conclusion says of one unit: how its explanation stands, in words, and what was found."""

    name: str
    explained: str
    findings: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConclusionFacts:
    """What an inspection has brought to light by the instant of the paper."""

    units: Sequence[InspectedUnit]
    remedies: Sequence[RemedyLine]
    n_explained: int
    n_late: int


def write_decision(target: IO[bytes], paper: InspectionPaper, texts: Texts) -> None:
    """Write the draft of the decision by which the inspection is held, with the list of its units."""
    groups = paper.programme.groups
    units = [
        {"number": str(n), "name": clean(unit.name), "group": clean(groups.get(unit.group, unit.group))}
        for n, unit in enumerate(paper.units, start=1)
    ]
    fill_template(target, DECISION, _common(paper, texts) | {"units": units}, as_of=paper.as_of)


def write_notice(target: IO[bytes], paper: InspectionPaper, unit: Unit, form: FormSpec, texts: Texts) -> None:
    """Write the draft of the notice to one unit, with the outline of its explanations as the form asks them."""
    context = _common(paper, texts) | {
        "unit": clean(unit.name),
        "outline_title": clean(form.title),
        "figures_sheet": form.figures_sheet,
        "narratives_sheet": form.narratives_sheet,
        "figures": [
            {"number": str(n), "label": clean(spec.label), "measure": clean(spec.unit_of_measure)}
            for n, spec in enumerate(form.fields, start=1)
        ],
        "sections": [clean(section.title) for section in form.narratives],
    }
    fill_template(target, NOTICE, context, as_of=paper.as_of)


def write_conclusion(target: IO[bytes], paper: InspectionPaper, facts: ConclusionFacts, texts: Texts) -> None:
    """Write the draft of the conclusion from what was recorded; the general appraisal is left to the team."""
    context = _common(paper, texts) | {
        "n_explained": str(facts.n_explained),
        "n_late": facts.n_late,
        "units": [_inspected(n, unit) for n, unit in enumerate(facts.units, start=1)],
        "remedies": [
            {
                "number": str(n),
                "unit": clean(line.unit_name),
                "remedy": clean(line.remedy),
                "owner": clean(line.owner),
                "last_day": texts.day(line.last_day),
            }
            for n, line in enumerate(facts.remedies, start=1)
        ],
    }
    fill_template(target, CONCLUSION, context, as_of=paper.as_of)


def _common(paper: InspectionPaper, texts: Texts) -> Context:
    programme, local = paper.programme, paper.as_of.astimezone(OFFICE_ZONE)
    desk = programme.desk
    return {
        "parent_body": ending_together(desk.parent_body, n_words=3),
        "issuing_body": desk.issuing_body,
        "place": desk.place,
        # The desk's symbol is that of official letters, body and drafter; other papers bear the body's alone.
        "body_symbol": desk.document_symbol.partition("-")[0],
        "signatory_authority": desk.signatory_authority,
        "standing_agency": desk.standing_agency,
        "sender_name": desk.sender_name,
        "address": desk.address,
        "phone": desk.phone,
        "programme": programme.title,
        "programme_basis": programme.basis,
        "plan_document": programme.plan_document,
        "clause": paper.obligation.clause,
        "receivers": paper.obligation.receivers,
        "month": texts.day(local.date()).split("/")[1],
        "year": str(local.year),
        "as_of": texts.instant(paper.as_of),
        "title": clean(paper.title),
        "title_lowered": clean(paper.title[:1].lower() + paper.title[1:]),
        "scope": _filled(paper.scope),
        "basis": _filled(paper.basis),
        "leader": _filled(paper.leader),
        "team": [clean(member) for member in paper.team],
        "n_units": f"{len(paper.units):02}",
        "explain_by": _day(paper.explain_by, texts),
        "starts_on": _day(paper.starts_on, texts),
        "ends_on": _day(paper.ends_on, texts),
        "conclude_by": _day(paper.conclude_by, texts),
    }


def _inspected(number: int, unit: InspectedUnit) -> Context:
    return {
        "number": str(number),
        "name": clean(unit.name),
        "explained": clean(unit.explained),
        "findings": [clean(found) for found in unit.findings],
    }


def _filled(text: str) -> str:
    return clean(text.strip()).rstrip(".;") or LEFT_BLANK


def _day(day: date | None, texts: Texts) -> str:
    return texts.day(day) if day is not None else LEFT_BLANK
