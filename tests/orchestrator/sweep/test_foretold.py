"""What a sweep will take is said and kept at its start, and held against what it took."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.ray_tune.placement import Slots
from orchestrator.results.sweeps import overview
from orchestrator.search_space import Sweep, load
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.sweep.foretold import foretell
from tests.orchestrator.price.test_history import SPACE, add_trial
from tests.orchestrator.store import samples

PLACE = Slots("cpu", 2, 1, {"CPU": 1.0})
ALONE = ("baseline=false", "confirm=null", "stopping=null", "trials=6", "budget.examples=2400")


@pytest.fixture
def sweep() -> Sweep:
    return load(SPACE, ALONE, None, "embedded")


@pytest.fixture
def stored(tmp_path: Path, sweep: Sweep) -> StoredSweep:
    add_trial(tmp_path, "t-aaaaaaaaaa", 0)
    return latest(sweep, Store(tmp_path))


def test_what_a_sweep_takes_is_said_kept_and_held_against_what_it_took(
    tmp_path: Path, stored: StoredSweep
) -> None:
    said = foretell(stored, [PLACE], None)
    # Six runs of 2,400 examples in 2 s each, scored at four rungs and on the test rows.
    rows = 4 * stored.sweep.evaluation.validation_rows + 200
    each = 3 + 2400 * 2.0 + 0.7 * rows
    assert said is not None
    assert said.startswith("It takes about 4 h ")
    assert said.endswith("if trials go as 1 of this store did.")
    DeviceSeconds(stored.files).write(30_000.0)
    stored.store.publish_trial(samples.trial("t-bbbbbbbbbb", sweep_id=stored.id))
    row = _overview(tmp_path, stored.id)
    assert row["planned_device_seconds"] == pytest.approx(6 * each, rel=0.01)
    assert row["spent_device_seconds"] == 30_000.0


def test_nothing_is_said_of_what_is_not_known(tmp_path: Path, stored: StoredSweep) -> None:
    assert foretell(stored, [Slots("cuda", 2, 1, {"GPU": 1.0})], None) is None
    assert foretell(stored, [PLACE, Slots("cuda", 2, 1, {"GPU": 1.0})], None) is None
    stored.store.publish_trial(samples.trial("t-bbbbbbbbbb", sweep_id=stored.id))
    row = _overview(tmp_path, stored.id)
    assert (row["planned_device_seconds"], row["spent_device_seconds"]) == (None, None)


def _overview(root: Path, sweep_id: str) -> Any:
    (row,) = overview(root, [sweep_id]).data
    return row
