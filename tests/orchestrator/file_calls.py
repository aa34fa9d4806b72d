"""What this process does to the files below a folder, call by call, and before each of them."""

from __future__ import annotations

import fcntl
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
OF_THE_MOMENT = re.compile(r"\d+-[0-9a-f]{32}|[0-9a-f]{32}")
_TAKES_SPACE = ("put", "open", "mkdir", "link", "rename", "write", "fsync")


@dataclass(frozen=True)
class Call:
    """A call that changes files.

    Attributes:
        name: As in `os`; "open" is one for writing, "fsync" and "write" change nothing that a
            reader of published files could see.
        key: Of the file that appears, changes or goes, relative to the folder; a random part of its
            name is "*".
    """

    name: str
    key: str

    @property
    def takes_space(self) -> bool:
        """Whether a full disk may refuse it."""
        return self.name in _TAKES_SPACE


Before = Callable[[Call], object]


@dataclass
class _Watch:
    folder: str
    before: Before
    is_busy: bool = False

    def see(self, name: str, path: Any, dir_fd: int = -1) -> None:
        whole = _path_of(path) if isinstance(path, int) else os.fsdecode(path)
        if not whole.startswith("/"):
            whole = f"{Path.cwd() if dir_fd < 0 else _path_of(dir_fd)}/{whole}"
        if whole.startswith(f"{self.folder}/"):
            self.is_busy = True  # what is done before a call is no call itself
            try:
                self.before(Call(name, OF_THE_MOMENT.sub("*", whole[len(self.folder) + 1 :])))
            finally:
                self.is_busy = False


_watches: list[_Watch] = []


def watch(folder: Path, before: Before) -> None:
    """Calls `before` ahead of every call that changes a file below a folder, from now on.

    Python announces each of them to its audit hooks, whichever module makes it, but for writing and
    syncing.
    """
    _watches.append(_Watch(str(folder), before))


@contextmanager
def watched(folder: Path, before: Before, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Does what `watch` does for a while, for writing and syncing too; `before` may raise.

    For these the functions of `os` are replaced: nothing is synced while this lasts.
    """
    watch(folder, before)
    own = _watches[-1]

    def write(descriptor: int, data: Any, /) -> int:
        _see_descriptor(own, "write", descriptor)
        return written(descriptor, data)

    def fsync(descriptor: int) -> None:
        _see_descriptor(own, "fsync", descriptor)

    written = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        patched.setattr(os, "fsync", fsync)
        try:
            yield
        finally:
            _watches.remove(own)


def _see_descriptor(own: _Watch, name: str, descriptor: int) -> None:
    if not own.is_busy:
        own.see(name, descriptor)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    for own in _watches:
        if own.is_busy:
            continue
        match event, arguments:
            case "open", (path, _, int(flags)) if flags & _WRITING and not isinstance(path, int):
                own.see("open", path)
            case (("os.link" | "os.rename"), (_, target, *_)):
                own.see(event.removeprefix("os."), target)
            case (("os.remove" | "os.rmdir" | "os.mkdir"), (path, *_, dir_fd)):
                own.see(event.removeprefix("os."), path, dir_fd)
            case (("os.truncate" | "os.symlink" | "os.chmod"), (path, *_)):
                own.see(event.removeprefix("os."), path)


sys.addaudithook(_hook)


def _path_of(descriptor: int) -> str:
    if sys.platform == "darwin":
        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())
