"""Checkpoints in a store that is a folder: each is a folder that one rename publishes.

It is written under `staging/`, every file and folder of it is synced, and one rename gives it its
name. Another one takes the name away before it is removed.
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
from orchestrator.state.sweep_files import CHECKPOINTS, TRAINING_STATE
from orchestrator.store.errors import DamagedError, NotPublishedError
from orchestrator.store.files import STAGING
from orchestrator.store.own_files import check_way
from trainables.runtime.permissions import open_to_readers


class CheckpointFolders:
    """The checkpoints under one root; a `CheckpointPlace`.

    Args:
        root: Folder of the experiment store.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def stored(self, trial: str) -> set[int]:
        """As `CheckpointPlace.stored`; what has a checkpoint's name is whole."""
        return {int(path.name) for path in (self._root / trial).glob("*") if _is_checkpoint(path)}

    def publish(self, key: str, save: Callable[[Path], None]) -> None:
        """As `CheckpointPlace.publish`.

        Raises:
            NotPublishedError: The disk is full or cannot be written to; nothing became visible.
            DamagedError: The trial's folder is a link.
        """
        target = check_way(self._root, self._root / key)
        if target.is_dir():
            return
        try:
            self._publish(target, save)
        except Exception as error:
            if (refused := refusal(error)) is None:
                raise
            raise NotPublishedError(
                f"{target} was not stored: {remedy(refused)}; what was stored before stays."
            ) from error

    def _publish(self, target: Path, save: Callable[[Path], None]) -> None:
        staged = self._staging()
        staged.mkdir()
        try:
            save(staged)
            open_to_readers(staged)
            _sync_tree(staged)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                staged.rename(target)
            except OSError:
                # An attempt on a node that was given up may come at the same time.
                if not target.is_dir():
                    raise
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        _sync(target.parent)

    def folder(self, key: str) -> Path | None:
        """As `CheckpointPlace.folder`: the checkpoint's own.

        Raises:
            DamagedError: A link in it leads out of the store.
        """
        folder = self._root / key
        return _check_inside(self._root, folder) if folder.is_dir() else None

    def take_over(self, key: str, source: str) -> None:
        """As `CheckpointPlace.take_over`: by links, where the file system has them."""
        there = self.folder(source)
        if there is None:
            return

        def link(folder: Path) -> None:
            shutil.copytree(there, folder, copy_function=_link, dirs_exist_ok=True)

        self.publish(key, link)

    def keep_only(self, key: str) -> int | None:
        """As `CheckpointPlace.keep_only`."""
        kept = self._root / key
        for other in kept.parent.glob("*"):
            # Of an interruption between rungs, or of a rung whose report nobody has seen.
            if other != kept and _is_checkpoint(other):
                self._discard(other)
        folder = self.folder(key)
        if folder is None:
            return None
        (folder / TRAINING_STATE).unlink(missing_ok=True)
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def drop(self, trial: str, unwanted: Callable[[int], bool]) -> None:
        """As `CheckpointPlace.drop`."""
        for examples in self.stored(trial):
            if unwanted(examples):
                self._discard(self._root / trial / f"{examples:010d}")

    def discard(self, key: str) -> None:
        """As `CheckpointPlace.discard`."""
        self._discard(self._root / key)

    def discard_all(self, trial: str) -> None:
        """As `CheckpointPlace.discard_all`."""
        self._discard(self._root / trial)

    def remove_abandoned(self, sweep: str) -> None:
        """As `CheckpointPlace.remove_abandoned`: it lies under `staging/`, as of any writer."""

    def name(self, key: str) -> str:
        """As `CheckpointPlace.name`."""
        return str(self._root / key)

    def _discard(self, folder: Path) -> None:
        """Removes a folder: first its name, in one step, then its files.

        It may be gone already, and outside of the store it stays. What the disk refuses is no
        trial's failure: if it cannot be renamed it stays, and if it cannot be deleted the rest lies
        under `staging/`, where later starts of a sweep remove what is abandoned.
        """
        if not folder.parent.resolve().is_relative_to(self._root.resolve() / CHECKPOINTS):
            return
        with contextlib.suppress(OSError):
            staged = folder.rename(self._staging())
            shutil.rmtree(staged)

    def _staging(self) -> Path:
        """Returns a new path under `staging/`, for what is being written or removed."""
        folder = self._root / STAGING
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"checkpoint-{os.getpid()}-{uuid.uuid4().hex}"


def refusal(error: Exception) -> OSError | None:
    """Returns the operating system's refusal behind an error, if there is one.

    safetensors and tokenizers, written in Rust, raise errors of their own that spell it out.
    """
    if isinstance(error, OSError):
        return error
    spelled = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(spelled[1]), os.strerror(int(spelled[1]))) if spelled else None


def _is_checkpoint(path: Path) -> bool:
    """Returns whether a path below a trial's checkpoints is one, and not somebody else's file."""
    return re.fullmatch(r"[0-9]{10}", path.name) is not None and path.is_dir()


def _check_inside(root: Path, folder: Path) -> Path:
    """Returns the folder if it and all that is in it lie in the store: no link leads elsewhere.

    A store from elsewhere could otherwise have other files read, exported or removed.

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


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)
    return target


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
