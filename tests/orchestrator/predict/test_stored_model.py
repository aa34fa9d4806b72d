"""Which trial is meant, and what is said where it has no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.predict.stored_model import choose
from orchestrator.results.errors import ResultsError
from orchestrator.state.checkpoints import TrialCheckpoints, examples_of
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.roots import open_root
from tests.bucket_server import Line
from tests.orchestrator.models import write_model
from tests.orchestrator.results.synthetic import SWEEP, trial_name

OTHER = "rank-99999999"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A sweep whose stopped trial scores best, but at another rung than the others."""
    write_model(tmp_path, 0, 0, technique="pretrained", checkpoint=None)
    write_model(tmp_path, 1, 8)
    write_model(tmp_path, 2, 16)
    write_model(tmp_path, 3, 64, outcome="stopped")
    write_model(tmp_path, 4, 32, outcome="diverged")
    write_model(tmp_path, 5, 16, outcome="failed", checkpoint=None, rungs=0)
    return tmp_path


def test_the_best_is_the_completed_trial_that_leads(root: Path) -> None:
    model = choose(root, None, "best")
    assert model.row["trial_number"] == 2
    assert model.configuration.parameters["rank"] == 16
    assert model.checkpoint == root / model.row["checkpoint"]
    assert (
        "lora rank=16 target_modules=q,v learning_rate=0.001 batch_size=16 data_size=2000,"
        " completed, rouge_l 0." in model.describe()
    )


@pytest.mark.parametrize("given", [trial_name(3), "3", "t-x000000003"])
def test_a_trial_by_its_id_or_number(root: Path, given: str) -> None:
    assert choose(root, "rank", given).row["outcome"] == "stopped"


def test_the_baseline_is_the_base_model_as_it_is(root: Path) -> None:
    model = choose(root, SWEEP, "0")
    assert model.checkpoint is None
    assert model.configuration.technique == "pretrained"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("4", "diverged, so its weights are of no use"),
        ("5", "has no checkpoint: it ended as failed"),
        ("17", "There is no trial with the number 17"),
        ("t-nothing", "There is no trial 't-nothing'"),
        ("t-x", "trials begin with 't-x'"),
    ],
)
def test_trials_without_a_model(root: Path, given: str, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        choose(root, None, given)


def test_a_lost_checkpoint_is_named(root: Path) -> None:
    model = choose(root, None, "1")
    assert model.checkpoint is not None
    model.checkpoint.rmdir()
    with pytest.raises(ResultsError, match=r"is not at .*0000006000 any more"):
        choose(root, None, "1")


def test_sweeps_that_do_not_fit(root: Path) -> None:
    with pytest.raises(ResultsError, match="There is no sweep 'runk'; the nearest is 'rank'"):
        choose(root, "runk", "best")
    write_model(root, 1, 8, sweep_id=OTHER, outcome="stopped")
    with pytest.raises(ResultsError, match=f"'best' is a trial of one sweep.*{OTHER}"):
        choose(root, "rank", "best")
    with pytest.raises(ResultsError, match=f"No trial of {OTHER} has completed"):
        choose(root, OTHER, "best")


def test_a_model_in_a_bucket_is_copied_to_this_machine(root: Path, line: Line) -> None:
    address = line.address()
    for file in root.rglob("*.parquet"):
        open_root(address).put_if_absent(file.relative_to(root).as_posix(), file.read_bytes())
    row = choose(root, None, "best").row
    with pytest.raises(ResultsError, match=f"is not at {address}/{row['checkpoint']} any more"):
        choose(address, None, "best")
    files = SweepFiles(Store(address), row["sweep_id"])
    TrialCheckpoints(files, row["trial_id"]).publish(
        examples_of(row["checkpoint"]), lambda folder: folder.joinpath("weights").touch()
    )
    model = choose(address, None, "best")
    assert model.row["trial_id"] == row["trial_id"]
    assert model.checkpoint is not None
    assert model.checkpoint.joinpath("weights").is_file()
