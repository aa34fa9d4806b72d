from __future__ import annotations

import dataclasses
import gc
import math
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.loop_base import configuration, write_loop_base
from tests.trainables.sql.parsing.calls import process_id
from tests.trainables.techniques.cases import brisk_rate
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.reports import Metrics, RungReport
from trainables.contract.scores import COLUMNS_OF_SCORES, SCORES
from trainables.data.errors import DatasetError
from trainables.embedded import corpus
from trainables.finetune import Finetuning, finetune
from trainables.sql.parsing import process as parsing
from trainables.techniques.registry import TRAINED
from trainables.training.optimizer import Optimizer

CLOCKS = ("_seconds", "tokens_per_second", "peak_memory_bytes")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def steady_base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base without dropout, whose draws depend on how a batch is cut."""
    return write_loop_base(tmp_path_factory.mktemp("steady"), dropout=0.0)


class Recorder:
    """Keeps what a trial reports, and checkpoints of the rungs that are asked for."""

    def __init__(self, keep: Mapping[int, Path] | None = None) -> None:
        self.rungs: list[RungReport] = []
        self.tests: list[tuple[list[dict[str, Any]], Metrics]] = []
        self.keep = keep or {}

    def rung(self, report: RungReport) -> None:
        self.rungs.append(report)
        if report.rung in self.keep:
            report.save(self.keep[report.rung])

    def test(self, predictions: list[dict[str, Any]], metrics: Metrics, protocol: str) -> None:
        self.tests.append((predictions, metrics))

    def follow(self, rung: int) -> None:
        raise AssertionError("there are no other workers")

    def numbers(self) -> list[object]:
        """Everything that must be the same in every run of the trial."""
        found: list[object] = [
            (r.rung, r.step, timeless(r.metrics), r.predictions, r.steps) for r in self.rungs
        ]
        return found + [(predictions, timeless(metrics)) for predictions, metrics in self.tests]


def timeless(metrics: Metrics) -> Metrics:
    return {name: value for name, value in metrics.items() if not name.endswith(CLOCKS)}


def run(trial: TrialConfiguration, rungs: tuple[int, ...] = (20, 40), **options: Any) -> Recorder:
    recorder = Recorder(options.pop("keep", None))
    finetune(trial, rungs, recorder, device="cpu", **options)
    return recorder


def weights(trial: Finetuning) -> list[torch.Tensor]:
    model = trial.adapted.model
    return [p.detach().clone() for p in model.parameters() if p.requires_grad]


@pytest.mark.parametrize("technique", TRAINED)
def test_a_trial_gives_the_same_numbers_alone_and_after_another(base: str, technique: str) -> None:
    torch.manual_seed(1)
    alone = run(configuration(base, technique)).numbers()
    run(configuration(base, "lora", seed=9, rank=2), (40,))
    torch.manual_seed(2)
    np.random.seed(3)
    assert run(configuration(base, technique)).numbers() == alone


@pytest.mark.parametrize("technique", TRAINED)
def test_a_continued_trial_gives_the_numbers_of_an_uninterrupted_one(
    base: str, technique: str, tmp_path: Path
) -> None:
    # 20 rows in batches of 8 make an epoch of three steps: rung 0 lies inside one.
    trial = configuration(base, technique, budget_examples=64)
    rungs = (10, 36, 64)
    whole = run(trial, rungs, keep={0: tmp_path / "0", 1: tmp_path / "1"})
    for passed in (0, 1):
        rest = run(trial, rungs, resume_from=tmp_path / str(passed))
        assert rest.numbers() == whole.numbers()[passed + 1 :]


class _Interruption:
    """Asks for the end after it was asked so often, and keeps the checkpoint."""

    def __init__(self, folder: Path, after: float = math.inf) -> None:
        self.folder = folder
        self.after = after
        self.asked = 0
        self.kept: list[int] = []

    def requested(self) -> bool:
        self.asked += 1
        return self.asked > self.after

    def record(self, examples_seen: int, save: Callable[[Path], None]) -> None:
        self.kept.append(examples_seen)
        save(self.folder)


def test_a_trial_interrupted_at_any_step_goes_on_as_if_it_had_not_been(
    base: str, tmp_path: Path
) -> None:
    trial = configuration(base)
    undisturbed = _Interruption(tmp_path)
    whole = run(trial, interruption=undisturbed)
    kept = set()
    for after in range(0, undisturbed.asked, 5):
        folder = tmp_path / str(after)
        interruption = _Interruption(folder / "kept", after)
        first = run(trial, interruption=interruption, keep={1: folder / "last"})
        if interruption.asked <= after:  # while texts are scored the clock decides how often
            assert first.numbers() == whole.numbers()
            continue
        assert not first.tests
        assert interruption.asked <= after + 2  # the last step before a rung is not repeated
        # While the test rows are scored the last rung's checkpoint is there already.
        point = folder / ("kept" if interruption.kept else "last")
        second = run(trial, resume_from=point)
        assert first.numbers() + second.numbers() == whole.numbers()
        kept.add(tuple(interruption.kept))
    # On the way to a rung, before each rung's evaluation, and with nothing left but the test rows.
    assert {(8,), (19,), (39,), ()} <= kept


def test_an_untuned_model_interrupted_in_its_evaluation_has_nothing_to_keep(
    base: str, tmp_path: Path
) -> None:
    interruption = _Interruption(tmp_path, 0)
    recorder = run(configuration(base, "pretrained"), (0,), interruption=interruption)
    assert not recorder.numbers()
    assert not interruption.kept


def test_global_random_state_is_left_alone(base: str) -> None:
    torch.manual_seed(4)
    before = torch.get_rng_state()
    run(configuration(base), (40,))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_seed_changes_the_numbers(base: str) -> None:
    assert run(configuration(base)).numbers() != run(configuration(base, seed=2)).numbers()


@pytest.mark.parametrize("micro_batch_size", [1, 3])
def test_accumulated_gradients_equal_those_of_the_whole_batch(
    steady_base: str, micro_batch_size: int
) -> None:
    found = []
    for size in (8, micro_batch_size):
        trial = Finetuning(configuration(steady_base, micro_batch_size=size, dropout=0.0), "cpu")
        loss = trial.advance(40).loss
        found.append((loss, weights(trial)))
    (loss, whole), (other_loss, parts) = found
    assert other_loss == pytest.approx(loss, rel=1e-5)
    for a, b in zip(whole, parts, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("technique", TRAINED)
def test_training_lowers_the_loss(base: str, technique: str) -> None:
    rate = brisk_rate(technique, 30)
    trial = Finetuning(
        configuration(base, technique, budget_examples=160, learning_rate=rate), "cpu"
    )
    first = trial.advance(20).loss
    trial.advance(140)
    last = trial.advance(160).loss
    assert first is not None
    assert last is not None
    assert last < first - 0.05


def test_a_rung_ends_with_the_batch_that_reaches_it(base: str) -> None:
    trial = Finetuning(configuration(base), "cpu")
    trial.advance(10)
    assert (trial.step, trial.examples_seen) == (2, 16)
    trial.advance(17)  # the epoch's last four rows are a step of their own
    assert (trial.step, trial.examples_seen) == (3, 20)


def test_a_report_has_every_column_and_the_same_rows_each_time(base: str) -> None:
    recorder = run(configuration(base))
    first, last = recorder.rungs
    assert (first.rung, first.rung_examples, first.step) == (0, 20, 3)
    metrics = last.metrics
    for name in (
        *("step", "examples_seen", "epoch", "train_loss", "eval_loss", "learning_rate"),
        *(*COLUMNS_OF_SCORES, "meteor_synonyms", "scoring_version", "sqlite_version", "dtype"),
        *("eval_rows", "tokens_per_second", "train_seconds", "eval_seconds", "elapsed_seconds"),
        *("peak_memory_bytes", "trainable_parameters", "total_parameters", "trainable_percent"),
        *("device_kind", "device_name", "base_model", "dataset_fingerprint", "split_version"),
        *("train_rows_cut", "eval_rows_cut", "eval_schemas"),
    ):
        assert name in metrics
    assert [point.step for point in last.steps] == [4, 5, 6]
    assert last.steps[-1].learning_rate == metrics["learning_rate"]
    assert metrics["examples_seen"] == 40
    assert metrics["epoch"] == 2.0
    assert metrics["eval_rows"] == metrics["eval_schemas"] == 6
    cut = [row["source_cut"] or row["target_cut"] for row in last.predictions]
    assert metrics["eval_rows_cut"] == sum(cut)
    ids = [row["example_id"] for row in last.predictions]
    assert ids == [row["example_id"] for row in first.predictions]
    assert set(last.predictions[0]) == {
        *("example_id", "sql_prompt", "sql_context", "reference", "prediction", *SCORES),
        *("execution_reason", "schema_group", "source_cut", "target_cut"),
    }
    assert metrics["rouge_l_rows"] == 6
    assert metrics["execution_accuracy_rows"] in range(7)
    assert metrics["execution_accuracy_unjudged"] == 0
    ((predictions, test_metrics),) = recorder.tests
    assert len(predictions) == test_metrics["eval_rows"] == 4
    assert not set(ids) & {row["example_id"] for row in predictions}


def test_rows_that_are_cut_are_counted_and_scored_whole(base: str) -> None:
    trial = replace(configuration(base), target_tokens=4)
    (report,) = run(trial, (20,)).rungs
    assert report.metrics["train_rows_cut"] == trial.data_size
    assert report.metrics["eval_rows_cut"] == 6
    whole = {row["id"]: row["sql"] for row in corpus.rows("train")}
    for row in report.predictions:
        assert row["target_cut"]
        assert row["reference"] == whole[row["example_id"]]
    (report,) = run(replace(trial, source_tokens=10, target_tokens=256), (20,)).rungs
    assert report.metrics["train_rows_cut"] == trial.data_size
    assert all(row["source_cut"] and not row["target_cut"] for row in report.predictions)


def test_the_untuned_model_is_evaluated_only(base: str, tmp_path: Path) -> None:
    trial = configuration(base, "pretrained")
    recorder = run(trial, (0,), keep={0: tmp_path})
    (report,) = recorder.rungs
    assert report.metrics["train_loss"] is None
    assert report.metrics["eval_loss"] is not None
    assert report.metrics["trainable_parameters"] == 0
    assert report.metrics["train_rows_cut"] is None
    assert len(recorder.tests) == 1
    assert run(trial, (0,), resume_from=tmp_path).numbers() == recorder.numbers()[1:]


def test_a_loss_that_is_not_finite_ends_the_trial_at_once(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_step = Optimizer.step
    taken: list[float] = []

    def blow_up_in_the_second_step(self: Optimizer, learning_rate: float) -> torch.Tensor:
        norm = take_step(self, learning_rate)
        taken.append(learning_rate)
        if len(taken) == 2:
            for parameter in self.parameters:
                parameter.data.fill_(math.inf)
        return norm

    monkeypatch.setattr(Optimizer, "step", blow_up_in_the_second_step)
    recorder = run(configuration(base, "full", budget_examples=400), (200, 400))
    assert not recorder.tests
    (report,) = recorder.rungs
    loss = report.metrics["train_loss"]
    assert isinstance(loss, float)
    assert not math.isfinite(loss)
    assert report.step == 3
    assert all(report.metrics[score] is None for score in (*SCORES, "eval_loss"))
    assert report.predictions == []


def test_every_step_and_evaluated_batch_beats(base: str) -> None:
    beats: list[int] = []
    trial = Finetuning(configuration(base), "cpu", heartbeat=beats.append)
    trial.advance(40)
    assert len(beats) == trial.step == 6
    assert beats == sorted(set(beats))
    assert beats[-1] == trial.examples_seen
    trial.evaluate("validation")
    assert len(beats) > 7
    assert set(beats[6:]) == {trial.examples_seen}


def test_a_checkpoint_of_other_rows_is_refused(base: str, tmp_path: Path) -> None:
    trial = Finetuning(configuration(base), "cpu")
    trial.advance(8)
    trial.save(tmp_path / "checkpoint")
    progress = tmp_path / "checkpoint" / "progress.json"
    fingerprint = trial.metrics(trial.advance(8), None)["dataset_fingerprint"]
    progress.write_text(progress.read_text().replace(str(fingerprint), "0" * 16))
    with pytest.raises(DatasetError, match="has changed since the checkpoint"):
        trial.load(tmp_path / "checkpoint")


def test_too_large_a_data_size_is_refused_before_the_model_is_loaded() -> None:
    with pytest.raises(DatasetError, match=r"data_size is 10,000,000, but there are 7,\d+"):
        Finetuning(configuration("no such model", data_size=10_000_000), "cpu")


def test_weight_decay_spares_norms_and_embeddings() -> None:
    model = torch.nn.ModuleDict(
        {
            "embedding": torch.nn.Embedding(4, 4),
            "linear": torch.nn.Linear(4, 4),
            "norm": torch.nn.LayerNorm(4),
        }
    )
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = Optimizer(model, weight_decay=0.5, gradient_clipping=1.0)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step(0.1)
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {"linear.weight"}


def test_the_gradient_is_clipped_by_its_global_norm() -> None:
    model = torch.nn.Linear(3, 3, bias=False)
    optimizer = Optimizer(model, weight_decay=0.0, gradient_clipping=0.5)
    model.weight.grad = torch.full((3, 3), 100.0)
    optimizer.step(0.0)
    moment = optimizer.state()["weight/exp_avg"]  # a tenth of the gradient after one step
    assert float((moment * 10).norm()) == pytest.approx(0.5, rel=1e-4)


def test_the_process_that_reads_sql_serves_the_next_trial_too(base: str) -> None:
    served_by = set()
    for seed in (0, 1):
        trial = Finetuning(dataclasses.replace(configuration(base, "lora"), seed=seed), "cpu")
        trial.evaluate("validation")
        trial.close()
        served_by.update(parsing.shared().map(process_id, [()]))
    assert len(served_by) == 1


@pytest.mark.parametrize("technique", TRAINED)
def test_a_closed_trial_leaves_no_trained_weights_behind(base: str, technique: str) -> None:
    trial = Finetuning(configuration(base, technique), "cpu")
    trial.advance(8)
    trial.evaluate("validation")
    left = [weakref.ref(p) for p in trial.adapted.model.parameters() if p.requires_grad]
    assert left
    gc.disable()  # no automatic collection may help
    try:
        trial.close()
        assert not [reference for reference in left if reference() is not None]
    finally:
        gc.enable()


@pytest.mark.parametrize("protocol", ["standard", "notebook"])
def test_where_the_last_rung_alone_is_scored_the_others_hold_the_same_loss(
    base: str, protocol: str
) -> None:
    trial = dataclasses.replace(configuration(base, "lora"), protocol=protocol)
    every = run(trial, (20, 30, 40))
    last = run(dataclasses.replace(trial, scored_rungs="last"), (20, 30, 40))
    for scored, bare in zip(every.rungs[:-1], last.rungs[:-1], strict=True):
        assert (bare.metrics["eval_loss"], bare.step) == (scored.metrics["eval_loss"], scored.step)
        assert bare.metrics["eval_rows"] == scored.metrics["eval_rows"]
        assert {bare.metrics[name] for name in COLUMNS_OF_SCORES} == {None}
        assert (bare.predictions, len(scored.predictions) > 0) == ([], True)
        assert bare.metrics.keys() == scored.metrics.keys()
    # Writing SQL at a rung or not changes nothing of what follows.
    assert last.numbers()[2:] == every.numbers()[2:]
