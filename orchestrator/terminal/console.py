"""Two streams for one terminal: what a person is to read, and everything else in a log file.

Ray, its native processes and the libraries beneath write to the descriptors 1 and 2 as they please.
For as long as a sweep runs, both lead into a log file, and the person's console has the terminal to
itself.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.errors import UserError, remedy
from orchestrator.terminal.plain_console import PIPED_WIDTH, PlainConsole


def console(kind: type[PlainConsole] = PlainConsole) -> PlainConsole:
    """Returns a console on standard output; long lines are left to the terminal."""
    return kind(soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)


class _Screen(io.TextIOWrapper):
    """What was standard output; once whoever read it has closed it, it leads nowhere."""

    def __init__(self, descriptor: int, closed: Callable[[], object], **options: Any) -> None:
        super().__init__(os.fdopen(descriptor, "wb"), line_buffering=True, **options)
        self._closed = closed

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            self._lead_nowhere()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self._lead_nowhere()

    def _lead_nowhere(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        self._closed()


@contextmanager
def quiet(
    log: Path,
    closed: Callable[[], object] = lambda: None,
    kind: type[PlainConsole] = PlainConsole,
) -> Iterator[PlainConsole]:
    """Sends descriptors 1 and 2 into a log file.

    A pipe that its reader has closed raises nothing, since a console is written to in the midst of
    other things.

    Args:
        log: Appended to; its folder is made.
        closed: Is called when whoever read standard output has closed it.
        kind: Of the console.

    Yields:
        A console on what was standard output.

    Raises:
        UserError: The log file cannot be made.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = sys.stdout.isatty()
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise UserError(f"{log} cannot be written: {remedy(error)}.") from error
    out, err = os.dup(1), os.dup(2)
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    with _Screen(os.dup(out), closed, encoding=encoding, errors=errors) as stream:
        os.dup2(file, 1)
        os.dup2(file, 2)
        try:
            yield kind(
                file=stream,
                soft_wrap=True,
                force_terminal=terminal,
                width=None if terminal else PIPED_WIDTH,
            )
        finally:
            # The log may lie on a disk that is full.
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os.dup2(out, 1)
            os.dup2(err, 2)
            for descriptor in (out, err, file):
                os.close(descriptor)
