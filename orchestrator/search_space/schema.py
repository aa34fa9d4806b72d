"""Writes the JSON Schema of a search space file, from the same types that check it.

    python -m orchestrator.search_space.schema > search_spaces/schema.json

Editors with a YAML language server complete keys, techniques, parameters and distributions from it.
"""

from __future__ import annotations

import copy
import json
import sys
from typing import Any

from orchestrator.search_space import json_schema
from orchestrator.search_space.messages import RESOLVED
from orchestrator.search_space.model import Sweep
from orchestrator.search_space.profiles import PROFILES

JsonSchema = dict[str, Any]


def schema() -> JsonSchema:
    """Returns the schema: the file's keys, and under `profiles` the same keys, none required."""
    whole = Sweep.model_json_schema()
    for name in RESOLVED:
        del whole["properties"][name]
    follow_from_profile = {*RESOLVED, "base_model", "dataset"}
    whole["required"] = [key for key in whole["required"] if key not in follow_from_profile]
    whole["properties"]["points"].update(json_schema.points())
    whole["properties"]["ask"].update(json_schema.asked())
    definitions: JsonSchema = whole.pop("$defs")
    for name in list(definitions):
        definitions[f"Partial{name}"] = _partial(definitions[name])
    for name, removable in (("Space", False), ("PartialSpace", True)):
        keys = definitions[name]["properties"]
        keys["technique"] |= json_schema.techniques(removable=removable)
        keys["data_size"] |= json_schema.data_size()
    definitions["Profile"] = _partial(whole) | {"description": "Merged over the file."}
    whole["properties"]["profiles"] = {
        "type": "object",
        "description": "Changes for one scale: groups merge, all else is replaced, null removes.",
        "additionalProperties": False,
        "properties": {name: {"$ref": "#/$defs/Profile"} for name in PROFILES},
    }
    whole["title"] = "A search space"
    _say_bounds(whole)
    _say_bounds(definitions)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, **whole, "$defs": definitions | json_schema.definitions()}


def text() -> str:
    """Returns the schema file's contents."""
    return json.dumps(schema(), indent=1) + "\n"


_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def _say_bounds(part: Any) -> None:
    """Renames bounds in place: pydantic leaves its own names where a validator comes first."""
    if isinstance(part, list):
        for each in part:
            _say_bounds(each)
    if isinstance(part, dict):
        for name in [name for name in _BOUNDS if isinstance(part.get(name), int | float)]:
            part[_BOUNDS[name]] = part.pop(name)
        for each in part.values():
            _say_bounds(each)


def _partial(definition: JsonSchema) -> JsonSchema:
    """Returns a group's schema with no key required; null removes a key."""
    partial = {key: value for key, value in definition.items() if key != "required"}
    partial["properties"] = {
        name: _optional(value) for name, value in definition["properties"].items()
    }
    return partial


def _optional(value: JsonSchema) -> JsonSchema:
    """Returns a key's schema with null allowed and its references led to the partial forms."""
    changed = copy.deepcopy(value)
    changed.pop("default", None)
    for part in (changed, *changed.get("anyOf", [])):
        if "$ref" in part:
            part["$ref"] = part["$ref"].replace("#/$defs/", "#/$defs/Partial")
    if "$ref" in changed:
        changed["anyOf"] = [{"$ref": changed.pop("$ref")}, {"type": "null"}]
    elif "enum" in changed:
        changed["enum"] = [*changed["enum"], None]
        changed["type"] = ["string", "null"]
    elif isinstance(changed.get("type"), list):
        changed["type"] = [*changed["type"], "null"]
    elif isinstance(changed.get("type"), str) and changed["type"] != "object":
        changed["type"] = [changed["type"], "null"]
    return changed


if __name__ == "__main__":
    sys.stdout.write(text())
