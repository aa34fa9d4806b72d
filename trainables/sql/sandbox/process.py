"""The parent's hold on the child process that runs hostile SQL."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from typing import Any

from trainables.sql.sandbox.child import ChildGone, LineChild, SandboxUnavailable
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.patience import Heartbeat, Patience, TooLong

__all__ = ["ChildDied", "SandboxProcess", "SandboxUnavailable"]

_CHILD = "trainables.sql.sandbox.scoring_child"


class ChildDied(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The child ended, or was killed at its wall-clock limit, before it answered.

    Attributes:
        stage: The last stage of the request that it had passed: "", "context", "reference" or
            "prediction".
    """

    def __init__(self, stage: str) -> None:
        super().__init__(f"the SQL process ended after stage {stage!r}")
        self.stage = stage


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

    def ask(self, request: dict[str, Any], heartbeat: Heartbeat | None = None) -> dict[str, Any]:
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
        deadline = time.monotonic() + self._limits.wall_seconds
        wait = partial(Patience().seconds, deadline, heartbeat)
        try:
            if is_new:
                child.write(self._content, wait)
            child.write(json.dumps(request).encode() + b"\n", wait)
            while isinstance(message := json.loads(child.read(wait)), str):
                stage = message
        except (ChildGone, TooLong) as error:
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
