"""What lies in the tables of a store and is not read is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.store import Store, reader
from orchestrator.store.schema import TABLES
from orchestrator.store.unread import unread
from tests.orchestrator.store.samples import SWEEP, prediction, report, trial


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    store.publish_predictions(SWEEP, "t-a", 0, "test", "standard", 10, 100, [prediction(0)])
    store.publish_report(report("t-a"))
    store.publish_trial(trial("t-a"))
    return tmp_path


def test_of_a_store_as_it_is_written_nothing_is_said(root: Path) -> None:
    assert unread(root) is None
    assert unread(root / "nowhere") is None


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "name", ["old-sweep=abc", "copy", SWEEP, "Sweep=abc", "_old", "sweep=", "sweep=a b", "sweep=12"]
)
def test_a_folder_that_is_named_otherwise_is_named(root: Path, table: str, name: str) -> None:
    (root / table / f"sweep={SWEEP}").rename(root / table / name)
    words = unread(root) or ""
    assert words.startswith(f"Not read: {root}/{table}/{name}. ")
    assert "sweep=ID" in words
    for each in TABLES:
        shutil.rmtree(root / each / f"sweep={SWEEP}", ignore_errors=True)
    assert reader.sweeps(root) == []


def test_files_beside_the_folders_of_sweeps_and_links_are_named(root: Path, tmp_path: Path) -> None:
    (root / "trials" / "t-a.parquet").write_bytes(b"")
    (root / "predictions" / "sweep=abc.parquet").write_bytes(b"")
    (root / "reports" / "elsewhere").symlink_to(tmp_path)
    words = unread(root) or ""
    assert f"{root}/trials/t-a.parquet, {root}/reports/elsewhere" in words
    assert f"{root}/predictions/sweep=abc.parquet. " in words


def test_of_many_a_few_are_named(root: Path) -> None:
    for number in range(1234):
        (root / "trials" / f"old-{number:04d}").mkdir()
    assert "old-0002 and 1,231 more. " in (unread(root) or "")


@pytest.mark.parametrize(
    "name", [".ipynb_checkpoints/", ".DS_Store", ".hidden.parquet", "note.txt"]
)
def test_what_is_another_tools_is_not_named(root: Path, name: str) -> None:
    path = root / "trials" / name
    path.mkdir() if name.endswith("/") else path.write_text("")
    assert unread(root) is None
