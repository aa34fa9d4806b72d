"""What goes wrong with a data set."""

from __future__ import annotations


class DatasetError(Exception):
    """A data set cannot be read, lacks what is needed, or is too small."""
