"""What can go wrong in the experiment store.

Each error is one sentence that names the path and the remedy. "It failed" (`NotPublishedError`) is
kept apart from "it is unknown whether it happened" (`PublicationUnknownError`), because only the
first may be treated as if nothing had been written.
"""

from __future__ import annotations

from orchestrator.errors import CommandError, UserError


class StoreError(CommandError):
    """Any problem with the experiment store."""


class StoreUnusableError(StoreError, UserError):
    """The root is no folder, or its folders cannot be made or read: the user names another one."""


class NotPublishedError(StoreError):
    """The file was not published: readers will never see it, and publishing may be tried again."""


class PublicationUnknownError(StoreError):
    """The file may be there or not after a crash of the machine; publishing again settles it."""


class UnreadableFileError(StoreError):
    """A file under one of the tables is not a Parquet file of that table."""


class NewerSchemaError(StoreError):
    """A file was written by a newer version of this package than the one that reads it."""


class DamagedError(StoreError):
    """A row or a file of the store's is not what this package writes: cut, changed or foreign."""


class NotAFileError(DamagedError):
    """What has the name of a file is none, or larger than any of the store's."""
