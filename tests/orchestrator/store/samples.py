"""Rows that look like a sweep's, and file systems that misbehave."""

from __future__ import annotations

import datetime
import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

SWEEP = "rank-0a1b2c3d"
START = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def report(trial: str = "t-aaaaaaaaaa", rung: int = 0, **values: Any) -> dict[str, Any]:
    return {
        "sweep_id": SWEEP,
        "trial_id": trial,
        "trial_number": 0,
        "rung": rung,
        "rung_from": rung * 100,
        "rung_examples": (rung + 1) * 100,
        "step": (rung + 1) * 10,
        "examples_seen": (rung + 1) * 100,
        "rouge_l": 0.25,
        "meteor_synonyms": 1.0,
        "reported_at": START + datetime.timedelta(seconds=rung),
        **values,
    }


def trial(trial: str = "t-aaaaaaaaaa", **values: Any) -> dict[str, Any]:
    return {
        "sweep_id": SWEEP,
        "sweep_name": "rank",
        "trial_id": trial,
        "trial_number": 0,
        "outcome": "completed",
        "technique": "lora",
        "rank": 8,
        "objective": 0.5,
        "started_at": START,
        **values,
    }


def prediction(number: int, **values: Any) -> dict[str, Any]:
    return {
        "example_id": f"{number:05d}",
        "sql_prompt": f"How many rows? ({number})",
        "sql_context": "CREATE TABLE a (b INT)",
        "reference": "SELECT COUNT(*) FROM a",
        "prediction": "SELECT COUNT(b) FROM a",
        "bleu": 0.5,
        "execution_accuracy": None,
        **values,
    }


class Calls:
    """The operating system with something done before each call.

    Args:
        before: Called with the name of the call and its arguments; may raise.
        chunk: Most bytes that one write takes; None for no limit.
    """

    def __init__(self, before: Callable[..., None], chunk: int | None = None) -> None:
        self._before = before
        self._chunk = chunk

    def open(self, path: str | Path, flags: int, mode: int = 0o777) -> int:
        self._before("open", path)
        return os.open(path, flags, mode)

    def write(self, fd: int, data: memoryview, /) -> int:
        self._before("write", fd)
        return os.write(fd, data[: self._chunk])

    def fsync(self, fd: int) -> None:
        self._before("fsync", fd)
        os.fsync(fd)

    def close(self, fd: int) -> None:
        self._before("close", fd)
        os.close(fd)

    def link(self, src: str | Path, dst: str | Path) -> None:
        self._before("link", src, dst)
        os.link(src, dst)

    def unlink(self, path: str | Path) -> None:
        self._before("unlink", path)
        os.unlink(path)  # noqa: PTH108 - stands for the call itself

    def mkdir(self, path: str | Path) -> None:
        self._before("mkdir", path)
        os.mkdir(path)  # noqa: PTH102 - stands for the call itself


def failing(call: str, number: int, code: int = errno.ENOSPC) -> Calls:
    """A file system whose given call fails at its given occurrence (from 1) and after."""
    seen = 0

    def before(name: str, *_: Any) -> None:
        nonlocal seen
        seen += name == call
        if name == call and seen >= number:
            raise OSError(code, os.strerror(code))

    return Calls(before)


def killing(number: int) -> Calls:
    """A file system that kills this process with SIGKILL at its given call, counted from 1."""
    seen = 0

    def before(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return Calls(before, chunk=1000)
