"""A command's process before anything else: its words are text, and what it prints has a place."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from typing import Literal, TextIO

from orchestrator.errors import UserError

_ESCAPED = "finetune_sweep.escaped"
"""How a stream writes what its encoding lacks: by the escapes of JSON, which may be what it is."""


def prepare() -> None:
    """Makes the process fit to run a command, however it was started.

    Raises:
        UserError: A word of the command line is not text.
    """
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


def _open_what_is_closed() -> None:
    """Leads standard streams that were closed (`>&-`) nowhere.

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
