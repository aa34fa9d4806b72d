"""Learning curves of LoRA at any rate, from recorded ones, with fresh noise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.float64]"

RANKS = (2, 4, 8, 16)
LAYERS = ("q,v", "q,k,v,o")
RECORDED_RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
RATES = (RECORDED_RATES[0], RECORDED_RATES[-1])

SEED_SD = 0.018
"""Of ROUGE-L between two seeds of one configuration (measured on the built-in model)."""

ROW_SD = 0.017
"""Of the mean of ROUGE-L over 100 rows, beside what all trials share: 0.17 a row."""

LOSS_SEED_SD, LOSS_RUNG_SD = 0.05, 0.03
"""Of the logarithm of the validation loss: what a seed shifts all of a trial's rungs by, and each
of them. Assumed, as large as the differences between neighbouring rates allow."""

_FILE = Path(__file__).with_name("curves.json")


@dataclass(frozen=True)
class _Recorded:
    """The curves of one rank, layers and split of the rows.

    Attributes:
        rates: Logarithms of the learning rates, shape [rates].
        losses: Logarithms of the validation loss, shape [rates, fractions].
        scores: ROUGE-L, shape [rates, fractions].
    """

    rates: Array
    losses: Array
    scores: Array


@cache
def _recorded() -> tuple[Array, dict[tuple[int, int, str], _Recorded]]:
    read = json.loads(_FILE.read_text())
    members: dict[tuple[int, int, str], list[tuple[float, list[float], list[float]]]] = {}
    for each in read["curves"]:
        key = (each["data_seed"], each["rank"], each["target_modules"])
        curve = (each["learning_rate"], each["loss"], each["rouge_l"])
        members.setdefault(key, []).append(curve)
    found = {}
    for key, curves in members.items():
        rates, losses, scores = (np.array(part) for part in zip(*sorted(curves), strict=True))
        found[key] = _Recorded(np.log(rates), np.log(losses), scores)
    return np.array(read["fractions"]), found


class World:
    """One draw of everything that is chance: the rows, and the noise of each trial."""

    def __init__(self, seed: int) -> None:
        """Draws the rows; even seeds have one split of them, odd ones the other."""
        self._split = seed % 2
        self._seed = seed

    def truth(self, rank: int, layers: str, rate: float) -> float:
        """Returns the mean score of a configuration over all seeds, at its end."""
        return float(self._at(rank, layers, rate, [1.0])[1][0])

    def best_recorded(self) -> float:
        """Returns the mean score of the best recorded configuration."""
        return max(
            self.truth(rank, layers, rate)
            for rank in RANKS
            for layers in LAYERS
            for rate in RECORDED_RATES
        )

    def trial(
        self, number: int, rank: int, layers: str, rate: float, fractions: list[float]
    ) -> tuple[Array, Array]:
        """Returns what a trial measures: losses and scores, each of shape [fractions]."""
        losses, scores = self._at(rank, layers, rate, fractions)
        chance = np.random.default_rng([self._seed, number])
        shift = LOSS_SEED_SD * chance.normal()
        loss_noise = shift + LOSS_RUNG_SD * chance.normal(size=len(fractions))
        noise = SEED_SD * chance.normal() + ROW_SD * chance.normal(size=len(fractions))
        # Where nothing has been learnt, every seed scores next to nothing.
        noise *= np.clip(scores / 0.2, 0.0, 1.0)
        return losses * np.exp(loss_noise), np.clip(scores + noise, 0.0, 1.0)

    def _at(
        self, rank: int, layers: str, rate: float, fractions: list[float]
    ) -> tuple[Array, Array]:
        known, curves = _recorded()
        recorded = curves[self._split, rank, layers]
        parts = []
        for values in (recorded.losses, recorded.scores):
            of_rate = [np.interp(np.log(rate), recorded.rates, column) for column in values.T]
            parts.append(np.interp(fractions, known, of_rate))
        return np.exp(parts[0]), parts[1]
