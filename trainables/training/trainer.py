"""The optimiser steps of one trial: which rows, at which rate, with which gradient."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import torch

from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import lacks_memory
from trainables.contract.reports import Training
from trainables.data.batching import epoch_batches, micro_batches
from trainables.data.encoded_rows import EncodedRows
from trainables.passes.dropout import row_keys
from trainables.passes.gradients import Step, add_gradients
from trainables.runtime.device import release_memory
from trainables.runtime.seeding import isolated, seed_torch
from trainables.runtime.worker_group import WorkerGroup
from trainables.training.adapted_model import AdaptedModel
from trainables.training.optimizer import Optimizer
from trainables.training.schedule import factor
from trainables.training.step_curve import StepCurve

_LOG = logging.getLogger(__name__)

CHECK_EVERY = 16
"""Steps between looks at the loss on an accelerator, where each look waits for the device; on a CPU
it is looked at in each step."""

OVERHEAD_TOKENS = {"cpu": 150.0}
"""What a micro-batch costs besides its tokens, forward and backward, in tokens, where it was
measured (`benchmarks/RESULTS.md`). Elsewhere a batch is cut into as few as `micro_batch_size`
allows."""
UNMEASURED = 1e9


@dataclass
class _Sums:
    """What `Training` is made of, kept by a checkpoint between two calls of `advance`."""

    loss: float = 0.0
    targets: int = 0
    tokens: int = 0
    seconds: float = 0.0
    rate: float | None = None


@dataclass(frozen=True)
class NextStep:
    """An optimiser step that is to be taken.

    Attributes:
        rows: The batch.
        rate: The learning rate.
        targets: Number of target tokens.
        tokens: Number of all tokens, padding not counted.
    """

    rows: list[int]
    rate: float
    targets: int
    tokens: int


class Trainer:
    """Trains a model on rows, from any position in them.

    Args:
        adapted: The model.
        rows: The training rows.
        configuration: The trial, with a budget above 0.
        group: The workers among which each batch is shared.
        after_step: Called after each optimiser step; returns whether to go on.

    Attributes:
        step: Optimiser steps so far.
        examples_seen: Training examples so far.
        overhead_tokens: What a pass costs on its device besides its tokens, counted in tokens.
    """

    def __init__(
        self,
        adapted: AdaptedModel,
        rows: EncodedRows,
        configuration: TrialConfiguration,
        group: WorkerGroup,
        after_step: Callable[[], bool],
    ) -> None:
        self._adapted = adapted
        self._device = adapted.device
        self._rows = rows
        self._seed = configuration.seed
        self._budget = configuration.budget_examples
        self._parameters: dict[str, Any] = dict(configuration.parameters)
        self._most_rows = int(self._parameters["micro_batch_size"])
        self._group = group
        self._after_step = after_step
        self.overhead_tokens = OVERHEAD_TOKENS.get(adapted.device.type, UNMEASURED)
        self._optimizer = Optimizer(
            adapted.model,
            weight_decay=self._parameters["weight_decay"],
            gradient_clipping=self._parameters["gradient_clipping"],
        )
        self._epoch = 0
        self._batches_done = 0  # of this epoch
        self._batches: Iterator[list[int]] | None = None
        self._sums = _Sums()
        self._curve = StepCurve()
        self._arrived_at = 0  # where the sums end; 0 while they are to go further
        self._goal = 0
        self._steps = 0  # since `begin`
        self._loss_sum = torch.zeros((), device=adapted.device)
        self._diverged = self._told_to_end = False
        self.step = 0
        self.examples_seen = 0

    def advance(self, to_examples: int) -> Training:
        """Trains whole optimiser steps until at least so many examples have been seen in all.

        Where `after_step` says so it returns earlier; the next call goes on with the same sums. A
        call that is to go no further than the one before returns the same.
        """
        started = time.perf_counter()
        self.begin(to_examples)
        with isolated(self._device):
            while self.goes_on:
                step = self.next_step()
                self.take(step, self.loss(step))
        return self.end(time.perf_counter() - started)

    def begin(self, to_examples: int) -> None:
        """Sets out to train until so many examples have been seen in all."""
        if 0 < self._arrived_at < to_examples:
            self._sums, self._curve, self._arrived_at = _Sums(), StepCurve(), 0
        self._adapted.model.train()
        self._goal = to_examples
        self._steps = 0
        self._loss_sum = torch.tensor(self._sums.loss, device=self._device)
        self._diverged = self._told_to_end = False

    @property
    def goes_on(self) -> bool:
        """Whether there is another step on the way that `begin` has set out on."""
        return self.examples_seen < self._goal and not self._diverged and not self._told_to_end

    def next_step(self) -> NextStep:
        """Returns the step that is now to be taken; `take` follows it."""
        rows = self._next_batch()
        lengths = self._rows.lengths(rows)
        targets = sum(target for _, target in lengths)
        tokens = sum(source for source, _ in lengths) + targets
        return NextStep(rows, self._rate(len(rows)), targets, tokens)

    def packed(self, step: NextStep) -> Step:
        """Returns what passes of our own need to add the gradient of a step."""
        return Step(
            self._rows.sources(step.rows),
            self._rows.targets(step.rows),
            row_keys(self._seed, self.step, step.rows),
            self._adapted.adapter,
            self._most_rows,
            bool(self._parameters.get("gradient_checkpointing")),
        )

    def take(self, step: NextStep, loss: torch.Tensor) -> None:
        """Takes a step whose gradient has been added.

        Args:
            step: What `next_step` returned.
            loss: The mean over its target tokens, a scalar on the device.
        """
        norm = self._optimizer.step(step.rate)
        self.step += 1
        self.examples_seen += len(step.rows)
        self._curve.add(
            self.step, self.examples_seen, loss, step.targets, step.rate, norm, step.tokens
        )
        self._loss_sum += loss * step.targets
        self._sums.rate = step.rate
        self._sums.targets += step.targets
        self._sums.tokens += step.tokens
        self._steps += 1
        last = self.examples_seen >= self._goal
        if last or self._device.type == "cpu" or self._steps % CHECK_EVERY == 0:
            self._diverged = not math.isfinite(float(self._loss_sum))
        self._told_to_end = not self._after_step()

    def forget_gradient(self) -> None:
        """Clears what was added to the gradient of a step that is not taken, or is tried again."""
        self._optimizer.forget_gradient()

    def end(self, seconds: float, pack_size: float = 1.0) -> Training:
        """Returns what was done since `begin`, and by earlier calls on the same way.

        Args:
            seconds: How long it took.
            pack_size: As of `Training`.
        """
        self._adapted.model.eval()
        sums = self._sums
        sums.loss = float(self._loss_sum)
        sums.seconds += seconds
        interrupted = self.examples_seen < self._goal and not self._diverged
        if not interrupted:
            self._arrived_at = self._goal
        mean = sums.loss / sums.targets if sums.targets else None
        points = self._curve.points()
        return Training(
            mean,
            self._diverged,
            sums.rate,
            sums.tokens,
            sums.seconds,
            interrupted,
            points,
            pack_size,
        )

    def state(self) -> dict[str, torch.Tensor]:
        """Returns the optimiser's tensors by name."""
        return self._optimizer.state()

    def position(self) -> dict[str, Any]:
        """Returns where in the rows and the schedule training stands, JSON-compatible."""
        return {
            "step": self.step,
            "examples_seen": self.examples_seen,
            "epoch": self._epoch,
            "batches_done": self._batches_done,
            "sums": asdict(self._sums),
            "steps": self._curve.state(),
            "arrived_at": self._arrived_at,
        }

    def restore(self, state: Mapping[str, torch.Tensor], position: Mapping[str, Any]) -> None:
        """Takes over what `state` and `position` returned; the model's weights are not touched."""
        self._optimizer.load(state)
        self.step = position["step"]
        self.examples_seen = position["examples_seen"]
        self._epoch = position["epoch"]
        self._batches_done = position["batches_done"]
        self._batches = None
        self._sums = _Sums(**position["sums"])
        # Checkpoints of before there were these keys hold no sums that have arrived, and no steps.
        self._arrived_at = position.get("arrived_at", 0)
        steps = position.get("steps")
        self._curve = StepCurve.restore(steps, self._device) if steps else StepCurve()

    def _next_batch(self) -> list[int]:
        if self._batches is None:
            epoch = epoch_batches(
                len(self._rows),
                self._parameters["batch_size"],
                seed=self._seed,
                epoch=self._epoch,
            )
            self._batches = islice(epoch, self._batches_done, None)
        batch = next(self._batches, None)
        if batch is None:
            self._epoch, self._batches_done, self._batches = self._epoch + 1, 0, None
            return self._next_batch()
        self._batches_done += 1
        return batch

    def _rate(self, rows: int) -> float:
        peak: float = self._parameters["learning_rate"]
        return peak * factor(
            self.examples_seen + rows / 2,
            self._budget,
            warmup=self._parameters["warmup"],
            schedule=self._parameters["schedule"],
        )

    def loss(self, step: NextStep) -> torch.Tensor:
        """Adds the gradient of a step and returns its mean loss, by passes of our own or others.

        Where memory does not suffice for a pass, passes have half as many rows from there on.
        """
        while True:
            try:
                return self._loss(step)
            except Exception as error:
                rows = min(self._most_rows, len(step.rows))
                if rows < 2 or not lacks_memory(error):
                    raise
            # Outside of the `except`: the error holds what there was too much of.
            self._most_rows = rows // 2
            _LOG.warning(
                "Memory does not suffice for passes of %d rows: from step %d on they have %d.",
                *(rows, self.step + 1, self._most_rows),
            )
            self.forget_gradient()
            release_memory(self._device)

    def _loss(self, step: NextStep) -> torch.Tensor:
        base = self._adapted.base
        if base is None or self._group.size > 1:
            return self._add_gradients(step.rows, step.targets)
        losses = add_gradients(base, [self.packed(step)], self.overhead_tokens)
        return losses[0]

    def _add_gradients(self, rows: list[int], targets: int) -> torch.Tensor:
        """Adds the gradient of the batch through the model's family, with the whole group.

        Args:
            rows: Of the batch.
            targets: Number of their target tokens.

        Returns:
            The mean loss over these, a scalar.
        """
        by_length = dict(zip(rows, self._rows.lengths(rows), strict=True))
        own = self._group.share(sorted(rows, key=by_length.__getitem__))
        cuts = micro_batches(
            [by_length[row] for row in own],
            self._most_rows,
            self.overhead_tokens,
        )
        family = self._adapted.family
        total = torch.zeros((), device=self._device)
        for number, cut in enumerate(cuts):
            part = [own[index] for index in cut]
            batch = family.collate(
                self._rows.sources(part),
                self._rows.targets(part),
                padding_id=self._adapted.padding_id,
                device=self._device,
            )
            seed_torch(self._device, "pass", self._seed, self.step, self._group.rank, number)
            with self._adapted.precision():
                mean = family.loss(self._adapted.model, batch)
                loss = mean.float() * (batch.target_tokens / targets)
            torch.autograd.backward(loss)
            total += loss.detach()
        return self._group.sum_gradients(self._optimizer.parameters, total)
