"""Tells the address of another store, such as `s3://bucket/folder`, from a path."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
"""Two letters or more: one is a drive's on Windows."""


def scheme_of(text: str) -> str | None:
    """Returns the scheme of an address, "s3" of `s3://bucket`; None for a path or an identifier.

    A path would take it for a folder named `s3:`, in which everything would lie unseen.
    """
    found = _SCHEME.match(text)
    return None if found is None else found[1].lower()
