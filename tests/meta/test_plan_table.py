"""The README's table of clauses is the plan's own."""

from deployments.plan_table import BEGIN, END, PROGRAMME, README, plan_table, with_table
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese


def test_the_table_in_the_readme_is_the_one_that_the_plan_gives():
    table = plan_table(load_programme(PROGRAMME), vietnamese())
    readme = README.read_text("utf-8")
    assert BEGIN in readme
    assert END in readme
    assert with_table(readme, table) == readme, "write it anew: python -m deployments.plan_table"


def test_every_clause_has_a_line_with_its_deployment_and_flow():
    programme = load_programme(PROGRAMME)
    lines = plan_table(programme, vietnamese()).splitlines()[2:]
    for obligation in programme.obligations:
        own = [line for line in lines if f"`{obligation.code}` " in line]
        assert len(own) == 1, obligation.code
        clause, _, _, deployment, flow = [part.strip() for part in own[0].strip("|").split("|")]
        assert (clause, bool(deployment), flow.startswith("`")) == (obligation.clause, True, True)
