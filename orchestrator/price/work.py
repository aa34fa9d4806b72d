"""How much a sweep trains and evaluates, by phase and technique."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.search.halving import Halving, cohort_size
from orchestrator.search.proposals import confirming_runs
from orchestrator.search_space import Sweep
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import BASELINE, TECHNIQUES, is_untuned

TUNING, CONFIRMING = "tuning", "confirming"

_DRAWS = 20
_DRAWN_RUNS = 2000
"""Of so many runs one draw is near enough to the mean of twenty."""


@dataclass(frozen=True)
class Work:
    """What the runs of one technique in one phase do; a share of it may be of half a run.

    Attributes:
        phase: `TUNING` (baseline and points included) or `CONFIRMING`.
        technique: Its name.
        runs: How many.
        examples: Trained on, in all.
        loss_rows: Validation rows on which the loss alone is measured, in all.
        scored_rows: Rows, validation and test, for which SQL is written and scored, in all.
        reports: Rungs that are reported, in all.
    """

    phase: str
    technique: str
    runs: float
    examples: float
    loss_rows: float
    scored_rows: float
    reports: float = 0.0

    def share(self, of_it: float) -> Work:
        """Returns a part of it, 0 to 1."""
        amounts = (self.runs, self.examples, self.loss_rows, self.scored_rows, self.reports)
        return Work(self.phase, self.technique, *(amount * of_it for amount in amounts))


@dataclass(frozen=True)
class _Run:
    """A run of tuning, as far as its cost goes."""

    technique: str
    budget: int
    group: str | None


def expected_work(sweep: Sweep, test_rows: int) -> list[Work]:
    """Returns what a sweep is expected to do from an empty store, if no trial fails.

    Early stopping is `Halving` itself, over values drawn at random, the mean of up to `_DRAWS`: a
    search that learns well proposes later trials that go on more often. Where a technique is drawn
    by the search, each is taken to be drawn as often. Runs that other sweeps left to adopt are not
    taken off.

    Args:
        sweep: The resolved search space file.
        test_rows: On which one evaluation on the test rows is.
    """
    total: dict[tuple[str, str], list[float]] = {}

    def add(phase: str, technique: str, *amounts: float) -> None:
        known = total.setdefault((phase, technique), [0.0] * len(amounts))
        for index, amount in enumerate(amounts):
            known[index] += amount

    tested = sweep.confirm is None
    runs = list(_tuning(sweep))
    draws = 1
    if sweep.stopping is not None:
        draws = max(1, min(_DRAWS, math.ceil(_DRAWN_RUNS / max(1, len(runs)))))
    rows = sweep.evaluation.validation_rows
    for draw in range(draws):
        for run, examples, loss_rungs, scored_rungs in _stopped_early(sweep, runs, draw):
            is_tested = examples == run.budget and (tested or run.technique == BASELINE.name)
            scored = scored_rungs * rows + (test_rows if is_tested else 0)
            each = (1, examples, loss_rungs * rows, scored, loss_rungs + scored_rungs)
            add(TUNING, run.technique, *(amount / draws for amount in each))
    for technique, count in _confirmed(sweep):
        budget = _budget(sweep)
        rungs = len(sweep.rungs(budget))
        scored_rungs = rungs if sweep.scores_every_rung else 1
        loss_rows, scored_rows = (rungs - scored_rungs) * rows, scored_rungs * rows + test_rows
        of_run = (1, budget, loss_rows, scored_rows, rungs)
        add(CONFIRMING, technique, *(count * amount for amount in of_run))
    return [Work(*key, *amounts) for key, amounts in total.items()]


def without(work: Sequence[Work], runs: Mapping[tuple[str, str], int]) -> list[Work]:
    """Returns the work that is left where some runs need none any more.

    Args:
        work: From `expected_work`.
        runs: How many, by phase and technique; each is taken for a mean one of these.
    """
    return [
        part.share(1 - min(runs.get((part.phase, part.technique), 0), part.runs) / part.runs)
        if part.runs
        else part
        for part in work
    ]


def waiting(sweep: Sweep) -> dict[str, int]:
    """Returns how many trials may wait at a rung at the same time, by technique.

    Args:
        sweep: The resolved search space file.
    """
    if sweep.stopping is None:
        return {}
    groups = Counter((run.technique, run.group) for run in _tuning(sweep) if run.group is not None)
    found: dict[str, int] = {}
    for (technique, _), runs in groups.items():
        found[technique] = found.get(technique, 0) + int(min(runs, cohort_size(sweep)))
    return found


def _tuning(sweep: Sweep) -> Iterator[_Run]:
    """Yields the runs of tuning, in their order."""
    if sweep.baseline:
        yield _Run(BASELINE.name, 0, None)
    for point in sweep.points:
        technique = str(point["technique"])
        budget = sweep.budget_examples(point)
        group = None if is_untuned(point) else technique
        for _ in range(1 if is_untuned(point) else sweep.replicates):
            yield _Run(technique, budget, group)
    if sweep.space is None or sweep.budget is None:
        return
    strata: Sequence[tuple[str, tuple[str, ...]]] = [
        (f" ({stratum.name})", stratum.techniques) for stratum in sweep.strata
    ] or [("", tuple(sweep.space.technique))]
    techniques = [itertools.cycle(names) for _, names in strata]
    for number in range(sweep.trials):
        stratum, _ = strata[number % len(strata)]
        technique = next(techniques[number % len(strata)])
        trains = TECHNIQUES[technique].trains
        for _ in range(sweep.replicates):
            yield _Run(
                technique,
                sweep.budget.examples if trains else 0,
                f"{technique}{stratum}" if trains else None,
            )


def _stopped_early(
    sweep: Sweep, runs: Sequence[_Run], draw: int
) -> Iterator[tuple[_Run, int, int, int]]:
    """Yields each run, the examples it trains on, its rungs of loss alone and its scored ones."""
    halving = Halving(sweep, len(runs))
    values = random.Random(draw)
    rungs = {number: sweep.rungs(run.budget) for number, run in enumerate(runs)}
    for number, run in enumerate(runs):
        halving.enter(str(number), run.group)
    reached: dict[int, int] = {}
    going = set(rungs)
    for place in range(max((len(grid) for grid in rungs.values()), default=0)):
        for number in sorted(going):
            grid = rungs[number]
            if place >= len(grid):
                going.discard(number)
                continue
            reached[number] = place
            halving.report(str(number), grid[place], values.random(), 0.0)
        halving.settle()
        going = {n for n in going if not halving.stops(str(n))}
    for number, run in enumerate(runs):
        grid, last = rungs[number], reached[number]
        ended = last == len(grid) - 1
        scored = last + 1 if sweep.scores_every_rung else int(ended)
        yield run, grid[last], last + 1 - scored, scored


def _confirmed(sweep: Sweep) -> Iterator[tuple[str, float]]:
    """Yields each technique, and how many runs confirm configurations of it."""
    runs = confirming_runs(sweep)
    if not runs:
        return
    found: list[tuple[str, ...]] = [stratum.techniques for stratum in sweep.strata]
    if not found and sweep.space is not None:
        found = [tuple(sweep.space.technique)]
    if not found:
        found = [(_technique(point),) for point in sweep.points if not is_untuned(point)]
    shares: dict[str, float] = {}
    for techniques in found:
        trained = [name for name in techniques if TECHNIQUES[name].trains]
        for name in trained:
            shares[name] = shares.get(name, 0.0) + 1 / len(trained)
    whole = sum(shares.values())
    for name, share in shares.items():
        yield name, runs * share / whole


def _budget(sweep: Sweep) -> int:
    """Returns the examples that a confirming run trains on, of points the mean."""
    if sweep.budget is not None:
        return sweep.budget.examples
    own = [sweep.budget_examples(point) for point in sweep.points if not is_untuned(point)]
    return round(sum(own) / len(own)) if own else 0


def _technique(point: dict[str, Scalar]) -> str:
    return str(point["technique"])
