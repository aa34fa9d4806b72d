"""How fast trials went before, and what a sweep is then expected to take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.price.estimate import START_SECONDS, estimate
from orchestrator.price.history import speeds
from orchestrator.price.speed import Range, Speed
from orchestrator.price.work import CONFIRMING, TUNING, Work
from orchestrator.search_space import Sweep, load
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from tests.orchestrator.store import samples

SPACE = Path(__file__).resolve().parents[3] / "search_spaces" / "rank.yaml"


@pytest.fixture
def sweep() -> Sweep:
    return load(SPACE, (), None, "embedded")


def add_trial(root: Path, name: str, number: int, **values: Any) -> None:
    """One that trains on 200 examples in 2 s each, and whose evaluations take 1 and 7 s."""
    store = Store(root)
    times = [
        {"train_seconds": 200.0, "eval_seconds": 1.0, "elapsed_seconds": 204.0},
        {
            "train_seconds": 400.0,
            "eval_seconds": 8.0,
            "elapsed_seconds": 411.0,
            "bleu": 0.5,
            "bleu_rows": 10,
        },
    ]
    for rung, each in enumerate(times):
        store.publish_report(samples.report(name, rung, trial_number=number, eval_rows=10, **each))
    given = {"base_model": "embedded", "dataset": "embedded", "device_kind": "cpu"}
    kept = {"peak_memory_bytes": 2**20 * (number + 1), "trainable_parameters": 100}
    store.publish_trial(samples.trial(name, trial_number=number, **(given | kept | values)))


def test_a_store_says_what_an_example_a_row_and_a_run_took(tmp_path: Path, sweep: Sweep) -> None:
    add_trial(tmp_path, "t-aaaaaaaaaa", 0)
    add_trial(tmp_path, "t-bbbbbbbbbb", 1)
    found = speeds(tmp_path, sweep, "cpu")
    assert found == {
        "lora": Speed(
            example=Range(2.0, 2.0, 2.0),
            loss_row=Range(0.1, 0.1, 0.1),
            scored_row=Range(0.7, 0.7, 0.7),
            run=Range(3.0, 3.0, 3.0),
            trials=2,
            memory_bytes=2**21,
            trained_each=100 / 8,
        )
    }


@pytest.mark.parametrize(
    "values",
    [
        {"base_model": "t5-small"},
        {"dataset": "rows.csv"},
        {"device_kind": "cuda"},
        {"outcome": "failed"},
        {"adopted_from": "rank-00000000/t-aaaaaaaaaa"},
    ],
)
def test_another_base_table_or_device_and_what_was_not_trained_say_nothing(
    tmp_path: Path, sweep: Sweep, values: dict[str, str]
) -> None:
    add_trial(tmp_path, "t-aaaaaaaaaa", 0, **values)
    assert speeds(tmp_path, sweep, "cpu") == {}


def test_without_a_store_nothing_is_known(tmp_path: Path, sweep: Sweep) -> None:
    assert speeds(tmp_path / "absent", sweep, "cpu") == {}


def test_a_sweep_takes_its_work_at_these_speeds_shared_among_the_slots() -> None:
    lora = Speed(Range(1.0, 2.0, 3.0), Range(0.0, 0.0, 0.0), Range(1.0, 1.0, 1.0), None, 4)
    work = [Work(TUNING, "lora", 0, 100, 0, 10), Work(CONFIRMING, "lora", 0, 50, 0, 0)]
    found = estimate(work, {"lora": lora}, slots=2, devices=1.0)
    assert found.phases[TUNING] == Range(110.0, 210.0, 310.0)
    assert found.device_seconds == Range(160.0, 310.0, 460.0)
    assert found.seconds.middle == pytest.approx(155.0 + START_SECONDS)
    assert (found.unknown, found.trials) == ([], 4)


def test_two_devices_a_trial_cost_twice_and_take_no_longer() -> None:
    lora = Speed(Range(1.0, 1.0, 1.0), None, None, None, 1)
    work = [Work(TUNING, "lora", 0, 100, 0, 0)]
    one = estimate(work, {"lora": lora}, slots=1, devices=1.0)
    two = estimate(work, {"lora": lora}, slots=1, devices=2.0)
    assert two.device_seconds.middle == 2 * one.device_seconds.middle
    assert two.seconds == one.seconds


def test_what_is_not_known_of_a_technique_is_said() -> None:
    lora = Speed(Range(1.0, 1.0, 1.0), None, None, None, 1)
    work = [Work(TUNING, "lora", 0, 1, 0, 1), Work(TUNING, "full", 1, 1, 1, 1)]
    assert estimate(work, {"lora": lora}, 1, 1.0).unknown == ["lora", "full"]


def test_what_a_sweep_spent_beside_its_trials_work_is_what_a_phase_takes_to_start(
    tmp_path: Path, sweep: Sweep
) -> None:
    add_trial(tmp_path, "t-aaaaaaaaaa", 0, phase="tune")
    files = SweepFiles(Store(tmp_path), samples.SWEEP)
    files.store.put_if_absent(files.adopted_key, b"{}")  # so that there is its folder
    DeviceSeconds(files).write(411.0 + 30.0)
    assert speeds(tmp_path, sweep, "cpu")["lora"].start == Range(30.0, 30.0, 30.0)
    # Tested on 10 rows, at 0.7 s each, in a phase of its own.
    add_trial(tmp_path, "t-bbbbbbbbbb", 1, phase="confirm", test_rows=10)
    DeviceSeconds(files).write(411.0 + 30.0 + 411.0 + 7.0 + 10.0)
    found = speeds(tmp_path, sweep, "cpu")["lora"].start
    assert found is not None
    assert found.middle == pytest.approx(20.0)


def test_each_phase_starts_processes() -> None:
    each, start = Range(1.0, 1.0, 1.0), Range(20.0, 20.0, 20.0)
    lora = Speed(each, None, None, None, 1, start=start)
    work = [Work(TUNING, "lora", 0, 100, 0, 0), Work(CONFIRMING, "lora", 0, 50, 0, 0)]
    found = estimate(work, {"lora": lora}, slots=2, devices=1.0)
    assert found.device_seconds.middle == 190.0
    assert found.seconds.middle == pytest.approx(95.0 + START_SECONDS)
