"""The journal for optuna-dashboard, read back with Optuna and compared with the store."""

from __future__ import annotations

import datetime
import json
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from benchmarks.simulation import Clock, Curve, Simulation, Unsynced, synthetic
from orchestrator.search.identity import sweep_id
from orchestrator.search.optuna_space import Configuration, to_optuna
from orchestrator.search.proposals import Proposal
from orchestrator.search_space import Sweep
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store, reader
from orchestrator.store.rows import Row
from tests.orchestrator import sweeps
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import SWEEP, trial_name, write_sweep, write_trial

STATES = {
    "completed": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "diverged": TrialState.FAIL,
    "failed": TrialState.FAIL,
    "out_of_memory": TrialState.FAIL,
    "hung": TrialState.FAIL,
}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sweep, Path]:
    """A sweep with runs of every outcome that needs one start, and unfinished runs of all kinds."""
    folder = tmp_path_factory.mktemp("swept")
    point: Configuration = {"technique": "lora", "data_size": 100, "learning_rate": 0.1}
    sweep = sweeps.toy(
        folder,
        trials=30,
        space={
            "technique": {
                # The micro-batch follows the batch size, though nobody draws it.
                "lora": {
                    "learning_rate": {"loguniform": [0.05, 0.4]},
                    "rank": {"choice": [4, 8]},
                    "batch_size": {"choice": [4, 16]},
                },
                "full": {"learning_rate": {"loguniform": [0.01, 1.0]}},
            },
            "data_size": {"choice": [100, 200]},
        },
        points=[{**point, "rank": 8}, {**point, "rank": 64}],
        stopping=sweeps.BY_OBJECTIVE,
    )
    store = Store(folder / "store", Unsynced())

    def learner(proposal: Proposal, rungs: Sequence[int]) -> Curve:
        ends = {4: "failed", 6: "out_of_memory", 13: "hung"}.get(proposal.trial_number)
        if ends is not None:
            # One after a report, with which it goes on; the others before any.
            return Curve([1.0], [0.99], ends) if ends == "hung" else Curve([1.0], [], ends)
        if proposal.trial_number == 8:
            return Curve([1.0, 1.0], [0.98, math.nan])
        return synthetic(proposal, rungs)

    stored = latest(sweep, store)
    simulation = Simulation(stored, learner, slots=2, clock=Clock())
    while len(reader.trials(store.root)) < 17 or not _any_is_under_way(store.root):
        simulation.advance()
    number = max(ProposalLog(stored.files).read()) + 1
    ProposalLog(stored.files).write(Proposal(number, number - 1, 0, dict(point)))
    return sweep, store.root


def _any_is_under_way(root: Path) -> bool:
    """Returns whether a run has reported and not ended."""
    ended = set(reader.trials(root)["trial_id"].to_pylist())
    return bool(set(reports_by_trial(root)) - ended)


@pytest.fixture
def _far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is not that of the store's."""
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def load(file: Path) -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(str(file)))
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def reports_by_trial(root: Path) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in reader.reports(root).to_pylist():
        found.setdefault(row["trial_id"], []).append(row)
    return found


@pytest.mark.usefixtures("_far_east")
def test_the_study_is_what_the_rows_say(
    tmp_path: Path, swept: tuple[Sweep, Path], run: Run
) -> None:
    sweep, root = swept
    (tmp_path / "new").mkdir()
    code, _, err = run("optuna", tmp_path / "new" / "a b.journal", store=root)
    assert code == 0, err
    assert f"optuna-dashboard '{tmp_path}/new/a b.journal'" in err
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a b.journal"]
    study = load(tmp_path / "new" / "a b.journal")
    assert (study.study_name, study.direction.name) == (sweep_id(sweep), "MAXIMIZE")
    assert study.user_attrs["question"] == sweep.question
    proposals = ProposalLog(latest(sweep, Store(root)).files).read()
    rows = {row["trial_number"]: row for row in reader.trials(root).to_pylist()}
    reports = reports_by_trial(root)
    assert {row["outcome"] for row in rows.values()} == {*STATES} - {"out_of_memory"}
    assert [trial.number for trial in study.trials] == list(proposals)
    for trial, proposal in zip(study.trials, proposals.values(), strict=True):
        identifier = trial.user_attrs["trial_id"]
        assert trial.intermediate_values == {
            row["rung_examples"]: row["rouge_l"]
            for row in reports.get(identifier, [])
            if math.isfinite(row["rouge_l"])
        }
        if trial.number in rows:
            check_final(trial, rows[trial.number])
        else:
            assert trial.datetime_complete is None
        assert trial.user_attrs["technique"] == proposal.configuration["technique"]
        check_parameters(sweep, trial, proposal)
    unfinished = [trial for trial in study.trials if trial.number not in rows]
    assert {trial.state for trial in unfinished} == {TrialState.RUNNING, TrialState.WAITING}
    assert any(trial.intermediate_values for trial in unfinished)
    # It lacked memory before its first report, and is to be tried again.
    assert (study.trials[6].state, study.trials[6].intermediate_values) == (TrialState.RUNNING, {})
    began = AttemptLog(latest(sweep, Store(root)).files).of(6).started_at
    assert began is not None
    assert study.trials[6].datetime_start is not None
    assert study.trials[6].datetime_start.astimezone(datetime.UTC) == began
    assert study.trials[-1].state is TrialState.WAITING
    best = max(
        (row for row in rows.values() if row["outcome"] == "completed"),
        key=lambda row: row["objective"],
    )
    assert study.best_trial.user_attrs["trial_id"] == best["trial_id"]


def check_final(trial: FrozenTrial, row: Row) -> None:
    assert trial.state is STATES[row["outcome"]]
    assert trial.value == (None if trial.state is TrialState.FAIL else row["objective"])
    for name in ("trial_id", "trial_number", "technique", "outcome", "data_size", "replicate"):
        assert trial.user_attrs.get(name) == row[name]
    for name in ("rouge_l", "bleu", "eval_loss", "test_rouge_l"):
        value = row[name]
        finite = value if value is not None and math.isfinite(value) else None
        assert trial.user_attrs.get(name) == finite
    assert trial.datetime_start is not None
    assert trial.datetime_complete is not None
    assert utc(trial.datetime_start) == row["started_at"]
    assert utc(trial.datetime_complete) == row["ended_at"]


def utc(local: datetime.datetime) -> datetime.datetime:
    return local.astimezone(datetime.UTC).replace(tzinfo=None)


def check_parameters(sweep: Sweep, trial: FrozenTrial, proposal: Proposal) -> None:
    """A point beyond the space's ranges has the parameters that it shares with them."""
    assert sweep.space is not None
    if proposal.configuration_number is None:
        assert trial.params == {}
        assert proposal.configuration.items() <= trial.user_attrs.items()
        return
    inside = to_optuna(sweep.space, proposal.configuration)
    given = proposal.configuration
    assert trial.params == (
        inside[0]
        if inside is not None
        else {
            "technique": "lora",
            "data_size": given["data_size"],
            "lora/rank": given["rank"],
            "lora/learning_rate": given["learning_rate"],
            "lora/batch_size": 16,  # the default
        }
    )
    assert isinstance(trial.distributions["technique"], CategoricalDistribution)


@pytest.mark.parametrize("metric", ["rouge_l", "eval_loss"])
def test_where_the_loss_decided_it_is_what_the_study_shows(
    tmp_path: Path, run: Run, metric: str
) -> None:
    sweep = sweeps.toy(tmp_path, trials=6, objective={"metric": metric})
    stored = latest(sweep, Store(tmp_path / "store", Unsynced()))
    Simulation(stored, synthetic, slots=1, clock=Clock()).run()
    assert run("optuna", tmp_path / "study", store=stored.root)[0] == 0
    sign = -1.0 if metric == "rouge_l" else 1.0
    reports = reports_by_trial(stored.root)
    for trial in load(tmp_path / "study").trials:
        assert trial.intermediate_values == {
            row["rung_examples"]: sign * row["eval_loss"]
            for row in reports[trial.user_attrs["trial_id"]]
        }
        assert (trial.value is None) == (trial.state is TrialState.PRUNED)


@pytest.mark.parametrize(
    ("outcome", "values"), [("out_of_memory", {}), ("completed", {"objective": None})]
)
def test_without_a_result_a_run_failed(
    tmp_path: Path, run: Run, outcome: str, values: dict[str, Any]
) -> None:
    store = Store(tmp_path / "store", Unsynced())
    own = {"technique": "lora", "rank": 8}
    write_trial(store, 0, own, outcome, rungs=1, predictions=False, **values)
    assert run("optuna", tmp_path / "study", store=store.root)[0] == 0
    (trial,) = load(tmp_path / "study").trials
    assert (trial.state, trial.value) == (TrialState.FAIL, None)
    assert list(trial.intermediate_values) == [600]
    assert trial.user_attrs["outcome"] == outcome


def test_distributions_are_of_the_values_seen(
    tmp_path: Path, swept: tuple[Sweep, Path], run: Run
) -> None:
    assert run("optuna", tmp_path / "study", store=swept[1])[0] == 0
    trials = load(tmp_path / "study").trials
    found = {name: each for trial in trials for name, each in trial.distributions.items()}
    seen: dict[str, list[Any]] = {}
    for trial in trials:
        for name, value in trial.params.items():
            seen.setdefault(name, []).append(value)
    narrow, wide = seen["lora/learning_rate"], seen["full/learning_rate"]
    assert max(narrow) / min(narrow) < 10 < max(wide) / min(wide)
    assert found == {
        "technique": CategoricalDistribution(["full", "lora"]),
        "data_size": IntDistribution(100, 200),
        "lora/rank": IntDistribution(4, 64, log=True),
        "lora/batch_size": IntDistribution(4, 16),
        "lora/learning_rate": FloatDistribution(min(narrow), max(narrow)),
        "full/learning_rate": FloatDistribution(min(wide), max(wide), log=True),
    }


def test_choices_that_are_no_numbers_are_categories(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path / "store", Unsynced())
    for number, layers in enumerate(("q,v", "all", "q,v")):
        own = {"technique": "lora", "rank": 8, "dropout": 0.1 * number, "target_modules": layers}
        write_trial(store, number, {**own, "data_size": 2000}, rungs=1, predictions=False)
    assert run("optuna", tmp_path / "study", store=store.root)[0] == 0
    trials = load(tmp_path / "study").trials
    assert [trial.params for trial in trials] == [
        {"technique": "lora", "lora/target_modules": layers, "lora/dropout": 0.1 * number}
        for number, layers in enumerate(("q,v", "all", "q,v"))
    ]
    assert trials[0].distributions == {
        "technique": CategoricalDistribution(["lora"]),
        "lora/target_modules": CategoricalDistribution(["all", "q,v"]),
        "lora/dropout": FloatDistribution(0.0, 0.2),
    }


def test_a_point_with_its_own_epochs_has_no_parameters(tmp_path: Path, run: Run) -> None:
    """Its budget is another one, so that the search could never have proposed it."""
    point = {"technique": "lora", "data_size": 100, "rank": 4, "learning_rate": 0.1}
    sweep = sweeps.toy(
        tmp_path, trials=3, baseline=None, stopping=None, points=[{**point, "epochs": 2}]
    )
    store = Store(tmp_path / "store", Unsynced())
    Simulation(latest(sweep, store), synthetic, slots=1, clock=Clock()).run()
    assert run("optuna", tmp_path / "study", store=store.root)[0] == 0
    own, *searched = load(tmp_path / "study").trials
    assert (own.state, own.params) == (TrialState.COMPLETE, {})
    assert {**point, "epochs": 2}.items() <= own.user_attrs.items()
    assert all(trial.params and "epochs" not in trial.user_attrs for trial in searched)


def test_a_sweep_that_minimises(tmp_path: Path, run: Run) -> None:
    write_sweep(
        tmp_path / "store",
        predictions=False,
        objective_metric="eval_loss",
        objective_mode="min",
        objective=0.5,
    )
    assert run("optuna", tmp_path / "study", store=tmp_path / "store")[0] == 0
    study = load(tmp_path / "study")
    assert study.direction.name == "MINIMIZE"
    assert [trial.user_attrs["trial_id"] for trial in study.trials] == [
        trial_name(number) for number in range(13)
    ]
    losses = [row["eval_loss"] for row in reader.reports(tmp_path / "store").to_pylist()]
    assert [v for trial in study.trials for v in trial.intermediate_values.values()] == losses


def test_a_compacted_copy_gives_the_same_ends(
    tmp_path: Path, swept: tuple[Sweep, Path], run: Run
) -> None:
    """It has no proposals, so that runs without a report are unknown in it."""
    assert run("export", tmp_path / "copy", store=swept[1])[0] == 0
    assert run("optuna", tmp_path / "of-copy", store=tmp_path / "copy")[0] == 0
    assert run("optuna", tmp_path / "of-store", store=swept[1])[0] == 0
    copied = {t.user_attrs["trial_id"]: t for t in load(tmp_path / "of-copy").trials}
    ended = [trial for trial in load(tmp_path / "of-store").trials if trial.state.is_finished()]
    for trial in ended:
        copy = copied.pop(trial.user_attrs["trial_id"])
        assert (copy.state, copy.value) == (trial.state, trial.value)
        assert copy.intermediate_values == trial.intermediate_values
        assert trial.params.items() <= copy.params.items()
    assert {trial.state for trial in copied.values()} == {TrialState.RUNNING}
    assert {path.name for path in (tmp_path / "copy").iterdir()} <= {
        *("trials", "reports", "predictions")
    }


def test_written_again_it_is_the_same_study(tmp_path: Path, root: Path, run: Run) -> None:
    file = tmp_path / "study.journal"
    assert run("optuna", file)[0] == 0
    first = load(file)
    trials, attributes = first.trials, first.user_attrs
    first.set_user_attr("note", "what another program adds")
    assert run("optuna", file)[0] == 0
    again = load(file)
    assert again.trials == trials
    assert again.user_attrs == attributes
    assert [path.name for path in tmp_path.iterdir()] == ["study.journal"]


def test_a_study_of_someone_elses_is_not_overwritten(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "own.journal"
    study = optuna.create_study(storage=JournalStorage(JournalFileBackend(str(file))))
    study.set_user_attr("mine", 1)
    check_refused(file, run)


@pytest.mark.parametrize(
    "content",
    [b"", b"notes\n", b"a\n\xff\xfe\n", b"{}\n[]\n", b"{}\n{}\n", b'{}\n{"user_attr": 1}\n'],
)
def test_another_file_is_not_overwritten(tmp_path: Path, run: Run, content: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    check_refused(file, run)


def check_refused(file: Path, run: Run) -> None:
    before = file.read_bytes()
    code, out, err = run("optuna", file)
    assert (code, out) == (2, "")
    assert err == (
        f"{file} is there already and was not written by this command; name another file.\n"
    )
    assert file.read_bytes() == before


def test_mistakes_are_said_in_plain_words(tmp_path: Path, root: Path, run: Run) -> None:
    before = sorted(root.rglob("*"))
    assert "name a file outside it" in run("optuna", root / "trials" / "study")[2]
    assert sorted(root.rglob("*")) == before
    assert "is a folder, but a file is to be written" in run("optuna", tmp_path)[2]
    (tmp_path / "file").touch()
    code, _, err = run("optuna", tmp_path / "file" / "study")
    assert (code, err.count("\n")) == (2, 1)
    two = tmp_path / "two"
    shutil.copytree(root, two)
    write_trial(Store(two), 0, {"technique": "pretrained"}, sweep_id="other-00000000")
    code, _, err = run("optuna", tmp_path / "study", "--sweep", "*", store=two)
    assert code == 2
    assert "--sweep names 2: other-00000000, " + SWEEP in err
    assert not (tmp_path / "study").exists()
    assert run("optuna", tmp_path / "study", "--sweep", "rank", store=two)[0] == 0


def test_a_disk_that_fills_up_leaves_the_earlier_file(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "study"
    assert run("optuna", file)[0] == 0
    before = file.read_bytes()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, _, err = run("optuna", file)
    why = "the disk is full; free some space and run the same command again"
    assert (code, err) == (2, f"{file} cannot be written: {why}.\n")
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_every_record_is_json_that_a_browser_reads(
    tmp_path: Path, swept: tuple[Sweep, Path], run: Run
) -> None:
    assert run("optuna", tmp_path / "study", store=swept[1])[0] == 0

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    for line in (tmp_path / "study").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
