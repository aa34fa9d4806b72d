"""The learning rate that suits each combination best, where enough of them were trained in full.

Only completed trials count: the rate that is best early in training is another one than at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.confirmation.choice import Tuned, value_of
from orchestrator.search.proposals import phase
from orchestrator.search_space import Sweep
from orchestrator.search_space.confirm_rules import RATE, searched_rates
from orchestrator.search_space.distributions import (
    Choice,
    Distribution,
    finite_values,
)
from orchestrator.statistics import response_surface
from orchestrator.statistics.response_surface import (
    FEWEST_RATES,
    NoSurface,
    Surface,
    fit_surface,
)
from trainables.contract.configuration import Scalar


def surface(sweep: Sweep, candidates: Sequence[Tuned]) -> Surface | NoSurface:
    """Returns where the best rate of each stratum lies, or why that is not known.

    Args:
        sweep: The resolved search space file; it asks about something.
        candidates: What `choice.tuned` returned.
    """
    assert sweep.space is not None
    if len(sweep.space.technique) > 1:
        return NoSurface("several techniques are tuned, whose rates have ranges of their own")
    (branch,) = sweep.space.technique.values()
    bounds = searched_rates(branch.get(RATE))
    if bounds is None:
        return NoSurface("no learning rate is searched over a range above 0")
    others = _others(sweep, branch)
    if others is None:
        return NoSurface("numbers beside the learning rate are tuned over ranges")
    tried = []
    for each in candidates:
        value = value_of(sweep, each)
        values = sweep.stratum_of(each.configuration)
        if value is None or values is None or phase(sweep, each.proposal) != "tune":
            continue
        rate = each.configuration[RATE]
        assert isinstance(rate, int | float)
        own = {name: _known(each.configuration[name]) for name in others}
        stratum = {name: _known(value) for name, value in values}
        tried.append(response_surface.Tuned(stratum, float(rate), value, own))
    for combination in sweep.strata:
        own_rates = [each.rate for each in tried if each.stratum == dict(combination.values)]
        thin = response_surface.searched_thinly(own_rates, *bounds)
        if thin is not None:
            trials = FEWEST_RATES * len(sweep.strata)
            return NoSurface(
                f"of {combination.name} {thin}, each trained in full; {trials} trials without early"
                " stopping (`stopping: null`) would have them"
            )
    return fit_surface(tried, *bounds, mode=sweep.objective.mode or "max")


def _others(sweep: Sweep, branch: Mapping[str, Distribution | Scalar]) -> list[str] | None:
    """Returns what else is tuned, each a choice among few; None where one is not."""
    axes = {**branch, "data_size": sweep.space.data_size if sweep.space else None}
    tuned = [
        name
        for name, axis in axes.items()
        if name != RATE and name not in sweep.ask and len(finite_values(axis) or (0, 0)) > 1
    ]
    return tuned if all(isinstance(axes[name], Choice) for name in tuned) else None


def _known(value: Scalar) -> int | float | str | bool:
    assert value is not None
    return value
