"""A simulated trial in its slot, and what it writes where a real one's process would."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.simulation.curves import Curve
from orchestrator.search.proposals import Proposal, trial_configuration
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import Store
from trainables.contract.scores import LOSSES, SCORES


@dataclass
class Running:
    """A trial in a slot, as Ray Tune's scheduler sees one (`trial_id`, `config`, `error_file`)."""

    trial_id: str
    config: dict[str, Any]
    error_file: str
    rungs: Sequence[int]
    curve: Curve
    attempt: int

    @property
    def proposal(self) -> Proposal:
        """The trial."""
        proposal: Proposal = self.config["proposal"]
        return proposal


def report(stored: StoredSweep, trial: Running, index: int, at: float) -> dict[str, Any]:
    """Returns the row of a trial's report.

    Args:
        stored: The sweep.
        trial: The trial.
        index: Which of its reports.
        at: Seconds since 1970.
    """
    value = trial.curve.values[index]
    number = trial.proposal.trial_number
    scored = stored.sweep.scores_every_rung or index == len(trial.rungs) - 1
    minimises = stored.sweep.objective.mode == "min"
    return {
        "sweep_id": stored.id,
        "trial_id": stored.trial_id(number),
        "trial_number": number,
        "rung": index,
        "rung_from": trial.rungs[index - 1] if index else 0,
        "rung_examples": trial.rungs[index],
        "step": trial.rungs[index] // 4,
        "examples_seen": trial.rungs[index],
        "eval_rows": 100,
        "attempt": trial.attempt,
        "elapsed_seconds": sum(trial.curve.seconds[: index + 1]),
        "reported_at": datetime.datetime.fromtimestamp(at, datetime.UTC),
        **dict.fromkeys(SCORES, value if scored else None),
        **dict.fromkeys(LOSSES, value if minimises else 1.0 - value),
    }


def publish_test(stored: StoredSweep, trial: Running, store: Store) -> None:
    """Stores two scored test rows for each protocol that the sweep asks for."""
    number = trial.proposal.trial_number
    for protocol in trial_configuration(stored.sweep, trial.proposal).test_protocols:
        store.publish_predictions(
            stored.id,
            stored.trial_id(number),
            number,
            "test",
            protocol,
            trial.rungs[-1] // 4,
            trial.rungs[-1],
            [
                {
                    "example_id": f"row-{index}",
                    "sql_prompt": "How many?",
                    "sql_context": "CREATE TABLE t (a INT)",
                    "reference": "SELECT COUNT(*) FROM t",
                    "prediction": "SELECT 1",
                    **dict.fromkeys(SCORES, trial.curve.values[-1]),
                }
                for index in range(2)
            ],
        )
