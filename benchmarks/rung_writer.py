"""What listens to a trial in a benchmark: it writes a checkpoint at each rung, as a sweep does."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainables.contract.reports import RungReport


@dataclass
class RungWriter:
    """The report of `trainables.finetune.finetune`.

    Attributes:
        folder: Where the checkpoints go, a folder a rung.
        metrics: Those of the last report.
    """

    folder: Path
    metrics: dict[str, Any] = field(default_factory=dict)

    def rung(self, report: RungReport) -> None:
        """Writes the checkpoint and keeps the metrics."""
        self.metrics = report.metrics
        folder = self.folder / str(report.rung)
        folder.mkdir()
        report.save(folder)

    def test(self, predictions: list[dict[str, Any]], metrics: Any, protocol: str) -> None:
        """Does nothing: what is measured has been by then."""

    def follow(self, rung: int) -> None:
        """Refuses: only workers of a group follow.

        Raises:
            AssertionError: Always.
        """
        raise AssertionError("there is one worker")
