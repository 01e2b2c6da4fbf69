"""The project's own papers keep their promises: pins, targets, layers, migrations."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.meta.source_code import ROOT

MIGRATIONS = ROOT / "models" / "db" / "migrations" / "versions"
PINNED_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)")


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _pins() -> dict[str, Version]:
    lines = [line.strip() for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()]
    written = [line for line in lines if line and not line.startswith("#")]
    matches = [PINNED_LINE.fullmatch(line) for line in written]
    assert all(matches), "each line of constraints.txt is a name and one exact version"
    return {canonicalize_name(found["name"]): Version(found["version"]) for found in matches}


def _requirements() -> list[Requirement]:
    project = _project()["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    asked = map(Requirement, [*project["dependencies"], *extras])
    return [requirement for requirement in asked if canonicalize_name(requirement.name) != project["name"]]


@pytest.mark.parametrize("requirement", _requirements(), ids=lambda requirement: requirement.name)
def test_each_dependency_has_one_exact_version_that_fits(requirement):
    pins = _pins()
    assert canonicalize_name(requirement.name) in pins
    assert pins[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_three_pins_without_which_prefect_breaks_are_held():
    pins, asked = _pins(), {requirement.name: requirement.specifier for requirement in _requirements()}
    assert pins["prefect"] == Version("3.8.8")
    assert pins["sqlalchemy"] < Version("2.1")
    assert pins["fastapi"] < Version("0.151")
    assert "2.1.0" not in asked["sqlalchemy"]
    assert "0.151.0" not in asked["fastapi"]


def test_the_constraints_name_no_address_of_an_index():
    assert not re.search(r"https?://|--(extra-)?index", (ROOT / "constraints.txt").read_text("utf-8"))


def test_every_make_target_that_the_papers_name_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    papers = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    papers += [*(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md", ROOT / ".ci" / "run"]
    written = "\n".join(paper.read_text("utf-8") for paper in papers if paper.exists())
    named = set(re.findall(r"(?:`|^\s*|\$ )make ([a-z-]+)\b", written, flags=re.MULTILINE))
    assert {"install", "demo", "run", "test", "check", "bench"} <= targets
    assert named <= targets


def test_every_make_target_says_what_it_does():
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:")).removeprefix(".PHONY:").split()
    told = {line.partition(":")[0] for line in lines if re.match(r"[a-z-]+:.*## \S", line)}
    assert set(phony) == told


def test_migrations_are_numbered_without_a_gap_and_each_follows_the_one_before():
    paths = sorted(MIGRATIONS.glob("[0-9]*.py"))
    numbers = [int(path.name[:4]) for path in paths]
    assert numbers == list(range(1, len(paths) + 1))
    links = [_links(path) for path in paths]
    assert [link[1] for link in links] == [None, *(link[0] for link in links[:-1])]


def _links(path: Path) -> tuple[str | None, str | None]:
    text = path.read_text("utf-8")
    found = [re.search(rf'^{name}\b[^=]*= (?:"(.*)"|None)', text, flags=re.MULTILINE) for name in NAMES_OF_LINKS]
    assert all(found), path
    return found[0][1], found[1][1]


NAMES_OF_LINKS = ("revision", "down_revision")


def test_the_layers_are_kept():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout
