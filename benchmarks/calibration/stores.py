"""A simulated sweep as a store: written as a sweep writes it, so that the commands can be asked."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration.statements import ASKED, Stated
from benchmarks.calibration.sweep import SEEDS, SimulatedSweep
from benchmarks.calibration.worlds import STRATA
from benchmarks.simulation import Unsynced
from orchestrator.results.compare import compare
from orchestrator.results.confirmed_answer import confirmed_answer_of
from orchestrator.results.selection import final_rows
from orchestrator.state.confirmation_log import Choice, Confirmation, ConfirmationLog, Terms
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.schema import CONFIRM

SWEEP = "calibration-0a1b2c3d"
METRIC = "rouge_l"
_BUDGET = 20000
_START = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def write(sweep: SimulatedSweep, root: Path) -> list[int]:
    """Writes what was confirmed, and the runs with their test rows.

    Args:
        sweep: The sweep.
        root: Of the store, which is made.

    Returns:
        Which of `STRATA` each confirmed configuration is, in the order of the record.
    """
    store = Store(root, Unsynced())
    order = sorted(range(len(STRATA)), key=lambda index: index != sweep.best)
    terms = Terms(ASKED, len(STRATA) * sweep.world.rates, SEEDS, len(STRATA))
    choices = [
        Choice(_configuration(sweep, index), f"t-tuned{index:05d}", "best of its stratum")
        for index in order
    ]
    record = ConfirmationLog(SweepFiles(store, SWEEP)).write(
        terms, choices, "rates are not part of this simulation"
    )
    for index, number, scores in _runs(sweep, record, order):
        _write_run(store, sweep, index, number, scores)
    return order


def answered(sweep: SimulatedSweep, root: Path) -> dict[str, Stated]:
    """Returns what the answer's object states of the parameters, by the store alone.

    Args:
        sweep: With the truth.
        root: Where `write` wrote it.
    """
    found = confirmed_answer_of(root, SWEEP)
    assert found is not None
    order = sorted(range(len(STRATA)), key=lambda index: index != sweep.best)
    true = sweep.of_configurations[order]
    return {
        name: Stated(*each.interval, float(each.asked.weights @ true), each.differs)
        for name, (each,) in found.asked.items()
    }


def compared(sweep: SimulatedSweep, root: Path, a: int, b: int) -> Stated:
    """Returns what `results compare` says of two of `STRATA`, by the store alone."""
    rows = final_rows(root, [SWEEP])
    texts = [",".join(f"{name}={value}" for name, value in STRATA[i].items()) for i in (a, b)]
    data: Any = compare(root, rows, texts[0], texts[1], None).data
    true = float(sweep.of_configurations[a] - sweep.of_configurations[b])
    return Stated(data["low"], data["high"], true, data["distinguishable"])


def _configuration(sweep: SimulatedSweep, index: int) -> dict[str, Any]:
    stratum = STRATA[index]
    return {
        "technique": "lora",
        "data_size": stratum["data_size"],
        "rank": stratum["rank"],
        "learning_rate": sweep.rates[index],
    }


def _runs(
    sweep: SimulatedSweep, record: Confirmation, order: list[int]
) -> Iterator[tuple[int, int, np.ndarray]]:
    for index, confirmed in zip(order, record.confirmed, strict=True):
        for number, scores in zip(confirmed.trials, sweep.scores.runs[index], strict=True):
            yield index, number, scores


def _write_run(
    store: Store, sweep: SimulatedSweep, index: int, number: int, scores: np.ndarray
) -> None:
    name = f"t-c{number:09d}"
    stratum = STRATA[index]
    parameters = {"rank": stratum["rank"], "learning_rate": sweep.rates[index]}
    store.publish_predictions(
        SWEEP,
        name,
        number,
        "test",
        "standard",
        _BUDGET // 16,
        _BUDGET,
        [
            {
                "example_id": f"test-{row}",
                "sql_prompt": "How many?",
                "sql_context": f"CREATE TABLE t{row} (a INT)",
                "reference": "SELECT COUNT(*) FROM t",
                "prediction": f"SELECT {row}",
                "schema_group": f"schema-{row}",
                METRIC: float(score),
            }
            for row, score in enumerate(scores)
        ],
    )
    store.publish_report(
        {
            "sweep_id": SWEEP,
            "trial_id": name,
            "trial_number": number,
            "rung": 0,
            "rung_from": 0,
            "rung_examples": _BUDGET,
            "step": _BUDGET // 16,
            "examples_seen": _BUDGET,
            "eval_rows": 100,
            "reported_at": _START,
            METRIC: float(scores.mean()),
        }
    )
    store.publish_trial(
        {
            "sweep_id": SWEEP,
            "sweep_name": "calibration",
            "trial_id": name,
            "trial_number": number,
            "configuration_id": f"c-{index}",
            "phase": CONFIRM,
            "profile": "embedded",
            "technique": "lora",
            **parameters,
            "data_size": stratum["data_size"],
            "dataset": "embedded",
            "outcome": "completed",
            "last_rung": 0,
            "eval_rows": 100,
            "objective_metric": METRIC,
            "objective_mode": "max",
            "objective": float(scores.mean()),
            METRIC: float(scores.mean()),
            "ended_at": _START,
            "config_json": json.dumps(
                {"parameters": parameters, "data_seed": 0, "protocol": "standard"}
            ),
        }
    )
