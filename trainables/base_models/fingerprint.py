"""Says which weights a base model has, so that an adapter is never put on others.

What it covers is every byte of the safetensors files: names, shapes and types of the weights, and
their values. It does not cover configuration and tokenizer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from trainables.base_models.availability import WEIGHTS, WEIGHTS_INDEX, cached_file

_SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(name: str, revision: str | None = None) -> str | None:
    """Returns the SHA-256 of a base model's weights, as `sha256sum` prints it for the file.

    Of several files (shards) it is that of what `sha256sum` prints for all of them. A file is read
    once in a process for as long as it stays the same: about a second for each GB. Files from the
    hub are not read: its cache names them by their SHA-256.

    Args:
        name: A checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub.

    Returns:
        64 hexadecimal digits; None where the weights are not on this machine.
    """
    folder = Path(name).expanduser()

    def in_folder(file: str) -> Path | None:
        return folder / file if (folder / file).is_file() else None

    def in_cache(file: str) -> Path | None:
        return cached_file(name, file, revision)

    find: Callable[[str], Path | None] = in_folder if folder.is_dir() else in_cache
    if (single := find(WEIGHTS)) is not None:
        return _digest(single)
    index = find(WEIGHTS_INDEX)
    if index is None:
        return None
    shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    total = hashlib.sha256()
    for shard in shards:
        path = find(shard)
        if path is None:
            return None
        total.update(f"{_digest(path)}  {shard}\n".encode())
    return total.hexdigest()


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
