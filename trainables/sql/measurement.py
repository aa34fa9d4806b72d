"""Which rows can be measured, in which reading, and why the others cannot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why there is no score.

    Attributes:
        kind: One of a few words, to be counted by: those of `trainables.contract.scores.REASONS`.
        detail: What it was in this row.
    """

    kind: str
    detail: str = ""


@dataclass(frozen=True)
class Measurement:
    """Whether a row can be measured; decided by its context and its reference alone.

    Attributes:
        dialects: What the row is read as: `("sqlite",)` where it runs as it is, else the dialects
            that it fits, in all of which the reference returns the same.
        reason: Why it cannot be measured, or None.
    """

    dialects: tuple[str, ...]
    reason: Reason | None = None

    @property
    def is_measured(self) -> bool:
        return self.reason is None


@dataclass(frozen=True)
class Judgement:
    """What was found of one prediction.

    Attributes:
        execution_accuracy: 1.0 if it does what the reference does, 0.0 if not, None where that is
            not known.
        valid_sql: 1.0 if it runs within the limits, 0.0 if not, None where that is not known.
        reason: Why `execution_accuracy` is None. Of the kind `UNJUDGED` where the row can be
            measured; else it is the same for every prediction.
    """

    execution_accuracy: float | None
    valid_sql: float | None
    reason: Reason | None = None
