"""Fine-tunes one model: advance to a rung, evaluate, report, and on to the next.

Knows nothing of who drives it. In a notebook or on a bare machine:

    from pathlib import Path

    from trainables.contract.configuration import TrialConfiguration
    from trainables.finetune import Finetuning
    from trainables.techniques.registry import complete

    trial = Finetuning(
        TrialConfiguration(
            technique="lora", parameters=complete("lora", {"rank": 16}),
            data_size=1000, budget_examples=4000, seed=0, data_seed=0,
        )
    )
    print(trial.advance(4000).loss)
    print(trial.evaluate("validation").metrics["bleu"])
    trial.save(Path("checkpoint"))

Same configuration, same numbers: bit for bit on CPUs of one type, alone or after another trial in
the process, in one go or continued from a checkpoint. Another type of CPU has other kernels, which
round otherwise. On an accelerator the same random numbers are drawn, but some of torch's kernels
add in no fixed order, so that the numbers are only nearly the same. Under `torch.distributed` every
worker makes the same calls; each trains on its share of every batch, with the numbers of one
process but for rounding and dropout, which each worker draws for its own rows.
"""

from __future__ import annotations

import gc
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch

from trainables.base_models.fingerprint import base_fingerprint
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.reports import (
    NO_TRAINING,
    Evaluation,
    EvaluationInterruptedError,
    Interruption,
    Metrics,
    Reached,
    Report,
    Training,
)
from trainables.contract.scores import COLUMNS_OF_SCORES, SCORING_VERSION
from trainables.contract.splits import SPLIT_VERSION
from trainables.contract.versions import PROMPT_VERSION, TRAINING_VERSION
from trainables.data.encoded_rows import EncodedRows
from trainables.data.errors import DatasetError
from trainables.data.spelling import SqlTokens
from trainables.data.splits import NOTEBOOK_ROWS, splits_of
from trainables.evaluation.evaluator import Evaluator
from trainables.families.fit import Lengths
from trainables.rungs import climb
from trainables.runtime.device import PeakMemory, choose_device, device_name, release_memory
from trainables.runtime.seeding import isolated
from trainables.runtime.worker_group import WorkerGroup
from trainables.sql.execution import SqlExecutor
from trainables.training import checkpoint
from trainables.training.adapted_model import prepare
from trainables.training.trainer import Trainer


class Finetuning:
    """One trial: a model, its rows and its optimiser.

    Args:
        configuration: The trial, every parameter of its technique filled in.
        device: A device, or "auto" for the best there is.
        heartbeat: Called at each optimiser step, each evaluated batch and, while texts are scored,
            about twice a second or more often, with the training examples so far.
        interrupted: Asked whenever there is a heartbeat; if it is true, `advance` returns there,
            and `evaluate` raises `EvaluationInterruptedError`.

    Attributes:
        adapted: The model.
        trainer: Its training; None for a trial that does not train.
        advanced_to: Training examples that `advance` has come to.
        evaluated_to: Those at the latest evaluation on validation rows; below 0 before the first.
        train_seconds: Time spent in `advance`.
        eval_seconds: Time spent in `evaluate`.

    Raises:
        DatasetError: The data set cannot be read or has too few rows.
        BaseModelUnavailable: The base model cannot be loaded.
        DeviceUnavailable: torch cannot use the device.
    """

    def __init__(
        self,
        configuration: TrialConfiguration,
        device: torch.device | str = "auto",
        *,
        heartbeat: Callable[[int], None] | None = None,
        interrupted: Callable[[], bool] | None = None,
    ) -> None:
        self._started = time.perf_counter()
        self._configuration = configuration
        self._device = choose_device(device)
        self._heartbeat = heartbeat
        self._interrupted = interrupted
        self._group = WorkerGroup()
        self._splits = splits_of(configuration)
        trains = configuration.budget_examples > 0
        rows = self._splits.training_rows(configuration.data_size) if trains else ()
        with isolated(self._device):
            self.adapted = prepare(configuration, self._device)
        # Now, while its files are those that were loaded.
        base = configuration.base_model, configuration.base_model_revision
        self._base_fingerprint = base_fingerprint(*base)
        self._memory = PeakMemory(self._device)
        self._tokens = SqlTokens(self.adapted.tokenizer, self.adapted.framing)
        self.trainer: Trainer | None = None
        self._encoded: EncodedRows | None = None
        if trains:
            self._encoded = EncodedRows(
                self._splits.train,
                self._tokens,
                source_limit=configuration.source_tokens,
                target_limit=configuration.target_tokens,
                count=len(rows),
            )
            self.trainer = Trainer(
                self.adapted, self._encoded, configuration, self._group, self._after_step
            )
        self._evaluators: dict[tuple[str, str], Evaluator] = {}
        self._executor = SqlExecutor()
        self._earlier_seconds = 0.0
        self.advanced_to = -1
        self.evaluated_to = -1
        self.train_seconds = 0.0
        self.eval_seconds = 0.0

    def close(self) -> None:
        """Ends the process that runs predicted SQL and gives the memory back.

        Nothing works after. The process that reads SQL is kept for the next trial: it takes half a
        second to start, and has the references parsed. It ends with this process.

        Model and optimiser go with the last reference to them. Only where a library has tied a
        model to itself are the interpreter's cycles collected, which takes 0.4 s in a process that
        has loaded torch and transformers.
        """
        self._executor.close()
        model = weakref.ref(self.adapted.model)
        del self.adapted, self.trainer, self._evaluators
        if model() is not None:
            gc.collect()
        release_memory(self._device)

    @property
    def is_first_worker(self) -> bool:
        """Whether this process evaluates, reports and saves for its group."""
        return self._group.rank == 0

    @property
    def step(self) -> int:
        """Optimiser steps so far."""
        return self.trainer.step if self.trainer is not None else 0

    @property
    def examples_seen(self) -> int:
        """Training examples so far."""
        return self.trainer.examples_seen if self.trainer is not None else 0

    def reach(self, examples: int, *, scores: bool) -> Reached:
        """Trains until at least so many examples have been seen in all, and measures there.

        Args:
            examples: As of `advance`.
            scores: As of `evaluate`, on the validation rows.

        Raises:
            EvaluationInterruptedError: The trial is to end; only the evaluation is missing.
        """
        training = self.advance(examples)
        if not self.is_first_worker or training.interrupted:
            return self.reached(training)
        found = None if training.diverged else self.evaluate("validation", scores=scores)
        return self.reached(training, found)

    def reached(self, training: Training, evaluation: Evaluation | None = None) -> Reached:
        """Returns where the trial has come to.

        Args:
            training: What `advance`, or an engine in its place, has done.
            evaluation: The same of `evaluate`.
        """
        is_there = self.is_first_worker and not training.interrupted
        metrics = self.metrics(training, evaluation) if is_there else {}
        return Reached(self.step, self.examples_seen, training, evaluation, metrics)

    def test(self, protocol: str) -> Evaluation:
        """Measures loss and scores on the test rows; the same as `evaluate("test", protocol)`."""
        return self.evaluate("test", protocol)

    def advance(self, to_examples: int) -> Training:
        """Trains whole optimiser steps until at least so many examples have been seen in all.

        Ends at once where the loss is NaN or infinite; the model is of no use then. If it was
        interrupted, the same call goes on, also after `save` and `load`.
        """
        training = NO_TRAINING if self.trainer is None else self.trainer.advance(to_examples)
        self.arrive(to_examples, training)
        return training

    def arrive(self, to_examples: int, training: Training) -> None:
        """Notes what `advance`, or an engine in its place, has done."""
        if not training.interrupted and to_examples > self.advanced_to:
            self.train_seconds += training.seconds
            self.advanced_to = to_examples

    def evaluate(
        self,
        split: Literal["validation", "test"],
        protocol: str | None = None,
        *,
        scores: bool = True,
    ) -> Evaluation:
        """Measures loss and scores on the rows of a split, the same ones in every trial.

        Args:
            split: Which rows; by the notebook's protocol the first `NOTEBOOK_ROWS` test rows.
            protocol: "standard" or "notebook"; None means the configuration's for validation rows.
            scores: Whether SQL is written and scored, or the loss alone is measured.

        Raises:
            EvaluationInterruptedError: The trial is to end; nothing has changed but the time.
        """
        with isolated(self._device):
            evaluator = self.evaluator(split, protocol)
            measure = evaluator.evaluate if scores else evaluator.measure_loss
            evaluation = measure(self.adapted, self.after_batch)
        self.evaluated(split, evaluation)
        return evaluation

    def evaluated(self, split: Literal["validation", "test"], evaluation: Evaluation) -> None:
        """Notes what `evaluate`, or an engine in its place, has done."""
        self._memory.sample()
        self.eval_seconds += evaluation.seconds
        if split == "validation":
            self.evaluated_to = self.advanced_to

    def rehearse(self) -> None:
        """Takes the time of an evaluation on the validation rows after training, for its price."""
        with isolated(self._device):
            self.evaluator("validation").rehearse([self.adapted])
        self._memory.sample()

    def evaluator(
        self, split: Literal["validation", "test"], protocol: str | None = None
    ) -> Evaluator:
        """Returns what measures models on the rows of a split; arguments as of `evaluate`."""
        protocol = protocol or self._configuration.validation_protocol
        if (split, protocol) not in self._evaluators:
            rows = self._splits.validation if split == "validation" else self._splits.test
            if split == "test" and protocol == "notebook":
                rows = rows[:NOTEBOOK_ROWS]
            self._evaluators[split, protocol] = Evaluator(
                rows,
                self._tokens,
                source_limit=self._configuration.source_tokens,
                target_limit=self._configuration.target_tokens,
                protocol=protocol,
                executor=self._executor,
                answer_room=Lengths.of(self._configuration).answer_room(self.adapted.config),
            )
        return self._evaluators[split, protocol]

    def save(self, folder: Path) -> None:
        """Writes a checkpoint into a staging folder of the caller's; `checkpoint.save` says what it
        holds.
        """
        progress = {
            "position": self.trainer.position() if self.trainer is not None else {},
            "advanced_to": self.advanced_to,
            "evaluated_to": self.evaluated_to,
            "train_seconds": self.train_seconds,
            "eval_seconds": self.eval_seconds,
            "elapsed_seconds": self.elapsed_seconds,
            "peak_memory_bytes": self._memory.peak_bytes,
            "dataset_fingerprint": self._splits.fingerprint,
        }
        state = self.trainer.state() if self.trainer is not None else {}
        checkpoint.save(self.adapted, folder, state, progress)

    def load(self, folder: Path) -> None:
        """Continues from a checkpoint of the same configuration, as if never interrupted.

        Raises:
            CheckpointError: The checkpoint is damaged or another model's.
            DatasetError: The data set has changed since.
        """
        state, progress = checkpoint.load(self.adapted, folder)
        if progress["dataset_fingerprint"] != self._splits.fingerprint:
            raise DatasetError(
                f"The data set {self._configuration.dataset!r} has changed since the checkpoint "
                f"{folder} was written (fingerprint {progress['dataset_fingerprint']}, now "
                f"{self._splits.fingerprint}); put the old rows back, or start a new sweep with "
                "`--new`."
            )
        if self.trainer is not None:
            self.trainer.restore(state, progress["position"])
        self.advanced_to = progress["advanced_to"]
        # Before there was the key, nothing was saved between training and evaluation.
        self.evaluated_to = progress.get("evaluated_to", self.advanced_to)
        self.train_seconds = progress["train_seconds"]
        self.eval_seconds = progress["eval_seconds"]
        self._earlier_seconds = progress["elapsed_seconds"]
        self._started = time.perf_counter()
        self._memory.include(progress["peak_memory_bytes"])

    @property
    def elapsed_seconds(self) -> float:
        """Time spent on the trial, set-up included, without what passed between a stop and a
        continuation.
        """
        return self._earlier_seconds + time.perf_counter() - self._started

    def metrics(self, training: Training, evaluation: Evaluation | None) -> Metrics:
        """Returns a report's columns.

        Args:
            training: What led to this rung.
            evaluation: On the validation rows; None for a trial that diverged, whose scores are
            then None.
        """
        unmeasured = ("eval_loss", "eval_rows", "eval_schemas", "eval_rows_cut", "meteor_synonyms")
        measured: Metrics = (
            dict(evaluation.metrics)
            if evaluation is not None
            else dict.fromkeys((*unmeasured, *COLUMNS_OF_SCORES))
        )
        data_size = self._configuration.data_size
        return measured | {
            "step": self.step,
            "examples_seen": self.examples_seen,
            "train_rows_cut": self._rows_cut,
            "epoch": self.examples_seen / data_size if data_size else 0.0,
            "train_loss": training.loss,
            "pack_size": training.pack_size,
            "learning_rate": training.learning_rate,
            "tokens_per_second": training.tokens / training.seconds if training.tokens else None,
            "train_seconds": self.train_seconds,
            "eval_seconds": self.eval_seconds,
            "elapsed_seconds": self.elapsed_seconds,
            "peak_memory_bytes": self._memory.peak_bytes,
            "trainable_parameters": self.adapted.trainable_parameters,
            "total_parameters": self.adapted.total_parameters,
            "trainable_percent": self.adapted.trainable_percent,
            "device_kind": self._device.type,
            "device_name": device_name(self._device),
            "dtype": str(self.adapted.dtype).removeprefix("torch."),
            "split_version": SPLIT_VERSION,
            "scoring_version": SCORING_VERSION,
            "prompt_version": PROMPT_VERSION,
            "training_version": TRAINING_VERSION,
            "sqlite_version": sqlite3.sqlite_version,
            "base_model": self._configuration.base_model,
            "base_fingerprint": self._base_fingerprint,
            "dataset_fingerprint": self._splits.fingerprint,
        }

    @cached_property
    def _rows_cut(self) -> int | None:
        """Training rows whose prompt or SQL is longer than the limits; None where none are."""
        if self._encoded is None:
            return None
        rows = range(len(self._encoded))
        return sum(self._encoded.are_cut(rows, self._configuration.target_tokens))

    def wait(self) -> None:
        """Returns when every worker of the group is here; at once for a single process."""
        self._group.wait()

    def _beat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat(self.examples_seen)

    def _after_step(self) -> bool:
        self._memory.sample()
        self._beat()
        return self._interrupted is None or not self._interrupted()

    def after_batch(self) -> None:
        """Tells that the trial lives, in the midst of an evaluation.

        Raises:
            EvaluationInterruptedError: It is to end.
        """
        self._beat()
        if self._interrupted is not None and self._interrupted():
            raise EvaluationInterruptedError(has_trained=self.step > 0)


def finetune(
    configuration: TrialConfiguration,
    rungs: Sequence[int],
    report: Report,
    *,
    resume_from: Path | None = None,
    device: torch.device | str = "auto",
    heartbeat: Callable[[int], None] | None = None,
    interruption: Interruption | None = None,
) -> None:
    """Runs a trial from its beginning, or from a checkpoint, to its end.

    A trial that diverges ends with its report: `train_loss` is NaN or infinite, every score None,
    and the test rows are not touched.

    Args:
        configuration: The trial.
        rungs: Examples at which it is evaluated and reports, ascending, the budget last; (0,) for a
            technique that does not train. `configuration.scored_rungs` says at which it is scored.
        report: Who listens.
        resume_from: Checkpoint of the same trial; rungs that it has passed are not reported again.
        device: A device, or "auto".
        heartbeat: Called at each optimiser step, each evaluated batch and, while texts are scored,
            about twice a second or more often, with the training examples so far.
        interruption: Who may end the trial at any step, also of an evaluation; not for a group of
            workers, who would have to agree on the step.

    Raises:
        DatasetError: The data set cannot be read or has too few rows.
        BaseModelUnavailable: The base model cannot be loaded.
        DeviceUnavailable: torch cannot use the device.
        CheckpointError: The checkpoint cannot be loaded.
    """
    interrupted = None if interruption is None else interruption.requested
    with closing(
        Finetuning(configuration, device, heartbeat=heartbeat, interrupted=interrupted)
    ) as trial:
        if resume_from is not None:
            trial.load(resume_from)
        climb(trial, configuration, rungs, report, interruption)
