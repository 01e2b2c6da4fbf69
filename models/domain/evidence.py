"""Says what shows, inside the periodic reports, that a continuous obligation is carried out, and at which units not.

Evidence is an indicator above zero, a yes or another answer, or a section of text that is not blank; one is enough. It
is given who filled what, and counts; whether the evidence is good is for people to say.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.domain.coverage import TimelinessRow
from models.domain.cycles import Cycle
from models.domain.forms import FieldSpec, FormSpec, NarrativeSpec
from models.domain.plan import EvidenceRule, Obligation, Programme
from models.domain.vocabulary import ObligationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLine:
    """One obligation in one cycle's reports: where evidence was looked for, and how many units show it."""

    obligation: Obligation
    fields: tuple[FieldSpec, ...]
    sections: tuple[NarrativeSpec, ...]
    n_expected: int
    n_reported: int
    """Units whose reports count, nil reports included: only these can show anything."""
    n_shown: int
    not_shown: tuple[str, ...] = ()
    """Names of the units that reported without any evidence, in the order of the rows; none where one is enough."""
    n_conclusions: int | None = None
    """Inspections of the obligation that were concluded in the year; None where it is no inspection."""

    @property
    def is_joint(self) -> bool:
        """Say whether one conclusion a year is enough for the whole office (clause II.7), not one of each unit."""
        return self.n_conclusions is not None

    @property
    def is_shown(self) -> bool:
        """Say whether all that can be expected is shown: by every unit that reported, or once where that is enough."""
        if self.is_joint:
            return self.n_shown > 0 or bool(self.n_conclusions)
        return self.n_shown == self.n_reported > 0


def obligations_evidenced(programme: Programme, cycle: Cycle) -> tuple[Obligation, ...]:
    """Return the obligations whose evidence is looked for in the reports of a cycle, in the order of the plan."""
    return tuple(
        obligation
        for obligation in programme.obligations
        if obligation.evidence is not None
        and cycle.obligation_code in obligation.evidence.reports
        and obligation.first_year <= cycle.year <= obligation.last_year
    )


def evidence_fields(form: FormSpec, rule: EvidenceRule) -> tuple[FieldSpec, ...]:
    """Return the fields that a rule looks at: those named by their code, and those of an indicator named as a whole.

    The whole that another field is a share of shows nothing of what was done, unless it is named itself.
    """
    named = set(rule.indicators)
    wholes = {spec.denominator for spec in form.fields}
    return tuple(
        spec for spec in form.fields if spec.code in named or (spec.indicator in named and spec.code not in wholes)
    )


def evidence_lines(
    programme: Programme,
    cycle: Cycle,
    rows: Sequence[TimelinessRow],
    *,
    figured: Mapping[str, Collection[str]],
    written: Mapping[str, Collection[str]],
    conclusions: Mapping[str, int],
) -> tuple[EvidenceLine, ...]:
    """Return a line for each obligation that the cycle's reports give evidence of, in the order of the plan.

    `figured` gives by field the codes of the units whose figure is evidence, `written` by section those that wrote
    something, `conclusions` by obligation how many of its inspections were concluded in the year.
    """
    reported = [row for row in rows if row.is_reported]
    lines = []
    for obligation in obligations_evidenced(programme, cycle):
        assert obligation.evidence is not None  # noqa: S101 - that is how they were chosen
        fields = evidence_fields(cycle.form, obligation.evidence)
        sections = tuple(s for s in cycle.form.narratives if s.code in obligation.evidence.sections)
        showing = _union(figured.get(spec.code, ()) for spec in fields)
        showing |= _union(written.get(section.code, ()) for section in sections)
        is_joint = obligation.kind is ObligationKind.INSPECTION
        absent = [row.unit_name for row in reported if row.unit_code not in showing]
        lines.append(
            EvidenceLine(
                obligation=obligation,
                fields=fields,
                sections=sections,
                n_expected=len(rows),
                n_reported=len(reported),
                n_shown=len(reported) - len(absent),
                not_shown=() if is_joint else tuple(absent),
                n_conclusions=conclusions.get(obligation.code, 0) if is_joint else None,
            )
        )
    return tuple(lines)


def _union(parts: Iterable[Collection[str]]) -> set[str]:
    return {code for part in parts for code in part}
