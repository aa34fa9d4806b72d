"""Rules of `stopping`: where trials are compared, and that being stopped there saves something.

As in `orchestrator.search_space.checks`, faults are placed relative to the key.
"""

from __future__ import annotations

import math
from decimal import ROUND_FLOOR, Context
from typing import Any

from orchestrator.search_space.checks import Valid, at_least, largest, largest_value
from orchestrator.search_space.distributions import Fault
from trainables.techniques.registry import is_untuned

LEAST_SAVED = 0.05
"""Of the budget. A trial that is stopped later has cost a whole training, and its evaluation."""

MOST_RUNGS = 50
"""Rungs before the budget. Every one costs an evaluation and a checkpoint of every trial."""


def at_most(value: float) -> str:
    """Returns a number in two digits and rounded down, so that a rule accepts what it advises."""
    return f"{Context(prec=2, rounding=ROUND_FLOOR).create_decimal(repr(value)):f}"


def least_saved(budget: int, batch: int) -> float:
    """Returns how many examples must be left after a rung: `LEAST_SAVED`, and an optimiser step.

    Args:
        budget: Examples of a trial.
        batch: The largest batch size.
    """
    return max(LEAST_SAVED * budget, batch)


def reduction_factor(value: float, valid: Valid) -> list[Fault]:
    """Rungs lie so far apart that there are few of them."""
    first = valid.get("first_rung")
    if first is None:
        return []
    count = math.ceil(-math.log(first) / math.log(value))
    if count <= MOST_RUNGS:
        return []
    least = at_least(first ** (-1 / MOST_RUNGS), 3)
    rule = f"must make at most {MOST_RUNGS}; take at least {least}"
    return [((), f"is {value:.12g}, which makes {count:,} rungs from {first:g} on, but {rule}")]


def stopping(value: Any, valid: Valid) -> list[Fault]:
    """Trials compare at a rung only with the same budget, and if they have learnt by then."""
    if value is None or "points" not in valid or "space" not in valid:
        return []
    faults: list[Fault] = []
    for index, point in enumerate(valid["points"]):
        reason = (
            "has epochs of its own"
            if "epochs" in point
            else "is the untuned model"
            if is_untuned(point)
            else None
        )
        if reason:
            message = f"cannot be used, because point {index} {reason}; remove one of the two"
            faults.append(((), message))
    if valid.get("budget") is None:
        return faults
    warmup = largest_value(valid["space"], valid["points"], "warmup")
    budget = valid["budget"].examples
    first = round(value.first_rung * budget, 6)  # 0.29 of 100 is 29
    batch = largest(valid["space"], valid["points"], "batch_size")
    least, most = at_least(batch / budget), at_most(1 - least_saved(budget, batch) / budget)
    there_is_none = float(most) < max(float(least), 1.01 * warmup)
    neither = "raise the budget, or remove stopping"
    if first < batch:
        remedy = neither if there_is_none else f"take at least {least}"
        faults.append(
            (
                ("first_rung",),
                f"is {value.first_rung:g}, which is {first:g} examples, but must be at least one "
                f"optimiser step: batch_size goes up to {batch}; {remedy}",
            )
        )
    elif first > budget - least_saved(budget, batch):
        remedy = neither if there_is_none else f"take at most {most}"
        faults.append(
            (
                ("first_rung",),
                f"is {value.first_rung:.12g}, but a trial that ends there must save at least"
                f" {LEAST_SAVED:.0%} of the budget and one optimiser step; {remedy}",
            )
        )
    elif value.reduction_factor < 1 + batch / first:
        faults.append(
            (
                ("reduction_factor",),
                f"is {value.reduction_factor:g}, but rungs must lie at least one optimiser step "
                f"apart: batch_size goes up to {batch}, and the first rung is {first:g} examples; "
                f"take at least {at_least(1 + batch / first, 3)}",
            )
        )
    if value.first_rung <= warmup:
        faults.append(
            (
                ("first_rung",),
                f"is {value.first_rung:g}, but must lie past the warm-up, which takes up to "
                f"{warmup:g} of the budget; raise it or lower warmup",
            )
        )
    return faults
