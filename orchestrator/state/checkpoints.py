"""The checkpoints of a trial: whole or not there, wherever the store is.

A checkpoint that is there already is from an earlier attempt at the same rung, with the same
numbers, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from orchestrator.state.checkpoint_folders import CheckpointFolders
from orchestrator.state.sweep_files import TRAINING_STATE, SweepFiles
from orchestrator.store import Store


class CheckpointPlace(Protocol):
    """Where checkpoints lie: below keys `checkpoints/sweep=<sweep_id>/<trial_id>/<examples>`."""

    def stored(self, trial: str) -> set[int]:
        """Returns after how many examples a trial has a checkpoint, by the key of all of its."""

    def publish(self, key: str, save: Callable[[Path], None]) -> None:
        """Writes a checkpoint, durable when this returns; one that is there stays.

        Args:
            key: Of the checkpoint.
            save: Fills the folder that it is given.

        Raises:
            StoreError: It could not be stored; nothing became visible.
            OSError: This machine's own disk refuses what is saved.
        """

    def folder(self, key: str) -> Path | None:
        """Returns a folder of this machine that holds the checkpoint; None where there is none.

        Raises:
            DamagedError: It is not what was stored.
            StoreError: It cannot be read.
        """

    def take_over(self, key: str, source: str) -> None:
        """Publishes another trial's checkpoint as this one too, if there is one.

        Raises:
            StoreError: As `publish`.
        """

    def keep_only(self, key: str) -> int | None:
        """Removes the trial's other checkpoints, and of this one what it has only for going on.

        Returns:
            Its size in bytes; None where it is not there.

        Raises:
            DamagedError: It is not what was stored.
        """

    def drop(self, trial: str, unwanted: Callable[[int], bool]) -> None:
        """Removes checkpoints of a trial; no half of one ever counts as whole.

        Args:
            trial: The key of all of its.
            unwanted: Whether to remove one, by after how many examples it was saved.
        """

    def discard(self, key: str) -> None:
        """Removes a checkpoint, if it is there."""

    def discard_all(self, trial: str) -> None:
        """Removes all checkpoints of a trial, by the key of all of its."""

    def remove_abandoned(self, sweep: str) -> None:
        """Removes what killed writers left long ago, by the key of all checkpoints of a sweep."""

    def name(self, key: str) -> str:
        """Returns what a checkpoint is called for a person: its whole path or address."""


class TrialCheckpoints:
    """The checkpoints of one trial."""

    def __init__(self, files: SweepFiles, trial: str, *, is_new: bool = False) -> None:
        """Names them; nothing is made before the first one.

        Args:
            files: Those of the sweep.
            trial: Identifier of the trial.
            is_new: Whether nobody can have saved one of the trial's before.
        """
        self._place = _place(files.store)
        self._trial = files.checkpoints_key(trial)
        self._published: set[int] = set()
        self._knows_all = is_new

    def key(self, rung_examples: int) -> str:
        """Returns by what the tables name the checkpoint of the rung: its path below the root."""
        return f"{self._trial}/{rung_examples:010d}"

    def stored(self) -> set[int]:
        """Returns after how many examples there is a checkpoint."""
        return self._place.stored(self._trial)

    def publish(self, rung_examples: int, save: Callable[[Path], None]) -> str:
        """Writes a checkpoint, durable when this returns.

        Args:
            rung_examples: The rung, in examples, or how many have been seen between two rungs.
            save: Fills the folder that it is given.

        Returns:
            Its key.

        Raises:
            StoreError: It could not be stored; nothing became visible.
            OSError: This machine's own disk refuses what is saved.
        """
        key = self.key(rung_examples)
        self._place.publish(key, save)
        self._published.add(rung_examples)
        return key

    def folder(self, rung_examples: int) -> Path | None:
        """Returns a folder of this machine that holds the checkpoint; see `checkpoint_folder`."""
        return self._place.folder(self.key(rung_examples))

    def take_over(self, key: str) -> None:
        """Has another trial's checkpoint, if it is there, as this trial's at the same rung.

        Args:
            key: Of the other one.

        Raises:
            StoreError: It could not be read or stored.
        """
        self._place.take_over(self.key(examples_of(key)), key)

    def keep_only(self, key: str) -> int | None:
        """Removes all checkpoints but one, and of that one what it has only for going on.

        Args:
            key: Of what stays, one of this trial's.

        Returns:
            The size in bytes of what stays; None where nothing does.

        Raises:
            DamagedError: It is not what was stored.
        """
        return self._place.keep_only(key)

    def discard(self) -> None:
        """Removes all of them."""
        self._place.discard_all(self._trial)

    def drop_after(self, rung_examples: int) -> None:
        """Removes the checkpoints of later rungs."""
        self._place.drop(self._trial, lambda examples: examples > rung_examples)

    def drop_before(self, rung_examples: int) -> None:
        """Removes the checkpoints of earlier rungs, those of other processes the first time."""
        earlier = {examples for examples in self._published if examples < rung_examples}
        if self._knows_all:
            for examples in sorted(earlier):
                self._place.discard(self.key(examples))
        else:
            self._place.drop(self._trial, lambda examples: examples < rung_examples)
        self._published -= earlier
        self._knows_all = True


def remove_abandoned(files: SweepFiles) -> None:
    """Removes what killed writers of a sweep's checkpoints left more than a day ago.

    Raises:
        StoreError: The store cannot be read or written to.
    """
    _place(files.store).remove_abandoned(files.all_checkpoints_key)


def is_surplus(files: SweepFiles, most: int, most_bytes: int) -> bool:
    """Returns whether more is there than is kept of a sweep whose trials have all ended.

    Args:
        files: Those of the sweep.
        most: Checkpoints that are kept.
        most_bytes: Their size in all, unless there is one only.

    Raises:
        StoreError: The store cannot be read.
    """
    found = files.place.files(files.all_checkpoints_key)
    count = len({file.key.split("/")[2] for file in found})
    size = sum(file.size for file in found)
    is_resumable = any(file.key.endswith(f"/{TRAINING_STATE}") for file in found)
    return is_resumable or count > most or (count > 1 and size > most_bytes)


def checkpoint_folder(store: Store, key: str) -> Path | None:
    """Returns a folder of this machine that holds a checkpoint; None where there is none.

    Of a store in a bucket it is a copy, checked against what was stored.

    Args:
        store: The experiment store.
        key: From the column `checkpoint`.

    Raises:
        DamagedError: It is not what was stored.
        StoreError: It cannot be read.
    """
    return _place(store).folder(key)


def checkpoint_name(store: Store, key: str) -> str:
    """Returns what a checkpoint is called for a person: its whole path or address."""
    return _place(store).name(key)


def examples_of(key: str) -> int:
    """Returns after how many examples a checkpoint was saved, by its key.

    Raises:
        ValueError: It is no checkpoint's key.
    """
    name = key.rpartition("/")[2]
    if not re.fullmatch(r"[0-9]{10}", name):
        raise ValueError(f"{key!r} names no checkpoint")
    return int(name)


def _place(store: Store) -> CheckpointPlace:
    if isinstance(store.address, Path):
        return CheckpointFolders(store.address)
    # A folder's sweeps need not wait for obstore.
    from orchestrator.state.checkpoint_objects import CheckpointObjects
    from orchestrator.store.bucket import BucketFiles

    assert isinstance(store.place, BucketFiles)
    return CheckpointObjects(store.place, store.local)
