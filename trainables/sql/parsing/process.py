"""Calls functions on text of a model in a child process, inside limits of time and memory.

What decides an answer is counted by the functions themselves, the same on a busy machine
(`trainables.sql.parsing.bounded_parser`). The limits here are the backstop behind that: a row that
reaches one is tried once more, first in a new process, and then has no answer.

The child ends with its standard input, and so with this process, also where that was killed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from trainables.sql.sandbox.child import PACKAGES, ChildGone, LineChild, SandboxUnavailable
from trainables.sql.sandbox.patience import Heartbeat, Patience, TooLong

__all__ = ["ParserUnavailable", "ParsingLimits", "ParsingProcess", "Pending", "shared"]

T = TypeVar("T")

_CHILD = "trainables.sql.parsing.child"


class ParsingLimits(NamedTuple):
    """What one row may use.

    Attributes:
        cpu_seconds: Of the child process; the system kills it there.
        wall_seconds: The parent kills the child there.
        address_bytes: Address space of the child, where the system can limit it.
    """

    cpu_seconds: float = 10.0
    wall_seconds: float = 60.0
    address_bytes: int = 1 << 30


class ParserUnavailable(SandboxUnavailable):
    """The child process cannot be started at all."""


class ParsingProcess:
    """One child, started by the first request and kept; started again when it has died.

    Several threads may use it; they wait for each other.

    Args:
        limits: What one row may use.
    """

    def __init__(self, limits: ParsingLimits | None = None) -> None:
        self._limits = limits or ParsingLimits()
        self._lock = threading.Lock()
        self._child: LineChild | None = None

    def start(self) -> None:
        """Starts the child, if there is none, and waits for nothing: it loads in the background.

        Raises:
            ParserUnavailable: It cannot be started.
        """
        with self._lock:
            self._running()

    def close(self) -> None:
        """Ends the child, if there is one; the next request starts another."""
        with self._lock:
            self._end()

    def map(
        self,
        function: Callable[..., T],
        rows: Sequence[Sequence[Any]],
        heartbeat: Heartbeat | None = None,
    ) -> list[T | None]:
        """Calls a function with each row's arguments, as `submit` and `Pending.results` do."""
        with self.submit(function, rows) as pending:
            return pending.results(heartbeat)

    def submit(self, function: Callable[..., T], rows: Sequence[Sequence[Any]]) -> Pending[T]:
        """Hands rows to the child, which works while the caller does something else.

        Args:
            function: A function at the top of a module of this installation, which the child
                imports under its name. Returns what JSON can hold, but never None.
            rows: Arguments, as JSON can hold them.

        Returns:
            A context manager with the results. Leaving it without them ends the child.

        Raises:
            ParserUnavailable: No child can be started.
        """
        self._lock.acquire()
        try:
            return Pending(self, f"{function.__module__}:{function.__qualname__}", rows)
        except BaseException:
            self._end()
            self._lock.release()
            raise

    def _running(self) -> LineChild:
        # After a fork the child is the parent's.
        if self._child is None or self._child.owner != os.getpid():
            limits = self._limits
            folders = [PACKAGES, *(folder for folder in sys.path if Path(folder).is_absolute())]
            settings = [limits.cpu_seconds, limits.address_bytes, *folders]
            try:
                self._child = LineChild(_CHILD, settings, keeps_bytecode=False)
            except SandboxUnavailable as error:
                raise ParserUnavailable(str(error)) from error
        return self._child

    def _end(self) -> int:
        status = 0
        if self._child is not None:
            status = self._child.end()
            self._child = None
        return status


@lru_cache(maxsize=1)
def shared() -> ParsingProcess:
    """Returns this process's own; its child, once started, serves whoever parses here."""
    return ParsingProcess()


class Pending(Generic[T]):
    """Rows that the child is at; made by `ParsingProcess.submit`."""

    def __init__(self, process: ParsingProcess, function: str, rows: Sequence[Sequence[Any]]):
        self._process = process
        self._function = function
        self._rows = rows
        self._results: list[T | None] = []
        self._patience = Patience()
        with suppress(ChildGone, TooLong):  # is noticed at the results
            self._send(rows)

    def __enter__(self) -> Pending[T]:
        return self

    def __exit__(self, *_: object) -> None:
        if len(self._results) < len(self._rows):
            # The next request must not read this one's answers.
            self._process._end()
        self._process._lock.release()

    def results(self, heartbeat: Heartbeat | None = None) -> list[T | None]:
        """Returns the function's result for each row; None where a limit was reached twice.

        Args:
            heartbeat: Called about twice a second while this waits. What it raises ends the child
                and the call.

        Raises:
            ParserUnavailable: The child does not come up.
            RuntimeError: The function raised; has the child's traceback.
        """
        again = False
        while len(self._results) < len(self._rows):
            try:
                self._receive(heartbeat)
            except (ChildGone, TooLong) as error:
                child = self._process._child
                has_come_up = child is not None and child.has_answered
                status = self._process._end()
                if not has_come_up and status > 0:
                    raise ParserUnavailable(
                        f"The parsing process ended with status {status} before its first answer; "
                        f"`{sys.executable} -I -S -c 'import json, resource'` must work."
                    ) from error
                if again:
                    self._results.append(None)
                again = not again
                with suppress(ChildGone, TooLong):
                    self._send(self._rows[len(self._results) :], heartbeat)
            else:
                again = False
        return self._results

    def _send(self, rows: Sequence[Sequence[Any]], heartbeat: Heartbeat | None = None) -> None:
        if rows:
            request = json.dumps({"function": self._function, "rows": list(rows)})
            deadline = time.monotonic() + self._process._limits.wall_seconds
            self._process._running().write(
                request.encode() + b"\n", partial(self._patience.seconds, deadline, heartbeat)
            )

    def _receive(self, heartbeat: Heartbeat | None) -> None:
        deadline = time.monotonic() + self._process._limits.wall_seconds
        child = self._process._running()
        if not child.has_answered:
            child.read(partial(self._patience.seconds, deadline, heartbeat))  # that it has come up
        answer = json.loads(child.read(partial(self._patience.seconds, deadline, heartbeat)))
        if "error" in answer:
            raise RuntimeError(f"{self._function} raised in its process:\n{answer['error']}")
        self._results.append(answer["result"])
