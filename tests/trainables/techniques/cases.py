"""Small trials of every technique there is, for tests of what must hold for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trainables.contract.configuration import Scalar
from trainables.techniques.registry import TECHNIQUES, TRAINED

Given = dict[str, Scalar]

SMALL: tuple[Given, ...] = (
    {"rank": 4},
    {"rank": 2, "target_modules": "all"},
    {"virtual_tokens": 3},
    {"virtual_tokens": 3, "projection": True},
)


def cases(
    techniques: Iterable[str] = TRAINED, choices: Iterable[Mapping[str, Scalar]] = SMALL
) -> list[tuple[str, Given]]:
    """Returns techniques with parameters: those of the choices that it has, or its defaults."""
    found: list[tuple[str, Given]] = []
    for name in techniques:
        known = TECHNIQUES[name].parameters
        fitting = [dict(given) for given in choices if given.keys() <= known.keys()]
        found += [(name, given) for given in fitting or [{}]]
    return found


def having(parameter: str) -> list[str]:
    """Returns the techniques that have a parameter."""
    return [name for name, each in TECHNIQUES.items() if parameter in each.parameters]


def brisk_rate(technique: str, factor: float = 10) -> float:
    """Returns a learning rate that moves a tiny model in a few steps: so many times the default."""
    default = TECHNIQUES[technique].parameters["learning_rate"].default
    assert isinstance(default, float)
    return max(1e-2, factor * default)
