"""Where a Ray that is started here keeps its logs and sockets: a folder whose name is short enough.

The path of a Unix socket has at most 107 bytes on Linux and 103 on macOS. Ray (2.60) takes TMPDIR,
puts `/ray/session_<time>_<pid>/sockets/plasma_store` behind it, and ends in a traceback where that
is longer: batch systems give every job a TMPDIR that is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from orchestrator.ray_tune.access import AccessError

VARIABLE = "RAY_TMPDIR"
SHORT = "/tmp"

_MOST_BYTES = 103 if sys.platform == "darwin" else 107
_BEHIND = len("/ray/session_2026-11-25_18-29-56_123456_4194304/sockets/plasma_store")


def keep_short(environment: MutableMapping[str, str] = os.environ) -> None:
    """Lets Ray use `/tmp` where TMPDIR is too long for its sockets.

    Args:
        environment: Of this process, which Ray reads.

    Raises:
        AccessError: RAY_TMPDIR is too long, or `/tmp` cannot be used in place of TMPDIR.
    """
    given = environment.get(VARIABLE)
    if given is not None:
        if not _fits(given):
            raise AccessError(
                f"{VARIABLE} is {given!r}, which is {_excess(given)} bytes too long for the sockets"
                f" that Ray makes below it; set it to a shorter one, e.g. {VARIABLE}={SHORT}."
            )
        return
    temporary = environment.get("TMPDIR")
    if temporary is None or sys.platform == "darwin" or _fits(temporary):
        return
    if not os.access(SHORT, os.W_OK | os.X_OK):
        raise AccessError(
            f"TMPDIR is {temporary!r}, which is {_excess(temporary)} bytes too long for the sockets"
            f" that Ray makes below it, and {SHORT} cannot be written to; set {VARIABLE} to a"
            " folder of your own with a short name."
        )
    environment[VARIABLE] = SHORT


def _fits(folder: str) -> bool:
    return _excess(folder) <= 0


def _excess(folder: str) -> int:
    return len(os.fsencode(Path(folder).absolute())) + _BEHIND - _MOST_BYTES
