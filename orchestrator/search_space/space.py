"""The parts of a search space file that say which configurations there are: `space` and `points`.

What a technique takes is known from `trainables.techniques.registry`; every value that could be
drawn is checked against it, so that no trial can be proposed that its technique would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from orchestrator.search_space.distributions import Distribution, Fault, as_text, parse
from orchestrator.search_space.parameter_values import judge
from orchestrator.search_space.problems import MOST_PROBLEMS, show, unknown
from trainables.contract.configuration import Scalar
from trainables.techniques.parameter import Parameter
from trainables.techniques.registry import TECHNIQUES, TRAINED

MOST_EXAMPLES = 1_000_000_000
"""Rows of a data set, or training examples of a trial: 10,000 passes over 100,000 rows."""

DATA_SIZE = Parameter(
    "data_size", int, 1000, "Distinct training rows.", minimum=1, maximum=MOST_EXAMPLES
)
EPOCHS = Parameter(
    "epochs",
    float,
    None,
    "Passes over the point's rows, instead of the file's budget.",
    minimum=0,
    maximum=10_000,
    exclusive_minimum=True,
)


def fail(faults: Iterable[Fault], value: Any) -> None:
    """Raises pydantic's error with one entry a fault, each at its own place.

    Raises:
        ValidationError: There is at least one fault.
    """
    details = [
        InitErrorDetails(
            type=PydanticCustomError("problem", "{message}", {"message": message}),
            loc=location,
            input=value,
        )
        for location, message in faults
    ]
    if details:
        raise ValidationError.from_exception_data("search space", details)


def _parse_techniques(value: Any) -> dict[str, dict[str, Distribution | Scalar]]:
    """Parses the branches; techniques and parameters come out in their canonical order."""
    if not isinstance(value, dict) or not value:
        rule = f"must be a group with at least one technique of {', '.join(TRAINED)}"
        fail([((), f"is {show(value)}, but {rule}")], value)
    faults: list[Fault] = []
    branches: dict[str, dict[str, Distribution | Scalar]] = {}
    for technique, parameters in value.items():
        if technique not in TECHNIQUES:
            faults.append(((technique,), unknown("technique", technique, TRAINED)))
        elif not TECHNIQUES[technique].trains:
            message = "has nothing to search; write `baseline: true`, or a point of its own"
            faults.append(((technique,), message))
        elif parameters is not None and not isinstance(parameters, dict):
            message = f"is {show(parameters)}, but must be a group of parameters"
            faults.append(((technique,), message))
        else:
            branches[technique] = _parse_branch(technique, parameters or {}, faults)
    fail(faults, value)
    return {name: branches[name] for name in TRAINED if name in branches}


def _parse_branch(
    technique: str, given: Mapping[str, Any], faults: list[Fault]
) -> dict[str, Distribution | Scalar]:
    known = TECHNIQUES[technique].parameters
    branch: dict[str, Distribution | Scalar] = {}
    for name, value in given.items():
        if name not in known:
            faults.append(((technique, name), _unknown_parameter(technique, name)))
            continue
        branch[name], found = parse(value, known[name])
        faults.extend(((technique, name, *location), message) for location, message in found)
    return {name: branch[name] for name in known if name in branch}


def _unknown_parameter(technique: str, name: str) -> str:
    """Says that a technique has no use for a parameter, and which techniques do."""
    known = TECHNIQUES[technique].parameters
    if name in ("data_size", "epochs"):
        where = "stands beside technique, not in it" if name == "data_size" else "belongs in points"
        return f"unknown parameter: {name} {where}"
    if not known:
        return f"unknown parameter: {technique} does not train and takes none; remove {name}"
    users = [other for other in TRAINED if name in TECHNIQUES[other].parameters]
    if users:
        return (
            f"{technique} has no use for {name}, which belongs to {', '.join(users)}; "
            f"{technique} takes {', '.join(known)}"
        )
    return f"{unknown('parameter', name, list(known))}"


def _parse_data_size(value: Any) -> Distribution | Scalar:
    size, faults = parse(value, DATA_SIZE)
    fail(faults, value)
    return size


def _parse_points(value: Any) -> tuple[dict[str, Scalar], ...]:
    if not isinstance(value, list | tuple):
        fail([((), f"is {show(value)}, but must be a list of configurations")], value)
    faults: list[Fault] = []
    points: list[dict[str, Scalar]] = []
    for index, given in enumerate(value):
        points.append(_parse_point(index, given, faults))
        if len(faults) >= MOST_PROBLEMS:
            break
    fail(faults, value)
    return tuple(points)


def _parse_point(index: int, given: Any, faults: list[Fault]) -> dict[str, Scalar]:
    if not isinstance(given, dict):
        faults.append(
            ((index,), f"is {show(given)}, but must be a group: technique, data_size, ...")
        )
        return {}
    technique = given.get("technique")
    if technique is None:
        message = f"has no technique; give one of {', '.join(TECHNIQUES)}"
        faults.append(((index,), message))
        return {}
    if not isinstance(technique, str):
        rule = f"must be one of {', '.join(TECHNIQUES)}; parameters stand beside technique"
        faults.append(((index, "technique"), f"is {show(technique)}, but {rule}"))
        return {}
    if technique not in TECHNIQUES:
        faults.append(((index, "technique"), unknown("technique", technique, [*TECHNIQUES])))
        return {}
    known = dict(TECHNIQUES[technique].parameters)
    if TECHNIQUES[technique].trains:
        known = {"data_size": DATA_SIZE, "epochs": EPOCHS} | known
        if given.get("data_size") is None:
            faults.append(((index,), "has no data_size; give its number of training rows"))
    point: dict[str, Scalar] = {"technique": technique}
    for name, value in given.items():
        if name == "technique":
            continue
        if name not in known:
            faults.append(((index, name), _unknown_key(technique, name)))
        elif isinstance(value, dict | list):
            single = f"give a single value{as_text(value, known[name])}"
            message = f"is {show(value)}, but a point is fixed: {single}"
            faults.append(((index, name), message))
        elif name in ("data_size", "epochs") and value is None:
            continue
        else:
            point[name], problem = judge(value, known[name])
            if problem:
                faults.append(((index, name), problem))
    order = ("technique", *known)
    return {name: point[name] for name in order if name in point}


def _unknown_key(technique: str, name: str) -> str:
    if not TECHNIQUES[technique].trains:
        return f"{technique} does not train and has no use for {name}; remove it"
    if any(name in each.parameters for each in TECHNIQUES.values()):
        return _unknown_parameter(technique, name)
    keys = ["technique", "data_size", "epochs", *TECHNIQUES[technique].parameters]
    return unknown("key", name, keys)


class Space(BaseModel):
    """What the search may choose from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    technique: Annotated[
        dict[str, dict[str, Distribution | Scalar]],
        BeforeValidator(_parse_techniques),
        WithJsonSchema({"type": "object"}),
        Field(
            description="A conditional choice: each technique has its own parameters. A parameter "
            "that is not given has the technique's default.",
            examples=["{lora: {rank: {choice: [4, 8]}}}"],
        ),
    ]
    data_size: Annotated[
        Distribution | Scalar,
        BeforeValidator(_parse_data_size),
        WithJsonSchema({}),
        Field(
            description="Number of distinct training rows; the budget in examples stays the same.",
            examples=["{choice: [1000, 5000]}"],
        ),
    ]


Points = Annotated[
    tuple[dict[str, Scalar], ...],
    BeforeValidator(_parse_points),
    WithJsonSchema({"type": "array"}),
]
