"""Reads the program's own source as trees, so that tests can ask what it says and to whom."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("models", "tasks", "flows", "deployments")


@dataclass(frozen=True)
class Call:
    """A call in the program: where, of what, with which literal words and which keywords."""

    place: str
    name: str
    words: tuple[str | None, ...]
    """Its positional arguments; None where one is no literal text."""
    keywords: frozenset[str]
    is_open: bool
    """It passes on facts that the source alone does not show (`**facts`)."""


@cache
def trees() -> dict[Path, ast.Module]:
    """Return every module of the program, by its path below the project."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {path.relative_to(ROOT): ast.parse(path.read_text("utf-8")) for path in paths}


@cache
def calls() -> tuple[Call, ...]:
    """Return every call of the program."""
    return tuple(
        _call(f"{path}:{node.lineno}", node)
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    )


def spoken_texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the literal texts of a module that are no docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


def blanks_of(sentence: str) -> set[str]:
    """Return the names of the facts that a sentence asks for."""
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in Formatter().parse(sentence) if name}


def _call(place: str, node: ast.Call) -> Call:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return Call(
        place=place,
        name=name,
        words=tuple(
            arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else None for arg in node.args
        ),
        keywords=frozenset(keyword.arg for keyword in node.keywords if keyword.arg),
        is_open=any(keyword.arg is None for keyword in node.keywords),
    )
