"""The SHA-256 of large files, remembered between processes for as long as a file stays the same.

    $FINETUNE_SWEEP_CACHE/digests/<SHA-256 of the path>.json

A file is the same if device, inode, size and the times of its last changes are, that of its inode
among them, which no program can set. A file that has changed within `SETTLED_SECONDS` is read and
not remembered: clocks of file systems are coarse, and it may change again at the same time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import time
from functools import lru_cache
from pathlib import Path

from trainables.runtime.cache_folder import cache_folder

LEAST_BYTES = 16 << 20
"""Smaller files are read faster than it is worth to remember them."""

SETTLED_SECONDS = 2.0

_SHA256 = re.compile(r"[0-9a-f]{64}")
_State = tuple[int, ...]


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file's content in hexadecimal digits, about a second for each GB.

    A file that stays the same is read once in a process, and a large one once on the machine.

    Args:
        path: A file; links are followed.

    Raises:
        OSError: It cannot be read.
    """
    real = path.resolve()
    return _known(real, _state(real))


@lru_cache(maxsize=256)
def _known(path: Path, state: _State) -> str:
    record = _record(path) if state[2] >= LEAST_BYTES else None
    if record is not None and (digest := _remembered(record, state)) is not None:
        return digest
    begun = time.time()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    settled = begun - max(state[3:]) / 1e9 > SETTLED_SECONDS
    if record is not None and settled and _state(path) == state:
        _remember(record, state, digest)
    return digest


def _state(path: Path) -> _State:
    status = path.stat()
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _record(path: Path) -> Path | None:
    folder = cache_folder("digests")
    name = hashlib.sha256(os.fsencode(path)).hexdigest()
    return None if folder is None else folder / f"{name}.json"


def _remembered(record: Path, state: _State) -> str | None:
    try:
        known = json.loads(record.read_bytes())
        digest = known["sha256"] if known["state"] == list(state) else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return digest if isinstance(digest, str) and _SHA256.fullmatch(digest) else None


def _remember(record: Path, state: _State, digest: str) -> None:
    with contextlib.suppress(OSError):  # a cache that cannot be written is only slow
        record.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=record.parent, delete=False) as staged:
            json.dump({"state": state, "sha256": digest}, staged)
        Path(staged.name).replace(record)
