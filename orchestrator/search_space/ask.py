"""What a sweep may ask about: parameters of its space with few values, and more than one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from orchestrator.search_space.distributions import Choice, Distribution, Fault
from orchestrator.search_space.problems import show, unknown
from orchestrator.search_space.space import Space
from orchestrator.search_space.strata import asked_values
from trainables.techniques.registry import TECHNIQUES

MOST_STRATA = 1_000
"""Combinations of the values that are asked about; each is tuned by itself."""


def ask(value: tuple[Any, ...], valid: Mapping[str, Any]) -> list[Fault]:
    """Says what is wrong with `ask`, in the space that was found valid before."""
    if not value or "space" not in valid:
        return []
    space: Space | None = valid["space"]
    if space is None:
        remedy = "points are compared as they are; remove ask"
        return [((), f"is given, but there is no space whose values it could be about: {remedy}")]
    faults: list[Fault] = []
    for index, name in enumerate(value):
        problem = _problem(space, name, value[:index])
        if problem:
            faults.append(((index,), problem))
    if not faults and (count := _count(space, value)) > MOST_STRATA:
        rule = f"must be at most {MOST_STRATA:,}; ask about fewer values"
        faults.append(((), f"divides the space into {count:,} strata, but there {rule}"))
    return faults


def _problem(space: Space, name: Any, before: tuple[Any, ...]) -> str | None:
    known = ["technique", "data_size"]
    for technique in space.technique:
        known += [each for each in TECHNIQUES[technique].parameters if each not in known]
    if not isinstance(name, str):
        return f"is {show(name)}, but must be the name of a parameter of the space"
    if name not in known:
        return unknown("parameter", name, known)
    if name in before:
        return f"is {show(name)}, which is asked about already; remove one"
    for place, distribution in _distributions(space, name):
        if isinstance(distribution, Distribution) and not isinstance(distribution, Choice):
            return (
                f"is {show(name)}, but {place} is a range ({distribution}); list the values that"
                " are to be compared with choice, or leave it to be tuned"
            )
    values = {
        (*each,) if (each := asked_values(space, technique, name)) is not None else None
        for technique in space.technique
    }
    if len(values) == 1 and all(each is None or len(set(each)) == 1 for each in values):
        return f"is {show(name)}, which has a single value in this space; ask about what varies"
    return None


def _distributions(space: Space, name: str) -> list[tuple[str, Any]]:
    """Returns each place of the file that says what values a parameter has."""
    if name == "data_size":
        return [("space.data_size", space.data_size)]
    return [
        (f"space.technique.{technique}.{name}", branch[name])
        for technique, branch in space.technique.items()
        if name in branch
    ]


def _count(space: Space, names: tuple[str, ...]) -> int:
    return sum(
        math.prod(len(asked_values(space, technique, name) or (None,)) for name in names)
        for technique in space.technique
    )
