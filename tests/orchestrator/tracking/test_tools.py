"""The real tools, each of which is read back by itself: MLflow, TensorBoard, Weights & Biases."""

from __future__ import annotations

import errno
import math
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import UserError
from orchestrator.store import Store
from orchestrator.store.errors import DamagedError
from orchestrator.tracking.mirror import Mirror
from orchestrator.tracking.mlflow_server import shown
from orchestrator.tracking.run_record import Run
from orchestrator.tracking.stored_runs import StoredRuns
from orchestrator.tracking.tools import open_tool
from tests import small_disk
from tests.orchestrator.results import synthetic
from tests.orchestrator.tracking import stores

Curves = dict[str, dict[str, list[tuple[int, float]]]]
"""What a tool has: trial, name, then (step, value) in the order of the tool."""


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return module


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    return module


def bring(root: Path, name: str) -> None:
    """Brings a tool up to the store, as one start of a sweep does."""
    tool = open_tool(name, root, stores.SWEEP)
    made = Mirror(StoredRuns(root, stores.SWEEP), tool)
    for trial in made.lacking():
        made.update(trial)
    made.close()


def expected(root: Path) -> Curves:
    runs = StoredRuns(root, stores.SWEEP)
    return {trial: _curves(runs.run(trial)) for trial in runs.all()}


def _curves(run: Run) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for point in run.points:
        for name, value in point.values.items():
            found.setdefault(name, []).append((point.examples, value))
    return found


def in_steps(root: Path, name: str, read: Callable[[], Curves]) -> None:
    """Brings a tool up to a store that grows between the starts, and compares at each of them."""
    store = Store(root)
    growth: list[Callable[[], None]] = [
        lambda: stores.report(store, 0, 0),
        lambda: stores.report(store, 1, 0),
        lambda: stores.report(store, 0, 1, eval_loss=math.nan),
        lambda: stores.final(store, 0, "diverged", objective=None),
        lambda: stores.report(store, 1, 1),
    ]
    for number, grow in enumerate(growth):
        grow()
        if number % 2 == 0:
            bring(root, name)
            _same(read(), expected(root))
    stores.final(store, 1)
    bring(root, name)
    bring(root, name)
    _same(read(), expected(root))


def _same(found: Curves, wanted: Curves) -> None:
    assert found.keys() == wanted.keys()
    for trial, curves in wanted.items():
        assert found[trial].keys() == curves.keys()
        for name, points in curves.items():
            there, theirs = zip(*found[trial][name], strict=True)
            where, values = zip(*points, strict=True)
            assert there == where, name
            assert theirs == pytest.approx(values, nan_ok=True, rel=1e-6), name


def test_mlflow_has_each_trial_as_one_run_with_its_curves(tmp_path: Path, mlflow: Any) -> None:
    def runs() -> dict[str, Any]:
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(stores.SWEEP).experiment_id
        found = client.search_runs([experiment])
        named = {run.data.tags["finetune_sweep.trial_id"]: run for run in found}
        assert len(named) == len(found)
        return named

    def read() -> Curves:
        client = mlflow.MlflowClient()
        return {
            trial: {
                name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]
                for name in run.data.metrics
                if not name.startswith("trials/")
            }
            for trial, run in runs().items()
        }

    in_steps(tmp_path, "mlflow", read)
    run = runs()[synthetic.trial_name(1)]
    assert run.info.status == "FINISHED"
    # It was opened when its reports alone were there.
    assert run.info.run_name == f"tune, rank=8: {synthetic.trial_name(1)}"
    assert run.data.params["rank"] == "8"
    assert run.data.params["seed"] == "7"
    assert run.data.tags["stratum"] == "rank=8"
    assert run.data.tags["outcome"] == "completed"
    assert run.data.tags["checkpoint"].startswith(str(tmp_path))
    assert run.data.metrics["trials/test_rouge_l"] == pytest.approx(0.61)
    assert runs()[synthetic.trial_name(0)].info.status == "FAILED"


def test_what_mlflow_is_sent_again_after_a_crash_is_there_once(tmp_path: Path, mlflow: Any) -> None:
    """The tag that says how far it has come is written after the metrics."""
    stores.report(Store(tmp_path), 0, 0)
    bring(tmp_path, "mlflow")
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(stores.SWEEP).experiment_id
    (run,) = client.search_runs([experiment])
    before = client.get_metric_history(run.info.run_id, "steps/loss")
    client.delete_tag(run.info.run_id, "finetune_sweep.reached")
    bring(tmp_path, "mlflow")
    again = client.get_metric_history(run.info.run_id, "steps/loss")
    assert [(m.step, m.value) for m in again] == [(m.step, m.value) for m in before]
    assert len(before) == stores.STEPS


def test_tensorboard_has_each_trial_as_one_run_with_its_curves(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    folder = tmp_path / "tensorboard" / stores.SWEEP

    def multiplexer() -> Any:
        made = EventMultiplexer().AddRunsFromDirectory(str(folder))
        made.Reload()
        return made

    def read() -> Curves:
        return {Path(run).name: _scalars(folder / run) for run in multiplexer().Runs()}

    in_steps(tmp_path, "tensorboard", read)
    # It was opened when its reports alone were there, so that its folder has no other name.
    names = multiplexer().PluginRunToTagToContent("hparams")[synthetic.trial_name(1)]
    assert set(names) == {"_hparams_/session_start_info", "_hparams_/session_end_info"}


def _scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Returns every scalar event of a run: TensorBoard itself shows but a sample."""
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    found: dict[str, list[tuple[int, float]]] = {}
    for path in sorted(folder.iterdir()):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.HasField("simple_value") and not value.tag.startswith("trials/"):
                    found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_tensorboard_compares_configurations_by_phase_and_stratum(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.plugins.hparams import metadata

    store = Store(tmp_path)
    stores.report(store, 0, 0)
    stores.final(store, 0)
    bring(tmp_path, "tensorboard")
    read = EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "tensorboard" / stores.SWEEP))
    contents = read.Reload().PluginRunToTagToContent(metadata.PLUGIN_NAME)
    (content,) = (found[metadata.SESSION_START_INFO_TAG] for found in contents.values())
    given = metadata.parse_session_start_info_plugin_data(content).hparams
    assert given["phase"].string_value == "tune"
    assert given["stratum"].string_value == "rank=8"
    assert given["learning_rate"].number_value == 0.001


def test_tensorboard_tells_strata_apart_and_what_confirms_from_tuning(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    def runs() -> set[str]:
        read = EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "tensorboard"))
        return set(read.Reload().Runs())

    store = Store(tmp_path)
    kinds: list[tuple[str, str | None]]
    kinds = [("tune", "rank=8, data_size=100"), ("confirm", "rank=8, data_size=100")]
    kinds += [("tune", "target_modules=../../q,v"), ("baseline", None)]
    for number, (phase, stratum) in enumerate(kinds):
        stores.report(store, number, 0)
        stores.final(store, number, phase=phase, stratum=stratum)
    bring(tmp_path, "tensorboard")
    names = ["tune/rank=8,data_size=100", "confirm/rank=8,data_size=100"]
    names += ["tune/target_modules=.._.._q,v", "baseline/lora"]
    expected = {f"{stores.SWEEP}/{name}/{synthetic.trial_name(n)}" for n, name in enumerate(names)}
    assert runs() == expected
    bring(tmp_path, "tensorboard")
    assert runs() == expected


def test_an_end_for_which_there_is_no_space_is_an_error_and_comes_with_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG
    from tensorboard.summary.writer.record_writer import RecordWriter

    store, written = Store(tmp_path), RecordWriter.write
    stores.report(store, 0, 0)
    stores.final(store, 0)

    def write(self: Any, data: bytes) -> None:
        if SESSION_END_INFO_TAG.encode() in data:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(self, data)

    with monkeypatch.context() as full:
        full.setattr(RecordWriter, "write", write)
        with pytest.raises(OSError, match="No space left"):
            bring(tmp_path, "tensorboard")
    folder = tmp_path / "tensorboard" / stores.SWEEP
    assert open_tool("tensorboard", tmp_path, stores.SWEEP).ended() == set()
    bring(tmp_path, "tensorboard")
    assert open_tool("tensorboard", tmp_path, stores.SWEEP).ended() == {synthetic.trial_name(0)}
    (run,) = {path.parent for path in folder.rglob("events*")}
    _same({run.name: _scalars(run)}, expected(tmp_path))


@pytest.mark.parametrize("lost", [1, 4, 20])
def test_an_end_that_was_cut_is_none(tmp_path: Path, lost: int) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    store = Store(tmp_path)
    stores.report(store, 0, 0)
    stores.final(store, 0)
    bring(tmp_path, "tensorboard")
    (file,) = (tmp_path / "tensorboard").rglob("events*")
    os.truncate(file, file.stat().st_size - lost)
    assert open_tool("tensorboard", tmp_path, stores.SWEEP).ended() == set()
    bring(tmp_path, "tensorboard")
    assert open_tool("tensorboard", tmp_path, stores.SWEEP).ended() == {synthetic.trial_name(0)}


def test_what_lies_elsewhere_by_a_link_gets_no_event_files(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    root, other = tmp_path / "root", tmp_path / "other"
    other.mkdir()
    folder = root / "tensorboard" / stores.SWEEP
    folder.mkdir(parents=True)
    (folder / "tune").symlink_to(other)
    stores.report(Store(root), 0, 0)
    stores.final(Store(root), 0)
    with pytest.raises(DamagedError, match="tune"):
        bring(root, "tensorboard")
    assert not [*other.iterdir()]


def test_an_event_file_that_a_crash_has_cut_is_gone_on_with(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    store = Store(tmp_path)
    stores.report(store, 0, 0)
    bring(tmp_path, "tensorboard")
    folder = tmp_path / "tensorboard" / stores.SWEEP / synthetic.trial_name(0)
    (file,) = folder.iterdir()
    with file.open("r+b") as written:
        written.truncate(file.stat().st_size - 20)
    assert len(_scalars(folder)["steps/loss"]) == stores.STEPS - 1
    bring(tmp_path, "tensorboard")
    _same({synthetic.trial_name(0): _scalars(folder)}, expected(tmp_path))


@pytest.mark.slow
def test_wandb_offline_has_each_trial_under_one_id_with_its_curves(
    tmp_path: Path, wandb: Any
) -> None:
    def logs(trial: str = "*") -> list[list[dict[str, Any]]]:
        paths = sorted((tmp_path / "wandb").glob(f"offline-run-*-{trial}/*.wandb"))
        return [_records(path) for path in paths]

    def read() -> Curves:
        found: Curves = {}
        for log in logs():
            (run,) = (record["run"] for record in log if record["type"] == "run")
            curves = found.setdefault(run["run_id"], {})
            for record in log:
                if record["type"] == "history":
                    item = record["history"]["item"]
                    for name, value in item.items():
                        if "/" in name:
                            point = (record["history"]["step"].get("num", 0), float(value))
                            curves.setdefault(name, []).append(point)
        return found

    in_steps(tmp_path, "wandb", read)
    *_, last = logs(synthetic.trial_name(1))
    (run,) = (record["run"] for record in last if record["type"] == "run")
    assert (run["run_group"], run["job_type"]) == (stores.SWEEP, "tune")
    assert run["tags"] == ["lora", "tune", "rank=8"]
    assert run["display_name"] == f"tune, rank=8: {synthetic.trial_name(1)}"
    assert run["config"]["update"]["rank"] == 8
    said: dict[str, Any] = {}
    for record in last:
        said |= record.get("summary", {}).get("update", {})
    assert said["outcome"] == "completed"
    assert said["trials/test_rouge_l"] == pytest.approx(0.61)


def _records(path: Path) -> list[dict[str, Any]]:
    """Returns a log's records, by wandb's own reader."""
    import json

    from wandb.util import get_core_path

    command = [get_core_path(), "leet", "inspect", "--json", "--run-file", str(path), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("sqlite://", "is in memory, of which nothing is left"),
        ("sqlite:///:memory:", "is in memory, of which nothing is left"),
        ("sqlite:///{folder}", "is a folder, but must be a file"),
        ("sqlite:///{disk}/a/mlflow.db", "cannot be written: this user may not write to"),
    ],
)
def test_a_database_of_mlflow_that_would_keep_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, said: str
) -> None:
    """MLflow itself tries for minutes, or says that it has all."""
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    with small_disk.mounted(tmp_path / "disk") as disk:
        small_disk.make_read_only(disk)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(folder=tmp_path, disk=disk))
        with pytest.raises(UserError, match=f"{said}.*MLFLOW_TRACKING_URI, such as sqlite:////"):
            open_tool("mlflow", tmp_path, stores.SWEEP)


def test_a_database_of_mlflow_that_is_not_there_is_not_tried_for_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    utils = pytest.importorskip("mlflow.store.db.utils", reason="mlflow knows no databases here")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    waited = list[float]()
    monkeypatch.setattr(utils.time, "sleep", waited.append)

    def absent(_: str) -> None:
        raise OSError("could not connect to server")

    monkeypatch.setattr(utils, "create_sqlalchemy_engine", absent)
    with pytest.raises(OSError, match="could not connect"):
        open_tool("mlflow", tmp_path, stores.SWEEP)
    assert sum(waited) < 5


def test_what_is_said_of_where_mlflow_is_has_no_password() -> None:
    assert shown("postgresql://me:s/ecret@db:5432/runs") == "postgresql://db:5432/runs"
    assert shown("https://me:secret@host/x@y") == "https://host/x@y"
    assert shown("https://me@firm.org:secret@host:5000") == "https://host:5000"
    assert shown("http://me:sec@ret@host, http://token@host") == "http://host, http://host"
    assert shown("mysql://db:3306/runs?password=secret: gone") == "mysql://db:3306/runs gone"
    assert shown("sqlite:////home/me@work/mlflow.db") == "sqlite:////home/me@work/mlflow.db"
