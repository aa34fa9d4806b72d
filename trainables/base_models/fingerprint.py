"""Says which weights a base model has, so that an adapter is never put on others.

What it covers is every byte of the safetensors files: names, shapes and types of the weights, and
their values. It does not cover configuration and tokenizer.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from trainables.base_models.locations import WEIGHTS, Location, locate

_SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(name: str, revision: str | None = None) -> str | None:
    """Returns the SHA-256 of a base model's weights, as `sha256sum` prints it for the file.

    Of several files (shards) it is that of what `sha256sum` prints for all of them. A file is read
    once in a process for as long as it stays the same: about a second for each GB. Files from the
    hub are not read: its cache names them by their SHA-256.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub.

    Returns:
        64 hexadecimal digits; None where the weights are not on this machine.
    """
    location = locate(name, revision)
    weights = location.weights()
    if not weights:
        return None
    if weights == (WEIGHTS,):
        return _digest_of(location, WEIGHTS)
    total = hashlib.sha256()
    for shard in weights:
        digest = _digest_of(location, shard)
        if digest is None:
            return None
        total.update(f"{digest}  {shard}\n".encode())
    return total.hexdigest()


def _digest_of(location: Location, file: str) -> str | None:
    path = location.file(file)
    return None if path is None else _digest(path)


def _digest(path: Path) -> str:
    real = path.resolve()
    if _SHA256.fullmatch(real.name):  # a blob of the hub's cache
        return real.name
    status = real.stat()
    return _read(real, status.st_mtime_ns, status.st_size, status.st_ino)


@lru_cache(maxsize=64)
def _read(path: Path, *state: int) -> str:
    """Returns the digest of a file; `state` changes when the file does."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
