from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
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


_READERS: dict[str, list[Callable[[Path], object]]] = {
    "reports": [
        reader.reports,
        index.reports,
        lambda root: index.reports(root, columns=["rouge_l"]),
        lambda root: Store(root).reports("a-00000001", "t-9x"),
        lambda root: Store(root).reports("a-00000001", "t-9x", earlier=["rouge_l"]),
    ],
    "predictions": [
        reader.predictions,
        lambda root: reader.predictions(root, "a-00000001", trial_ids=["t-9x"]),
        lambda root: query(root, ["a-00000001"], "SELECT count(*) FROM predictions"),
        lambda root: Store(root).copy_predictions("a-00000001", "t-9x", "d-00000001", "t-d", 0),
    ],
}


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


@pytest.mark.parametrize(
    ("table", "original", "copied"),
    [
        ("reports", "0000000100-0000000200", "0000000200-0000000300"),
        ("reports", "0000000100-0000000200", "0000000000-0000000200"),
        ("reports", "0000000000-0000000100", "0000000000-0000000050"),
        ("predictions", "test-standard-0000000100", "test-standard-0000000200"),
        ("predictions", "test-standard-0000000100", "test-standard-0000000050"),
        ("predictions", "test-standard-0000000100", "test-notebook-0000000100"),
        ("predictions", "test-standard-0000000100", "validation-standard-0000000100"),
    ],
)
@pytest.mark.parametrize("says_its_name", [True, False])
def test_a_file_copied_under_another_lawful_name_is_refused_by_all_that_read_it(
    root: Path, table: str, original: str, copied: str, says_its_name: bool
) -> None:
    folder = root / table / "sweep=a-00000001" / "trial=t-9x"
    first, second = folder / f"{original}.parquet", folder / f"{copied}.parquet"
    if not says_its_name:  # as of a store from before files of predictions did
        pq.write_table(pq.read_table(first, partitioning=None).replace_schema_metadata(), first)
    shutil.copy(first, second)
    for read in _READERS[table]:
        with pytest.raises(DamagedError, match=rf"{re.escape(str(folder))}/.*move .* out of"):
            read(root)


def test_predictions_that_were_renamed_are_told_by_the_name_that_they_had(root: Path) -> None:
    folder = root / "predictions" / "sweep=a-00000001" / "trial=t-9x"
    old, new = (folder / f"test-standard-{number:010d}.parquet" for number in (100, 200))
    old.rename(new)
    for read in _READERS["predictions"]:
        with pytest.raises(DamagedError, match=rf"{re.escape(str(new))} .*{old.name}"):
            read(root)


def test_two_rungs_may_have_the_same_step(root: Path) -> None:
    """As those of a small budget, which a large batch reaches at once."""
    sweep, trial_id = "a-00000001", "t-9x"
    for rung in (25, 50):
        Store(root).publish_predictions(
            sweep, trial_id, 9, "validation", "standard", 1, rung, [prediction(0)]
        )
    assert reader.predictions(root, sweep, trial_ids=[trial_id]).num_rows == 3
    found = query(root, [sweep], f"SELECT trial_id FROM predictions WHERE trial_id = '{trial_id}'")
    assert found.data == [{"trial_id": trial_id}] * 3


@pytest.mark.parametrize("says_its_name", [(), (25,)])
def test_two_rungs_of_one_step_are_told_by_their_reports_where_files_carry_no_names(
    root: Path, says_its_name: tuple[int, ...]
) -> None:
    """As of a store, or of the first rungs in it, from before files of predictions did."""
    sweep, trial_id = "a-00000001", "t-9x"
    folder = root / "predictions" / f"sweep={sweep}" / f"trial={trial_id}"
    Store(root).publish_report(
        report(trial_id, 0, sweep_id=sweep, rung_from=0, rung_examples=25, step=10)
    )
    for rung in (25, 100):
        Store(root).publish_predictions(
            sweep, trial_id, 9, "validation", "standard", 10, rung, [prediction(0)]
        )
        file = folder / f"validation-standard-{rung:010d}.parquet"
        if rung not in says_its_name:
            content = pq.read_table(file, partitioning=None)
            pq.write_table(content.replace_schema_metadata(), file)
    assert reader.predictions(root, sweep, trial_ids=[trial_id]).num_rows == 3
    copy = folder / "validation-standard-0000000200.parquet"  # a rung of another step
    shutil.copy(folder / "validation-standard-0000000100.parquet", copy)
    for read in _READERS["predictions"]:
        with pytest.raises(DamagedError, match=f"{copy.name} holds the evaluation that"):
            read(root)


def test_compacted_copies_of_sweeps_with_the_same_name_are_read(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for sweep in ("same-00000001", "same-00000002"):
        Store(root).copy_predictions("a-00000001", "t-9x", sweep, "t-9x", 9)
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    export(root, reader.sweeps(root), copy, ExportFormat.PARQUET)
    assert reader.predictions(copy).num_rows == reader.predictions(root).num_rows == 6


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
