"""Kills whichever process makes a certain one of the calls that change a sweep's files.

A `sitecustomize` that imports it has it in every process of a sweep from its start. What is staged
does not count.
"""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

from tests.orchestrator.file_calls import Call, watch

_FOLDER, _COUNT, _NUMBER = "KILLED_AT_FOLDER", "KILLED_AT_COUNT", "KILLED_AT_NUMBER"


def environment(folder: Path, own: Path, number: int = 0) -> dict[str, str]:
    """Returns what is in the environment of a sweep whose process is killed.

    Args:
        folder: Of its store.
        own: A folder beside it, for the count of the calls; they are counted over several starts.
        number: Of the call before which to kill, from 1; 0 to kill nobody.
    """
    own.mkdir(exist_ok=True)
    (own / "sitecustomize.py").write_text(f"import {__name__}\n")
    top = Path(__file__).parents[2]
    return {
        "PYTHONPATH": os.pathsep.join([str(own), str(top)]),
        _FOLDER: str(folder),
        _COUNT: str(own / "calls"),
        _NUMBER: str(number),
    }


def counted(own: Path) -> int:
    """Returns how many calls there were."""
    return (own / "calls").stat().st_size


def _count(call: Call) -> None:
    if call.key.startswith("staging"):
        return
    with Path(os.environ[_COUNT]).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        number = os.fstat(file.fileno()).st_size + 1
        file.write(b".")
        file.flush()
        if number == int(os.environ[_NUMBER]):
            os.kill(os.getpid(), signal.SIGKILL)


if _FOLDER in os.environ:
    watch(Path(os.environ[_FOLDER]), _count)
