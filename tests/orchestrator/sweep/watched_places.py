"""A store whose every write is seen, and that is put back as it was at some moment."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Protocol

import obstore
import pytest
from obstore.exceptions import PermissionDeniedError
from obstore.store import MemoryStore

from orchestrator.state import checkpoint_objects, lease, lock
from orchestrator.store import bucket
from orchestrator.store.bucket import BucketFiles
from orchestrator.store.place import BucketAddress, Root
from orchestrator.store.roots import local_folder
from tests.orchestrator.file_calls import OF_THE_MOMENT, Before, Call, watched
from tests.orchestrator.trees import Tree, plant, tree

_RECORDS = {
    "proposal": r"state/.*/proposals/\d+\.json",
    "attempt": r"state/.*/attempts/\d+/\d+-start\.json",
    "pause": r"state/.*/attempts/\d+/\d+-paused\.json",
    "predictions": r"predictions/.*\.parquet",
    "report": r"reports/.*\.parquet",
    "verdict": r"state/.*/verdicts/.*\.json",
    "final row": r"trials/.*\.parquet",
    "confirmation": r"state/.*/confirmations/\d+\.json",
    "content": r"state/.*/content/\w+\.json",
    "start": r"state/.*/starts/\d+\.json",
    "adoption": r"state/.*/adopted\.json",
}


class WatchedPlace(Protocol):
    """A place of a store, for one process.

    Attributes:
        kinds: Patterns of every call that changes what a sweep stores, by what it is for.
    """

    kinds: ClassVar[Mapping[str, str]]

    @property
    def root(self) -> Root:
        """Its address; another one each time that something is planted in a bucket."""

    @property
    def local(self) -> Path:
        """Where files of it lie on this machine."""

    def watched(self, before: Before) -> AbstractContextManager[None]:
        """Calls `before` ahead of all that changes what is there; it may raise."""

    def left(self) -> Tree:
        """Returns all that is there."""

    def plant(self, left: Tree) -> None:
        """Makes just that be there."""

    def refuse(self, call: Call | None) -> None:
        """Raises what a full place answers."""


class WatchedFolder:
    """A store in a folder."""

    kinds: ClassVar[Mapping[str, str]] = {
        **{kind: f"link {pattern}" for kind, pattern in _RECORDS.items()},
        "checkpoint": r"rename checkpoints/.*/\d+",
        "checkpoint that goes": r"rename staging/checkpoint-\*",
        "training state that goes": r"remove checkpoints/.*/training_state\.safetensors",
        "device-seconds": r"(open|fsync|rename) state/.*/device-seconds\.json(\.new)?",
        "note of a moment": r"(open|remove) state/.*(driver\.log|driver\.lock|hang\.txt|stop)",
        "record that binds nobody yet": r"remove state/.*/(content/\w+|adopted)\.json",
        "in the making": r"(open|write|fsync|remove|chmod|rmdir|mkdir) staging.*",
        "folder": r"(mkdir|fsync) [^.]*",
    }

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Names it."""
        self.root = self.local = folder
        self._monkeypatch = monkeypatch

    def watched(self, before: Before) -> AbstractContextManager[None]:
        """As `WatchedPlace.watched`."""
        return watched(self.local, before, self._monkeypatch)

    def left(self) -> Tree:
        """As `WatchedPlace.left`."""
        return tree(self.local)

    def plant(self, left: Tree) -> None:
        """As `WatchedPlace.plant`."""
        plant(left, self.local)

    def refuse(self, call: Call | None) -> None:
        """As `WatchedPlace.refuse`."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


_HERE, _MARK = "here/", "mark/"


class WatchedBucket:
    """A store in a bucket, in the memory of this process, and what this machine keeps of it.

    The bucket is one of obstore's behind the package's own `BucketFiles`. What several keys are
    removed by, which S3 does one after the other, is a call for each of them.
    """

    kinds: ClassVar[Mapping[str, str]] = {
        **{kind: f"put {pattern}" for kind, pattern in _RECORDS.items()},
        "checkpoint": r"put checkpoints/.*/commit\.json",
        "file of a checkpoint": r"put checkpoints/.*/\*/training_state\.safetensors",
        "checkpoint that goes": r"delete checkpoints/.*/commit\.json",
        "training state that goes": r"delete checkpoints/.*/\*/training_state\.safetensors",
        "device-seconds": r"put state/.*/device-seconds\.json",
        "lease": r"put state/.*/lock/\d+",
        "earlier lease that goes": r"delete state/.*/lock/\d+",
        "record that binds nobody yet": r"delete state/.*/(content/\w+|adopted)\.json",
        "trial of what the bucket knows": r"(put|delete) staging/\*",
        "file of this machine": r"(open|write|fsync|remove|chmod|rmdir|mkdir|rename) here.*",
    }

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Has all buckets be in memory."""
        self._monkeypatch = monkeypatch
        self._stores: dict[str, MemoryStore] = {}
        self._before: Before = lambda call: None
        monkeypatch.setattr(bucket, "obstore", _Watched(self._see))
        monkeypatch.setattr(bucket, "_AT_ONCE", 1)  # of several threads each run has another order
        monkeypatch.setattr(
            BucketFiles, "_with_timeout", lambda files, seconds: self._stores[files.address.bucket]
        )
        # Of what the toy saves one file is small, the other an object of its own.
        monkeypatch.setattr(checkpoint_objects, "_INLINE_BYTES", 8)
        self.plant({})

    @property
    def local(self) -> Path:
        """As `WatchedPlace.local`."""
        return local_folder(self.root)

    @contextmanager
    def watched(self, before: Before) -> Iterator[None]:
        """As `WatchedPlace.watched`."""
        self._before = before
        try:
            with watched(self.local, lambda call: before(_here(call)), self._monkeypatch):
                yield
        finally:
            self._before = lambda call: None

    def left(self) -> Tree:
        """As `WatchedPlace.left`."""
        store = self._stores[self.root.bucket]
        found = {f"{_HERE}{name}": content for name, content in tree(self.local).items()}
        for each in [each for chunk in obstore.list(store) for each in chunk]:
            answer = obstore.get(store, each["path"])
            found[f"{_MARK}{each['path']}"] = answer.attributes.get("writer", "").encode()
            found[each["path"]] = bytes(answer.bytes())
        return found

    def plant(self, left: Tree) -> None:
        """As `WatchedPlace.plant`."""
        self.root = BucketAddress(f"bucket-{len(self._stores)}", "")
        store = self._stores[self.root.bucket] = MemoryStore()
        for name, content in left.items():
            if not name.startswith((_HERE, _MARK)) and content is not None:
                mark = (left[f"{_MARK}{name}"] or b"").decode()
                obstore.put(store, name, content, attributes={"writer": mark} if mark else {})
        here = {name: content for name, content in left.items() if name.startswith(_HERE)}
        plant({name.removeprefix(_HERE): here[name] for name in here}, self.local)

    def refuse(self, call: Call | None) -> None:
        """As `WatchedPlace.refuse`."""
        if call is not None and call.name == "put":
            raise PermissionDeniedError(
                "403 Forbidden: <Error><Code>QuotaExceeded</Code><Message>It is full.</Message>"
            )
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Has this be another machine, a minute and more later."""
        now, later = BucketFiles.now, lease.EXPIRY_SECONDS + 2
        with pytest.MonkeyPatch.context() as moved:
            moved.setattr(lease, "_machine", lambda: "another")
            moved.setattr(BucketFiles, "now", lambda files: now(files) + later)
            moved.setattr(lock, "time", SimpleNamespace(time=lambda: time.time() + later))
            yield

    def _see(self, name: str, key: str) -> None:
        self._before(Call(name, OF_THE_MOMENT.sub("*", key)))


class _Watched:
    """Obstore, of which what changes a bucket is seen before."""

    def __init__(self, see: Callable[[str, str], None]) -> None:
        self._see = see

    def __getattr__(self, name: str) -> Any:
        return getattr(obstore, name)

    def put(self, store: Any, path: str, *arguments: Any, **named: Any) -> Any:
        self._see("put", path)
        return obstore.put(store, path, *arguments, **named)

    def copy(self, store: Any, source: str, target: str) -> Any:
        self._see("copy", target)
        return obstore.copy(store, source, target)

    def delete(self, store: Any, paths: Sequence[str]) -> None:
        for path in paths:
            self._see("delete", path)
            obstore.delete(store, [path])


def _here(call: Call) -> Call:
    return Call(call.name, f"{_HERE}{call.key}")


def staged(name: str) -> bool:
    """Returns whether a part of what is left was in the making."""
    return re.match(rf"({_HERE}|{_MARK})?staging/", name) is not None


def is_here(name: str) -> bool:
    """Returns whether a part of what is left lies on this machine."""
    return name.startswith(_HERE)
