"""Synthetic trials for `benchmarks.store_cost`: published as a sweep does, or written at once."""

from __future__ import annotations

import datetime
import json
import math
import random
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.outcomes import environment
from orchestrator.store import PREDICTIONS, REPORTS, TRIALS, Store, keys, rows
from orchestrator.store.schema import SCORE_COLUMNS, Table
from trainables.contract.configuration import TrialConfiguration

SWEEP = "rank-0a1b2c3d"
START = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
BUDGET = 6000
PREDICTED = 40
"""So many trials have predictions, for the verbs that read some trials' predictions."""

_CHUNK = 100


def reports_of(number: int, reports: int) -> list[dict[str, Any]]:
    """Returns the reports of a synthetic trial; a better one rises higher."""
    chance = random.Random(number)
    rank = 4 * 2 ** (number % 4)
    best = min(0.95, 0.2 + 0.1 * math.log2(rank / 4) + abs(chance.gauss(0, 0.1)))
    learning_rate = 10 ** chance.uniform(-4, -2)
    found = []
    for rung in range(reports):
        examples = BUDGET * (rung + 1) // reports
        score = best * (0.5 + 0.5 * (rung + 1) / reports)
        found.append(
            {
                "sweep_id": SWEEP,
                "trial_id": trial_name(number),
                "trial_number": number,
                "rung": rung,
                "rung_from": BUDGET * rung // reports,
                "rung_examples": examples,
                "step": examples // 16,
                "examples_seen": examples,
                "epoch": examples / 2000,
                "train_loss": 2 - score,
                "eval_loss": 2.5 - score,
                "eval_rows": 100,
                "meteor_synonyms": False,
                "learning_rate": learning_rate,
                "tokens_per_second": 900.0,
                "train_seconds": examples / 100,
                "eval_seconds": 3.0 * (rung + 1),
                "elapsed_seconds": examples / 100 + 3.0 * (rung + 1),
                "peak_memory_bytes": 10**9,
                "trainable_parameters": 1000 * rank,
                "total_parameters": 1_000_000,
                "trainable_percent": 0.1 * rank,
                "device_kind": "cpu",
                "device_name": "a CPU",
                "node": "here",
                "attempt": 1,
                "base_model": "embedded",
                "dataset_fingerprint": "f00dfeedf00dfeed",
                "reported_at": START + datetime.timedelta(seconds=60 * number + rung),
                **{name: score * (0.8 + index / 50) for index, name in enumerate(SCORE_COLUMNS)},
                **{f"{name}_se": 0.03 for name in SCORE_COLUMNS},
            }
        )
    return found


def final_of(number: int, last: dict[str, Any]) -> dict[str, Any]:
    """Returns the final row of a synthetic trial from its last report."""
    rank = 4 * 2 ** (number % 4)
    technique = ("lora", "qlora")[number // 4 % 2]
    parameters = {
        "rank": rank,
        "alpha": 2.0 * rank,
        "dropout": 0.05,
        "target_modules": "q,v",
        "learning_rate": last["learning_rate"],
        "batch_size": 16,
        "micro_batch_size": None,
        "weight_decay": 0.01,
        "warmup": 0.02,
        "schedule": "warmup_stable_decay",
        "gradient_clipping": 1.0,
        "gradient_checkpointing": False,
    }
    configuration = TrialConfiguration(technique, parameters, 2000, BUDGET, number, 0)
    carried = set(TRIALS.schema.names) & set(last)
    return {
        **{name: last[name] for name in carried},
        "sweep_name": "rank",
        "question": "Does a bigger adapter buy better SQL?",
        "configuration_id": f"c-{number:x}x",
        "replicate": 0,
        "profile": "embedded",
        "technique": technique,
        **{name: parameters[name] for name in ("rank", "alpha", "dropout", "target_modules")},
        "batch_size": 16,
        "data_size": 2000,
        "epochs": BUDGET / 2000,
        "seed": number,
        "base_model": "embedded",
        "dataset": "embedded",
        "outcome": "completed",
        "last_rung": last["rung"],
        "attempts": 1,
        "steps": last["step"],
        "objective_metric": "rouge_l",
        "objective_mode": "max",
        "objective": last["rouge_l"],
        "wall_seconds": last["elapsed_seconds"] + 1,
        "started_at": START + datetime.timedelta(seconds=60 * number),
        "ended_at": START + datetime.timedelta(seconds=60 * number + 50),
        "config_json": json.dumps(configuration.to_dict()),
        "environment_json": _environment(),
    }


def trial_name(number: int) -> str:
    """Returns an id of the length that real ones have."""
    return f"t-x{number:09d}"


def build(root: Path, trials: int, reports: int, files: int | None = None) -> None:
    """Writes a large store as plain files, in the store's own encoding.

    Args:
        root: Folder of the store.
        trials: How many.
        reports: Of each trial.
        files: Of each trial's reports. None means one a report, as the real writer has it.
    """
    for start in range(0, trials, _CHUNK):
        numbers = range(start, min(trials, start + _CHUNK))
        reported = [reports_of(number, reports) for number in numbers]
        finals = [final_of(n, found[-1]) for n, found in zip(numbers, reported, strict=True)]
        names = [keys.trial_key(SWEEP, row["trial_id"]) for row in finals]
        _write(root, TRIALS, finals, names, 1)
        each = reports // (files or reports)
        rungs = [row for found in reported for row in found]
        names = [
            keys.report_key(SWEEP, first["trial_id"], first["rung_from"], last["rung_examples"])
            for first, last in zip(rungs[::each], rungs[each - 1 :: each], strict=True)
        ]
        _write(root, REPORTS, rungs, names, each)
        for number, found in zip(numbers, reported, strict=True):
            if number < PREDICTED:
                _write_predictions(root, number, found[each - 1 :: each])


def publish(root: Path, first: int, last: int, reports: int) -> dict[str, Any]:
    """Stores trials as a sweep does; returns `reports` (seconds each) and `total` (seconds)."""
    store = Store(root)
    seconds = []
    began = time.perf_counter()
    for number in range(first, last):
        row: dict[str, Any] = {}
        for row in reports_of(number, reports):
            before = time.perf_counter()
            store.publish_report(row)
            seconds.append(time.perf_counter() - before)
        store.publish_trial(final_of(number, row))
    return {"reports": seconds, "total": time.perf_counter() - began}


@cache
def _environment() -> str:
    return json.dumps(environment.capture())


def _predictions(number: int, report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    chance = random.Random(f"{number} {report['rung']}")
    for row in range(100):
        score = min(1.0, max(0.0, report["rouge_l"] + chance.gauss(0, 0.2)))
        yield {
            **{name: report[name] for name in ("sweep_id", "trial_id", "trial_number", "step")},
            "split": "validation",
            "protocol": "standard",
            "example_id": f"validation-{row}",
            "sql_prompt": f"How many orders did customer {row} place?",
            "sql_context": "CREATE TABLE orders (id INT, customer INT)",
            "reference": f"SELECT COUNT(*) FROM orders WHERE customer = {row}",
            "prediction": f"SELECT COUNT(id) FROM orders WHERE customer = {row}",
            **dict.fromkeys(SCORE_COLUMNS, score),
        }


def _write_predictions(root: Path, number: int, reports: list[dict[str, Any]]) -> None:
    for row in reports:
        key = keys.predictions_key(
            SWEEP, row["trial_id"], "validation", "standard", row["rung_examples"]
        )
        content = rows.to_arrow(PREDICTIONS, _predictions(number, row))
        _put(root / key, rows.encode(PREDICTIONS, content))


def _write(
    root: Path, table: Table, content: list[dict[str, Any]], files: list[str], each: int
) -> None:
    converted = rows.to_arrow(table, content)
    for index, file in enumerate(files):
        _put(root / file, rows.encode(table, converted.slice(index * each, each)))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
