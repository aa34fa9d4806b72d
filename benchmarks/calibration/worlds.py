"""Worlds in which the truth is known: what a configuration scores, and how far luck moves it.

Three ranks by two data sizes are asked about, and a learning rate is tuned over two decades. The
noise is that of real sweeps of the built-in model: a seed moves a configuration's ROUGE-L by 0.018
and its execution accuracy by 0.048, a row's difficulty has a standard deviation of 0.14, what one
run makes of a row 0.17, before scores are cut to 0..1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Array: TypeAlias = NDArray[np.float64]

RANKS = (4, 16, 64)
SIZES = (1000, 20000)
STRATA = tuple({"rank": rank, "data_size": size} for rank in RANKS for size in SIZES)
LOW, HIGH = 1e-4, 1e-2
DIFFICULTY, OWN = 0.14, 0.17
_VALIDATION_ROWS = 100
_OPTIMUM = 0.1
_FALLS, _RISES = 0.35, 0.15
_PLACES = 801
_MEASURED = (-2.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 2.0)
_LOST = (
    (0.90, 0.13, 0.06, 0.020, 0.0, 0.015, 0.03, 0.25, 0.70),
    (0.90, 0.18, 0.08, 0.015, 0.0, 0.080, 0.45, 0.70, 0.80),
    (0.40, 0.05, 0.03, 0.015, 0.0, 0.100, 0.45, 0.75, 0.80),
)
"""What ROUGE-L loses so many decades from the best rate, by rank: 1, 4 and 16 of the built-in model
(8 rates, 2 data sizes, 2,400 examples, 26 November 2026), rounded; the ends are made up."""


@dataclass(frozen=True)
class World:
    """What is true.

    Attributes:
        name: As the table has it.
        effect: What rank 64 adds to the score of rank 4, each at its best rate.
        curve: How the score falls away from the best rate: "none", "parabola", "slope", "cliff",
            "measured", or a parabola that is "steeper" or "flatter" the greater the rank.
        moves: Whether the best rate falls with rank and rises with data size.
        rates: How many rates are tried in each of the six combinations.
        between_seeds: Standard deviation of a configuration's true mean between its runs.
        binary: Whether a row's score is 0 or 1.
        level: The score of the middle rank at its best rate.
    """

    name: str
    effect: float = 0.0
    curve: str = "parabola"
    moves: bool = False
    rates: int = 6
    between_seeds: float = 0.018
    binary: bool = False
    level: float = 0.6

    def meant(self, stratum: int, place: Array | float) -> Array:
        """Returns what a configuration is meant to score, before rows are cut to 0..1.

        Args:
            stratum: Which of `STRATA`.
            place: Of its rate in the range, from -1 to 1.
        """
        rank, size = divmod(stratum, len(SIZES))
        x, z = rank - 1.0, 2.0 * size - 1.0
        away = np.asarray(place, dtype=float) - _OPTIMUM
        if self.moves:
            away = away + _FALLS * x - _RISES * z
        if self.curve == "parabola":
            lost = 0.15 * away**2
        elif self.curve == "slope":
            lost = np.where(away < 0, -0.1, 0.05) * away
        elif self.curve == "cliff":
            lost = np.where(away > 0.35, 0.4, 0.1 * away**2)
        elif self.curve == "measured":
            lost = np.interp(away, _MEASURED, _LOST[rank])
        elif self.curve in ("steeper", "flatter"):
            steepness = (0.1, 0.2, 0.3) if self.curve == "steeper" else (0.5, 0.3, 0.1)
            lost = steepness[rank] * away**2
        else:
            lost = 0.0 * away
        found: Array = self.level + self.effect * x / 2 - lost
        return found

    def expected(self, meant: Array | float) -> Array:
        """Returns the true score over seeds and rows of what is meant to score so much."""
        m = np.asarray(meant, dtype=float)
        if self.binary:
            found: Array = special.ndtr(self._latent(m) / math.hypot(1.0, self._of_seeds))
            return found
        spread = math.hypot(DIFFICULTY, OWN, self.between_seeds)
        a, b = -m / spread, (1 - m) / spread
        inside = special.ndtr(b) - special.ndtr(a)
        slope = stats.norm.pdf(a) - stats.norm.pdf(b)
        cut: Array = spread * slope + m * inside + special.ndtr(-b)
        return cut

    def best(self, stratum: int) -> float:
        """Returns the true score of a combination at its best rate."""
        places = np.linspace(-1.0, 1.0, _PLACES)
        return float(self.expected(self.meant(stratum, places).max()))

    def tuned(self, random: np.random.Generator, stratum: int, place: float) -> float:
        """Returns what one run of the search came to, on the validation rows."""
        noise = math.hypot(self.between_seeds, OWN / math.sqrt(_VALIDATION_ROWS))
        return float(self.meant(stratum, place) + random.normal(0.0, noise))

    def run(self, random: np.random.Generator, meant: float, difficulty: Array) -> Array:
        """Returns the scores of one confirming run, shape [rows].

        Args:
            random: Draws the seed's luck and the run's own.
            meant: What its configuration is meant to score.
            difficulty: Of each row, standard normal, shared by all runs.
        """
        own = random.normal(0.0, 1.0, len(difficulty))
        if self.binary:
            luck = random.normal(0.0, self._of_seeds)
            right = self._latent(np.asarray(meant)) + luck + (difficulty + own) / math.sqrt(2) > 0
            return np.asarray(right, dtype=float)
        luck = random.normal(0.0, self.between_seeds)
        return np.clip(meant + luck + DIFFICULTY * difficulty + OWN * own, 0.0, 1.0)

    def _latent(self, share: Array) -> Array:
        found: Array = special.ndtri(np.clip(share, 1e-6, 1 - 1e-6))
        return found

    @property
    def _of_seeds(self) -> float:
        """What moves a share of `level` by `between_seeds`, on the scale of the normal."""
        return self.between_seeds / float(stats.norm.pdf(special.ndtri(self.level)))


WORLDS = (
    World("all equal", curve="none"),
    World("only the rate matters"),
    World("the rate moves with rank", moves=True),
    World("+0.05 from rank 4 to 64", effect=0.05),
    World("+0.05, the rate moves", effect=0.05, moves=True),
    World("+0.10, the rate moves", effect=0.10, moves=True),
    World("sloped", curve="slope", moves=True),
    World("cliff", curve="cliff", moves=True),
    World("+0.05, cliff", effect=0.05, curve="cliff", moves=True),
    World("1 rate", rates=1, moves=True),
    World("3 rates", rates=3, moves=True),
    World("+0.05, 3 rates", effect=0.05, rates=3, moves=True),
    World("seeds 0.048", between_seeds=0.048, moves=True),
    World("+0.05, seeds 0.048", effect=0.05, between_seeds=0.048, moves=True),
    World("binary, 0.5", between_seeds=0.048, binary=True, level=0.5, moves=True),
    World("+0.05, binary, 0.5", 0.05, between_seeds=0.048, binary=True, level=0.5, moves=True),
    World("all equal, binary, 0.98", curve="none", between_seeds=0.01, binary=True, level=0.98),
    World("measured curves", curve="measured", moves=True),
    World("+0.05, measured curves", effect=0.05, curve="measured", moves=True),
    World("measured, seeds 0.005", curve="measured", between_seeds=0.005, moves=True),
    World("steeper with rank", curve="steeper", moves=True),
    World("flatter with rank", curve="flatter", moves=True),
)
