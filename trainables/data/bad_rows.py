"""Rows that are of no use: which they are, why, and what is said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trainables.data.errors import DatasetError

ERROR, SKIP = "error", "skip"
"""What `bad_rows` may be: a data set with bad rows is refused, or read without them."""

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be trained on, nor scored.

    Attributes:
        place: Where it stands, such as "train.csv, line 7".
        reason: What is wrong with it, to end a sentence.
        value: What stands there, where that tells something, in a few characters.
    """

    place: str
    reason: str
    value: str = ""


def said(bad: Sequence[BadRow]) -> str:
    """Returns in words what is wrong, each with the first row of which it is; there is one."""
    reasons = Counter(row.reason for row in bad)
    first = {row.reason: row for row in reversed(bad)}
    words = []
    for reason, count in reasons.most_common(_MOST_NAMED):
        row = first[reason]
        more = f" (and {count - 1:,} more)" if count > 1 else ""
        words.append(f"{row.place} {reason}{f': {row.value}' if row.value else ''}{more}")
    left = len(reasons) - _MOST_NAMED
    return "; ".join([*words, *([f"and {left:,} other reasons"] if left > 0 else [])])


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
        f"The data set {dataset!r} has {number} beside {rows:,} good"
        f" one{'' if rows == 1 else 's'}: {said(bad)}; {remedy}."
    )
