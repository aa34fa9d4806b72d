"""Which file of a data set is which split, the same to all who ask: checked, counted and read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainables.contract.splits import BY_ROW
from trainables.data.availability import check_dataset
from trainables.data.errors import DatasetError
from trainables.data.locations import is_on_hub, split_files
from trainables.data.row_counts import training_rows
from trainables.data.split_files import splits_by_name
from trainables.data.splits import load_splits
from trainables.data.tables import read
from trainables.runtime.hub import Unavailable

ROWS = 30


def _write(path: Path, first: int) -> None:
    rows = [
        {"sql_prompt": f"question {first + row}", "sql_context": "", "sql": f"SELECT {row}"}
        for row in range(ROWS)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix in (".jsonl", ".json"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def _folder(folder: Path, *names: str) -> str:
    for number, name in enumerate(names):
        _write(folder / name, number * ROWS)
    return str(folder)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train.parquet"], {"train": 1}),
        (["train.parquet", "test.csv", "dev.jsonl"], {"train": 1, "test": 1, "validation": 1}),
        (["TRAIN.PARQUET", "Test.CSV", "Val.JsonL"], {"train": 1, "test": 1, "validation": 1}),
        (["training.csv", "testing.csv", "valid.csv"], {"train": 1, "test": 1, "validation": 1}),
        (["wikisql-train.jsonl", "wikisql_test.jsonl"], {"train": 1, "test": 1}),
        (["train.parquet", "training-test.parquet"], {"train": 1, "test": 1}),
        (["train-test-split_train.csv", "train-test-split_test.csv"], {"train": 1, "test": 1}),
        (["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"], {"train": 2}),
        (["train-1-of-2.csv", "train-2-of-2.csv"], {"train": 2}),
        (["train-00000-of-00002-ab12.parquet", "train-00001-of-00002-cd34.parquet"], {"train": 2}),
        (["train-0.csv", "train-1.jsonl", "train2.parquet"], {"train": 3}),
        (["rows_train.snappy.parquet", "rows_test.snappy.parquet"], {"train": 1, "test": 1}),
        (["train_spider.json", "dev.json"], {"train": 1, "validation": 1}),
        (["train.csv", "my-test-settings.json"], {"train": 1}),
        (["train.csv", "._train.csv", "contest.csv", "old/train.csv"], {"train": 1}),
    ],
)
def test_a_folder_is_read_as_it_is_checked_and_counted(
    tmp_path: Path, names: list[str], splits: dict[str, int]
) -> None:
    folder = _folder(tmp_path, *names)
    found = split_files(folder)
    assert found is not None
    assert {split: len(files) for split, files in found.items()} == splits
    check_dataset(folder)
    rows = {split: len(examples) for split, examples in read(folder).items()}
    assert rows == {split: count * ROWS for split, count in splits.items()}
    assert training_rows(folder, 5, 5) == len(load_splits(folder, None, 0, 5, 5, BY_ROW).train)


NO_TRAINING = "holds no table of training rows; it needs a file such as train.parquet"
BOTH = "which both say that they are the split"


@pytest.mark.parametrize(
    ("names", "phrases"),
    [
        (["training-test.parquet"], [NO_TRAINING, "holds training-test.parquet (test)"]),
        (["test.csv", "dev.csv"], [NO_TRAINING, "holds dev.csv (validation) and test.csv (test)"]),
        (["trained.csv", "train.xml"], [NO_TRAINING, "holds train.xml and trained.csv"]),
        (["data/train-00000-of-00001.parquet"], [NO_TRAINING, "holds data (a folder). Its subfol"]),
        (
            ["train/0.csv", "test/0.csv"],
            [NO_TRAINING, "move test/0.csv up, under a name that says"],
        ),
        (["train.parquet/part-0.parquet"], [NO_TRAINING, "holds train.parquet (a folder)"]),
        ([".train.csv"], [NO_TRAINING, "holds .train.csv"]),
        (["train.csv", "train.parquet"], ["train.csv and train.parquet", BOTH, "keep one of them"]),
        (["TRAIN.csv", "train.csv"], ["TRAIN.csv and train.csv", BOTH]),
        (["train.csv", "training.csv"], [BOTH, "parts of one table train-1.csv, train-2.csv"]),
        (["spider-train.csv", "wikisql-train.csv"], ["spider-train.csv and wikisql-train.csv"]),
        (["train.csv", "dev.csv", "valid.csv"], ["dev.csv and valid.csv", "the split validation"]),
        (["train.csv", "train-00000-of-00001.csv"], [BOTH]),
        (["train-00000-of-00002.csv", "train-00000-of-00003.csv"], [BOTH]),
        (["train-00000-of-00001-ab.csv", "train-00000-of-00001-cd.csv"], [BOTH]),
        (["train-1.csv", "train.csv", "train.jsonl"], ["train.csv and train.jsonl", BOTH]),
        (["train-00000-of-00002.csv"], ["but not the part of number 1", "whole split train.csv"]),
        (["train-00001-of-00002.csv"], ["but not the part of number 0"]),
        (["train-00001-of-99999999999999.csv"], ["but not the part of number 0"]),
        (["train-1-of-3.csv", "train-3-of-3.csv"], ["but not the part of number 2"]),
        (["train.csv", "test-00000-of-00002.csv"], ["holds test-00000-of-00002.csv, but not the"]),
        ([], [NO_TRAINING, "holds nothing"]),
    ],
)
def test_a_folder_that_cannot_be_divided_is_refused_alike_by_all_who_ask(
    tmp_path: Path, names: list[str], phrases: list[str]
) -> None:
    folder = _folder(tmp_path, *names)
    with pytest.raises(DatasetError) as read_by:
        read(folder)
    for phrase in [f"The folder {folder!r}", *phrases]:
        assert phrase in str(read_by.value)
    with pytest.raises(DatasetError) as counted:
        training_rows(folder, 1, 1)
    with pytest.raises(DatasetError) as divided:
        load_splits(folder, None, 0, 1, 1, BY_ROW)
    with pytest.raises(Unavailable) as checked:
        check_dataset(folder)
    told = {str(refused.value) for refused in (read_by, counted, divided, checked)}
    assert len(told) == 1


def test_a_link_to_nothing_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").symlink_to("blobs/0123")
    with pytest.raises(DatasetError, match=r"holds train\.parquet \(a link to nothing\)"):
        split_files(str(tmp_path))


def test_a_table_is_all_training_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _write(tmp_path / "Test.CSV", 0)
    for name in (str(tmp_path / "Test.CSV"), "~/Test.CSV"):
        check_dataset(name)
        assert split_files(name) == {"train": (tmp_path / "Test.CSV",)}
        assert len(read(name)["train"]) == ROWS


@pytest.mark.parametrize(
    "name",
    [
        "/no/such",
        "./no-such",
        "rows.CSV",
        "some/rows.jsonl",
        "a/b/c",
        "~nobody-here/rows",
        "/" + "x" * 300,
    ],
)
def test_a_path_where_nothing_lies_is_told_alike_by_all_who_ask(name: str) -> None:
    assert not is_on_hub(name)
    with pytest.raises(Unavailable, match="neither a file nor a folder") as checked:
        check_dataset(name)
    with pytest.raises(DatasetError) as loaded:
        read(name)
    assert str(loaded.value) == str(checked.value)


def test_the_built_in_one_and_the_hub_s_have_no_files() -> None:
    assert split_files("embedded") is None
    assert split_files("gretelai/synthetic_text_to_sql") is None
    assert is_on_hub("gretelai/synthetic_text_to_sql")
    assert not is_on_hub("embedded")


def test_splits_of_the_hub_go_by_their_whole_names() -> None:
    names = ["train", "dev", "validation", "valid", "train_extra", "testing"]
    assert splits_by_name(names) == {
        "train": "train",
        "validation": "validation",
        "test": "testing",
    }
    assert splits_by_name(reversed(names)) == splits_by_name(names)
