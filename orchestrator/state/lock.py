"""One driver a sweep: a second one would propose, stop and conclude the same trials."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UserError, remedy
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.errors import StoreUnusableError

if TYPE_CHECKING:
    from orchestrator.state.lease import Lease


class SweepHeldError(UserError):
    """Another process drives the sweep."""


class Hold:
    """The right to drive a sweep, for as long as it is held.

    Attributes:
        store: What this process writes through: of a store in a bucket it refuses once the sweep is
            another's.
        turn: Tells this driver of a sweep in a bucket from others; "" where a lock keeps them away.
    """

    def __init__(self, store: Store, turn: str = "", lease: Lease | None = None) -> None:
        """Describes a sweep that is held."""
        self.store = store
        self.turn = turn
        self._lease = lease

    @property
    def is_lost(self) -> bool:
        """Whether another process has taken the sweep in the meantime."""
        return self._lease is not None and self._lease.is_lost

    def on_loss(self, act: Callable[[], object]) -> None:
        """Has something done when another process has taken the sweep, in any thread."""
        if self._lease is not None:
            self._lease.on_lost = act

    def check(self) -> None:
        """Returns if the sweep is still this process's.

        Raises:
            LeaseLostError: Another process has taken it.
            StoreError: The bucket cannot be reached, and it is not known any more.
        """
        if self._lease is not None:
            self._lease.check()


def _print_nothing(words: str) -> None:
    """Says nothing."""


@contextmanager
def hold(files: SweepFiles, say: Callable[[str], object] = _print_nothing) -> Iterator[Hold]:
    """Holds the sweep for this process.

    In a folder the lock is the operating system's and ends with the process, however that ends, so
    nothing has to be cleaned up after a crash. In a bucket it is a lease, which ends a minute after
    its holder was last heard of; see `orchestrator.state.lease`.

    Args:
        files: Those of the sweep.
        say: Tells a person what is waited for.

    Yields:
        What the holder writes through.

    Raises:
        SweepHeldError: Another process holds it; names that process.
        StoreUnusableError: The folder, or the bucket, cannot be written to.
        DamagedError: One of its files is a link or another's; see `SweepFiles.check_own`.
    """
    files.check_own()
    if isinstance(files.store.address, Path):
        with _locked(files):
            yield Hold(files.store)
    else:
        with _leased(files, say) as held:
            yield held


@contextmanager
def _locked(files: SweepFiles) -> Iterator[None]:
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
            raise _held(files, _describe(file.read())) from None
        # On a full disk the holder stays without a name.
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "host": platform.node()}).encode())
        yield


@contextmanager
def _leased(files: SweepFiles, say: Callable[[str], object]) -> Iterator[Hold]:
    # A folder's sweeps need not wait for obstore.
    from orchestrator.state.lease import LeasedFiles

    lease = _lease(files)
    holder = lease.take(say)
    if holder is not None:
        raise _held(files, holder.describe())
    own = dataclasses.replace(files, turn=f"{lease.number:010d}")
    try:
        own.driver_sign.parent.mkdir(parents=True, exist_ok=True)
        own.driver_sign.touch()
        yield Hold(files.store.through(LeasedFiles(lease.address, lease)), own.turn, lease)
    finally:
        for path in (own.driver_sign, own.stop_request):
            path.unlink(missing_ok=True)
        lease.release()


def is_held(files: SweepFiles) -> bool:
    """Returns whether a process drives the sweep, as far as this machine can tell.

    In a folder a process of this machine, or of one that shares its locks; in a bucket any, by this
    machine's clock.

    Args:
        files: Those of the sweep.

    Raises:
        DamagedError: One of its files is a link or another's; see `SweepFiles.check_own`.
        StoreError: The bucket cannot be read.
    """
    files.check_own()
    if not isinstance(files.store.address, Path):
        from orchestrator.state.lease import EXPIRY_SECONDS

        holder, at = _lease(files).latest(), files.place.written_at(files.lease_key)
        if holder is None or holder.is_over or at is None:
            return False
        return holder.is_alive_here() is not False and time.time() - at <= EXPIRY_SECONDS
    try:
        with files.lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none, or it is not ours to read
        return False
    return False


def _lease(files: SweepFiles) -> Lease:
    from orchestrator.state.lease import Lease
    from orchestrator.store.bucket import BucketFiles

    assert isinstance(files.place, BucketFiles)
    return Lease(files.place, files.lease_key, files.sweep_id)


def _held(files: SweepFiles, holder: str) -> SweepHeldError:
    return SweepHeldError(
        f"The sweep {files.sweep_id} is being run by {holder}; wait for it, stop it, or start"
        " another one with --new."
    )


def _describe(record: bytes) -> str:
    try:
        holder = json.loads(record)
        return f"process {holder['pid']} on {holder['host']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "another process"  # It has the lock, but has not written its name yet.
