"""JSON Schema for what pydantic cannot derive: values that depend on their technique."""

from __future__ import annotations

from typing import Any

from orchestrator.search_space.space import DATA_SIZE, EPOCHS
from trainables.techniques.parameter import Parameter
from trainables.techniques.registry import TECHNIQUES, TRAINED

JsonSchema = dict[str, Any]

_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}
_RANGES: dict[str, tuple[int, str]] = {
    "uniform": (2, "[low, high]: a number between the two"),
    "loguniform": (2, "[low, high]: a number, each order of magnitude as likely; low above 0"),
    "quniform": (3, "[low, high, step]: a multiple of step, both bounds included"),
    "randint": (2, "[low, high]: a whole number, high excluded"),
    "lograndint": (2, "[low, high]: a whole number, high excluded, on a log scale; low from 1"),
}


def definitions() -> JsonSchema:
    """Returns `$defs` for every parameter (a constant or a distribution) and its constants."""
    defined: JsonSchema = {}
    for technique, name, parameter in _parameters():
        defined[f"constant.{name}"] = _constant(parameter)
        defined[_name(technique, name)] = _parameter(parameter)
    defined.update((f"range.{name}", _range(name)) for name in _RANGES)
    return defined


def data_size() -> JsonSchema:
    """Returns the schema of `space.data_size`."""
    return _ref(_name("", DATA_SIZE.name))


def asked() -> JsonSchema:
    """Returns the schema of `ask`: one name, or several."""
    parameters = [name for technique, name, _ in _parameters() if technique]
    names = dict.fromkeys(["technique", DATA_SIZE.name, *parameters])
    return {"items": {"enum": list(names)}, "minItems": 1, "uniqueItems": True}


def techniques(*, removable: bool) -> JsonSchema:
    """Returns the schema of `space.technique`.

    Args:
        removable: Whether null stands for a parameter that is to be removed, as in a profile.
    """
    null: list[JsonSchema] = [{"type": "null"}] if removable else []
    return {
        "type": "object",
        "minProperties": 0 if removable else 1,
        "additionalProperties": False,
        "properties": {
            technique: {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    name: {"anyOf": [_ref(_name(technique, name)), *null]}
                    for name in TECHNIQUES[technique].parameters
                },
            }
            for technique in TRAINED
        },
    }


def points() -> JsonSchema:
    """Returns the schema of `points`: each technique has its own keys."""
    branches = []
    for name, technique in TECHNIQUES.items():
        keys = [DATA_SIZE.name, EPOCHS.name, *technique.parameters] if technique.trains else []
        branches.append(
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["technique", "data_size"] if technique.trains else ["technique"],
                "properties": {"technique": {"const": name}}
                | {key: _ref(f"constant.{key}") for key in keys},
            }
        )
    return {"type": "array", "items": {"oneOf": branches}}


def _parameters() -> list[tuple[str, str, Parameter]]:
    """Returns technique, name and parameter; no technique for what all share."""
    shared = [("", parameter.name, parameter) for parameter in (DATA_SIZE, EPOCHS)]
    return shared + [
        (technique.name, name, parameter)
        for technique in TECHNIQUES.values()
        for name, parameter in technique.parameters.items()
    ]


def _name(technique: str, name: str) -> str:
    """Returns a parameter's name among the definitions, one for all techniques that agree on it."""
    same = {each.parameters[name] for each in TECHNIQUES.values() if name in each.parameters}
    return f"parameter.{technique}.{name}" if len(same) > 1 else f"parameter.{name}"


def _ref(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}"}


def _constant(parameter: Parameter) -> JsonSchema:
    schema: JsonSchema = {"type": _TYPES[parameter.kind], "description": parameter.description}
    if parameter.default is None:
        schema["type"] = [schema["type"], "null"]
    if parameter.choices and not parameter.items:
        schema["enum"] = list(parameter.choices)
    if parameter.minimum is not None:
        key = "exclusiveMinimum" if parameter.exclusive_minimum else "minimum"
        schema[key] = parameter.minimum
    if parameter.maximum is not None:
        key = "exclusiveMaximum" if parameter.exclusive_maximum else "maximum"
        schema[key] = parameter.maximum
    return schema


def _parameter(parameter: Parameter) -> JsonSchema:
    """Returns the schema of a constant or any distribution that suits the parameter's kind."""
    constant = _ref(f"constant.{parameter.name}")
    distributions: JsonSchema = {
        "choice": {
            "description": "One of these values.",
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": constant,
        }
    }
    for name in _RANGES:
        if parameter.kind is float or (parameter.kind is int and _whole(name)):
            distributions[name] = _ref(f"range.{name}")
    schema: JsonSchema = {
        "description": parameter.description,
        "anyOf": [
            constant,
            {
                "type": "object",
                "properties": distributions,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ],
    }
    if parameter.default is not None:
        schema["default"] = parameter.default
    return schema


def _range(name: str) -> JsonSchema:
    count, description = _RANGES[name]
    return {
        "type": "array",
        "minItems": count,
        "maxItems": count,
        "items": {"type": "integer" if _whole(name) else "number"},
        "description": description,
    }


def _whole(name: str) -> bool:
    return name in ("randint", "lograndint")
