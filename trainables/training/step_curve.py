"""The steps between two rungs as a curve of bounded length: loss, rate, gradient norm, tokens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from trainables.contract.reports import StepPoint

MOST_POINTS = 200
"""Of one rung: enough for a plot, little beside the row that it is stored with."""


@dataclass
class _Sums:
    """Consecutive steps taken together; the tensors are scalars on the device."""

    step: int
    examples_seen: int
    steps: int
    loss: torch.Tensor
    targets: int
    learning_rate: float
    gradient_norm: torch.Tensor
    tokens: int

    def join(self, later: _Sums) -> None:
        """Adds the steps that follow."""
        self.step, self.examples_seen = later.step, later.examples_seen
        self.learning_rate = later.learning_rate
        self.steps += later.steps
        self.loss = self.loss + later.loss
        self.targets += later.targets
        self.gradient_norm = self.gradient_norm + later.gradient_norm
        self.tokens += later.tokens


class StepCurve:
    """Takes every step and keeps at most `MOST_POINTS` points.

    Each point stands for the same number of consecutive steps, the last one for as many as there
    are; the number doubles whenever there would be too many points. So the curve depends on the
    steps alone, not on where training was interrupted. On an accelerator nothing waits for the
    device before the points are asked for.
    """

    def __init__(self) -> None:
        """Begins without a step."""
        self._stride = 1
        self._sums: list[_Sums] = []

    def add(
        self,
        step: int,
        examples_seen: int,
        loss: torch.Tensor,
        targets: int,
        learning_rate: float,
        gradient_norm: torch.Tensor,
        tokens: int,
    ) -> None:
        """Takes a step.

        Args:
            step: Its number, from 1.
            examples_seen: Training examples so far, its own included.
            loss: Mean cross-entropy per target token, in nats; a scalar.
            targets: Target tokens.
            learning_rate: At which the step was taken.
            gradient_norm: Global norm of the gradient before clipping; a scalar.
            tokens: Source and target tokens, padding not counted.
        """
        new = _Sums(
            step,
            examples_seen,
            1,
            loss.detach() * targets,
            targets,
            learning_rate,
            gradient_norm.detach(),
            tokens,
        )
        if self._sums and self._sums[-1].steps < self._stride:
            self._sums[-1].join(new)
            return
        if len(self._sums) == MOST_POINTS:
            for first, second in zip(self._sums[::2], self._sums[1::2], strict=True):
                first.join(second)
            self._sums = self._sums[::2]
            self._stride *= 2
        self._sums.append(new)

    def points(self) -> tuple[StepPoint, ...]:
        """Returns the curve, means over the steps of each point."""
        return tuple(
            StepPoint(
                step=each.step,
                examples_seen=each.examples_seen,
                loss=float(each.loss) / each.targets,
                learning_rate=each.learning_rate,
                gradient_norm=float(each.gradient_norm) / each.steps,
                tokens=each.tokens,
            )
            for each in self._sums
        )

    def state(self) -> dict[str, Any]:
        """Returns what `restore` goes on from, JSON-compatible."""
        kept = [
            asdict(each) | {"loss": float(each.loss), "gradient_norm": float(each.gradient_norm)}
            for each in self._sums
        ]
        return {"stride": self._stride, "sums": kept}

    @classmethod
    def restore(cls, state: dict[str, Any], device: torch.device) -> StepCurve:
        """Returns the curve that `state` was of."""
        curve = cls()
        curve._stride = state["stride"]
        curve._sums = [
            _Sums(
                **each
                | {
                    "loss": torch.tensor(each["loss"], device=device),
                    "gradient_norm": torch.tensor(each["gradient_norm"], device=device),
                }
            )
            for each in state["sums"]
        ]
        return curve
