"""What the driver is told of a report: how good the trial is so far, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunReport:
    """One report of a run.

    Attributes:
        rung_examples: The rung, in examples.
        objective: None where the loss alone was measured.
        error: Standard error of the objective over the validation rows; None where not known.
        loss: On the validation rows.
        train_seconds: Of training, since the run began.
        eval_seconds: Of evaluation, since the run began.
        eval_rows: Validation rows of this report.
        scored: Whether SQL was written for them.
        train_loss: Since the report before.
        memory_bytes: The most that the run has taken of its device so far.
    """

    rung_examples: int
    objective: float | None
    loss: float | None
    error: float | None = None
    train_seconds: float = 0.0
    eval_seconds: float = 0.0
    eval_rows: int = 0
    scored: bool = False
    train_loss: float | None = None
    memory_bytes: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns it as what Ray Tune passes on."""
        return {f"report_{name}": value for name, value in vars(self).items()}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> RunReport:
        """Returns what `as_dict` made."""
        return cls(**{name: told[f"report_{name}"] for name in cls.__dataclass_fields__})
