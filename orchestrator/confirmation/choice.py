"""Which configurations are confirmed: the best of each stratum, or the best of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import Proposal, phase
from orchestrator.search_space import Sweep
from orchestrator.search_space.strata import Values
from orchestrator.state.confirmation_log import Choice
from orchestrator.statistics.response_surface import Surface
from orchestrator.store.rows import Row, finite_or_none
from trainables.techniques.registry import is_untuned


@dataclass(frozen=True, order=True)
class _Rank:
    """Where a tuned configuration stands among those of its stratum; the best is the smallest.

    Attributes:
        ended: 0 where all its runs completed, 1 where they were stopped.
        behind: How far it was stopped before the budget, as minus its last rung.
        loss: The mean of what its runs are compared by, the smaller the better.
        run_number: Of its first run.
    """

    ended: int
    behind: int
    loss: float
    run_number: int


@dataclass(frozen=True)
class Tuned:
    """A configuration that tuning has tried, and how it did.

    Attributes:
        rank: Where it stands.
        proposal: Its first run.
        trial_id: The id of that.
    """

    rank: _Rank
    proposal: Proposal
    trial_id: str

    @property
    def configuration(self) -> Configuration:
        """What was tried."""
        return self.proposal.configuration


def tuned(sweep: Sweep, proposals: Mapping[int, Proposal], rows: Mapping[int, Row]) -> list[Tuned]:
    """Returns what tuning has tried and can be chosen from, the best first.

    Replicates count as one configuration, by their mean. One of which any run failed or diverged is
    left out: it may again.

    Args:
        sweep: The resolved search space file.
        proposals: By run number, of the latest try each.
        rows: The final rows, by run number.
    """
    runs: dict[int, list[Proposal]] = {}
    for proposal in proposals.values():
        number = proposal.configuration_number
        if number is not None and not is_untuned(proposal.configuration):
            runs.setdefault(number, []).append(proposal)
    found = []
    for replicates in runs.values():
        first = min(replicates, key=lambda run: run.run_number)
        ends = [rows[run.run_number] for run in replicates if run.run_number in rows]
        rank = _rank(sweep, first.run_number, ends) if len(ends) == len(replicates) else None
        if rank is not None:
            found.append(Tuned(rank, first, str(rows[first.run_number]["trial_id"])))
    return sorted(found, key=lambda each: each.rank)


def value_of(sweep: Sweep, each: Tuned) -> float | None:
    """Returns a configuration's objective, the mean over its runs; None unless all completed."""
    if each.rank.ended:
        return None
    return -each.rank.loss if sweep.objective.mode == "max" else each.rank.loss


def _rank(sweep: Sweep, run_number: int, ends: Sequence[Row]) -> _Rank | None:
    outcomes = {row["outcome"] for row in ends}
    if not outcomes <= {"completed", "stopped"}:
        return None
    if outcomes == {"completed"}:
        sign = -1.0 if sweep.objective.mode == "max" else 1.0
        mean = _mean(ends, "objective")
        return None if mean is None else _Rank(0, 0, sign * mean, run_number)
    loss = _mean(ends, "eval_loss")
    reached = min(row["examples_seen"] or 0 for row in ends)
    return None if loss is None else _Rank(1, -reached, loss, run_number)


def _mean(rows: Sequence[Row], column: str) -> float | None:
    """Returns the mean of a column; None unless every row has a finite value."""
    values = [value for row in rows if (value := finite_or_none(row[column])) is not None]
    return math.fsum(values) / len(values) if len(values) == len(rows) else None


def choose(
    sweep: Sweep, candidates: Sequence[Tuned], optima: Surface | None = None
) -> list[Choice]:
    """Returns what is to be confirmed, what tuning found best first.

    Where the sweep asks about values, the best of each stratum, the strata in their own order until
    there is no room; else the best ones. What tuning found best of all is always among them.

    Args:
        sweep: The resolved search space file; it has `confirm`.
        candidates: What `tuned` returned.
        optima: Where the best rate of each stratum lies, if that is known: what is confirmed is
            then that, and not the rate that happened to come out best.
    """
    assert sweep.confirm is not None
    most = sweep.confirm.configurations
    if not candidates:
        return []
    if optima is not None:
        return _at_their_best(sweep, candidates, optima)[:most]
    best = candidates[0]
    chosen = [Choice(best.configuration, best.trial_id, "best")]
    if not sweep.ask:
        others = candidates[1:most]
        return chosen + [Choice(each.configuration, each.trial_id, "next best") for each in others]
    winners = _winners(sweep, candidates)
    for stratum in sweep.strata:
        winner = winners.get(stratum.values)
        if winner is not None and winner is not best:
            chosen.append(Choice(winner.configuration, winner.trial_id, "best of its stratum"))
    return chosen[:most]


def _winners(sweep: Sweep, candidates: Sequence[Tuned]) -> dict[Values, Tuned]:
    """Returns the best of each stratum, that of the best first; points are in none."""
    found: dict[Values, Tuned] = {}
    for each in candidates:
        values = sweep.stratum_of(each.configuration)
        if values is not None and phase(sweep, each.proposal) == "tune":
            found.setdefault(values, each)
    return found


def _at_their_best(sweep: Sweep, candidates: Sequence[Tuned], optima: Surface) -> list[Choice]:
    """Returns each stratum at its optimum, first that of the best that was tried, then the ends."""
    winners = _winners(sweep, candidates)
    rates = {
        tuple(stratum.items()): rate
        for stratum, rate in zip(optima.strata, optima.rates, strict=True)
    }
    first = next(iter(winners))
    order = [first, *(s.values for s in sweep.strata if s.values != first)]
    return [
        Choice(
            {**winners[values].configuration, **optima.others, "learning_rate": rates[values]},
            winners[values].trial_id,
            "optimum of its combination",
        )
        for values in order
        if values in rates
    ]
