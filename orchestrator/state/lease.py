"""One driver a sweep whose store is in a bucket: a lease, in place of the system's lock.

The driver writes numbered objects, `lock/<n>`, each put if absent and each `RENEW_SECONDS` after
the one before. Whoever puts the next number holds the sweep: at once if the last holder has said
that it has ended, or was a process of this machine that is gone; else when the last object is
`EXPIRY_SECONDS` old by the store's clock, which gives all objects their times. A holder whose next
number is taken has lost the sweep. It writes nothing once `_WRITE_SECONDS` have passed since it
began to put its last number: until then nobody else could have taken the next one.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.store.bucket import BucketFiles
from orchestrator.store.errors import NotAFileError, StoreError
from orchestrator.store.place import BucketAddress

RENEW_SECONDS = 20.0
EXPIRY_SECONDS = 60.0
_WRITE_SECONDS = 40.0
_LOOK_SECONDS = 5.0
_RESOLUTION_SECONDS = 1.0
"""Of the times of objects."""
_KEPT = 10
"""Objects of a holder's before the last are removed, so many in one request."""
_LARGEST = 1 << 16


_HELD: set[str] = set()
"""Tokens of the leases of this process."""


class LeaseLostError(StoreError):
    """Another process drives the sweep by now; this one may not write any more."""


@dataclass(frozen=True)
class Holder:
    """Whoever has put an object of the lock.

    Attributes:
        number: Of the object.
        host: Name of its machine; "" where the object does not say.
        pid: Of its process.
        machine: Tells machines and their name spaces of processes apart; None where that is not
            known.
        started: When the process started, by its machine's count.
        token: Of this holder alone.
        is_over: Whether it has ended, and says so.
    """

    number: int
    host: str = ""
    pid: int = 0
    machine: str | None = None
    started: str | None = None
    token: str = ""
    is_over: bool = False

    def describe(self) -> str:
        """Returns which process it is, in words."""
        return f"process {self.pid} on {self.host}" if self.host else "another process"

    def is_alive_here(self) -> bool | None:
        """Returns whether its process runs on this machine; None where that cannot be told.

        Of this very process: whether it still holds what it held.
        """
        if self.machine is None or self.machine != _machine():
            return None
        if self.pid == os.getpid():
            return self.token in _HELD
        return self.started is not None and self.started == _started(self.pid)


class LeasedFiles(BucketFiles):
    """The files under a root, written to only while a lease is held.

    Records under `state/` that were found are asked for once: nobody else writes one anew.
    """

    def __init__(self, address: BucketAddress, lease: Lease) -> None:
        """Opens them for the holder."""
        super().__init__(address)
        self._lease = lease
        self._found: dict[str, bytes] = {}

    def get(self, key: str, most: int | None = None) -> bytes | None:
        """As `StoreFiles.get`."""
        found = self._found.get(key)
        if found is None:
            found = super().get(key, most)
            if found is not None and key.startswith("state/"):
                self._found[key] = found
        return found

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """As `StoreFiles.put_if_absent`."""
        self._lease.check()
        return super().put_if_absent(key, data)

    def replace(self, key: str, data: bytes) -> None:
        """As `StoreFiles.replace`."""
        self._lease.check()
        self._found.pop(key, None)
        super().replace(key, data)

    def delete(self, *keys: str) -> None:
        """As `StoreFiles.delete`."""
        self._lease.check()
        for key in keys:
            self._found.pop(key, None)
        super().delete(*keys)

    def upload(self, key: str, path: Path) -> None:
        """As `BucketFiles.upload`."""
        self._lease.check()
        super().upload(key, path)

    def copy(self, key: str, to: str) -> None:
        """As `BucketFiles.copy`."""
        self._lease.check()
        super().copy(key, to)


class Lease:
    """The right to drive one sweep."""

    def __init__(
        self,
        place: BucketFiles,
        folder: str,
        sweep_id: str,
        clock: Callable[[], float] | None = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Names the lock; nothing is written before `take`.

        Args:
            place: The files under the root.
            folder: Key of the lock's folder.
            sweep_id: The sweep, for messages.
            clock: Seconds, which also pass while the machine sleeps.
            pause: Waits for so many seconds.
        """
        self._place = place
        self._folder = folder
        self._sweep_id = sweep_id
        self._clock = clock or _seconds
        self._pause = pause
        self._token = uuid.uuid4().hex
        self._number = 0
        self._since = 0.0
        self._tried: float | None = None
        self._lost: LeaseLostError | None = None
        self._one_at_a_time = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.on_lost: Callable[[], object] = lambda: None

    @property
    def address(self) -> BucketAddress:
        """Of the root."""
        return self._place.address

    @property
    def is_lost(self) -> bool:
        """Whether another process is known to have taken the sweep."""
        return self._lost is not None

    def take(self, say: Callable[[str], object]) -> Holder | None:
        """Takes the sweep for this process.

        Args:
            say: Tells a person what is waited for.

        Returns:
            None; or who holds it, which is then not taken.

        Raises:
            StoreError: The bucket cannot be read or written to.
        """
        latest = self.latest()
        if latest is not None and not self._has_ended(latest):
            if latest.is_alive_here():
                return latest
            words = latest.describe()
            say(
                f"{words[0].upper()}{words[1:]} has run this sweep within the last minute; if"
                " nothing more is heard of it, the sweep goes on here in a minute."
            )
            while latest is not None and not self._has_ended(latest):
                self._pause(_LOOK_SECONDS)
                now = self.latest()
                if now is not None and now.number != latest.number and not now.is_over:
                    return now
                latest = now
        number = 1 if latest is None else latest.number + 1
        since = self._clock()
        if not self._place.put_if_absent(self._key(number), self._record()):
            return self.latest() or Holder(number)
        self._number, self._since = number, since
        _HELD.add(self._token)
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()
        return None

    @property
    def number(self) -> int:
        """Number of the latest object of this holder's."""
        return self._number

    def latest(self) -> Holder | None:
        """Returns whose the last object of the lock is; None where there is none.

        Raises:
            StoreError: The bucket cannot be read.
        """
        names = [
            file.key.rpartition("/")[2] for file in self._place.files(self._folder, deep=False)
        ]
        numbers = [int(name) for name in names if re.fullmatch(r"[0-9]{10}", name)]
        return self._holder(max(numbers)) if numbers else None

    def age(self) -> float:
        """Returns how many seconds ago the last object was put, by the store's clock.

        Raises:
            StoreError: The bucket cannot be read or written to.
        """
        at = self._place.written_at(self._folder)
        return EXPIRY_SECONDS * 2 if at is None else self._place.now() - at

    def check(self) -> None:
        """Returns if this process may write, by which time it holds the sweep for certain.

        Raises:
            LeaseLostError: Another process has the sweep.
            StoreError: The bucket cannot be reached.
        """
        if self._lost is not None:
            raise self._lost
        if self._clock() - self._since >= _WRITE_SECONDS:
            self.renew()

    def renew(self) -> None:
        """Puts the next object.

        Raises:
            LeaseLostError: Another process has the sweep.
            StoreError: It is unknown whether it was put; another call settles it.
        """
        with self._one_at_a_time:
            if self._lost is not None:
                raise self._lost
            number = self._number + 1
            # One that may have arrived counts from when it was first sent.
            self._tried = self._clock() if self._tried is None else self._tried
            if not self._place.put_if_absent(self._key(number), self._record()):
                holder = self._holder(number)
                if holder.token != self._token:
                    self._lose(holder)
            self._number, self._since, self._tried = number, self._tried, None
        if number % _KEPT == 0:
            self._tidy(number)

    def release(self) -> None:
        """Says that this process has ended, so that the next one need not wait."""
        self._ended.set()
        _HELD.discard(self._token)
        if self._thread is not None:
            self._thread.join()
        with self._one_at_a_time, contextlib.suppress(StoreError):
            if self._lost is None and self._number:
                number = self._number + 1
                if self._place.put_if_absent(self._key(number), self._record(is_over=True)):
                    self._tidy(number)

    def _keep(self) -> None:
        """Renews the lease until it is released or lost; in a thread of its own."""
        while not self._ended.wait(RENEW_SECONDS):
            try:
                self.renew()
            except LeaseLostError:
                return
            except StoreError:  # whoever writes says so, once it matters
                continue

    def _lose(self, holder: Holder) -> None:
        self._lost = LeaseLostError(
            f"The sweep {self._sweep_id} is now run by {holder.describe()}: nothing was heard of"
            f" this process for {EXPIRY_SECONDS:g} s, so it ends and writes nothing more. Nothing"
            " that was reported is lost."
        )
        self.on_lost()
        raise self._lost

    def _tidy(self, number: int) -> None:
        """Removes the objects of the lock before one, which tell nobody anything."""
        with contextlib.suppress(StoreError):
            found = self._place.files(self._folder, deep=False)
            last = self._key(number)
            self._place.delete(*(file.key for file in found if file.key < last))

    def _has_ended(self, holder: Holder) -> bool:
        if holder.is_over or holder.is_alive_here() is False:
            return True
        return self.age() > EXPIRY_SECONDS + _RESOLUTION_SECONDS

    def _holder(self, number: int) -> Holder:
        """Returns whose an object of the lock is, as far as it says so."""
        try:
            said: Any = json.loads(self._place.get(self._key(number), _LARGEST) or b"{}")
            holder = Holder(number, **said)
            texts = (holder.host, holder.token, holder.machine or "", holder.started or "")
            if all(isinstance(text, str) for text in texts) and isinstance(holder.pid, int):
                return holder
        except (ValueError, TypeError, RecursionError, NotAFileError):
            pass
        return Holder(number)

    def _record(self, *, is_over: bool = False) -> bytes:
        pid = os.getpid()
        said = {
            "host": platform.node(),
            "pid": pid,
            "machine": _machine(),
            "started": _started(pid),
            "token": self._token,
            "is_over": is_over,
        }
        return json.dumps(said).encode()

    def _key(self, number: int) -> str:
        return f"{self._folder}/{number:010d}"


def _seconds() -> float:
    """Returns seconds of a clock that goes on while the machine sleeps, where there is one."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def _machine() -> str | None:
    """Returns what tells this machine, since it started, and its process ids from all others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return None


def _started(pid: int) -> str | None:
    """Returns when a process of this machine started, in its kernel's ticks; None if it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if words[0] in "ZX" else words[19]  # not of one that is dead, but on the list
    except (OSError, IndexError):
        return None
