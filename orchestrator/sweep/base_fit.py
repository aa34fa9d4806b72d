"""Checks that what a sweep asks for fits its base model, before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.errors import UserError
from orchestrator.search_space import Sweep
from orchestrator.search_space.distributions import Distribution, extremes, finite_values
from orchestrator.sweep.rows import any_trial, ask
from trainables.base_models.availability import is_here
from trainables.base_models.description import describe
from trainables.contract.configuration import BUILT_IN_MODELS, Scalar
from trainables.families.fit import Lengths, absent_layers, too_long
from trainables.techniques.registry import TECHNIQUES

BASE_CHECK = "trainables.base_check"
_LAYERS = "target_modules"
_VIRTUAL = "virtual_tokens"


@dataclass(frozen=True)
class _Given:
    """What one place of a file says of a technique's parameters.

    Attributes:
        place: Its keys, joined by dots.
        technique: Name of the technique.
        values: The parameters that it gives.
    """

    place: str
    technique: str
    values: dict[str, Distribution | Scalar]

    def of(self, name: str) -> Distribution | Scalar:
        """Returns what a parameter may be: its default where the place says nothing."""
        return self.values.get(name, TECHNIQUES[self.technique].parameters[name].default)


def check_fit(sweep: Sweep) -> None:
    """Refuses lengths beyond the base model's positions, and layers that it does not have.

    Args:
        sweep: The resolved search space file. Where the base model's config.json is not on this
            machine yet, its trials check the same.

    Raises:
        UserError: Naming all that does not fit.
    """
    config = describe(sweep.base_model, sweep.base_model_revision)
    if config is None:
        return
    problems = []
    for virtual in sorted({0, *_most_virtual_tokens(sweep)}, reverse=True):
        lengths = Lengths(
            sweep.lengths.source,
            sweep.lengths.target,
            sweep.evaluation.protocol != "standard",
            virtual,
        )
        problems += list(too_long(lengths, config, sweep.base_model))
        if problems:
            break  # what fits without a prefix is no remedy for one
    for given in _given(sweep):
        if _LAYERS in TECHNIQUES[given.technique].parameters:
            values = [str(value) for value in finite_values(given.of(_LAYERS)) or ()]
            found = absent_layers(values, config, sweep.base_model)
            problems += [f"{given.place}.{problem}" for problem in found]
    if problems:
        raise UserError("\n".join(problems))


def check_loads(sweep: Sweep) -> None:
    """Refuses a base model that cannot be loaded; a process of its own tries, for some seconds.

    One that is built in will do; one of the hub's that is not here yet is checked by its trials.

    Args:
        sweep: The resolved search space file; it has passed `check_fit`.

    Raises:
        UserError: Says why.
    """
    base = sweep.base_model, sweep.base_model_revision
    if sweep.base_model not in BUILT_IN_MODELS and is_here(*base):
        ask(any_trial(sweep, 0), module=BASE_CHECK)


def _most_virtual_tokens(sweep: Sweep) -> Iterator[int]:
    """Yields the longest prefix of each place that may have one."""
    for given in _given(sweep):
        if _VIRTUAL in TECHNIQUES[given.technique].parameters:
            bounds = extremes(given.of(_VIRTUAL))
            if bounds is not None:
                yield int(bounds[1])


def _given(sweep: Sweep) -> Iterator[_Given]:
    branches = {} if sweep.space is None else sweep.space.technique
    for technique, values in branches.items():
        yield _Given(f"space.technique.{technique}", technique, dict(values))
    for index, point in enumerate(sweep.points):
        yield _Given(f"points.{index}", str(point["technique"]), dict(point))
