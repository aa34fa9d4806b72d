"""Where the checkpoints of a trial lie, and how one is published whole.

A checkpoint is a folder, so it cannot go through `Store.put_if_absent`: it is written under
`staging/`, every file and folder of it is synced, and one rename gives it its name. Another one
takes the name away before it is removed. A checkpoint that is there already is from an earlier
attempt at the same rung, with the same numbers, and stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import remedy
from orchestrator.state.sweep_files import CHECKPOINTS, SweepFiles
from orchestrator.store.errors import DamagedError, NotPublishedError
from orchestrator.store.files import STAGING
from orchestrator.store.own_files import check_way
from trainables.runtime.permissions import open_to_readers


class TrialCheckpoints:
    """The checkpoints of one trial, `checkpoints/sweep=<sweep_id>/<trial_id>/<examples>/`."""

    def __init__(self, files: SweepFiles, trial: str) -> None:
        """Names the folder; nothing is made before the first checkpoint.

        Args:
            files: Those of the sweep.
            trial: Identifier of the trial.
        """
        self._root = files.store.root
        self._folder = files.checkpoints(trial)

    def path(self, rung_examples: int) -> Path:
        """Returns where the checkpoint of the rung lies or would lie."""
        return self._folder / f"{rung_examples:010d}"

    def stored(self) -> set[int]:
        """Returns after how many examples there is a checkpoint; what has its name is whole."""
        return {int(path.name) for path in self._folder.glob("*") if is_checkpoint(path)}

    def publish(self, rung_examples: int, save: Callable[[Path], None]) -> Path:
        """Writes a checkpoint, durable when this returns.

        Args:
            rung_examples: The rung, in examples, or how many have been seen between two rungs.
            save: Fills the folder that it is given.

        Returns:
            The checkpoint's folder.

        Raises:
            NotPublishedError: The disk is full or cannot be written to; nothing became visible.
            DamagedError: The trial's folder is a link.
        """
        target = check_way(self._root, self.path(rung_examples))
        if target.is_dir():
            return target
        try:
            self._publish(target, save)
        except Exception as error:
            if (refused := _refused(error)) is None:
                raise
            raise NotPublishedError(
                f"{target} was not stored: {remedy(refused)}; what was stored before stays."
            ) from error
        return target

    def _publish(self, target: Path, save: Callable[[Path], None]) -> None:
        staged = _staging(self._root)
        staged.mkdir()
        try:
            save(staged)
            open_to_readers(staged)
            _sync_tree(staged)
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                staged.rename(target)
            except OSError:
                # An attempt on a node that was given up may come at the same time.
                if not target.is_dir():
                    raise
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        _sync(self._folder)

    def drop_after(self, rung_examples: int) -> None:
        """Removes the checkpoints of later rungs."""
        for examples in self.stored():
            if examples > rung_examples:
                discard(self._root, self.path(examples))

    def drop_before(self, rung_examples: int) -> None:
        """Removes the checkpoints of earlier rungs."""
        for examples in self.stored():
            if examples < rung_examples:
                discard(self._root, self.path(examples))


def is_checkpoint(path: Path) -> bool:
    """Returns whether a path below a trial's checkpoints is one, and not somebody else's file."""
    return re.fullmatch(r"[0-9]{10}", path.name) is not None and path.is_dir()


def check_inside(root: Path, folder: Path) -> Path:
    """Returns the folder if it and all that is in it lie in the store: no link leads elsewhere.

    A store from elsewhere could otherwise have other files read, exported or removed.

    Args:
        root: Folder of the experiment store.
        folder: Where a checkpoint lies, or all of a trial's.

    Raises:
        DamagedError: Naming what leads out of the store.
    """
    inside = root.resolve()
    for path in (folder, *folder.rglob("*")):
        if not path.resolve().is_relative_to(inside):
            raise DamagedError(
                f"{path} leads out of the store, to {path.resolve()}; remove that link, or copy"
                " what it leads to into its place."
            )
    return folder


def discard(root: Path, folder: Path) -> None:
    """Removes a checkpoint, or all of a trial's: first its name, in one step, then its files.

    So no half of it ever counts as whole. What the disk refuses is no trial's failure: if it cannot
    be renamed it stays, and if it cannot be deleted the rest lies under `staging/`, where later
    starts of a sweep remove what is abandoned.

    Args:
        root: Folder of the experiment store.
        folder: What is to go; it may be gone already, and outside of the store it stays.
    """
    if not folder.parent.resolve().is_relative_to(root.resolve() / CHECKPOINTS):
        return
    with contextlib.suppress(OSError):
        staged = folder.rename(_staging(root))
        shutil.rmtree(staged)


def _staging(root: Path) -> Path:
    """Returns a new path under `staging/`, for a checkpoint that is being written or removed."""
    folder = root / STAGING
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"checkpoint-{os.getpid()}-{uuid.uuid4().hex}"


def _refused(error: Exception) -> OSError | None:
    """Returns the operating system's refusal behind an error, if there is one.

    safetensors and tokenizers, written in Rust, raise errors of their own that spell it out.
    """
    if isinstance(error, OSError):
        return error
    spelled = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(spelled[1]), os.strerror(int(spelled[1]))) if spelled else None


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
