"""What a child process gives up before it does anything. Standard library only."""

from __future__ import annotations

import resource
from contextlib import suppress


def limit_resources(address_bytes: int, *, open_files: int | None = None) -> None:
    """Lets this process write no file, start no process and leave no core, and limits its memory.

    Args:
        address_bytes: Address space; macOS has no working limit of it.
        open_files: How many files may be open, standard input, output and error among them; None
            leaves that as it is.
    """
    for kind, most in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_AS", address_bytes),
        ("RLIMIT_NOFILE", open_files),
    ):
        if most is not None:
            with suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, kind), (most, most))
