"""What early stopping decided on each report, so that no later start decides it anew.

Given reports alone, halving would decide the same again, but for what has changed since: a sweep
that has grown compares with more trials, and an earlier version compared with those that had come.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath

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
        found = self._read(key)
        return stopped if found is None else found

    def read(self) -> Verdicts:
        """Returns every verdict on record.

        Raises:
            DamagedError: A file among them is none; names it and the remedy.
        """
        place = self._files.place
        keys = [file.key for file in place.files(self._files.verdicts_key, ".json")]
        found = zip(map(_names, keys), place.each(keys, self._read), strict=True)
        return {
            (trial, rung): stopped
            for (trial, rung), stopped in found
            if rung is not None and stopped is not None
        }

    def _read(self, key: str) -> bool | None:
        record = read_record(self._files.place, key, _WHAT, _REMEDY)
        if record is None:
            return None
        names = (record.get("trial_id"), record.get("rung_examples"))
        verdict = record.get("verdict")
        if names != _names(key) or verdict not in _WORDS.values():
            raise damaged(self._files.place.name(key), _WHAT, _REMEDY)
        return verdict == _WORDS[True]


def _names(key: str) -> tuple[str, int | None]:
    """Returns what a verdict's key says: the trial, and the rung; None where it says none."""
    path = PurePosixPath(key)
    return path.parent.name, int(path.stem) if path.stem.isdecimal() else None
