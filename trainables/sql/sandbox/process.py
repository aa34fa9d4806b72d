"""The parent's hold on the child process that runs hostile SQL."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

from trainables.sql.sandbox.child import SandboxUnavailable, end_child, start_child
from trainables.sql.sandbox.database import Limits

__all__ = ["ChildDied", "SandboxProcess", "SandboxUnavailable"]

_CHILD = "trainables.sql.sandbox.scoring_child"

_SECONDS_BETWEEN_BEATS = 0.5


class ChildDied(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The child ended, or was killed at its wall-clock limit, before it answered.

    Attributes:
        stage: The last stage of the request that it had passed: "", "context", "reference" or
            "prediction".
        limited: Whether it ran into its limit of processor time or wall-clock time.
    """

    def __init__(self, stage: str, limited: bool) -> None:
        super().__init__(f"the SQL process ended after stage {stage!r}")
        self.stage = stage
        self.limited = limited


class _Silent(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The child is gone or takes too long. No error that a heartbeat could raise."""

    def __init__(self, *, too_long: bool = False) -> None:
        self.too_long = too_long


class SandboxProcess:
    """One child, started by the first request, kept for the next ones, started again when it died.

    Not for use from several threads at once.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._child: _Child | None = None
        self._has_answered = False

    def ask(
        self, request: dict[str, Any], heartbeat: Callable[[], None] | None = None
    ) -> dict[str, Any]:
        """Sends one request and returns its outcome, as `trainables.sql.sandbox.scoring_child`
        describes them.

        Args:
            request: As described there.
            heartbeat: Called about twice a second while this waits. What it raises ends the child
                and the call.

        Raises:
            ChildDied: The request ended the child. The next request gets another one.
            SandboxUnavailable: No child has ever answered.
        """
        if self._child is None:
            self._child = _Child(self._limits)
        child, stage = self._child, ""
        try:
            child.write(request)
            deadline = time.monotonic() + self._limits.wall_seconds
            while isinstance(message := child.read(deadline, heartbeat), str):
                stage = message
        except _Silent as error:
            status = child.end()
            self._child = None
            if not self._has_answered and status > 0:
                raise SandboxUnavailable(
                    f"The SQL process ended with status {status} before its first answer; "
                    f"`{sys.executable} -I -S -c 'import sqlite3, resource'` must work."
                ) from error
            limited = error.too_long or status == -signal.SIGPROF
            raise ChildDied(stage, limited) from None
        except BaseException:
            # Ctrl-C between a request and its answer: the next request must not read this answer.
            self.close()
            raise
        self._has_answered = True
        return message

    def close(self) -> None:
        """Ends the child, if there is one; the next request starts another."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """The process, its pipes and what has been read of the line to come."""

    def __init__(self, limits: Limits) -> None:
        self._process = start_child(_CHILD, limits._asdict())
        self._finalizer = weakref.finalize(self, end_child, self._process)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._read = b""

    def write(self, request: dict[str, Any]) -> None:
        try:
            self._input.write(json.dumps(request).encode() + b"\n")
            self._input.flush()
        except OSError as error:
            raise _Silent from error

    def read(self, deadline: float, heartbeat: Callable[[], None] | None) -> str | dict[str, Any]:
        """Returns the next message.

        Raises:
            _Silent: The child is gone, or has said nothing until the deadline.
        """
        while b"\n" not in self._read:
            left = deadline - time.monotonic()
            if not self._selector.select(max(0.0, min(left, _SECONDS_BETWEEN_BEATS))):
                if left <= 0:
                    raise _Silent(too_long=True)
                if heartbeat is not None:
                    heartbeat()
                continue
            piece = os.read(self._output.fileno(), 65_536)
            if not piece:
                raise _Silent
            self._read += piece
        line, self._read = self._read.split(b"\n", 1)
        message: str | dict[str, Any] = json.loads(line)
        return message

    def end(self) -> int:
        """Kills the process and returns its exit status, negative for a signal."""
        self._selector.close()
        self._finalizer()
        return self._process.returncode
