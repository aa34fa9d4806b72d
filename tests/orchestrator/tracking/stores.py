"""A small sweep in a store, written in the order in which a running one writes it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from orchestrator.store import Store
from tests.orchestrator.results import synthetic

SWEEP = synthetic.SWEEP
STEPS = 4
"""Points of the curve before each report."""


def report(store: Store, number: int, rung: int, **values: Any) -> None:
    """Writes a trial's report at a rung, with the curve that leads to it."""
    grid = (0, *synthetic.RUNGS)
    begin, examples = grid[rung], grid[rung + 1]
    curve = [
        {
            "step": (begin + (examples - begin) * part // STEPS) // 10,
            "examples_seen": begin + (examples - begin) * part // STEPS,
            "loss": 3.0 / (rung + part),
            "learning_rate": 0.001,
            "gradient_norm": 1.5,
            "tokens": 640,
        }
        for part in range(1, STEPS + 1)
    ]
    store.publish_report(
        {
            "sweep_id": SWEEP,
            "trial_id": synthetic.trial_name(number),
            "trial_number": number,
            "rung": rung,
            "rung_from": begin,
            "rung_examples": examples,
            "step": examples // 10,
            "examples_seen": examples,
            "train_loss": 2.0 / (rung + 1),
            "eval_loss": 2.5 / (rung + 1),
            "rouge_l": 0.2 * rung,
            "reported_at": synthetic.START + datetime.timedelta(minutes=10 * number + rung),
            "steps": curve,
        }
        | values
    )


def final(store: Store, number: int, outcome: str = "completed", **values: Any) -> None:
    """Writes a trial's final row."""
    synthetic.write_trial(
        store,
        number,
        {"technique": "lora", "rank": 8, "learning_rate": 0.001, "data_size": 2000},
        outcome,
        rungs=0,
        predictions=False,
        **{
            "seed": 7,
            "replicate": 0,
            "phase": "tune",
            "stratum": "rank=8",
            "test_rouge_l": 0.61,
            "objective": 0.4,
            "checkpoint": f"checkpoints/sweep={SWEEP}/{synthetic.trial_name(number)}/0000006000",
            **values,
        },
    )


def sweep(root: Path) -> Store:
    """Writes three trials: completed, failed, and one that has not ended."""
    store = Store(root)
    for rung in range(3):
        report(store, 0, rung)
    final(store, 0)
    report(store, 1, 0)
    final(store, 1, "failed", error="Traceback\n  ...\nValueError: told | to fail", objective=None)
    report(store, 2, 0)
    return store
