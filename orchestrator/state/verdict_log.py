"""What early stopping decided on each report, so that no later start decides it anew.

Given reports alone, halving would decide the same again, but for what has changed since: a sweep
that has grown compares with more trials, and an earlier version compared with those that had come.
"""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.state.records import damaged, read_record
from orchestrator.state.sweep_files import SweepFiles

_WHAT = "a verdict"
_REMEDY = "remove it; early stopping then decides on that report again"
_WORDS = {True: "stop", False: "go on"}

Verdicts = dict[tuple[str, int], bool]
"""(Trial, examples of the rung) -> whether the trial was to be stopped there."""


class VerdictLog:
    """The verdicts of one sweep, `state/sweep=<sweep_id>/verdicts/<trial_id>/<rung>.json`."""

    def __init__(self, files: SweepFiles) -> None:
        """Opens the log; nothing is written before the first verdict."""
        self._files = files

    def write(self, trial_id: str, rung: int, *, stopped: bool) -> bool:
        """Publishes a verdict and returns what is on record, which is the earlier one if any.

        Args:
            trial_id: The trial.
            rung: Of its report, in examples.
            stopped: Whether the trial is to be stopped there.

        Raises:
            DamagedError: What is on record is no verdict.
            StoreError: It could not be stored.
        """
        record = {"trial_id": trial_id, "rung_examples": rung, "verdict": _WORDS[stopped]}
        key = f"{self._files.verdicts_key}/{trial_id}/{rung:010d}.json"
        if self._files.store.put_if_absent(key, json.dumps(record).encode()):
            return stopped
        return _read(self._files.store.root / key)

    def read(self) -> Verdicts:
        """Returns every verdict on record.

        Raises:
            DamagedError: A file among them is none; names it and the remedy.
        """
        folder = self._files.store.root / self._files.verdicts_key
        found = ((path, _read(path)) for path in sorted(folder.glob("*/*.json")))
        return {(path.parent.name, int(path.stem)): stopped for path, stopped in found}


def _read(path: Path) -> bool:
    record = read_record(path, _WHAT, _REMEDY)
    names = (record.get("trial_id"), record.get("rung_examples"))
    verdict = record.get("verdict")
    if names != (path.parent.name, _rung(path)) or verdict not in _WORDS.values():
        raise damaged(path, _WHAT, _REMEDY)
    return verdict == _WORDS[True]


def _rung(path: Path) -> int | None:
    return int(path.stem) if path.stem.isdecimal() else None
