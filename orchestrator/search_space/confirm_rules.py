"""Rules for what is confirmed: room for its runs, and rates around what is chosen.

Functions as in `orchestrator.search_space.checks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.search_space.checks import Valid
from orchestrator.search_space.distributions import (
    Distribution,
    Fault,
    LogUniform,
    Uniform,
    finite_values,
)
from orchestrator.search_space.space import Space
from trainables.contract.configuration import Scalar

RATE = "learning_rate"

MOST_AROUND = 8
LEAST_DECADES, MOST_DECADES = 0.05, 2.0


def seeds_around(seeds: int) -> int:
    """Returns under how many seeds each of the rates around a chosen one is trained."""
    return max(1, seeds // 2)


def around(value: Sequence[float]) -> list[Fault]:
    """Rates around a chosen one are few, apart from it and from each other, and not far."""
    if len(value) > MOST_AROUND:
        return [((), f"has {len(value)} rates, but must have at most {MOST_AROUND}")]
    for index, each in enumerate(value):
        if not LEAST_DECADES <= abs(each) <= MOST_DECADES:
            rule = f"must be from {LEAST_DECADES} to {MOST_DECADES:g} decades, up or down"
            return [((index,), f"is {each:g}, but {rule}")]
        if each in value[:index]:
            return [((index,), f"is {each:g}, which is there already; each is given once")]
    return []


def confirming_runs(value: int, valid: Valid) -> list[Fault]:
    """There is room for all runs of one configuration."""
    seeds, beside = valid.get("seeds"), valid.get("around")
    if seeds is None or beside is None:
        return []
    each = seeds + len(beside) * seeds_around(seeds)
    if value >= each:
        return []
    if not beside:
        rule = f"must hold the {seeds:,} seeds of one configuration"
    else:
        rule = f"must hold the {each:,} runs of one configuration and of those around it"
    return [((), f"is {value:,}, but {rule}; take a multiple of {each:,}")]


def confirm(value: Any, valid: Valid) -> list[Fault]:
    """Only what was searched is confirmed: nothing is chosen among points alone."""
    if value is None or "space" not in valid:
        return []
    if valid["space"] is None:
        remedy = "nothing is chosen among points; use replicates for more seeds, and remove confirm"
        return [((), f"is given, but there is no space that is searched: {remedy}")]
    if not value.around or "ask" not in valid:
        return []
    reason = _no_best_rate(valid["space"], valid["ask"])
    return [(("around",), f"is given, but {reason}; or remove it")] if reason else []


def _no_best_rate(space: Space, ask: Sequence[str]) -> str | None:
    """Returns why rates around the chosen ones would not tell what a value scores at its best."""
    if not ask:
        return "nothing is asked about: name parameters in ask"
    for technique, branch in space.technique.items():
        if searched_rates(branch.get(RATE)) is None:
            return (
                f"{technique} has no learning_rate that is searched over a range above 0: give it"
                " a loguniform"
            )
        for name, axis in {**branch, "data_size": space.data_size}.items():
            if name not in (RATE, *ask) and len(finite_values(axis) or (0, 0)) > 1:
                return f"{name} of {technique} is tuned as well: ask about it, or give it one value"
    return None


def searched_rates(rate: Distribution | Scalar) -> tuple[float, float] | None:
    """Returns the range that a learning rate is searched over, if it is one above 0."""
    match rate:
        case LogUniform(loguniform=(low, high)) | Uniform(uniform=(low, high)) if 0 < low < high:
            return low, high
        case _:
            return None
