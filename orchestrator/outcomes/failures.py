"""What follows from a trial's failure: another attempt, the end of the trial, or of the sweep."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orchestrator.errors import CommandError
from orchestrator.state.attempts import DIED, LOST, MACHINE, NODE, TERMINATED, Attempts
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.terminal.commands import command
from trainables.contract.configuration import TrialConfiguration
from trainables.techniques.registry import is_untuned

MAX_MEMORY_FAILURES = 2
"""One lack of memory is retried with half the micro-batch; the second ends the trial."""

MAX_LOST = 10
"""So many lost nodes, one after another, are no chance: the trial may be why."""

ALIKE = 3
"""So many first trials that all fail alike end the sweep: the fault is not any one trial's."""


class MachineError(CommandError):
    """A trial met an error of the machine; the sweep is to stop, and go on once that is mended."""


class AlikeFailuresError(CommandError):
    """Every trial so far failed in the same way; the sweep is to stop."""


def outcome(attempts: Attempts, max_attempts: int) -> str | None:
    """Returns how a trial ends whose latest attempt failed, or None if it is to be tried again.

    Args:
        attempts: Its attempts; the latest one has a record of its failure.
        max_attempts: So many attempts may end with the death of their process.

    Returns:
        "failed", "out_of_memory", "hung" or None.

    Raises:
        MachineError: The machine, not the trial, is at fault.
    """
    assert attempts.failure is not None
    kind: str = attempts.failure["outcome"]
    if kind in (MACHINE, NODE):
        raise MachineError(attempts.failure["error"])
    if kind == TERMINATED:
        return None
    if kind == LOST:
        return None if attempts.lost < MAX_LOST else "failed"
    if kind == DIED:
        return None if attempts.deaths < max_attempts else "failed"
    if kind == "out_of_memory":
        return None if attempts.memory_failures < MAX_MEMORY_FAILURES else kind
    return kind


def halve_micro_batch(
    configuration: TrialConfiguration, memory_failures: int, workers: int
) -> TrialConfiguration:
    """Returns the configuration of an attempt after some that ran out of memory.

    Each one halves the micro-batch, counted from what a process really takes in one pass. The
    optimiser's step still sees the same examples, so that the numbers are the same but for rounding
    and dropout.

    Args:
        configuration: Of the first attempt.
        memory_failures: Attempts that ran out of memory.
        workers: Processes that share each batch.
    """
    size = configuration.parameters.get("micro_batch_size")
    batch = configuration.parameters.get("batch_size")
    if not memory_failures or not isinstance(size, int) or not isinstance(batch, int):
        return configuration
    share = math.ceil(batch / workers)
    halved = {"micro_batch_size": max(1, min(size, share) >> memory_failures)}
    return dataclasses.replace(configuration, parameters=dict(configuration.parameters) | halved)


class FirstFailures:
    """Watches for a sweep whose every trial fails in the same way."""

    def __init__(self, rows: Iterable[Row], root: Root = Path("experiments")) -> None:
        """Begins with the final rows that there are, the untuned baseline's left aside.

        Args:
            rows: Final rows of the sweep.
            root: Of the store, for the command that shows a trial.
        """
        self._root = root
        self._seen: set[tuple[str, str]] = set()
        self._count = 0
        for row in rows:
            self._note(row)

    def check(self, row: Row) -> None:
        """Notes a final row.

        Raises:
            AlikeFailuresError: It and all before it, `ALIKE` at least, failed in the same way.
        """
        self._note(row)
        if is_untuned(row) or self._count < ALIKE or len(self._seen) != 1:
            return
        ((kind, reason),) = self._seen
        reason = reason or (_last_line(row) if kind == "hung" else "")  # it names the remedy
        if kind in ("failed", "out_of_memory", "hung"):
            raise AlikeFailuresError(
                f"All {self._count} trials so far ended alike, as {kind}"
                + (f" ({reason})" if reason else "")
                + "; the sweep was stopped. Once the cause is mended, the same command with"
                " --retry-failed, and without --new, tries them again and goes on; without either"
                " it goes on with the trials that are left. The traceback:\n  "
                + command("orchestrator.results", "--root", self._root, "show", row["trial_id"])
            )

    def _note(self, row: Row) -> None:
        if not is_untuned(row):
            self._seen.add((row["outcome"], _reason(row)))
            self._count += 1


def _reason(row: dict[str, Any]) -> str:
    """Returns the last line of a failed trial's traceback: the error without where it came up."""
    if row["outcome"] != "failed":
        return ""  # How much memory was asked for, or where it hung, differs from trial to trial.
    return _last_line(row)


def _last_line(row: dict[str, Any]) -> str:
    return str(row["error"] or "").strip().rsplit("\n", 1)[-1]
