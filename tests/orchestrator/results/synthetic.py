"""A sweep whose truth is known, written through the store as a sweep would.

LoRA's score rises with rank; the losers of each rung are stopped; the untuned baseline is near 0.
"""

from __future__ import annotations

import datetime
import json
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.store import Store
from orchestrator.store.schema import SCORE_COLUMNS

SWEEP = "rank-0a1b2c3d"
RUNGS = (600, 2000, 6000)
ROWS = 60
START = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def trial_name(number: int) -> str:
    return f"t-x{number:09d}"


def quality(parameters: Mapping[str, Any], rung: int) -> float:
    """The true share of right rows: log2(rank) steps of 0.1, grown over the rungs."""
    if parameters["technique"] == "pretrained":
        return 0.02
    base = 0.15 + 0.1 * math.log2(parameters["rank"] / 4)
    return min(0.95, base * (0.5 + 0.5 * rung / (len(RUNGS) - 1)))


def write_trial(
    store: Store,
    number: int,
    parameters: Mapping[str, Any],
    outcome: str = "completed",
    *,
    sweep_id: str = SWEEP,
    rungs: int = len(RUNGS),
    data_seed: int = 0,
    rows: int = ROWS,
    predictions: bool = True,
    unjudged: int = 0,
    trial_id: str | None = None,
    **values: Any,
) -> dict[str, Any]:
    """Writes one trial and returns its final row."""
    name = trial_id or trial_name(number)
    untrained = parameters["technique"] == "pretrained"
    grid = (0,) if untrained else RUNGS[:rungs]
    chance = random.Random(number)
    report: dict[str, Any] = {}
    for rung, examples in enumerate(grid):
        share = quality(parameters, rung)
        scored = [_prediction(number, row, share, chance) for row in range(rows)]
        for each in scored[:unjudged]:
            each |= {"execution_accuracy": None, "execution_reason": "unjudged"}
        if predictions:
            store.publish_predictions(
                sweep_id, name, number, "validation", "standard", examples // 10, examples, scored
            )
        report = store.publish_report(
            {
                "sweep_id": sweep_id,
                "trial_id": name,
                "trial_number": number,
                "rung": rung,
                "rung_from": grid[rung - 1] if rung else 0,
                "rung_examples": examples,
                "step": examples // 10,
                "examples_seen": examples,
                "epoch": examples / 2000,
                "train_loss": None if untrained else 2.0 - share,
                "eval_loss": 2.5 - share,
                "eval_rows": rows,
                "learning_rate": parameters.get("learning_rate"),
                "train_seconds": examples / 100,
                "eval_seconds": 3.0 * (rung + 1),
                "trainable_parameters": 1000 * parameters.get("rank", 0),
                "total_parameters": 1_000_000,
                "trainable_percent": 0.1 * parameters.get("rank", 0),
                "device_kind": "cpu",
                "device_name": "a CPU",
                "dataset_fingerprint": "f00dfeedf00dfeed",
                "reported_at": START + datetime.timedelta(minutes=10 * number + rung),
                **summary(scored),
            }
        )
    carried = {
        *("train_loss", "eval_loss", "eval_rows", "examples_seen", "train_seconds"),
        *("eval_seconds", "trainable_parameters", "total_parameters", "trainable_percent"),
        *("device_kind", "device_name", "dataset_fingerprint", *SCORE_COLUMNS),
        *(f"{score}_se" for score in SCORE_COLUMNS),
    }
    own = {key: value for key, value in parameters.items() if key != "technique"}
    size = own.pop("data_size", None)
    return store.publish_trial(
        {
            "sweep_id": sweep_id,
            "sweep_name": "rank",
            "question": "Does a bigger adapter buy better SQL?",
            "trial_id": name,
            "trial_number": number,
            "profile": "embedded",
            "technique": parameters["technique"],
            "rank": own.get("rank"),
            "learning_rate": own.get("learning_rate"),
            "data_size": size,
            "base_model": "embedded",
            "dataset": "embedded",
            "outcome": outcome,
            "last_rung": report.get("rung"),
            "steps": report.get("step"),
            "attempts": 1,
            "objective_metric": "rouge_l",
            "objective_mode": "max",
            "objective": report.get("rouge_l"),
            "wall_seconds": 70.0,
            "started_at": START + datetime.timedelta(minutes=10 * number),
            "ended_at": START + datetime.timedelta(minutes=10 * number + 9),
            "config_json": json.dumps(
                {"parameters": own, "data_seed": data_seed, "protocol": "standard"}
            ),
            "environment_json": json.dumps({"python": "3.11.7", "packages": {"torch": "2.13.0"}}),
            **{key: report[key] for key in carried if key in report},
            **values,
        }
    )


def write_sweep(root: Path, sweep_id: str = SWEEP, **values: Any) -> list[dict[str, Any]]:
    """Writes a baseline and 12 LoRA trials: ranks 4 to 32, one row of each rank completed."""
    store = Store(root)
    rows = [write_trial(store, 0, {"technique": "pretrained"}, sweep_id=sweep_id, **values)]
    chance = random.Random(1)
    for number in range(1, 13):
        parameters = {
            "technique": "lora",
            "rank": 4 * 2 ** (number % 4),
            "learning_rate": 10 ** chance.uniform(-4, -2),
            "data_size": 2000,
        }
        completed = number <= 4 or parameters["rank"] == 32
        rows.append(
            write_trial(
                store,
                number,
                parameters,
                "completed" if completed else "stopped",
                sweep_id=sweep_id,
                rungs=3 if completed else 1 + number % 2,
                **values,
            )
        )
    return rows


def summary(scored: list[dict[str, Any]]) -> dict[str, float | None]:
    """Means and standard errors as a report has them."""
    found: dict[str, float | None] = {}
    for score in ("rouge_l", "bleu", "execution_accuracy"):
        values = [row[score] for row in scored if row[score] is not None]
        mean = sum(values) / len(values)
        spread = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
        found |= {score: mean, f"{score}_se": math.sqrt(spread / len(values))}
    return found


def _prediction(number: int, row: int, share: float, chance: random.Random) -> dict[str, Any]:
    # Some rows are hard for every trial, so that pairing by row pays.
    hard = (row * 7919) % ROWS / ROWS
    value = min(1.0, max(0.0, share + 0.5 * (hard - 0.5) + chance.gauss(0, 0.1)))
    return {
        "example_id": f"validation-{row}",
        "sql_prompt": f"Question {row}?",
        "sql_context": "CREATE TABLE a (b INT)",
        "reference": "SELECT COUNT(*) FROM a",
        "prediction": f"SELECT {number} [b] FROM a",
        "rouge_l": value,
        "bleu": value / 2,
        "execution_accuracy": float(value > 0.6),
    }
