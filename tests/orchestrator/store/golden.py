"""The golden store of the present schema version: every kind of value, in readable form.

    python -m tests.orchestrator.store.golden tests/data/store-v2

writes it. A store of an older version is never written again: its files are what old packages left.
"""

from __future__ import annotations

import datetime
import math
import sys
from pathlib import Path
from typing import Any

from orchestrator.store import OUTCOMES, Store
from tests.orchestrator.store import samples
from tests.orchestrator.store.samples import SWEEP

TRIALS = ("t-00000012", "t-1e5", "t-kq3v7xw2ma", "t-0x1f", "t-2026-01-01", "t-nan")


def write(root: Path) -> None:
    """Writes one trial of each outcome, with ids that look like numbers, NaN, NULL and Unicode."""
    store = Store(root)
    for number, (name, outcome) in enumerate(zip(TRIALS, OUTCOMES, strict=True)):
        rungs = 3 if outcome == "completed" else 1
        for rung in range(rungs):
            store.publish_report(_report(name, number, rung, diverged=outcome == "diverged"))
            if number < 2:
                store.publish_predictions(
                    SWEEP, name, number, "validation", "standard", 10 * (rung + 1),
                    100 * (rung + 1), _predictions(),
                )  # fmt: skip
        store.publish_trial(_trial(name, number, outcome, rungs))
    store.publish_predictions(SWEEP, TRIALS[0], 0, "test", "notebook", 30, 300, _predictions())


def _report(name: str, number: int, rung: int, *, diverged: bool) -> dict[str, Any]:
    return samples.report(
        name,
        rung,
        trial_number=number,
        train_loss=math.nan if diverged else 1.5 / (rung + 1),
        eval_loss=math.inf if diverged else 0.1 + rung,
        rouge_l=None if diverged else 0.1 * (rung + 1),
        rouge_l_se=None if diverged else 0.03,
        rouge_l_rows=None if diverged else 100,
        execution_accuracy_unjudged=None if diverged else rung,
        eval_schemas=None if diverged else 40,
        train_rows_cut=number,
        eval_rows_cut=None if diverged else 2,
        prompt_version=1,
        split_version=2,
        scoring_version=2,
        training_version=1,
        base_fingerprint="00c0ffee00c0ffee",
        sqlite_version="3.40.1",
        dtype="float32",
        meteor_synonyms=None if diverged else rung % 2,
        examples_seen=2**53 + 1,  # does not fit a float64
        device_name="Gerät №1",
        checkpoint=None if number else f"checkpoints/sweep={SWEEP}/{name}",
        pack_size=None if number == 1 else 1.0 + rung / 2,
        steps=None if number == 1 else [_step(step, rung) for step in (1, 2)],
    )


def _step(step: int, rung: int) -> dict[str, Any]:
    return {
        "step": 10 * rung + step,
        "examples_seen": 2**53 + step,
        "loss": 1.5 / step,
        "learning_rate": 1e-4,
        "gradient_norm": 0.25,
        "tokens": 1000,
    }


def _trial(name: str, number: int, outcome: str, rungs: int) -> dict[str, Any]:
    completed = outcome == "completed"
    return samples.trial(
        name,
        trial_number=number,
        outcome=outcome,
        phase="tune" if number else "confirm",
        stratum=f"rank={number}",
        technique="prefix" if number % 2 else "lora",
        rank=None if number % 2 else 8,
        virtual_tokens=20 if number % 2 else None,
        learning_rate=1e-4 * (number + 1),
        objective=math.nan if outcome == "diverged" else 0.1 * rungs,
        train_loss=math.nan if outcome == "diverged" else 0.5,
        rouge_l=None if outcome == "diverged" else 0.1 * rungs,
        test_rouge_l=0.28 if completed else None,
        test_rouge_l_rows=3 if completed else None,
        rouge_l_rows=None if outcome == "diverged" else 100,
        eval_schemas=None if outcome == "diverged" else 40,
        train_rows_cut=number,
        content_id=f"n-{name[2:].lower()}",
        adopted_from=f"rank-00000000/{name}" if number == 1 else None,
        prompt_version=1,
        split_version=2,
        scoring_version=2,
        training_version=1,
        test_rows=3 if completed else None,
        test_schemas=2 if completed else None,
        test_rows_cut=1 if completed else None,
        meteor_synonyms=completed,
        error=None if completed else "RuntimeError: \u201cno\u201d\nsecond line",
        ended_at=samples.START + datetime.timedelta(seconds=61, microseconds=7),
        config_json='{"technique": "lora", "parameters": {"rank": 8}}',
    )


def _predictions() -> list[dict[str, Any]]:
    return [
        samples.prediction(
            0,
            prediction="SELECT 1 WHERE a <= 2 AND b = '\u00e9\u4e2d'",
            schema_group="00c0ffee00c0ffee",
            source_cut=False,
            target_cut=True,
        ),
        samples.prediction(1, prediction="", bleu=0.0, execution_accuracy=1.0),
        samples.prediction(
            2, sql_context="", reference="SELECT\n\t1;", gleu=1 / 3, execution_reason="unjudged"
        ),
    ]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
