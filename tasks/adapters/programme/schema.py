"""Makes the JSON Schema of `plan.yaml`, by which an editor completes and explains the keys in Vietnamese."""

from collections.abc import Mapping
from typing import Any

from tasks.adapters.programme.plan_file import plan_json_schema
from tasks.adapters.texts import Texts


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of `plan.yaml`, each key with its explanation from `templates/messages`."""
    texts = Texts.load().by_code
    schema = plan_json_schema()
    for model in (schema, *schema["$defs"].values()):
        _explain(model, texts)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": texts["plan_key.whole"],
    }


def _explain(model: dict[str, Any], texts: Mapping[str, str]) -> None:
    model.pop("description", None)
    model.pop("title", None)
    for key, property_ in model.get("properties", {}).items():
        property_.pop("title", None)
        property_["description"] = texts[f"plan_key.{key}"]
