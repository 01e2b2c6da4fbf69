"""Turns what pydantic says about a file into faults with a line and a code that has a Vietnamese sentence."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from models.domain.errors import Fault
from tasks.adapters.programme.located_yaml import LocatedDocument
from tasks.adapters.programme.written import unknown_name

CODES: Final[Mapping[str, str]] = {
    "missing": "key_missing",
    "string_type": "not_text",
    "string_too_short": "blank",
    "string_too_long": "too_long",
    "too_short": "list_empty",
    "too_long": "too_long",
    "int_type": "not_number",
    "int_parsing": "not_number",
    "int_from_float": "not_number",
    "bool_type": "not_yes_no",
    "bool_parsing": "not_yes_no",
    "list_type": "not_list",
    "tuple_type": "not_list",
    "dict_type": "not_table",
    "model_type": "not_table",
    "greater_than_equal": "number_too_small",
    "less_than_equal": "number_too_large",
}
"""Pydantic's error type -> code of the sentence. The types of our own validators are codes already."""
LIMITS: Final = ("ge", "le", "max_length")

Model = TypeVar("Model", bound=BaseModel)


def understood(
    model: type[Model], document: LocatedDocument, names: Mapping[str, Collection[str]]
) -> tuple[Model | None, list[Fault]]:
    """Return what the document says, or every fault of it; `names` are those that exist in the folder, by kind."""
    try:
        return model.model_validate(document.data, context=names), []
    except ValidationError as error:
        schema = model.model_json_schema()
        return None, [_fault(detail, document, schema) for detail in error.errors(include_url=False)]


def _fault(detail: ErrorDetails, document: LocatedDocument, schema: Mapping[str, Any]) -> Fault:
    path = detail["loc"]
    key = ".".join(str(step) for step in path)
    if detail["type"] == "extra_forbidden":
        allowed = _keys_at(schema, path[:-1])
        code, facts = unknown_name(str(path[-1]), allowed)
        return document.fault(path, code.replace("name_", "key_"), **facts)
    context = detail.get("ctx", {})
    if detail["type"] in CODES:
        limit = next((context[name] for name in LIMITS if name in context), "")
        return document.fault(path, CODES[detail["type"]], key=key, limit=limit, found=_short(detail["input"]))
    if context and "found" in context:
        return document.fault(path, detail["type"], **{"key": key, **context})
    return document.fault(path, "other", key=key, detail=detail["msg"])


def _keys_at(schema: Mapping[str, Any], path: Sequence[str | int]) -> list[str]:
    node: Mapping[str, Any] = schema
    for step in path:
        node = _resolve(schema, _below(node, step))
    return list(node.get("properties", {}))


def _below(node: Mapping[str, Any], step: str | int) -> Mapping[str, Any]:
    if isinstance(step, int):
        below = node.get("items", {})
    else:
        below = node.get("properties", {}).get(step) or node.get("additionalProperties") or {}
    return below if isinstance(below, Mapping) else {}


def _resolve(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    for option in (node, *node.get("anyOf", ()), *node.get("allOf", ())):
        if "$ref" in option:
            found: Mapping[str, Any] = schema["$defs"][option["$ref"].rpartition("/")[2]]
            return found
    return node


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - enough to find it again
