"""Whether a sweep's answer is the right one, and how much sooner it came."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Ran:
    """A finished sweep.

    Attributes:
        seconds: From the start of its first trial to the end of its last.
        command_seconds: The command's own time; None of a replay.
        without_rungs: Share of the trials' time that is left when the scores before the last rung
            are taken off.
        completed: By configuration: the objective of the trials that completed.
        errors: By configuration: its standard error over the validation rows.
        trials: Number of all trials.
    """

    seconds: float
    command_seconds: float | None
    without_rungs: float
    completed: dict[str, float]
    errors: dict[str, float]
    trials: int

    @property
    def answer(self) -> str:
        """The best completed configuration."""
        return max(self.completed, key=lambda name: self.completed[name])


@dataclass(frozen=True)
class Decision:
    """A seed's two answers.

    Attributes:
        seed: The seed.
        true_best: Score of the best configuration of the grid.
        error: Its standard error.
        chosen: What the sweep's answer scores when everything is run.
        same: Whether the two are one configuration.
        speedup: Time of everything, scored at its end only, over that of the sweep.
        completed: Trials of the sweep that were not stopped.
    """

    seed: int
    true_best: float
    error: float
    chosen: float
    same: bool
    speedup: float
    completed: int

    @property
    def within(self) -> bool:
        """Whether the answer is within one standard error of the true best."""
        return self.true_best - self.chosen <= self.error


def decide(seed: int, sweep: Ran, everything: Ran) -> Decision:
    """Compares the answer of a sweep with the truth.

    Raises:
        ValueError: `everything` lacks the configuration that the sweep chose.
    """
    if sweep.answer not in everything.completed:
        raise ValueError(f"seed {seed}: the sweep chose what is not in the grid: {sweep.answer}")
    best = everything.answer
    return Decision(
        seed=seed,
        true_best=everything.completed[best],
        error=everything.errors[best],
        chosen=everything.completed[sweep.answer],
        same=sweep.answer == best,
        speedup=everything.seconds * everything.without_rungs / sweep.seconds,
        completed=len(sweep.completed),
    )


def table(ran: dict[int, dict[str, Ran]]) -> str:
    """Returns the result as Markdown, with the two targets.

    Args:
        ran: By seed, then by way.
    """
    decisions = [decide(seed, ways["sweep"], ways["everything"]) for seed, ways in ran.items()]
    lines = [
        "| seed | sweep s | command | completed | everything s | command | scored at the end only "
        "| ratio | answer truly | true best | its se | same | within 1 se |",
        "|---:|" + "---:|" * 10 + "---|---|",
    ]
    for one in decisions:
        sweep, everything = ran[one.seed]["sweep"], ran[one.seed]["everything"]
        lines.append(
            f"| {one.seed} | {sweep.seconds:.0f} | {_seconds(sweep.command_seconds)} "
            f"| {one.completed} of {sweep.trials} "
            f"| {everything.seconds:.0f} | {_seconds(everything.command_seconds)} "
            f"| {everything.seconds * everything.without_rungs:.0f} | {one.speedup:.2f} "
            f"| {one.chosen:.3f} | {one.true_best:.3f} | {one.error:.3f} "
            f"| {'yes' if one.same else 'no'} | {'yes' if one.within else 'no'} |"
        )
    within = sum(one.within for one in decisions)
    differs = sum(not one.same for one in decisions)
    middle = statistics.median(one.speedup for one in decisions)
    lines += [
        "",
        f"Median ratio {middle:.2f} (target 5). "
        f"The answer is within one standard error of the true best in {within} of "
        f"{len(decisions)} seeds (target 4 of 5), and another configuration in {differs}.",
    ]
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
