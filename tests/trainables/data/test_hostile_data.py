"""A data set is data: no script beside its tables is run, and no pickle is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.planted import PICKLES, Planted
from trainables.data.tables import read

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
