"""Reading results loads no pickle, wherever one is planted in the store."""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.results.cli import main
from orchestrator.store import Store, index
from tests.orchestrator.results.synthetic import SWEEP, trial_name, write_trial
from tests.planted import PICKLES, Planted
from trainables.data.tables import read


def test_pickles_in_the_store_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(index, "WORTHWHILE", 1)
    root = tmp_path / "store"
    for number in range(3):
        write_trial(Store(root), number, {"technique": "lora", "data_size": 100, "rank": 4})

    def ask(*arguments: str) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["--root", str(root), *arguments])
        assert not ended.value.code, capsys.readouterr().err
        assert capsys.readouterr().out

    ask("leaderboard")
    assert list((root / "state" / "index").rglob("*.parquet"))
    planted = Planted(tmp_path / "mark")
    ray = f"state/sweep={SWEEP}/ray/{SWEEP}"
    planted.pickles(root / ray, "tuner.pkl", "trainable.pkl", "experiment_state.json")
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        planted.pickles(folder, *PICKLES)
    for arguments in (
        ["leaderboard"],
        ["show", trial_name(0)],
        ["query", "SELECT COUNT(*) FROM predictions"],
        ["export", str(tmp_path / "export")],
    ):
        ask(*arguments)
    assert planted.asleep()


def test_a_pickle_in_the_metadata_of_a_table_is_not_read(tmp_path: Path) -> None:
    planted = Planted(tmp_path / "mark")
    # How pyarrow once stored extension types that Python defines.
    metadata = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": planted.payload(),
    }
    names = ("sql_prompt", "sql_context", "sql")
    fields = [pa.field(name, pa.string(), metadata=metadata) for name in names]
    table = pa.table({name: ["text"] for name in names}, schema=pa.schema(fields))
    pq.write_table(table, tmp_path / "train.parquet")
    kept = pq.read_metadata(tmp_path / "train.parquet").metadata[b"ARROW:schema"]
    assert b"arrow.py_extension_type" in base64.b64decode(kept)
    assert [row.sql for row in read(str(tmp_path))["train"]] == ["text"]
    assert planted.asleep()
