"""How fast trials of one technique go: seconds an example, a row, a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.price.work import Work

_WITHIN = (10, 90)
"""Percentiles of what was measured: the range that is said."""


@dataclass(frozen=True)
class Range:
    """A figure that is not known exactly.

    Attributes:
        low: Of ten that were measured, one is below.
        middle: Their mean, since it is sums that are foretold.
        high: Of ten, one is above.
    """

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, measured: Sequence[float]) -> Range:
        """Returns the range of what was measured, once at least."""
        low, high = np.percentile(measured, _WITHIN)
        mean = float(np.mean(measured))
        return cls(min(float(low), mean), mean, max(float(high), mean))

    def __add__(self, other: Range) -> Range:
        """Returns the sum, as wide as if both erred to the same side."""
        return Range(self.low + other.low, self.middle + other.middle, self.high + other.high)

    def __mul__(self, factor: float) -> Range:
        """Returns the range with both ends multiplied."""
        return Range(self.low * factor, self.middle * factor, self.high * factor)


NOTHING = Range(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Speed:
    """How fast trials of one technique go on one kind of device; seconds, None where not known.

    Attributes:
        example: To train on one.
        loss_row: To measure the loss on one validation row.
        scored_row: To write and score the SQL for one row, its loss included.
        run: To set a run up.
        trials: On how many trials it rests; 0 where it was measured on request.
        memory_bytes: The most that one of them took of the device; None where not known.
        trained_each: Weights that they train, for each unit of their size (`price.size`); None
            where not known.
        start: To start what runs the trials of a phase, all processes together.
    """

    example: Range | None
    loss_row: Range | None
    scored_row: Range | None
    run: Range | None
    trials: int
    memory_bytes: int | None = None
    trained_each: float | None = None
    start: Range | None = None

    def seconds(self, work: Work) -> Range | None:
        """Returns how long the work takes on one device; None where a part of it is not known."""
        total = NOTHING
        for amount, each in (
            (work.examples, self.example),
            (work.loss_rows, self.loss_row),
            (work.scored_rows, self.scored_row),
            (work.runs, self.run),
        ):
            if not amount:
                continue
            if each is None:
                return None
            total += each * amount
        return total
