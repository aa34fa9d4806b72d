"""What lies in the folders of the tables and is read by nobody: most often a sweep, renamed."""

from __future__ import annotations

from orchestrator.store.keys import is_id
from orchestrator.store.place import Root
from orchestrator.store.reader import SUFFIX, SWEEP
from orchestrator.store.roots import open_root
from orchestrator.store.schema import TABLES

_HIDDEN = "."
_MOST_NAMED = 3


def unread(root: Root) -> str | None:
    """Returns in a sentence which folders and Parquet files of the tables are not read.

    Hidden ones, and files of other kinds, are another tool's.

    Args:
        root: Of the store; it may be absent.

    Returns:
        None where everything is.

    Raises:
        StoreUnusableError: The bucket cannot be read.
        DamagedError: The folder of a table is a link.
    """
    place = open_root(root)
    names = [(table, name) for table in TABLES for name in place.names(table)]
    found = [
        place.name(f"{table}/{name}").rstrip("/")
        for table, name in names
        if not name.startswith(_HIDDEN) and name.endswith(("/", SUFFIX)) and not _is_read(name)
    ]
    if not found:
        return None
    more = len(found) - _MOST_NAMED
    named = ", ".join(found[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return (
        f"Not read: {named}. A sweep's rows lie in a folder named {SWEEP}ID by its id: rename what"
        " is one, and move the rest out of the store."
    )


def _is_read(name: str) -> bool:
    return name.startswith(SWEEP) and name.endswith("/") and is_id(name[len(SWEEP) : -1])
