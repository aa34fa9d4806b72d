"""Which side of a split a group of rows stands on.

It follows from the group's name and the seed alone: not from where its rows stand in a table, nor
from how many there are. So rows that are appended move none, and a table that grows can be trained
on again without what was tested on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.errors import DatasetError
from trainables.data.tables import Example

Side = Literal["train", "validation", "test"]

SIDE_SHARE = 0.2
"""Of the groups, for the test, and again for validation. With 50 groups 10 are on a side, give or
take 3, and with the 20 that there must be one in a hundred tables has none."""

FEWEST_GROUPS = 20
MOST_OF_ONE = 0.5
"""Share of the rows of the largest group: what is left on the other sides would say little."""


def side_of(group: str, seed: int) -> Side:
    """Returns the side of a group.

    Args:
        group: Its name, from `trainables.data.schema_groups`.
        seed: Of the sweep's rows.
    """
    drawn = _digest("side", seed, group) / 2**64
    if drawn < SIDE_SHARE:
        return "test"
    return "validation" if drawn < 2 * SIDE_SHARE else "train"


def in_random_order(examples: Sequence[Example], seed: int) -> list[Example]:
    """Returns the rows in a random order, in which rows of a longer table only come between.

    Args:
        examples: In any order; no two with the same texts.
        seed: Of the sweep's rows.
    """
    return sorted(
        examples, key=lambda row: _digest("row", seed, row.sql_prompt, row.sql_context, row.sql)
    )


def check_groups(groups: Sequence[str], dataset: str, split_by: str) -> None:
    """Checks that rows can be split by these groups.

    Args:
        groups: One a row.
        dataset: Name of the data set, for messages.
        split_by: "schema" or the name of a column.

    Raises:
        DatasetError: There are too few groups, or one has most of the rows; says what to do.
    """
    sizes = Counter(groups)
    by_schema = split_by == BY_SCHEMA
    one = len(sizes) == 1
    named = f"schema{'' if one else 's'}"
    if not by_schema:
        named = f"value{'' if one else 's'} in the column {split_by!r}"
    remedy = (
        f"give single rows to training, validation and test with `--set split_by={BY_ROW}` (the"
        f" test then says nothing of schemas that the model has not seen), or name"
        f" {'a' if by_schema else 'another'} column to split by with `--set split_by=COLUMN`."
    )
    if len(sizes) < FEWEST_GROUPS:
        raise DatasetError(
            f"The data set {dataset!r} has {len(sizes):,} {named}, and its rows are split so that"
            f" none stands on two sides, which takes at least {FEWEST_GROUPS}; {remedy}"
        )
    largest = max(sizes.values())
    if largest > MOST_OF_ONE * len(groups):
        raise DatasetError(
            f"Of the {len(groups):,} rows of the data set {dataset!r} {largest:,} have one of its"
            f" {len(sizes):,} {named}, and its rows are split so that none stands on two sides,"
            f" which takes one with at most half of the rows; {remedy}"
        )


def _digest(*parts: object) -> int:
    text = "\0".join(map(str, parts))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")
