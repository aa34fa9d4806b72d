"""What a trial tells whoever drives it, and to whom: what a learner and its driver agree on.

Standard library only: the orchestrator records these without loading torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from trainables.contract.configuration import TrialConfiguration

Metrics = dict[str, float | int | str | None]
"""Columns of the store by name."""


@dataclass(frozen=True)
class StepPoint:
    """Consecutive optimiser steps between two rungs, taken together.

    Attributes:
        step: Number of the last of them, from 1.
        examples_seen: Training examples so far, theirs included.
        loss: Mean cross-entropy per target token over them, in nats.
        learning_rate: Of the last.
        gradient_norm: Mean global norm of the gradient, before clipping.
        tokens: Source and target tokens, padding not counted.
    """

    step: int
    examples_seen: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int


class EvaluationInterruptedError(Exception):
    """An evaluation was given up because the trial is to end.

    Args:
        has_trained: Whether there is anything to save: a trial that does not train has nothing.
    """

    def __init__(self, *, has_trained: bool = True) -> None:
        super().__init__("the trial is to end")
        self.has_trained = has_trained


@dataclass(frozen=True)
class Training:
    """What one call of `advance` did, with the calls before it that were to go as far.

    Attributes:
        loss: Mean cross-entropy per target token over the steps, in nats; None without a step.
        diverged: The loss was NaN or infinite, and training ended there.
        learning_rate: Of the last step; None without one.
        tokens: Source and target tokens trained on, padding not counted.
        seconds: How long it took.
        interrupted: Training ended before it was where it was to go, because it was told to.
        steps: The steps of it, see `StepCurve`.
        pack_size: Trials whose rows were in the passes of a step, itself included, in the mean.
    """

    loss: float | None
    diverged: bool
    learning_rate: float | None
    tokens: int
    seconds: float
    interrupted: bool = False
    steps: tuple[StepPoint, ...] = ()
    pack_size: float = 1.0


NO_TRAINING = Training(None, False, None, 0, 0.0)
"""What `advance` did for a trial that does not train."""


@dataclass(frozen=True)
class Evaluation:
    """What one pass over a split found.

    Attributes:
        metrics: `eval_loss` (mean cross-entropy per target token, in nats), each score and
            `<score>_se` (None where no row could be measured, or the loss alone was),
            `meteor_synonyms`, `eval_rows`, `eval_schemas`, `eval_rows_cut` (prompts or right SQL
            longer than the limits; scores are against the whole SQL), `eval_seconds`.
        predictions: One dictionary a row, in the order of the split: `example_id`, `sql_prompt`,
            `sql_context`, `reference`, `prediction`, each score of that row or None,
            `schema_group`, `source_cut` and `target_cut`.
    """

    metrics: Metrics
    predictions: list[dict[str, Any]]

    @property
    def seconds(self) -> float:
        """How long it took; of a pass that several models shared, this one's share."""
        return float(self.metrics["eval_seconds"] or 0.0)


@dataclass(frozen=True)
class Reached:
    """Where a trial has come to on its way to a rung.

    Attributes:
        step: Optimiser steps so far.
        examples_seen: Training examples so far.
        training: What led there.
        evaluation: On the validation rows; None of a trial that diverged or was told to end, and in
            a worker that leaves it to the first of its group.
        metrics: Where the trial stands and how good it is, by column; empty where it is told to
            end, and in such a worker.
    """

    step: int
    examples_seen: int
    training: Training
    evaluation: Evaluation | None = None
    metrics: Metrics = field(default_factory=dict)


@dataclass(frozen=True)
class RungReport:
    """A trial at a rung.

    Attributes:
        rung: Number of the rung, from 0.
        rung_examples: Training examples at which the rung stands; the trial has seen so many, or a
            few more to the end of a batch.
        step: Optimiser steps so far.
        metrics: Where the trial stands and how good it is; the columns of the table `reports`.
        predictions: One dictionary a validation row, see `Evaluation`; none
            at a rung where the loss alone was measured.
        save: Writes a checkpoint from which the trial goes on after this rung.
        steps: The steps since the rung before, thinned to a few hundred points at most.
    """

    rung: int
    rung_examples: int
    step: int
    metrics: Metrics
    predictions: list[dict[str, Any]]
    save: Callable[[Path], None]
    steps: Sequence[StepPoint] = ()


class Report(Protocol):
    """Who listens to a trial, in each worker of a group."""

    def rung(self, report: RungReport) -> None:
        """Takes a report, and returns if the trial shall go on; on the first worker only."""

    def test(self, predictions: list[dict[str, Any]], metrics: Metrics, protocol: str) -> None:
        """Takes an evaluation on the test rows, at the end; on the first worker only.

        Called once for each of the configuration's `test_protocols`.
        """

    def follow(self, rung: int) -> None:
        """Called at each rung on the other workers of a group, in place of `rung`.

        They wait for the first one afterwards in any case; Ray Train in addition wants to hear of
        every worker each time that it hears of one.
        """


class Interruption(Protocol):
    """Who may end a trial where it is."""

    def requested(self) -> bool:
        """Returns whether the trial is to end.

        Asked after each optimiser step and each evaluated batch.
        """

    def record(self, examples_seen: int, save: Callable[[Path], None]) -> None:
        """Takes the checkpoint of a trial that ends there.

        Args:
            examples_seen: Training examples so far, more than the last rung's and fewer than the
                next one's; the one before the next rung where only its evaluation is missing.
            save: Writes a checkpoint from which the trial goes on as if nothing had happened.
        """


class Learner(Protocol):
    """What trains; `trainables.finetune.finetune` is one, and says what each argument means."""

    def __call__(
        self,
        configuration: TrialConfiguration,
        rungs: Sequence[int],
        report: Report,
        *,
        resume_from: Path | None = None,
        device: str = "auto",
        heartbeat: Callable[[int], None] | None = None,
        interruption: Interruption | None = None,
    ) -> None:
        """Runs a trial from its beginning, or from a checkpoint, to its end."""
