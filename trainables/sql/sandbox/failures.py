"""Why a function that says a construct of another dialect gives no value. Standard library only."""

from __future__ import annotations


class FailsThere(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The call is an error in the dialect that it comes from, too."""


class MeaningUnknown(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """What the dialect would return for these values is not known here."""


class TooLarge(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The value passes the limit on a value's size."""
