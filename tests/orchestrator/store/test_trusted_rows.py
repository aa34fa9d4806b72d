"""Rows are of the sweep and trial whose file they stand in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.store import reader

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("above", ["trial=3", "sweep=x/trials", "reports/trial=t-aaaaaaaaaa"])
def test_folders_above_the_store_may_have_any_name(tmp_path: Path, above: str) -> None:
    root = tmp_path / above / "store"
    shutil.copytree(DATA / "store-v1", root)
    assert reader.trials(root).num_rows == 6
    assert reader.reports(root).num_rows == 8
    assert reader.predictions(root).num_rows == 15
