"""A data set is data: no script beside its tables is run, and no pickle is read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.planted import PICKLES, Planted
from trainables.data.availability import check_dataset
from trainables.data.errors import DatasetError
from trainables.data.tables import read
from trainables.runtime.hub import Unavailable

ROW = {"sql_prompt": "How many users?", "sql_context": "CREATE TABLE t (a)", "sql": "SELECT 1"}


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "mark")


def test_scripts_and_pickles_beside_the_tables_are_left_alone(
    tmp_path: Path, planted: Planted
) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "train.jsonl").write_text(json.dumps(ROW) + "\n")
    planted.module(folder / "rows.py")
    planted.module(folder / "train.py")
    planted.pickles(folder, *PICKLES, "train.pkl", "train.pickle")
    assert [example.sql for example in read(str(folder))["train"]] == ["SELECT 1"]
    assert planted.asleep()


def test_a_script_is_no_data_set(tmp_path: Path, planted: Planted) -> None:
    """The hub's data sets are read by `datasets`, which once ran the script of their repository."""
    import datasets

    planted.module(tmp_path / "rows.py")
    with pytest.raises(RuntimeError, match="scripts are no longer supported"):
        datasets.load_dataset(str(tmp_path / "rows.py"), cache_dir=str(tmp_path / "cache"))
    assert planted.asleep()


def test_a_pickle_is_no_table(tmp_path: Path, planted: Planted) -> None:
    """It once read pickled frames as well."""
    import datasets

    planted.pickles(tmp_path, "train.pkl")
    with pytest.raises(Exception, match=r"[Pp]ickle"):
        datasets.load_dataset(
            "pandas", data_files=str(tmp_path / "train.pkl"), cache_dir=str(tmp_path / "cache")
        )
    assert planted.asleep()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("train.jsonl", "[" * 100_000, "it is nested too deeply"),
        ("train.jsonl", '{"sql": ' * 100_000 + "\n{}", "it is nested too deeply"),
        ("train.jsonl", "[1]\n", "line 1 is a number, not an object"),
        ("train.jsonl", "3\n", "line 1 is a number, not an object"),
        ("train.csv", "sql,sql,sql_prompt,sql_context\na,b,c,d\n", "has the column 'sql' twice"),
    ],
)
def test_a_table_that_is_none_is_refused_in_words(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(Unavailable, match=words):
        check_dataset(str(file))
    with pytest.raises(DatasetError, match=words):
        read(str(file))


def test_a_parquet_table_with_a_column_twice_is_refused_in_words(tmp_path: Path) -> None:
    texts = pa.array(["x"])
    names = ["sql", "sql_prompt", "sql_context", "sql_prompt"]
    pq.write_table(pa.Table.from_arrays([texts] * 4, names=names), tmp_path / "train.parquet")
    with pytest.raises(Unavailable, match="has the column 'sql_prompt' twice"):
        check_dataset(str(tmp_path))
    with pytest.raises(DatasetError, match="sql_prompt"):
        read(str(tmp_path))
