"""One driver a sweep: a second one would propose, stop and conclude the same trials."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.errors import UserError, remedy
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store.errors import StoreUnusableError


class SweepHeldError(UserError):
    """Another process drives the sweep."""


@contextmanager
def hold(files: SweepFiles) -> Iterator[None]:
    """Holds the sweep for this process.

    The lock is the operating system's and ends with the process, however that ends, so nothing has
    to be cleaned up after a crash.

    Args:
        files: Those of the sweep.

    Raises:
        SweepHeldError: Another process holds it; names that process.
        StoreUnusableError: The folder cannot be written to.
        DamagedError: One of its files is a link or another's; see `SweepFiles.check_own`.
    """
    files.check_own()
    path = files.lock
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("a+b", buffering=0)
    except OSError as error:
        raise StoreUnusableError(
            f"The experiment store {files.store.root} cannot be written to: {remedy(error)}."
        ) from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise SweepHeldError(
                f"The sweep {files.sweep_id} is being run by {_describe(file.read())}; wait for it,"
                " stop it, or start another one with --new."
            ) from None
        # On a full disk the holder stays without a name.
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "host": platform.node()}).encode())
        yield


def is_held(files: SweepFiles) -> bool:
    """Returns whether a process of this machine, or of one that shares its locks, holds the sweep.

    Args:
        files: Those of the sweep.

    Raises:
        DamagedError: One of its files is a link or another's; see `SweepFiles.check_own`.
    """
    files.check_own()
    try:
        with files.lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none, or it is not ours to read
        return False
    return False


def _describe(record: bytes) -> str:
    try:
        holder = json.loads(record)
        return f"process {holder['pid']} on {holder['host']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "another process"  # It has the lock, but has not written its name yet.
