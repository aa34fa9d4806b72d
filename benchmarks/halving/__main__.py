"""How few full trainings find the best of each stratum, by how trials are stopped.

    python -m benchmarks.halving                  # perhaps 15 minutes
    python -m benchmarks.halving --sweeps 20      # less sure

A sweep asks about 6 strata of LoRA (3 ranks of 2, 4, 8, 16, both lists of layers), 36 trials: the
search of the product proposes rates, its halving decides, two trials at a time. What trials measure
comes from the curves of 96 real ones (the built-in model, 640 examples, two splits of the rows),
interpolated in the logarithm of the rate, with fresh noise of seeds and rows in every sweep.

The columns: what training costs, in full trainings; how many trials complete; how much worse the
configuration that is chosen truly is than the best of all that were tried (regret), and the same
within each stratum; the largest regret of one stratum in twenty; in how many strata the truly best
that was tried was stopped. The chosen one is the completed one with the best score on the
validation rows. Without stopping that choice alone is what is wrong. With --of-grid, as in
`same_decision`, regret is over the best of all 48.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.halving.world import LAYERS, RANKS, RATES, RECORDED_RATES, World
from orchestrator.search.halving import Halving, compared_with
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_result import RunResult
from orchestrator.search.strata_study import study_of
from orchestrator.search_space import Sweep, load

BUDGET, TRIALS, SLOTS = 20_000, 36, 2
GRID = len(RANKS) * len(LAYERS) * len(RECORDED_RATES)
_RUNGS = ((0.1, 2), (0.1, 3), (0.12, 2), (0.14, 2), (0.15, 3), (0.16, 2), (0.2, 2), (0.2, 3))
WAYS = (
    "",
    *(f"by: eval_loss, first_rung: {first}, reduction_factor: {n}" for first, n in _RUNGS),
    *(f"by: objective, first_rung: {first}, reduction_factor: 3" for first in (0.15, 0.3)),
)
"""Contents of `stopping`; the first is none."""


@dataclass(frozen=True)
class Found:
    """What one sweep cost and chose; see the columns above."""

    trainings: float
    completed: int
    regret: float
    of_strata: tuple[float, ...]
    best_stopped: tuple[bool, ...]


def asked(
    folder: Path, stopping: str, seed: int, *, strata: bool = True, of_grid: int | None = None
) -> Sweep:
    """Returns the resolved search space.

    Args:
        folder: Where its file is written.
        stopping: Contents of that key; "" for none.
        seed: Of the sweep; it also chooses the ranks.
        strata: Whether it asks about ranks and layers; else all trials are one group.
        of_grid: How many of the 48 recorded configurations are tried, in one group, all of them by
            grid; None for rates of a range.
    """
    ranks = [rank for position, rank in enumerate(RANKS) if position != seed // 2 % len(RANKS)]
    rates = f"loguniform: [{RATES[0]}, {RATES[1]}]"
    if of_grid is not None:
        ranks, rates, strata = list(RANKS), f"choice: {list(RECORDED_RATES)}", False
    file = folder / "halving.yaml"
    file.write_text(
        f"""\
name: halving
question: Which adapter is the best?
ask: {"[rank, target_modules]" if strata else "[]"}
confirm: null
objective: {{metric: rouge_l}}
space:
  technique:
    lora:
      rank: {{choice: {ranks}}}
      target_modules: {{choice: ["{'", "'.join(LAYERS)}"]}}
      learning_rate: {{{rates}}}
  data_size: 640
trials: {of_grid or TRIALS}
search: {{method: {"grid" if of_grid == GRID else "tpe"}}}
seed: {seed}
budget: {{examples: {BUDGET}}}
"""
        + (f"stopping: {{{stopping}}}\n" if stopping else "")
    )
    return load(file, profile="embedded")


def simulate(sweep: Sweep, world: World, among: float | None = None) -> Found:
    """Returns what a sweep finds, with `SLOTS` trials at a time that train equally fast.

    Args:
        sweep: The search.
        world: What its trials measure.
        among: What the best could have been; None for the best of those that were tried.
    """
    study, halving = study_of(sweep), Halving(sweep)
    rungs = sweep.rungs(BUDGET)
    by_loss = sweep.compared_by == "eval_loss"
    events: list[tuple[float, int, int]] = []  # time, number, index of the rung
    curves, truths, groups = {}, {}, {}
    passed: dict[int, list[tuple[int, float]]] = {}
    completed: dict[int, float] = {}
    going_on: list[tuple[int, int]] = []
    trained, now, following = 0.0, 0.0, 0

    def train(number: int, index: int) -> None:
        seconds = rungs[index] - (rungs[index - 1] if index else 0)
        heapq.heappush(events, (now + seconds, number, index))

    def settle() -> None:
        for name, rung, stopped in halving.settle():
            if stopped:
                study.finish(int(name), [RunResult("stopped", tuple(passed[int(name)]))])
            else:
                going_on.append((int(name), rungs.index(rung) + 1))

    def start() -> None:
        nonlocal following
        if not going_on and following < sweep.runs:
            chosen = study.propose(following)
            if chosen is None:
                return
            own = (int(str(chosen["rank"])), str(chosen["target_modules"]))
            rate = float(str(chosen["learning_rate"]))
            fractions = [rung / BUDGET for rung in rungs]
            curves[following] = world.trial(following, *own, rate, fractions)
            truths[following] = world.truth(*own, rate)
            groups[following] = compared_with(sweep, Proposal(following, following, 0, chosen))
            passed[following] = []
            train(following, 0)
            halving.enter(str(following), groups[following])
            following += 1
            settle()
        elif going_on:
            train(*going_on.pop(0))

    while True:
        for _ in range(SLOTS - len(events)):
            start()
        if not events:
            break
        now, number, index = heapq.heappop(events)
        losses, scores = curves[number]
        trained += rungs[index] - (rungs[index - 1] if index else 0)
        value = losses[index] if by_loss else scores[index]
        last = index == len(rungs) - 1
        told = scores[index] if last or not by_loss else -value
        passed[number].append((rungs[index], float(told)))
        if last:
            completed[number] = float(scores[index])
            study.finish(number, [RunResult("completed", tuple(passed[number]))])
            halving.leave(str(number))
        elif sweep.stopping is None:
            train(number, index + 1)
        else:
            halving.report(str(number), rungs[index], float(value), float(losses[index]))
        settle()
    members: dict[str | None, list[int]] = {}
    for number, group in groups.items():
        members.setdefault(group, []).append(number)

    def regret(numbers: Sequence[int]) -> float:
        best = max(truths[number] for number in numbers) if among is None else among
        chosen = max((n for n in numbers if n in completed), key=lambda n: completed[n])
        return best - truths[chosen]

    return Found(
        trained / BUDGET,
        len(completed),
        regret(list(truths)),
        tuple(regret(each) for each in members.values()),
        tuple(max(each, key=lambda n: truths[n]) not in completed for each in members.values()),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.halving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sweeps", type=int, default=200, help="of each way (200)")
    parser.add_argument("--first-seed", type=int, default=0, help="(0)")
    parser.add_argument("--one-group", action="store_true", help="nothing is asked about")
    parser.add_argument(
        "--of-grid", type=int, metavar="N", help="N of the 48 recorded configurations are tried"
    )
    parser.add_argument("--ways", nargs="+", default=list(WAYS), help="contents of stopping")
    given = parser.parse_args(arguments)
    print(
        "| stopping | rungs, % | trainings | completed | regret | se | of a stratum | se "
        "| one in 20 | best stopped |\n|---|---|" + "---:|" * 8
    )
    with TemporaryDirectory() as folder:
        for way in given.ways:
            found = []
            for seed in range(given.first_seed, given.first_seed + given.sweeps):
                sweep = asked(
                    Path(folder), way, seed, strata=not given.one_group, of_grid=given.of_grid
                )
                world = World(seed)
                best = None if given.of_grid is None else world.best_recorded()
                found.append(simulate(sweep, world, best))
            rungs = ", ".join(f"{100 * rung / BUDGET:.3g}" for rung in sweep.rungs(BUDGET)[:-1])
            print(_line(way or "none", rungs if way else "", found), flush=True)


def _line(way: str, rungs: str, found: Sequence[Found]) -> str:
    regrets = np.array([each.regret for each in found])
    strata = np.array([each.of_strata for each in found])
    stopped = np.mean([each.best_stopped for each in found])
    cells = [
        f"{np.mean([each.trainings for each in found]):.1f}",
        f"{np.mean([each.completed for each in found]):.1f}",
        f"{regrets.mean():.4f}",
        f"{regrets.std(ddof=1) / len(found) ** 0.5:.4f}",
        f"{strata.mean():.4f}",
        f"{strata.mean(axis=1).std(ddof=1) / len(found) ** 0.5:.4f}",
        f"{np.quantile(strata, 0.95):.3f}",
        f"{stopped:.0%}",
    ]
    return f"| {way} | {rungs} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
