"""The study's table beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.results.compare import compare
from orchestrator.results.errors import ResultsError
from orchestrator.results.notebooks import STUDY, _sweep, notebooks
from orchestrator.results.report.content import report
from orchestrator.results.report.parts import Listing, Table
from orchestrator.search.identity import sweep_id
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.search_space import load
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store, reader
from orchestrator.store.place import BucketAddress
from orchestrator.trial.recorder import TrialRecorder
from tests.orchestrator import toy
from tests.orchestrator.results.synthetic import trial_name, write_trial

FILE = Path(__file__).resolve().parents[3] / "search_spaces" / "notebooks.yaml"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The seven points of the file, run by the toy learner."""
    made = Store(tmp_path_factory.mktemp("store"))
    sweep = load(FILE, profile="embedded")
    stored = latest(sweep, made)
    conclusions = Conclusions(stored, "{}")
    for number, point in enumerate(sweep.points):
        proposal = Proposal(number, number, 0, dict(point))
        configuration = trial_configuration(sweep, proposal)
        grid = rungs(sweep, configuration)
        recorder = TrialRecorder(stored, proposal, 1, lambda row: None)
        toy.finetune(configuration, grid, recorder)
        assert conclusions.conclude(proposal, stopped=False) is not None
    return made


def _lines(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    data = notebooks(store.root).data
    assert isinstance(data, list)
    return {(row["run"], row["source"]): row for row in data}


def test_every_run_of_the_study_stands_beside_ours_under_both_protocols(store: Store) -> None:
    lines = _lines(store)
    for run in STUDY:
        for protocol in ("notebook", "standard"):
            line = lines[run.key, f"ours, {protocol} protocol"]
            assert line["rows"] == 2
            assert line["bleu_low"] <= line["bleu"] <= line["bleu_high"]
    assert lines["lora", "published"]["bleu"] == 0.47
    assert lines["lora", "printed by the notebook"]["bleu"] == 0.4121
    assert ("qlora", "printed by the notebook") not in lines
    assert ("lora-large-data", "published") not in lines


def test_a_report_of_the_studys_runs_has_the_studys_figures_beside_them(store: Store) -> None:
    (sweep,) = reader.sweeps(store.root)
    (section,) = (s for s in report(store.root, sweep).sections if s.title == "Beside the study")
    table, remarks = section.parts
    assert isinstance(table, Table)
    assert isinstance(remarks, Listing)
    named = [line[0] for line in table.lines if line[0]]
    assert named == [run.key for run in STUDY]
    sources = [line[1] for line in table.lines]
    assert sources.count("ours, notebook protocol") == len(STUDY)
    assert sources.count("printed by the notebook") == len(STUDY) - 1
    assert any("published figures of lora have no support" in line for line in remarks.lines)


def test_a_report_says_of_fixed_points_that_no_search_chose_them(store: Store) -> None:
    (sweep,) = reader.sweeps(store.root)
    (section,) = (s for s in report(store.root, sweep).sections if s.title == "What is not known")
    (listing,) = section.parts
    assert isinstance(listing, Listing)
    (line,) = listing.lines
    assert "Nothing was confirmed" in line
    assert "search left" not in line


def test_published_figures_without_support_are_named(store: Store) -> None:
    unsupported = {run.key for run in STUDY if run.supported is False}
    assert unsupported == {"lora", "qlora"}
    remarks = " ".join(notebooks(store.root).remarks)
    for key in unsupported:
        assert f"The published figures of {key} have no support" in remarks
    assert "only the shape compares" in remarks
    assert "Not run yet" not in remarks


def test_no_other_sweep_is_held_against_the_study(tmp_path: Path) -> None:
    parameters = {"technique": "lora", "rank": 8, "learning_rate": 1e-3, "data_size": 2000}
    row = write_trial(Store(tmp_path), 1, parameters, sweep_id="rank-0a1b2c3d")
    sections = report(tmp_path, row["sweep_id"]).sections
    assert "Beside the study" not in {section.title for section in sections}


def test_a_run_without_scores_on_test_rows_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    parameters = {"technique": "lora", "rank": 8, "learning_rate": 1e-3, "data_size": None}
    own: dict[str, Any] = {"sweep_id": "notebooks-0a1b2c3d", "ended_at": None}
    write_trial(store, 1, parameters, "failed", **own)
    write_trial(store, 2, {**parameters, "data_size": 2000}, "failed", **own)
    found = notebooks(tmp_path)
    for key, number in (("lora", 1), ("lora-large-data", 2)):
        assert (
            f"Ours of {key} has no predictions on test rows in {tmp_path}: {trial_name(number)}"
            " ended as failed."
        ) in found.remarks


def test_the_command_that_goes_on_names_the_store_wherever_it_lies() -> None:
    assert _sweep(BucketAddress("bucket", "path")).endswith(" notebooks --root s3://bucket/path")


def test_without_the_sweep_it_says_how_to_run_it(tmp_path: Path) -> None:
    Store(tmp_path)
    with pytest.raises(ResultsError, match=r"orchestrator\.sweep notebooks"):
        notebooks(tmp_path)


def test_completed_trials_of_different_budgets_compare_at_their_ends(store: Store) -> None:
    rows = {row["trial_number"]: row for row in store.trials(_sweep_id())}
    # 3,000 examples and 50: no rung in common.
    longest, shortest = rows[5]["trial_id"], rows[4]["trial_id"]
    found = compare(store.root, list(rows.values()), longest, shortest, "bleu").data
    assert isinstance(found, dict)
    assert found["rung_examples"] is None
    assert found["mean_a"] - found["mean_b"] == pytest.approx(5e-05 - 1e-05)


def test_a_sweep_of_another_file_is_not_the_study(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_trial(store, 0, {"technique": "pretrained"})
    with pytest.raises(ResultsError, match="is not a sweep of"):
        notebooks(tmp_path, ["rank"])


def _sweep_id() -> str:
    return sweep_id(load(FILE, profile="embedded"))
