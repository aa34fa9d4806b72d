"""Which models of ended trials are kept.

A sweep of full fine-tuning writes gigabytes a trial. A trial that has ended needs nothing to go on,
so the optimiser's state is dropped, which is two thirds of it; of the models those of the best
trials stay.
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import UserError
from orchestrator.state.checkpoints import TrialCheckpoints, is_surplus
from orchestrator.state.lock import hold, is_held
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import StoreError
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.store.schema import CONFIRM


@dataclass(frozen=True, order=True)
class _Model:
    """A kept model; the best is the smallest.

    Attributes:
        searched: Whether it does not confirm: what is stated rests on those that do.
        rung_from_end: 0 of a completed trial; of a stopped one the less, the later it ended.
        loss: The objective of a completed trial, less if it is better; else the validation loss.
        trial_number: The trial's.
        trial_id: The trial's.
        size: In bytes.
    """

    searched: bool
    rung_from_end: float
    loss: float
    trial_number: int
    trial_id: str
    size: int


class KeptModels:
    """Keeps the best models of a sweep's ended trials, within its limits, and removes the others.

    The limits are `limits.checkpoints` and `limits.checkpoint_gigabytes`. The best one stays,
    however large it is.
    """

    def __init__(self, stored: StoredSweep) -> None:
        """Begins with none; `ended_before` is to be called for those that had ended before."""
        sweep = stored.sweep
        self._files = stored.files
        self._sign = -1.0 if sweep.objective.mode == "max" else 1.0
        self._count = sweep.limits.checkpoints
        self._bytes = round(1e9 * sweep.limits.checkpoint_gigabytes)
        self._kept: list[_Model] = []

    def ended_before(self, rows: Iterable[Row]) -> None:
        """Counts the models of trials that had ended before this start.

        Most of them have none any more, which one list says of all.

        Args:
            rows: Their final rows.

        Raises:
            DamagedError: As `ended`.
            StoreUnusableError: The checkpoints cannot be listed.
        """
        there = set(self._files.place.folders(self._files.all_checkpoints_key))
        for row in rows:
            if row["trial_id"] in there:
                self.ended(row)

    def is_surplus(self) -> bool:
        """Returns whether more is there than is kept, of a sweep whose trials have all ended.

        Raises:
            StoreError: The store cannot be read.
        """
        return is_surplus(self._files, self._count, self._bytes)

    def ended(self, row: Row) -> None:
        """Counts the model of a trial that has ended, and removes models beyond the limits.

        Raises:
            DamagedError: Its checkpoint leads out of the store.
        """
        # A file that cannot be removed now is tried again at the sweep's next start.
        with contextlib.suppress(OSError):
            self._take_in(row)

    def _take_in(self, row: Row) -> None:
        trial = row["trial_id"]
        checkpoints = TrialCheckpoints(self._files, trial)
        rank = self._rank(row)
        if row["checkpoint"] is None or rank is None:
            # It diverged or failed: nobody can rank it, nor want it.
            checkpoints.discard()
            return
        size = checkpoints.keep_only(row["checkpoint"])
        if size is not None:
            searched = row["phase"] != CONFIRM
            bisect.insort(self._kept, _Model(searched, *rank, row["trial_number"], trial, size))
            while len(self._kept) > 1 and self._is_full():
                TrialCheckpoints(self._files, self._kept.pop().trial_id).discard()

    def _rank(self, row: Row) -> tuple[float, float] | None:
        """Returns what a model is ranked by, the best the smallest; None if nothing is known."""
        if row["outcome"] == "completed":
            return None if row["objective"] is None else (0.0, self._sign * row["objective"])
        loss = finite_or_none(row.get("eval_loss"))
        if row["outcome"] != "stopped" or loss is None:
            return None
        return 1 / (1 + row["last_rung"]), loss

    def _is_full(self) -> bool:
        size = sum(model.size for model in self._kept)
        return len(self._kept) > self._count or size > self._bytes


def remove_surplus(stored: StoredSweep) -> None:
    """Removes of a finished sweep the models that its driver would not have kept.

    One that is killed after its last final row leaves them. What cannot be removed now stays: a
    finished sweep is shown from a store that nothing can be written to, too.
    """
    with contextlib.suppress(UserError, StoreError, OSError):
        if KeptModels(stored).is_surplus() and not is_held(stored.files):
            with hold(stored.files) as held:
                KeptModels(stored.held(held)).ended_before(stored.store.trials(stored.id))
