"""Small JSON records under `state/`, which may be cut, empty or somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from orchestrator.store.errors import DamagedError, NotAFileError
from orchestrator.store.place import StoredFile, StoreFiles

_LARGEST = 64 << 20
"""Bytes; what a trial's own error says may be long, but not so."""


def read_record(
    place: StoreFiles, record: str | StoredFile, what: str, remedy: str | Callable[[], str]
) -> dict[str, Any] | None:
    """Returns the object in a record's file, None where there is no such file.

    Args:
        place: Where it is.
        record: The file as it was listed, or its key.
        what: What it should be, with its article: "a proposal".
        remedy: What to do if it is not; a function where that takes time to find out.

    Raises:
        DamagedError: It is not a JSON object, or endless.
        StoreUnusableError: It cannot be read.
    """
    key = record if isinstance(record, str) else record.key
    try:
        data = place.get(key, _LARGEST) if isinstance(record, str) else place.read(record, _LARGEST)
        found = {} if data is None else json.loads(data)
    except (NotAFileError, ValueError, RecursionError) as error:
        raise damaged(place.name(key), what, _said(remedy)) from error
    if not isinstance(found, dict):
        raise damaged(place.name(key), what, _said(remedy))
    return None if data is None else found


def _said(remedy: str | Callable[[], str]) -> str:
    return remedy if isinstance(remedy, str) else remedy()


def damaged(name: str, what: str, remedy: str) -> DamagedError:
    """Returns the error for a record that is cut, changed or foreign."""
    return DamagedError(f"{name} is not {what} of this sweep: cut, changed or foreign; {remedy}.")
