"""Reads one YAML file into plain values and remembers the line of each; it knows nothing of plans or forms.

Only what a clerk writes is understood: mappings, lists, texts, numbers, dates. Anchors, aliases and tags are refused,
so that a small file can never grow large.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from models.domain.errors import Fault
from models.domain.vietnamese import tidy_lines

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 30
Path = Sequence[str | int]
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class LocatedDocument:
    """The plain values of a YAML file, and where each stands."""

    file: str
    data: object
    root: Node

    def line_of(self, path: Path) -> int:
        """Return the 1-based line of the value at the path, or of the nearest thing above it that exists."""
        node, line = self.root, self.root.start_mark.line
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
        return int(line) + 1

    def fault(self, path: Path, code: str, **facts: object) -> Fault:
        """Return a fault at the line of the path."""
        return Fault.at(self.file, self.line_of(path), code, sheet="", **facts)


@dataclass(slots=True)
class _Reading:
    """Faults met while nodes become values."""

    file: str
    faults: list[Fault] = field(default_factory=list)

    def add(self, node: Node, code: str, **facts: object) -> None:
        self.faults.append(Fault.at(self.file, node.start_mark.line + 1, code, sheet="", **facts))


def read_yaml(content: bytes, file: str) -> tuple[LocatedDocument | None, list[Fault]]:
    """Return the document, and the faults of its writing; None when nothing can be made of it."""
    text, faults = decode(content, file, max_bytes=MAX_BYTES)
    if text is None:
        return None, faults
    try:
        root = _compose(text, file, faults)
        if root is None or faults:
            return None, faults or [Fault.at(file, 0, "file_empty")]
        reading = _Reading(file)
        return LocatedDocument(file, _value(root, reading), root), reading.faults
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        detail = " ".join(str(error.problem or error.context or "").split())
        return None, [Fault.at(file, mark.line + 1 if mark else 0, "yaml_broken", detail=detail)]
    except (YAMLError, RecursionError) as error:
        return None, [Fault.at(file, 0, "yaml_broken", detail=type(error).__name__)]


def decode(content: bytes, file: str, *, max_bytes: int) -> tuple[str | None, list[Fault]]:
    """Return the text of a file, or the fault why it is none: too large, or not in UTF-8."""
    if len(content) > max_bytes:
        return None, [Fault.at(file, 0, "file_too_large", n_bytes=len(content), max_bytes=max_bytes)]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        return None, [Fault.at(file, content.count(b"\n", 0, error.start) + 1, "file_not_utf8")]


def _compose(text: str, file: str, faults: list[Fault]) -> Node | None:
    faults += _refused(text, file)
    if faults:
        return None
    node: Node | None = YAML(typ="safe").compose(text)
    return node


def _refused(text: str, file: str) -> list[Fault]:
    """Return what makes a file costly to read; nesting ends the look at once, for its cost grows with the square."""
    faults = []
    depth = 0
    for event in YAML(typ="safe").parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if isinstance(event, AliasEvent):
            faults.append(Fault.at(file, event.start_mark.line + 1, "yaml_alias"))
        if depth > MAX_DEPTH:
            return [*faults, Fault.at(file, event.start_mark.line + 1, "yaml_too_deep", max_depth=MAX_DEPTH)]
    return faults


def _value(node: Node, reading: _Reading) -> object:
    match node:
        case MappingNode():
            return _mapping(node, reading)
        case SequenceNode():
            return [_value(child, reading) for child in node.value]
        case _:
            return _scalar(node, reading)


def _mapping(node: MappingNode, reading: _Reading) -> dict[str, object]:
    values: dict[str, object] = {}
    for key_node, child in node.value:
        if not isinstance(key_node, ScalarNode):
            reading.add(key_node, "yaml_key_not_text")
            continue
        key = tidy_lines(key_node.value)
        if key in values:
            reading.add(key_node, "yaml_key_twice", key=key)
        values[key] = _value(child, reading)
    return values


def _scalar(node: Node, reading: _Reading) -> object:
    tag = str(node.tag).removeprefix(_TAG)
    if tag not in _SCALARS:
        reading.add(node, "yaml_tag", tag=tag)
        return str(node.value)
    return _SCALARS[tag](str(node.value))


def _decimal(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _child(node: Node, step: str | int) -> tuple[int, Node] | None:
    if isinstance(node, MappingNode):
        pairs = [(key, child) for key, child in node.value if tidy_lines(str(key.value)) == str(step)]
        return (pairs[-1][0].start_mark.line, pairs[-1][1]) if pairs else None
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    return None


_SCALARS: Final[Mapping[str, Callable[[str], object]]] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _number,
    "float": _decimal,
    "timestamp": _day,
    "str": tidy_lines,
}
"""How each sort of scalar of YAML 1.2 becomes a value; what does not parse stays text, and is a fault later."""
