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
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from orchestrator.errors import remedy
from orchestrator.store.errors import (
    NotAFileError,
    NotPublishedError,
    PublicationUnknownError,
    StoreUnusableError,
)
from orchestrator.store.keys import check_key
from orchestrator.store.own_files import check_all, check_entry, check_way, entries
from orchestrator.store.place import StoredFile
from orchestrator.store.schema import TABLES

_T = TypeVar("_T")
_R = TypeVar("_R")

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


class LocalFiles:
    """The files under one folder; a `StoreFiles`.

    Args:
        root: The folder; made when something is written.
        system: The operating system's calls, replaced in tests.
    """

    def __init__(self, root: Path, system: FileSystem | None = None) -> None:
        self.root = root.absolute()
        self._system: FileSystem = system or os
        self._durable: set[Path] = set()
        self._prepared = False

    def prepare(self) -> None:
        """Makes the root, and the folder that files are staged in.

        Raises:
            StoreUnusableError: The root is a file, or a folder cannot be made.
            DamagedError: What is staged would lie elsewhere, by a link.
        """
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
        self._prepared = True

    def check_readable(self) -> None:
        """As `StoreFiles.check_readable`."""
        if self.root.is_file():
            raise StoreUnusableError(
                f"{self.root} is a file, but an experiment store is a folder; name it with --root."
            )
        if not self.root.is_dir():
            raise StoreUnusableError(
                f"There is no experiment store at {self.root}; run a sweep first, or name its"
                " folder with --root."
            )
        if not os.access(self.root, os.R_OK | os.X_OK):
            raise StoreUnusableError(
                f"The experiment store {self.root} cannot be read by this user; change its"
                " permissions."
            )
        for table in TABLES:
            if (self.root / table).is_file():
                raise StoreUnusableError(
                    f"{self.root / table} is a file, where the folder of a table belongs; move it"
                    " out of the store."
                )

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """As `StoreFiles.put_if_absent`; unknown is only whether the file survives a crash."""
        target = self.path(key)
        if not self._prepared:
            self.prepare()
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

    def get(self, key: str, most: int | None = None) -> bytes | None:
        """As `StoreFiles.get`."""
        path = check_way(self.root, self.path(key))
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode) or (most is not None and status.st_size > most):
                raise NotAFileError(f"{path} is no file of the store's; move it out of the store.")
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreUnusableError(
                f"{path} cannot be read: {error.strerror or error}; change its permissions."
            ) from error

    def read(self, file: StoredFile, most: int | None = None) -> bytes | None:
        """As `StoreFiles.read`."""
        return self.get(file.key, most)

    def each(self, files: Sequence[_T], read: Callable[[_T], _R]) -> list[_R]:
        """As `StoreFiles.each`; a disk is no quicker when it is asked for several files at once."""
        return [read(file) for file in files]

    def has(self, key: str) -> bool:
        """As `StoreFiles.has`."""
        return self.path(key).exists()

    def files(self, folder: str, suffix: str = "", *, deep: bool = True) -> list[StoredFile]:
        """As `StoreFiles.files`.

        Raises:
            DamagedError: Something there is neither a file nor a folder; names it.
            PermissionError: A folder cannot be read.
        """
        way = check_way(self.root, self.path(folder))
        return list(_below(way, folder, suffix, deep=deep))

    def folders(self, folder: str, prefix: str = "") -> list[str]:
        """As `StoreFiles.folders`; errors as of `files`."""
        found = entries(check_way(self.root, self.path(folder)))
        having = [entry for entry in found if entry.name.startswith(prefix)]
        for entry in having:
            check_entry(entry)
        return sorted(entry.name for entry in having if entry.is_dir())

    def names(self, folder: str) -> list[str]:
        """As `StoreFiles.names`; errors as of `files`, of the way to the folder."""
        found = entries(check_way(self.root, self.path(folder)))
        return sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in found)

    def written_at(self, folder: str) -> float | None:
        """As `StoreFiles.written_at`: when a file or folder in it got its name."""
        path = self.path(folder)
        return path.stat().st_mtime if path.is_dir() else None

    def check_plain(self, folder: str, *, deep: bool = True, but: Sequence[str] = ()) -> None:
        """As `StoreFiles.check_plain`."""
        path = check_way(self.root, self.path(folder))
        if deep:
            check_all(path, [self.path(key) for key in but])

    def delete(self, *keys: str) -> None:
        """As `StoreFiles.delete`."""
        for key in keys:
            self.path(key).unlink(missing_ok=True)

    def replace(self, key: str, data: bytes) -> None:
        """As `StoreFiles.replace`."""
        target = self.path(key)
        if not self._prepared:
            self.prepare()
        staged = target.with_name(f"{target.name}.new")
        try:
            self._make_durable_folder(target.parent)
            with staged.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            staged.replace(target)
        except OSError as error:
            raise NotPublishedError(
                f"{target} was not stored: {remedy(error)}; what was stored before stays."
            ) from error

    def source(self, file: StoredFile) -> str:
        """Returns the path: Arrow reads it without a copy in Python."""
        return self.name(file.key)

    def name(self, key: str) -> str:
        """Returns the path as text."""
        return f"{self.root}/{key}"

    def path(self, key: str) -> Path:
        """Returns where the file of that key lies.

        Raises:
            ValueError: The key is not a plain relative path.
        """
        return self.root.joinpath(*check_key(key))

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


def _below(folder: Path | str, key: str, suffix: str, *, deep: bool) -> Iterator[StoredFile]:
    for entry in sorted(entries(folder), key=lambda entry: entry.name):
        wanted = entry.name.endswith(suffix)
        if wanted or deep:
            check_entry(entry, file=wanted and suffix != "")
        own = f"{key}/{entry.name}"
        if deep and entry.is_dir():
            yield from _below(entry.path, own, suffix, deep=deep)
        elif wanted and entry.is_file():
            status = entry.stat()
            stamp = f"{status.st_mtime_ns} {status.st_size}"
            yield StoredFile(own, stamp, status.st_size)
