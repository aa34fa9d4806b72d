"""Rows that are of no use: which they are, why, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainables.data.errors import DatasetError

ERROR, SKIP = "error", "skip"
POLICIES = (ERROR, SKIP)
"""What `bad_rows` may be: a data set with bad rows is refused, or read without them."""

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be trained on, nor scored.

    Attributes:
        place: Where it stands, such as "train.csv, line 7".
        reason: What is wrong with it, as a predicate.
    """

    place: str
    reason: str


def said(bad: Sequence[BadRow]) -> str:
    """Returns the first of them in words; there is at least one."""
    named = "; ".join(f"{row.place} {row.reason}" for row in bad[:_MOST_NAMED])
    left = len(bad) - _MOST_NAMED
    return f"{named}; and {left:,} more" if left > 0 else named


def refuse(dataset: str, bad: Sequence[BadRow], rows: int) -> DatasetError:
    """Returns the error for a data set with bad rows.

    Args:
        dataset: Its name.
        bad: All of them, at least one.
        rows: How many there are that are not bad.
    """
    number = f"{len(bad):,} bad row{'' if len(bad) == 1 else 's'}"
    remedy = "mend them, or leave them out with `--set bad_rows=skip`"
    if not rows:
        remedy = "it has no other rows, so mend them, or name the columns with `columns`"
    return DatasetError(
        f"The data set {dataset!r} has {number} beside {rows:,} good ones: {said(bad)}; {remedy}."
    )
