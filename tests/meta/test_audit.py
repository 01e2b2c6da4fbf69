"""No decision passes the audit by: what a person does is noted, and sessions that decide are those that chain."""

import ast
from functools import cache

import pytest

from deployments.manual import manual_deployments
from models.domain.vocabulary import Action
from tests.meta.source_code import calls, trees

WITHOUT_A_CHAIN = {"rehearse.py", "release.py"}
"""A rehearsal's database is thrown away; the note of the release is no decision."""


@cache
def _calls_by_function():
    """Return by name of a function of the program whom it calls, or hands on; two of one name are one."""
    found = {}
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                names = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
                names |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                found.setdefault(node.name, set()).update(names)
    return found


@pytest.mark.parametrize("code", [each.code for each in manual_deployments()])
def test_whatever_a_person_does_by_hand_is_noted_in_the_audit(code):
    (deployment,) = (each for each in manual_deployments() if each.code == code)
    known, reached, waiting = _calls_by_function(), set(), [deployment.flow.fn.__name__]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += known.get(name, ())
    assert "note_action" in reached


def test_every_act_that_there_is_a_word_for_is_done_under_a_signature():
    signed = {
        node.attr
        for tree in trees().values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        for node in ast.walk(argument)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "Action"
    }
    assert {each.name for each in Action} - signed == set()


def test_only_sessions_that_chain_are_opened_to_decide():
    opened = {
        call.place.rpartition("/")[2].partition(":")[0] for call in calls() if call.name in {"sessionmaker", "Session"}
    }
    assert opened - WITHOUT_A_CHAIN == {"sessions.py"}
