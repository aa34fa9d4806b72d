"""The sweep command with tools that it is followed in, one of which hangs, and with `--on-end`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from orchestrator.tracking.tensorboard_tool import TensorboardTool
from tests.orchestrator import running, sweeps
from tests.orchestrator.tracking import servers


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sweep_ends_as_without_tools_and_is_whole_in_the_one_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("mlflow", "tensorboard"):
        pytest.importorskip(tool, reason=f"{tool} is not installed")
    # Not over before the sweep is.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")
    root, ended = tmp_path / "store", tmp_path / "ended.json"
    file = sweeps.write(tmp_path, trials=4, track=["mlflow", "tensorboard"])
    on_end = f"--on-end=cat > {shlex.quote(str(ended))}; exit 3"
    with servers.silent() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        done = running.run(file, root, None, on_end)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    rows = running.rows(root, "trials")
    (sweep_id,) = {row["sweep_id"] for row in rows}
    assert TensorboardTool(root, sweep_id).ended() == {row["trial_id"] for row in rows}
    assert f"{len(rows)} trials are in tensorboard" in done.stdout
    assert "mlflow lacks something of the sweep: it did not take everything" in done.stdout
    assert "--on-end: the command ended with exit code 3." in done.stdout
    read = json.loads(ended.read_text())
    assert (read["sweep_id"], read["outcome"], read["exit_code"]) == (sweep_id, "finished", 0)
    assert sum(read["trials"].values()) == len(rows)
