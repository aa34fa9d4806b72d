"""A place beside a file or folder for what becomes it in one step. Standard library only.

A writer holds a lock on what it stages, which the operating system takes away when the process
ends, however it ends. So what a killed writer left is told from what a living one writes, also
between containers of one host that share a folder, where process ids say nothing. Between hosts a
network's file system may keep such locks to itself: so names have the host, and what another one
left is removed a day after it was last written to.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ABANDONED_SECONDS = 24 * 3600.0


@contextmanager
def staged_beside(target: Path, *, folder: bool) -> Iterator[Path]:
    """Yields an empty file or folder beside a target, to be renamed to it; removes it if it is not.

    Before, what killed writers of the same target left is removed.

    Args:
        target: What is to be written; its folder is there.
        folder: Whether it is a folder.

    Raises:
        OSError: Nothing can be written there.
    """
    place = target.absolute()
    _remove_abandoned(place)
    staged, lock = _take(place, folder)
    try:
        yield staged
    finally:
        _remove(staged)
        os.close(lock)


def _take(place: Path, folder: bool) -> tuple[Path, int]:
    """Makes an empty file or folder and locks it, where the file system knows locks."""
    while True:
        staged = place.with_name(f"{_prefix(place)}{_host()}{uuid.uuid4().hex[:24]}")
        staged.mkdir() if folder else staged.touch(exist_ok=False)
        try:
            lock = os.open(staged, os.O_RDONLY)
        except FileNotFoundError:  # taken for abandoned by another one, in the moment before
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if staged.exists():
                return staged, lock
        except BlockingIOError:  # the same, in the moment before the lock
            pass
        except OSError:  # a network's disk without locks, on which nothing is ever removed either
            return staged, lock
        os.close(lock)


def _prefix(place: Path) -> str:
    """Returns how what is staged for a target begins: a whole name is to have 255 bytes at most."""
    return f".{os.fsencode(place.name)[:200].decode(errors='ignore')}-"


def _remove_abandoned(place: Path) -> None:
    own = re.compile(re.escape(_prefix(place)) + "([0-9a-f]{8})[0-9a-f]{24}")
    with contextlib.suppress(OSError):  # a folder that cannot be listed can perhaps be written to
        for path in place.parent.iterdir():
            if (found := own.fullmatch(path.name)) and (found[1] == _host() or _is_old(path)):
                _remove_if_unlocked(path)


def _host() -> str:
    """Returns 8 digits of what locks are seen by: the running system, not its containers."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:  # not Linux
        name = platform.node()
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _is_old(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS
    return False


def _remove_if_unlocked(path: Path) -> None:
    with contextlib.suppress(OSError):
        # Neither follows a link nor waits for the other end of a pipe.
        lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            mode = os.fstat(lock).st_mode
            if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)
        finally:
            os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
