"""The parsing process as its parent holds it: how it starts and ends, and what its pipes carry."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from trainables.sql.sandbox.child import PACKAGES, SandboxUnavailable, end_child, start_child

_CHILD = "trainables.sql.parsing.child"

_SECONDS_OF_ENDING = 1.0
"""Until a process that has closed its output has a status of its own."""

_PIECE = 65_536
"""Bytes that are read or written at once."""


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


class ChildGone(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The child has ended, or has been silent for too long."""


class ParserUnavailable(SandboxUnavailable):
    """The child process cannot be started at all."""


class Child:
    """The process, its pipes and what has been read of the lines to come.

    Attributes:
        owner: The process that started it.
        has_come_up: Whether it has said so.
    """

    def __init__(self, limits: ParsingLimits) -> None:
        folders = [PACKAGES, *(folder for folder in sys.path if Path(folder).is_absolute())]
        self.owner = os.getpid()
        self.has_come_up = False
        try:
            self._process = start_child(
                _CHILD,
                [limits.cpu_seconds, limits.address_bytes, *folders],
                bufsize=0,
                keeps_bytecode=False,
            )
        except SandboxUnavailable as error:
            raise ParserUnavailable(str(error)) from error
        self._finalizer = weakref.finalize(self, _end, self._process, self.owner)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._input, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._lines: list[bytes] = []
        self._rest = b""

    def write(self, data: bytes, wait: Callable[[], float]) -> None:
        """Writes all of it, asking before each pause how long that may be.

        Raises:
            ChildGone: The child has ended.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._input, selectors.EVENT_WRITE)
            left = memoryview(data)
            while left:
                if selector.select(wait()):
                    try:
                        left = left[os.write(self._input, left[:_PIECE]) :]
                    except OSError as error:
                        raise ChildGone from error

    def read(self, wait: Callable[[], float]) -> bytes:
        """Returns the next line, asking before each pause how long that may be.

        Raises:
            ChildGone: The child has ended.
        """
        while not self._lines:
            if self._selector.select(wait()):
                piece = os.read(self._output, _PIECE)
                if not piece:
                    with suppress(subprocess.TimeoutExpired):
                        self._process.wait(_SECONDS_OF_ENDING)
                    raise ChildGone
                *lines, self._rest = (self._rest + piece).split(b"\n")
                self._lines = lines[::-1]
                if lines and not self.has_come_up:
                    self.has_come_up = True
                    self._lines.pop()
        return self._lines.pop()

    def end(self) -> int:
        """Kills the process and returns its exit status, negative for a signal."""
        self._selector.close()
        self._finalizer()
        return self._process.returncode


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() == owner:
        end_child(process)
        return
    # After a fork the child is the parent's to end.
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
