"""Rules that concern several keys of a search space file.

Each function takes a key's value and the keys that were found valid before it, and returns what is
wrong, placed relative to that key. A rule whose other keys are themselves wrong says nothing.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, Context
from typing import Any

from orchestrator.search_space.distributions import Fault, count_values, extremes, finite_values
from orchestrator.search_space.membership import inside, whole
from orchestrator.search_space.problems import show, unknown
from orchestrator.search_space.space import MOST_EXAMPLES, Space
from orchestrator.search_space.value_types import AUTO
from trainables.contract.addresses import scheme_of
from trainables.contract.configuration import BUILT_IN_MODELS, EMBEDDED, Scalar
from trainables.contract.scores import METRICS
from trainables.techniques.registry import BASELINE, TECHNIQUES, is_untuned

LARGEST_GRID = 10_000
"""Configurations. A grid is laid out whole before it runs."""

MOST_TRIALS = 10_000
"""Configurations that a search proposes: TPE's models take in every one before."""

MOST_RUNS = 100_000
"""Trials of a sweep, which is numbered whole, in memory, before it starts."""

LONGEST_PART = 255
"""Bytes between two slashes; no common file system takes more."""

LEAST_SHARE = 0.01
"""Of a device. Ray divides devices no finer than into 10,000 parts."""

Valid = Mapping[str, Any]
"""The keys that were validated before, by name; one that is wrong is absent."""


def at_least(value: float, digits: int = 2) -> str:
    """Returns a number in few digits and rounded up, so that a rule accepts what it advises."""
    return f"{Context(prec=digits, rounding=ROUND_CEILING).create_decimal(repr(value)):f}"


def metric(name: str) -> list[Fault]:
    """An objective is one of the figures that every report has."""
    return [] if name in METRICS else [((), unknown("metric", name, list(METRICS)))]


def mode(given: str | None, metric: str | None) -> list[Fault]:
    """The mode follows from the metric and may only repeat it."""
    if given is None or metric is None or METRICS[metric].mode == given:
        return []
    right = METRICS[metric].mode
    better = "more" if right == "max" else "less"
    return [((), f"is {given}, but {better} {metric} is better: write {right}, or nothing")]


def accelerators(value: float) -> list[Fault]:
    """A device is shared in any fraction, but a group of workers has whole devices."""
    if 0 < value < LEAST_SHARE:
        return [((), f"is {value:g}, but must be at least {LEAST_SHARE:g}")]
    if value <= 1 or value.is_integer():
        return []
    rule = "must be at most 1, or a whole number"
    return [((), f"is {value:g}, but {rule}: {math.floor(value)} or {math.ceil(value)}")]


def pack(value: int | str, valid: Valid) -> list[Fault]:
    """A pack is on one device, and a group of workers on several."""
    accelerators = valid.get("accelerators", 1.0)
    if value in (1, AUTO) or accelerators <= 1:
        return []
    rule = f"must be 1 with resources.accelerators {accelerators:g}: a pack has one device"
    return [((), f"is {value}, but {rule}")]


def points(value: tuple[dict[str, Scalar], ...], valid: Valid) -> list[Fault]:
    """There is something to run, and nothing runs twice."""
    faults: list[Fault] = []
    if not value and "space" in valid and valid["space"] is None:
        if not valid.get("baseline", True):
            faults.append(((), "there is nothing to run: give a space to search, points, or both"))
        return faults
    if valid.get("baseline"):
        faults.extend(
            ((index,), "is the untuned model, which `baseline: true` runs already; remove one")
            for index, point in enumerate(value)
            if point["technique"] == BASELINE.name
        )
    seen: dict[object, int] = {}
    for index, point in enumerate(value):
        first = seen.setdefault(tuple(tuple(part.items()) for part in whole(point)), index)
        if first < index:
            message = f"is the same as point {first}; for more seeds use replicates"
            faults.append(((index,), message))
        faults.extend(((index, *at), message) for at, message in _own_budget(point))
    return faults


def _own_budget(point: Mapping[str, Scalar]) -> list[Fault]:
    """Says whether a point's epochs of its rows make a budget that a trial can have."""
    epochs, rows = point.get("epochs"), point.get("data_size")
    if not isinstance(epochs, int | float) or not isinstance(rows, int):
        return []
    examples = epochs * rows
    batch = largest(None, (dict(point),), "batch_size")
    made = f"is {epochs:g}, which is {examples:,.12g} examples,"
    if round(examples) < batch:
        rule = f"must hold one optimiser step: batch_size is {batch}"
        return [(("epochs",), f"{made} but {rule}; take at least {at_least(batch / rows)}")]
    if examples > MOST_EXAMPLES:
        return [(("epochs",), f"{made} but must make at most {MOST_EXAMPLES:,}; lower it")]
    return []


def search(value: Any, valid: Valid) -> list[Fault]:
    """A grid is laid out over finitely many configurations."""
    space = valid.get("space")
    if value.method != "grid" or space is None:
        return []
    parameters = {("data_size",): space.data_size} | {
        ("technique", technique, name): distribution
        for technique, branch in space.technique.items()
        for name, distribution in branch.items()
    }
    endless = [".".join(path) for path, d in parameters.items() if count_values(d) is None]
    if endless:
        named = ", ".join(f"space.{path}" for path in endless)
        remedy = "list values with choice or quniform, or use tpe or random"
        return [(("method",), f"is grid, but {named} has endlessly many values; {remedy}")]
    size = grid_size(space)
    if size is not None and size > LARGEST_GRID:
        remedy = f"must have at most {LARGEST_GRID:,}; use tpe or random"
        return [(("method",), f"is grid, but the space has {size:,} configurations and {remedy}")]
    return []


def grid_size(space: Space) -> int | None:
    """Returns how many configurations a space has; None if endlessly many."""
    sizes = count_values(space.data_size)
    if sizes is None:
        return None
    total = 0
    for branch in space.technique.values():
        product = 1
        for distribution in branch.values():
            count = count_values(distribution)
            if count is None:
                return None
            product *= count
        total += product
    return total * sizes


def trials(value: int, valid: Valid) -> list[Fault]:
    """A search is told how long to go on; without a space there is no search."""
    if value < 0:
        return [((), f"is {value}, but must be >= 1")]
    if value > MOST_TRIALS:
        rule = f"must be <= {MOST_TRIALS:,}; narrow the space instead"
        return [((), f"is {show(value)}, but {rule}")]
    if "search" not in valid:
        return []
    if "space" in valid and valid["space"] is None:
        if value == 0:
            return []
        return [((), f"is {value}, but there is no space to search; add one or remove trials")]
    if value == 0 and valid["search"].method != "grid":
        return [((), f"is missing or 0; {_how_many(valid.get('space'))}")]
    return []


def replicates(value: int, valid: Valid) -> list[Fault]:
    """A sweep has no more trials than it can keep track of."""
    if "points" not in valid or "trials" not in valid:
        return []
    configurations = len(valid["points"]) + valid["trials"]
    if value * configurations <= MOST_RUNS:
        return []
    runs = f"{value} x {configurations:,} configurations are {value * configurations:,} trials"
    return [((), f"is {value}, but {runs} and must be at most {MOST_RUNS:,}; lower one of the two")]


def _as_point(space: Space) -> str:
    """Returns a space of a single configuration as the points of a file."""
    ((technique, branch),) = space.technique.items()
    values = {
        name: next(iter(finite_values(distribution) or ()), None)
        for name, distribution in ({"data_size": space.data_size} | branch).items()
    }
    listed = ", ".join(f"{name}: {show(value)}" for name, value in values.items())
    return f"points: [{{technique: {technique}, {listed}}}]"


def _how_many(space: Space | None) -> str:
    """Says what to write for the number of configurations that a space suggests."""
    size = None if space is None else grid_size(space)
    if size is None:
        return "say how many configurations to try, such as `trials: 32`"
    if space is not None and size == 1:
        return (
            f"the space has a single configuration: write `{_as_point(space)}` instead of it, or"
            " `trials: 1`"
        )
    return (
        f"the space has {size:,} configurations: write `search: {{method: grid}}` to try each once,"
        f" or how many to try, such as `trials: {min(size, 32)}`"
    )


def resolved_trials(value: int, valid: Valid) -> int:
    """Returns how many configurations the search proposes.

    None is proposed twice, so there are no more than the space has besides the points in it. For a
    grid, 0 means all of them.
    """
    space = valid.get("space")
    size = None if space is None else grid_size(space)
    if space is None or size is None:
        return value
    left = size - inside(space, valid.get("points", ()))
    return min(value or left, left)


def budget(value: Any, valid: Valid) -> list[Fault]:
    """Whatever trains has a budget of at least one optimiser step."""
    if "space" not in valid or "points" not in valid:
        return []
    without_epochs = any(
        not is_untuned(point) and "epochs" not in point for point in valid["points"]
    )
    if value is None:
        if valid["space"] is not None or without_epochs:
            return [
                ((), "is missing; say how long trials train, such as `budget: {examples: 6000}`")
            ]
        return []
    batch = largest(valid["space"], valid["points"], "batch_size")
    if value.examples < batch:
        rule = f"must hold one optimiser step: batch_size goes up to {batch}"
        return [(("examples",), f"is {value.examples}, but {rule}")]
    return []


def source(value: str | None) -> list[Fault]:
    """A path or an identifier can be seen whole, and a file system can hold it."""
    if value is None:
        return []
    if any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in value):
        return [((), f"is {show(value)}, but must not hold line breaks or control characters")]
    if (scheme := scheme_of(value)) is not None:
        rule = "must be a path or an identifier on the hub; copy it to a folder first"
        return [((), f"is {show(value)}, an address ({scheme}://), but {rule}")]
    if any(len(part.encode()) > LONGEST_PART for part in value.split("/")):
        return [((), f"is {show(value)}, but no part of a path has more than {LONGEST_PART} bytes")]
    return []


def base_model_revision(value: str | None, valid: Valid) -> list[Fault]:
    """Only what is on the hub has revisions."""
    return _revision(value, valid.get("base_model"))


def of_own_tables(value: object, valid: Valid) -> list[Fault]:
    """The built-in data set has its columns and schemas."""
    if value is None or valid.get("dataset") != EMBEDDED:
        return []
    return [
        ((), "is about tables of your own, but the dataset is embedded; give one, or remove it")
    ]


def databases(value: str | None, valid: Valid) -> list[Fault]:
    """Databases are those of own tables; a column that names them needs them."""
    columns = valid.get("columns")
    if value is None and columns is not None and columns.database is not None:
        rule = "columns.database names a column of them; give the SQLite files, or remove that"
        return [((), f"is missing, but {rule}")]
    return of_own_tables(value, valid)


def dataset_revision(value: str | None, valid: Valid) -> list[Fault]:
    """Only what is on the hub has revisions."""
    return _revision(value, valid.get("dataset"))


def _revision(value: str | None, name: str | None) -> list[Fault]:
    if value is not None and name in BUILT_IN_MODELS:
        return [((), f"is {show(value)}, but what is embedded has no revisions; remove it")]
    return []


def largest(space: Space | None, points: tuple[dict[str, Scalar], ...], name: str) -> int:
    """Returns the largest whole number that a parameter can take in any configuration."""
    return int(largest_value(space, points, name))


def largest_value(space: Space | None, points: tuple[dict[str, Scalar], ...], name: str) -> float:
    """Returns the largest value that a parameter can take, defaults included; 0 if none has it."""
    values: list[float] = []
    branches = [] if space is None else list(space.technique.items())
    for technique, branch in branches:
        known = TECHNIQUES[technique].parameters
        if name in known:
            bounds = extremes(branch.get(name, known[name].default))
            values.extend(bounds[1:] if bounds else ())
    for point in points:
        known = TECHNIQUES[str(point["technique"])].parameters
        value = point.get(name, known[name].default if name in known else None)
        if isinstance(value, int | float):
            values.append(value)
    return max(values, default=0)


BY_KEY: dict[str, Callable[[Any, Valid], list[Fault]]] = {
    "points": points,
    "search": search,
    "replicates": replicates,
    "budget": budget,
    "base_model_revision": base_model_revision,
    "dataset_revision": dataset_revision,
    "columns": of_own_tables,
    "databases": databases,
}
"""Key -> its rule, for the keys that need those before them and nothing else."""
