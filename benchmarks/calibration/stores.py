"""A simulated sweep as a store: written as a sweep writes it, so that the commands can be asked."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.calibration import around
from benchmarks.calibration.around import AROUND, SimulatedAround
from benchmarks.calibration.statements import ASKED, Stated
from benchmarks.calibration.sweep import SEEDS, SimulatedSweep
from benchmarks.calibration.worlds import HIGH, LOW, STRATA, Array
from benchmarks.simulation import Unsynced
from orchestrator.results.compare import compare
from orchestrator.results.confirmed_answer import confirmed_answer_of
from orchestrator.results.selection import final_rows
from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
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
    order = _order(sweep.best)
    terms = Terms(ASKED, len(STRATA) * sweep.world.rates, SEEDS, len(STRATA))
    choices = [
        Choice(_configuration(index, sweep.rates[index]), _tuned(index), "best of its stratum")
        for index in order
    ]
    record = ConfirmationLog(SweepFiles(store, SWEEP)).write(
        terms, choices, "rates are not part of this simulation"
    )
    _write_runs(store, record, [sweep.scores.runs[index] for index in order])
    return order


def write_around(sweep: SimulatedAround, root: Path) -> list[int]:
    """Writes a sweep that was confirmed at rates around the chosen ones; otherwise as `write`."""
    store = Store(root, Unsynced())
    order = _order(sweep.best)
    terms = Terms(ASKED, len(STRATA) * 6, around.SEEDS, len(STRATA), around=AROUND)
    chosen, beside, runs, runs_beside = [], [], [], []
    for index in order:
        own = sweep.combinations[index]
        for number, rate in zip(own.configurations, own.rates, strict=True):
            configuration, scores = _configuration(index, rate), sweep.all_runs.runs[number]
            if number < len(STRATA):
                reason = "best of its stratum"
                chosen.append(Choice(configuration, _tuned(index), reason, (LOW, HIGH)))
                runs.append(scores)
            else:
                choice = Choice(configuration, _tuned(index), "beside it", (LOW, HIGH), True)
                beside.append(choice)
                runs_beside.append(scores)
    log = ConfirmationLog(SweepFiles(store, SWEEP))
    record = log.write(terms, [*chosen, *beside], "rates around are not in this store")
    _write_runs(store, record, [*runs, *runs_beside])
    return order


def answered(sweep: SimulatedSweep | SimulatedAround, root: Path) -> dict[str, Stated]:
    """Returns what the answer's object states of the parameters, by the store alone.

    Args:
        sweep: With the truth.
        root: Where it was written.
    """
    found = confirmed_answer_of(root, SWEEP)
    assert found is not None
    of_values = found.best_rates is not None
    true = (sweep.of_values if of_values else sweep.of_configurations)[_order(sweep.best)]
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


def _order(best: int) -> list[int]:
    return sorted(range(len(STRATA)), key=lambda index: index != best)


def _tuned(index: int) -> str:
    return f"t-tuned{index:05d}"


def _configuration(index: int, rate: float) -> dict[str, Any]:
    stratum = STRATA[index]
    return {
        "technique": "lora",
        "data_size": stratum["data_size"],
        "rank": stratum["rank"],
        "learning_rate": rate,
    }


def _write_runs(store: Store, record: Confirmation, runs: Sequence[Array]) -> None:
    """Writes the runs of each choice, shape [seeds, rows]."""
    for confirmed, own in zip(record.confirmed, runs, strict=True):
        for number, scores in zip(confirmed.trials, own, strict=True):
            _write_run(store, confirmed.choice.configuration, number, scores)


def _write_run(store: Store, configuration: Configuration, number: int, scores: Array) -> None:
    name = f"t-c{number:09d}"
    parameters = {key: configuration[key] for key in ("rank", "learning_rate")}
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
            "configuration_id": configuration_id(configuration),
            "phase": CONFIRM,
            "profile": "embedded",
            "technique": "lora",
            **parameters,
            "data_size": configuration["data_size"],
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
