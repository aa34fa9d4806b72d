"""Turns what pydantic found into one sentence each: the value, the rule and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from orchestrator.search_space.document import Node, join
from orchestrator.search_space.model import Sweep
from orchestrator.search_space.problems import Problem, show, unknown
from trainables.contract.scores import METRICS
from trainables.contract.spelled_numbers import advice
from trainables.techniques.registry import TECHNIQUES

RESOLVED = ("profile", "profile_reason")
"""Fields of `Sweep` that a file cannot set."""

OPTIONS = {
    "address": "--address",
    "dashboard_host": "--dashboard-host",
    "max_cost": "--max-cost",
    "max_device_hours": "--max-device-hours",
    "max_hours": "--max-hours",
    "on_end": "--on-end",
    "root": "--root",
}
"""Keys that a file does not have, because they are options of `sweep`: they belong to one start of
it, not to the question."""

_RULES: dict[str, str] = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "model_type": "must be a group of keys",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "greater_than": "must be > {gt:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "less_than": "must be < {lt:g}",
    "less_than_equal": "must be <= {le:.12g}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must be letters, digits, _ and -, beginning with a letter "
    "(so that it is never read as a number)",
}

_NUMBERS = ("int_type", "float_type")


def top_level_keys() -> list[str]:
    """Returns the keys that a file may have."""
    return [name for name in Sweep.model_fields if name not in RESOLVED] + ["profiles"]


def translate(error: ErrorDetails, root: Node) -> Problem:
    """Returns a problem in the user's words, at the user's place.

    Args:
        error: One of pydantic's errors about `root.plain()`.
        root: The document that was validated.
    """
    if error["loc"] == ("objective", "mode") and (found := _overridden_metric(error, root)):
        return found
    node, rest = _locate(root, error["loc"])
    label = node.key
    for part in rest:
        label = join(label, part)
    message = _message(error)
    return Problem(node.place, node.line, f"{label}: {message}" if label else message)


def _locate(root: Node, location: tuple[str | int, ...]) -> tuple[Node, tuple[str | int, ...]]:
    """Returns the deepest value there is on the way to a location, and what remains of the way."""
    node = root
    for depth, part in enumerate(location):
        child = node.child(part)
        if child is None:
            return node, location[depth:]
        node = child
    return node, ()


def _overridden_metric(error: ErrorDetails, root: Node) -> Problem | None:
    """Returns the problem of an option's metric with the mode that the file gives for its own."""
    objective = root.child("objective")
    metric, mode = (objective and objective.child(name) for name in ("metric", "mode"))
    if metric is None or mode is None or metric.line is not None or mode.line is None:
        return None
    name = metric.plain()
    if not isinstance(name, str) or name not in METRICS or error["type"] != "problem":
        return None
    right = METRICS[name].mode
    less = "more" if right == "max" else "less"
    return Problem(
        metric.place,
        None,
        f"{mode.key}: is {mode.plain()} in {mode.place}:{mode.line}, but {less} {name} is better:"
        f" add --set objective.mode={right}",
    )


def _message(error: ErrorDetails) -> str:
    location, kind = error["loc"], error["type"]
    if kind == "problem":
        return error["msg"]
    if kind == "extra_forbidden":
        return _unknown_key(location)
    field = _field(location)
    example = _example(str(location[-1]), field) if location and field else ""
    if kind == "missing":
        return f"is missing{_meaning(field)}{example}"
    # Pydantic's own text holds what the user wrote, braces included: only a rule is a template.
    rule = _RULES[kind].format(**error.get("ctx", {})) if kind in _RULES else error["msg"]
    if kind == "model_type" and field is not None and type(None) in get_args(field.annotation):
        rule += ", or null for none"
    if kind in _NUMBERS and isinstance(error["input"], str):
        rule += advice(error["input"], whole=kind != "float_type")
    return f"is {show(error['input'])}, but {rule}{example}"


def _meaning(field: FieldInfo | None) -> str:
    """Returns the first sentence of a field's description, as a part of another sentence."""
    if field is None or not field.description:
        return ""
    first = field.description.split(". ")[0].rstrip(".")
    return f"; {first[0].lower()}{first[1:]}"


def _example(name: str, field: FieldInfo) -> str:
    if not field.examples:
        return ""
    return f"; for example `{name}: {field.examples[0]}`"


def _unknown_key(location: tuple[str | int, ...]) -> str:
    """Names the nearest key of the same group, or the same key where it belongs."""
    name = str(location[-1])
    model = _model(location[:-1])
    valid = top_level_keys() if model is Sweep or model is None else list(model.model_fields)
    if name in OPTIONS and name not in valid:
        return (
            f"is no key of the file but the option {OPTIONS[name]} of python -m orchestrator.sweep;"
            " remove it here"
        )
    if name in top_level_keys() and name not in valid:
        return f'unknown key "{name}" here; it stands at the top of the file, outside {location[0]}'
    if name.isdecimal():
        return unknown("key", name, valid)
    elsewhere = [path for path in _paths(Sweep) if path.split(".")[-1] == name]
    if elsewhere:
        return f'unknown key "{name}" here; did you mean "{elsewhere[0]}"?'
    return unknown("key", name, valid)


def _paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yields every dotted path that a file may have."""
    for name, field in model.model_fields.items():
        path = join(prefix, name)
        yield path
        inner = _inner(field)
        if inner is not None:
            yield from _paths(inner, path)
    if not prefix:
        for name in dict.fromkeys(name for each in TECHNIQUES.values() for name in each.parameters):
            yield f"space.technique.TECHNIQUE.{name}"


def _inner(field: FieldInfo) -> type[BaseModel] | None:
    """Returns the type of a group of keys, or None if the field is a value."""
    annotation: Any = field.annotation
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _field(location: tuple[str | int, ...]) -> FieldInfo | None:
    model: type[BaseModel] | None = Sweep
    field: FieldInfo | None = None
    for part in location:
        field = model.model_fields.get(str(part)) if model is not None else None
        if field is None:
            return None
        model = _inner(field)
    return field


def _model(location: tuple[str | int, ...]) -> type[BaseModel] | None:
    field = _field(location)
    return _inner(field) if field is not None else Sweep
