"""What a table file holds, as it stands there: names of columns, values, and places of rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from trainables.data.bad_rows import BadRow


@dataclass(frozen=True)
class RawTable:
    """A table as its file has it.

    Attributes:
        names: Of its columns, in their order; one may occur twice.
        count: Of its rows, without those that are broken.
        values: Returns a column's values, one a row; None where a row has none.
        place: Returns where a row stands: "line 7", "row 7".
        nested: Columns whose values are objects or lists.
        broken: What could not be read as a row; places as `place` has them.
    """

    names: Sequence[str]
    count: int
    values: Callable[[str], Sequence[Any]]
    place: Callable[[int], str]
    nested: Collection[str] = ()
    broken: Sequence[BadRow] = ()
