"""The grid that is asked about, as search space files."""

from __future__ import annotations

import json
from dataclasses import dataclass

FIRST_RUNG, REDUCTION_FACTOR = 0.1, 4
"""Of the rules tried on recorded curves those from 0.07 on keep the mean regret below 0.01
(`benchmarks/halving --of-grid 48`); run for real, 0.1 found the best in 5 of 5 seeds, and 0.07 in
none of 2 (`benchmarks/RESULTS.md`, "same_decision")."""

WAYS = ("sweep", "everything")
METRIC = "rouge_l"


@dataclass(frozen=True)
class Question:
    """A grid and what a trial of it is.

    Attributes:
        ranks: Values of the rank.
        layers: Values of target_modules.
        rates: Values of the learning rate.
        budget: Training examples of a trial.
        trials: Configurations that the sweep may try.
        held_out: Validation rows.
        search: How the sweep proposes: "tpe", "random", or "grid" for all of it.
    """

    ranks: tuple[int, ...] = (2, 4, 8, 16)
    layers: tuple[str, ...] = ("q,v", "q,k,v,o")
    rates: tuple[float, ...] = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
    budget: int = 640
    trials: int = 48
    held_out: int = 64
    search: str = "grid"

    @property
    def size(self) -> int:
        """Number of configurations in the grid."""
        return len(self.ranks) * len(self.layers) * len(self.rates)

    def search_space(self, way: str, seed: int) -> str:
        """Returns the search space file of one of `WAYS`."""
        lines = [
            f"name: {way}",
            "question: Which adapter is the best?",
            f"objective: {{metric: {METRIC}}}",
            "space:",
            "  technique:",
            "    lora:",
            f"      rank: {{choice: {json.dumps(self.ranks)}}}",
            f"      target_modules: {{choice: {json.dumps(self.layers)}}}",
            f"      learning_rate: {{choice: {json.dumps(self.rates)}}}",
            f"  data_size: {self.budget}",
            f"seed: {seed}",
            f"budget: {{examples: {self.budget}}}",
            f"evaluation: {{validation_rows: {self.held_out}, test_rows: 1}}",
            "confirm: null",  # the answer is the best completed trial
        ]
        if way == "everything":
            lines.append("search: {method: grid}")
        else:
            lines += [
                f"search: {{method: {self.search}}}",
                f"trials: {self.trials}",
                f"stopping: {{first_rung: {FIRST_RUNG}, reduction_factor: {REDUCTION_FACTOR}}}",
            ]
        return "\n".join(lines) + "\n"


QUICK = Question(
    ranks=(2, 8), layers=("q,v",), rates=(1e-3, 8e-3), budget=320, trials=4, held_out=8
)
