"""What happened to a trial's processes: each start, and each end by an error.

Small JSON files under `state/`, written by the trial itself: Ray reports a dead process, but not
which attempt it was nor, across restarts of the sweep, how many there have been.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.state.records import damaged, read_record
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store.place import StoredFile

DIED = "died"
"""The process ended without a word, such as by SIGKILL."""
TERMINATED = "terminated"
"""The process received SIGTERM and saved where it was before it ended."""
LOST = "lost"
"""Its node went away with it: taken back, cut off the network or without power."""
MACHINE = "machine"
"""An error of the machine, not of the trial: a full disk, an unreachable model."""
NODE = "node"
"""What the trial needs is not to be had on its machine; another one may have it."""


@dataclass(frozen=True)
class Attempts:
    """The attempts at one trial.

    Attributes:
        count: Number of times that a process started on it.
        started_at: Start of the first one; None before it.
        failure: Record of how the latest attempt failed, None if it did not: `outcome` ("failed",
            "out_of_memory", "hung", `DIED`, `LOST`, `TERMINATED`, `MACHINE` or `NODE`), `error` and
            `traceback`.
        deaths: Number of attempts whose process died without a word.
        memory_failures: Number of attempts that ran out of memory.
        resumed: Number of attempts that went on where the one before had ended to wait for other
            trials.
        unfit: Number of attempts on machines that could not take the trial.
        lost: Number of attempts whose node went away.
    """

    count: int
    started_at: datetime.datetime | None
    failure: dict[str, Any] | None
    deaths: int
    memory_failures: int
    resumed: int = 0
    unfit: int = 0
    lost: int = 0

    @property
    def counted(self) -> int:
        """How many attempts the trial's final row counts."""
        return self.count - self.resumed - self.unfit


class AttemptLog:
    """The attempts at the trials of one sweep, in `state/sweep=<sweep_id>/attempts/`."""

    def __init__(self, files: SweepFiles) -> None:
        """Opens the log; nothing is written before the first attempt."""
        self._files = files
        self._place = files.place
        self._folder = files.attempts_key
        self._last_read: tuple[str, dict[str, Any]] = ("", {})

    def start(
        self, trial_number: int, node: str, environment: Mapping[str, Any] | None = None
    ) -> int:
        """Records that a process starts on the trial; returns which attempt it is, from 1.

        Args:
            trial_number: The trial.
            node: Host name of its machine; empty where it is not known.
            environment: What it runs in there.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat()
        fields = {"started_at": now, "node": node, "environment": environment}
        record = json.dumps(fields).encode()
        attempt = 1
        while not self._place.put_if_absent(self._key(trial_number, attempt, "start"), record):
            # Not each number in turn: a trial that waits at every rung has dozens of attempts.
            attempt = max(attempt, self.count(trial_number)) + 1
        return attempt

    def environment(self, trial_number: int, attempt: int) -> dict[str, Any] | None:
        """Returns what an attempt ran in; None where that is not on record."""
        key = self._key(trial_number, attempt, "start")
        last, record = self._last_read  # mostly of the trial that is asked about
        if last != key:
            record = read_record(self._place, key, "the start of an attempt", _REMEDY) or {}
        found = record.get("environment")
        return found if isinstance(found, dict) else None

    def fail(
        self, trial_number: int, outcome: str, error: str, trace: str, attempt: int | None = None
    ) -> None:
        """Records why an attempt ended; of several workers the first record counts.

        Args:
            trial_number: The trial.
            outcome: As in `Attempts.failure`.
            error: What went wrong, in a line.
            trace: The same with its traceback.
            attempt: Which attempt; None means the latest. One that was given up may end late, and
                must not speak for the one after it.
        """
        record = {"outcome": outcome, "error": error, "traceback": trace}
        # A follower of a group may fail before its first worker has begun.
        attempt = attempt or max(1, self.count(trial_number))
        key = self._key(trial_number, attempt, "failure")
        self._place.put_if_absent(key, json.dumps(record).encode())

    def pause(self, trial_number: int) -> int:
        """Records that the latest attempt has ended to wait for other trials; the next goes on.

        Returns:
            How many attempts there have been.
        """
        count = self.count(trial_number)
        self._place.put_if_absent(self._key(trial_number, count, "paused"), b"{}")
        return count

    def save_on_termination(self, trial_number: int) -> None:
        """Records that the latest attempt ends because of SIGTERM.

        It has saved where it was; a worker group goes on from its last rung.
        """
        key = self._key(trial_number, self.count(trial_number), "saved")
        self._place.put_if_absent(key, b"{}")

    def worker_terminated(self, trial_number: int, rank: int) -> None:
        """Records that a worker of the latest attempt's group received SIGTERM.

        Its node may be taken away, or Ray Train ends the group because another one has died: only
        of the worker that went first does it say why the attempt ended.

        Args:
            trial_number: The trial.
            rank: The worker.
        """
        self._place.put_if_absent(self._worker_key(trial_number, rank), b"{}")

    def is_worker_terminated(self, trial_number: int, rank: int) -> bool:
        """Returns whether that worker of the latest attempt's group received SIGTERM."""
        return self._place.has(self._worker_key(trial_number, rank))

    def saved_on_termination(self, trial_number: int) -> bool:
        """Returns whether the latest attempt ended because of SIGTERM."""
        key = self._key(trial_number, self.count(trial_number), "saved")
        return self._place.has(key)

    def count(self, trial_number: int) -> int:
        """Returns how many times a process started on the trial, from the names of files alone."""
        return len(self._place.files(self._of(trial_number), _START, deep=False))

    def of(self, trial_number: int) -> Attempts:
        """Returns what is on record of the trial.

        Raises:
            DamagedError: A file among the records is none; names it and the remedy.
        """
        found = self._place.files(self._of(trial_number), ".json", deep=False)
        starts = [file for file in found if file.key.endswith(_START)]
        failures = [file for file in found if file.key.endswith("-failure.json")]
        records = {PurePosixPath(file.key).name: self._read_failure(file) for file in failures}
        started_at = self._read_start(starts[0]) if starts else None
        failure = records.get(f"{len(starts):04d}-failure.json")
        kinds = Counter(record["outcome"] for record in records.values())
        names = [PurePosixPath(file.key).name for file in found]
        paused = [name for name in names if name.endswith("-paused.json")]
        resumed = sum(name < f"{len(starts):04d}" for name in paused)
        return Attempts(
            len(starts),
            started_at,
            failure,
            kinds[DIED],
            kinds["out_of_memory"],
            resumed,
            kinds[NODE],
            kinds[LOST],
        )

    def hang_account(self, trial_number: int, attempt: int) -> Path:
        """Returns where the attempt's watchdog writes on its machine, if it ends the process."""
        return self._files.path(self._key(trial_number, attempt, "hang", "txt"))

    def progress_note(self, trial_number: int) -> Path:
        """Returns where a running trial notes on its machine how far it is; display only."""
        return self._files.path(f"{self._of(trial_number)}/progress")

    def hang(self, trial_number: int) -> str | None:
        """Returns where the threads of the latest attempt stood when it was ended for hanging.

        Of an attempt on another machine that shares nothing but a bucket with this one it is not
        known: it counts as one whose process died.
        """
        key = self._key(trial_number, self.count(trial_number), "hang", "txt")
        return (self._files.here.get(key) or b"").decode(errors="replace") or None

    def _read_start(self, file: StoredFile) -> datetime.datetime:
        try:
            record = read_record(self._place, file, "the start of an attempt", _REMEDY) or {}
            self._last_read = (file.key, record)
            at = record["started_at"]
            return datetime.datetime.fromisoformat(at).astimezone(datetime.UTC)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            name = self._place.name(file.key)
            raise damaged(name, "the start of an attempt", _REMEDY) from error

    def _read_failure(self, file: StoredFile) -> dict[str, Any]:
        record = read_record(self._place, file, "the failure of an attempt", _REMEDY) or {}
        texts = [record.get(name) for name in ("outcome", "error", "traceback")]
        if not all(isinstance(text, str) for text in texts) or texts[0] not in _OUTCOMES:
            raise damaged(self._place.name(file.key), "the failure of an attempt", _REMEDY)
        return record

    def _worker_key(self, trial_number: int, rank: int) -> str:
        return self._key(trial_number, self.count(trial_number), f"terminated-{rank}")

    def _key(self, trial_number: int, attempt: int, what: str, suffix: str = "json") -> str:
        return f"{self._of(trial_number)}/{attempt:04d}-{what}.{suffix}"

    def _of(self, trial_number: int) -> str:
        return f"{self._folder}/{trial_number:06d}"


_START = "-start.json"
_OUTCOMES = ("failed", "out_of_memory", "hung", DIED, LOST, TERMINATED, MACHINE, NODE)
_REMEDY = "remove it; the trial is then tried again as if that attempt had not been"
