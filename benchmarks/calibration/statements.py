"""What is stated from simulated sweeps, counted against what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from benchmarks.calibration.sweep import SimulatedSweep
from benchmarks.calibration.worlds import STRATA, Array
from orchestrator.statistics.asked import MissedOptima, against_best, answer_asked
from orchestrator.statistics.contrasts import score_interval

ASKED = ("rank", "data_size")
_NOTHING = 1e-9


@dataclass(frozen=True)
class Stated:
    """An interval with what it is about.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        true: The true value.
        claims: Whether a difference is claimed.
    """

    low: float
    high: float
    true: float
    claims: bool

    @property
    def covers(self) -> bool:
        """Whether the interval holds the true value."""
        return self.low <= self.true <= self.high

    @property
    def is_false(self) -> bool:
        """Whether a difference is claimed that is not there, or lies the other way."""
        way = 1.0 if self.low > 0 else -1.0
        return self.claims and way * self.true <= _NOTHING


def of_configurations(sweep: SimulatedSweep) -> dict[str, Stated]:
    """Returns what is stated of the confirmed configurations, by parameter."""
    return _asked(sweep, sweep.of_configurations, None)


def of_values(sweep: SimulatedSweep) -> dict[str, Stated]:
    """Returns what is stated of the values at their best rate; empty where nothing can be."""
    surface = sweep.surface
    if surface is None:
        return {}
    return _asked(sweep, sweep.of_values, MissedOptima(surface.missing, surface.degrees))


def scores(sweep: SimulatedSweep) -> list[Stated]:
    """Returns the intervals of the confirmed configurations' scores."""
    found = []
    for index, true in enumerate(sweep.of_configurations):
        interval = score_interval(sweep.scores, index, binary=sweep.world.binary)
        assert interval is not None
        found.append(Stated(*interval, float(true), False))
    return found


def less_the_best(sweep: SimulatedSweep) -> list[Stated]:
    """Returns every other configuration's score less that of the best by tuning."""
    true = sweep.of_configurations
    return [
        Stated(low, high, float(true[index] - true[sweep.best]), low > 0 or high < 0)
        for index, _, (low, high) in against_best(sweep.scores, sweep.best)
    ]


def _asked(sweep: SimulatedSweep, true: Array, missed: MissedOptima | None) -> dict[str, Stated]:
    answered = answer_asked(sweep.scores, STRATA, ASKED, sweep.best, missed)
    found = {}
    for name, (each,) in answered.items():
        weights = np.asarray(each.asked.weights)
        found[name] = Stated(*each.interval, float(weights @ true), each.differs)
    return found


@dataclass
class Tally:
    """How often statements of one kind were false, and intervals covered.

    Attributes:
        sweeps: In which anything was stated.
        false: Of them, those with any false claim.
        whole: Of them, those whose intervals all cover.
        intervals: Of all sweeps together.
        covered: Of them, those that hold the true value.
        claimed: Sweeps that claim an effect of the rank.
        half_widths: Half the width of each interval for the rank.
    """

    sweeps: int = 0
    false: int = 0
    whole: int = 0
    intervals: int = 0
    covered: int = 0
    claimed: int = 0
    half_widths: list[float] = field(default_factory=list)

    def count(self, stated: Iterable[Stated], rank: Stated | None = None) -> None:
        """Counts what one sweep states."""
        statements = list(stated)
        if not statements:
            return
        self.sweeps += 1
        self.false += any(each.is_false for each in statements)
        self.whole += all(each.covers for each in statements)
        self.intervals += len(statements)
        self.covered += sum(each.covers for each in statements)
        if rank is not None:
            self.claimed += rank.claims
            self.half_widths.append((rank.high - rank.low) / 2)


def counted(sweeps: Iterator[SimulatedSweep]) -> dict[str, Tally]:
    """Returns the tallies of (i) configurations, (ii) values, scores, and the best's rivals."""
    tallies = {name: Tally() for name in ("configurations", "values", "scores", "rivals")}
    for sweep in sweeps:
        for name, stated in (
            ("configurations", of_configurations(sweep)),
            ("values", of_values(sweep)),
        ):
            tallies[name].count(stated.values(), stated.get("rank"))
        tallies["scores"].count(scores(sweep))
        tallies["rivals"].count(less_the_best(sweep))
    return tallies


def exact_interval(hits: int, trials: int) -> tuple[float, float]:
    """Returns the exact 95 % interval of a share (C. J. Clopper and E. S. Pearson, 1934)."""
    found = stats.binomtest(hits, trials).proportion_ci(method="exact")
    return float(found.low), float(found.high)
