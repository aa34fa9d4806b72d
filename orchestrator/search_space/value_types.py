"""Types of single values in a search space file: the forms that a person may give them in."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from orchestrator.search_space.grouped import of_a_whole_number
from orchestrator.search_space.problems import show
from orchestrator.search_space.space import fail


def _whole(value: Any) -> Any:
    """Takes 2e4 for 20000; leaves everything else to the type."""
    if (fault := of_a_whole_number(value)) is not None:
        fail([((), fault)], value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


def _names(value: Any) -> Any:
    """Takes a list, as YAML has it, for a tuple; a single name for a list of it."""
    if not isinstance(value, str | list | tuple):
        fail([((), f"is {show(value)}, but must be a list of names of parameters")], value)
    return (value,) if isinstance(value, str) else tuple(value)


Asked = Annotated[
    tuple[Any, ...], BeforeValidator(_names), WithJsonSchema({"type": ["array", "string"]})
]
"""Names of parameters; the rules are in `orchestrator.search_space.ask`."""


def _decades(value: Any) -> Any:
    """Takes a list, as YAML has it, for a tuple; a single number for a list of it."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Decades = Annotated[
    tuple[float, ...],
    BeforeValidator(_decades),
    WithJsonSchema({"type": "array", "items": {"type": "number"}}),
]
"""Distances on a logarithmic scale; the rules are in `orchestrator.search_space.confirm_rules`."""


ColumnName = Annotated[str | None, Field(min_length=1, max_length=200)]


AUTO = "auto"
LARGEST_PACK = 64
"""Trials. Each has a process of its own beside the one that trains it."""


def _pack(value: Any) -> Any:
    """Takes a number of trials, or `auto`."""
    number = _whole(value)
    is_number = isinstance(number, int) and not isinstance(number, bool)
    if value == AUTO or (is_number and 1 <= number <= LARGEST_PACK):
        return number
    rule = f"must be {AUTO} or a whole number from 1 to {LARGEST_PACK}"
    fail([((), f"is {show(value)}, but {rule}")], value)
    return number


PackSize = Annotated[
    int | Literal["auto"],
    BeforeValidator(_pack),
    WithJsonSchema(
        {
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": LARGEST_PACK,
            "pattern": f"^{AUTO}$",
        }
    ),
]
"""Trials that share a device."""


DeviceKind = Literal["cuda", "mps", "cpu"]
DEVICE_KINDS: tuple[str, ...] = get_args(DeviceKind)


def _listed(value: Any) -> Any:
    """Takes a list, as YAML has it, for a tuple; a single name for a list of it."""
    if not value or not isinstance(value, str | list | tuple):
        rule = f"must be a list of kinds of devices ({', '.join(DEVICE_KINDS)})"
        fail([((), f"is {show(value)}, but {rule}")], value)
    return (value,) if isinstance(value, str) else tuple(value)


Kinds = Annotated[
    tuple[DeviceKind, ...],
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*DEVICE_KINDS]},
                {"type": "array", "items": {"enum": [*DEVICE_KINDS]}, "minItems": 1},
            ]
        }
    ),
]
"""Kinds of devices."""


Tracker = Literal["wandb", "mlflow", "tensorboard"]
TRACKERS: tuple[str, ...] = get_args(Tracker)
"""Each is also the name of its package."""


def _tracked(value: Any) -> Any:
    """Takes a list, as YAML has it, for a tuple without repetitions; a single name for a list."""
    if not isinstance(value, str | list | tuple):
        rule = f"must be a list of tools ({', '.join(TRACKERS)})"
        fail([((), f"is {show(value)}, but {rule}")], value)
    given = (value,) if isinstance(value, str) else tuple(value)
    return tuple(each for index, each in enumerate(given) if each not in given[:index])


Trackers = Annotated[
    tuple[Tracker, ...],
    BeforeValidator(_tracked),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*TRACKERS]},
                {"type": "array", "items": {"enum": [*TRACKERS]}, "uniqueItems": True},
            ]
        }
    ),
]
"""Tools in which a running sweep is seen."""
