"""The parent's hold on the child process that runs hostile SQL."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from trainables.sql.sandbox.child import ChildGone, LineChild, SandboxUnavailable
from trainables.sql.sandbox.database import Limits

__all__ = ["ChildDied", "SandboxProcess", "SandboxUnavailable"]

_CHILD = "trainables.sql.sandbox.scoring_child"

_SECONDS_BETWEEN_BEATS = 0.5


class ChildDied(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The child ended, or was killed at its wall-clock limit, before it answered.

    Attributes:
        stage: The last stage of the request that it had passed: "", "context", "reference" or
            "prediction".
    """

    def __init__(self, stage: str) -> None:
        super().__init__(f"the SQL process ended after stage {stage!r}")
        self.stage = stage


class _TooLong(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The child has not answered by its deadline. No error that a heartbeat could raise."""


class SandboxProcess:
    """One child, started by the first request, kept for the next ones, started again when it died.

    Not for use from several threads at once.

    Args:
        limits: What one row may use.
        content: Bytes of a database file, which each row's database begins as; it then has no other
            one, and the child never has the file.
    """

    def __init__(self, limits: Limits, content: bytes = b"") -> None:
        self._limits = limits
        self._content = content
        self._child: LineChild | None = None
        self._has_answered = False

    def ask(
        self, request: dict[str, Any], heartbeat: Callable[[], None] | None = None
    ) -> dict[str, Any]:
        """Sends one request and returns its outcome.

        Args:
            request: As `trainables.sql.sandbox.scoring_child` describes it, and the outcome.
            heartbeat: Called about twice a second while this waits. What it raises ends the child
                and the call.

        Raises:
            ChildDied: The request ended the child. The next request gets another one.
            SandboxUnavailable: No child has ever answered.
        """
        is_new = self._child is None
        if self._child is None:
            settings = self._limits._asdict() | {"content_bytes": len(self._content)}
            self._child = LineChild(_CHILD, settings)
        child, stage = self._child, ""
        wait = _waiting(self._limits.wall_seconds, heartbeat)
        try:
            if is_new:
                child.write(self._content, wait)
            child.write(json.dumps(request).encode() + b"\n", wait)
            while isinstance(message := json.loads(child.read(wait)), str):
                stage = message
        except (ChildGone, _TooLong) as error:
            status = child.end()
            self._child = None
            if not self._has_answered and status > 0:
                raise SandboxUnavailable(
                    f"The SQL process ended with status {status} before its first answer; "
                    f"`{sys.executable} -I -S -c 'import sqlite3, resource'` must work."
                ) from error
            raise ChildDied(stage) from None
        except BaseException:
            # Ctrl-C between a request and its answer: the next request must not read this answer.
            self.close()
            raise
        self._has_answered = True
        outcome: dict[str, Any] = message
        return outcome

    def close(self) -> None:
        """Ends the child, if there is one; the next request starts another."""
        if self._child is not None:
            self._child.end()
            self._child = None


def _waiting(seconds: float, heartbeat: Callable[[], None] | None) -> Callable[[], float]:
    """Returns what says how long to wait at most, and gives a sign of life when it is time for one.

    It raises `_TooLong` when so many seconds have passed.
    """
    deadline = time.monotonic() + seconds
    last_beat = time.monotonic()

    def wait() -> float:
        nonlocal last_beat
        now = time.monotonic()
        if now > deadline:
            raise _TooLong
        if heartbeat is not None and now - last_beat >= _SECONDS_BETWEEN_BEATS:
            last_beat = now
            heartbeat()
        return min(_SECONDS_BETWEEN_BEATS, deadline - now)

    return wait
