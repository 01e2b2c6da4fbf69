"""Coverage of continuous obligations: what is evidence, who shows it, and what is asked back."""

from dataclasses import replace

from models.domain.coverage import timeliness_rows
from models.domain.cycles import plan_cycle
from models.domain.evidence import evidence_fields, evidence_lines
from models.domain.forms import NarrativeSpec
from models.domain.plan import EvidenceRule
from models.domain.submissions import ReportedFigure
from models.domain.tabulation import figures_of, units_showing
from models.domain.vocabulary import ObligationKind
from tests.adapters.compilations import AS_OF, a_cycle, a_programme, duties

RULE = EvidenceRule(reports=("O-20",), indicators=("CT05",), sections=("II.2",))


def a_programme_with_evidence(rule=RULE, **changes):
    programme = a_programme()
    (report,) = programme.obligations
    continuous = replace(
        report, code="O-06", slug="tuyen-truyen", kind=ObligationKind.CONTINUOUS, rules=(), evidence=rule, **changes
    )
    return replace(programme, obligations=(report, continuous))


def the_lines(programme, figured=None, written=None, conclusions=None):
    cycle = a_cycle(programme)
    rows = timeliness_rows(duties(cycle, 12), AS_OF)
    return evidence_lines(
        programme, cycle, rows, figured=figured or {}, written=written or {}, conclusions=conclusions or {}
    ), [row for row in rows if row.is_reported]


def test_a_unit_shows_an_obligation_by_any_one_indicator_or_section():
    _, reported = the_lines(a_programme_with_evidence())
    first, second, *rest = [row.unit_code for row in reported]
    (line,), _ = the_lines(a_programme_with_evidence(), {"CT05": {first}}, {"II.2": {second}})
    assert (line.n_shown, line.n_reported, line.n_expected) == (2, len(reported), 12)
    assert line.not_shown == tuple(row.unit_name for row in reported if row.unit_code in rest)
    assert not line.is_shown


def test_a_unit_that_has_not_reported_shows_nothing_and_is_not_named():
    rows = timeliness_rows(duties(a_cycle(a_programme()), 12), AS_OF)
    missing = {row.unit_code for row in rows if not row.is_reported}
    (line,), _ = the_lines(a_programme_with_evidence(), {"CT05": missing})
    assert missing
    assert line.n_shown == 0
    assert {row.unit_name for row in rows if row.unit_code in missing} & set(line.not_shown) == set()


def test_the_whole_of_a_share_is_no_evidence_unless_it_is_named_itself():
    form = a_programme().forms["bm_835"]
    of_indicator = evidence_fields(form, replace(RULE, indicators=("CT07",)))
    by_name = evidence_fields(form, replace(RULE, indicators=("CT07.kdc_tong",)))
    assert [spec.code for spec in (*of_indicator, *by_name)] == ["CT07.kdc_xong", "CT07.kdc_tong"]
    assert {spec.indicator for spec in form.fields if spec.code.startswith("CT07")} == {"CT07"}


def test_a_zero_and_a_no_are_no_evidence_but_any_other_answer_is():
    rows = [
        ReportedFigure("a", "CT05", 0, None, False),
        ReportedFigure("b", "CT05", 3, None, False),
        ReportedFigure("c", "CT04", None, "Không", False),
        ReportedFigure("d", "CT04", None, "Có", False),
        ReportedFigure("e", "CT21", None, "Khá", False),
        ReportedFigure("f", "CT08", 9, None, False),
    ]
    shown = units_showing(figures_of(rows), ["CT04", "CT05", "CT21"], no="Không")
    assert shown == {"CT05": {"b"}, "CT04": {"d"}, "CT21": {"e"}}
    assert units_showing(figures_of([]), ["CT05"], no="Không") == {}


def test_one_conclusion_a_year_is_enough_for_inspections_and_no_unit_is_blamed_for_none():
    programme = a_programme_with_evidence()
    report, continuous = programme.obligations
    inspections = replace(programme, obligations=(report, replace(continuous, kind=ObligationKind.INSPECTION)))
    (none,), _ = the_lines(inspections)
    (held,), _ = the_lines(inspections, conclusions={"O-06": 1})
    assert (none.is_joint, none.is_shown, none.not_shown) == (True, False, ())
    assert (held.is_shown, held.n_conclusions) == (True, 1)


def test_an_obligation_is_looked_for_only_in_its_own_reports_and_years():
    assert the_lines(a_programme_with_evidence(replace(RULE, reports=("O-21",))))[0] == ()
    assert the_lines(a_programme_with_evidence(first_year=2026))[0] == ()


def test_a_section_that_must_show_something_is_asked_for_even_where_the_form_leaves_it_open():
    programme = a_programme_with_evidence()
    form = programme.forms["bm_835"]
    optional = replace(form, narratives=tuple(replace(section, is_required=False) for section in form.narratives))
    asked = replace(programme, forms={"bm_835": optional})
    assert [s.code for s in plan_cycle(asked, asked.obligation("O-20"), 2025).form.narratives if s.is_required] == [
        "II.2"
    ]
    assert asked.forms["bm_835"].narratives[2] == NarrativeSpec(
        code="II.2", title=form.narratives[2].title, row=2, is_required=False
    )
