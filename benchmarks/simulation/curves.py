"""What simulated trials do: which values they report, and after how many seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.search.proposals import Proposal


@dataclass(frozen=True)
class Curve:
    """What a simulated trial does.

    Attributes:
        seconds: How long it takes to each report.
        values: The objective of each report; NaN diverges there.
        error: How it ends after these reports instead of going on, e.g. "failed"; None if it runs
            to its last rung. A lack of memory or a death is tried again by a further pass of
            `orchestrator.sweep.cli`, which one simulation is not.
    """

    seconds: Sequence[float]
    values: Sequence[float]
    error: str | None = None


Learner = Callable[[Proposal, Sequence[int]], Curve]
"""Gives the curve of a trial with these rungs (in examples); one value a rung unless it fails."""


def synthetic(proposal: Proposal, rungs: Sequence[int]) -> Curve:
    """Returns a rising curve: better near a learning rate of its technique's, with seeded noise."""
    configuration = proposal.configuration
    rate = float(configuration.get("learning_rate", 1e-5) or 1e-5)
    seed = [sum(map(ord, str(configuration["technique"]))), int(1e9 * rate), proposal.replicate]
    chance = np.random.default_rng(seed)
    best = 0.9 * float(np.exp(-((np.log10(rate) + 2.5) ** 2))) + 0.03 * chance.normal()
    parts = [examples / max(rungs[-1], 1) for examples in rungs]
    slowness = float(chance.uniform(0.8, 1.2))
    return Curve(
        seconds=[600 * slowness * each for each in np.diff([0.0, *parts])],
        values=[best * part**0.3 + 0.01 * float(chance.normal()) for part in parts],
    )
