"""Every code that the program can utter has its Vietnamese, and every sentence is given the facts it asks for."""

import importlib
import pkgutil
from enum import StrEnum

import pytest

import deployments
import models
import tasks
from models.domain import vocabulary
from models.domain.errors import DondocError
from models.domain.reading import Trouble
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks.pool import WORKER_MODULE
from tests.meta.source_code import Call, blanks_of, calls, spoken_texts, trees

FINDING_MAKERS = {"finding", "note", "_note", "_reason"}
OF_A_FIELD = {"_at_value", "_of_field"}
CODED_PREFIXES = ("", "aggregate.")
CLOSED_SETS = [
    each for each in vars(vocabulary).values() if isinstance(each, type) and issubclass(each, StrEnum) and list(each)
]


def _errors() -> list[type[DondocError]]:
    for package in (models, tasks, deployments):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # What the readers' own server loads keeps numpy away from whoever imports it, and from all tests after it.
            if "migrations" not in module.name and module.name != WORKER_MODULE:
                importlib.import_module(module.name)
    found, waiting = [], [DondocError]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.__subclasses__()
    return sorted(found, key=lambda each: each.__name__)


def _calls_of(names: set[str]) -> list[Call]:
    return [call for call in calls() if call.name in names and call.words and call.words[0] is not None]


def _missing_facts(call: Call, sentence: str) -> set[str]:
    return set() if call.is_open else blanks_of(sentence) - call.keywords


@pytest.mark.parametrize("closed_set", CLOSED_SETS, ids=lambda each: each.__name__)
def test_every_word_of_a_closed_set_has_a_label_that_needs_no_facts(closed_set):
    texts = vietnamese()
    assert [blanks_of(texts.label(word)) for word in closed_set] == [set() for _ in closed_set]
    assert all(texts.label(word).strip() for word in closed_set)


def test_every_finding_that_is_made_has_a_sentence_and_is_given_its_facts():
    by_code = vietnamese().by_code
    made = _calls_of(FINDING_MAKERS)
    assert len(made) > 40
    assert [c for c in made if f"finding.{c.words[0]}" not in by_code] == []
    assert [c for c in made if _missing_facts(c, by_code[f"finding.{c.words[0]}"])] == []


def test_every_finding_about_a_field_has_a_sentence():
    by_code = vietnamese().by_code
    codes = [word for call in calls() if call.name in OF_A_FIELD for word in call.words if word is not None]
    assert codes
    assert [code for code in [*codes, *Trouble] if f"finding.{code}" not in by_code] == []


def test_every_operators_error_has_a_sentence():
    by_code = vietnamese().by_code
    assert [error.__name__ for error in _errors() if error.code not in by_code] == []


def test_every_operators_error_is_raised_with_the_facts_of_its_sentence():
    by_code = vietnamese().by_code
    codes = {error.__name__: error.code for error in _errors()}
    raised = [call for call in calls() if call.name in codes and not call.words]
    assert len(raised) > 5
    assert [(c.place, missing) for c in raised if (missing := _missing_facts(c, by_code[codes[c.name]]))] == []


def test_every_code_that_is_said_has_a_sentence_and_is_given_its_facts():
    by_code = vietnamese().by_code
    said = [call for call in _calls_of({"say", "_say", "_fail"}) if "." in call.words[0] or call.name == "say"]
    assert len(said) > 60
    sentences = {call: _sentence(by_code, call.words[0]) for call in said}
    assert [call for call, sentence in sentences.items() if sentence is None] == []
    assert [call for call, sentence in sentences.items() if _missing_facts(call, sentence or "")] == []


@pytest.mark.parametrize(("name", "prefix"), [("run_name", "task."), ("_help", "cli.")])
def test_every_name_of_a_run_and_every_help_has_a_sentence_without_blanks(name, prefix):
    by_code = vietnamese().by_code
    asked = _calls_of({name})
    assert asked
    assert [call for call in asked if blanks_of(by_code.get(f"{prefix}{call.words[0]}", "{missing}"))] == []


def test_no_finding_is_written_that_nothing_can_utter():
    uttered = {node.value for tree in trees().values() for node in spoken_texts(tree)}
    written = {code.removeprefix("finding.") for code in vietnamese().by_code if code.startswith("finding.")}
    assert written - uttered == set()


def _sentence(by_code, code):
    return next((by_code[prefix + code] for prefix in CODED_PREFIXES if prefix + code in by_code), None)
