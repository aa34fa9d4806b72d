"""What goes wrong with a data set."""

from __future__ import annotations

from trainables.contract.errors import SharedError


class DatasetError(SharedError):
    """A data set cannot be read, lacks what is needed, or is too small."""
