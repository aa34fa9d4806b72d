"""Rows are of the sweep and trial whose file they stand in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.store import TRIALS, Store, keys, reader, rows
from orchestrator.store.errors import DamagedError
from tests.orchestrator.store import samples

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("above", ["trial=3", "sweep=x/trials", "reports/trial=t-aaaaaaaaaa"])
def test_folders_above_the_store_may_have_any_name(tmp_path: Path, above: str) -> None:
    root = tmp_path / above / "store"
    shutil.copytree(DATA / "store-v1", root)
    assert reader.trials(root).num_rows == 6
    assert reader.reports(root).num_rows == 8
    assert reader.predictions(root).num_rows == 15


@pytest.mark.parametrize("taken", ["another trial's rows", "two trials' rows"])
def test_one_foreign_file_among_many_is_named(tmp_path: Path, taken: str) -> None:
    store = Store(tmp_path)
    names = [f"t-{letter * 10}" for letter in "abc"]
    for number, name in enumerate(names):
        store.publish_trial(samples.trial(name, trial_number=number))
    first, second, third = (tmp_path / keys.trial_key(samples.SWEEP, name) for name in names)
    if taken == "another trial's rows":
        second.write_bytes(third.read_bytes())
    else:
        both = pa.concat_tables([pq.read_table(first), pq.read_table(second)])
        second.write_bytes(rows.encode(TRIALS, both.cast(TRIALS.schema)))
    with pytest.raises(DamagedError, match=second.name):
        reader.trials(tmp_path)
