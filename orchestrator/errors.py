"""How a command ends: what of an error is said to the user, and the exit code.

An error that derives from `UserError` or `CommandError` ends a command with its text and without a
traceback. A new class of errors is added nowhere else.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from trainables.contract.errors import UserError, nearest
from trainables.contract.visible import INVISIBLE, visible, visible_line

__all__ = [
    "INVISIBLE",
    "CommandError",
    "ExitCode",
    "Terminated",
    "UserError",
    "exit_code_of",
    "exit_codes",
    "nearest",
    "remedy",
    "visible",
    "visible_line",
]


class ExitCode(IntEnum):
    """The exit codes of the commands, beside 0 for success."""

    ERROR = 1
    """Anything that is not one of the others."""
    USER = 2
    """The user can mend it: a mistake in a file or an option, a model that is not there."""
    LIMIT = 3
    """A limit was reached; the same command continues."""
    INTERRUPTED = 130
    """Ctrl-C, as a shell has it: 128 and the signal's number."""
    TERMINATED = 143
    """SIGTERM."""


class CommandError(Exception):
    """Ends a command; its text is all that is printed.

    Attributes:
        exit_code: Of the command; a subclass may have another one.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR


class Terminated(KeyboardInterrupt):
    """The process has received SIGTERM."""


_CAUSES = {
    errno.ENOSPC: ("the disk is full", "free some space and run the same command again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run the same command again"),
    errno.EFBIG: (
        "the file size limit is reached",
        "raise it (ulimit -f) and run the same command again",
    ),
    errno.EROFS: ("the file system is read-only", "{elsewhere}"),
    errno.EACCES: ("this user may not write there", "change its permissions or {elsewhere}"),
    errno.EPERM: (
        "the operation is not permitted there (a file system without hard links?)",
        "{elsewhere}",
    ),
    errno.EOPNOTSUPP: ("the file system has no hard links", "{elsewhere}"),
    errno.EXDEV: ("staging and tables lie on different file systems", "{elsewhere}"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "{elsewhere}"),
    errno.EEXIST: ("a file stands where a folder belongs", "{elsewhere}"),
}
"""By error number: what is wrong with a place that is written to, and what to do about it."""

_OF_ANY_FILE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)
"""Errors of the machine, whichever file is written; the others may be the program's own fault."""


def remedy(error: OSError, elsewhere: str = "choose another folder with --root") -> str:
    """Returns what is wrong with the disk or the permissions, and what to do about it.

    Args:
        error: Raised when something was to be written.
        elsewhere: How the user chooses another place, e.g. "name another folder".
    """
    known = _CAUSES.get(error.errno or 0)
    if known is None:
        words = error.strerror or str(error)
        return words if error.errno is None else f"{words} (errno {error.errno})"
    cause, advice = known
    return f"{cause}; {advice.format(elsewhere=elsewhere)}"


def told(error: BaseException) -> str:
    """Returns what an error says; of a place that cannot be written to also what to do about it."""
    if not isinstance(error, OSError) or error.errno not in _OF_ANY_FILE:
        return str(error)
    _, advice = _CAUSES[error.errno]
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}; {advice.format(elsewhere='name another place')}."


def exit_code_of(error: BaseException) -> ExitCode | None:
    """Returns the exit code for an error that is reported in one message.

    None means a fault of the program, which is reported with its traceback.
    """
    match error:
        case Terminated():
            return ExitCode.TERMINATED
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case UserError():  # first: an unusable store is an error of the store and of the user's
            return ExitCode.USER
        case CommandError():
            return error.exit_code
        case OSError() if error.errno in _OF_ANY_FILE:
            return ExitCode.ERROR
        case _:
            return None


@contextmanager
def exit_codes(interrupted: Callable[[str], object] = lambda what: None) -> Iterator[None]:
    """Ends the process with the exit code of what is raised, if `exit_code_of` knows one.

    The error's text goes to standard error, without a traceback.

    Args:
        interrupted: Says that a signal ended the command; given "Interrupted" or "Terminated".

    Raises:
        SystemExit: With the exit code.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # here rather than at the interpreter's end, which reports no error
    except BrokenPipeError:  # whoever read the output has seen enough, as `head` does
        _drop_unwritable_output()
        sys.exit(ExitCode.ERROR)
    except (Exception, KeyboardInterrupt) as error:
        code = exit_code_of(error)
        if code is None:
            sys.excepthook = _show_fault
            raise
        if isinstance(error, KeyboardInterrupt):
            interrupted("Terminated" if isinstance(error, Terminated) else "Interrupted")
        else:
            print(visible(told(error)), file=sys.stderr)
            _drop_unwritable_output()
        sys.exit(code)


def _show_fault(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Prints a traceback as the interpreter does, but what a model or a file says as text."""
    said = "".join(traceback.format_exception(kind, error, trace))
    print(visible(said), end="", file=sys.stderr)


def _drop_unwritable_output() -> None:
    """Drops what standard output holds and cannot write: the interpreter would try it once more."""
    try:
        sys.stdout.flush()
    except OSError:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
