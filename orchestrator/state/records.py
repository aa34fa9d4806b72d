"""Small JSON records under `state/`, which may be cut, empty or somebody else's."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.store.errors import DamagedError, StoreUnusableError

_LARGEST = 64 << 20
"""Bytes; what a trial's own error says may be long, but not so."""


def read_record(path: Path, what: str, remedy: str | Callable[[], str]) -> dict[str, Any]:
    """Returns the object in a record's file.

    Args:
        path: The file.
        what: What it should be, with its article: "a proposal".
        remedy: What to do if it is not; a function where that takes time to find out.

    Raises:
        DamagedError: It is not a JSON object, or endless.
        StoreUnusableError: It cannot be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise damaged(path, what, _said(remedy))
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise StoreUnusableError(
            f"{path} cannot be read: {error.strerror or error}; change its permissions."
        ) from error
    except (ValueError, RecursionError) as error:
        raise damaged(path, what, _said(remedy)) from error
    if not isinstance(record, dict):
        raise damaged(path, what, _said(remedy))
    return record


def _said(remedy: str | Callable[[], str]) -> str:
    return remedy if isinstance(remedy, str) else remedy()


def damaged(path: Path, what: str, remedy: str) -> DamagedError:
    """Returns the error for a record that is cut, changed or foreign."""
    return DamagedError(f"{path} is not {what} of this sweep: cut, changed or foreign; {remedy}.")
