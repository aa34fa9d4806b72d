from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from orchestrator.results.export import ExportFormat, export
from orchestrator.results.query import query
from orchestrator.store import REPORTS, Store, StoreUnusableError, index, reader
from orchestrator.store.errors import DamagedError
from tests.orchestrator.store.samples import prediction, report, trial


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    for sweep in ("b-00000001", "a-00000001"):
        for number in (10, 9):
            name = f"t-{number}x"
            common = {"sweep_id": sweep, "trial_number": number}
            store.publish_predictions(
                sweep, name, number, "test", "standard", 10, 100, [prediction(0)]
            )
            for rung in (1, 0):
                store.publish_report(report(name, rung, **common))
            store.publish_trial(trial(name, **common))
    store.publish_report(report("t-c", sweep_id="c-00000001"))
    return tmp_path


def test_rows_come_by_sweep_trial_and_rung(root: Path) -> None:
    trials = reader.trials(root).to_pylist()
    assert [(row["sweep_id"][0], row["trial_number"]) for row in trials] == [
        ("a", 9),
        ("a", 10),
        ("b", 9),
        ("b", 10),
    ]
    reports = reader.reports(root, "b-00000001").to_pylist()
    assert [(row["trial_number"], row["rung"]) for row in reports] == [
        (9, 0),
        (9, 1),
        (10, 0),
        (10, 1),
    ]


def test_a_sweep_without_final_rows_is_a_sweep(root: Path) -> None:
    assert reader.sweeps(root) == ["a-00000001", "b-00000001", "c-00000001"]
    assert reader.trials(root, "c-00000001").num_rows == 0


def test_predictions_of_some_trials(root: Path) -> None:
    assert reader.predictions(root).num_rows == 4
    found = reader.predictions(root, "a-00000001", trial_ids=["t-9x", "t-unknown"])
    assert found["trial_id"].to_pylist() == ["t-9x"]


def test_an_empty_store_has_empty_tables(tmp_path: Path) -> None:
    assert reader.sweeps(tmp_path) == []
    assert reader.reports(tmp_path).schema == REPORTS.schema
    with pytest.raises(StoreUnusableError, match=r"no experiment store at .*--root"):
        reader.trials(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "key",
    [
        "trials/sweep=a-00000001/copy of t.parquet",
        "trials/sweep=a-00000001/deeper/t-9x.parquet",
        "reports/sweep=a-00000001/copy of t.parquet",
        "reports/sweep=a-00000001/0000000000-0000000100.parquet",
        "reports/sweep=a-00000001/trial=t-9x/copy of t.parquet",
        "reports/sweep=a-00000001/trial=t-9x/deeper/0000000000-0000000100.parquet",
        "predictions/sweep=a-00000001/copy of t.parquet",
        "predictions/sweep=a-00000001/trial=t-9x/copy of t.parquet",
    ],
)
def test_a_file_that_no_store_has_is_refused_by_all_that_read_its_folder(
    root: Path, key: str
) -> None:
    table = key.split("/")[0]
    copy = root / key
    own = "t-9x.parquet" if table == "trials" else "trial=t-9x/*.parquet"
    original = next((root / table / "sweep=a-00000001").glob(own))
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(original.read_bytes())
    readers: dict[str, list[Callable[[Path], object]]] = {
        "trials": [reader.trials, index.trials],
        "reports": [reader.reports, index.reports],
        "predictions": [
            reader.predictions,
            lambda root: query(root, ["a-00000001"], "SELECT count(*) FROM predictions"),
        ],
    }
    for read in readers[table]:
        with pytest.raises(DamagedError, match=re.escape(f"{copy} has a name that no file of")):
            read(root)


def test_a_trial_that_a_compacted_copy_has_too_is_refused(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    export(root, ["a-00000001"], copy, ExportFormat.PARQUET)
    readers: dict[str, list[Callable[[Path], pa.Table]]] = {
        "trials": [reader.trials, index.trials],
        "reports": [reader.reports, index.reports],
        "predictions": [reader.predictions],
    }
    for table, of_table in readers.items():
        count = of_table[0](root).num_rows
        key = f"{table}/sweep=a-00000001/{table}.parquet"
        shutil.copy(copy / key, root / key)
        for read in of_table:
            with pytest.raises(DamagedError, match=rf"holds {table} of t-10x, which has files of"):
                read(root)
        for own in (root / key).parent.iterdir():
            if own.is_dir():
                shutil.rmtree(own)
            elif own != root / key:
                own.unlink()
        for read in of_table:  # beside other sweeps, which have files of their own
            assert read(root).num_rows == count
