"""Errors that cross the wall, told apart by their base class instead of by a list of names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LACK_OF_MEMORY = (
    "out of memory",  # CUDA's allocator and driver, MPS
    "cublas_status_alloc_failed",  # cuBLAS allocates outside torch's allocator
    "cudnn_status_alloc_failed",
    "invalid buffer size",  # MPS: larger than any single buffer may be
)
"""How a lack of device memory reads where it is a plain `RuntimeError`, in small letters."""

NO_DOWNLOAD = "use `--profile embedded`, which needs no download"
"""A remedy, where something of the hub's cannot be had."""


class UserError(Exception):
    """What the user can mend: its text says what is wrong and what to do about it.

    The commands print the text alone, without a traceback. Whatever derives from this class is
    handled so: a new class of errors is added nowhere else.
    """


class SharedError(UserError):
    """What all trials of a sweep share cannot be used: it stops the sweep and fails no trial."""


class PeerLostError(Exception):
    """Another worker of a trial's group is gone, or does not answer: it knows why, not this one."""


def lacks_memory(error: BaseException) -> bool:
    """Returns whether an error is a lack of memory, a device's or the machine's."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"  # torch's, which is not imported here
        or (
            isinstance(error, RuntimeError)
            and any(text in str(error).lower() for text in _LACK_OF_MEMORY)
        )
    )


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Returns the valid name that looks most like a wrong one, or None if none does.

    Upper and lower case count as the same. At a similarity of 0.6 (twice the characters in common
    over those of both names) one slip in a name of three letters is found, and names as different
    as "alpha" and "rank" are not.

    Args:
        name: What the user wrote.
        valid: The names that would have done.
    """
    by_folded = {option.casefold(): option for option in valid}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
