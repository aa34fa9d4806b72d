"""What phases cost adds up to what `results sweeps` says, and what early stopping saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.selection import final_rows
from orchestrator.results.spent import saved, spent
from orchestrator.search.tries import TRIES
from orchestrator.store import Store, index
from tests.orchestrator.results.synthetic import RUNGS, SWEEP, trial_name, write_trial

LORA = {"technique": "lora", "rank": 8, "data_size": 100}


def write(root: Path) -> None:
    store = Store(root)
    write_trial(store, 0, {"technique": "pretrained"}, phase="baseline")
    write_trial(store, 1, LORA, phase="tune")
    write_trial(store, 2, LORA, "failed", rungs=2, phase="tune")
    write_trial(store, TRIES + 2, LORA, phase="tune")  # the same run, tried again
    write_trial(store, 3, LORA, phase="tune", adopted_from="other-00000000/t-x")
    write_trial(store, 4, LORA, phase="confirm")
    write_trial(store, 5, LORA, "stopped", rungs=1, phase="tune")
    (root / "trials" / f"sweep={SWEEP}" / f"{trial_name(5)}.parquet").unlink()  # it runs


def test_phases_add_up_to_what_the_sweep_took(tmp_path: Path, ask: Callable[..., Any]) -> None:
    write(tmp_path)
    found = spent(index.trials(tmp_path, SWEEP), index.reports(tmp_path, SWEEP))
    assert [(each.phase, each.trials) for each in found] == [
        ("baseline", 1),
        ("tune", 3),
        ("confirm", 1),
        ("running", 1),
    ]
    (sweep,) = ask("sweeps", store=tmp_path)
    total = sum(each.train_seconds + each.eval_seconds for each in found)
    assert total == pytest.approx(sweep["device_seconds"])


def test_what_early_stopping_saved_is_the_rest_of_each_training(tmp_path: Path) -> None:
    store = Store(tmp_path)
    budget = json.dumps({"parameters": {"rank": 8}, "budget_examples": RUNGS[-1]})
    write_trial(store, 1, LORA, config_json=budget)
    write_trial(store, 2, LORA, "stopped", rungs=1, config_json=budget)
    write_trial(store, 3, LORA, "stopped", rungs=2, config_json=budget)
    write_trial(
        store, 4, LORA, "stopped", rungs=2, config_json=budget, adopted_from="other-00000000/t-x"
    )
    left = saved(final_rows(tmp_path, [SWEEP]))
    assert left is not None
    assert (left.stopped, left.trained) == (2, RUNGS[0] + RUNGS[1])
    assert left.examples == 2 * RUNGS[-1] - RUNGS[0] - RUNGS[1]
    # The synthetic trials train a hundred examples a second.
    assert left.seconds == pytest.approx(left.examples / 100)


def test_where_nothing_was_stopped_nothing_was_saved(tmp_path: Path) -> None:
    write_trial(Store(tmp_path), 1, LORA)
    assert saved(final_rows(tmp_path, [SWEEP])) is None
