"""Runs a command's process: arguments that are text, open streams, and an exit code."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TextIO

from orchestrator.errors import UserError, exit_codes

if TYPE_CHECKING:
    import typer

_ESCAPED = "finetune_sweep.escaped"
"""How a stream writes what its encoding lacks: by the escapes of JSON, which may be what it is."""


def prepare() -> None:
    """Makes the process fit to run a command, however it was started.

    Raises:
        UserError: A word of the command line is not text.
    """
    # A command compiles no model; loading torch's compiler takes two to three CPU seconds.
    os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
    _open_what_is_closed()
    codecs.register_error(_ESCAPED, _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)
    for number, word in enumerate(sys.argv[1:], 1):
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"Word {number} of the command line, {word!r}, is not text in"
                f" {sys.getfilesystemencoding()}; rename what it names, or set the locale, e.g."
                " LC_ALL=C.UTF-8."
            ) from error


def command_line(app: typer.Typer, usual: str) -> Callable[..., None]:
    """Returns what runs a command line and ends the process with its exit code.

    It takes the words without the program's name, those of the process where none are given, and
    how the command is called.

    Args:
        app: The command, as typer has it.
        usual: How it is called where nothing else is said.
    """

    def main(arguments: Sequence[str] | None = None, program: str = usual) -> None:
        # Not with the module, which is loaded before Ctrl-C is looked after.
        from orchestrator.terminal.help_pages import with_plain_help

        with exit_codes():
            with_plain_help(app)(arguments, prog_name=program)

    return main


def _open_what_is_closed() -> None:
    """Opens the null device in place of standard streams that were closed (`>&-`).

    Else the next file that is opened takes the place of one, and what a library prints goes there.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or _stream(0, "r")
    sys.stdout = sys.stdout or _stream(1, "w")
    sys.stderr = sys.stderr or _stream(2, "w")


def _stream(descriptor: int, mode: Literal["r", "w"]) -> TextIO:
    return open(descriptor, mode, encoding="utf-8", closefd=False)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
