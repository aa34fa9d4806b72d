"""Which sources of this package a machine runs: one digest of all of them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_TOP = Path(__file__).resolve().parents[2]
_PACKAGES = ("orchestrator", "trainables")


@cache
def sources_digest(top: Path = _TOP) -> str:
    """Returns 16 hexadecimal digits of every module of the two packages, by name and content.

    A version number would not tell a checkout that was edited from one that was not.

    Args:
        top: The folder in which the packages lie.
    """
    found = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((top / package).rglob("*.py")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{content}  {path.relative_to(top).as_posix()}\n".encode())
    return found.hexdigest()[:16]
