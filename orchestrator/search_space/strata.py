"""The strata of a sweep: the combinations of the values that its question is about (`ask`).

A parameter that is asked about divides the space by its values; what else is in the space is tuned
within each stratum, so that every value is judged at a setting that suits it. A parameter that only
some techniques have divides those only.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.search_space.distributions import Distribution, finite_values, plain
from orchestrator.search_space.membership import whole
from orchestrator.search_space.space import Space
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import TECHNIQUES

Values = tuple[tuple[str, Scalar], ...]
"""What is asked about, each with its value, in the order of `ask`."""


@dataclass(frozen=True)
class Stratum:
    """One combination of the values that are asked about.

    Attributes:
        values: The parameters that are asked about, each with its value; those that none of the
            techniques has are absent.
        techniques: What may be drawn in it, in the registry's order.
    """

    values: Values
    techniques: tuple[str, ...]

    @property
    def name(self) -> str:
        """The stratum as a person reads it, such as `rank=4, data_size=1000`."""
        if not self.values:
            return f"the rest ({', '.join(self.techniques)})"
        return stratum_name(self.values)

    def space(self, space: Space) -> Space:
        """Returns the part of a sweep's space that lies in the stratum."""
        fixed = dict(self.values)

        def narrowed(
            technique: str, branch: Mapping[str, Distribution | Scalar]
        ) -> dict[str, Distribution | Scalar]:
            known = TECHNIQUES[technique].parameters
            own = {name: value for name, value in fixed.items() if name in known}
            return {**branch, **own}

        return space.model_copy(
            update={
                "technique": {
                    technique: narrowed(technique, space.technique[technique])
                    for technique in self.techniques
                },
                "data_size": fixed.get("data_size", space.data_size),
            }
        )


def stratum_name(values: Values) -> str:
    """Returns values that are asked about as a person reads them."""
    return ", ".join(f"{name}={plain(value)}" for name, value in values)


def strata(space: Space, ask: Sequence[str]) -> tuple[Stratum, ...]:
    """Returns the strata, the ends of what is asked about first.

    An effect of a parameter is seen best between its ends, so that these come first where there is
    not room for all.

    Args:
        space: What may be drawn; each parameter that is asked about has finitely many values.
        ask: What is asked about.

    Returns:
        One for each combination that a technique of the space has; empty where nothing is asked.
    """
    techniques: dict[Values, list[str]] = {}
    if ask:
        for technique in space.technique:
            axes = [
                [(name, value) for value in values]
                for name in ask
                if (values := asked_values(space, technique, name))
            ]
            for combination in itertools.product(*axes):
                techniques.setdefault(combination, []).append(technique)
    found = [Stratum(values, tuple(names)) for values, names in techniques.items()]
    centrality = _Centrality(found)
    return tuple(sorted(found, key=centrality))


def stratum_of(
    space: Space, ask: Sequence[str], configuration: Mapping[str, Scalar]
) -> Values | None:
    """Returns a configuration's values of the asked parameters; None if nothing is asked.

    Args:
        space: Of the sweep.
        ask: What is asked about.
        configuration: What the search proposed.
    """
    if not ask:
        return None
    beside, parameters = whole(configuration)
    values = beside | parameters
    technique = str(configuration["technique"])
    return tuple(
        (name, values[name]) for name in ask if asked_values(space, technique, name) is not None
    )


def asked_values(space: Space, technique: str, name: str) -> list[Scalar] | None:
    """Returns the values of a parameter in a technique; None where it has none, or endlessly many.

    Args:
        space: What may be drawn.
        technique: One of the space's.
        name: `technique`, `data_size` or a parameter.
    """
    if name == "technique":
        return [technique]
    if name == "data_size":
        return finite_values(space.data_size)
    branch, known = space.technique[technique], TECHNIQUES[technique].parameters
    if name in branch:
        return finite_values(branch[name])
    default = known[name].default if name in known else None
    return None if default is None else [default]


class _Centrality:
    """How far a stratum lies from the ends of the values: 0 for a corner."""

    def __init__(self, found: Sequence[Stratum]) -> None:
        self._values: dict[str, list[Scalar]] = {}
        for stratum in found:
            for name, value in stratum.values:
                known = self._values.setdefault(name, [])
                if value not in known:
                    known.append(value)
        for known in self._values.values():
            if all(isinstance(value, int | float) for value in known):
                known.sort(key=lambda value: float(value or 0))

    def __call__(self, stratum: Stratum) -> float:
        total = 0.0
        for name, value in stratum.values:
            known = self._values[name]
            # Categories have no ends: none is more central than another.
            if len(known) > 1 and isinstance(value, int | float):
                place = known.index(value) / (len(known) - 1)
                total += 1 - abs(2 * place - 1)
        return total
