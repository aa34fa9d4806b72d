"""What a user is told, before anything starts, of a data set that cannot be had."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.trainables.answering_hub import answer, go_online
from trainables.data.availability import check_dataset
from trainables.runtime.hub import Unavailable

ROW = {"sql_prompt": "How many users?", "sql_context": "CREATE TABLE t (a)", "sql": "SELECT 1"}


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go_online(monkeypatch, tmp_path)


def test_the_embedded_profile_needs_nothing_but_the_package() -> None:
    check_dataset("embedded")


def test_offline_both_remedies_are_named() -> None:
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE is set") as dataset:
        check_dataset("gretelai/synthetic_text_to_sql")
    assert "load_dataset('gretelai/synthetic_text_to_sql')" in str(dataset.value)
    assert "`--set dataset=FILE`" in str(dataset.value)
    assert "`--profile embedded`" in str(dataset.value)


@pytest.mark.parametrize("name", ["a/b$(touch x)", 'a/"b', "a/it's", "a/`b`", "a b"])
def test_a_name_that_nothing_on_the_hub_can_have_is_in_no_command(name: str) -> None:
    with pytest.raises(Unavailable, match="is neither a file nor a folder") as raised:
        check_dataset(name, "main; rm x")
    assert "load_dataset" not in str(raised.value)


def test_the_command_that_downloads_is_quoted() -> None:
    name = "a/b"
    with pytest.raises(Unavailable) as raised:
        check_dataset(name, "main; rm x")
    command = str(raised.value).partition(", with `")[2].partition("`; or give")[0]
    python, option, code = shlex.split(command)
    assert (python, option) == ("python", "-c")
    assert code == f"import datasets; datasets.load_dataset({name!r}, revision='main; rm x')"


@pytest.mark.usefixtures("online")
def test_a_data_set_on_the_hub_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, object())
    check_dataset("somebody/something")


def test_what_is_in_the_local_cache_needs_no_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    with pytest.raises(Unavailable):
        check_dataset("somebody/SomeRows")
    prepared = tmp_path / "datasets" / "somebody___some_rows" / "default" / "0.0.0" / "f1"
    prepared.mkdir(parents=True)
    check_dataset("somebody/SomeRows")


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_a_table_is_checked_by_its_columns(suffix: str, tmp_path: Path) -> None:
    def write(row: dict[str, str]) -> Path:
        path = tmp_path / f"train{suffix}"
        if suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist([row]), path)
        elif suffix == ".jsonl":
            path.write_text(json.dumps(row) + "\n")
        else:
            path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
        return path

    check_dataset(str(write(ROW)))
    check_dataset(str(tmp_path))
    write({"sql_prompt": "p", "reply": "SELECT 1"})
    with pytest.raises(Unavailable, match="lacks sql_context, sql: it has sql_prompt, reply"):
        check_dataset(str(tmp_path))


@pytest.mark.parametrize("name", ["/no/such.parquet", "rows.csv", "./folder", "a/b/c"])
def test_a_path_that_is_not_there_is_not_looked_up_on_the_hub(name: str) -> None:
    with pytest.raises(Unavailable, match="is neither a file nor a folder"):
        check_dataset(name)


def test_unreadable_data(tmp_path: Path) -> None:
    for name in ("readme.md", "test.parquet"):
        (tmp_path / name).touch()
        with pytest.raises(Unavailable, match="holds no table of training rows"):
            check_dataset(str(tmp_path))
    for name, message in (("rows.yaml", "is a .yaml, but must be"), ("rows.parquet", "cannot be")):
        (tmp_path / name).write_text("neither")
        with pytest.raises(Unavailable, match=message):
            check_dataset(str(tmp_path / name))


def test_neither_torch_nor_datasets_is_loaded() -> None:
    program = (
        "import sys, trainables.data.availability; "
        "print(*{'torch', 'transformers', 'peft', 'datasets'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
