"""Publishing of complete, immutable files: the one way anything gets into the store.

A file is written under `staging/`, made durable, and then given its name by a hard link, which the
file system does atomically and refuses if the name is taken. So no reader ever sees a torn file, a
late or repeated writer changes nothing, and what was acknowledged is there after a power cut.

What is not promised: on macOS `fsync` hands the data to the drive, which may keep it in its cache
for a moment; and the root must lie on one file system that has hard links.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
import uuid
from pathlib import Path, PurePosixPath
from typing import Protocol

from orchestrator.errors import remedy
from orchestrator.store.errors import (
    NotPublishedError,
    PublicationUnknownError,
    StoreUnusableError,
)
from orchestrator.store.own_files import check_way

STAGING = "staging"
ABANDONED_SECONDS = 24 * 3600.0


class FileSystem(Protocol):
    """The part of `os` that publishing needs; the module itself is the usual value."""

    def open(self, path: str | Path, flags: int, mode: int = 0o777) -> int:
        """As `os.open`."""

    def write(self, fd: int, data: memoryview, /) -> int:
        """As `os.write`."""

    def fsync(self, fd: int) -> None:
        """As `os.fsync`."""

    def close(self, fd: int) -> None:
        """As `os.close`."""

    def link(self, src: str | Path, dst: str | Path) -> None:
        """As `os.link`."""

    def unlink(self, path: str | Path) -> None:
        """As `os.unlink`."""

    def mkdir(self, path: str | Path) -> None:
        """As `os.mkdir`."""


class PublishedFiles:
    """The files under one root.

    Args:
        root: Folder of the store; made if it is not there.
        system: The operating system's calls, replaced in tests.

    Raises:
        StoreUnusableError: The root is a file, or a folder cannot be made.
        DamagedError: What is staged would lie elsewhere, by a link.
    """

    def __init__(self, root: Path, system: FileSystem | None = None) -> None:
        self.root = root.absolute()
        self._system: FileSystem = system or os
        self._durable: set[Path] = set()
        if self.root.exists() and not self.root.is_dir():
            raise StoreUnusableError(
                f"{self.root} is a file, but the experiment store must be a folder; choose another"
                " folder with --root."
            )
        check_way(self.root, self.root / STAGING)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            (self.root / STAGING).mkdir(exist_ok=True)
        except OSError as error:
            raise StoreUnusableError(
                f"The experiment store {self.root} cannot be made: {remedy(error)}."
            ) from error

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Publishes a file unless its name is taken. When it returns, the file is durable.

        Args:
            key: Path below the root, with "/" between its parts.
            data: The whole content.

        Returns:
            True if this call published it; False if the file was there already, in which case
            its content, whatever it is, stays.

        Raises:
            NotPublishedError: Nothing became visible.
            PublicationUnknownError: The file is visible, but may not survive a crash.
            DamagedError: It would lie elsewhere, by a link.
        """
        target = self.path(key)
        staged = self.root / STAGING / f"{os.getpid()}-{uuid.uuid4().hex}"
        try:
            try:
                self._make_durable_folder(target.parent)
                self._write(staged, data)
                published = self._link(staged, target)
            except OSError as error:
                raise NotPublishedError(
                    f"{target} was not stored: {remedy(error)}; what was stored before stays."
                ) from error
            try:
                self._sync_folder(target.parent)
            except OSError as error:
                raise PublicationUnknownError(
                    f"It is unknown whether {target} would survive a crash of this machine:"
                    f" {remedy(error)}; the same command, run again, settles it."
                ) from error
            return published
        finally:
            with contextlib.suppress(OSError):
                self._system.unlink(staged)

    def path(self, key: str) -> Path:
        """Returns where the file of that key lies.

        Raises:
            ValueError: The key is not a plain relative path.
        """
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or any(part in ("..", ".") for part in parts):
            raise ValueError(f"The key {key!r} is not a plain relative path.")
        return self.root.joinpath(*parts)

    def remove_abandoned(self, older_than_seconds: float = ABANDONED_SECONDS) -> int:
        """Removes staged files that killed writers left; returns how many.

        A writer that loses its staged file this way gets `NotPublishedError`, so the age must be
        well above the time that writing one file takes.
        """
        removed, now = 0, self._now()
        for staged in (self.root / STAGING).iterdir():
            with contextlib.suppress(OSError):
                if now - staged.stat().st_mtime >= older_than_seconds:
                    if staged.is_dir() and not staged.is_symlink():  # a checkpoint
                        shutil.rmtree(staged)
                    else:
                        staged.unlink()
                    removed += 1
        return removed

    def _now(self) -> float:
        """Returns the time by the clock that gives files theirs: on a shared disk the server's."""
        probe = self.root / STAGING / f"{os.getpid()}-{uuid.uuid4().hex}"
        try:
            probe.touch()
            return probe.stat().st_mtime
        except OSError:  # whoever writes next says what is wrong
            return time.time()
        finally:
            with contextlib.suppress(OSError):
                probe.unlink()

    def _write(self, path: Path, data: bytes) -> None:
        fd = self._system.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._system.write(fd, rest) :]
            self._system.fsync(fd)
        finally:
            self._system.close(fd)

    def _link(self, staged: Path, target: Path) -> bool:
        try:
            self._system.link(staged, target)
        except FileExistsError:
            return False
        return True

    def _make_durable_folder(self, folder: Path) -> None:
        """Makes a folder and syncs each parent up to the root.

        A folder that another process made may not be durable yet, so parents are synced whoever
        made it; once a process and folder.
        """
        if folder in self._durable:
            return
        if folder != self.root:
            check_way(self.root, folder)
            self._make_durable_folder(folder.parent)
            try:
                self._system.mkdir(folder)
            except FileExistsError:
                if not folder.is_dir():
                    raise
            self._sync_folder(folder.parent)
        self._durable.add(folder)

    def _sync_folder(self, folder: Path) -> None:
        fd = self._system.open(folder, os.O_RDONLY)
        try:
            self._system.fsync(fd)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some network file systems cannot sync a folder
                raise
        finally:
            self._system.close(fd)
