"""Starts and holds the processes that run or parse SQL from anyone. Standard library only."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_BOOTSTRAP = (
    "import importlib, sys; sys.path.append(sys.argv.pop(1));"
    " importlib.import_module(sys.argv.pop(1)).main()"
)
PACKAGES = str(Path(__file__).resolve().parents[3])
"""The folder that this package lies in."""
_SECONDS_OF_ENDING = 1.0
"""Until a process that has closed its output has a status of its own."""
_PIECE = 65_536
"""Bytes that are read or written at once."""
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Some Python installations do not start without them; the child sees no others."""


class ChildGone(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The child has ended."""


class SandboxUnavailable(RuntimeError):  # noqa: N818  # the domain's word for it
    """The child process cannot be started at all."""


def start_child(
    module: str, settings: Any, *, bufsize: int = -1, keeps_bytecode: bool = True
) -> subprocess.Popen[bytes]:
    """Starts `main()` of a module in a process with an empty environment, in the root folder.

    Standard input and output are pipes, for the caller to close; standard error is discarded. The
    process has a session of its own: Ctrl-C in a terminal is for the parent to act on.

    Args:
        module: Full name of a module that is found beside this one and needs the standard library
            only until it has run: the child has neither site-packages nor the parent's folder.
        settings: Handed over as JSON in the child's `sys.argv[1]`.
        bufsize: Of the pipes at this end, as in `subprocess.Popen`.
        keeps_bytecode: Whether modules that the child imports may be written where Python keeps
            compiled ones.

    Raises:
        SandboxUnavailable: The system does not start it.
    """
    try:
        return subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", *(() if keeps_bytecode else ("-B",))),
                *("-c", _BOOTSTRAP, PACKAGES, module, json.dumps(settings)),
            ],
            bufsize=bufsize,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxUnavailable(f"The SQL process cannot be started: {error}.") from error


def end_child(process: subprocess.Popen[bytes]) -> int:
    """Kills a process and closes its pipes; returns its exit status, negative for a signal.

    A process that has already ended keeps the status it ended with.
    """
    process.kill()
    process.wait()
    _close_pipes(process)
    return process.returncode


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            # What was not written any more: nobody is left to read it.
            with suppress(OSError):
                pipe.close()


class LineChild:
    """A child that is asked and answers in lines; it ends with this object.

    Not for use from several threads at once.

    Args:
        module: As `start_child` takes it, settings too.
        settings: Likewise.
        keeps_bytecode: Likewise.

    Attributes:
        owner: The process that started it, whose it stays after a fork.
        has_answered: Whether a line of it has been read.

    Raises:
        SandboxUnavailable: The system does not start it.
    """

    def __init__(self, module: str, settings: Any, *, keeps_bytecode: bool = True) -> None:
        self.owner = os.getpid()
        self.has_answered = False
        self._process = start_child(module, settings, bufsize=0, keeps_bytecode=keeps_bytecode)
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
        """Writes all bytes; before each pause `wait` says for how many seconds it may last.

        Raises:
            ChildGone: The child has ended.
        """
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._input, left[:_PIECE]) :]
            except BlockingIOError:
                with selectors.DefaultSelector() as selector:
                    selector.register(self._input, selectors.EVENT_WRITE)
                    selector.select(wait())
            except OSError as error:
                raise ChildGone from error

    def read(self, wait: Callable[[], float]) -> bytes:
        """Returns the next line; before each pause `wait` says for how many seconds it may last.

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
        self.has_answered = True
        return self._lines.pop()

    def end(self) -> int:
        """Kills the process and returns its exit status, negative for a signal."""
        self._selector.close()
        self._finalizer()
        return self._process.returncode


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() == owner:
        end_child(process)
    else:
        _close_pipes(process)
